package org.libtorque.thread;

import java.util.concurrent.locks.LockSupport;

/**
 * How synchronisers block a thread and let it go on: {@link LockSupport}, which knows platform threads, the JDK's virtual threads and uthreads alike, and gives the
 * vcore back in the latter case. Only timed parks differ: the JDK has them ended by timer threads of its own, while a uthread's are ended by its vcore's wheel, if
 * there is one.
 */
final class Parker {
    /** Ends timed parks of some threads. */
    interface Wheel {
        /**
         * Parks the calling thread as {@link LockSupport#parkNanos(Object, long)} does, if it is one of this wheel's.
         *
         * @return false if it is not, and nothing was done
         */
        boolean parkNanos(Object blocker, long nanos);
    }

    private static volatile Wheel wheel;

    private Parker() {}

    /** Has virtual threads ask {@code newWheel} first; null for nobody. */
    static void wheel(Wheel newWheel) { wheel = newWheel; }

    /** Blocks the calling thread until {@link #unpark}, an interrupt, or for nothing. */
    static void park(Object blocker) { LockSupport.park(blocker); }

    /** As {@link #park}, but for {@code nanos} at most. */
    static void parkNanos(Object blocker, long nanos) {
        Wheel w = wheel;
        if (w == null || !Thread.currentThread().isVirtual() || !w.parkNanos(blocker, nanos)) LockSupport.parkNanos(blocker, nanos);
    }

    /** Lets {@code thread}'s park return, or its next one. Any thread, vcore context included. */
    static void unpark(Thread thread) { LockSupport.unpark(thread); }
}
