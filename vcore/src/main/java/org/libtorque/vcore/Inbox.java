package org.libtorque.vcore;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Objects;

/** Keeps {@code tail} off the lines of whatever lies in front of the inbox. */
@SuppressWarnings("unused")
abstract class InboxPad0 {
    private long p00, p01, p02, p03, p04, p05, p06, p07, p08, p09, p0a, p0b, p0c, p0d, p0e, p0f;
}

/** The posters' field. */
abstract class InboxTail extends InboxPad0 {
    /** Next position to claim; written by all posters, by compare-and-set. */
    long tail;
}

/** Keeps {@code tail} and {@code head} apart. */
@SuppressWarnings("unused")
abstract class InboxPad1 extends InboxTail {
    private long p10, p11, p12, p13, p14, p15, p16, p17, p18, p19, p1a, p1b, p1c, p1d, p1e, p1f;
}

/** The owner's field. */
abstract class InboxHead extends InboxPad1 {
    /** Next position to take; written by the owner alone, read by others for {@code size} only. */
    long head;
}

/** Keeps {@code head} away from what everybody reads. */
@SuppressWarnings("unused")
abstract class InboxPad2 extends InboxHead {
    private long p20, p21, p22, p23, p24, p25, p26, p27, p28, p29, p2a, p2b, p2c, p2d, p2e, p2f;
}

/** What everybody reads and nobody writes after construction. */
abstract class InboxCells extends InboxPad2 {
    /** The messages; the cell of position p is guarded by {@code seq[p & mask]}. */
    final Object[] items;
    /** The state of each cell; see {@link Inbox}. */
    final long[] seq;
    /** Capacity less one. */
    final int mask;

    InboxCells(int capacity) {
        if (capacity < 2 || Integer.bitCount(capacity) != 1) {
            throw new IllegalArgumentException("capacity " + capacity + ": must be a power of two, at least 2");
        }
        items = new Object[capacity];
        seq = new long[capacity];
        mask = capacity - 1;
        for (int i = 0; i < capacity; i++) seq[i] = i; // seq is final: safe also for those who get the inbox by a race
    }
}

/** Keeps what everybody reads off the lines of whatever lies behind the inbox. */
@SuppressWarnings("unused")
abstract class InboxPad3 extends InboxCells {
    private long p30, p31, p32, p33, p34, p35, p36, p37, p38, p39, p3a, p3b, p3c, p3d, p3e, p3f;

    InboxPad3(int capacity) { super(capacity); }
}

/**
 * Bounded inbox of one vcore: any thread posts, only the owner takes. Messages of one poster come out in the order in
 * which they went in. After D. Vyukov's bounded MPMC queue (1024cores.net), consumer side reduced to one thread. No
 * method blocks or allocates. cap = mask + 1, a power of two above 1.
 * <pre>
 *   I1  head &lt;= tail &lt;= head + cap, and neither decreases
 *   I2  seq[p &amp; mask] == p        position p is free; whoever moves tail from p to p + 1 fills it
 *   I3  seq[p &amp; mask] == p + 1    position p is full; only the owner may empty it
 *   I4  seq[p &amp; mask] == p + cap  position p was taken; the cell waits for the next lap
 * </pre>
 * Fields are inherited, in groups that lie at least 128 bytes apart (two lines of 64 bytes, since processors prefetch
 * them in pairs; one line where lines have 128): tail, written by all posters; head, written by the owner; items, seq
 * and mask, which never change. Items and seq elements are written by a poster between I2 and I3 and by the owner
 * between I3 and I4.
 *
 * <p>Positions are longs and do not wrap: at a message per nanosecond they last for 292 years.
 *
 * <p>An offer claims its position before it fills it. A poster that is descheduled in between hides the messages behind
 * it until it goes on; {@link #poll} and {@link #isEmpty} then behave as if the inbox ended there.
 *
 * <p>Which thread is the owner is the vcore's to check: it changes hands when a vcore gets another carrier, with a
 * happens-before edge between the old and the new one.
 *
 * @param <T> the kind of message
 */
final class Inbox<T> extends InboxPad3 {
    private static final VarHandle TAIL;
    private static final VarHandle HEAD;
    private static final VarHandle SEQ = MethodHandles.arrayElementVarHandle(long[].class);

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            TAIL = lookup.findVarHandle(InboxTail.class, "tail", long.class);
            HEAD = lookup.findVarHandle(InboxHead.class, "head", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /**
     * Creates an empty inbox.
     *
     * @param capacity how many messages it holds; a power of two, at least 2
     * @throws IllegalArgumentException if {@code capacity} is none such
     */
    Inbox(int capacity) { super(capacity); }

    /**
     * Posts a message. Any thread.
     *
     * @return false if the inbox is full; the message is then still the caller's
     */
    boolean offer(T item) {
        Objects.requireNonNull(item, "item");
        long[] seq = this.seq;
        int mask = this.mask;
        for (;;) {
            long p = (long) TAIL.getOpaque(this);                          // a stale p only costs a retry
            int cell = (int) p & mask;
            long lap = (long) SEQ.getAcquire(seq, cell) - p;               // pairs with setRelease in poll
            if (lap < 0) return false;                                     // previous lap not taken: full
            if (lap == 0 && TAIL.weakCompareAndSetPlain(this, p, p + 1)) { // plain: seq publishes, tail does not
                items[cell] = item;
                SEQ.setRelease(seq, cell, p + 1);                          // I2 -> I3, publishes item
                return true;
            }
        }
    }

    /**
     * Takes the oldest message. Owner only.
     *
     * @return null if there is none, or if the oldest is still being posted
     */
    @SuppressWarnings("unchecked")
    T poll() {
        long h = head;
        int cell = (int) h & mask;
        if ((long) SEQ.getAcquire(seq, cell) != h + 1) return null;        // pairs with setRelease in offer
        T item = (T) items[cell];
        items[cell] = null;
        HEAD.setOpaque(this, h + 1);                                       // opaque: untorn for size()
        SEQ.setRelease(seq, cell, h + mask + 1);                           // I3 -> I4, hands the cell back
        return item;
    }

    /**
     * Tells whether {@link #poll} would return null. Owner only.
     *
     * <p>This is the re-check of {@link WakeGate}'s owner. A message that an offer completed before its poster called
     * {@code claimWake} is seen after {@code announce}, or its poster sees the announcement. One that is hidden
     * behind a half-done offer is not seen, and need not be: the poster of the half-done one has still to call {@code
     * claimWake}, and will find the announcement. Answering 'not empty' in that case would make the owner spin for as
     * long as the poster is descheduled.
     */
    boolean isEmpty() {
        long h = head;
        return (long) SEQ.getAcquire(seq, (int) h & mask) != h + 1;
    }

    /** Returns about how many messages are in it, half-done ones included: 0 to {@link #capacity()}. Any thread. */
    int size() {
        long h = (long) HEAD.getOpaque(this);
        long t = (long) TAIL.getOpaque(this);
        return Math.clamp(t - h, 0, mask + 1);
    }

    /** Returns how many messages it holds at most. Any thread. */
    int capacity() { return mask + 1; }

    /**
     * Walks the structure. For tests; to be called when no other thread is in {@code offer} or {@code poll}.
     *
     * @throws AssertionError if I1 to I4 do not hold for every cell
     */
    void checkInvariants() {
        int capacity = mask + 1;
        long h = head;
        long t = tail;
        check(h >= 0 && h <= t && t <= h + capacity, "I1", h, t);
        for (long p = h; p < h + capacity; p++) {
            int cell = (int) p & mask;
            long expected = p < t ? p + 1 : p; // full, or free (which is I4 of the lap before)
            check(seq[cell] == expected, "seq", p, seq[cell]);
            check((items[cell] != null) == (p < t), "item", p, t);
        }
    }

    private void check(boolean ok, String what, long a, long b) {
        if (!ok) throw new AssertionError(this + ": " + what + " " + a + " " + b);
    }

    @Override public String toString() {
        return "Inbox[head=" + (long) HEAD.getOpaque(this) + ", tail=" + (long) TAIL.getOpaque(this) + ", capacity="
                + capacity() + "]";
    }
}
