package org.libtorque.thread;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.libtorque.vcore.Mounted;
import org.libtorque.vcore.Vcore;
import org.libtorque.vcore.VcoreThread;
import org.libtorque.vcore.jdk.JdkThreads;

/**
 * A user-level thread as this library sees it; to the rest of Java it is its {@link #thread()}. The static methods are about the calling thread, and where that is no uthread
 * they do what the JDK's methods of the same name do, so that code need not know what it runs on.
 *
 * <p><b>Time.</b> {@link #sleep}, {@link #parkNanos} and {@link #parkUntil} use the timer wheel of the vcore: never early, late by up to about a millisecond, and several times cheaper than
 * {@link Thread#sleep} and {@link LockSupport#parkNanos}, which work too, but go through a timer thread of the JDK.
 */
public sealed class Uthread implements Mounted permits ScheduledUthread {
    /** Yields in a row that may return at once: then the loop gets its turn, or what the kernel has would wait for ever. */
    private static final int MAX_SHORT_YIELDS = 64;
    /** For virtual threads that uthreads have made by the JDK's means: nobody else could remember who they are. */
    private static final ThreadLocal<Uthread> ADOPTED = new ThreadLocal<>();

    private final Uthreads uthreads;
    private Thread thread;
    private ParkTimer timer;
    private int shortYields;
    /** What somebody is to decide about, handed to the vcore by yielding. */
    private Fault fault;

    Uthread(Uthreads uthreads) { this.uthreads = uthreads; }

    /** Before the thread is started. */
    void thread(Thread of) { thread = of; }

    Uthreads uthreads() { return uthreads; }

    /**
     * Returns what the thread is to run: all that it does, wherever it comes to its end, or is said to have. One method, as its frame is in memory for as long as the thread waits.
     */
    Runnable lifeOf(Runnable action) {
        return () -> {
            try {
                for (int attempt = 1; ; attempt++) {
                    try {
                        action.run();
                        return;
                    } catch (Throwable failure) {
                        if (!goesOnAfter(failure, attempt)) return;
                    }
                }
            } finally {
                end();
            }
        };
    }

    private void end() {
        try {
            Dtls.end();
        } finally {
            uthreads.signals().forget(thread);
            uthreads.countEnd();
        }
    }

    // ---- faults

    /** The thread's action has let something out. Returns whether it is to be run again; if not, the thread has come to its end, unless what was let out is thrown. */
    private boolean goesOnAfter(Throwable failure, int attempt) {
        if (failure instanceof UthreadKilled) throw Uthread.<RuntimeException>any(failure.getCause());
        return switch (reflect(new Fault(failure, null, false, attempt))) {
            case RETRY -> true;
            case SUBSTITUTE -> false;
            case KILL, ABORT -> throw Uthread.<RuntimeException>any(failure);
        };
    }

    /**
     * Runs an operation that is to be done again, or stood in for, if something goes wrong in it: an exception that leaves it, a stack overflow, an access to mapped memory whose file has been cut
     * short is a {@link Fault} of which the thread's scheduler is told. The thread meanwhile waits here, with all its callers.
     *
     * <p>The operation must bear being cut off anywhere and run again. Accesses to memory that may vanish belong into such operations: outside of one the JVM's error may come when the
     * thread is elsewhere. An operation in another one is a fault of its own; whom it kills is not asked about again. On a thread that no vcore runs the operation is just run, and what it throws is thrown.
     *
     * @param subject   what it is about, for the one who decides ({@link Fault#subject}); null if that is nothing
     * @param operation returns a result
     * @return the result, or what stands in for it
     * @throws UthreadKilled if the thread is to end
     */
    public static <T> T guarded(Object subject, Supplier<? extends T> operation) {
        Uthread self = current();
        for (int attempt = 1; ; attempt++) {
            Fault fault;
            try {
                T result = operation.get();
                Fault.settle();
                return result;
            } catch (UthreadKilled end) {
                throw end;
            } catch (Throwable failure) {
                if (self == null || self.uthreads == null) throw failure;
                fault = new Fault(failure, subject, true, attempt);
            }
            switch (self.reflect(fault)) {
                case RETRY -> { }
                case SUBSTITUTE -> {
                    @SuppressWarnings("unchecked") T instead = (T) fault.substitute();
                    return instead;
                }
                case KILL, ABORT -> throw new UthreadKilled(fault.failure());
            }
        }
    }

    private FaultAction reflect(Fault reflected) {
        if (current() != this) return FaultAction.KILL; // it has outlived its vcores
        fault = reflected;
        Thread.yield(); // to the vcore, where somebody is asked
        fault = null;
        FaultAction action = reflected.decision();
        if (action == FaultAction.ABORT) uthreads.abort(this, reflected);
        return action == null ? FaultAction.KILL : action; // null if it could not leave the vcore, or whoever was asked has failed
    }

    /** What the thread has just left its vcore for, if it is that. By the vcore. */
    Fault takeFault() {
        Fault reflected = fault;
        if (reflected != null) fault = null;
        return reflected;
    }

    /** By the vcore that has run the thread, and holds its colour. */
    private void askPolicy(Vcore here) {
        Fault reflected = takeFault();
        if (reflected == null) return;
        try {
            reflected.decide(uthreads.faultPolicy().decide(this, reflected));
        } catch (Throwable failure) {
            here.reportFailure(this, failure);
        }
    }

    @SuppressWarnings("unchecked")
    private static <X extends Throwable> X any(Throwable failure) throws X { throw (X) failure; }

    /** Returns the thread. */
    @Override public Thread thread() { return thread; }

    /** Tells whether a thread that keeps its vcore too long is {@linkplain Uthreads#compensation stood in for}. */
    @Override public boolean isWatched() { return uthreads().compensation().isOn(); }

    /** What a thread waits for when it waits for an asynchronous system call: given to {@link #park}, it has the scheduler told so. */
    public interface Syscall {}

    /** Returns what was given to the {@link #park} in which the thread waits; null if it does not wait, or nothing was given. Any thread; out of date soon. */
    public Object blocker() { return LockSupport.getBlocker(thread); }

    /** Returns what a scheduler keeps for this thread; null if nothing. The scheduler says who may when. */
    public Object attachment() { return null; }

    /**
     * Keeps something for the thread's scheduler.
     *
     * @throws UnsupportedOperationException if the thread has no {@link Scheduler} of its own
     */
    public void attach(Object value) { throw new UnsupportedOperationException(this + " has no scheduler of its own"); }

    /** Lets the thread go on if it is parked, or its next park return at once. Any thread. */
    public void unpark() { LockSupport.unpark(thread); }

    /** Runs a thread on the calling one until it waits, yields or ends. */
    static void mount(Object occupant, Runnable continuation) {
        if (Thread.currentThread() instanceof VcoreThread carrier) {
            Vcore vcore = carrier.vcore();
            carrier.mounted(occupant);
            vcore.lend();
            try {
                continuation.run();
            } finally {
                vcore.reclaim();
                carrier.mounted(null);
                if (occupant instanceof Uthread u && u.fault != null) u.askPolicy(vcore);
                if (Preemption.somebodyHasSignals() && occupant instanceof Uthread u && u.thread.getState() == Thread.State.TERMINATED) u.uthreads.signals().forget(u.thread);
            }
        } else {
            continuation.run();
        }
    }

    /** On a carrier that has just unmounted somebody, and is not yet back in code of ours, before it touches what belongs to its vcore. */
    static void reclaimCarrier() {
        if (Thread.currentThread() instanceof VcoreThread carrier && carrier.mounted() != null) carrier.vcore().reclaim();
    }

    // ---- about the calling thread

    /** Returns the calling uthread; null if the calling thread is none, as in callbacks. */
    public static Uthread current() {
        Thread self = Thread.currentThread();
        if (!self.isVirtual() || !(JdkThreads.carrier() instanceof VcoreThread carrier)) return null;
        return carrier.mounted() instanceof Uthread uthread ? uthread : adopted(self);
    }

    private static Uthread adopted(Thread self) {
        Uthread known = ADOPTED.get();
        if (known == null) {
            known = new Uthread(null);
            known.thread = self;
            ADOPTED.set(known);
        }
        return known;
    }

    /**
     * Lets others run: the thread goes on when all that waits on this vcore has had its turn. Without a {@link Scheduler} of its own, turns are shared out by time: who has had more, as far as
     * a clock can tell, lets others pass several times. Returns at once if nothing waits, unless {@link Uthreads#shortCircuitYield} says otherwise.
     */
    public static void yield() {
        Uthread self = current();
        if (self == null || !self.mayGoOn()) Thread.yield();
        UthreadSignals.deliver();
    }

    private boolean mayGoOn() {
        if (uthreads == null || !uthreads.shortCircuitsYield() || shortYields >= MAX_SHORT_YIELDS || hasOthers()) {
            shortYields = 0;
            return false;
        }
        shortYields++;
        return true;
    }

    /**
     * Where a thread that computes for long may be preempted, and told of {@linkplain UthreadSignals signals}: lets others run if the {@linkplain Uthreads#schedulingPeriod scheduling period} of this vcore is over and somebody waits.
     * A load and a branch otherwise, so it may stand in inner loops; the library's agent puts it there ({@code doc/threads.md}).
     */
    public static void checkpoint() {
        if (Preemption.somebodyIsAsked()) followRequest();
    }

    private static void followRequest() {
        if (!Thread.currentThread().isVirtual() || !(JdkThreads.carrier() instanceof VcoreThread carrier) || !(carrier.mounted() instanceof Uthread self)) return;
        if (Preemption.somebodyHasSignals()) {
            UthreadSignals.deliver();
            if (!(JdkThreads.carrier() instanceof VcoreThread now)) return; // a handler has waited, and it has outlived its vcores
            carrier = now;
        }
        if (self.uthreads.preemption().takeRequest(carrier.vcore().index()) && self.hasOthers()) Thread.yield();
    }

    private boolean hasOthers() {
        Vcore here = Vcore.peek();
        if (here.hasOthersWaiting()) return true;
        if (!(this instanceof ScheduledUthread u)) return false;
        VcoreContext context = u.scheduler().contextOf(here);
        return context == null || context.hasArrived() || u.scheduler().hasOthers(context);
    }

    /**
     * Sleeps.
     *
     * @param duration zero and less return at once
     * @throws InterruptedException if the thread is interrupted before or meanwhile; its interrupt status is then cleared
     */
    public static void sleep(Duration duration) throws InterruptedException {
        Uthread self = current();
        if (self == null) {
            Thread.sleep(duration);
            return;
        }
        if (Thread.interrupted()) throw new InterruptedException();
        if (duration.isNegative() || duration.isZero()) return;
        long deadline = System.nanoTime() + Parker.nanosOf(duration);
        do {
            parkUntil(self, deadline);
            if (Thread.interrupted()) throw new InterruptedException();
        } while (deadline - System.nanoTime() > 0);
    }

    /** Parks until {@link #unpark}, an interrupt, or for no reason, as {@link LockSupport#park(Object)}. */
    public static void park(Object blocker) {
        LockSupport.park(blocker);
        UthreadSignals.deliver();
    }

    /** As {@link #park}, for at most so long; zero and less return at once. */
    public static void parkNanos(Object blocker, long nanos) {
        if (nanos > 0) parkUntil(blocker, System.nanoTime() + Math.min(nanos, Long.MAX_VALUE / 2));
    }

    /**
     * As {@link #park}, until a time at most.
     *
     * @param blocker       what it waits for, for thread dumps
     * @param deadlineNanos by {@link System#nanoTime}, less than 2^62 from now
     */
    public static void parkUntil(Object blocker, long deadlineNanos) {
        Uthread self = current();
        if (self == null) {
            LockSupport.parkNanos(blocker, deadlineNanos - System.nanoTime());
            return;
        }
        if (deadlineNanos - System.nanoTime() <= 0) return;
        ParkTimer armed = self.arm(deadlineNanos);
        LockSupport.park(blocker);
        self.disarm(armed);
        UthreadSignals.deliver();
    }

    private ParkTimer arm(long deadlineNanos) {
        Vcore here = Vcore.current();
        ParkTimer t = timer;
        if (t == null) timer = t = new ParkTimer(thread);
        t.arm(here, deadlineNanos);
        return t;
    }

    private void disarm(ParkTimer armed) {
        Vcore here = Vcore.current();
        if (!armed.disarm(here)) timer = null; // it is left to another vcore, which may take its time
        if (here != null) here.lend();
    }

    @Override public String toString() { return "Uthread[" + thread + "]"; }
}
