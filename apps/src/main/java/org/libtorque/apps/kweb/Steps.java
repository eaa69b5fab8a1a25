package org.libtorque.apps.kweb;

import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/** The steps of an answer that comes later, for the thread that waits for them: whoever has the next one puts it here, and that thread takes and runs it. At most one at a time. */
final class Steps {
    private final AtomicReference<Runnable> next = new AtomicReference<>();
    private volatile Thread waiting;

    /** Any thread. */
    void put(Runnable step) {
        next.set(step);
        Thread thread = waiting;
        if (thread != null) LockSupport.unpark(thread);
    }

    /** Returns the next step, or null if it is not there yet. */
    Runnable poll() { return next.getAndSet(null); }

    /** Returns the next step, for which it waits; null if the calling thread is interrupted. */
    Runnable await() {
        waiting = Thread.currentThread();
        Runnable step;
        while ((step = next.getAndSet(null)) == null && !waiting.isInterrupted()) LockSupport.park(this);
        waiting = null;
        return step;
    }
}
