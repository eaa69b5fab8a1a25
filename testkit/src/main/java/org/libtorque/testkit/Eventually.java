package org.libtorque.testkit;

import java.time.Duration;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * Waiting for what other threads or the kernel will do. Time limits are multiplied by {@code -Dtorque.timescale} (1
 * if not set): a slow machine sets one number, and tests name limits for an ordinary one. When a limit passes, the
 * failure shows what every thread was doing.
 */
public final class Eventually {
    /**
     * What is waited when a test names no limit, before scaling. Long, since it is spent only when the test fails, and then must mean 'never', not 'late': where thirty others want the
     * same two CPUs, a JVM with an io_uring was seen to take half a minute to start.
     */
    public static final Duration DEFAULT_LIMIT = Duration.ofSeconds(60);

    /** Looks are a twentieth of the time waited so far apart, but within these: a hundred threads that wait must not be what the others wait for. */
    private static final long MIN_POLL_MILLIS = 1, MAX_POLL_MILLIS = 20;

    private Eventually() {}

    /** Returns {@code limit} times the scale. */
    public static Duration scaled(Duration limit) {
        String text = System.getProperty("torque.timescale", "1");
        double scale = Double.parseDouble(text);
        if (!(scale > 0)) throw new IllegalArgumentException("torque.timescale=" + text + ": must be above 0");
        return Duration.ofNanos((long) (limit.toNanos() * scale));
    }

    /** Returns {@link #DEFAULT_LIMIT} times the scale, in seconds: for who waits by means of the JDK. */
    public static long limitSeconds() { return scaled(DEFAULT_LIMIT).toSeconds(); }

    /** As {@link #await(String, Duration, BooleanSupplier)}, with {@link #DEFAULT_LIMIT}. */
    public static void await(String what, BooleanSupplier condition) { await(what, DEFAULT_LIMIT, condition); }

    /**
     * Waits until {@code condition} holds.
     *
     * @param what      completes the sentence 'timed out waiting until …'
     * @param limit     how long to wait, before scaling
     * @param condition evaluated on the calling thread about every millisecond, after a while every 20, and once more when the time is up
     * @throws AssertionError if it does not hold within the limit; has the stacks of all platform threads
     */
    public static void await(String what, Duration limit, BooleanSupplier condition) {
        await(() -> what, limit, condition);
    }

    /** As {@link #await(String, Duration, BooleanSupplier)}; {@code what} is asked only when the time is up. */
    public static void await(Supplier<String> what, Duration limit, BooleanSupplier condition) {
        long nanos = scaled(limit).toNanos();
        long start = System.nanoTime();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - start >= nanos) {
                if (condition.getAsBoolean()) return;
                throw new AssertionError("timed out after " + Duration.ofNanos(nanos) + " waiting until " + what.get()
                        + "\n" + stacks());
            }
            pause(Math.clamp((System.nanoTime() - start) / 20_000_000, MIN_POLL_MILLIS, MAX_POLL_MILLIS));
        }
    }

    /** Waits until {@code thread} has ended. */
    public static void awaitEnd(Thread thread) {
        await("thread '" + thread.getName() + "' ends", () -> !thread.isAlive());
    }

    /** Returns the stacks of all platform threads, as text. */
    public static String stacks() {
        var text = new StringBuilder();
        for (Map.Entry<Thread, StackTraceElement[]> entry : Thread.getAllStackTraces().entrySet()) {
            Thread thread = entry.getKey();
            text.append('"').append(thread.getName()).append("\" #").append(thread.threadId()).append(' ')
                    .append(thread.getState()).append('\n');
            for (StackTraceElement frame : entry.getValue()) text.append("    at ").append(frame).append('\n');
        }
        return text.toString();
    }

    private static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted while waiting", e);
        }
    }
}
