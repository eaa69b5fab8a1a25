package org.libtorque.sim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
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

    private static final Check.Maker LOSES_WAKE_UPS = (simulation, random, connections) -> new CheckedModel(simulation, random, connections) {
        @Override SimQueue queue(Hart hart) {
            return new SimQueue(hart, simulation) {
                @Override public void wake() {}
            };
        }
    };

    private static final Check.Maker LOSES_EVENTS = (simulation, random, connections) -> new CheckedModel(simulation, random, connections) {
        private int count;

        @Override SimQueue queue(Hart hart) {
            return new SimQueue(hart, simulation) {
                @Override public void ready(Connection connection) {
                    if (++count % 50 != 0) super.ready(connection);
                }
            };
        }
    };

    @Test void checksFindWakeUpsThatGetLost() { assertFoundAndReplayed(LOSES_WAKE_UPS); }

    @Test void checksFindEventsThatGetLost() { assertFoundAndReplayed(LOSES_EVENTS); }

    private static void assertFoundAndReplayed(Check.Maker maker) {
        List<String> once = failures(maker);
        assertFalse(once.isEmpty());
        assertEquals(once, failures(maker), "the same seeds fail at the same event, for the same reason");
    }

    private static List<String> failures(Check.Maker maker) {
        var failures = new ArrayList<String>();
        for (long seed = 0; seed < 30; seed++) {
            try {
                Check.run(seed, maker, 200_000);
            } catch (AssertionError e) {
                assertTrue(e.getMessage().startsWith("seed " + seed + " on "), e::getMessage);
                failures.add(e.getMessage());
            }
        }
        return failures;
    }
}
