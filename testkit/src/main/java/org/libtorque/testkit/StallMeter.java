package org.libtorque.testkit;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Measures for how long the machine stands still: as many threads as there are CPUs sleep for some milliseconds again and again, and note how much too late they come back. For tests
 * of what happens before a limit by the real clock: where a thread or the whole process is kept from its CPU for as long as the limit, the other thing happens, and rightly.
 */
public final class StallMeter implements AutoCloseable {
    private static final long LOOK_NANOS = 5_000_000;
    private static final int ATTEMPTS = 20;

    private final AtomicLong longest = new AtomicLong();
    private final List<Thread> threads = new ArrayList<>();

    /** Begins to measure. */
    public StallMeter() {
        for (int i = 0; i < Runtime.getRuntime().availableProcessors(); i++) threads.add(Thread.ofPlatform().daemon().name("stall meter " + i).start(this::measure));
    }

    private void measure() {
        long last = System.nanoTime();
        while (true) {
            try {
                Thread.sleep(Duration.ofNanos(LOOK_NANOS));
            } catch (InterruptedException closed) {
                return;
            } finally {
                long now = System.nanoTime();
                longest.accumulateAndGet(now - last - LOOK_NANOS, Math::max);
                last = now;
            }
        }
    }

    /** Returns how long the machine has stood still at most since this was made. */
    public Duration longest() { return Duration.ofNanos(longest.get()); }

    /** Ends measuring, and its threads. */
    @Override public void close() {
        for (Thread thread : threads) thread.interrupt();
        for (Thread thread : threads) Eventually.awaitEnd(thread);
    }

    /** What is tried. */
    @FunctionalInterface
    public interface Attempt {
        /** Does it once. */
        void run() throws Exception;
    }

    /**
     * Runs a test, and again if it fails while the machine stood still for {@code stall} or longer, up to 20 times. A failure without such a stall is thrown at once.
     *
     * @param attempt the test; starts afresh each time
     * @param clear   puts in order what a failed attempt has left
     */
    public static void retryIfStalled(Duration stall, Attempt attempt, Attempt clear) throws Exception {
        for (int i = 1; ; i++) {
            try (var meter = new StallMeter()) {
                try {
                    attempt.run();
                    return;
                } catch (Exception | AssertionError e) {
                    if (i == ATTEMPTS || meter.longest().compareTo(stall) < 0) throw e;
                    clear.run();
                }
            }
        }
    }
}
