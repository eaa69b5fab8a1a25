package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** {@link TimerWheel} against a priority queue, with random deadlines, budgets, exceptions, and wrapping clocks. */
class TimerWheelFuzz {
    private static final int MANY = Integer.MAX_VALUE;

    private final class Run {
        final SplittableRandom random;
        final long start;
        final long tick;
        final TimerWheel wheel;
        /** All that is scheduled, by deadline relative to the start, which does not wrap. */
        final PriorityQueue<Probe> model = new PriorityQueue<>(Comparator.comparingLong(p -> p.deadline));
        final List<Probe> probes = new ArrayList<>();
        long now;
        int call;

        Run(long seed) {
            random = new SplittableRandom(seed);
            start = switch (random.nextInt(3)) {
                case 0 -> random.nextLong();
                case 1 -> Long.MAX_VALUE - random.nextLong(1L << 45);
                default -> -random.nextLong(1L << 45);
            };
            tick = 1L << 10 + random.nextInt(15);
            wheel = new TimerWheel(start, tick);
            for (int i = 0; i < 200; i++) probes.add(new Probe(this));
        }

        /** Mostly near, sometimes years away, sometimes past. */
        long randomDeadline() {
            long far = random.nextLong(1L << random.nextInt(1, random.nextInt(4) == 0 ? 55 : 32));
            return random.nextInt(6) == 0 ? Math.max(0, now - far) : now + far;
        }

        void schedule(Probe probe, long deadline) {
            model.remove(probe);
            probe.deadline = deadline;
            probe.scheduledInCall = call;
            probe.exact = random.nextInt(3) == 0;
            if (probe.exact) wheel.schedulePrecisely(probe, start + deadline);
            else wheel.schedule(probe, start + deadline);
            model.add(probe);
        }

        void step() {
            switch (random.nextInt(10)) {
                case 0, 1, 2, 3 -> schedule(any(), randomDeadline());
                case 4 -> {
                    Probe probe = any();
                    boolean scheduled = model.remove(probe);
                    assertEquals(scheduled, probe.isScheduled());
                    assertEquals(scheduled, wheel.cancel(probe));
                }
                case 5, 6, 7 -> {
                    now += random.nextLong(1L << random.nextInt(1, 34));
                    expire(random.nextInt(20));
                }
                case 8 -> { // sleep until the wheel says so
                    long next = wheel.nextDeadlineNanos();
                    if (next != Long.MAX_VALUE) now = Math.max(now, next - start);
                    expire(random.nextBoolean() ? MANY : random.nextInt(10));
                }
                default -> {
                    now += random.nextLong(tick * 100);
                    expireAll();
                }
            }
            check();
        }

        Probe any() { return probes.get(random.nextInt(probes.size())); }

        int expire(int max) {
            call++;
            int before = wheel.size();
            try {
                int ran = wheel.expire(start + now, max);
                assertTrue(ran <= max);
                return ran;
            } catch (Planned e) {
                return before == wheel.size() ? 0 : 1;
            }
        }

        /** Expires until nothing due is left, then nothing may be overdue by a tick. */
        void expireAll() {
            for (int i = 0; wheel.size() > 0 && wheel.nextDeadlineNanos() - (start + now) <= 0; i++) {
                expire(1 + random.nextInt(50));
                check();
                if (i == 10_000) throw new AssertionError("no end: " + wheel);
            }
            for (Probe probe : model) assertTrue(probe.deadline > now - (probe.exact ? 0 : tick), "overdue");
        }

        void check() {
            wheel.checkInvariants();
            assertEquals(model.size(), wheel.size());
            long next = wheel.nextDeadlineNanos();
            if (model.isEmpty()) {
                assertEquals(Long.MAX_VALUE, next);
            } else {
                long latest = Math.max(now, model.stream().mapToLong(probe -> probe.deadline + (probe.exact ? 0 : tick - 1)).min().orElseThrow());
                assertTrue(next - start <= latest, "next " + (next - start) + ", must not be after " + latest);
            }
        }
    }

    private static final class Planned extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    private static final class Probe extends Timer {
        final Run run;
        long deadline;
        boolean exact;
        int scheduledInCall;

        Probe(Run run) { this.run = run; }

        @Override protected void onExpiry(long nowNanos) {
            assertEquals(run.start + run.now, nowNanos);
            assertTrue(deadline <= run.now, "early");
            assertTrue(run.model.remove(this), "ran without being scheduled");
            assertFalse(isScheduled());
            assertTrue(scheduledInCall < run.call, "scheduled and run in one expire");
            switch (run.random.nextInt(12)) {
                case 0, 1 -> run.schedule(this, run.randomDeadline());
                case 2 -> run.schedule(run.any(), run.randomDeadline());
                case 3 -> {
                    Probe other = run.any();
                    assertEquals(run.model.remove(other), run.wheel.cancel(other));
                }
                case 4 -> throw new Planned();
                default -> { }
            }
        }
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void behavesAsAPriorityQueueOfDeadlines(long seed) {
        var run = new Run(seed);
        for (int i = 0; i < 2_000; i++) run.step();
        run.now += 1L << 56; // past everything
        for (int i = 0; run.wheel.size() > 0 && i < 20_000; i++) {
            run.now += 1L << 40;
            run.expire(MANY);
            run.check();
            if (i % 100 == 99) run.model.stream().toList().forEach(probe -> {
                run.model.remove(probe);
                assertTrue(run.wheel.cancel(probe));
            });
        }
        assertEquals(0, run.wheel.size());
        assertThrows(IllegalArgumentException.class, () -> run.wheel.expire(run.now, -1));
    }
}
