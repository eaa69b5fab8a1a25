package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.libtorque.testkit.ManualClock;

class ClockTest {
    @Test void theSystemClockFollowsTheMachines() {
        long nanos = System.nanoTime();
        assertTrue(Clock.SYSTEM.nanoTime() - nanos >= 0);
        long millis = System.currentTimeMillis();
        assertTrue(Math.abs(Clock.SYSTEM.epochMillis() - millis) < 60_000);
    }

    @Test void aManualClockIsAClock() {
        var manual = new ManualClock(5);
        Clock clock = manual::nanoTime;
        manual.advance(3);
        assertEquals(8, clock.nanoTime());
    }
}
