package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.libtorque.testkit.AllocationProbe;

class RunQueueTest {
    /** A bucket of finish times. */
    private static final long BUCKET = 1 << 14;
    private static final long HORIZON = 256 * BUCKET;

    private final RunQueue queue = new RunQueue();
    private long ids;
    private long clock;

    private Color color(long start, int cost) {
        Color color = new Color(null, ++ids);
        color.cost = cost;
        color.finish = start;
        RunQueue.stamp(color, null, start);
        return color;
    }

    private Color add(int cost) {
        Color color = color(clock, cost);
        queue.add(color, clock);
        queue.checkInvariants();
        return color;
    }

    /** As a vcore does: serves the first, which takes as long as was expected, and enters it again. */
    private Color serve() {
        long bucket = queue.firstDue();
        Color color = queue.pollFirst();
        clock = RunQueue.clockAfter(RunQueue.clockAt(color, bucket, clock), color.cost, color.shares() + queue.shares(), queue.first());
        color.finish = color.start + color.weighted(color.cost);
        return color;
    }

    private void comes(Color color) {
        RunQueue.stamp(color, null, clock);
        queue.add(color, clock);
    }

    private void again(Color color) {
        RunQueue.stampAgain(color);
        queue.add(color, clock);
    }

    @Test void anEmptyQueueHasNothing() {
        assertEquals(0, queue.size());
        assertEquals(0, queue.work());
        assertEquals(RunQueue.NONE, queue.first());
        assertNull(queue.pollFirst());
        assertNull(queue.pollLast());
        assertEquals(0, queue.moveRoaming(new RunQueue(), 10, 0));
    }

    @Test void shortWorkGoesBeforeLongWork() {
        Color heavy = add(1_000_000);
        Color light = add(5_000);
        Color middle = add(200_000);
        assertEquals(3, queue.size());
        assertEquals(1_205_000, queue.work());
        assertSame(light, queue.pollFirst());
        assertSame(middle, queue.pollFirst());
        assertSame(heavy, queue.pollFirst());
        assertEquals(0, queue.work());
    }

    @Test void inABucketFirstComeIsFirstServed() {
        Color a = add(9_000);
        Color b = add(3_000);
        Color c = add(6_000);
        assertSame(a, queue.pollFirst());
        assertSame(b, queue.pollFirst());
        assertSame(c, queue.pollFirst());
    }

    @Test void theLastIsTheFirstComeOfThoseWithMostWork() {
        add(5_000);
        Color a = add(1_000_000);
        Color b = add(1_000_000);
        assertSame(a, queue.pollLast());
        assertSame(b, queue.pollLast());
        assertEquals(1, queue.size());
        queue.checkInvariants();
    }

    @Test void whatFinishesBeyondTheHorizonIsServedWhenItIsDueToo() {
        Color farthest = add((int) (20 * HORIZON));
        Color far = add((int) (3 * HORIZON));
        Color near = add((int) (HORIZON - BUCKET - 1));
        Color justBeyond = add((int) HORIZON);
        assertSame(near, queue.pollFirst());
        assertSame(justBeyond, queue.pollFirst());
        queue.checkInvariants();
        assertSame(far, queue.pollFirst());
        assertSame(farthest, queue.pollFirst());
    }

    @Test void afterALongTimeOfIdlingNewWorkIsInOrder() {
        add(1_000);
        queue.pollFirst();
        clock = 3_600_000_000_000L;
        Color heavy = add(100_000);
        Color light = add(1_000);
        assertEquals(clock + 1_000 >> 14, queue.first());
        assertSame(light, queue.pollFirst());
        assertSame(heavy, queue.pollFirst());
    }

    @Test void aColorThatWasAwayHasNoCreditAndTakesItsDebtAlong() {
        Color color = color(0, 10_000);
        clock = 5_000_000;
        RunQueue.stamp(color, null, clock);
        assertEquals(clock, color.start, "no credit for the time in which it had nothing to do");
        color.finish = clock + 9_000_000;
        RunQueue.stamp(color, null, clock);
        assertEquals(clock + 9_000_000, color.start, "it has had more than its share here");
        color.clockOf = null;
        var vcore = new Vcore(0, 0, Clock.SYSTEM, new org.libtorque.memory.BlockPool(4096, 4096), 8, (where, failure) -> { });
        RunQueue.stamp(color, vcore, 77);
        assertEquals(77 + 9_000_000, color.start, "by how much it is ahead means something by any clock");
        vcore.blocks().close();
    }

    /** Both always have work: CPU time must be as the shares are. */
    @ParameterizedTest @CsvSource({
        "64, 64, 10000, 10000", "64, 64, 1000, 100000", "128, 64, 10000, 10000", "64, 1024, 3000, 50000", "1, 4, 3000, 3000", "4096, 64, 20000, 20000",
        "4096, 64, 1000, 1000", "64, 65, 1000, 90000"})
    void cpuTimeIsDividedByShares(int sharesA, int sharesB, int costA, int costB) {
        Color a = color(0, costA).shares(sharesA);
        Color b = color(0, costB).shares(sharesB);
        comes(a);
        comes(b);
        long timeA = 0;
        long timeB = 0;
        for (int i = 0; i < 200_000; i++) {
            Color color = serve();
            if (color == a) timeA += color.cost;
            else timeB += color.cost;
            again(color);
        }
        double got = (double) timeA / timeB;
        double wanted = (double) sharesA / sharesB;
        assertEquals(1, got / wanted, 0.05, "time " + timeA + " : " + timeB);
    }

    @Test void manyColorsThatAlwaysHaveWorkGetEqualTimeWhateverTheirCost() {
        List<Color> colors = new ArrayList<>();
        Map<Color, Long> time = new HashMap<>();
        for (int i = 0; i < 50; i++) {
            Color color = color(0, 1_000 + i * 2_000); // 1 to 99 µs
            colors.add(color);
            comes(color);
        }
        for (int i = 0; i < 400_000; i++) {
            Color color = serve();
            time.merge(color, (long) color.cost, Long::sum);
            again(color);
        }
        long least = colors.stream().mapToLong(time::get).min().orElseThrow();
        long most = colors.stream().mapToLong(time::get).max().orElseThrow();
        assertTrue(most - least < 200_000, "from " + least + " to " + most); // no more than two of the longest turns
    }

    /** The heavy ones are beyond the horizon after each turn. */
    @Test void aLightColorWaitsForOneTurnOfHeavyOnesAtMost() {
        for (int i = 0; i < 10; i++) comes(color(0, 10_000_000 + 1_000_000 * i));
        int[] waits = new int[12];
        for (int i = 0; i < 10_000; i++) {
            Color light = color(clock, 5_000);
            queue.add(light, clock);
            int turns = 0;
            for (Color color; (color = serve()) != light; turns++) again(color);
            waits[Math.min(turns, 11)]++;
            again(serve()); // one of the heavy
        }
        assertTrue(waits[0] > 9_000, "served at once " + waits[0]);
        for (int n = 3; n < 12; n++) assertEquals(0, waits[n], n + " heavy turns before a light one");
    }

    @Test void nobodyStarvesWhoseTurnsAreLongerThanTheHorizon() {
        List<Color> heavy = new ArrayList<>();
        Map<Color, Integer> served = new HashMap<>();
        for (int i = 0; i < 8; i++) {
            heavy.add(color(0, 10_000_000 + 7_777_777 * i));
            comes(heavy.get(i));
        }
        for (int i = 0; i < 5; i++) comes(color(0, 5_000));
        for (int i = 0; i < 1_000_000; i++) {
            Color color = serve();
            served.merge(color, 1, Integer::sum);
            again(color);
        }
        for (Color color : heavy) assertTrue(served.getOrDefault(color, 0) >= 12, color + " of " + color.cost + ": " + served);
    }

    /** Colours that are new, or come back, start now. Were now where the served one starts, time would stand still. */
    @ParameterizedTest @CsvSource({"100000, 5000, 1", "100000, 5000, 10", "1000000, 1000, 3", "3000000, 15000, 2", "20000, 100, 2"})
    void workThatKeepsComingNewDoesNotKeepLongerWorkWaitingForEver(int longCost, int shortCost, int waiting) {
        Color heavy = color(0, longCost);
        comes(heavy);
        for (int i = 0; i < waiting; i++) comes(color(clock, shortCost));
        long shortTime = 0;
        while (serve() != heavy) {
            shortTime += shortCost;
            comes(color(clock, shortCost));
            assertTrue(shortTime <= 2L * (waiting + 1) * (longCost + 2 * BUCKET), "it has waited for " + shortTime + " ns of others' work");
        }
        assertTrue(shortTime >= longCost / 2, "and short work does go first");
    }

    @Test void whatIsPutBackIsFirstInItsBucket() {
        Color a = add(30_000);
        Color b = add(30_000);
        long bucket = queue.first();
        assertSame(a, queue.pollFirst());
        queue.putBack(a, bucket);
        queue.checkInvariants();
        assertSame(a, queue.pollFirst());
        assertSame(b, queue.pollFirst());
        queue.putBack(b, bucket);
        queue.checkInvariants();
        assertSame(b, queue.pollLast());
    }

    @Test void movingTakesThoseThatMayRoamFromTheFrontAndKeepsTheOrder() {
        List<Color> colors = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            Color color = add(20_000 * (10 - i));
            if (i % 3 == 0) color.pin();
            colors.add(color);
        }
        var to = new RunQueue();
        assertEquals(4, queue.moveRoaming(to, 4, clock));
        queue.checkInvariants();
        to.checkInvariants();
        assertEquals(6, queue.size());
        for (int i : new int[] {8, 7, 5, 4}) assertSame(colors.get(i), to.pollFirst());
        assertEquals(2, queue.moveRoaming(to, 100, clock));
        for (int i : new int[] {2, 1}) assertSame(colors.get(i), to.pollFirst());
        for (int i : new int[] {9, 6, 3, 0}) assertSame(colors.get(i), queue.pollFirst());
        assertEquals(0, queue.work());
    }

    @Test void movingWithinABucketKeepsTheOthersInOrder() {
        List<Color> colors = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            Color color = add(1_000);
            if (i % 2 == 1) color.pin();
            colors.add(color);
        }
        var to = new RunQueue();
        assertEquals(3, queue.moveRoaming(to, 3, clock));
        queue.checkInvariants();
        colors.add(add(1_000)); // behind a tail that has changed
        for (int i : new int[] {1, 3, 5, 6}) assertSame(colors.get(i), queue.pollFirst());
        for (int i : new int[] {0, 2, 4}) assertSame(colors.get(i), to.pollFirst());
    }

    @Test void enteringAndTakingAllocateNothing() {
        Color a = color(0, 1_000);
        Color b = color(0, 100_000);
        AllocationProbe.assertAllocatesNothing(50_000, 10_000, () -> {
            comes(a);
            comes(b);
            serve();
            queue.pollLast();
        });
    }

    @Test void aLongOneThatIsTheLastToRunIsNoBacklogItself() {
        assertEquals(0, queue.backlog());
        add(200_000);
        assertEquals(0, queue.backlog(), "it is the next");
        assertEquals(200_000, queue.lastCost());
        add(10_000);
        assertEquals(10_000, queue.backlog());
        add(300_000);
        assertEquals(210_000, queue.backlog());
        assertEquals(510_000, queue.work());
        assertNull(queue.pollFirst(9_999));
        assertEquals(10_000, queue.pollFirst(10_000).cost);
        assertNull(queue.pollFirst(199_999));
        queue.checkInvariants();
        assertEquals(2, queue.size());
    }

    @Test void shortOnesAreAllBacklog() {
        for (int i = 0; i < 5; i++) add(20_000);
        assertEquals(100_000, queue.backlog());
    }
}
