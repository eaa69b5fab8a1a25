package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class SignalTest {
    @Test void namesAndNumbersAreFoundBothWays() {
        assertEquals(Signal.TERM, Signal.of("TERM"));
        assertEquals(Signal.TERM, Signal.of("sigterm"));
        assertEquals(Signal.TERM, Signal.of("15"));
        assertEquals(Signal.realTime(0), Signal.of("RTMIN"));
        assertEquals(Signal.realTime(3), Signal.of("SIGRTMIN+3"));
        assertEquals(Signal.realTime(30), Signal.of("RTMAX"));
        assertEquals(Signal.realTime(28), Signal.of("RTMAX-2"));
        for (int number = 1; number <= 64; number++) {
            if (number == 32 || number == 33) continue;
            assertEquals(new Signal(number), Signal.of(new Signal(number).name()));
        }
        assertEquals("SIGRTMIN+3", Signal.realTime(3).toString());
        assertTrue(Signal.realTime(0).isRealTime());
        assertFalse(Signal.WINCH.isRealTime());
    }

    @Test void whatIsNoneIsRefused() {
        for (int number : new int[] {-1, 0, 32, 33, 65}) assertThrows(IllegalArgumentException.class, () -> new Signal(number));
        for (String text : new String[] {"", "SIG", "TERMINATE", "RTMIN+31", "RTMAX-31", "33", "-1"}) {
            assertThrows(IllegalArgumentException.class, () -> Signal.of(text), text);
        }
        assertThrows(IllegalArgumentException.class, () -> Signal.realTime(31));
    }
}
