package org.libtorque.thread;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import org.libtorque.vcore.VcoreThread;

/**
 * How synchronisers block a thread and let it go on: {@link LockSupport}, which knows platform threads, the JDK's virtual threads and uthreads alike, and gives the
 * vcore back in the latter case. Only timed parks differ: the JDK has them ended by timer threads of its own, a uthread's are ended by its vcore's wheel.
 */
final class Parker {
    private static final Duration LONGEST = Duration.ofNanos(Long.MAX_VALUE >> 1);

    private Parker() {}

    /**
     * Returns the calling thread, which is about to wait, before it has changed anything.
     *
     * @throws IllegalStateException in vcore context: the whole vcore would wait
     */
    static Thread mayBlock() {
        Thread thread = Thread.currentThread();
        if (thread instanceof VcoreThread) throw new IllegalStateException("callbacks must not wait: " + thread.getName() + " would stand still; try without waiting, or use a uthread");
        return thread;
    }

    /** Returns as many nanoseconds as differ from the present in a way that can be compared: 146 years at most, so that "for ever" may be asked for as any long time. */
    static long nanosOf(Duration duration) {
        if (duration.compareTo(LONGEST) >= 0) return Long.MAX_VALUE >> 1;
        return duration.compareTo(LONGEST.negated()) <= 0 ? Long.MIN_VALUE >> 1 : duration.toNanos();
    }

    /**
     * As {@link #nanosOf}, of a limit.
     *
     * @throws IllegalArgumentException if it is negative
     */
    static long limitOf(Duration limit) {
        if (limit.isNegative()) throw new IllegalArgumentException("a timeout must not be negative: " + limit);
        return nanosOf(limit);
    }

    /** Blocks the calling thread until {@link #unpark}, an interrupt, or for nothing. */
    static void park(Object blocker) { Uthread.park(blocker); }

    /** As {@link #park}, but for {@code nanos} at most. */
    static void parkNanos(Object blocker, long nanos) { Uthread.parkNanos(blocker, nanos); }

    /** Lets {@code thread}'s park return, or its next one. Any thread, vcore context included. */
    static void unpark(Thread thread) { LockSupport.unpark(thread); }
}
