package org.libtorque.thread;

import java.util.concurrent.Executor;
import java.util.concurrent.locks.LockSupport;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Task;
import org.libtorque.vcore.VcoreThread;

/**
 * A uthread as the default scheduler sees it: a task, queued in the thread's colour whenever the thread can go on. It is also the executor that the JDK takes for the thread's
 * scheduler, one for each thread, so that the request to run says whose it is.
 *
 * <p>{@link #execute} is called by whoever makes the thread runnable, on any thread, a virtual one being pinned meanwhile; it posts, which neither blocks nor allocates.
 */
final class ColoredUthread extends Task implements Executor {
    /** Relayed by the carrier: who wakes a thread will run it himself. */
    private static final Object WILL_RUN = new Object();

    private final Uthread uthread;
    /** Whether the colour was asked for: then threads that this one starts have it too. */
    private final boolean asked;
    /** What the JDK has run for this thread. Written when it starts, before anybody else can know of it. */
    private Runnable continuation;

    ColoredUthread(Uthread uthread, Color color, boolean asked) {
        super(color);
        this.uthread = uthread;
        this.asked = asked;
    }

    Uthread uthread() { return uthread; }

    @Override public void execute(Runnable toRun) {
        if (toRun != continuation) {
            if (continuation != null) {
                Uthread.reclaimCarrier();
                adopt(uthread.uthreads(), asked ? color() : null, toRun);
                return;
            }
            continuation = toRun;
            uthread.uthreads().countStart();
        }
        if (Thread.currentThread() instanceof VcoreThread carrier) {
            if (carrier.relayed() == WILL_RUN && carrier.vcore().isNext(color())) {
                carrier.relay(this);
                return;
            }
            // Behind the run that is just ending: it yields, or was unparked while it parked. Others come first.
            if (carrier.mounted() == uthread) carrier.vcore().endTurn();
        }
        if (!postSurely()) outlive();
    }

    /**
     * Unparks a thread, and has it run before this returns, until it waits anew, if it is the next that its colour has to run anyway: for event callbacks that have nothing else to do but
     * wake who waits for the event, and that are done with what they share with him.
     */
    static void unparkInside(Thread thread) {
        if (!(Thread.currentThread() instanceof VcoreThread carrier)) {
            LockSupport.unpark(thread);
            return;
        }
        carrier.relay(WILL_RUN);
        LockSupport.unpark(thread); // calls execute, unless the thread was not parked, or is nobody's of ours
        Object relayed = carrier.relayed();
        carrier.relay(null);
        if (relayed instanceof ColoredUthread next) carrier.vcore().runInside(next);
    }

    @Override protected void dropped() { outlive(); }

    private void outlive() { uthread.uthreads().outlive(continuation, asked); }

    /** A virtual thread that a uthread has made without saying on what it is to run runs where that does: on the vcores, in the colour given or (null) any. */
    static void adopt(Uthreads uthreads, Color color, Runnable toRun) {
        Adopted task = new Adopted(uthreads, color != null ? color : uthreads.torque().newColor(), color != null, toRun);
        if (!task.postSurely()) task.dropped();
    }

    @Override protected void run() { Uthread.mount(uthread, continuation); }

    @Override protected Object subject() { return uthread; }

    /** One run of a virtual thread of which we know nothing but that it is to run. */
    private static final class Adopted extends Task {
        private final Uthreads uthreads;
        private final boolean asked;
        private final Runnable toRun;

        Adopted(Uthreads uthreads, Color color, boolean asked, Runnable toRun) {
            super(color);
            this.uthreads = uthreads;
            this.asked = asked;
            this.toRun = toRun;
        }

        @Override protected void dropped() { uthreads.outlive(toRun, asked); }

        @Override protected void run() { Uthread.mount(this, toRun); }
    }
}
