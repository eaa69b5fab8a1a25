package org.libtorque.event;

import java.lang.invoke.VarHandle;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Threads that sleep until there is something for one of them; whoever brings something neither blocks nor, if nobody sleeps, makes a system call.
 *
 * <pre>{@code
 *   sleeper                                      bringer
 *   sleepers.announce();                         put it;
 *   if (it is there) sleepers.withdraw();        sleepers.wakeOne();
 *   else sleepers.await(…);
 *   look again
 * }</pre>
 *
 * <p><b>State.</b> {@code announced} counts those who may be about to sleep and whom nobody has promised anything; {@code permits} holds a promise for each who was taken off that
 * count. So {@code announced + permits + those who are just being given one} is the number of threads between {@code announce} and the return of {@code withdraw} or {@code await}.
 *
 * <p><b>No wake-up is lost.</b> The sleeper adds itself, then looks; the bringer puts, fences, then looks whether anybody is announced. Addition and fence are full fences, each
 * buying the StoreLoad that its partner relies on (Dekker's pattern): either the sleeper sees what was put, or the bringer sees the sleeper. The bringer's compare-and-set takes one
 * of them off and its permit ends one wait; which one does not matter, for they are all alike. Who withdraws and finds that he was taken off already has a permit coming to him, and
 * waits for it, or it would end the next one's sleep for nothing.
 *
 * <p><b>Who was woken may not need all that there is.</b> He wakes the next one, if he leaves something.
 */
final class Sleepers {
    private final AtomicInteger announced = new AtomicInteger();
    private final Semaphore permits = new Semaphore(0);

    /** Says that the caller is about to sleep. It must look again then. */
    void announce() { announced.incrementAndGet(); }

    /** The caller does not sleep after all. */
    void withdraw() {
        if (!takeOff()) permits.acquireUninterruptibly(); // it is on its way
    }

    /**
     * Sleeps until woken.
     *
     * @param nanos how long at most
     * @throws InterruptedException if interrupted; withdrawn then
     */
    void await(long nanos) throws InterruptedException {
        boolean woken = false;
        try {
            woken = permits.tryAcquire(nanos, TimeUnit.NANOSECONDS);
        } finally {
            if (!woken) withdraw();
        }
    }

    /** Wakes one, if there is one, after something was put. Returns whether. */
    boolean wakeOne() {
        VarHandle.fullFence(); // what was put before the look at announced
        if (!takeOff()) return false;
        permits.release();
        return true;
    }

    /** Wakes all. */
    void wakeAll() {
        while (wakeOne()) Thread.onSpinWait();
    }

    /** Returns how many are announced and how many permits there are; for tests, while nobody is at work. */
    int pending() { return announced.get() + permits.availablePermits(); }

    private boolean takeOff() {
        int n;
        do {
            n = announced.get();
            if (n == 0) return false;
        } while (!announced.compareAndSet(n, n - 1));
        return true;
    }
}
