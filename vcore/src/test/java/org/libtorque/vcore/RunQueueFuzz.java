package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * {@link RunQueue} against lists: two queues, as a vcore and its offers have them, and one clock. 50,000 operations for each seed, a million with the usual twenty.
 */
class RunQueueFuzz {
    private static final int SHIFT = 14;
    private static final int LAST = 255;

    /** A queue that looks at everything. */
    private static final class Model {
        record Entry(Color color, long bucket, long sequence) {}

        final List<Entry> entries = new ArrayList<>();
        long base;
        long sequence;

        void add(Color color, long clock) {
            base = Math.max(base, clock >> SHIFT);
            entries.add(new Entry(color, Math.clamp(color.finish >> SHIFT, base, base + LAST), sequence++));
        }

        /** How far it is from the front of the ring. A clock that has jumped over an entry leaves it in its place of the ring. */
        long distance(Entry e) { return Math.floorMod(e.bucket - base, LAST + 1); }

        Entry find(boolean last) {
            Entry found = null;
            for (Entry e : entries) {
                if (found == null) {
                    found = e;
                    continue;
                }
                long by = last ? distance(found) - distance(e) : distance(e) - distance(found);
                if (by < 0 || by == 0 && e.sequence < found.sequence) found = e;
            }
            return found;
        }

        Color poll(boolean last) {
            Entry e = find(last);
            entries.remove(e);
            return e == null ? null : e.color;
        }

        int moveRoaming(Model to, int max, long clock) {
            List<Entry> roaming = new ArrayList<>(entries);
            roaming.removeIf(e -> !e.color.mayRoam());
            roaming.sort((a, b) -> distance(a) != distance(b) ? Long.compare(distance(a), distance(b)) : Long.compare(a.sequence, b.sequence));
            List<Entry> moving = roaming.subList(0, Math.min(max, roaming.size()));
            for (Entry e : moving) {
                entries.remove(e);
                to.add(e.color, clock);
            }
            return moving.size();
        }

        void check(RunQueue queue) {
            queue.checkInvariants();
            assertEquals(entries.size(), queue.size());
            assertEquals(entries.stream().mapToLong(e -> e.color.cost).sum(), queue.work());
            assertEquals(entries.isEmpty() ? RunQueue.NONE : base + distance(find(false)), queue.first());
        }
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void agreesWithAQueueThatLooksAtEverything(long seed) {
        var random = new SplittableRandom(seed);
        RunQueue[] queues = {new RunQueue(), new RunQueue()};
        Model[] models = {new Model(), new Model()};
        int longest = 1 << 12 + random.nextInt(14); // from all in a bucket to all beyond the horizon
        int colors = 1 + random.nextInt(200);
        List<Color> away = new ArrayList<>();
        for (int i = 0; i < colors; i++) {
            Color color = new Color(null, i);
            if (random.nextInt(5) == 0) color.pin();
            if (random.nextInt(3) == 0) color.shares(1 + random.nextInt(Color.MAX_SHARES));
            away.add(color);
        }
        long clock = 0;
        for (int i = 0; i < 50_000; i++) {
            int which = random.nextInt(2);
            RunQueue queue = queues[which];
            Model model = models[which];
            switch (random.nextInt(12)) {
                case 0, 1, 2, 3, 4 -> {
                    if (away.isEmpty()) continue;
                    Color color = away.remove(random.nextInt(away.size()));
                    color.cost = 16 + random.nextInt(longest);
                    RunQueue.stamp(color, null, clock);
                    assertTrue(color.start >= clock && color.finish >= color.start);
                    queue.add(color, clock);
                    model.add(color, clock);
                }
                case 5, 6, 7, 8 -> {
                    long bucket = queue.first();
                    Color color = queue.pollFirst();
                    assertSame(model.poll(false), color);
                    if (color == null) continue;
                    assertNull(color.next);
                    clock = RunQueue.clockAt(color, bucket, clock);
                    color.finish = color.start + color.weighted(random.nextInt(4) == 0 ? random.nextInt(longest) : color.cost);
                    away.add(color);
                }
                case 9 -> {
                    Color color = queue.pollLast();
                    assertSame(model.poll(true), color);
                    if (color != null) away.add(color);
                }
                case 10 -> {
                    int max = random.nextInt(70);
                    assertEquals(model.moveRoaming(models[1 - which], max, clock), queue.moveRoaming(queues[1 - which], max, clock));
                    models[1 - which].check(queues[1 - which]);
                }
                default -> {
                    if (random.nextInt(20) == 0) clock += random.nextLong(1L << random.nextInt(10, 40)); // idle for up to some minutes
                }
            }
            if (i % 8 == 0) model.check(queue);
        }
        for (int which = 0; which < 2; which++) {
            for (Color color; (color = queues[which].pollFirst()) != null; ) assertSame(models[which].poll(false), color);
            models[which].check(queues[which]);
        }
    }
}
