package org.libtorque.thread;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.libtorque.sys.Handles;

/**
 * A {@link Barrier} for many parties that know their numbers: arrivals are counted in a tree of small counters, each on cache lines of its own (a software combining tree:
 * Yew, Tzeng and Lawrie 1987), so that a word sees {@value #FAN_IN} arrivals in a round and not all. The last one at a node goes on to the node above. Everybody waits for one word, which is
 * written once in a round.
 *
 * <p>Each number from 0 to {@code parties - 1} must come once in each round; otherwise as {@link Barrier}.
 */
public final class TreeBarrier {
    /** How many arrive at one node. */
    static final int FAN_IN = 4;
    /** Longs from one counter to the next: two cache lines, which x86-64 prefetches in pairs. */
    private static final int STRIDE = 16;
    private static final VarHandle COUNT = MethodHandles.arrayElementVarHandle(long[].class);
    private static final VarHandle EPOCH = Handles.field(MethodHandles.lookup(), "epoch", Epoch.class);

    /** Rounds until it breaks, with counters that are of no use to others afterwards. */
    private record Epoch(BarrierRounds rounds, long[] counts) {}

    private final int parties;
    private final Runnable action;
    private final long spinNanos;
    /** Where each level's counters begin: the leaves first. Levels above the last one are the root, which {@link BarrierRounds} counts. */
    private final int[] levels;
    private final int nodes;
    private final int arrivalsAtRoot;
    private volatile Epoch epoch;

    /** @param parties how many must come, at least 1 */
    public TreeBarrier(int parties) { this(parties, null); }

    /**
     * @param parties how many must come, at least 1
     * @param action  what the last one runs before anybody goes on, or null
     */
    public TreeBarrier(int parties, Runnable action) { this(parties, action, Barrier.defaultSpinNanos(parties)); }

    /**
     * @param parties   how many must come, at least 1
     * @param action    what the last one runs before anybody goes on, or null
     * @param spinNanos how long to spin for the others before parking; 0 not at all
     */
    public TreeBarrier(int parties, Runnable action, long spinNanos) {
        if (parties < 1) throw new IllegalArgumentException("parties " + parties + ": must be at least 1");
        this.parties = parties;
        this.action = action;
        this.spinNanos = spinNanos;
        int[] starts = new int[Integer.SIZE / 2];
        int depth = 0;
        int total = 0;
        int width = parties;
        for (; width > FAN_IN; depth++) {
            starts[depth] = total;
            width = (width + FAN_IN - 1) / FAN_IN;
            total += width;
        }
        levels = java.util.Arrays.copyOf(starts, depth);
        nodes = total;
        arrivalsAtRoot = width;
        epoch = newEpoch();
    }

    private Epoch newEpoch() { return new Epoch(new BarrierRounds(arrivalsAtRoot, action, spinNanos), new long[(nodes + 2) * STRIDE]); }

    /** Returns how many must come. */
    public int parties() { return parties; }

    /** Tells whether it is broken. Any thread. */
    public boolean isBroken() { return epoch.rounds.isBroken(); }

    /**
     * Waits until all have come.
     *
     * @param party the caller's number, from 0
     * @return true for one of them, the last one to come
     * @throws InterruptedException      if the thread is interrupted before or meanwhile; the barrier is broken then
     * @throws BrokenBarrierException    if it is or gets broken
     * @throws IndexOutOfBoundsException if there is no such number
     */
    public boolean await(int party) throws InterruptedException, BrokenBarrierException {
        try {
            return await(party, true, Waiter.NO_DEADLINE);
        } catch (TimeoutException e) {
            throw new AssertionError("there is no deadline", e);
        }
    }

    /**
     * As {@link #await(int)}, for a time at most.
     *
     * @throws TimeoutException if it has passed; the barrier is broken then
     */
    public boolean await(int party, long time, TimeUnit unit) throws InterruptedException, BrokenBarrierException, TimeoutException {
        return await(party, true, Waiter.deadline(unit.toNanos(time)));
    }

    /** As {@link #await(int)}; an interrupt does not end it, and stays. */
    public boolean awaitUninterruptibly(int party) throws BrokenBarrierException {
        try {
            return await(party, false, Waiter.NO_DEADLINE);
        } catch (TimeoutException | InterruptedException e) {
            throw new AssertionError("there is no deadline", e);
        }
    }

    private boolean await(int party, boolean interruptible, long deadline) throws InterruptedException, BrokenBarrierException, TimeoutException {
        java.util.Objects.checkIndex(party, parties);
        Parker.mayBlock();
        Epoch e = epoch;
        if (interruptible && Thread.interrupted()) {
            e.rounds.breakIt();
            throw new InterruptedException();
        }
        if (e.rounds.isBroken()) throw new BrokenBarrierException();
        long round = e.rounds.round(); // cannot end without us
        int below = parties;
        int place = party;
        for (int start : levels) {
            int node = place / FAN_IN;
            int expected = Math.min(FAN_IN, below - node * FAN_IN);
            int at = (1 + start + node) * STRIDE;
            if ((long) COUNT.getAndAdd(e.counts, at, 1L) + 1 < expected) {
                e.rounds.awaitEnd(round, this, interruptible, deadline);
                return false;
            }
            COUNT.setOpaque(e.counts, at, 0L); // for the next round, which begins after a release of the root's word
            place = node;
            below = (below + FAN_IN - 1) / FAN_IN;
        }
        return e.rounds.arriveAndAwait(this, interruptible, deadline) == 0;
    }

    /** Begins anew, also if it is broken; see {@link Barrier#reset}. Any thread. */
    public void reset() {
        Epoch before = (Epoch) EPOCH.getAndSet(this, newEpoch());
        before.rounds.breakIt();
    }

    @Override public String toString() { return "tree barrier[" + parties + (isBroken() ? ", broken]" : "]"); }
}
