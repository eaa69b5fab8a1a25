package org.libtorque.memory;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.function.LongConsumer;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Handles;
import org.libtorque.sys.Mapping;
import org.libtorque.sys.SyscallException;

/**
 * One mapping with objects of equal size, and which of them are free: what {@link Pool} has one of and {@link Slab} many. Free objects are linked by their indices in {@code next}, beside the
 * memory and not in it, so that what a constructor has made of an object stays.
 *
 * <p>{@code next[i]} is OUT while object i is out; otherwise i is in the owner's free list, or on the stack of what others have given back, which the owner takes as a whole
 * (Treiber 1986, without removal of one element, so without ABA). Who gives an object back changes OUT by compare-and-set, so one that is given back twice is always found out.
 */
final class ObjectChunk {
    private static final int NONE = -1, OUT = -2;
    private static final VarHandle NEXT = MethodHandles.arrayElementVarHandle(int[].class);
    private static final VarHandle RETURNED = Handles.field(MethodHandles.lookup(), "returned", int.class);

    /** The mapping, and where its first object is. */
    final long base, bytes, first;
    private final long stride;
    private final int[] next;
    private int free;
    /** How many the owner has given out and not got back, those on the stack included. */
    private int out;
    /** Top of the stack: pushed by any thread, taken by the owner. */
    private int returned = NONE;
    /** The slab's list that it is in, and its neighbours there. */
    ObjectChunk nextChunk, previousChunk;

    /** Takes a mapping, and has all its objects constructed; if that fails, it is unmapped. */
    static ObjectChunk of(long base, long bytes, long first, long stride, int count, LongConsumer constructor) {
        try {
            return new ObjectChunk(base, bytes, first, stride, count, constructor);
        } catch (Throwable e) {
            unmap(base, bytes);
            throw e;
        }
    }

    ObjectChunk(long base, long bytes, long first, long stride, int count, LongConsumer constructor) {
        this.base = base;
        this.bytes = bytes;
        this.first = first;
        this.stride = stride;
        next = new int[count];
        for (int i = 0; i < count; i++) next[i] = i + 1 < count ? i + 1 : NONE;
        if (constructor != null) forEach(constructor);
    }

    /**
     * Maps memory whose address is a multiple of {@code alignment}, a power of two; 0 if the kernel gives none.
     *
     * @param bytes a multiple of the page size
     */
    static long map(long bytes, long alignment) {
        ErrnoSlot errno = ErrnoSlot.current();
        long extra = alignment > Mapping.PAGE_SIZE ? alignment : 0;
        long address = Mapping.mmap(errno, 0, bytes + extra, Mapping.PROT_READ | Mapping.PROT_WRITE, Mapping.MAP_PRIVATE | Mapping.MAP_ANONYMOUS | Mapping.MAP_NORESERVE, -1, 0);
        if (address < 0) return 0; // ENOMEM and the like: an ordinary state
        long aligned = address + alignment - 1 & -alignment;
        if (extra == 0) return address;
        unmap(address, aligned - address);
        unmap(aligned + bytes, address + extra - aligned);
        return aligned;
    }

    static void unmap(long address, long bytes) {
        if (bytes > 0) SyscallException.check(Mapping.munmap(ErrnoSlot.current(), address, bytes), "munmap", "address={}", address);
    }

    int count() { return next.length; }

    int out() { return out; }

    boolean isFull() { return free == NONE; }

    void forEach(LongConsumer action) {
        for (int i = 0; i < next.length; i++) action.accept(first + i * stride);
    }

    /** Owner: takes a free object; there must be one. */
    long take() {
        int i = free;
        free = next[i];
        NEXT.setRelease(next, i, OUT); // before its address goes anywhere; pairs with giveBack
        out++;
        return first + i * stride;
    }

    /** Owner: gives an object back. */
    void put(long address) {
        int i = indexOf(address);
        if (!NEXT.compareAndSet(next, i, OUT, free)) throw notOut(address);
        free = i;
        out--;
    }

    /** Any thread: gives an object back. */
    void giveBack(long address) {
        int i = indexOf(address);
        if (!NEXT.compareAndSet(next, i, OUT, NONE)) throw notOut(address);
        int top;
        do {
            top = (int) RETURNED.getOpaque(this);
            NEXT.setOpaque(next, i, top);
        } while (!RETURNED.weakCompareAndSetRelease(this, top, i)); // publishes the link and what was done to the object; pairs with takeReturned
    }

    /** Owner: moves what others have given back to the free list; returns how many. */
    int takeReturned() {
        if ((int) RETURNED.getOpaque(this) == NONE) return 0;
        int i = (int) RETURNED.getAndSetAcquire(this, NONE);
        int taken = 0;
        for (; i != NONE; taken++) {
            int below = next[i];
            next[i] = free;
            free = i;
            i = below;
        }
        out -= taken;
        return taken;
    }

    private int indexOf(long address) {
        long offset = address - first;
        int i = offset >= 0 && offset < next.length * stride ? (int) (offset / stride) : NONE;
        if (i == NONE || i * stride != offset) throw new IllegalArgumentException("0x" + Long.toHexString(address) + " is not an object of this allocator");
        return i;
    }

    private static IllegalStateException notOut(long address) { return new IllegalStateException("object 0x" + Long.toHexString(address) + " was given back twice"); }

    /** Has all objects destroyed and unmaps. Nothing may use one any more. */
    void release(LongConsumer destructor) {
        if (destructor != null) forEach(destructor);
        unmap(base, bytes);
        Arrays.fill(next, NONE);
    }

    /** Rounds a size up to a multiple of a power of two. */
    static long roundUp(long bytes, long to) { return bytes + to - 1 & -to; }

    static void check(long objectBytes, long alignment) {
        if (objectBytes < 1 || objectBytes > 1L << 30) throw new IllegalArgumentException("objects of " + objectBytes + " bytes: must be 1 to 2^30");
        if (Long.bitCount(alignment) != 1 || alignment > Mapping.PAGE_SIZE) {
            throw new IllegalArgumentException("alignment " + alignment + ": must be a power of two, and at most a page");
        }
    }
}
