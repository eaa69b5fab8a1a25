package org.libtorque.thread;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Objects;
import org.libtorque.sys.Handles;

/**
 * A bag of items with slots, for caches of like objects of which any will do: parlib's wait-free list (Klues 2015, 2.5.2). Any thread may call anything; nobody ever waits for
 * another.
 *
 * <p>Slots are in chunks that are linked and never go away. An item is put into the first empty slot, by a compare-and-set, and taken from the first full one, by an exchange with
 * null. <b>Guarantee.</b> Every method looks at each slot at most once, so it ends after as many steps as there are slots, whatever others do. The exception is an insertion that finds
 * all slots full: it claims a new one by a fetch-and-add, in the last chunk or in one that it appends; it goes on to the next chunk only if others have claimed all of
 * this one meanwhile.
 *
 * <p><b>Consistency.</b> An item is given to exactly one remover. A remover may miss an item that is inserted while it looks, also in a slot that it has passed; one that was there
 * before it began, and that nobody else takes, is found. There is no order. Inserting happens before removing of the same item.
 *
 * <p>Allocates only when the list grows, by a chunk of {@value #CHUNK_SLOTS} slots. Rejected: slots of one item each as in parlib, which are a cache miss each, and whose appending is a
 * loop of compare-and-sets that others can hold up.
 *
 * @param <T> what is kept
 */
public final class WaitFreeList<T> {
    private static final int CHUNK_SLOTS = 32;
    private static final VarHandle ITEM = MethodHandles.arrayElementVarHandle(Object[].class);
    private static final VarHandle NEXT = Handles.field(MethodHandles.lookup(), Chunk.class, "next", Chunk.class);
    private static final VarHandle CLAIMED = Handles.field(MethodHandles.lookup(), Chunk.class, "claimed", int.class);

    private static final class Chunk {
        final Object[] items = new Object[CHUNK_SLOTS];
        /** Index of its first slot in the list. */
        final int first;
        /** How many slots are in use or about to be, at least; more than there are when others have come too late. */
        int claimed;
        /** Appended once. */
        Chunk next;

        Chunk(int first) { this.first = first; }

        int slots() { return Math.min((int) CLAIMED.getAcquire(this), CHUNK_SLOTS); }

        Chunk following() { return (Chunk) NEXT.getAcquire(this); }
    }

    private final Chunk head = new Chunk(0);
    /** The last chunk, or one before it: a hint for those who append. */
    private volatile Chunk last = head;

    /** Makes an empty list. */
    public WaitFreeList() {}

    /**
     * Puts an item in.
     *
     * @return the slot it is in, for {@link #removeFrom} and {@link #insertInto}; stays valid for ever
     */
    public int insert(T item) {
        Objects.requireNonNull(item);
        for (Chunk chunk = head; chunk != null; chunk = chunk.following()) {
            for (int i = 0, n = chunk.slots(); i < n; i++) {
                if (ITEM.getOpaque(chunk.items, i) == null && ITEM.compareAndSet(chunk.items, i, null, item)) return chunk.first + i;
            }
        }
        return append(item);
    }

    private int append(T item) {
        for (Chunk chunk = last; ; ) {
            if ((int) CLAIMED.getOpaque(chunk) < CHUNK_SLOTS) {
                int i = (int) CLAIMED.getAndAdd(chunk, 1);
                // Somebody else may put something into a claimed slot before us, having found it empty: then we claim another.
                if (i < CHUNK_SLOTS && ITEM.compareAndSet(chunk.items, i, null, item)) return chunk.first + i;
                if (i < CHUNK_SLOTS) continue;
            }
            Chunk next = chunk.following();
            if (next == null) {
                Chunk mine = new Chunk(Math.addExact(chunk.first, CHUNK_SLOTS));
                next = NEXT.compareAndSet(chunk, null, mine) ? mine : chunk.following();
            }
            last = next; // may go back when others are ahead: it is a hint
            chunk = next;
        }
    }

    /**
     * Puts an item into a slot, whatever is there.
     *
     * @param slot from {@link #insert}
     * @return what was there, or null
     * @throws IndexOutOfBoundsException if there is no such slot
     */
    public T insertInto(int slot, T item) { return exchange(slot, Objects.requireNonNull(item)); }

    /** Takes an item out, any; null if there is none. */
    public T remove() {
        for (Chunk chunk = head; chunk != null; chunk = chunk.following()) {
            for (int i = 0, n = chunk.slots(); i < n; i++) {
                if (ITEM.getOpaque(chunk.items, i) == null) continue;
                T item = itemOf(ITEM.getAndSet(chunk.items, i, null));
                if (item != null) return item;
            }
        }
        return null;
    }

    /**
     * Takes what is in a slot.
     *
     * @param slot from {@link #insert}
     * @return null if it is empty
     * @throws IndexOutOfBoundsException if there is no such slot
     */
    public T removeFrom(int slot) { return exchange(slot, null); }

    private T exchange(int slot, T item) {
        for (Chunk chunk = head; chunk != null && slot >= 0; chunk = chunk.following()) {
            int i = slot - chunk.first;
            if (i < CHUNK_SLOTS && i < chunk.slots()) return itemOf(ITEM.getAndSet(chunk.items, i, item));
        }
        throw new IndexOutOfBoundsException("slot " + slot + " of " + capacity());
    }

    /** Takes out all that is this very object; returns how many times it was there. */
    public int removeAll(T item) {
        Objects.requireNonNull(item);
        int removed = 0;
        for (Chunk chunk = head; chunk != null; chunk = chunk.following()) {
            for (int i = 0, n = chunk.slots(); i < n; i++) {
                if (ITEM.getOpaque(chunk.items, i) == item && ITEM.compareAndSet(chunk.items, i, item, null)) removed++;
            }
        }
        return removed;
    }

    /** Returns how many slots there are. */
    public int capacity() {
        int slots = 0;
        for (Chunk chunk = head; chunk != null; chunk = chunk.following()) slots += chunk.slots();
        return slots;
    }

    /** Returns how many items there are; exact when nothing is inserted or removed meanwhile. */
    public int size() {
        int size = 0;
        for (Chunk chunk = head; chunk != null; chunk = chunk.following()) {
            for (int i = 0, n = chunk.slots(); i < n; i++) if (ITEM.getOpaque(chunk.items, i) != null) size++;
        }
        return size;
    }

    @SuppressWarnings("unchecked") private T itemOf(Object object) { return (T) object; }

    @Override public String toString() { return "WaitFreeList[" + size() + " in " + capacity() + " slots]"; }
}
