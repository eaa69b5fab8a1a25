package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.libtorque.testkit.AllocationProbe;
import org.libtorque.testkit.Eventually;

class ColorTest {
    private static final int NO_LIMIT = Integer.MAX_VALUE;

    private final Color color = new Color(null, 1);

    private static final class Numbered extends Task {
        final int number;
        final int poster;

        Numbered(Color color, int poster, int number) {
            super(color);
            this.poster = poster;
            this.number = number;
        }

        @Override protected void run() { throw new AssertionError("nobody runs it here"); }

        @Override public String toString() { return poster + "/" + number; }
    }

    private Numbered task(int number) { return new Numbered(color, 0, number); }

    private List<Integer> pollAll() {
        List<Integer> numbers = new ArrayList<>();
        for (Task t; (t = color.poll()) != null; ) numbers.add(((Numbered) t).number);
        return numbers;
    }

    @Test void whoPostsToAnIdleColorHoldsIt() {
        assertTrue(color.isIdle());
        assertEquals(Color.NOW_HELD, color.push(task(1), NO_LIMIT));
        assertFalse(color.isIdle());
        assertEquals(Color.WAITING, color.push(task(2), NO_LIMIT));
        assertEquals(Color.WAITING, color.push(task(3), NO_LIMIT));
        assertEquals(List.of(1, 2, 3), pollAll());
        assertFalse(color.isIdle(), "still held");
        assertTrue(color.letGo());
        assertTrue(color.isIdle());
    }

    @Test void aTaskThatWasPolledHasNoLink() {
        Numbered first = task(1);
        color.push(first, NO_LIMIT);
        color.push(task(2), NO_LIMIT);
        color.push(task(3), NO_LIMIT);
        assertSame(first, color.poll());
        assertNull(first.next);
        Task second = color.poll();
        assertNull(second.next);
    }

    @Test void whatIsPostedWhileTheHolderWorksComesAfterWhatItHas() {
        color.push(task(1), NO_LIMIT);
        color.push(task(2), NO_LIMIT);
        assertEquals(1, ((Numbered) color.poll()).number);
        assertEquals(2, ((Numbered) color.poll()).number); // takes the stack
        color.push(task(3), NO_LIMIT);
        color.push(task(4), NO_LIMIT);
        assertEquals(3, ((Numbered) color.poll()).number);
        color.push(task(5), NO_LIMIT);
        assertEquals(List.of(4, 5), pollAll());
    }

    @Test void itIsNotLetGoWithTasksThatNobodyWouldFind() {
        color.push(task(1), NO_LIMIT);
        assertEquals(List.of(1), pollAll());
        color.push(task(2), NO_LIMIT);
        assertFalse(color.letGo());
        assertTrue(color.hasTasks());
        assertEquals(List.of(2), pollAll());
        assertFalse(color.hasTasks());
        assertTrue(color.letGo());
    }

    @Test void aTaskThatIsPutBackComesFirst() {
        color.push(task(1), NO_LIMIT);
        Task alone = color.poll();
        color.unpoll(alone);
        color.push(task(2), NO_LIMIT);
        assertSame(alone, color.peekTaken());
        Task again = color.poll();
        assertSame(alone, again);
        color.unpoll(again);
        assertEquals(List.of(1, 2), pollAll());
        assertTrue(color.letGo());
    }

    @Test void anIdleColorCanBeHeldWithoutATask() {
        assertTrue(color.tryHold());
        assertFalse(color.tryHold());
        assertEquals(Color.WAITING, color.push(task(1), NO_LIMIT));
        assertFalse(color.letGo());
        assertEquals(List.of(1), pollAll());
        assertTrue(color.letGo());
        assertTrue(color.tryHold());
        assertTrue(color.letGo());
    }

    @Test void theLimitCountsWhatTheHolderHasNotTaken() {
        assertEquals(Color.NOW_HELD, color.push(task(0), 3));
        for (int i = 1; i <= 3; i++) assertEquals(Color.WAITING, color.push(task(i), 3));
        Numbered refused = task(4);
        assertEquals(Color.FULL, color.push(refused, 3));
        assertEquals(Color.WAITING, color.push(task(5), 4), "each poster has its limit");
        assertEquals(List.of(0, 1, 2, 3, 5), pollAll());
        assertEquals(Color.WAITING, color.push(refused, 3));
        assertEquals(List.of(4), pollAll());
    }

    @Test void aColorRoamsUnlessItIsPinnedOrMovesOrItsNextTaskMustBeAtHome() {
        Numbered roaming = task(1);
        Numbered atHome = task(2);
        atHome.runAtHome(true);
        color.push(roaming, NO_LIMIT);
        color.push(atHome, NO_LIMIT);
        assertTrue(color.mayRoam());
        assertTrue(color.floats());
        color.residentCount = 1;
        assertTrue(color.mayRoam());
        assertFalse(color.floats());
        color.residentCount = 0;
        color.poll();
        color.hasTasks();
        assertFalse(color.mayRoam());
        assertFalse(color.floats());
        color.poll();
        assertTrue(color.mayRoam());
        assertSame(color, color.pin());
        assertFalse(color.mayRoam());
    }

    @ParameterizedTest @ValueSource(ints = {Integer.MIN_VALUE, -1, 0, Color.MAX_SHARES + 1})
    void sharesOutOfRangeAreRefused(int shares) { assertThrows(IllegalArgumentException.class, () -> color.shares(shares)); }

    @Test void timeIsWeightedByShares() {
        assertEquals(1_000, color.weighted(1_000));
        assertEquals(500, color.shares(2 * Color.NORMAL_SHARES).weighted(1_000));
        assertEquals(64_000, color.shares(1).weighted(1_000));
        assertEquals(3_600_000_000_000L * 64, color.weighted(3_600_000_000_000L), "an hour");
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void behavesAsAQueueWithAHolderWhateverTheOrderOfCalls(long seed) {
        var random = new SplittableRandom(seed);
        var model = new ArrayDeque<Task>();
        boolean held = false;
        Task last = null;
        for (int i = 0; i < 5_000; i++) {
            switch (random.nextInt(8)) {
                case 0, 1, 2 -> {
                    Numbered task = task(i);
                    assertEquals(held ? Color.WAITING : Color.NOW_HELD, color.push(task, NO_LIMIT));
                    model.add(task);
                    held = true;
                }
                case 3, 4, 5 -> {
                    if (!held) continue;
                    last = color.poll();
                    assertSame(model.poll(), last);
                }
                case 6 -> {
                    if (!held || last == null) continue;
                    color.unpoll(last);
                    model.addFirst(last);
                    last = null;
                }
                default -> {
                    if (!held) {
                        assertTrue(color.tryHold());
                        held = true;
                    } else if (color.hasTasks()) {
                        assertFalse(model.isEmpty());
                    } else {
                        assertTrue(model.isEmpty());
                        assertTrue(color.letGo());
                        held = false;
                    }
                }
            }
            if (!held || model.isEmpty() || last == null) last = null;
            assertEquals(!held, color.isIdle());
        }
        for (Task t; (t = model.poll()) != null; ) assertSame(t, color.poll());
        assertFalse(color.hasTasks());
    }

    /** Posters race with holders that come and go: whoever makes it runnable runs it, until it is idle again. */
    @Test void everyTaskOfManyPostersIsSeenOnceAndInItsPostersOrderByOneHolderAtATime() {
        int posters = 3;
        int each = 50_000;
        int[] next = new int[posters]; // guarded by the hold
        int[] seen = new int[1];
        var holders = new AtomicInteger();
        var failure = new AtomicReference<Throwable>();
        List<Thread> threads = new ArrayList<>();
        for (int p = 0; p < posters; p++) {
            int poster = p;
            threads.add(Thread.ofPlatform().name("poster " + p).start(() -> {
                try {
                    for (int i = 0; i < each; i++) {
                        if (color.push(new Numbered(color, poster, i), NO_LIMIT) != Color.NOW_HELD) continue;
                        do {
                            assertEquals(1, holders.incrementAndGet(), "holders");
                            for (Task t; (t = color.poll()) != null; seen[0]++) {
                                Numbered n = (Numbered) t;
                                assertEquals(next[n.poster]++, n.number);
                            }
                            holders.decrementAndGet();
                        } while (!color.letGo());
                    }
                } catch (Throwable t) {
                    failure.compareAndSet(null, t);
                }
            }));
        }
        threads.forEach(Eventually::awaitEnd);
        assertNull(failure.get(), () -> failure.get().toString());
        assertTrue(color.isIdle());
        assertEquals(posters * each, seen[0]);
    }

    @Test void postingAndPollingAllocateNothing() {
        Task a = task(1);
        Task b = task(2);
        AllocationProbe.assertAllocatesNothing(50_000, 10_000, () -> {
            color.push(a, 10);
            color.push(b, 10);
            color.poll();
            color.poll();
            if (!color.letGo()) throw new AssertionError();
        });
    }
}
