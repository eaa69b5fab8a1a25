package org.libtorque.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class AllocationProbeTest {
    private volatile Object escape;
    private long counter;

    @Test void arithmeticAllocatesNothing() {
        AllocationProbe.assertAllocatesNothing(1_000, 1_000, () -> counter++);
        assertTrue(counter >= 2_000);
    }

    @Test void oneObjectInAThousandRunsIsFound() {
        AssertionError e = assertThrows(AssertionError.class, () -> AllocationProbe.assertAllocatesNothing(1_000, 1_000,
                () -> { if (++counter % 1_000 == 0) escape = new byte[100]; }, Duration.ZERO));
        assertTrue(e.getMessage().contains("bytes in 1000 runs"), e.getMessage());
    }

    @Test void countsAtLeastTheArrayThatWasMade() {
        long bytes = AllocationProbe.allocatedBytesDuring(() -> escape = new byte[1 << 16]);
        assertTrue(bytes >= 1 << 16 && bytes < 1 << 18, "bytes " + bytes);
    }

    @Test void anotherThreadsCountDoesNotIncludeOurs() throws InterruptedException {
        var go = new CountDownLatch(1);
        Thread other = Thread.ofPlatform().start(() -> {
            try {
                go.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        Eventually.await("the thread waits", () -> other.getState() == Thread.State.WAITING);
        long before = AllocationProbe.allocatedBytes(other);
        escape = new byte[1 << 20];
        assertEquals(before, AllocationProbe.allocatedBytes(other));
        go.countDown();
        other.join();
        assertThrows(IllegalArgumentException.class, () -> AllocationProbe.allocatedBytes(other));
    }
}
