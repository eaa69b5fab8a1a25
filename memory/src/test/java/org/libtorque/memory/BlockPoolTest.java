package org.libtorque.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.libtorque.sys.NativeMemory;
import org.libtorque.testkit.AllocationProbe;

class BlockPoolTest {
    private static final int BLOCK = 4096;

    @Test void nothingIsMappedBeforeTheFirstBlockIsTaken() {
        try (var pool = new BlockPool(BLOCK, 1 << 20)) {
            assertEquals(0, pool.acquiredBlocks());
            assertEquals(256, pool.maxBlocks());
            assertEquals(BLOCK, pool.blockBytes());
            assertTrue(pool.hasRoom());
        }
    }

    @Test void theLimitHoldsAndIsGivenBackWithABlock() {
        try (var pool = new BlockPool(BLOCK, 70L * BLOCK + 1)) {
            long[] blocks = new long[70];
            for (int i = 0; i < blocks.length; i++) {
                assertTrue(pool.hasRoom());
                assertNotEquals(0, blocks[i] = pool.acquire());
                assertEquals(i + 1, pool.acquiredBlocks());
            }
            assertFalse(pool.hasRoom());
            assertEquals(0, pool.acquire());
            assertEquals(70, pool.acquiredBlocks());
            pool.release(blocks[3]);
            assertTrue(pool.hasRoom());
            assertEquals(69, pool.acquiredBlocks());
            assertEquals(blocks[3], pool.acquire());
        }
    }

    @Test void oneBlockIsAllowedHoweverSmallTheLimit() {
        try (var pool = new BlockPool(BLOCK, 0)) {
            assertEquals(1, pool.maxBlocks());
            assertNotEquals(0, pool.acquire());
            assertEquals(0, pool.acquire());
        }
    }

    @Test void theBlockGivenBackLastIsTakenFirst() {
        try (var pool = new BlockPool(BLOCK, 1 << 20)) {
            long a = pool.acquire();
            long b = pool.acquire();
            long c = pool.acquire();
            pool.release(b);
            pool.release(c);
            pool.release(a);
            assertEquals(a, pool.acquire());
            assertEquals(c, pool.acquire());
            assertEquals(b, pool.acquire());
        }
    }

    @Test void blocksDoNotOverlapAndAreWritableToTheLastByte() {
        try (var pool = new BlockPool(BLOCK, 100L * BLOCK)) {
            List<Long> blocks = new ArrayList<>();
            for (long block; (block = pool.acquire()) != 0; ) {
                blocks.add(block);
                NativeMemory.fill(block, BLOCK, (byte) blocks.size());
            }
            assertEquals(100, blocks.size());
            for (int i = 0; i < blocks.size(); i++) {
                assertEquals((byte) (i + 1), NativeMemory.getByte(blocks.get(i)));
                assertEquals((byte) (i + 1), NativeMemory.getByte(blocks.get(i) + BLOCK - 1));
            }
            Collections.sort(blocks);
            for (int i = 1; i < blocks.size(); i++) assertTrue(blocks.get(i) - blocks.get(i - 1) >= BLOCK);
        }
    }

    @ParameterizedTest @ValueSource(ints = {4096, 32 * 1024, 1 << 20})
    void blocksOfAChunkBeginInDifferentCacheSets(int blockBytes) {
        try (var pool = new BlockPool(blockBytes, 32L * blockBytes)) {
            Set<Long> sets = new HashSet<>();
            for (long block; (block = pool.acquire()) != 0; ) {
                assertEquals(0, block % 64, "aligned to cache lines");
                sets.add(block / 64 % 64); // 64 sets of 64 bytes: every first-level cache of 32 KiB and 8 ways, or larger
            }
            assertEquals(32, sets.size());
        }
    }

    @Test void givingBackTwiceOrSomethingElseIsAsserted() {
        try (var pool = new BlockPool(BLOCK, 1 << 20)) {
            long a = pool.acquire();
            long b = pool.acquire();
            pool.release(a);
            assertThrows(AssertionError.class, () -> pool.release(a));
            assertThrows(AssertionError.class, () -> pool.release(b + 64));
            assertThrows(AssertionError.class, () -> pool.release(0));
            assertEquals(1, pool.acquiredBlocks());
        }
    }

    @ParameterizedTest @ValueSource(ints = {0, -64, 100, 63})
    void blockSizesThatAreNoMultipleOfACacheLineAreRefused(int blockBytes) {
        var e = assertThrows(IllegalArgumentException.class, () -> new BlockPool(blockBytes, 1 << 20));
        assertTrue(e.getMessage().endsWith("not " + blockBytes), e.getMessage());
    }

    @Test void whatItThrowsWhenExhaustedNamesTheLimitAndHasNoStack() {
        try (var pool = new BlockPool(BLOCK, 3 * BLOCK)) {
            OutOfBuffersException e = pool.exhausted();
            assertTrue(e.getMessage().startsWith("all 3 buffer blocks of 4096 bytes are in use"), e.getMessage());
            assertEquals(0, e.getStackTrace().length);
        }
    }

    @Test void closingUnmapsEverything() throws IOException {
        var pool = new BlockPool(1 << 20, 100L << 20);
        List<Long> blocks = new ArrayList<>();
        for (int i = 0; i < 70; i++) {
            long block = pool.acquire();
            NativeMemory.putByte(block, (byte) 1);
            blocks.add(block);
        }
        for (long block : blocks) assertTrue(isMapped(block));
        pool.close();
        for (long block : blocks) assertFalse(isMapped(block));
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void anyOrderOfTakingAndGivingBackKeepsCount(long seed) {
        var random = new SplittableRandom(seed);
        try (var pool = new BlockPool(64, 64L * 150)) {
            var out = new ArrayList<Long>();
            for (int i = 0; i < 2_000; i++) {
                if (random.nextInt(100) < 55) {
                    long block = pool.acquire();
                    if (out.size() == 150) assertEquals(0, block);
                    else {
                        assertNotEquals(0, block);
                        assertFalse(out.contains(block), "handed out twice");
                        out.add(block);
                    }
                } else if (!out.isEmpty()) {
                    pool.release(out.remove(random.nextInt(out.size())));
                }
                assertEquals(out.size(), pool.acquiredBlocks());
                assertEquals(out.size() < 150, pool.hasRoom());
            }
        }
    }

    @Test void takingAndGivingBackAllocatesNothing() {
        try (var pool = new BlockPool(BLOCK, 1 << 20)) {
            AllocationProbe.assertAllocatesNothing(20_000, 20_000, () -> {
                long a = pool.acquire();
                long b = pool.acquire();
                pool.release(a);
                pool.release(b);
            });
        }
    }

    private static boolean isMapped(long address) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
            String[] range = line.substring(0, line.indexOf(' ')).split("-");
            if (Long.parseUnsignedLong(range[0], 16) <= address && address < Long.parseUnsignedLong(range[1], 16)) return true;
        }
        return false;
    }
}
