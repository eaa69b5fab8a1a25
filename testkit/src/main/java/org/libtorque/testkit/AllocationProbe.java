package org.libtorque.testkit;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/**
 * How many bytes of the Java heap a platform thread has allocated, by the JVM's own counters. Exact: asking for one's
 * own count allocates nothing.
 */
public final class AllocationProbe {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    /** Clean batches needed: one. Batches tried, at least: a stray class initialisation or deoptimisation spoils one, not all. */
    private static final int BATCHES = 50;
    /**
     * How long batches are tried. The compiler works beside us at the same priority: on two CPUs with twenty others that want them, it has come to the last of these methods only after
     * some seconds, while fifty batches of what is compiled pass in one. Spent only if something does allocate.
     */
    public static final Duration LIMIT = Duration.ofMinutes(2);
    private static final long PAUSE_NANOS = 20_000_000;

    private AllocationProbe() {}

    /** Returns the bytes that the calling thread has allocated since it was started. */
    public static long allocatedBytes() { return THREADS.getCurrentThreadAllocatedBytes(); }

    /**
     * Returns the bytes that a thread has allocated since it was started. Allocates; call it from another thread.
     *
     * @throws IllegalArgumentException if the thread is virtual or has ended: there is no count then
     */
    public static long allocatedBytes(Thread thread) {
        long bytes = thread.isVirtual() ? -1 : THREADS.getThreadAllocatedBytes(thread.threadId());
        if (bytes < 0) throw new IllegalArgumentException(thread + " is virtual or has ended: no allocation count");
        return bytes;
    }

    /** Runs {@code action} on the calling thread and returns how many bytes that allocated. */
    public static long allocatedBytesDuring(Runnable action) {
        long before = allocatedBytes();
        action.run();
        return allocatedBytes() - before;
    }

    /**
     * Asserts that {@code action} does not allocate, once it is warm. Runs it {@code warmUpRuns} times, so that it is
     * compiled and its classes are initialised; then batches of {@code runs}, of which one must allocate not a single byte.
     * What allocates in every run, or in every so many, fails all of them. They are spread over some time, and tried for up
     * to two minutes, because the compiler works beside us, and on a busy machine takes its time.
     *
     * @throws AssertionError if every batch allocated; names the bytes per run of the best
     */
    public static void assertAllocatesNothing(int warmUpRuns, int runs, Runnable action) { assertAllocatesNothing(warmUpRuns, runs, action, LIMIT); }

    /** As {@link #assertAllocatesNothing(int, int, Runnable)}, but with a time limit, before scaling. */
    static void assertAllocatesNothing(int warmUpRuns, int runs, Runnable action, Duration limit) {
        if (runs < 1) throw new IllegalArgumentException("runs " + runs + ": must be at least 1");
        repeat(warmUpRuns, action);
        long nanos = Eventually.scaled(limit).toNanos();
        long start = System.nanoTime();
        long least = Long.MAX_VALUE;
        for (int tried = 0; tried < BATCHES || System.nanoTime() - start < nanos; tried++) {
            long before = allocatedBytes();
            repeat(runs, action);
            least = Math.min(least, allocatedBytes() - before);
            if (least == 0) return;
            LockSupport.parkNanos(PAUSE_NANOS);
        }
        throw new AssertionError("allocates: " + least + " bytes in " + runs + " runs, " + (double) least / runs + " per run");
    }

    private static void repeat(int runs, Runnable action) {
        for (int i = 0; i < runs; i++) action.run();
    }
}
