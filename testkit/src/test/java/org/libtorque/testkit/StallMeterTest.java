package org.libtorque.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class StallMeterTest {
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
            if (attempts.incrementAndGet() < 3) throw new java.io.IOException("too late");
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
}
