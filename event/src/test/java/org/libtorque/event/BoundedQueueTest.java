package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.testkit.AllocationProbe;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.FieldOffsets;

class BoundedQueueTest {
    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void itDoesAsAPlainQueueDoes(long seed) {
        var random = new SplittableRandom(seed);
        int capacity = 1 + random.nextInt(9);
        var queue = new BoundedQueue<Integer>(capacity);
        var model = new ArrayDeque<Integer>();
        for (int i = 0; i < 2_000; i++) {
            if (random.nextBoolean()) {
                boolean room = model.size() < queue.capacity();
                assertEquals(room, queue.hasRoom());
                assertEquals(room, queue.offer(i));
                if (room) model.add(i);
            } else {
                assertEquals(model.poll(), queue.poll());
            }
            assertEquals(model.isEmpty(), queue.isEmpty());
            assertEquals(model.size(), queue.size());
            queue.checkInvariants();
        }
    }

    @Test void theCapacityIsRoundedUpToAPowerOfTwo() {
        int[] asked = {1, 2, 3, 4, 5, 1_000, BoundedQueue.MAX_CAPACITY};
        int[] expected = {2, 2, 4, 4, 8, 1_024, 1 << 20};
        for (int i = 0; i < asked.length; i++) assertEquals(expected[i], new BoundedQueue<>(asked[i]).capacity());
        assertThrows(IllegalArgumentException.class, () -> new BoundedQueue<>(0));
        assertThrows(IllegalArgumentException.class, () -> new BoundedQueue<>(BoundedQueue.MAX_CAPACITY + 1));
    }

    @Test void aFullOneRefusesAndGoesOnAfterwards() {
        var queue = new BoundedQueue<String>(2);
        assertTrue(queue.offer("a"));
        assertTrue(queue.offer("b"));
        assertFalse(queue.offer("c"));
        assertEquals("a", queue.poll());
        assertTrue(queue.offer("c"));
        assertEquals("b", queue.poll());
        assertEquals("c", queue.poll());
        assertNull(queue.poll());
    }

    @Test void severalThreadsPutAndTakeEachItemOnceAndEachPuttersInOrder() {
        int each = 20_000;
        var queue = new BoundedQueue<long[]>(64);
        var taken = new AtomicInteger();
        List<Throwable> thrown = new CopyOnWriteArrayList<>();
        List<List<long[]>> results = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 2; t++) {
            int putter = t;
            threads.add(SystemTest.start("putter " + t, () -> {
                for (int i = 0; i < each; i++) {
                    long[] item = {putter, i};
                    while (!queue.offer(item)) Thread.yield();
                }
            }, thrown));
            List<long[]> mine = new ArrayList<>();
            results.add(mine);
            threads.add(SystemTest.start("taker " + t, () -> {
                while (taken.get() < 2 * each) {
                    long[] item = queue.poll();
                    if (item == null) {
                        Thread.yield();
                        continue;
                    }
                    taken.incrementAndGet();
                    mine.add(item);
                }
            }, thrown));
        }
        for (Thread thread : threads) Eventually.awaitEnd(thread);
        assertEquals(List.of(), thrown);
        boolean[][] seen = new boolean[2][each];
        for (List<long[]> mine : results) {
            long[] last = {-1, -1};
            for (long[] item : mine) {
                int putter = (int) item[0];
                assertTrue(item[1] > last[putter], "out of order");
                last[putter] = item[1];
                assertFalse(seen[putter][(int) item[1]], "twice");
                seen[putter][(int) item[1]] = true;
            }
        }
        assertEquals(2 * each, results.get(0).size() + results.get(1).size());
        queue.checkInvariants();
    }

    @Test void puttingAndTakingAllocateNothing() {
        var queue = new BoundedQueue<String>(4);
        AllocationProbe.assertAllocatesNothing(20_000, 1_000, () -> {
            queue.offer("x");
            queue.poll();
        });
    }

    @Test void headAndTailHaveCacheLinesOfTheirOwn() {
        FieldOffsets.assertApart(BoundedQueue.class, "head", 128);
        FieldOffsets.assertApart(BoundedQueue.class, "tail", 128);
    }
}
