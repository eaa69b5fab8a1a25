package org.libtorque.thread;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.Executor;
import org.libtorque.sys.Handles;
import org.libtorque.vcore.VcoreThread;

/**
 * A uthread that a {@link Scheduler} schedules. {@code state} sees to it that the scheduler is told everything once, and in order, though a thread can be woken while it is still
 * on its way off its vcore:
 *
 * <pre>{@code
 *   BLOCKED (also before the start) -woken-> RUNNABLE -run-> MOUNTED -waits, scheduler told-> BLOCKED
 *                                                            MOUNTED -woken-> WOKEN -waits, scheduler told-> RUNNABLE
 *                                                            MOUNTED, WOKEN -yields-> RUNNABLE
 *   RUNNABLE -the vcores have ended-> ORPHANED
 * }</pre>
 */
final class ScheduledUthread extends Uthread {
    private static final int BLOCKED = 0, RUNNABLE = 1, MOUNTED = 2, WOKEN = 3, ORPHANED = 4;
    private static final VarHandle STATE = Handles.field(MethodHandles.lookup(), "state", int.class);

    private final Scheduler scheduler;
    /** What the JDK has run for this thread. Written when it starts, before anybody else can know of it. */
    Runnable continuation;
    /** Link in a stack of arrived ones, or a list of its scheduler: of whoever holds it while it is runnable. */
    ScheduledUthread next;
    /** Number of the vcore that it is to run on if possible; -1 for any. */
    int affinity = -1;
    private Object attachment;
    private volatile int state;
    /** Set by the vcore that carries it, on the way off it. */
    private boolean yielded;

    ScheduledUthread(Uthreads uthreads, Scheduler scheduler) {
        super(uthreads);
        this.scheduler = scheduler;
    }

    /** The JDK's scheduler of this thread: one small object, so that the request to run says whose it is. */
    static final class Entry implements Executor {
        final ScheduledUthread thread;

        Entry(ScheduledUthread thread) { this.thread = thread; }

        @Override public void execute(Runnable toRun) { thread.execute(toRun); }
    }

    Scheduler scheduler() { return scheduler; }

    @Override public Object attachment() { return attachment; }

    @Override public void attach(Object value) { attachment = value; }

    private void execute(Runnable toRun) {
        if (toRun != continuation) {
            if (continuation != null) {
                reclaimCarrier();
                ColoredUthread.adopt(uthreads(), null, toRun);
                return;
            }
            continuation = toRun;
            uthreads().countStart();
        }
        Thread caller = Thread.currentThread();
        if (caller instanceof VcoreThread carrier && carrier.mounted() == this) {
            yielded = true; // just off its vcore: it yields, or was unparked while it parked
            return;
        }
        while (true) {
            int s = state;
            if (s == BLOCKED) {
                if (!STATE.compareAndSet(this, BLOCKED, RUNNABLE)) continue;
                scheduler.runnable(this, caller);
                return;
            }
            if (s == ORPHANED) {
                Orphans.run(toRun);
                return;
            }
            if (s != MOUNTED || STATE.compareAndSet(this, MOUNTED, WOKEN)) return;
        }
    }

    /** Nobody schedules it any more, and it goes on elsewhere. By whoever holds it while it is runnable. */
    void orphan() {
        state = ORPHANED;
        Orphans.run(continuation);
    }

    // ---- by the vcore

    void begin() {
        if (state != RUNNABLE) throw new IllegalStateException(this + " is not runnable");
        STATE.setOpaque(this, MOUNTED); // nobody else changes it while it is runnable; read by those who wake it after it has parked, which orders
    }

    boolean hasYielded() {
        if (!yielded) return false;
        yielded = false;
        STATE.setOpaque(this, RUNNABLE); // whoever has woken it meanwhile has had his way
        return true;
    }

    /** It waits, and the scheduler has been told. Returns false if somebody has woken it meanwhile: then it is runnable. */
    boolean endBlocked() {
        if (STATE.compareAndSet(this, MOUNTED, BLOCKED)) return true;
        STATE.setOpaque(this, RUNNABLE);
        return false;
    }
}
