package org.libtorque.testkit;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Measures for how long the machine stands still: on each CPU that the calling thread may use, a thread sleeps for some milliseconds again and again, and notes how much too
 * late it comes back. Threads that could go anywhere would not see that one CPU was taken from those that are pinned to it. For tests of what happens before a limit by the
 * real clock: where a thread or the whole process is kept from its CPU for as long as the limit, the other thing happens, and rightly.
 */
public final class StallMeter implements AutoCloseable {
    private static final long LOOK_NANOS = 5_000_000;
    private static final int ATTEMPTS = 20;

    private final AtomicLong longest = new AtomicLong();
    private final List<Thread> threads = new ArrayList<>();

    /** Begins to measure. */
    public StallMeter() {
        for (int cpu : allowed()) threads.add(Thread.ofPlatform().daemon().name("stall meter " + cpu).start(() -> measure(cpu)));
    }

    /** Returns the CPUs that the calling thread may use, as the kernel lists them: {@code 0-3,8}. */
    static int[] allowed() {
        try (Stream<String> lines = Files.lines(Path.of("/proc/thread-self/status"))) {
            String list = lines.filter(line -> line.startsWith("Cpus_allowed_list:")).findFirst().orElseThrow().split("\\s+")[1];
            return Arrays.stream(list.split(",")).map(range -> range.split("-"))
                    .flatMapToInt(ends -> IntStream.rangeClosed(Integer.parseInt(ends[0]), Integer.parseInt(ends[ends.length - 1]))).toArray();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Has the calling thread run on this CPU only. By a program: the kernel's own call takes native access, which tests are not given. */
    private static void pin(int cpu) throws IOException, InterruptedException {
        Path self = Files.readSymbolicLink(Path.of("/proc/thread-self")); // PID/task/TID
        File nowhere = new File("/dev/null");
        new ProcessBuilder("taskset", "-pc", "" + cpu, self.getFileName().toString()).redirectInput(nowhere).redirectOutput(nowhere).redirectError(nowhere).start().waitFor();
    }

    private void measure(int cpu) {
        try {
            pin(cpu);
        } catch (InterruptedException closed) {
            return;
        } catch (IOException e) {
            // no such program: it measures, wherever it is
        }
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
