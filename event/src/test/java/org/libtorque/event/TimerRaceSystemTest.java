package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Vcore;

/** Timers on running vcores, with many threads at them. What is counted must come out even: each arming is called, or somebody was told that he has called it off. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#all")
class TimerRaceSystemTest extends SystemTest {
    /** How long the threads are at it; {@code -Dtorque.race.seconds=60} for a long run. */
    private static final long RACE_NANOS = Long.getLong("torque.race.seconds", 1) * 1_000_000_000;
    private static final long SEED = Long.getLong("torque.seed", 1);

    /** A one-shot timer, and what must be true of it. */
    private final class Counted {
        final Color color;
        final TimerRegistration timer;
        final AtomicLong armed = new AtomicLong();
        final AtomicLong calledOff = new AtomicLong();
        final AtomicLong called = new AtomicLong();
        final AtomicInteger inside = new AtomicInteger();
        final AtomicLong overlaps = new AtomicLong();

        Counted(Color color, boolean precise, TimerClock clock) {
            this.color = color;
            TimerOptions options = TimerOptions.UNARMED.withClock(clock);
            timer = torque().timer(precise ? options.withPrecision() : options, color, this::call);
        }

        private void call(TimerRegistration self, long expirations) {
            if (inside.getAndIncrement() != 0 || expirations != 1) overlaps.incrementAndGet();
            long n = called.incrementAndGet();
            if (n % 5 == 0) rearm(n % 3 * 100_000);
            if (n % 7 == 0) cancel();
            inside.decrementAndGet();
        }

        void rearm(long nanos) {
            armed.incrementAndGet();
            if (timer.rearm(Duration.ofNanos(nanos))) calledOff.incrementAndGet();
        }

        void cancel() {
            if (timer.cancel()) calledOff.incrementAndGet();
        }

        @Override public String toString() { return timer + ": armed " + armed + ", called " + called + ", called off " + calledOff; }
    }

    @Test void whatAHundredThreadsArmAndCallOffComesOutEven() {
        List<Color> colors = new ArrayList<>();
        for (int i = 0; i < 8; i++) colors.add(torque().newColor());
        List<Counted> timers = new ArrayList<>();
        for (int i = 0; i < 64; i++) timers.add(new Counted(colors.get(i % 8), i % 3 == 0, i % 5 == 0 ? TimerClock.WALL : TimerClock.MONOTONIC));
        long end = System.nanoTime() + RACE_NANOS;
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 100; t++) {
            var random = new SplittableRandom(SEED * 1_000 + t);
            threads.add(start("racer " + t, () -> { // on a busy machine, until they have come to something
                while (System.nanoTime() < end || !hadEnough(timers)) {
                    Counted timer = timers.get(random.nextInt(64));
                    switch (random.nextInt(8)) {
                        case 0, 1, 2 -> timer.cancel();
                        case 3 -> post(timer.color, () -> timer.rearm(random(timer)));
                        case 4 -> post(timer.color, timer::cancel);
                        default -> timer.rearm(random.nextLong(1L << random.nextInt(1, 23)));
                    }
                    if (random.nextInt(4) == 0) Thread.sleep(0, random.nextInt(500_000));
                }
            }, failures));
        }
        for (Thread thread : threads) Eventually.await("the race is over", Eventually.DEFAULT_LIMIT.multipliedBy(3).plusNanos(RACE_NANOS), () -> !thread.isAlive());
        for (int i = 0; i < 64; i += 2) timers.get(i).cancel(); // the others fire
        for (Counted timer : timers) Eventually.await(timer + " is quiet", () -> !timer.timer.isOpen() && timer.armed.get() == timer.called.get() + timer.calledOff.get());
        sleep(20);
        long called = 0;
        long calledOff = 0;
        for (Counted timer : timers) {
            assertEquals(timer.armed.get(), timer.called.get() + timer.calledOff.get(), timer::toString);
            assertEquals(0, timer.overlaps.get(), timer::toString);
            called += timer.called.get();
            calledOff += timer.calledOff.get();
        }
        assertTrue(called > 100 && calledOff > 100, called + " called, " + calledOff + " called off");
        noneIsLeftOnAWheel();
    }

    private static boolean hadEnough(List<Counted> timers) {
        return timers.stream().mapToLong(timer -> timer.called.get()).sum() > 100 && timers.stream().mapToLong(timer -> timer.calledOff.get()).sum() > 100;
    }

    private void post(Color color, Runnable action) throws InterruptedException {
        try {
            torque().post(color, action);
        } catch (RejectedExecutionException full) {
            Thread.sleep(1);
        }
    }

    private static long random(Counted timer) { return timer.called.get() * 7919 % 3_000_000; }

    /** Everything that was called off is taken off the wheels, soon. */
    private void noneIsLeftOnAWheel() {
        List<Vcore> vcores = torque().vcores();
        for (Vcore vcore : vcores) {
            var left = new AtomicInteger(-1);
            Color color = vcore.newColor().pin();
            Eventually.await("nothing is on the wheel of " + vcore, () -> {
                var looked = new CountDownLatch(1);
                torque().post(color, () -> {
                    left.set(vcore.timers().size());
                    looked.countDown();
                });
                try {
                    looked.await();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
                return left.get() == 0;
            });
        }
    }

    @Test void registeringAndClosingFromAHundredThreadsLeavesNothing() {
        var called = new AtomicLong();
        var cancelled = new AtomicLong();
        var made = new AtomicLong();
        var random = new SplittableRandom(SEED);
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 100; t++) {
            var mine = random.split();
            threads.add(start("racer " + t, () -> {
                for (int i = 0; i < 100; i++) {
                    TimerOptions options = TimerOptions.after(Duration.ofNanos(mine.nextLong(5_000_000)));
                    TimerRegistration timer = torque().timer(mine.nextBoolean() ? options : options.withPrecision(),
                            mine.nextInt(3) == 0 ? torque().defaultColor() : torque().newColor(),
                            (_, _) -> called.incrementAndGet());
                    made.incrementAndGet();
                    if (mine.nextInt(20) == 0) Thread.sleep(mine.nextInt(4));
                    if (mine.nextBoolean() && timer.cancel()) cancelled.incrementAndGet();
                    if (mine.nextInt(4) == 0) timer.close(); // what is closed in time is not called either
                    else Eventually.await("it has been called or cancelled", () -> !timer.isOpen());
                }
            }, failures));
        }
        for (Thread thread : threads) Eventually.await("the race is over", Eventually.DEFAULT_LIMIT.multipliedBy(3), () -> !thread.isAlive());
        noneIsLeftOnAWheel();
        assertEquals(10_000, made.get());
        assertTrue(called.get() + cancelled.get() <= 10_000, called + " called, " + cancelled + " cancelled");
        assertTrue(called.get() > 100 && cancelled.get() > 100, called + " called, " + cancelled + " cancelled");
    }

    @Test void aMillionTimersAreArmedPutOffAndCancelledAndTheRestFire() {
        int count = 1_000_000;
        var timers = new AtomicReferenceArray<TimerRegistration>(count);
        var fired = new AtomicInteger();
        var twice = new AtomicInteger();
        var early = new AtomicInteger();
        var times = new long[count];
        Color color = torque().newColor();
        var done = new AtomicInteger();
        long start = System.nanoTime();
        for (int from = 0; from < count; from += 10_000) {
            int first = from;
            torque().post(color, () -> {
                for (int i = first; i < first + 10_000; i++) {
                    int id = i;
                    times[id] = System.nanoTime() + 3_600_000_000_000L + i;
                    timers.set(i, torque().timer(TimerOptions.at(TimerClock.MONOTONIC, times[id]), color, (_, _) -> {
                        fired.incrementAndGet();
                        if (System.nanoTime() - times[id] < 0) early.incrementAndGet();
                        if (times[id] == 0) twice.incrementAndGet();
                        times[id] = 0;
                    }));
                }
                done.addAndGet(10_000);
            });
        }
        Eventually.await("all are armed", Eventually.DEFAULT_LIMIT.multipliedBy(2), () -> done.get() == count);
        done.set(0);
        var calledOff = new AtomicInteger();
        for (int from = 0; from < count; from += 10_000) {
            int first = from;
            torque().post(color, () -> {
                for (int i = first; i < first + 10_000; i++) {
                    if (i % 2 == 0) {
                        if (timers.get(i).cancel()) calledOff.incrementAndGet();
                    } else {
                        times[i] = System.nanoTime() + 1 + i % 100 * 1_000_000L;
                        if (timers.get(i).rearmAt(times[i])) calledOff.incrementAndGet();
                    }
                }
                done.addAndGet(10_000);
            });
        }
        Eventually.await("half of them are cancelled", Eventually.DEFAULT_LIMIT.multipliedBy(2), () -> done.get() == count);
        assertEquals(count, calledOff.get(), "in " + (System.nanoTime() - start) + " ns");
        Eventually.await(() -> "the other half has fired: " + fired, Eventually.DEFAULT_LIMIT.multipliedBy(2), () -> fired.get() == count / 2);
        noneIsLeftOnAWheel();
        assertEquals(count / 2, fired.get());
        assertEquals(0, early.get());
        assertEquals(0, twice.get());
        for (int i = 0; i < count; i++) assertFalse(timers.get(i).isOpen());
    }

    @Test void timersAreNeverEarlyByTheirOwnClocks() {
        var early = new AtomicInteger();
        var calls = new AtomicInteger();
        for (TimerClock clock : TimerClock.values()) {
            for (boolean precise : new boolean[] {false, true}) {
                for (int i = 0; i < 20; i++) {
                    long at = clock.nanos() + 1_000_000 + i * 777_777;
                    TimerOptions options = TimerOptions.at(clock, at);
                    torque().timer(precise ? options.withPrecision() : options, torque().newColor(), (_, _) -> {
                        if (clock.nanos() < at) early.incrementAndGet();
                        calls.incrementAndGet();
                    });
                }
            }
        }
        Eventually.await("all were called", () -> calls.get() == 120);
        assertEquals(0, early.get());
    }

    @Test void aTimeOfTheWallClockCanBeGivenAsAnInstant() {
        var ran = new AtomicLong();
        Instant time = Instant.now().plusMillis(20);
        TimerRegistration timer = torque().at(time, () -> ran.set(System.currentTimeMillis()));
        assertEquals(TimerClock.WALL, timer.clock());
        Eventually.await("it has run", () -> ran.get() != 0);
        assertTrue(ran.get() >= time.toEpochMilli());
        torque().at(Instant.now().minusSeconds(5), () -> ran.set(0));
        Eventually.await("the past is now", () -> ran.get() == 0);
    }

    @Test void aTimerOfARuntimeThatHasEndedIsNotOpenAndArmingItIsInVain() {
        TimerRegistration far = torque().after(Duration.ofHours(1), () -> { });
        TimerRegistration unarmed = torque().timer(TimerOptions.UNARMED, (_, _) -> { });
        var runtime = torque();
        stop();
        assertFalse(far.isOpen());
        assertTrue(far.cancel()); // it will not be called, indeed
        assertFalse(unarmed.rearm(Duration.ZERO));
        assertFalse(unarmed.isOpen());
        assertThrows(RejectedExecutionException.class, () -> runtime.after(Duration.ZERO, () -> { }));
    }
}
