package org.libtorque.thread;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.libtorque.sys.Handles;

/**
 * A barrier that a fixed number of threads come to, again and again: each waits until all have come. Blocks uthreads, virtual and platform threads, never a vcore, except
 * that who has to wait spins for some microseconds first if there is a CPU for each party.
 *
 * <p>Parties are counted in one word, which is best for up to about eight; a {@link TreeBarrier} spreads them. Threads are not told apart: there may be more than parties, and
 * those that come too early for a round are of the next.
 *
 * <p><b>Breaking.</b> Who gives up (timeout, interrupt), an action that throws, and {@link #reset} break the barrier, as {@link java.util.concurrent.CyclicBarrier} does: all that wait or
 * come get a {@link BrokenBarrierException}, until it is reset. A round whose last party has come is over: from then on it cannot be broken by those who wait. How it works: see the
 * comment of {@code BarrierRounds}.
 */
public final class Barrier {
    /** How long who waits spins if there is a CPU for each party, unless the constructor says otherwise: about what parking and unparking would take. */
    public static final long DEFAULT_SPIN_NANOS = 20_000;

    private static final VarHandle ROUNDS = Handles.field(MethodHandles.lookup(), "rounds", BarrierRounds.class);

    private final int parties;
    private final Runnable action;
    private final long spinNanos;
    private volatile BarrierRounds rounds;

    /** @param parties how many must come, at least 1 */
    public Barrier(int parties) { this(parties, null); }

    /**
     * @param parties how many must come, at least 1
     * @param action  what the last one runs before anybody goes on, or null
     */
    public Barrier(int parties, Runnable action) { this(parties, action, defaultSpinNanos(parties)); }

    /**
     * @param parties   how many must come, at least 1
     * @param action    what the last one runs before anybody goes on, or null
     * @param spinNanos how long to spin for the others before parking; 0 not at all
     */
    public Barrier(int parties, Runnable action, long spinNanos) {
        if (parties < 1) throw new IllegalArgumentException("parties " + parties + ": must be at least 1");
        this.parties = parties;
        this.action = action;
        this.spinNanos = spinNanos;
        rounds = new BarrierRounds(parties, action, spinNanos);
    }

    static long defaultSpinNanos(int parties) { return parties <= Cpus.here() ? DEFAULT_SPIN_NANOS : 0; }

    /** Returns how many must come. */
    public int parties() { return parties; }

    /** Returns how many have come and wait at present. Any thread. */
    public int waiting() {
        BarrierRounds r = rounds;
        return r.isBroken() ? 0 : r.arrived();
    }

    /** Tells whether it is broken. Any thread. */
    public boolean isBroken() { return rounds.isBroken(); }

    /**
     * Waits until all have come.
     *
     * @return how many had still to come: 0 for the last one
     * @throws InterruptedException   if the thread is interrupted before or meanwhile; the barrier is broken then
     * @throws BrokenBarrierException if it is or gets broken
     */
    public int await() throws InterruptedException, BrokenBarrierException {
        try {
            return rounds.arriveAndAwait(this, true, Waiter.NO_DEADLINE);
        } catch (TimeoutException e) {
            throw new AssertionError("there is no deadline", e);
        }
    }

    /**
     * As {@link #await()}, for a time at most.
     *
     * @throws TimeoutException if it has passed; the barrier is broken then
     */
    public int await(long time, TimeUnit unit) throws InterruptedException, BrokenBarrierException, TimeoutException { return awaitNanos(unit.toNanos(time)); }

    /** As {@link #await(long, TimeUnit)}. */
    public int awaitNanos(long nanos) throws InterruptedException, BrokenBarrierException, TimeoutException {
        return rounds.arriveAndAwait(this, true, Waiter.deadline(nanos));
    }

    /** As {@link #await()}; an interrupt does not end it, and stays. */
    public int awaitUninterruptibly() throws BrokenBarrierException {
        try {
            return rounds.arriveAndAwait(this, false, Waiter.NO_DEADLINE);
        } catch (TimeoutException | InterruptedException e) {
            throw new AssertionError("there is no deadline", e);
        }
    }

    /**
     * Begins anew, also if it is broken. Those who wait get a {@link BrokenBarrierException}, but those of a round whose last party has come, and runs the action, go on when it has run. Any
     * thread, callbacks and the action included: it waits for nobody.
     */
    public void reset() {
        BarrierRounds before = (BarrierRounds) ROUNDS.getAndSet(this, new BarrierRounds(parties, action, spinNanos));
        before.breakIt();
    }

    @Override public String toString() { return "barrier[" + waiting() + " of " + parties + (isBroken() ? ", broken]" : "]"); }
}
