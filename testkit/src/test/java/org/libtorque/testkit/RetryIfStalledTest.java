package org.libtorque.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RetryIfStalledTest {
    @RegisterExtension static final RetryIfStalled RETRY = new RetryIfStalled(Duration.ofHours(-1)); // each failure is in a stall

    private int attempts;

    @AfterEach void itWasTriedThreeTimes() { assertEquals(3, attempts); }

    @Test void aTestThatFailsIsRunAgain() { assertEquals(3, ++attempts); }

    @ParameterizedTest @ValueSource(strings = "argument") void soIsOneWithArguments(String argument) {
        assertEquals("argument", argument);
        assertEquals(3, ++attempts);
    }
}
