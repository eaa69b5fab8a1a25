package org.libtorque.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
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
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
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

    @Test void aBlockOfAnotherPoolGoesBackToItsOwn() {
        try (var a = new BlockPool(BLOCK, 3 * BLOCK); var b = new BlockPool(64, 1 << 20)) {
            long own = b.acquire();
            long[] others = {a.acquire(), a.acquire(), a.acquire()};
            assertFalse(a.hasRoom());
            for (long block : others) {
                NativeMemory.fill(block, BLOCK, (byte) 7);
                b.releaseAnywhere(block);
                assertTrue(a.hasRoom());
            }
            assertEquals(1, b.acquiredBlocks());
            b.releaseAnywhere(own);
            assertEquals(0, b.acquiredBlocks());
            assertEquals(own, b.acquire(), "its own is on top of the list at once");
            var again = new HashSet<Long>();
            for (int i = 0; i < 3; i++) again.add(a.acquire());
            assertEquals(Set.of(others[0], others[1], others[2]), again);
            assertEquals(0, a.acquire());
            for (long block : again) b.releaseAnywhere(block);
            assertEquals(0, a.acquiredBlocks(), "those on their way back are not out");
        }
    }

    @Test void whatIsNoBlockOrIsGivenBackTwiceByAnotherIsAsserted() {
        try (var a = new BlockPool(BLOCK, 1 << 20); var b = new BlockPool(BLOCK, 1 << 20)) {
            long block = a.acquire();
            NativeMemory.fill(block, BLOCK, (byte) 0);
            b.acquire();
            assertThrows(AssertionError.class, () -> b.releaseAnywhere(block + 64));
            assertThrows(AssertionError.class, () -> b.release(block));
            a.release(block);
            b.releaseAnywhere(block);
            assertThrows(AssertionError.class, a::acquiredBlocks);
        }
    }

    @Test void theListenerIsToldOfEachBlockThatAnotherGivesBackWhenItCanBeTaken() {
        try (var a = new BlockPool(BLOCK, 2 * BLOCK); var b = new BlockPool(BLOCK, 1 << 20)) {
            long first = a.acquire();
            long second = a.acquire();
            int[] told = {0};
            a.onReturn(() -> {
                told[0]++;
                assertTrue(a.hasRoom());
            });
            a.releaseAnywhere(first);
            assertEquals(0, told[0], "the owner knows by itself");
            assertEquals(first, a.acquire());
            b.releaseAnywhere(first);
            b.releaseAnywhere(second);
            assertEquals(2, told[0]);
            a.onReturn(null);
            long again = a.acquire();
            b.releaseAnywhere(again);
            assertEquals(2, told[0]);
        }
    }

    @Test void aPoolThatIsClosedLeavesItsNumberToAnother() {
        for (int i = 0; i < 100; i++) {
            try (var a = new BlockPool(64, 1 << 20); var c = new BlockPool(64, 1 << 20)) {
                long of = a.acquire();
                try (var b = new BlockPool(64, 1 << 20)) {
                    b.acquire();
                }
                long other = c.acquire();
                a.releaseAnywhere(other);
                c.releaseAnywhere(of);
                assertEquals(0, a.acquiredBlocks());
                assertEquals(0, c.acquiredBlocks());
            }
        }
    }

    /** Threads take from their own pools and give back what they get from each other; each block is stamped while it is out. */
    @ParameterizedTest @ValueSource(ints = {1, 7, 40})
    void blocksThatChangeHandsAreNeverHandedOutTwiceAndAllComeBack(int blocks) throws InterruptedException {
        int threads = 3;
        int handOvers = 10_000;
        var pools = new BlockPool[threads];
        var mail = new ArrayList<ConcurrentLinkedQueue<Long>>();
        for (int i = 0; i < threads; i++) {
            pools[i] = new BlockPool(64, 64L * blocks);
            mail.add(new ConcurrentLinkedQueue<>());
        }
        var failure = new AtomicReference<Throwable>();
        var passed = new AtomicInteger();
        var running = new ArrayList<Thread>();
        for (int i = 0; i < threads; i++) {
            int me = i;
            running.add(Thread.ofPlatform().start(() -> {
                var random = new SplittableRandom(me);
                try {
                    while (passed.get() < handOvers && failure.get() == null) {
                        long block = pools[me].acquire();
                        if (block != 0) {
                            NativeMemory.putLong(block, block);
                            NativeMemory.putLong(block + 56, ~block);
                            mail.get(random.nextInt(threads)).add(block);
                        } else {
                            Thread.yield();
                        }
                        for (Long other; (other = mail.get(me).poll()) != null; ) {
                            assertEquals(other, NativeMemory.getLong(other));
                            assertEquals(~other, NativeMemory.getLong(other + 56));
                            pools[me].releaseAnywhere(other);
                            passed.incrementAndGet();
                        }
                    }
                } catch (Throwable t) {
                    failure.set(t);
                }
            }));
        }
        for (Thread thread : running) thread.join();
        assertNull(failure.get());
        for (int i = 0; i < threads; i++) {
            for (Long left; (left = mail.get(i).poll()) != null; ) pools[i].releaseAnywhere(left);
        }
        for (BlockPool pool : pools) assertEquals(0, pool.acquiredBlocks());
        for (BlockPool pool : pools) {
            for (int i = 0; i < blocks; i++) assertNotEquals(0, pool.acquire());
            assertEquals(0, pool.acquire());
            pool.close();
        }
    }

    @Test void givingBackFromElsewhereAllocatesNothing() {
        try (var a = new BlockPool(BLOCK, 1 << 20); var b = new BlockPool(BLOCK, 1 << 20)) {
            AllocationProbe.assertAllocatesNothing(20_000, 20_000, () -> {
                b.releaseAnywhere(a.acquire());
                b.releaseAnywhere(b.acquire());
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
