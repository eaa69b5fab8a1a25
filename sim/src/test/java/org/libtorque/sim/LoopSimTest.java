package org.libtorque.sim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.libtorque.testkit.Seeds;

/** The real loop on simulated harts, in as many ways as there are seeds; {@code -Dtorque.seeds=10000} for a hunt. */
class LoopSimTest {
    private static final int DEFAULT_SEEDS = 400;

    @Test void everyTaskRunsOnceAloneAndInOrderWhateverTheInterleaving() {
        long first = Long.getLong("torque.seed", 0), count = Integer.getInteger("torque.seeds", DEFAULT_SEEDS);
        long events = 0, taken = 0, migrations = 0;
        for (long seed = first; seed < first + count; seed++) {
            long s = seed;
            // A loop that spins for ever, waiting for another hart, must not hang the build.
            Check.Outcome outcome = assertTimeoutPreemptively(Duration.ofMinutes(2), () -> Check.run(s), () -> "-Dtorque.seed=" + s + " hangs");
            events += outcome.events();
            taken += outcome.taken();
            migrations += outcome.migrations();
        }
        if (count < 100) return;
        String did = events + " events, " + taken + " taken, " + migrations + " moved";
        assertTrue(events > 1000 * count && taken > 10 * count && migrations > count / 50, did);
    }

    @Test void aCheckIsRepeatable() {
        long seed = Seeds.all().findFirst().orElseThrow();
        assertEquals(Simulator.check(seed), Simulator.check(seed));
    }

    @Test void checksFindWakeUpsThatGetLost() {
        assertTrue(failures((simulation, random, connections) -> new CheckedModel(simulation, random, connections) {
            @Override SimQueue queue(Hart hart) {
                return new SimQueue(hart, simulation) {
                    @Override public void wake() {}
                };
            }
        }) > 0);
    }

    @Test void checksFindEventsThatGetLost() {
        assertTrue(failures((simulation, random, connections) -> new CheckedModel(simulation, random, connections) {
            private int count;

            @Override SimQueue queue(Hart hart) {
                return new SimQueue(hart, simulation) {
                    @Override public void ready(Connection connection) {
                        if (++count % 50 != 0) super.ready(connection);
                    }
                };
            }
        }) > 0);
    }

    private static int failures(Check.Maker maker) {
        int failures = 0;
        for (long seed = 0; seed < 30; seed++) {
            try {
                Check.run(seed, maker, 200_000);
            } catch (AssertionError e) {
                assertTrue(e.getMessage().startsWith("seed " + seed + " on "), e::getMessage);
                failures++;
            }
        }
        return failures;
    }
}
