package org.libtorque.sys;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class CStringsTest {
    @Test
    void stringsComeBackAsTheyWere() {
        try (Arena arena = Arena.ofConfined()) {
            for (String text : new String[] {"", "/", "/tmp/a b", "grüße/日本/🦀"}) {
                long address = CStrings.allocate(text, arena);
                assertEquals(text, CStrings.get(address, 1000));
            }
        }
    }

    @Test
    void putEndsWithANulAndStaysWithinItsRoom() {
        try (Arena arena = Arena.ofConfined()) {
            long address = arena.allocate(16).address();
            NativeMemory.fill(address, 16, (byte) 0x55);
            assertEquals(3, CStrings.put("abc", address, 4));
            assertEquals(0, NativeMemory.getByte(address + 3));
            assertEquals(0x55, NativeMemory.getByte(address + 4));
            assertEquals("'abcd' takes 5 bytes with its NUL; there are 4",
                    assertThrows(IllegalArgumentException.class, () -> CStrings.put("abcd", address, 4)).getMessage());
        }
    }

    @Test
    void getStopsAtItsLimit() {
        try (Arena arena = Arena.ofConfined()) {
            assertEquals("ab", CStrings.get(CStrings.allocate("abc", arena), 2));
        }
    }

    @Test
    void aNulWithinIsRefusedBecauseItWouldCutThePath() {
        assertEquals("NUL at index 2 of 'ab\\0cd'",
                assertThrows(IllegalArgumentException.class, () -> CStrings.encode("ab\0cd")).getMessage());
    }

    @Test
    void charactersThatTheEncodingLacksAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> CStrings.encode("日本", StandardCharsets.ISO_8859_1));
        assertThrows(IllegalArgumentException.class, () -> CStrings.encode("half a pair \ud83e", StandardCharsets.UTF_8));
    }

    @Test
    void theEncodingIsThatOfTheJdkButNeverAscii() {
        assertEquals(StandardCharsets.ISO_8859_1, CStrings.charset("ISO-8859-1"));
        assertEquals(StandardCharsets.UTF_8, CStrings.charset("ANSI_X3.4-1968"));
        assertEquals(StandardCharsets.UTF_8, CStrings.charset("no such charset?"));
        assertArrayEquals("grüße".getBytes(StandardCharsets.UTF_8), CStrings.encode("grüße", CStrings.charset("US-ASCII")));
    }
}
