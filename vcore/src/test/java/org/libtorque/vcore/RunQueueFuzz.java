package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * {@link RunQueue} against maps: two queues, as a vcore and its offers have them, and one clock. 50,000 operations for each seed, a million with the usual twenty.
 */
class RunQueueFuzz {
    private static final int SHIFT = 14;

    private final class Run {
        final SplittableRandom random;
        final RunQueue[] queues = {new RunQueue(), new RunQueue()};
        /** For each queue what is in it, with the bucket that it must not be served after. */
        final List<Map<Color, Long>> models = List.of(new HashMap<>(), new HashMap<>());
        final List<Color> away = new ArrayList<>();
        /** Those that were beyond the ring when they came, and so may have any bucket of it. */
        final Set<Color> far = new HashSet<>();
        final int longest;
        long clock;

        Run(long seed) {
            random = new SplittableRandom(seed);
            longest = 1 << 12 + random.nextInt(14); // from all in a bucket to all beyond the horizon
            int colors = 1 + random.nextInt(200);
            for (int i = 0; i < colors; i++) {
                Color color = new Color(null, i);
                if (random.nextInt(5) == 0) color.pin();
                if (random.nextInt(3) == 0) color.shares(1 + random.nextInt(Color.MAX_SHARES));
                away.add(color);
            }
        }

        void added(int which, Color color) {
            assertTrue(queues[which].size() > 1 || queues[which].base() == clock >> SHIFT);
            if (color.finish >> SHIFT > queues[which].base() + 255) far.add(color);
            else far.remove(color);
            models.get(which).put(color, Math.max(color.finish >> SHIFT, queues[which].base()));
        }

        long least(int which) { return models.get(which).values().stream().mapToLong(Long::longValue).min().orElse(RunQueue.NONE); }

        void check(int which) {
            RunQueue queue = queues[which];
            Map<Color, Long> model = models.get(which);
            queue.checkInvariants();
            assertEquals(model.size(), queue.size());
            assertEquals(model.keySet().stream().mapToLong(c -> c.cost).sum(), queue.work());
            assertEquals(model.keySet().stream().mapToLong(c -> c.weight).sum(), queue.shares());
            assertTrue(queue.first() <= least(which), "first " + queue.first() + " of " + least(which));
            assertTrue(queue.base() <= least(which));
        }

        void step() {
            int which = random.nextInt(2);
            RunQueue queue = queues[which];
            Map<Color, Long> model = models.get(which);
            switch (random.nextInt(12)) {
                case 0, 1, 2, 3, 4 -> {
                    if (away.isEmpty()) return;
                    Color color = away.remove(random.nextInt(away.size()));
                    color.cost = 16 + random.nextInt(longest);
                    if (random.nextBoolean()) {
                        RunQueue.stamp(color, null, clock);
                        assertTrue(color.start >= clock);
                    } else {
                        RunQueue.stampAgain(color);
                    }
                    assertTrue(color.finish >= color.start);
                    queue.add(color, clock);
                    added(which, color);
                }
                case 5, 6, 7, 8 -> {
                    long bucket = queue.firstDue();
                    assertEquals(least(which), bucket);
                    Color color = queue.pollFirst();
                    if (color == null) return;
                    assertEquals(bucket, model.remove(color));
                    assertNull(color.next);
                    if (random.nextInt(10) == 0) {
                        queue.putBack(color, bucket);
                        model.put(color, bucket);
                        return;
                    }
                    long first = Math.min(least(0), least(1));
                    long before = clock;
                    clock = RunQueue.clockAt(color, Math.min(bucket, first), clock);
                    clock = RunQueue.clockAfter(clock, color.cost, color.shares() + queues[0].shares() + queues[1].shares(), first);
                    assertTrue(clock >= before);
                    if (first != RunQueue.NONE) assertTrue(clock >> SHIFT <= Math.max(first, before >> SHIFT), "the clock has passed what waits");
                    color.finish = color.start + color.weighted(random.nextInt(4) == 0 ? random.nextInt(longest) : color.cost);
                    away.add(color);
                }
                case 9 -> {
                    Color color = queue.pollLast();
                    assertEquals(model.isEmpty(), color == null);
                    if (color == null) return;
                    long bucket = model.remove(color);
                    if (model.keySet().stream().noneMatch(far::contains)) {
                        long most = model.values().stream().mapToLong(Long::longValue).max().orElse(bucket);
                        assertTrue(bucket >= most, "took " + bucket + " and left " + most);
                    }
                    away.add(color);
                }
                case 10 -> {
                    int max = random.nextInt(70);
                    List<Color> roaming = model.keySet().stream().filter(Color::mayRoam).toList();
                    assertEquals(Math.min(max, roaming.size()), queue.moveRoaming(queues[1 - which], max, clock));
                    queue.checkInvariants();
                    // Who has gone is found in the other queue, by taking all out of this one and putting it back.
                    List<Color> stayed = new ArrayList<>();
                    for (Color color; (color = queue.pollLast()) != null; ) stayed.add(color);
                    for (Color color : roaming) {
                        if (stayed.contains(color)) continue;
                        model.remove(color);
                        added(1 - which, color);
                    }
                    for (Color color : stayed) {
                        queue.add(color, clock);
                        added(which, color);
                    }
                    check(1 - which);
                }
                default -> {
                    // Idle for up to some minutes.
                    if (random.nextInt(20) == 0 && queues[0].size() + queues[1].size() == 0) clock += random.nextLong(1L << random.nextInt(10, 40));
                }
            }
            if (random.nextInt(8) == 0) check(which);
        }
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void agreesWithAQueueThatLooksAtEverything(long seed) {
        var run = new Run(seed);
        for (int i = 0; i < 50_000; i++) run.step();
        for (int which = 0; which < 2; which++) {
            while (run.queues[which].size() > 0) {
                long least = run.least(which);
                Color color = run.queues[which].pollFirst();
                assertEquals(least, run.models.get(which).remove(color));
            }
            run.check(which);
        }
    }
}
