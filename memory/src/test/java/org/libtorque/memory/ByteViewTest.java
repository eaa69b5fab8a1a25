package org.libtorque.memory;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.testkit.AllocationProbe;

class ByteViewTest {
    private static ByteView of(int... values) {
        byte[] bytes = new byte[values.length];
        for (int i = 0; i < values.length; i++) bytes[i] = (byte) values[i];
        return ByteView.copyOf(bytes);
    }

    @Test void valuesAreLittleEndianAtAnyAlignment() {
        ByteView view = of(0xff, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x88);
        assertEquals((byte) 0xff, view.getByte(0));
        assertEquals((short) 0x0201, view.getShort(1));
        assertEquals(0x0403_0201, view.getInt(1));
        assertEquals(0x8807_0605_0403_0201L, view.getLong(1));
    }

    @Test void everyAccessIsCheckedAtBothEnds() {
        ByteView view = of(1, 2, 3, 4, 5, 6, 7, 8);
        view.getByte(7);
        view.getShort(6);
        view.getInt(4);
        view.getLong(0);
        for (int bad : new int[] {-1, Integer.MIN_VALUE, 8, Integer.MAX_VALUE}) {
            assertThrows(IndexOutOfBoundsException.class, () -> view.getByte(bad));
        }
        for (int bad : new int[] {-1, 7, 8}) assertThrows(IndexOutOfBoundsException.class, () -> view.getShort(bad));
        for (int bad : new int[] {-1, 5, 8}) assertThrows(IndexOutOfBoundsException.class, () -> view.getInt(bad));
        for (int bad : new int[] {-1, 1, 8}) assertThrows(IndexOutOfBoundsException.class, () -> view.getLong(bad));
    }

    @Test void aViewOfNothingHasNoByteAtAll() {
        ByteView view = of();
        assertTrue(view.isEmpty());
        assertEquals(0, view.length());
        assertThrows(IndexOutOfBoundsException.class, () -> view.getByte(0));
        assertThrows(IndexOutOfBoundsException.class, () -> view.getShort(0));
        assertThrows(IndexOutOfBoundsException.class, () -> view.getInt(0));
        assertThrows(IndexOutOfBoundsException.class, () -> view.getLong(0));
        assertEquals(-1, view.indexOf((byte) 0, 0));
        assertEquals("", view.toLatin1(0, 0));
        view.consumeAll();
    }

    @Test void consumingMovesTheWindowAndCounts() {
        ByteView view = of(1, 2, 3, 4);
        view.consume(0);
        view.consume(1);
        assertEquals(3, view.length());
        assertEquals(1, view.consumed());
        assertEquals(2, view.getByte(0));
        assertThrows(IndexOutOfBoundsException.class, () -> view.getByte(3));
        assertThrows(IndexOutOfBoundsException.class, () -> view.consume(4));
        assertThrows(IndexOutOfBoundsException.class, () -> view.consume(-1));
        assertEquals(3, view.length());
        view.consumeAll();
        assertTrue(view.isEmpty());
        assertEquals(4, view.consumed());
        assertEquals("ByteView[length=0, consumed=4]", view.toString());
    }

    @Test void copiesAreCheckedOnBothSides() {
        ByteView view = of(1, 2, 3, 4, 5);
        byte[] target = new byte[4];
        view.copyTo(1, target, 1, 3);
        assertArrayEquals(new byte[] {0, 2, 3, 4}, target);
        assertThrows(IndexOutOfBoundsException.class, () -> view.copyTo(3, target, 0, 3));
        assertThrows(IndexOutOfBoundsException.class, () -> view.copyTo(0, target, 2, 3));
        assertThrows(IndexOutOfBoundsException.class, () -> view.copyTo(0, target, 0, -1));
        assertThrows(IndexOutOfBoundsException.class, () -> view.copyTo(-1, target, 0, 1));
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void indexOfFindsWhatAPlainLoopFinds(long seed) {
        var random = new SplittableRandom(seed);
        for (int round = 0; round < 200; round++) {
            byte[] bytes = new byte[random.nextInt(40)];
            // Few distinct values, those among them whose borrow in the word trick could reach the neighbour's byte.
            byte[] alphabet = {0, 1, (byte) 0x80, (byte) 0x81, (byte) 0xff, 0x7f, '\n', '\r'};
            for (int i = 0; i < bytes.length; i++) bytes[i] = alphabet[random.nextInt(alphabet.length)];
            ByteView view = ByteView.copyOf(bytes);
            int skip = random.nextInt(bytes.length + 1);
            view.consume(skip);
            for (byte value : alphabet) {
                for (int from = 0; from <= view.length(); from++) {
                    int expected = -1;
                    for (int i = from; i < view.length() && expected < 0; i++) if (bytes[skip + i] == value) expected = i;
                    assertEquals(expected, view.indexOf(value, from), () -> Arrays.toString(bytes) + " " + value);
                }
            }
            assertThrows(IndexOutOfBoundsException.class, () -> view.indexOf((byte) 0, view.length() + 1));
            assertThrows(IndexOutOfBoundsException.class, () -> view.indexOf((byte) 0, -1));
        }
    }

    @Test void mismatchTellsTheOffsetFromTheStartOfTheRanges() {
        ByteView a = of(9, 1, 2, 3, 4, 5);
        ByteView b = of(1, 2, 3, 7, 5);
        assertEquals(3, a.mismatch(1, b, 0, 5));
        assertEquals(-1, a.mismatch(1, b, 0, 3));
        assertEquals(-1, a.mismatch(0, b, 0, 0));
        assertThrows(IndexOutOfBoundsException.class, () -> a.mismatch(1, b, 1, 5));
        assertThrows(IndexOutOfBoundsException.class, () -> a.mismatch(2, b, 0, 5));
    }

    @Test void textIsOneCharacterForEachByte() {
        byte[] all = new byte[256];
        for (int i = 0; i < 256; i++) all[i] = (byte) i;
        ByteView view = ByteView.copyOf(all);
        assertEquals(new String(all, StandardCharsets.ISO_8859_1), view.toLatin1(0, 256));
        assertArrayEquals(Arrays.copyOfRange(all, 10, 20), view.toByteArray(10, 10));
        assertThrows(IndexOutOfBoundsException.class, () -> view.toLatin1(250, 7));
        assertThrows(IndexOutOfBoundsException.class, () -> view.toByteArray(0, -1));
    }

    @Test void theSegmentIsReadOnlyAndCoversTheRestOnly() {
        ByteView view = of(1, 2, 3);
        view.consume(1);
        MemorySegment segment = view.toSegment();
        assertEquals(2, segment.byteSize());
        assertEquals(2, segment.get(ValueLayout.JAVA_BYTE, 0));
        assertTrue(segment.isReadOnly());
        assertThrows(IndexOutOfBoundsException.class, () -> segment.get(ValueLayout.JAVA_BYTE, 2));
        assertFalse(view.isEmpty());
    }

    @Test void lookingAndConsumingAllocateNothing() {
        ByteView view = ByteView.copyOf("GET /plaintext HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        ByteView same = ByteView.copyOf("GET /plaintext HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        byte[] target = new byte[64];
        long[] sum = new long[1];
        AllocationProbe.assertAllocatesNothing(20_000, 20_000, () -> {
            sum[0] += view.indexOf((byte) '\n', 0) + view.getLong(3) + view.getByte(1) + view.mismatch(0, same, 0, view.length());
            view.copyTo(0, target, 0, 20);
            view.consume(0);
        });
    }
}
