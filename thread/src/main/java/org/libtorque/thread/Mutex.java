package org.libtorque.thread;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import org.libtorque.sys.Handles;

/**
 * A lock that one thread holds at a time, and that blocks uthreads, virtual and platform threads, never a vcore. {@linkplain #recursive Recursive} or not; a
 * thread that takes a mutex of the latter kind twice is told so.
 *
 * <p><b>Fairness.</b> Waiters are served in the order in which they came. A newcomer that finds the mutex free takes it even if others wait, because waking a waiter takes
 * thousands of times as long as a short critical section; but the first of those who wait is <em>passed</em> at most {@link #maxPassed} times. After that the mutex is handed to it,
 * and nobody can come between. So nobody starves: who finds n waiters gets the mutex after n · (maxPassed + 1) others at most. 0 makes the mutex strictly first in,
 * first out: the price is a switch of threads for each contended critical section.
 *
 * <p><b>State.</b> One word of two bits: LOCKED, and WAITERS if the list is not empty.
 * <pre>{@code
 *   0 -lock-> LOCKED -unlock-> 0                              one compare-and-set each
 *   LOCKED -somebody waits-> LOCKED|WAITERS                   under the guard
 *   LOCKED|WAITERS -unlock-> WAITERS, the first is WOKEN      under the guard; or it stays, and the first is GRANTED
 *   WAITERS -lock, by the woken one or a newcomer-> LOCKED|WAITERS
 * }</pre>
 *   I1  WAITERS is set if and only if the list is not empty; both change under the guard<br>
 *   I2  LOCKED not set and WAITERS set: the first in the list is WOKEN, and tries again<br>
 *   I3  LOCKED is set by who gets the mutex, or stays set when it is handed over<br>
 * By I2 no wake-up is lost: whoever makes the mutex free while WAITERS is set does so under the guard, and wakes; whoever sets WAITERS does so by a compare-and-set from a state with
 * LOCKED, so the holder's fast compare-and-set fails and it comes by the guard. A woken waiter that gives up (timeout, interrupt) wakes the next one.
 *
 * <p><b>Memory order.</b> Taking the mutex acquires and giving it up releases, by the compare-and-set; handing it over, by the waiter's state. {@code owner} and {@code holds} are the
 * holder's; another thread that reads {@code owner} may see anything but itself. Neither lock nor unlock allocates unless the thread must wait.
 *
 * <p>After parlib's mutex (Klues 2015, 2.2.3), which has a spin lock around everything, wakes the first waiter and lets it compete. Rejected: handing over always (a convoy: with
 * 40 µs to wake a sleeping CPU, critical sections of 100 ns would follow each other at 40 µs); never (starvation).
 */
public final class Mutex implements Lock {
    /** How many times the first waiter may be passed unless the constructor says otherwise. */
    public static final int DEFAULT_MAX_PASSED = 256;

    private static final int LOCKED = 1, WAITERS = 2;
    /** Looks at the state before a thread queues: about a microsecond, what a short critical section takes. */
    private static final int SPINS = 40;
    private static final boolean MAY_SPIN = Cpus.ALLOWED > 1;
    private static final VarHandle STATE = Handles.field(MethodHandles.lookup(), "state", int.class);

    /** Of the list, and of the lists of this mutex's condition variables. */
    final Guard guard = new Guard();
    private final WaiterList waiters = new WaiterList();
    private final boolean recursive;
    private final int maxPassed;
    private int state;
    private Thread owner;
    /** How many more times than once the owner has locked it. */
    private int holds;

    /** Makes a mutex that is free, not recursive, and lets the first waiter be passed {@value #DEFAULT_MAX_PASSED} times. */
    public Mutex() { this(false, DEFAULT_MAX_PASSED); }

    /**
     * Makes a mutex that is free.
     *
     * @param recursive whether its owner may lock it again; it is free when it has unlocked as often
     * @param maxPassed how many times the first waiter may be passed; 0 for first in, first out
     */
    public Mutex(boolean recursive, int maxPassed) {
        if (maxPassed < 0) throw new IllegalArgumentException("maxPassed " + maxPassed + ": must be at least 0");
        this.recursive = recursive;
        this.maxPassed = maxPassed;
    }

    /** Makes a recursive mutex that is free. */
    public static Mutex recursive() { return new Mutex(true, DEFAULT_MAX_PASSED); }

    /** Makes a mutex that is free, not recursive, and strictly first in, first out. */
    public static Mutex fair() { return new Mutex(false, 0); }

    /** Returns how many times the first waiter may be passed. */
    public int maxPassed() { return maxPassed; }

    /** Tells whether its owner may lock it again. */
    public boolean isRecursive() { return recursive; }

    /** Tells whether somebody holds it; out of date as soon as it is read. Any thread. */
    public boolean isLocked() { return ((int) STATE.getOpaque(this) & LOCKED) != 0; }

    /** Tells whether the calling thread holds it. */
    public boolean isHeldByCurrentThread() { return owner == Thread.currentThread(); }

    /** Returns how often the calling thread holds it: at most 1 unless it is recursive. */
    public int holdCount() { return isHeldByCurrentThread() ? holds + 1 : 0; }

    /** Returns how many threads wait for it, roughly. Any thread. */
    public int waiterCount() {
        guard.lock();
        int n = waiters.size();
        guard.unlock();
        return n;
    }

    /**
     * Takes the mutex; blocks while another thread holds it. An interrupt does not end that.
     *
     * @throws IllegalMonitorStateException if the calling thread holds it and it is not recursive: it would wait for itself
     */
    @Override public void lock() {
        Thread me = Thread.currentThread();
        if (STATE.compareAndSet(this, 0, LOCKED)) owner = me;
        else if (!again(me) && !spin(me)) take(me, false, Waiter.NO_DEADLINE);
    }

    /**
     * As {@link #lock}, but gives up when the thread is interrupted, or was before.
     *
     * @throws InterruptedException then; the mutex is not held, and the interrupt is taken. One that comes when the mutex has just been handed over does not end the wait and stays
     */
    @Override public void lockInterruptibly() throws InterruptedException {
        if (Thread.interrupted()) throw new InterruptedException();
        Thread me = Thread.currentThread();
        if (STATE.compareAndSet(this, 0, LOCKED)) owner = me;
        else if (!again(me) && !spin(me) && take(me, true, Waiter.NO_DEADLINE) == Waiter.INTERRUPTED) throw new InterruptedException();
    }

    /** Takes the mutex if it is free, others waiting or not, or held by the calling thread and recursive. */
    @Override public boolean tryLock() {
        Thread me = Thread.currentThread();
        return tryTake(me) || owner == me && recursive && again(me);
    }

    /**
     * As {@link #lockInterruptibly()}, and gives up after a time.
     *
     * @param nanos how long to wait; 0 or less only looks, as {@link #tryLock()} does
     * @return whether the mutex is held now
     */
    public boolean tryLockNanos(long nanos) throws InterruptedException {
        if (Thread.interrupted()) throw new InterruptedException();
        Thread me = Thread.currentThread();
        if (STATE.compareAndSet(this, 0, LOCKED)) {
            owner = me;
            return true;
        }
        if (owner == me && !recursive) return false;
        if (again(me) || tryTake(me)) return true;
        if (nanos <= 0) return false;
        return Waiter.succeeded(take(me, true, Waiter.deadline(nanos)));
    }

    /** As {@link #tryLockNanos}. */
    @Override public boolean tryLock(long time, TimeUnit unit) throws InterruptedException { return tryLockNanos(unit.toNanos(time)); }

    /**
     * Gives the mutex up.
     *
     * @throws IllegalMonitorStateException if the calling thread does not hold it
     */
    @Override public void unlock() {
        if (owner != Thread.currentThread()) throw notHeld();
        if (holds > 0) {
            holds--;
            return;
        }
        release();
    }

    /** Returns a new condition variable of this mutex. */
    @Override public CondVar newCondition() { return new CondVar(this); }

    IllegalMonitorStateException notHeld() { return new IllegalMonitorStateException(Thread.currentThread() + " does not hold " + this); }

    /** Locks once more if the thread holds it already; false if it does not. */
    private boolean again(Thread me) {
        if (owner != me) return false;
        if (!recursive) throw new IllegalMonitorStateException(me + " holds " + this + " already, which is not recursive");
        if (holds == Integer.MAX_VALUE) throw new IllegalStateException(this + " is held too many times by " + me);
        holds++;
        return true;
    }

    /** Takes it if it is free. */
    private boolean tryTake(Thread me) {
        int s = (int) STATE.getOpaque(this);
        while ((s & LOCKED) == 0) {
            int seen = (int) STATE.compareAndExchange(this, s, s | LOCKED);
            if (seen == s) {
                owner = me;
                return true;
            }
            s = seen;
        }
        return false;
    }

    /** Looks for a while whether it becomes free. Not if others wait already: then it is not going to for long, and they are first. */
    private boolean spin(Thread me) {
        if (!MAY_SPIN) return false;
        for (int i = 0; i < SPINS; i++) {
            int s = (int) STATE.getOpaque(this);
            if ((s & WAITERS) != 0) return false;
            if (s == 0 && STATE.compareAndSet(this, 0, LOCKED)) {
                owner = me;
                return true;
            }
            Thread.onSpinWait();
        }
        return false;
    }

    /** Takes it, or waits for it. Returns an outcome of {@link Waiter#await}. */
    int take(Thread me, boolean interruptible, long deadline) {
        Waiter w = new Waiter(); // before the guard: it may fail for want of memory
        guard.lock();
        boolean got = tryTakeOrAnnounce(me);
        if (!got) waiters.append(w);
        guard.unlock();
        return got ? Waiter.READY : awaitTurn(w, interruptible, deadline);
    }

    /** Under the guard: takes it if it is free, or sets WAITERS. */
    private boolean tryTakeOrAnnounce(Thread me) {
        while (!tryTake(me)) {
            int s = (int) STATE.getOpaque(this);
            if ((s & LOCKED) != 0 && ((s & WAITERS) != 0 || STATE.compareAndSet(this, s, s | WAITERS))) return false;
        }
        return true;
    }

    /** Waits with a waiter that is in the list, or has been and is granted. Returns an outcome of {@link Waiter#await}, with INTERRUPTED and TIMED_OUT only if it is true in the end. */
    int awaitTurn(Waiter w, boolean interruptible, long deadline) {
        int outcome;
        do {
            outcome = w.await(this, interruptible, deadline);
            if (outcome == Waiter.READY && w.state() == Waiter.GRANTED) break;
            guard.lock();
            if (w.list == null) { // granted meanwhile
                guard.unlock();
                if (outcome == Waiter.INTERRUPTED) w.interrupted();
                outcome = Waiter.READY;
                break;
            }
            if (outcome != Waiter.READY) {
                leave(w); // lets go of the guard
                break;
            }
            if (tryTake(w.thread)) {
                waiters.remove(w);
                if (waiters.isEmpty()) clearWaiters();
                guard.unlock();
                break;
            }
            w.state(Waiter.WAITING); // somebody was quicker; he will wake us
            guard.unlock();
        } while (true);
        w.restoreInterrupt();
        return outcome;
    }

    /** Under the guard, of which it lets go: a waiter gives up. */
    private void leave(Waiter w) {
        boolean woken = w.state() == Waiter.WOKEN;
        waiters.remove(w);
        Waiter heir = null;
        if (waiters.isEmpty()) clearWaiters();
        else if (woken && !isLocked()) heir = waiters.first(); // I2
        // The holder, if there is one, will wake the new first one himself, whose state is WAITING.
        if (heir != null) heir.state(Waiter.WOKEN);
        guard.unlock();
        if (heir != null) Parker.unpark(heir.thread);
    }

    /** Under the guard. */
    private void clearWaiters() {
        int s;
        do {
            s = (int) STATE.getOpaque(this);
        } while (!STATE.weakCompareAndSet(this, s, s & ~WAITERS));
    }

    /** The owner gives it up, however often it holds it. */
    private void release() {
        holds = 0;
        owner = null;
        if (!STATE.compareAndSet(this, LOCKED, 0)) releaseToWaiters();
    }

    /** For {@link CondVar}: gives it up and returns how often it was held, for {@link #holds(int)}. */
    int releaseFully() {
        int before = holds;
        release();
        return before;
    }

    /** For {@link CondVar}: the owner holds it as often as before. */
    void holds(int before) { holds = before; }

    /** LOCKED is set and is ours to take off; WAITERS was set a moment ago. */
    private void releaseToWaiters() {
        guard.lock();
        Waiter first = waiters.first();
        if (first == null) { // gave up
            boolean freed = STATE.compareAndSet(this, LOCKED, 0);
            assert freed : state;
            guard.unlock();
        } else if (first.passed++ >= maxPassed) {
            waiters.remove(first);
            owner = first.thread;
            if (waiters.isEmpty()) STATE.setOpaque(this, LOCKED); // nobody else writes while LOCKED and WAITERS are set
            guard.unlock();
            WaiterList.unparkAll(first);
        } else {
            boolean wake = first.state() == Waiter.WAITING;
            if (wake) first.state(Waiter.WOKEN);
            STATE.setRelease(this, WAITERS); // as above
            guard.unlock();
            if (wake) Parker.unpark(first.thread);
        }
    }

    // ------------------------------------------------------------------------------------------------- for condition variables

    /** Under the guard, by the owner: a waiter of a condition variable waits for the mutex from now on. */
    void transfer(Waiter w) {
        waiters.append(w);
        int s = (int) STATE.getOpaque(this);
        assert (s & LOCKED) != 0;
        if ((s & WAITERS) == 0) STATE.setOpaque(this, LOCKED | WAITERS); // nobody else writes: the state is LOCKED, and the guard and the mutex are ours
    }

    /** For tests, when nobody is near. */
    void checkInvariants() {
        int s = (int) STATE.getVolatile(this);
        if ((s & WAITERS) != 0 == waiters.isEmpty()) throw new AssertionError("I1: " + this);
        if (s == WAITERS && waiters.first().state() != Waiter.WOKEN) throw new AssertionError("I2: " + this);
        if ((s & LOCKED) != 0 == (owner == null)) throw new AssertionError("I3: " + this);
    }

    @Override public String toString() {
        Thread o = owner;
        return (recursive ? "recursive mutex" : "mutex") + "[" + (isLocked() ? "held by " + (o == null ? "somebody" : o.getName().isEmpty() ? "thread " + o.threadId() : o.getName()) : "free") + "]";
    }
}
