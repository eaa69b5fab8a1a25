package org.libtorque.thread;

import java.util.Date;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;

/**
 * A condition variable of a {@link Mutex}, with Mesa semantics (Lampson and Redell 1980, as in parlib): a signal makes a waiter compete for the mutex again and promises nothing
 * about the condition, which may have changed until the waiter has it. So wait in a loop: {@code while (!condition) variable.await();}. It never wakes for nothing, but
 * code should not rely on that.
 *
 * <p>Everything needs the mutex; {@link IllegalMonitorStateException} tells who does not hold it. A waiter gives it up entirely, however often it holds it, and holds it as often when
 * it comes back, also when it comes back by an exception.
 *
 * <p><b>Order.</b> Waiters are signalled first in, first out. A signal does not wake: it moves the waiter from this list to the end of the mutex's (<em>wait
 * morphing</em>), and the unlock that follows serves that. So {@link #signalAll} with a thousand waiters wakes them one after the other, as each can go on.
 *
 * <p><b>No signal is lost.</b> A waiter enters the list before it gives up the mutex, so a signaller, who has it, finds it. Both lists are under the mutex's guard, so one who gives up by
 * timeout or interrupt finds itself in one of them: in this one, then it has not been signalled, and no signal was spent on it; in the mutex's, then it has, and returns normally
 * (an interrupt stays pending). A signal never goes to one who leaves.
 */
public final class CondVar implements Condition {
    private final Mutex mutex;
    private final WaiterList waiters = new WaiterList();

    CondVar(Mutex mutex) { this.mutex = mutex; }

    /** Returns the mutex. */
    public Mutex mutex() { return mutex; }

    /** Waits for a signal. */
    @Override public void await() throws InterruptedException {
        if (await(true, Waiter.NO_DEADLINE) == Waiter.INTERRUPTED) throw new InterruptedException();
    }

    /** Waits for a signal; an interrupt does not end that. */
    @Override public void awaitUninterruptibly() { await(false, Waiter.NO_DEADLINE); }

    /**
     * Waits for a signal, for a time at most.
     *
     * @return how much of the time is left; 0 or less if it passed without a signal. It passes also while the mutex is being taken again
     */
    @Override public long awaitNanos(long nanos) throws InterruptedException {
        long deadline = Waiter.deadline(nanos);
        if (await(true, deadline) == Waiter.INTERRUPTED) throw new InterruptedException();
        return deadline - System.nanoTime();
    }

    /** Waits for a signal, for a time at most; returns false if it passed without one. */
    @Override public boolean await(long time, TimeUnit unit) throws InterruptedException {
        int outcome = await(true, Waiter.deadline(unit.toNanos(time)));
        if (outcome == Waiter.INTERRUPTED) throw new InterruptedException();
        return outcome == Waiter.READY;
    }

    /** Waits for a signal until {@code deadline} by the wall clock as it goes now; returns false if it came without one. */
    @Override public boolean awaitUntil(Date deadline) throws InterruptedException {
        return await(Math.max(0, deadline.getTime()) - System.currentTimeMillis(), TimeUnit.MILLISECONDS);
    }

    private int await(boolean interruptible, long deadline) {
        if (!mutex.isHeldByCurrentThread()) throw mutex.notHeld();
        if (interruptible && Thread.interrupted()) return Waiter.INTERRUPTED;
        Waiter w = new Waiter();
        mutex.guard.lock();
        waiters.append(w);
        mutex.guard.unlock();
        int holds = mutex.releaseFully();
        int outcome = w.await(this, interruptible, deadline);
        mutex.guard.lock();
        boolean signalled = w.list != waiters;
        if (!signalled) waiters.remove(w);
        mutex.guard.unlock();
        if (signalled) {
            if (outcome == Waiter.INTERRUPTED) w.interrupted();
            outcome = Waiter.READY;
            mutex.awaitTurn(w, false, Waiter.NO_DEADLINE);
        } else {
            assert outcome != Waiter.READY;
            mutex.lock();
        }
        mutex.holds(holds);
        return outcome;
    }

    /** Has the waiter that came first, if there is one, wait for the mutex instead. */
    @Override public void signal() {
        if (!mutex.isHeldByCurrentThread()) throw mutex.notHeld();
        mutex.guard.lock();
        Waiter w = waiters.poll();
        if (w != null) mutex.transfer(w);
        mutex.guard.unlock();
    }

    /** Has all waiters wait for the mutex instead, in their order. */
    @Override public void signalAll() {
        if (!mutex.isHeldByCurrentThread()) throw mutex.notHeld();
        mutex.guard.lock();
        for (Waiter w; (w = waiters.poll()) != null; ) mutex.transfer(w);
        mutex.guard.unlock();
    }

    /**
     * Returns how many threads wait for a signal.
     *
     * @throws IllegalMonitorStateException if the calling thread does not hold the mutex
     */
    public int waiterCount() {
        if (!mutex.isHeldByCurrentThread()) throw mutex.notHeld();
        mutex.guard.lock();
        int n = waiters.size();
        mutex.guard.unlock();
        return n;
    }
}
