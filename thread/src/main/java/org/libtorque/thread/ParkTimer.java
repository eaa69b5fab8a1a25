package org.libtorque.thread;

import java.util.concurrent.locks.LockSupport;
import org.libtorque.vcore.Task;
import org.libtorque.vcore.Timer;
import org.libtorque.vcore.Vcore;

/**
 * Wakes a parked thread at a time. It is on the wheel of the vcore where the thread parked; the thread may go on at another, which must not touch that wheel: then a task does.
 * So it belongs to the thread until it is armed; from then on its wheel fields belong to that vcore, and {@code fired}, the one field that both see, says when it is the thread's again.
 */
final class ParkTimer extends Timer {
    private final Thread thread;
    private Vcore vcore;
    /** Written by the vcore as the last thing that it does with this timer. */
    private volatile boolean fired;

    ParkTimer(Thread thread) { this.thread = thread; }

    /** By the thread, on the vcore that carries it, when it is not armed. */
    void arm(Vcore here, long deadlineNanos) {
        vcore = here;
        fired = false;
        here.timers().schedule(this, deadlineNanos);
    }

    @Override protected void onExpiry(long nowNanos) {
        fired = true;
        LockSupport.unpark(thread);
    }

    /** Its vcore has ended. The thread looks at the time, and has the JDK wake it. */
    @Override protected void abandoned() { onExpiry(0); }

    /**
     * By the thread, wherever it goes on.
     *
     * @param here the vcore that carries it; null if none does
     * @return whether it can be armed again; if not, it is to be forgotten, and may wake the thread for nothing
     */
    boolean disarm(Vcore here) {
        if (fired) return true;
        if (here == vcore) {
            here.timers().cancel(this);
            return true;
        }
        Vcore at = vcore;
        new Task(at.newColor().pin()) {
            @Override protected void run() { at.timers().cancel(ParkTimer.this); }
        }.postSurely();
        return false;
    }
}
