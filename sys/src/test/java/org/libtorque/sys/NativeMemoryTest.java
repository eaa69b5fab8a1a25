package org.libtorque.sys;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class NativeMemoryTest {
    private final Arena arena = Arena.ofConfined();
    private final long address = arena.allocate(64, 8).address();

    @AfterEach void close() { arena.close(); }

    @Test
    void valuesAreLittleEndianAndNeedNoAlignment() {
        NativeMemory.putLong(address + 1, 0x0807060504030201L);
        for (int i = 0; i < 8; i++) assertEquals(i + 1, NativeMemory.getByte(address + 1 + i));
        assertEquals(0x0504, NativeMemory.getShort(address + 4));
        assertEquals(0x06050403, NativeMemory.getInt(address + 3));
        NativeMemory.putShort(address + 3, (short) 0x7fff);
        NativeMemory.putInt(address + 5, -2);
        NativeMemory.putByte(address + 1, (byte) -1);
        assertEquals(0xfffffffe7fff02ffL, NativeMemory.getLong(address + 1));
    }

    @Test
    void orderedAccessesReadWhatTheyWrote() {
        NativeMemory.putIntRelease(address, -7);
        assertEquals(-7, NativeMemory.getIntAcquire(address));
        assertEquals(-7, NativeMemory.getIntOpaque(address));
        NativeMemory.putLongRelease(address + 8, Long.MIN_VALUE);
        assertEquals(Long.MIN_VALUE, NativeMemory.getLongAcquire(address + 8));
        NativeMemory.putShortRelease(address + 16, (short) 513);
        assertEquals(513, NativeMemory.getShort(address + 16));
    }

    @Test
    void copiesMayOverlap() {
        byte[] bytes = {1, 2, 3, 4, 5, 6, 7, 8};
        NativeMemory.copy(bytes, 1, address, 6);
        NativeMemory.copy(address, address + 2, 6);
        var back = new byte[9];
        NativeMemory.copy(address, back, 1, 8);
        assertArrayEquals(new byte[] {0, 2, 3, 2, 3, 4, 5, 6, 7}, back);
    }

    @Test
    void mismatchFindsTheFirstDifference() {
        NativeMemory.fill(address, 64, (byte) 9);
        assertEquals(-1, NativeMemory.mismatch(address, address + 32, 32));
        NativeMemory.putByte(address + 40, (byte) 0);
        assertEquals(8, NativeMemory.mismatch(address, address + 32, 32));
        assertEquals(-1, NativeMemory.mismatch(address, address + 32, 8));
    }

    @Test
    void aSegmentSharesTheMemory() {
        NativeMemory.putByte(address + 3, (byte) 42);
        assertEquals(42, NativeMemory.segment(address, 4).get(ValueLayout.JAVA_BYTE, 3));
    }
}
