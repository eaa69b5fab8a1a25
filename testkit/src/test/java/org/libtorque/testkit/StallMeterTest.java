package org.libtorque.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class StallMeterTest {
    private static final Comparator<String> BY_NUMBER = Comparator.comparingInt(String::length).thenComparing(Comparator.naturalOrder());

    private final AtomicInteger attempts = new AtomicInteger();
    private final AtomicInteger cleared = new AtomicInteger();

    @Test void whatFailsWithoutAStallFailsAtOnce() {
        var mine = new AssertionError("mine");
        assertSame(mine, assertThrows(AssertionError.class, () -> StallMeter.retryIfStalled(Duration.ofHours(1), () -> {
            attempts.incrementAndGet();
            throw mine;
        }, cleared::incrementAndGet)));
        assertEquals(1, attempts.get());
        assertEquals(0, cleared.get());
    }

    @Test void whatFailsDuringAStallIsTriedAgain() throws Exception {
        StallMeter.retryIfStalled(Duration.ofHours(-1), () -> { // so that each is one
            if (attempts.incrementAndGet() < 3) throw new IOException("too late");
        }, cleared::incrementAndGet);
        assertEquals(3, attempts.get());
        assertEquals(2, cleared.get());
    }

    @Test void whatNeverSucceedsFailsInTheEnd() {
        assertThrows(AssertionError.class, () -> StallMeter.retryIfStalled(Duration.ofHours(-1), () -> {
            attempts.incrementAndGet();
            throw new AssertionError("always");
        }, cleared::incrementAndGet));
        assertEquals(20, attempts.get());
    }

    @Test void itMeasuresAndItsThreadsEnd() throws InterruptedException {
        try (var meter = new StallMeter()) {
            Eventually.await("somebody came too late, by however little", () -> meter.longest().toNanos() > 0);
            assertTrue(Thread.getAllStackTraces().keySet().stream().anyMatch(thread -> thread.getName().startsWith("stall meter ")));
        }
        assertTrue(Thread.getAllStackTraces().keySet().stream().noneMatch(thread -> thread.getName().startsWith("stall meter ")));
    }

    @Test void eachCpuIsLookedAtByAThreadThatIsThereOnly() {
        List<String> all = Arrays.stream(StallMeter.allowed()).mapToObj(String::valueOf).toList();
        assertTrue(all.size() >= Runtime.getRuntime().availableProcessors(), all::toString);
        try (var meter = new StallMeter()) {
            Eventually.await("its threads are on one CPU each", () -> threads().map(StallMeterTest::allowed).sorted(BY_NUMBER).toList().equals(all));
            assertTrue(meter.longest().toNanos() >= 0);
        }
    }

    /** Returns the meter's threads, as folders of the kernel's. */
    private static Stream<Path> threads() {
        File[] tasks = new File("/proc/self/task").listFiles();
        return Arrays.stream(tasks).map(File::toPath).filter(task -> read(task.resolve("comm")).startsWith("stall meter "));
    }

    private static String allowed(Path task) { return read(task.resolve("status")).replaceAll("(?s).*Cpus_allowed_list:\\s*(\\S+).*", "$1"); }

    /** Returns a file's content, empty once the thread has ended. */
    private static String read(Path file) {
        try {
            return Files.readString(file, StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return "";
        }
    }
}
