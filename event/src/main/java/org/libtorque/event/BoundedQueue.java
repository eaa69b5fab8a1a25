package org.libtorque.event;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.libtorque.sys.Handles;

/** Keeps {@code tail} off the lines of whatever lies in front of the queue; see {@link BoundedQueue}. */
@SuppressWarnings("unused")
abstract class BoundedQueuePad0 {
    private long p00, p01, p02, p03, p04, p05, p06, p07, p08, p09, p0a, p0b, p0c, p0d, p0e, p0f;
}

/** Written by whoever puts. */
abstract class BoundedQueueTail extends BoundedQueuePad0 {
    /** The next position to fill. */
    long tail;
}

/** Keeps {@code tail} and {@code head} apart. */
@SuppressWarnings("unused")
abstract class BoundedQueuePad1 extends BoundedQueueTail {
    private long p10, p11, p12, p13, p14, p15, p16, p17, p18, p19, p1a, p1b, p1c, p1d, p1e, p1f;
}

/** Written by whoever takes. */
abstract class BoundedQueueHead extends BoundedQueuePad1 {
    /** The next position to take. */
    long head;
}

/** Keeps {@code head} off the lines of what follows. */
@SuppressWarnings("unused")
abstract class BoundedQueuePad2 extends BoundedQueueHead {
    private long p20, p21, p22, p23, p24, p25, p26, p27, p28, p29, p2a, p2b, p2c, p2d, p2e, p2f;
}

/**
 * A bounded queue: any thread puts, any thread takes, nobody blocks, nothing is allocated. After D. Vyukov's bounded MPMC queue (1024cores.net). cap = mask + 1, a power of two.
 *
 * <pre>{@code
 *   I1  head <= tail <= head + cap, and neither decreases
 *   I2  seq[p & mask] == p        position p is free; whoever moves tail from p to p + 1 fills it
 *   I3  seq[p & mask] == p + 1    position p is full; whoever moves head from p to p + 1 empties it
 *   I4  seq[p & mask] == p + cap  position p was taken; the cell waits for the next lap, as its position p + cap
 * }</pre>
 *
 * <p>An item is guarded by its cell's seq: written before the release that makes I3, read after the acquire that sees it; the other way round for I4. Head and tail only share out
 * positions, so their compare-and-sets need no order of their own.
 *
 * <p>Whoever has claimed a position and not yet filled it hides the full ones behind it: {@link #poll} then finds nothing, and {@code isEmpty} says so, though something was put. The
 * one who fills the position has to see to it that somebody looks again, which is why every put is followed by a wake-up of its own.
 */
final class BoundedQueue<T> extends BoundedQueuePad2 {
    private static final VarHandle TAIL = Handles.field(MethodHandles.lookup(), BoundedQueueTail.class, "tail", long.class);
    private static final VarHandle HEAD = Handles.field(MethodHandles.lookup(), BoundedQueueHead.class, "head", long.class);
    private static final VarHandle SEQ = MethodHandles.arrayElementVarHandle(long[].class);

    /** The largest capacity. */
    static final int MAX_CAPACITY = 1 << 20;

    private final Object[] items;
    private final long[] seq;
    private final int mask;

    /** @param capacity 1 to {@link #MAX_CAPACITY}; rounded up to a power of two, at least 2 */
    BoundedQueue(int capacity) {
        if (capacity < 1 || capacity > MAX_CAPACITY) throw new IllegalArgumentException("the capacity must be 1 to " + MAX_CAPACITY + ", not " + capacity);
        int cells = Math.max(2, Integer.highestOneBit(2 * capacity - 1));
        mask = cells - 1;
        items = new Object[cells];
        seq = new long[cells];
        for (int i = 0; i < cells; i++) seq[i] = i;
    }

    int capacity() { return mask + 1; }

    /** Puts an item at the end. Returns false if it is full. Any thread. */
    boolean offer(T item) {
        while (true) {
            long p = (long) TAIL.getOpaque(this); // a stale p only costs a retry
            long lap = (long) SEQ.getAcquire(seq, (int) p & mask) - p; // pairs with setRelease in poll
            if (lap < 0) return false; // the previous lap was not taken
            if (lap == 0 && TAIL.weakCompareAndSetPlain(this, p, p + 1)) {
                items[(int) p & mask] = item;
                SEQ.setRelease(seq, (int) p & mask, p + 1); // I2 -> I3, publishes the item
                return true;
            }
        }
    }

    /** Takes the item at the beginning, or returns null. Any thread. */
    @SuppressWarnings("unchecked")
    T poll() {
        while (true) {
            long p = (long) HEAD.getOpaque(this);
            int cell = (int) p & mask;
            long lap = (long) SEQ.getAcquire(seq, cell) - (p + 1); // pairs with setRelease in offer
            if (lap < 0) return null;
            if (lap == 0 && HEAD.weakCompareAndSetPlain(this, p, p + 1)) {
                T item = (T) items[cell];
                items[cell] = null;
                SEQ.setRelease(seq, cell, p + mask + 1); // I3 -> I4, hands the cell back
                return item;
            }
        }
    }

    /** Tells whether {@link #poll} would have found nothing. */
    boolean isEmpty() {
        while (true) {
            long p = (long) HEAD.getOpaque(this);
            long lap = (long) SEQ.getAcquire(seq, (int) p & mask) - (p + 1);
            if (lap < 0) return true;
            if (lap == 0) return false; // else p is stale
        }
    }

    /** Tells whether {@link #offer} would have found room. */
    boolean hasRoom() {
        while (true) {
            long p = (long) TAIL.getOpaque(this);
            long lap = (long) SEQ.getAcquire(seq, (int) p & mask) - p;
            if (lap < 0) return false;
            if (lap == 0) return true;
        }
    }

    /** Returns how many there are, about. */
    int size() { return Math.clamp((long) TAIL.getOpaque(this) - (long) HEAD.getOpaque(this), 0, mask + 1); }

    /** The invariants, while nobody is at work. */
    void checkInvariants() {
        check(head <= tail && tail <= head + capacity(), "head and tail", head, tail);
        for (long p = Math.max(0, tail - capacity()); p < tail; p++) {
            check(seq[(int) p & mask] == (p < head ? p + capacity() : p + 1), "seq", p, seq[(int) p & mask]);
            check((items[(int) p & mask] != null) == (p >= head), "item", p, head);
        }
    }

    private static void check(boolean ok, String what, long a, long b) {
        if (!ok) throw new IllegalStateException(what + " " + a + " " + b);
    }
}
