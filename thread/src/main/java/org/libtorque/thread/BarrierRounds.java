package org.libtorque.thread;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.TimeoutException;
import org.libtorque.sys.Handles;

/** Keeps {@code word} off the lines of whatever lies in front of it. */
@SuppressWarnings("unused")
abstract class BarrierPad0 {
    private int pff;
    private long p00, p01, p02, p03, p04, p05, p06, p07, p08, p09, p0a, p0b, p0c, p0d, p0e, p0f;
}

/** The one hot field; see {@link BarrierRounds}. */
abstract class BarrierWord extends BarrierPad0 {
    long word;
}

/** Keeps {@code word} off the lines of whatever lies behind it. */
@SuppressWarnings("unused")
abstract class BarrierPad1 extends BarrierWord {
    private long p10, p11, p12, p13, p14, p15, p16, p17, p18, p19, p1a, p1b, p1c, p1d, p1e, p1f;
}

/**
 * The rounds of a barrier until it breaks: what {@link Barrier} and {@link TreeBarrier} share. The sense that reverses in the textbooks (Mellor-Crummey and Scott 1991) is the
 * number of the round here, which does not need to be kept for each thread.
 *
 * <p><b>State.</b> One word: round (31 bits) · BROKEN · arrived (32 bits).
 * <pre>{@code
 *   (r, 0) -arrive-> (r, 1) -> … -> (r, n) -the last one, when the action has run-> (r + 1, 0)
 *   (r, k) with k < n -somebody gives up, or reset-> (r, BROKEN, k), for ever: Barrier then makes new rounds
 *   (r, n) -the action throws-> (r, BROKEN, n)
 * }</pre>
 * n counts what arrives at the root: threads, or subtrees. At (r, n) the round is complete and only the last one may change the word, when its action has run: who would give up waits for
 * him; who breaks the barrier without waiting for a round, such as {@code reset}, leaves word that he is to break the next one ({@code doomed}); a thread beyond the parties waits for the next round.
 *
 * <p><b>Waiting.</b> Who has to wait spins as long as a round may take that nobody is late for, if there is a CPU for each party; a uthread then
 * gives others the vcore a few times; then it pushes a node on the stack of sleepers and parks. A push is followed by another look at the word; who changes the word then takes the whole stack and
 * unparks. Both are sequentially consistent, so one of them sees the other (Dekker): no wake-up is lost. A sleeper that is taken from the stack for a round before its own
 * finds its node {@code unlinked}, and pushes it again.
 *
 * <p><b>Patience</b>, how long to spin, follows how long waits have been, not whether spinning was enough: after a wait that spinning in full would have covered it is full again, after any other it is
 * halved. The wait of a sleeper ends where the round does and not where the sleeper runs again, so whoever wakes it leaves it the time. Were patience judged by its own success, a few long
 * waits in a row (others had work to do alone, or were not running) would make it too short for the short ones that follow: these would then end in parking, for ever, at the price of a wake-up each.
 *
 * <p><b>Memory order.</b> Everything before arriving happens before everything after the round: arrivals are atomic operations on one word or on a path to it, and the word is what
 * those who wait read. Arriving allocates nothing but the node of a thread that parks.
 */
final class BarrierRounds extends BarrierPad1 {
    private static final long ARRIVED = 0xFFFF_FFFFL, BROKEN = 1L << 32, ROUND = 1L << 33;
    private static final int YIELDS = 4;
    private static final int MAX_HALVINGS = 5;
    /** How often {@link #spin} looks before it asks for the time. */
    private static final int LOOKS = 64;

    private static final VarHandle WORD = Handles.field(MethodHandles.lookup(), BarrierWord.class, "word", long.class);
    private static final VarHandle SLEEPERS = Handles.field(MethodHandles.lookup(), "sleepers", Sleeper.class);
    private static final VarHandle UNLINKED = Handles.field(MethodHandles.lookup(), Sleeper.class, "unlinked", boolean.class);
    private static final VarHandle PATIENCE = Handles.field(MethodHandles.lookup(), "patienceNanos", long.class);

    /** A thread that has parked, or is about to. */
    private static final class Sleeper {
        final Thread thread = Parker.mayBlock();
        /** The pusher's until it is pushed, then the taker's. */
        Sleeper next;
        /** Whether it is in no stack: set by the taker, when he has read {@code next}; cleared by the sleeper before it pushes. */
        boolean unlinked = true;
        /** {@link System#nanoTime} when it was last taken from a stack: written by the taker before {@code unlinked}. */
        long takenNanos;
    }

    private final int arrivals;
    private final Runnable action;
    private final long spinNanos;
    /** How long to spin at present, of all that wait the opinion of who wrote last. See {@link #learn}. */
    private long patienceNanos;
    private Sleeper sleepers;
    /** Somebody has come to break the barrier while a round was complete. Set before another look at the word, read after the word has been changed: one sees the other. */
    private volatile boolean doomed;

    /**
     * @param arrivals  how many arrive at the root in a round, at least 1
     * @param action    what the last one runs before the others go on, or null
     * @param spinNanos how long to spin before parking
     */
    BarrierRounds(int arrivals, Runnable action, long spinNanos) {
        this.arrivals = arrivals;
        this.action = action;
        this.spinNanos = patienceNanos = spinNanos;
    }

    /** Returns the number of the current round, for {@link #awaitEnd}. */
    long round() { return roundOf((long) WORD.getOpaque(this)); }

    private static long roundOf(long w) { return w >>> 33; }

    boolean isBroken() { return ((long) WORD.getVolatile(this) & BROKEN) != 0; }

    /** How many have arrived at the root in this round. */
    int arrived() { return (int) ((long) WORD.getVolatile(this) & ARRIVED); }

    /**
     * Arrives at the root and waits for the end of the round.
     *
     * @return how many have still to come: 0 for the last one
     */
    int arriveAndAwait(Object blocker, boolean interruptible, long deadline) throws InterruptedException, BrokenBarrierException, TimeoutException {
        Parker.mayBlock(); // before it arrives
        if (interruptible && Thread.interrupted()) {
            breakIt();
            throw new InterruptedException();
        }
        for (;;) {
            long w = (long) WORD.getVolatile(this);
            if ((w & BROKEN) != 0) throw new BrokenBarrierException();
            int before = (int) (w & ARRIVED);
            if (before == arrivals) { // complete, and its last one has not ended it yet: we are for the next
                awaitEnd(roundOf(w), blocker, interruptible, deadline);
            } else if (WORD.compareAndSet(this, w, w + 1)) {
                if (before + 1 == arrivals) end(w + 1);
                else awaitEnd(roundOf(w), blocker, interruptible, deadline);
                return arrivals - 1 - before;
            }
        }
    }

    /** The last one of a round. */
    private void end(long w) {
        boolean ran = false;
        try {
            if (action != null) action.run();
            ran = true;
        } finally {
            WORD.setVolatile(this, ran ? (w & ~ARRIVED) + ROUND : w | BROKEN);
            if (doomed) breakIt();
            wakeAll();
        }
    }

    /** Waits until round {@code r} is over. */
    void awaitEnd(long r, Object blocker, boolean interruptible, long deadline) throws InterruptedException, BrokenBarrierException, TimeoutException {
        boolean interrupted = false;
        try {
            long start = spinNanos > 0 ? System.nanoTime() : 0;
            if (spin(r, start)) return;
            Sleeper s = null;
            // Giving up the CPU helps where uthreads share a vcore; a platform thread would wait behind other programs for it.
            for (int yields = Thread.currentThread().isVirtual() ? 0 : YIELDS; !isOver(r); ) {
                boolean late = deadline != Waiter.NO_DEADLINE && deadline - System.nanoTime() <= 0;
                if (Thread.interrupted()) {
                    if (interruptible && breakIt(r)) throw new InterruptedException();
                    interrupted = true; // complete: it only has to be awaited; or no interrupt is wanted
                } else if (late && breakIt(r)) {
                    throw new TimeoutException();
                } else if (yields < YIELDS) {
                    yields++;
                    Thread.yield();
                } else if (s == null || (boolean) UNLINKED.getAcquire(s)) { // pairs with wakeAll
                    if (s == null) s = new Sleeper();
                    push(s);
                } else if (deadline == Waiter.NO_DEADLINE || late) {
                    Parker.park(blocker);
                } else {
                    Parker.parkNanos(blocker, deadline - System.nanoTime());
                }
            }
            if (spinNanos > 0) learn((s != null && (boolean) UNLINKED.getAcquire(s) ? s.takenNanos : System.nanoTime()) - start); // pairs with wakeAll
        } finally {
            if (interrupted) Thread.currentThread().interrupt();
        }
    }

    /** Tells whether round {@code r} has ended well. */
    private boolean isOver(long r) throws BrokenBarrierException {
        long w = (long) WORD.getVolatile(this);
        if (roundOf(w) != r) return true; // also if a later one is broken
        if ((w & BROKEN) != 0) throw new BrokenBarrierException();
        return false;
    }

    /** @param start when the wait began, if there is to be spinning at all */
    private boolean spin(long r, long start) throws BrokenBarrierException {
        if (spinNanos <= 0) return false;
        long patience = (long) PATIENCE.getOpaque(this);
        do {
            for (int i = 0; i < LOOKS; i++) {
                long w = (long) WORD.getAcquire(this); // pairs with end; no fence in the loop
                if (roundOf(w) != r || (w & BROKEN) != 0) {
                    if (patience < spinNanos) PATIENCE.setOpaque(this, spinNanos); // it was shorter than patience, so than this too
                    return isOver(r);
                }
                Thread.onSpinWait();
            }
        } while (System.nanoTime() - start < patience && !Thread.currentThread().isInterrupted());
        return false;
    }

    /** After a wait that patience was too short for. */
    private void learn(long waitedNanos) {
        long patience = (long) PATIENCE.getOpaque(this);
        if (waitedNanos <= spinNanos) PATIENCE.setOpaque(this, spinNanos);
        else if (patience > spinNanos >> MAX_HALVINGS) PATIENCE.setOpaque(this, patience / 2);
    }

    /** How long who waits spins at present. For tests, as the next. */
    long patienceNanos() { return (long) PATIENCE.getOpaque(this); }

    void setPatienceNanos(long nanos) { PATIENCE.setOpaque(this, nanos); }

    private void push(Sleeper s) {
        UNLINKED.setOpaque(s, false);
        Sleeper below;
        do {
            below = (Sleeper) SLEEPERS.getOpaque(this);
            s.next = below;
        } while (!SLEEPERS.weakCompareAndSet(this, below, s)); // a full fence before the next look at the word; partner in wakeAll
    }

    /** After the word has been changed. */
    private void wakeAll() {
        if (SLEEPERS.getVolatile(this) == null) return; // after the store to the word, both sequentially consistent; partner in push
        long now = System.nanoTime();
        for (Sleeper s = (Sleeper) SLEEPERS.getAndSet(this, null); s != null; ) {
            Sleeper below = s.next;
            Thread thread = s.thread;
            s.takenNanos = now;
            UNLINKED.setRelease(s, true);
            Parker.unpark(thread);
            s = below;
        }
    }

    /** Breaks the barrier unless the round is over or complete; false says that it is. */
    private boolean breakIt(long r) throws BrokenBarrierException {
        for (;;) {
            long w = (long) WORD.getVolatile(this);
            if (roundOf(w) != r) return false;
            if ((w & BROKEN) != 0) throw new BrokenBarrierException();
            if ((w & ARRIVED) == arrivals) return false;
            if (WORD.compareAndSet(this, w, w | BROKEN)) {
                wakeAll();
                return true;
            }
        }
    }

    /** Breaks whatever round it is; if that is complete, the next, by its last one when the action has run. Waits for nobody: the action may take long, or be what calls. */
    void breakIt() {
        for (;;) {
            long w = (long) WORD.getVolatile(this);
            if ((w & BROKEN) != 0) return;
            if ((w & ARRIVED) == arrivals) {
                doomed = true;
                if ((long) WORD.getVolatile(this) == w) return;
            } else if (WORD.compareAndSet(this, w, w | BROKEN)) {
                wakeAll();
                return;
            }
        }
    }
}
