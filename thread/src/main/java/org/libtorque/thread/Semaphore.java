package org.libtorque.thread;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.TimeUnit;
import org.libtorque.sys.Handles;

/**
 * A counting semaphore that blocks uthreads, virtual and platform threads, never a vcore. Permits have no owner: any thread may release, vcore context included.
 *
 * <p><b>Fairness.</b> Strictly first in, first out, and nobody overtakes, {@link #tryAcquire()} included: while somebody waits, released permits are handed to who came first, and one who
 * wants many holds up those behind him until he has them. So nobody starves.
 *
 * <p><b>State.</b> One word: permits · 2 + WAITERS.<br>
 *   I1  WAITERS is set if and only if the list is not empty<br>
 *   I2  while WAITERS is set, only who has the guard changes the word<br>
 *   I3  while WAITERS is set, the first waiter wants more than there is<br>
 * A thread sets WAITERS, under the guard, by a compare-and-set from a word with too few permits. So a release either comes before, and the compare-and-set fails and looks
 * again; or it sees WAITERS and comes by the guard, where it restores I3. No permit is lost, nor is a wake-up.
 *
 * <p><b>Memory order.</b> A release happens before the acquisition that it makes possible: both are compare-and-sets on the word, or the guard and the waiter's state stand between. Nothing
 * allocates unless the thread must wait. After parlib's semaphore (Klues 2015, 2.2.3).
 */
public final class Semaphore {
    private static final long WAITERS = 1;
    private static final VarHandle STATE = Handles.field(MethodHandles.lookup(), "state", long.class);

    private final Guard guard = new Guard();
    private final WaiterList waiters = new WaiterList();
    private long state;

    /** @param permits how many there are at first, 0 or more */
    public Semaphore(int permits) {
        if (permits < 0) throw new IllegalArgumentException("permits " + permits + ": must be at least 0");
        state = 2L * permits;
    }

    /** Returns how many permits there are; out of date as soon as it is read. Any thread. */
    public int availablePermits() { return (int) ((long) STATE.getOpaque(this) >> 1); }

    /** Returns how many threads wait, roughly. Any thread. */
    public int waiterCount() {
        guard.lock();
        int n = waiters.size();
        guard.unlock();
        return n;
    }

    /** Takes a permit; waits until there is one. */
    public void acquire() throws InterruptedException { acquire(1); }

    /**
     * Takes permits, all at once; waits until there are as many.
     *
     * @throws InterruptedException if the thread was interrupted before or is while it waits; it has taken none then. An interrupt that comes when it has been given the permits stays
     */
    public void acquire(int permits) throws InterruptedException {
        if (Thread.interrupted()) throw new InterruptedException();
        if (!tryAcquire(permits) && await(permits, true, Waiter.NO_DEADLINE) == Waiter.INTERRUPTED) throw new InterruptedException();
    }

    /** Takes a permit; waits until there is one. An interrupt does not end that. */
    public void acquireUninterruptibly() { acquireUninterruptibly(1); }

    /** Takes permits, all at once; waits until there are as many. An interrupt does not end that. */
    public void acquireUninterruptibly(int permits) {
        if (!tryAcquire(permits)) await(permits, false, Waiter.NO_DEADLINE);
    }

    /** Takes a permit if there is one and nobody waits. */
    public boolean tryAcquire() { return tryAcquire(1); }

    /** Takes permits if there are as many and nobody waits. */
    public boolean tryAcquire(int permits) {
        check(permits);
        long s = (long) STATE.getOpaque(this);
        while ((s & WAITERS) == 0 && s >> 1 >= permits) {
            long seen = (long) STATE.compareAndExchange(this, s, s - 2L * permits);
            if (seen == s) return true;
            s = seen;
        }
        return false;
    }

    /** As {@link #tryAcquireNanos}, for one permit. */
    public boolean tryAcquire(long time, TimeUnit unit) throws InterruptedException { return tryAcquireNanos(1, unit.toNanos(time)); }

    /** As {@link #tryAcquireNanos}. */
    public boolean tryAcquire(int permits, long time, TimeUnit unit) throws InterruptedException { return tryAcquireNanos(permits, unit.toNanos(time)); }

    /**
     * As {@link #acquire(int)}, and gives up after a time.
     *
     * @param nanos how long to wait; 0 or less only looks, as {@link #tryAcquire(int)} does
     * @return whether it has them
     */
    public boolean tryAcquireNanos(int permits, long nanos) throws InterruptedException {
        if (Thread.interrupted()) throw new InterruptedException();
        if (tryAcquire(permits)) return true;
        if (nanos <= 0) return false;
        return Waiter.succeeded(await(permits, true, Waiter.deadline(nanos)));
    }

    /** Takes all permits that are there, and returns how many. None while somebody waits: they are his. */
    public int drainPermits() {
        for (;;) {
            long s = (long) STATE.getOpaque(this);
            if ((s & WAITERS) != 0 || s == 0) return 0;
            if (STATE.compareAndSet(this, s, 0L)) return (int) (s >> 1);
        }
    }

    /** Gives a permit. Any thread. */
    public void release() { release(1); }

    /**
     * Gives permits, to those who wait or for those who come. Any thread.
     *
     * @throws IllegalStateException if there would be more than {@code Integer.MAX_VALUE}; then none was given
     */
    public void release(int permits) {
        check(permits);
        long s = (long) STATE.getOpaque(this);
        while ((s & WAITERS) == 0) {
            long seen = (long) STATE.compareAndExchange(this, s, more(s, permits));
            if (seen == s) return;
            s = seen;
        }
        releaseToWaiters(permits);
    }

    private static void check(int permits) {
        if (permits < 0) throw new IllegalArgumentException("permits " + permits + ": must be at least 0");
    }

    private static long more(long s, int permits) {
        if ((s >> 1) + permits > Integer.MAX_VALUE) throw new IllegalStateException((s >> 1) + " permits and " + permits + " are more than a semaphore can count");
        return s + 2L * permits;
    }

    private void releaseToWaiters(int permits) {
        guard.lock();
        Waiter granted = null;
        try {
            long s;
            do { // WAITERS may be gone, and others at it
                s = (long) STATE.getOpaque(this);
            } while (!STATE.weakCompareAndSet(this, s, more(s, permits)));
            granted = serve();
        } finally { // too many permits
            guard.unlock();
        }
        WaiterList.unparkAll(granted);
    }

    /** Under the guard: hands permits to those who wait, as far as they go. Restores I1 and I3. Returns whom to unpark. */
    private Waiter serve() {
        Waiter granted = null;
        long s = (long) STATE.getOpaque(this);
        if ((s & WAITERS) == 0) return null;
        for (Waiter first; (first = waiters.first()) != null && s >> 1 >= first.count; ) {
            s -= 2L * first.count;
            granted = waiters.grantFirst(granted);
        }
        STATE.setRelease(this, waiters.isEmpty() ? s & ~WAITERS : s); // I2: ours alone
        return granted;
    }

    private int await(int permits, boolean interruptible, long deadline) {
        Waiter w = new Waiter();
        w.count = permits;
        guard.lock();
        for (;;) {
            long s = (long) STATE.getOpaque(this);
            if ((s & WAITERS) != 0) break;
            boolean enough = s >> 1 >= permits;
            if (!STATE.compareAndSet(this, s, enough ? s - 2L * permits : s | WAITERS)) continue;
            if (!enough) break;
            guard.unlock();
            return Waiter.READY;
        }
        waiters.append(w);
        guard.unlock();
        int outcome = w.await(this, interruptible, deadline);
        if (outcome != Waiter.READY) outcome = giveUp(w, outcome);
        w.restoreInterrupt();
        return outcome;
    }

    private int giveUp(Waiter w, int outcome) {
        guard.lock();
        if (w.list == null) { // granted meanwhile
            guard.unlock();
            if (outcome == Waiter.INTERRUPTED) w.interrupted();
            return Waiter.READY;
        }
        waiters.remove(w);
        Waiter granted = serve(); // those behind it may want less
        guard.unlock();
        WaiterList.unparkAll(granted);
        return outcome;
    }

    /** For tests, when nobody is near. */
    void checkInvariants() {
        long s = (long) STATE.getVolatile(this);
        if ((s & WAITERS) != 0 == waiters.isEmpty()) throw new AssertionError("I1: " + this);
        if ((s & WAITERS) != 0 && waiters.first().count <= s >> 1) throw new AssertionError("I3: " + this);
    }

    @Override public String toString() { return "semaphore[" + availablePermits() + " permits]"; }
}
