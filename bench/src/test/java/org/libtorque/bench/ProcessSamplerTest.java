package org.libtorque.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.libtorque.bench.ProcessSampler.Sample;

final class ProcessSamplerTest {
    private static final long SECOND = 1_000_000_000L;

    /** Server idle for a second, then busy with 1,000 switches a second; the load goes on and is gone at the last look. */
    private static final List<Sample> SAMPLES = List.of(
            new Sample(0, 0, 0, 0, 1_000),
            new Sample(SECOND, 0, 0, 50, 1_060),
            new Sample(3 * SECOND, 200, 2_000, 150, 1_380),
            new Sample(4 * SECOND, 300, 3_000, 0, 1_540));

    @Test
    void useOfAWindowIsInterpolatedBetweenLooks() {
        CpuUse use = ProcessSampler.between(SAMPLES, 2 * SECOND, 4 * SECOND);
        assertEquals(2, use.seconds(), 1e-9);
        assertEquals(2, use.serverCpuSeconds(), 1e-9);
        assertEquals(1_000, use.switchesPerSecond(), 1e-9);
        assertEquals(1, use.serverBusy(), 1e-9);
    }

    @Test
    void theLoadIsJudgedByTheTimeInWhichItWasSeenAlive() {
        CpuUse use = ProcessSampler.between(SAMPLES, SECOND, 4 * SECOND);
        assertEquals(0.5, use.loadBusy(), 1e-9);
        assertEquals(0.1, use.othersBusy(), 1e-9);
    }

    @Test
    void aWindowReachesNoFartherThanTheLooks() {
        assertEquals(4, ProcessSampler.between(SAMPLES, -SECOND, 9 * SECOND).seconds(), 1e-9);
        assertEquals(0, ProcessSampler.between(SAMPLES, 5 * SECOND, 6 * SECOND).serverCpuSeconds(), 1e-9);
    }

    @Test
    void theSideWithoutCpuLeftIsTheBottleneck() {
        assertEquals("server", CpuUse.bottleneck(0.99, 0.7));
        assertEquals("load", CpuUse.bottleneck(0.6, 1.0));
        assertEquals("both", CpuUse.bottleneck(0.95, 0.95));
        assertEquals("neither", CpuUse.bottleneck(0.5, 0.94));
    }
}
