package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.libtorque.hardware.CpuTimes;

class ShareGaugeTest {
    private static final long SECOND = 1_000_000_000, MILLI = 1_000_000;

    private final ShareGauge gauge = new ShareGauge(new int[] {2, 0});
    private final long[] idle = {50 * SECOND, -1, 70 * SECOND};
    private final long[] ran = {SECOND, 2 * SECOND}, delay = {5, 7};
    private long now = -9 * SECOND;

    /** What the vcore on CPU 2 and the CPU have done in a second, in milliseconds. */
    private void second(long idleMillis, long ranMillis, long delayMillis) {
        now += SECOND;
        idle[0] += SECOND;
        idle[2] += idleMillis * MILLI;
        ran[0] += ranMillis * MILLI;
        delay[0] += delayMillis * MILLI;
        gauge.update(new CpuTimes(now, idle.clone(), ran.clone(), delay.clone()));
    }

    private static void assertNear(int expected, int actual) { assertTrue(Math.abs(expected - actual) <= 1, "expected about " + expected + ", got " + actual); }

    @Test void theFirstSampleSaysNothing() {
        second(0, 0, 0);
        assertEquals(0, gauge.taken(0));
        assertEquals(ShareGauge.UNKNOWN, gauge.pace(0));
    }

    @Test void whatACpuWasNeitherIdleForNorTheVcoreHadIsOthers() {
        second(0, 0, 0);
        second(300, 250, 0);
        assertNear(1024 * 45 / 100, gauge.taken(0));
        assertEquals(1024, gauge.pace(0), "it never waited");
        assertEquals(0, gauge.taken(1));
    }

    @Test void aVcoreThatHasToWaitForItsCpuIsBusyForLongerThanItRuns() {
        second(0, 0, 0);
        second(0, 500, 500);
        assertNear(512, gauge.taken(0));
        assertNear(512, gauge.pace(0));
    }

    @Test void ofAVcoreThatHardlyWantsToRunItIsNotKnownHowSoonItGetsTo() {
        second(0, 0, 0);
        second(0, 500, 500);
        second(500, 5, 5);
        assertEquals(ShareGauge.UNKNOWN, gauge.pace(0));
        assertTrue(gauge.taken(0) >= 500, "though others use the CPU: " + gauge.taken(0));
    }

    @Test void othersThatComeCountAtOnceAndThoseThatGoAfterAWhile() {
        second(0, 0, 0);
        second(900, 100, 0);
        second(100, 100, 100);
        assertNear(1024 * 8 / 10, gauge.taken(0));
        assertNear(512, gauge.pace(0));
        second(900, 100, 0);
        assertNear(1024 * 4 / 10, gauge.taken(0));
        assertNear(768, gauge.pace(0));
        for (int i = 0; i < 12; i++) second(900, 100, 0);
        assertEquals(0, gauge.taken(0));
        assertTrue(gauge.pace(0) >= 1023, gauge.pace(0) + " of 1024");
    }

    @Test void whereTheKernelDoesNotTellNobodyElseIsThere() {
        second(0, 0, 0);
        second(0, 500, 500);
        ran[0] = 0; // the thread has ended, or is not told of
        second(0, 0, 0);
        assertEquals(0, gauge.taken(0));
        assertEquals(ShareGauge.UNKNOWN, gauge.pace(0));
        var elsewhere = new ShareGauge(new int[] {1, 9});
        for (int i = 1; i <= 2; i++) elsewhere.update(new CpuTimes(i * SECOND, idle, new long[] {i, i}, new long[2]));
        assertEquals(0, elsewhere.taken(0));
        assertEquals(0, elsewhere.taken(1), "a CPU of which it tells nothing");
    }

    @Test void aCpuThatCountsAnewWasNotIdle() {
        second(0, 0, 0);
        idle[2] = 0;
        second(0, 1000, 0);
        assertEquals(0, gauge.taken(0));
    }
}
