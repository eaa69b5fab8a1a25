package org.libtorque.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class ManualClockTest {
    @Test void standsStillUntilItIsMoved() {
        var clock = new ManualClock(7);
        assertEquals(7, clock.nanoTime());
        assertEquals(7, clock.nanoTime());
        assertEquals(1_007, clock.advance(Duration.ofNanos(1_000)));
        assertEquals(1_007, clock.nanoTime());
    }

    @Test void startsNegativeSoThatTestsMeetTheSign() { assertTrue(new ManualClock().nanoTime() < 0); }

    @Test void wrapsAsTheRealOneMay() {
        var clock = new ManualClock(Long.MAX_VALUE);
        assertEquals(Long.MIN_VALUE, clock.advance(1));
    }

    @Test void refusesToGoBackwardsByAdvance() {
        assertThrows(IllegalArgumentException.class, () -> new ManualClock().advance(-1));
    }
}
