package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class InterruptGaugeTest {
    private static final long SECOND = 1_000_000_000;

    private final InterruptGauge gauge = new InterruptGauge(new int[] {2, 0, 7}, 5_000);
    private final long[] counts = {1_000_000, 5, 77};
    private long now = -3 * SECOND;

    private void second(int onCpu0, int onCpu2) {
        counts[0] += onCpu0;
        counts[2] += onCpu2;
        now += SECOND;
        gauge.update(now, counts);
    }

    @Test void theFirstSampleSaysNothing() {
        second(0, 0);
        for (int i = 0; i < 3; i++) assertEquals(0, gauge.of1024(i));
    }

    @Test void aCpuThatHandlesManyInterruptsHasLessLeft() {
        for (int i = 0; i < 10; i++) second(20_000, 0);
        assertTrue(Math.abs(gauge.of1024(1) - 102) <= 2, "20,000 times 5 us are a tenth, not " + gauge.of1024(1));
        assertEquals(0, gauge.of1024(0));
        assertEquals(0, gauge.of1024(2), "of a CPU that the kernel does not tell of");
        for (int i = 0; i < 12; i++) second(0, 0);
        assertEquals(0, gauge.of1024(1));
    }

    @Test void nothingIsBelievedToBeWorseThanHalf() {
        for (int i = 0; i < 20; i++) second(0, 1_000_000_000);
        assertTrue(gauge.of1024(0) >= InterruptGauge.MOST - 1 && gauge.of1024(0) <= InterruptGauge.MOST, gauge.of1024(0) + " of 1024");
    }

    @Test void aCpuThatComesBackAndCountsAnewHasHadNone() {
        for (int i = 0; i < 3; i++) second(0, 0);
        counts[0] = 3;
        second(0, 0);
        assertEquals(0, gauge.of1024(1));
    }
}
