package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ElasticPolicyTest {
    private static final long MILLI = 1_000_000;
    private static final long SECOND = 1_000 * MILLI;

    private long now = Long.MAX_VALUE - 5 * SECOND; // the clock may wrap

    /** Asks every 2 ms while {@code load}, in vcores' worth of work, is there; returns how many work then. */
    private int run(ElasticPolicy policy, int working, int most, double load, long nanos) {
        for (long end = now + nanos; end - now > 0; now += 2 * MILLI) {
            int average = (int) Math.min(1024, 1024 * load / working);
            working = policy.decide(now, working, most, average >= ElasticPolicy.SATURATED, average);
        }
        return working;
    }

    @Test void itGrowsAtOnceUnderFullLoad() {
        var policy = new ElasticPolicy(1);
        assertEquals(2, policy.decide(now, 1, 128, true, 1024));
        now += 2 * MILLI;
        assertEquals(2, policy.decide(now, 2, 128, true, 1024), "what has just begun has not shown yet");
        now += 2 * MILLI;
        assertEquals(3, policy.decide(now, 2, 128, true, 1024));
        long start = now;
        int working = 3;
        while (working < 128) {
            now += 4 * MILLI;
            working = policy.decide(now, working, 128, true, 1024);
        }
        assertEquals(128, working);
        assertTrue(now - start <= 50 * MILLI, (now - start) / MILLI + " ms");
    }

    @Test void oneThatIsSaturatedAloneNeedsNobodyWhenOthersHaveTime() {
        var policy = new ElasticPolicy(1);
        assertEquals(4, policy.decide(now, 4, 8, true, 300));
        assertEquals(2, policy.decide(now, 1, 8, true, 1024));
        now += 10 * MILLI;
        assertEquals(2, policy.decide(now, 2, 8, true, 512), "one colour cannot run on two vcores");
    }

    @Test void itShrinksOnlyWhenFewerWouldHaveDoneForLong() {
        var policy = new ElasticPolicy(1);
        assertEquals(8, run(policy, 8, 8, 0.1, ElasticPolicy.PATIENCE_NANOS - 10 * MILLI));
        assertEquals(7, run(policy, 8, 8, 0.1, 20 * MILLI));
        assertEquals(1, run(policy, 7, 8, 0.1, 10 * SECOND));
        assertEquals(1, run(policy, 1, 8, 0.0, 10 * SECOND));
    }

    @Test void aBusyMomentStartsPatienceAnew() {
        var policy = new ElasticPolicy(1);
        int working = 2;
        for (int i = 0; i < 20; i++) {
            working = run(policy, working, 2, 0.2, 900 * MILLI);
            working = run(policy, working, 2, 1.5, 20 * MILLI);
            assertEquals(2, working);
        }
    }

    @Test void theLeastIsKept() {
        var policy = new ElasticPolicy(3);
        assertEquals(3, run(policy, 8, 8, 0, 60 * SECOND));
        assertEquals(3, policy.decide(now, 1, 8, false, 0), "below the least it grows without load");
        assertEquals(2, policy.decide(now, 1, 2, false, 0), "but not above what there is");
    }

    @Test void aSteadyLoadMakesItSettle() {
        for (double load = 0.05; load < 8; load += 0.05) {
            for (int start = 1; start <= 8; start++) {
                var policy = new ElasticPolicy(1);
                int settled = run(policy, start, 8, load, 30 * SECOND);
                for (int i = 0; i < 5; i++) assertEquals(settled, run(policy, settled, 8, load, 5 * SECOND), load + " from " + start);
                assertTrue(settled == 8 || load <= 0.91 * settled, load + " on " + settled);
                assertTrue(settled <= Math.ceil(2 * load) + 1, load + " on " + settled);
            }
        }
    }

    @Test void aLoadThatComesAndGoesIsMetWithMorePatience() {
        var policy = new ElasticPolicy(1);
        int working = 4;
        int changes = 0;
        for (int i = 0; i < 60; i++) {
            int before = working;
            working = run(policy, working, 4, 0.05, 1_500 * MILLI);
            working = run(policy, working, 4, 4, 500 * MILLI);
            if (working != before || policy.patience() == ElasticPolicy.PATIENCE_NANOS) changes++;
        }
        assertTrue(policy.patience() >= 2 * ElasticPolicy.PATIENCE_NANOS, policy.patience() + " ns");
        assertTrue(policy.patience() <= ElasticPolicy.MAX_PATIENCE_NANOS);
        assertEquals(4, working);
        assertTrue(changes < 10, changes + " changes");
        // When it has stayed low for long, it comes down.
        assertEquals(1, run(policy, working, 4, 0.05, 120 * SECOND));
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void whateverHappensItStaysWithinBounds(long seed) {
        var random = new SplittableRandom(seed);
        int min = random.nextInt(1, 5);
        var policy = new ElasticPolicy(min);
        int working = 8;
        for (int i = 0; i < 10_000; i++) {
            now += random.nextLong(random.nextInt(4) == 0 ? 3 * SECOND : 10 * MILLI);
            int most = random.nextInt(min, 9);
            working = Math.min(working, most);
            int before = working;
            working = policy.decide(now, working, most, random.nextInt(3) == 0, random.nextInt(1025));
            assertTrue(working >= Math.min(min, most) && working <= most, before + " to " + working);
            if (random.nextInt(50) == 0) policy.interrupted();
        }
    }
}
