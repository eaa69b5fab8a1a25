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
import java.util.HashSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.sys.NativeMemory;
import org.libtorque.testkit.AllocationProbe;
import org.libtorque.testkit.Eventually;

/** {@link Slab} and {@link Pool}, which share how they keep what is free. */
class SlabTest {
    @ParameterizedTest @CsvSource({"1, 1", "8, 8", "24, 8", "40, 64", "100, 16", "4096, 4096", "20000, 8"})
    void objectsAreAlignedApartAndZeroAtFirst(long bytes, long alignment) {
        try (var slab = new Slab(bytes, alignment, null, null)) {
            var objects = new ArrayList<Long>();
            for (int i = 0; i < 500; i++) {
                long o = slab.allocate();
                assertEquals(0, o % alignment);
                for (long b = 0; b < bytes; b += Math.max(1, bytes / 16)) assertEquals(0, NativeMemory.getByte(o + b));
                NativeMemory.fill(o, bytes, (byte) i);
                objects.add(o);
            }
            for (int i = 0; i < 500; i++) {
                long o = objects.get(i);
                assertEquals((byte) i, NativeMemory.getByte(o));
                assertEquals((byte) i, NativeMemory.getByte(o + bytes - 1));
            }
            objects.sort(null);
            for (int i = 1; i < 500; i++) assertTrue(objects.get(i) - objects.get(i - 1) >= bytes);
            assertEquals(500, slab.outstanding());
            slab.checkInvariants();
        }
    }

    @Test void aConstructorThatThrowsLeavesNoMappingBehind() throws Exception {
        LongConsumer throwing = object -> { throw new ArithmeticException(); };
        int times = 32;
        long before = mappedGibibytes();
        try (var slab = new Slab(1 << 27, 8, throwing, null)) {
            for (int i = 0; i < times; i++) {
                assertThrows(ArithmeticException.class, () -> new Pool(1 << 30, 8, 1, throwing, null));
                assertThrows(ArithmeticException.class, slab::allocate); // a chunk of 2 GiB
            }
            assertEquals(0, slab.mappedBytes());
        }
        long more = mappedGibibytes() - before;
        assertTrue(more < times, () -> more + " GiB more are mapped");
    }

    private static long mappedGibibytes() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) if (line.startsWith("VmSize:")) return Long.parseLong(line.replaceAll("\\D", "")) >> 20;
        throw new AssertionError("no VmSize");
    }

    @Test void anObjectIsConstructedOnceAndKeepsItsStateWhileItIsFree() {
        var constructed = new ArrayList<Long>();
        var destroyed = new ArrayList<Long>();
        try (var slab = new Slab(16, 8, o -> {
            constructed.add(o);
            NativeMemory.putLong(o, 42);
        }, destroyed::add)) {
            long a = slab.allocate();
            assertEquals(42, NativeMemory.getLong(a));
            NativeMemory.putLong(a + 8, 7);
            slab.free(a);
            assertEquals(a, slab.allocate(), "the one that is still in cache");
            assertEquals(42, NativeMemory.getLong(a));
            assertEquals(7, NativeMemory.getLong(a + 8));
            assertEquals(constructed.size(), new HashSet<>(constructed).size());
            assertEquals(List.of(), destroyed);
        }
        assertEquals(new HashSet<>(constructed), new HashSet<>(destroyed));
        assertEquals(constructed.size(), destroyed.size());
    }

    @Test void whatIsEmptyCanBeReclaimed() {
        try (var slab = new Slab(64)) {
            var objects = new ArrayList<Long>();
            for (int i = 0; i < 10_000; i++) objects.add(slab.allocate());
            long mapped = slab.mappedBytes();
            assertTrue(mapped >= 640_000);
            assertEquals(0, slab.reclaim(), "all are in use");
            for (long o : objects.subList(0, 9_999)) slab.free(o);
            slab.checkInvariants();
            assertEquals(mapped - Slab.CHUNK_BYTES, slab.reclaim());
            slab.free(objects.getLast());
            assertEquals(Slab.CHUNK_BYTES, slab.reclaim());
            assertEquals(0, slab.mappedBytes());
            assertNotEquals(0, slab.allocate());
            slab.checkInvariants();
        }
    }

    @Test void givingBackTwiceOrWhatIsForeignIsFoundOut() {
        try (var slab = new Slab(64); var pool = new Pool(64, 4)) {
            long a = slab.allocate(), p = pool.allocate();
            assertThrows(IllegalArgumentException.class, () -> slab.free(a + 8));
            assertThrows(IllegalArgumentException.class, () -> pool.free(p + 8));
            assertThrows(IllegalArgumentException.class, () -> pool.free(p + 4 * 64));
            slab.free(a);
            pool.free(p);
            assertThrows(IllegalStateException.class, () -> slab.free(a));
            assertThrows(IllegalStateException.class, () -> slab.freeAnywhere(a));
            assertThrows(IllegalStateException.class, () -> pool.free(p));
            long b = slab.allocate();
            slab.freeAnywhere(b);
            assertThrows(IllegalStateException.class, () -> slab.freeAnywhere(b));
            assertThrows(IllegalStateException.class, () -> slab.free(b));
            assertEquals(0, slab.outstanding());
        }
        assertThrows(IllegalArgumentException.class, () -> new Slab(0));
        assertThrows(IllegalArgumentException.class, () -> new Slab(8, 3, null, null));
        assertThrows(IllegalArgumentException.class, () -> new Pool(8, 0));
    }

    @Test void aPoolGivesAsManyAsItHas() {
        var constructed = new ArrayList<Long>();
        var destroyed = new ArrayList<Long>();
        var pool = new Pool(24, 8, 100, constructed::add, destroyed::add);
        assertEquals(100, pool.count());
        assertEquals(100, constructed.size(), "at once");
        var objects = new HashSet<Long>();
        for (int i = 0; i < 100; i++) assertTrue(objects.add(pool.allocate()));
        assertEquals(0, pool.allocate());
        assertEquals(100, pool.outstanding());
        assertEquals(new HashSet<>(constructed), objects);
        long one = objects.iterator().next();
        pool.freeAnywhere(one);
        assertEquals(99, pool.outstanding());
        assertEquals(one, pool.allocate());
        for (int i = 0; i < 2; i++) { // closing again changes nothing
            pool.close();
            assertEquals(100, destroyed.size());
        }
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void whateverTheOrderNothingIsOutTwice(long seed) {
        var random = new SplittableRandom(seed);
        long bytes = 1 + random.nextInt(3_000);
        try (var slab = new Slab(bytes)) {
            var out = new ArrayList<Long>();
            var set = new HashSet<Long>();
            for (int i = 0; i < 5_000; i++) {
                if (random.nextInt(i / 500 % 2 == 0 ? 3 : 5) < 2) {
                    long o = slab.allocate();
                    assertTrue(set.add(o));
                    out.add(o);
                } else if (!out.isEmpty()) {
                    long o = out.remove(random.nextInt(out.size()));
                    set.remove(o);
                    if (random.nextBoolean()) slab.free(o);
                    else slab.freeAnywhere(o);
                }
                if (random.nextInt(200) == 0) slab.reclaim();
                if (i % 100 == 0) {
                    assertEquals(out.size(), slab.outstanding());
                    slab.checkInvariants();
                }
            }
        }
    }

    @Test void otherThreadsGiveBackWhileTheOwnerTakes() {
        int n = 30_000;
        var queue = new ArrayBlockingQueue<Long>(500);
        try (var slab = new Slab(48)) {
            Thread[] others = new Thread[2];
            var failures = new java.util.concurrent.CopyOnWriteArrayList<Throwable>();
            for (int t = 0; t < 2; t++) {
                others[t] = Thread.ofPlatform().start(() -> {
                    try {
                        for (int i = 0; i < n / 2; i++) {
                            Long o = queue.poll(Eventually.DEFAULT_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
                            assertEquals((long) o, NativeMemory.getLong(o));
                            NativeMemory.putLong(o, 0);
                            slab.freeAnywhere(o);
                        }
                    } catch (Throwable e) {
                        failures.add(e);
                    }
                });
            }
            for (int i = 0; i < n; i++) {
                long o = slab.allocate();
                assertEquals(0, NativeMemory.getLong(o), "nobody has it");
                NativeMemory.putLong(o, o);
                boolean[] offered = {false};
                Eventually.await("the others take", () -> offered[0] = offered[0] || queue.offer(o));
            }
            for (Thread t : others) Eventually.awaitEnd(t);
            assertEquals(List.of(), failures);
            assertEquals(0, slab.outstanding());
            slab.checkInvariants();
            assertTrue(slab.mappedBytes() <= 2_000L * 48 + 2 * Slab.CHUNK_BYTES, "what came back was used again: " + slab.mappedBytes());
        }
    }

    @Test void takingAndGivingBackAllocatesNothing() {
        try (var slab = new Slab(64); var pool = new Pool(64, 2)) {
            long kept = slab.allocate();
            AllocationProbe.assertAllocatesNothing(20_000, 1_000, () -> {
                slab.free(slab.allocate());
                slab.freeAnywhere(slab.allocate());
                pool.free(pool.allocate());
            });
            slab.free(kept);
            assertFalse(slab.outstanding() > 0);
        }
    }
}
