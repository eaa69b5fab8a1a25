package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.libtorque.testkit.AllocationProbe;

class WaitFreeListTest {
    private final WaitFreeList<Integer> list = new WaitFreeList<>();

    @Test void whatIsPutInComesOutOnce() {
        var expected = new HashSet<Integer>();
        for (int i = 0; i < 100; i++) {
            list.insert(i);
            expected.add(i);
        }
        assertEquals(100, list.size());
        assertEquals(100, list.capacity());
        for (int i = 0; i < 100; i++) assertTrue(expected.remove(list.remove()));
        assertNull(list.remove());
        assertEquals(0, list.size());
    }

    @Test void slotsAreUsedAgain() {
        for (int i = 0; i < 1_000; i++) {
            list.insert(i);
            list.insert(-i);
            list.remove();
            list.remove();
        }
        assertEquals(2, list.capacity());
    }

    @Test void slotsCanBeNamed() {
        for (int i = 0; i < 40; i++) assertEquals(i, list.insert(100 + i));
        assertEquals(135, list.removeFrom(35));
        assertNull(list.removeFrom(35));
        assertNull(list.insertInto(35, 7));
        assertEquals(7, list.insertInto(35, 8));
        assertEquals(8, list.removeFrom(35));
        assertEquals(35, list.insert(9), "the first empty one");
        assertThrows(IndexOutOfBoundsException.class, () -> list.removeFrom(40));
        assertThrows(IndexOutOfBoundsException.class, () -> list.removeFrom(-1));
        assertThrows(IndexOutOfBoundsException.class, () -> list.insertInto(1_000, 1));
        assertThrows(NullPointerException.class, () -> list.insert(null));
    }

    @Test void allOccurrencesOfAnObjectAreTakenOut() {
        Integer one = Integer.valueOf(1_000), other = Integer.valueOf(1_001);
        for (int i = 0; i < 50; i++) {
            list.insert(one);
            list.insert(other);
        }
        assertEquals(50, list.removeAll(one));
        assertEquals(0, list.removeAll(one));
        assertEquals(50, list.size());
        assertSame(other, list.remove());
    }

    @Test void manyThreadsLoseAndDoubleNothing() {
        int n = 20_000;
        var taken = new AtomicIntegerArray(4 * n);
        var left = new AtomicInteger(4 * n);
        try (var crew = new Crew(Crew.Kind.PLATFORM)) {
            for (int t = 0; t < 4; t++) {
                int base = t * n;
                crew.start(() -> {
                    for (int i = 0; i < n; i++) {
                        list.insert(base + i);
                        if (i % 3 == 0) continue;
                        Integer item = list.remove();
                        if (item != null) {
                            taken.incrementAndGet(item);
                            left.decrementAndGet();
                        }
                        if (i % 500 == 0) while ((item = list.remove()) != null) { // keeps it short
                            taken.incrementAndGet(item);
                            left.decrementAndGet();
                        }
                    }
                });
            }
            crew.join();
        }
        assertEquals(left.get(), list.size());
        for (Integer item; (item = list.remove()) != null; ) taken.incrementAndGet(item);
        for (int i = 0; i < 4 * n; i++) assertEquals(1, taken.get(i));
    }

    @Test void onceItHasGrownNothingIsAllocated() {
        Integer item = 5;
        AllocationProbe.assertAllocatesNothing(20_000, 1_000, () -> {
            list.insert(item);
            list.remove();
        });
    }
}
