package org.libtorque.thread;

import java.util.ArrayDeque;
import java.util.concurrent.locks.LockSupport;

/**
 * Threads that wait for one thing to happen: seldom more than one, for which nothing is allocated. Touched under one colour, but for {@link #hasCalled}. A thread that has given up may
 * be woken for nothing.
 *
 * <p>The count of calls is for threads of other colours: between being added and parking they park for other things, which may swallow the wake-up.
 */
final class Waiters {
    private Thread first;
    private ArrayDeque<Thread> others;
    private volatile int calls;

    /**
     * A thread will park and is to be woken. Adding it again changes nothing.
     *
     * @return what {@link #hasCalled} is to be asked with before parking
     */
    int add(Thread thread) {
        if (first == null || first == thread) {
            first = thread;
        } else {
            if (others == null) others = new ArrayDeque<>();
            if (!others.contains(thread)) others.add(thread);
        }
        return calls;
    }

    /** Tells whether all were woken since a thread was added. Any thread. */
    boolean hasCalled(int ticket) { return calls != ticket; }

    /** Wakes all. Who still has to wait adds himself again. */
    void wakeAll() {
        Thread thread = takeFirst();
        if (thread == null) return;
        LockSupport.unpark(thread);
        if (others == null) return;
        while ((thread = others.poll()) != null) LockSupport.unpark(thread);
    }

    /** As {@link #wakeAll}. If it is one thread only, it has run before this returns, if it can ({@link ColoredUthread#unparkInside}). */
    void runAll() {
        if (others != null && !others.isEmpty()) {
            wakeAll();
            return;
        }
        Thread thread = takeFirst();
        if (thread != null) ColoredUthread.unparkInside(thread);
    }

    @SuppressWarnings("NonAtomicOperationOnVolatileField") // one writer at a time, the colour's
    private Thread takeFirst() {
        Thread thread = first;
        if (thread == null) return null;
        first = null;
        calls++;
        return thread;
    }
}
