package org.libtorque.memory;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.libtorque.memory.raw.RawSink;
import org.libtorque.sys.NativeMemory;
import org.libtorque.testkit.AllocationProbe;

class ByteSinkTest {
    /** Collects what it gets in small blocks; a block may end early, as when something contiguous did not fit. */
    private static final class Blocks extends RawSink {
        private final Arena arena = Arena.ofAuto();
        private final int size;
        private final ByteArrayOutputStream all = new ByteArrayOutputStream();
        private long start;
        int blocks;
        int limitBlocks = Integer.MAX_VALUE;

        Blocks(int size) { this.size = size; }

        @Override protected void nextBlock() {
            take();
            if (blocks == limitBlocks) throw new OutOfBuffersException("no more than " + limitBlocks);
            start = position = arena.allocate(size, 8).address();
            limit = start + size;
            blocks++;
        }

        @Override protected void ensure(int count) {
            if (count > size) throw new AssertionError(count + " contiguous bytes asked for, blocks have " + size);
            nextBlock();
        }

        private void take() {
            byte[] block = new byte[(int) (position - start)];
            NativeMemory.copy(start, block, 0, block.length);
            all.writeBytes(block);
            start = position;
        }

        byte[] bytes() {
            take();
            return all.toByteArray();
        }

        String text() { return new String(bytes(), StandardCharsets.ISO_8859_1); }

        void rewind() { position = start = limit - size; }
    }

    @Test void nothingIsTakenBeforeSomethingIsPut() {
        var sink = new Blocks(64);
        sink.put(new byte[0]);
        sink.putLatin1("");
        assertEquals(0, sink.blocks);
        sink.putByte(1);
        assertEquals(1, sink.blocks);
    }

    @ParameterizedTest @ValueSource(longs = {0, 1, 9, 10, 11, 99, 100, 101, 999_999_999_999_999_999L, 1_000_000_000_000_000_000L, Long.MAX_VALUE,
        -1, -9, -10, -100, -999_999_999_999_999_999L, Long.MIN_VALUE + 1, Long.MIN_VALUE, Integer.MIN_VALUE, Integer.MAX_VALUE})
    void decimalsAreWhatJavaWrites(long value) {
        for (int used = 0; used < 64; used++) {
            var sink = new Blocks(64);
            sink.put(new byte[used]);
            sink.putDecimal(value);
            assertEquals("\0".repeat(used) + value, sink.text());
        }
    }

    @Test void multiByteValuesAreLittleEndianAndNeverTorn() {
        for (int used = 0; used <= 16; used++) {
            var sink = new Blocks(16);
            sink.put(new byte[used]);
            sink.putShort(0x1_0201);
            sink.putInt(0x0605_0403);
            sink.putLong(0x0e0d_0c0b_0a09_0807L);
            byte[] expected = new byte[used + 14];
            for (int i = 0; i < 14; i++) expected[used + i] = (byte) (i + 1);
            assertArrayEquals(expected, sink.bytes(), "after " + used);
        }
    }

    @Test void onlyTheLowByteOfACharacterOrIntIsPut() {
        var sink = new Blocks(64);
        sink.putLatin1("A\u00e9\u0141"); // U+0141 has 0x41 in its low byte
        sink.putByte(0x1ff);
        assertArrayEquals(new byte[] {0x41, (byte) 0xe9, 0x41, (byte) 0xff}, sink.bytes());
    }

    @Test void partsOfArraysAreChecked() {
        var sink = new Blocks(16);
        byte[] array = new byte[10];
        assertThrows(IndexOutOfBoundsException.class, () -> sink.put(array, 5, 6));
        assertThrows(IndexOutOfBoundsException.class, () -> sink.put(array, -1, 2));
        assertThrows(IndexOutOfBoundsException.class, () -> sink.put(array, 0, -1));
        ByteView view = ByteView.copyOf(array);
        assertThrows(IndexOutOfBoundsException.class, () -> sink.put(view, 5, 6));
        assertEquals(0, sink.bytes().length);
    }

    @Test void puttingAViewConsumesNothing() {
        ByteView view = ByteView.copyOf("hello world".getBytes(StandardCharsets.US_ASCII));
        view.consume(2);
        var sink = new Blocks(4);
        sink.put(view, 1, 7);
        assertEquals("lo worl", sink.text());
        assertEquals(9, view.length());
    }

    @Test void whatWasPutBeforeTheBlocksRanOutStays() {
        var sink = new Blocks(8);
        sink.limitBlocks = 2;
        assertThrows(OutOfBuffersException.class, () -> sink.put(new byte[17]));
        assertEquals(16, sink.bytes().length);
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void anyMixAcrossBlockBoundariesComesOutInOrder(long seed) {
        var random = new SplittableRandom(seed);
        var sink = new Blocks(32);
        var expected = new ByteArrayOutputStream();
        for (int i = 0; i < 500; i++) {
            switch (random.nextInt(6)) {
                case 0 -> {
                    sink.putByte(i);
                    expected.write(i);
                }
                case 1 -> {
                    sink.putShort(i);
                    expected.write(i);
                    expected.write(i >> 8);
                }
                case 2 -> {
                    byte[] bytes = new byte[random.nextInt(100)];
                    random.nextBytes(bytes);
                    int from = random.nextInt(bytes.length + 1);
                    sink.put(bytes, from, bytes.length - from);
                    expected.write(bytes, from, bytes.length - from);
                }
                case 3 -> {
                    byte[] bytes = new byte[random.nextInt(100)];
                    random.nextBytes(bytes);
                    sink.put(ByteView.copyOf(bytes), 0, bytes.length);
                    expected.writeBytes(bytes);
                }
                case 4 -> {
                    long value = random.nextLong() >> random.nextInt(64);
                    sink.putDecimal(value);
                    expected.writeBytes(Long.toString(value).getBytes(StandardCharsets.US_ASCII));
                }
                default -> {
                    sink.putLatin1("\u00fcber");
                    expected.writeBytes("\u00fcber".getBytes(StandardCharsets.ISO_8859_1));
                }
            }
        }
        assertArrayEquals(expected.toByteArray(), sink.bytes());
    }

    @Test void puttingAllocatesNothing() {
        var sink = new Blocks(4096);
        sink.putByte(0);
        byte[] array = "HTTP/1.1 200 OK\r\n".getBytes(StandardCharsets.US_ASCII);
        ByteView view = ByteView.copyOf(array);
        AllocationProbe.assertAllocatesNothing(20_000, 20_000, () -> {
            sink.rewind();
            sink.put(array);
            sink.put(view, 0, view.length());
            sink.putDecimal(1_234_567_890_123L);
            sink.putLatin1("Content-Length");
            sink.putLong(1);
        });
    }
}
