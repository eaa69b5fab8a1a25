package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Synchronisers in interleavings of their atomic steps, each decided by a seed: {@code -Dtorque.seed} is the first, {@code -Dtorque.seeds} how many; 10,000 of each scenario unless said
 * otherwise.
 */
class SyncInterleavingSimTest {
    private static final int DEFAULT_SEEDS = 10_000;

    private static LongStream seeds() {
        long first = Long.getLong("torque.seed", 0);
        return LongStream.range(first, first + Integer.getInteger("torque.seeds", DEFAULT_SEEDS));
    }

    private static long run(Weaver weaver, Class<? extends Scenario> type, long seed) { return Interleaver.run(weaver.scenario(type), seed); }

    @ParameterizedTest
    @ValueSource(classes = {Scenarios.OfMutex.class, Scenarios.OfCondVar.class, Scenarios.OfSemaphore.class, Scenarios.OfRwLock.class, Scenarios.OfBarrier.class,
            Scenarios.OfBarrierWithMore.class, Scenarios.OfBarrierReset.class, Scenarios.OfFutex.class, Scenarios.OfWaitFreeList.class, Scenarios.OfSpinLocks.class, Scenarios.OfMailbox.class})
    void noInterleavingBreaksIt(Class<? extends Scenario> type) {
        var weaver = new Weaver(Weaver.Mistake.NONE);
        long courses = seeds().map(seed -> run(weaver, type, seed)).distinct().count();
        assertTrue(courses > seeds().count() / 2, () -> "only " + courses + " different courses");
    }

    @ParameterizedTest
    @CsvSource({"TORN_GUARD, OfMutex", "TORN_GUARD, OfSemaphore", "TORN_MUTEX, OfMutex", "WAKE_UP_NOT_PASSED_ON, OfMutex", "SLEEPERS_FORGOTTEN, OfBarrier"})
    void aPlantedMistakeIsFoundAndReplays(Weaver.Mistake mistake, String scenario) throws ClassNotFoundException {
        Class<? extends Scenario> type = Class.forName(Scenarios.class.getName() + "$" + scenario).asSubclass(Scenario.class);
        var weaver = new Weaver(mistake);
        AssertionError found = null;
        long seed = 0;
        for (; found == null; seed++) {
            assertTrue(seed < DEFAULT_SEEDS, "not found");
            try {
                run(weaver, type, seed);
            } catch (AssertionError e) {
                found = e;
            }
        }
        long bad = seed - 1;
        AssertionError again = assertThrows(AssertionError.class, () -> run(new Weaver(mistake), type, bad));
        assertEquals(withoutThreadNumbers(found), withoutThreadNumbers(again));
    }

    private static String withoutThreadNumbers(AssertionError error) { return error.getMessage().replaceAll("Thread\\[#\\d+,", "Thread["); }

    @Test void equalSeedsTakeEqualCourses() {
        var weavers = new Weaver[] {new Weaver(Weaver.Mistake.NONE), new Weaver(Weaver.Mistake.NONE)};
        for (long seed = 0; seed < 100; seed++) {
            assertEquals(run(weavers[0], Scenarios.OfMutex.class, seed), run(weavers[1], Scenarios.OfMutex.class, seed));
        }
    }
}
