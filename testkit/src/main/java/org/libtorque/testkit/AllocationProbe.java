package org.libtorque.testkit;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.locks.LockSupport;

/**
 * How many bytes of the Java heap a platform thread has allocated, by the JVM's own counters. Exact: asking for one's
 * own count allocates nothing.
 */
public final class AllocationProbe {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    /** Clean batches needed: one. Batches tried: a stray class initialisation or deoptimisation spoils one, not all. */
    private static final int BATCHES = 50;

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
     * compiled and its classes are initialised; then up to {@value #BATCHES} batches of {@code runs}, of which one must
     * allocate not a single byte. What allocates in every run, or in every so many, fails all of them. There are many and
     * they are spread over some time because the compiler works beside us, and on a busy machine takes its time.
     *
     * @throws AssertionError if every batch allocated; names the bytes per run of the best
     */
    public static void assertAllocatesNothing(int warmUpRuns, int runs, Runnable action) {
        if (runs < 1) throw new IllegalArgumentException("runs " + runs + ": must be at least 1");
        repeat(warmUpRuns, action);
        long least = Long.MAX_VALUE;
        for (int batch = 0; batch < BATCHES && least > 0; batch++) {
            long before = allocatedBytes();
            repeat(runs, action);
            least = Math.min(least, allocatedBytes() - before);
            if (least > 0) LockSupport.parkNanos(20_000_000);
        }
        if (least > 0) {
            throw new AssertionError("allocates: " + least + " bytes in " + runs + " runs, " + (double) least / runs
                    + " per run");
        }
    }

    private static void repeat(int runs, Runnable action) {
        for (int i = 0; i < runs; i++) action.run();
    }
}
