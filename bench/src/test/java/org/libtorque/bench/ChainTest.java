package org.libtorque.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class ChainTest {
    private static final List<Integer> CPUS = CpuList.parse(ProcFiles.allowedCpus()).stream().limit(2).toList();

    @ParameterizedTest
    @EnumSource(ChainPeer.class)
    void everyPeerRunsEveryChainOneCallbackAtATimeAndEndsThem(ChainPeer peer) throws InterruptedException {
        try (ChainRunner runner = peer.open(CPUS)) {
            for (int again = 0; again < 2; again++) { // one runner runs several groups, one after the other
                var group = new Chain.Group(10, 50);
                runner.start(group);
                long start = System.nanoTime();
                while (Arrays.stream(group.counts()).min().orElseThrow() < 100) {
                    assertTrue(System.nanoTime() - start < 120_000_000_000L, () -> peer.id + " starves a chain: " + Arrays.toString(group.counts()));
                    Thread.sleep(1);
                }
                group.stop(120, TimeUnit.SECONDS);
                for (Chain chain : group.chains) {
                    // Two at a time, or one that does not see what the one before wrote, would leave another number.
                    int expected = chain.index;
                    for (long i = 0; i < chain.count; i++) expected = Burn.spin(50, expected);
                    assertEquals(expected, chain.seed, peer.id + ", chain " + chain.index + ", " + chain.count + " callbacks");
                }
                long[] atEnd = group.counts();
                Thread.sleep(5);
                assertEquals(Arrays.toString(atEnd), Arrays.toString(group.counts()), "nothing runs after the end");
            }
        }
    }

    @Test
    void whoeverLosesACallbackIsFoundOut() throws InterruptedException {
        var group = new Chain.Group(2, 0);
        assertTrue(group.chains.getFirst().step());
        assertEquals("[1, 0]", Arrays.toString(group.counts()));
        var failure = assertThrows(IllegalStateException.class, () -> group.stop(1, TimeUnit.MILLISECONDS));
        assertEquals("2 chains never came to their end", failure.getMessage());
        var ended = new ArrayList<Boolean>();
        for (Chain chain : group.chains) ended.add(chain.step());
        assertEquals(List.of(false, false), ended);
        group.stop(1, TimeUnit.MILLISECONDS);
    }

    @Test
    void burningIsAChainOfDependentSteps() {
        assertEquals(7, Burn.spin(0, 7));
        int seed = 1 << 20 | 7;
        assertEquals((seed ^ 1 << 5) * 1_664_525 + 1_013_904_223, Burn.spin(1, seed));
        assertEquals(Burn.spin(3, Burn.spin(2, 7)), Burn.spin(5, 7));
    }

    @Test
    void aStepOfBurningTakesTheCyclesOfItsFourOperations() {
        double nanos = Burn.stepNanos(); // the best of many, so that neighbours do not matter; no processor does it in less than 5 cycles
        assertTrue(nanos > 0.7 && nanos < 30, nanos + " ns a step: has the compiler shortened the chain?");
    }

    @Test
    void aMeasurementCountsWhatHasRunInItsWindow() throws InterruptedException {
        try (ChainRunner runner = ChainPeer.STATIC.open(CPUS)) {
            ChainMeasurement m = ChainProcess.measure(runner, new HashSet<>(CPUS), 4, 1_000, 1, 0.05, 0.2);
            assertTrue(m.seconds() >= 0.2, m.toLine());
            assertTrue(m.tasks() > 0 && m.cpuSeconds() > 0, m.toLine());
            assertEquals(1_000, m.workNanos());
            assertEquals(0, m.counters().get("steals"), "vcores without stealing: " + m.toLine());
            assertTrue(m.counters().get("turns") > 0, m.toLine());
        }
    }

    @Test
    void theCommandBindsTheProcessAndNamesThePeer() {
        List<String> command = ChainProcess.command(ChainPeer.STEAL, List.of(0, 1), 64, 1, 0.5, 0.8, List.of(0.0, 1_000.0));
        assertEquals(List.of("taskset", "-c", "0,1"), command.subList(0, 3));
        int main = command.indexOf(ChainProcess.class.getName());
        assertEquals(List.of("steal", "0,1", "64", "1.0", "0.5", "0.8", "0.0", "1000.0"), command.subList(main + 1, command.size()));
    }
}
