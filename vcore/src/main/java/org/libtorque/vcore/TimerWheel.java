package org.libtorque.vcore;

import java.util.function.Consumer;

/**
 * Any number of timers, with start, stop and expiry in constant time: a hierarchical timing wheel (G. Varghese, T.
 * Lauck, 'Hashed and Hierarchical Timing Wheels', SOSP 1987, scheme 7). Owner thread only; nothing allocates after
 * construction, but for the growth of the heap of precise timers.
 *
 * <p><b>Idea.</b> Time is counted in ticks since the wheel's start. Write ticks in base 64: a timer lies at the level
 * of the highest digit in which its tick differs from {@code elapsed}, the tick up to which the wheel has been
 * turned, in the slot of its own digit there (the placement of tokio's {@code runtime/time/wheel}). All digits above
 * agree, so within a level slots are in the order of time and never wrap, and everything at one level comes before
 * everything at the next: the next thing to happen is the lowest bit of the lowest level that has one. When {@code
 * elapsed} reaches a slot of level 0, its timers are due; when it reaches a slot of a higher level, its timers
 * <i>cascade</i>: each goes to its new place, at a lower level. A timer cascades at most once for each level.
 *
 * <p>Due timers wait in a list, first in, first out, and are run from there, so that a burst can be worked off in
 * bounded steps. Cascading is bounded too, and goes on where it stopped.
 *
 * <p><b>Precision.</b> A deadline is rounded up to a tick: a timer never fires early, and less than a tick after the first {@link #expire} that finds it passed could have fired
 * it. A timer that was scheduled {@linkplain #schedulePrecisely precisely} is not rounded: it waits on the wheel, as others do, until one to two ticks before its deadline, and
 * from then on in a {@link DeadlineHeap}, whose first says to the nanosecond when {@code expire} should be called. So the heap holds what is due within two milliseconds, however
 * many there are. (A second wheel with finer ticks would need no logarithm, but it would wake its vcore once more for each level that a timer comes down, some tens of
 * microseconds before its time. All of them in a heap from the start: O(log n) and its cache misses for timers that are mostly stopped before they fire.)
 *
 * <p><b>Invariants.</b>
 * <pre>
 *   T1  elapsed &lt;= horizon, and neither decreases. horizon is the tick of the latest time that expire was given
 *   T2  a timer in slot s of level l has tick &gt;= elapsed, digit l of its tick is s, all digits above are elapsed's
 *   T3  s &gt; digit l of elapsed; but s is equal in the slot that is being emptied, whose first tick is elapsed
 *   T4  a bit of occupied is set if and only if its slot is not empty
 *   T5  due timers are in the order of their rounds, and every one's deadline is at or before nowNanos
 *   T6  size is the number of timers in all lists and in the heap
 *   T7  in the heap, no timer comes before its parent, and all are precise
 * </pre>
 *
 * <p><b>Rejected.</b> A binary heap: start and stop cost O(log n) and a cache miss per step, and almost all timers of
 * a server are stopped or moved before they fire. Linux's wheel without cascading (since 4.8): cheaper, but a timer
 * may be late by an eighth of its length.
 *
 * <p>Times are those of {@link Clock#nanoTime}: they may be negative and may wrap, and are compared by difference. So a
 * deadline must lie less than 2^63 ns (292 years) from the present, and {@code Long.MAX_VALUE} does not mean 'never'.
 */
public final class TimerWheel {
    private static final int DIGIT_BITS = 6;
    private static final int SLOTS = 1 << DIGIT_BITS;
    private static final int NO_LIST = -1;
    /** Timers that may change their list in one expire, for each that may run; more than one, or cascades would lag. */
    private static final int MOVES_PER_RUN = 4;
    private static final int MIN_MOVES = 64;

    private final long startNanos;
    private final int tickBits;
    private final int levels;
    /** First timer of each list: slot s of level l at l * 64 + s, then the due list. A first's previous is the last. */
    private final Timer[] lists;
    /** For each level the set of its slots that are not empty. */
    private final long[] occupied;
    private final int dueList;
    /** What {@code listIndex} says of timers in the heap. */
    private final int heapList;
    private final DeadlineHeap heap = new DeadlineHeap();

    private long elapsed;
    private long horizon;
    /** The latest time that expire was given. */
    private long nowNanos;
    /** The slot that is being emptied, or NO_LIST. */
    private int emptying = NO_LIST;
    /** Number of the current or last expire; a timer that becomes due while it runs timers waits for the next. */
    private int round;
    private int size;
    private boolean expiring;

    /**
     * Creates an empty wheel.
     *
     * @param startNanos the present
     * @param tickNanos  the precision; a power of two from 2^10 (1 µs) to 2^40 (18 minutes); 2^20 suits timeouts
     * @throws IllegalArgumentException if {@code tickNanos} is none such
     */
    public TimerWheel(long startNanos, long tickNanos) {
        if (Long.bitCount(tickNanos) != 1 || tickNanos < 1L << 10 || tickNanos > 1L << 40) {
            throw new IllegalArgumentException("tickNanos " + tickNanos + ": must be a power of two from 2^10 to 2^40");
        }
        this.startNanos = startNanos;
        nowNanos = startNanos;
        tickBits = Long.numberOfTrailingZeros(tickNanos);
        levels = (Long.SIZE - tickBits + DIGIT_BITS - 1) / DIGIT_BITS; // at most 9, so shifts stay below 64
        dueList = levels * SLOTS;
        heapList = dueList + 1;
        lists = new Timer[dueList + 1];
        occupied = new long[levels];
    }

    /** Returns the precision in nanoseconds. */
    public long tickNanos() { return 1L << tickBits; }

    /** Returns how many timers are scheduled, due ones included. */
    public int size() { return size; }

    /**
     * Schedules a timer, or moves it if it is scheduled already. If the deadline has passed, it runs in the next
     * {@link #expire}, never in the present one.
     *
     * @param deadlineNanos when, by the clock that {@code expire} is given; less than 2^63 ns from the present
     * @throws IllegalStateException if the timer is scheduled on another wheel
     */
    public void schedule(Timer timer, long deadlineNanos) {
        enter(timer, deadlineNanos, false);
        long fromNow = deadlineNanos - nowNanos;
        if (fromNow <= 0) {
            linkDue(timer);
            return;
        }
        timer.dueTick = (fromStart(fromNow) + ((1L << tickBits) - 1)) >>> tickBits; // as unsigned: the sum may pass 2^63
        place(timer); // behind horizon, so not in the slot that is being emptied
    }

    /**
     * As {@link #schedule}, with a deadline that is not rounded to ticks: {@link #nextDeadlineNanos} comes to be exactly this deadline, in time.
     * Constant time until the last two ticks; then O(log n) of those that are as near.
     *
     * @throws IllegalStateException if the timer is scheduled on another wheel
     */
    public void schedulePrecisely(Timer timer, long deadlineNanos) {
        enter(timer, deadlineNanos, true);
        long fromNow = deadlineNanos - nowNanos;
        if (fromNow <= 2L << tickBits) {
            becomeNear(timer);
            return;
        }
        timer.dueTick = (fromStart(fromNow) >>> tickBits) - 1; // more than two ticks from now, so behind horizon
        place(timer);
    }

    private void enter(Timer timer, long deadlineNanos, boolean precise) {
        if (timer.homeWheel == this) {
            unlink(timer);
        } else if (timer.homeWheel != null) {
            throw new IllegalStateException("timer is scheduled on another wheel, for " + timer.deadlineNanos);
        } else {
            timer.homeWheel = this;
            size++;
        }
        timer.deadlineNanos = deadlineNanos;
        timer.precise = precise;
    }

    private long fromStart(long fromNow) {
        long fromStart = nowNanos - startNanos + fromNow;
        return fromStart < 0 ? Long.MAX_VALUE : fromStart; // 292 years after the start; no clock of ours gets there
    }

    /**
     * Takes a timer off the wheel.
     *
     * @return true if it was scheduled here and now will not run; false if it was not, for example because it has run
     */
    public boolean cancel(Timer timer) {
        if (timer.homeWheel != this) return false;
        unlink(timer);
        timer.homeWheel = null;
        size--;
        return true;
    }

    /**
     * Turns the wheel to {@code nowNanos} and runs timers whose time has come, in the order of their deadlines'
     * ticks. Does a bounded amount of work: it runs at most {@code maxTimers}, and moves at most 4 times as many (or
     * 64) from list to list. If that does not suffice, what is left stays due, and {@link #nextDeadlineNanos} is not
     * after {@code nowNanos}; the number returned alone does not tell.
     *
     * <p>An exception thrown by a timer passes through; that timer has run, the others are as if this call had
     * stopped behind it.
     *
     * @param nowNanos  the present; treated as the latest one given if it is before that
     * @param maxTimers how many to run at most; 0 only turns the wheel
     * @return how many ran
     * @throws IllegalStateException if called from {@link Timer#onExpiry}
     */
    public int expire(long nowNanos, int maxTimers) {
        if (expiring) throw new IllegalStateException("expire called from onExpiry");
        if (maxTimers < 0) throw new IllegalArgumentException("maxTimers " + maxTimers);
        if (nowNanos - this.nowNanos > 0) {
            this.nowNanos = nowNanos;
            horizon = (nowNanos - startNanos) >>> tickBits;
        }
        long moves = Math.max(MIN_MOVES, (long) MOVES_PER_RUN * maxTimers);
        if (elapsed != horizon || emptying != NO_LIST) turn(moves);
        if (isPreciseDue(this.nowNanos)) takeDue(moves);
        return lists[dueList] == null ? 0 : run(maxTimers);
    }

    /** Tells whether the deadline of a precise timer has passed. A look at one field if there is none. */
    boolean isPreciseDue(long now) {
        Timer first = heap.first();
        return first != null && first.deadlineNanos - now <= 0;
    }

    /** Passes what has become due in the heap to the due list. */
    private void takeDue(long moves) {
        for (; moves > 0 && isPreciseDue(nowNanos); moves--) {
            Timer timer = heap.first();
            heap.remove(timer);
            linkDue(timer);
        }
    }

    /** Runs due timers, but not those that become due meanwhile. */
    private int run(int maxTimers) {
        int ran = 0;
        round++;
        expiring = true;
        try {
            for (Timer timer; ran < maxTimers && (timer = lists[dueList]) != null && timer.dueRound != round; ran++) {
                unlink(timer);
                timer.homeWheel = null;
                size--;
                timer.onExpiry(nowNanos); // last: the wheel is consistent, whatever it does
            }
        } finally {
            expiring = false;
        }
        return ran;
    }

    /** Moves elapsed on to horizon, or until {@code moves} timers have changed their list. */
    private void turn(long moves) {
        for (;;) {
            if (emptying != NO_LIST) {
                for (Timer timer; (timer = lists[emptying]) != null; moves--) {
                    if (moves == 0) return;
                    unlink(timer);
                    place(timer);
                }
                emptying = NO_LIST;
            }
            int level = lowestLevel();
            long first = level < levels ? firstTick(level) : Long.MAX_VALUE;
            if (first > horizon) {
                elapsed = horizon;
                return;
            }
            elapsed = first;
            emptying = level * SLOTS + Long.numberOfTrailingZeros(occupied[level]);
        }
    }

    /**
     * Returns a time by which {@link #expire} should be called: not later than a tick after the earliest deadline,
     * but perhaps earlier, since far deadlines are known coarsely. At or before the latest time given to {@code
     * expire} if something is due already. {@code Long.MAX_VALUE} if nothing is scheduled: check for that before
     * comparing by difference.
     */
    public long nextDeadlineNanos() {
        if (size == 0) return Long.MAX_VALUE;
        if (lists[dueList] != null || emptying != NO_LIST) return notNever(nowNanos);
        int level = lowestLevel();
        Timer first = heap.first();
        if (level == levels) return notNever(first.deadlineNanos);
        long next = startNanos + (firstTick(level) << tickBits);
        return notNever(first != null && first.deadlineNanos - next < 0 ? first.deadlineNanos : next);
    }

    /** A tick earlier is as good as any; the value that means 'nothing' is not. */
    private static long notNever(long nanos) { return nanos == Long.MAX_VALUE ? nanos - 1 : nanos; }

    /** Returns the lowest level with a timer, or {@code levels} if there is none. */
    private int lowestLevel() {
        int level = 0;
        while (level < levels && occupied[level] == 0) level++;
        return level;
    }

    /** Returns the first tick of the first occupied slot of a level. */
    private long firstTick(int level) {
        int shift = level * DIGIT_BITS;
        long above = elapsed & (-1L << shift << DIGIT_BITS);
        return above | (long) Long.numberOfTrailingZeros(occupied[level]) << shift;
    }

    /** Links a timer of known tick, not before {@code elapsed}, where it belongs. */
    private void place(Timer timer) {
        long tick = timer.dueTick;
        if (tick == elapsed) {
            becomeNear(timer);
            return;
        }
        int level = levelOf(tick);
        int slot = (int) (tick >>> level * DIGIT_BITS) & SLOTS - 1;
        occupied[level] |= 1L << slot;
        link(timer, level * SLOTS + slot);
    }

    /** Returns the place of the highest digit in which a tick differs from {@code elapsed}. */
    private int levelOf(long tick) {
        return (Long.SIZE - 1 - Long.numberOfLeadingZeros(tick ^ elapsed | 1)) / DIGIT_BITS;
    }

    /** The wheel has come to a timer: it is due, or, being precise, about to be. */
    private void becomeNear(Timer timer) {
        if (timer.precise && timer.deadlineNanos - nowNanos > 0) {
            timer.listIndex = heapList;
            heap.add(timer);
        } else {
            linkDue(timer);
        }
    }

    private void linkDue(Timer timer) {
        timer.dueRound = round;
        link(timer, dueList);
    }

    /** Appends a timer to a list. */
    private void link(Timer timer, int list) {
        timer.listIndex = list;
        Timer first = lists[list];
        if (first == null) {
            timer.nextTimer = timer.previousTimer = timer;
            lists[list] = timer;
        } else {
            Timer last = first.previousTimer;
            timer.nextTimer = first;
            timer.previousTimer = last;
            last.nextTimer = timer;
            first.previousTimer = timer;
        }
    }

    /** Takes a timer out of its list, or out of the heap. */
    private void unlink(Timer timer) {
        int list = timer.listIndex;
        if (list == heapList) {
            heap.remove(timer);
            return;
        }
        Timer next = timer.nextTimer;
        if (next == timer) {
            lists[list] = null;
            if (list != dueList) occupied[list / SLOTS] &= ~(1L << list % SLOTS);
        } else {
            Timer previous = timer.previousTimer;
            previous.nextTimer = next;
            next.previousTimer = previous;
            if (lists[list] == timer) lists[list] = next;
        }
        timer.nextTimer = timer.previousTimer = null; // what has left must not keep its neighbours reachable
    }

    /** Shows all timers that are scheduled, in no particular order; nothing may be scheduled or cancelled meanwhile. Looks at every slot. */
    void forEach(Consumer<Timer> action) {
        for (Timer first : lists) {
            if (first == null) continue;
            Timer timer = first;
            do {
                action.accept(timer);
                timer = timer.nextTimer;
            } while (timer != first);
        }
        heap.forEach(action);
    }

    /**
     * Walks the wheel. For tests.
     *
     * @throws AssertionError if T1 to T7 do not hold
     */
    void checkInvariants() {
        check(elapsed <= horizon, "T1", elapsed, horizon);
        int count = 0;
        for (int list = 0; list < lists.length; list++) {
            Timer first = lists[list];
            int level = list / SLOTS;
            int slot = list % SLOTS;
            if (list != dueList) check((occupied[level] >>> slot & 1) == 1 == (first != null), "T4", level, slot);
            if (first == null) continue;
            Timer timer = first;
            do {
                Timer next = timer.nextTimer;
                long tick = timer.dueTick;
                check(timer.homeWheel == this && timer.listIndex == list, "node", list, timer.listIndex);
                check(next.previousTimer == timer && timer.previousTimer.nextTimer == timer, "links", list, count);
                if (list == dueList) {
                    check(nowNanos - timer.deadlineNanos >= 0, "T5 deadline", nowNanos, timer.deadlineNanos);
                    check(next == first || next.dueRound - timer.dueRound >= 0, "T5 round", round, timer.dueRound);
                } else {
                    int shift = level * DIGIT_BITS;
                    check(tick >= elapsed, "T2 past", tick, elapsed);
                    check((int) (tick >>> shift & SLOTS - 1) == slot, "T2 digit", tick, slot);
                    check(((tick ^ elapsed) & -1L << shift << DIGIT_BITS) == 0, "T2 above", tick, elapsed);
                    int digit = (int) (elapsed >>> shift) & SLOTS - 1;
                    if (list == emptying) {
                        check(slot == digit && (elapsed & ~(-1L << shift)) == 0, "T3 emptying", slot, elapsed);
                    } else {
                        check(slot > digit, "T3", slot, digit);
                    }
                }
                count++;
                timer = next;
            } while (timer != first);
        }
        check(count + heap.size() == size, "T6", count + heap.size(), size);
        check(heap.misplaced() < 0, "T7", heap.misplaced(), heap.size());
        heap.forEach(timer -> check(timer.homeWheel == this && timer.listIndex == heapList && timer.precise, "T7 node", timer.listIndex, timer.dueRound));
    }

    private void check(boolean ok, String what, long a, long b) {
        if (!ok) throw new AssertionError(this + ": " + what + " " + a + " " + b);
    }

    @Override public String toString() {
        return "TimerWheel[size=" + size + ", elapsed=" + elapsed + ", horizon=" + horizon
                + ", nowNanos=" + nowNanos + "]";
    }
}
