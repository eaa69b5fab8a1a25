package org.libtorque.testkit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SeedsTest {
    private final String seed = System.getProperty("torque.seed");
    private final String seeds = System.getProperty("torque.seeds");

    @AfterEach void restoreProperties() {
        restore("torque.seed", seed);
        restore("torque.seeds", seeds);
    }

    private static void restore(String key, String value) {
        if (value == null) System.clearProperty(key);
        else System.setProperty(key, value);
    }

    @Test void propertiesSetBaseAndCount() {
        System.setProperty("torque.seed", "41");
        System.setProperty("torque.seeds", "3");
        assertArrayEquals(new long[] {41, 42, 43}, Seeds.all().toArray());
        assertEquals(3, Seeds.forEach().count());
    }

    @Test void aCountBelowOneIsRefusedSinceItWouldTestNothing() {
        System.setProperty("torque.seeds", "0");
        assertThrows(IllegalArgumentException.class, Seeds::all);
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void theNameOfAnInvocationSaysHowToRepeatIt(long seed, TestInfo info) {
        assertEquals(true, info.getDisplayName().contains("-Dtorque.seed=" + seed), info.getDisplayName());
    }
}
