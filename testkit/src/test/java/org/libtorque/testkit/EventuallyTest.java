package org.libtorque.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class EventuallyTest {
    @Test void returnsAsSoonAsTheConditionHolds() {
        var asked = new AtomicInteger();
        Eventually.await("it was asked three times", () -> asked.incrementAndGet() == 3);
        assertEquals(3, asked.get());
    }

    @Test void aTimeoutSaysWhatItWaitedForAndShowsEveryThread() {
        AssertionError e = assertThrows(AssertionError.class,
                () -> Eventually.await("pigs fly", Duration.ofMillis(5), () -> false));
        assertTrue(e.getMessage().contains("waiting until pigs fly"), e.getMessage());
        assertTrue(e.getMessage().contains("EventuallyTest"), "the stack of this very test");
    }

    @Test void anInterruptedWaitFailsAndKeepsTheInterrupt() {
        Thread.currentThread().interrupt();
        assertThrows(AssertionError.class, () -> Eventually.await("never", () -> false));
        assertTrue(Thread.interrupted());
    }

    @Test void theScaleStretchesLimits() {
        String before = System.getProperty("torque.timescale");
        try {
            System.setProperty("torque.timescale", "2.5");
            assertEquals(Duration.ofMillis(250), Eventually.scaled(Duration.ofMillis(100)));
            System.setProperty("torque.timescale", "0");
            assertThrows(IllegalArgumentException.class, () -> Eventually.scaled(Duration.ofMillis(100)));
        } finally {
            if (before == null) System.clearProperty("torque.timescale");
            else System.setProperty("torque.timescale", before);
        }
    }
}
