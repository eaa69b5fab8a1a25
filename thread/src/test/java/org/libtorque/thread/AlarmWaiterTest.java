package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.Torque;
import org.libtorque.testkit.AllocationProbe;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Vcore;

class AlarmWaiterTest {
    private static final long MILLI = 1_000_000;
    /** What an alarm may be late by. */
    private static final long TICK = 1 << 20;

    private final PlayedVcore play = new PlayedVcore();
    private final List<Long> rung = new ArrayList<>();
    private final AlarmWaiter alarm = new AlarmWaiter(a -> {
        assertSame(play.vcore, Vcore.current());
        rung.add(play.clock.nanoTime());
    });

    @AfterEach void end() {
        play.close();
        assertEquals(List.of(), play.failures);
    }

    @Test void itGoesOffOnceAtItsTime() {
        alarm.setRelative(5 * MILLI);
        assertFalse(alarm.isStarted());
        play.pass(10 * MILLI);
        assertEquals(List.of(), rung, "it was not started");
        alarm.setRelative(5 * MILLI);
        alarm.start();
        assertTrue(alarm.isStarted());
        play.pass(5 * MILLI - 1);
        assertEquals(List.of(), rung, "too early");
        play.pass(TICK);
        assertEquals(1, rung.size());
        assertFalse(alarm.isStarted());
        play.pass(100 * MILLI);
        assertEquals(1, rung.size());
    }

    @Test void timesAreAbsoluteRelativeUnixOrMoved() {
        long now = play.clock.nanoTime();
        alarm.setAbsolute(now + 7);
        assertEquals(now + 7, alarm.timeNanos());
        alarm.increment(-10);
        assertEquals(now - 3, alarm.timeNanos());
        alarm.setRelative(20);
        assertEquals(now + 20, alarm.timeNanos());
        long before = System.currentTimeMillis();
        alarm.setUnix((before + 3_600_000) * MILLI);
        long late = System.currentTimeMillis() - before;
        assertTrue(alarm.timeNanos() <= now + 3_600_000 * MILLI && alarm.timeNanos() >= now + (3_600_000 - late) * MILLI);
        alarm.setRelative(Long.MIN_VALUE);
        assertTrue(alarm.timeNanos() - now < 0);
        alarm.setUnix(Long.MIN_VALUE);
        assertTrue(alarm.timeNanos() - now < 0);
        alarm.setUnix(Long.MAX_VALUE);
        assertTrue(alarm.timeNanos() - now > 0);
        alarm.setAbsolute(now - 1);
        alarm.start();
        assertThrows(IllegalStateException.class, () -> alarm.setAbsolute(now));
        assertThrows(IllegalStateException.class, () -> alarm.setRelative(1));
        assertThrows(IllegalStateException.class, () -> alarm.increment(1));
        assertThrows(IllegalStateException.class, alarm::start);
        play.settle();
        assertEquals(1, rung.size(), "its time had passed");
    }

    @Test void stoppingIsTrueOnceAndOnlyBeforeItGoesOff() {
        assertFalse(alarm.stop());
        alarm.setRelative(MILLI);
        alarm.start();
        assertTrue(alarm.stop());
        assertFalse(alarm.stop());
        play.pass(10 * MILLI);
        assertEquals(List.of(), rung);
        alarm.setRelative(MILLI);
        alarm.start();
        play.pass(3 * MILLI);
        assertFalse(alarm.stop());
        assertEquals(1, rung.size());
    }

    @Test void resettingMovesItOrSaysThatItIsTooLate() {
        assertFalse(alarm.reset(play.clock.nanoTime() + MILLI));
        alarm.setRelative(2 * MILLI);
        alarm.start();
        assertTrue(alarm.reset(play.clock.nanoTime() + 20 * MILLI));
        play.pass(10 * MILLI);
        assertEquals(List.of(), rung);
        assertTrue(alarm.reset(play.clock.nanoTime() + 2 * MILLI));
        play.pass(4 * MILLI);
        assertEquals(1, rung.size());
        assertFalse(alarm.reset(play.clock.nanoTime() + 2 * MILLI));
        play.pass(4 * MILLI);
        assertEquals(1, rung.size());
    }

    @Test void aCallbackMayStartItAgain() {
        var times = new AtomicInteger();
        var periodic = new AlarmWaiter(a -> {
            if (times.incrementAndGet() == 10) return;
            a.increment(3 * MILLI);
            a.start();
        });
        periodic.setRelative(3 * MILLI);
        periodic.start();
        for (int i = 0; i < 9; i++) {
            play.pass(3 * MILLI);
            assertTrue(times.get() <= i + 1);
        }
        play.pass(3 * MILLI + TICK);
        assertEquals(10, times.get());
        assertFalse(periodic.isStarted());
    }

    @Test void whatTheCallbackThrowsIsReported() {
        var bad = new AlarmWaiter(a -> { throw new ArithmeticException(); });
        bad.start();
        play.pass(MILLI);
        assertEquals(1, play.failures.size());
        play.failures.clear();
    }

    @Test void fromOutsideTheWheelFollowsSoon() {
        Vcore.switchTo(null);
        alarm.setRelative(2 * MILLI);
        alarm.start();
        assertTrue(alarm.reset(play.clock.nanoTime() + 30 * MILLI));
        Vcore.switchTo(play.vcore);
        play.pass(10 * MILLI);
        assertEquals(List.of(), rung);
        Vcore.switchTo(null);
        assertTrue(alarm.reset(play.clock.nanoTime() + 2 * MILLI));
        Vcore.switchTo(play.vcore);
        play.settle();
        play.pass(4 * MILLI);
        assertEquals(1, rung.size());
        alarm.setRelative(2 * MILLI);
        alarm.start();
        Vcore.switchTo(null);
        assertTrue(alarm.stop());
        Vcore.switchTo(play.vcore);
        play.clock.advance(10 * MILLI); // the wheel still has it when its time comes
        play.settle();
        assertEquals(1, rung.size());
    }

    @Test void whoIsOnNoVcoreMustSayWhichOneIsMeant() {
        Vcore.switchTo(null);
        assertThrows(IllegalStateException.class, () -> new AlarmWaiter(a -> { }));
        assertSame(play.vcore, new AlarmWaiter(play.vcore, a -> { }).vcore());
    }

    @Test void aStoppedVcoreRefuses() {
        play.close();
        Vcore.switchTo(null);
        assertThrows(RejectedExecutionException.class, alarm::start);
        assertFalse(alarm.isStarted());
    }

    @Test void startingAndStoppingAllocatesNothing() {
        AllocationProbe.assertAllocatesNothing(20_000, 1_000, () -> {
            alarm.setRelative(MILLI);
            alarm.start();
            alarm.reset(0);
            alarm.stop();
        });
    }

    /** Random operations from on and off the vcore against what they have said. */
    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void whatItSaysComesTrue(long seed) {
        var random = new SplittableRandom(seed);
        boolean started = false;
        long due = 0;
        int expected = 0;
        for (int i = 0; i < 2_000; i++) {
            if (random.nextInt(4) == 0) Vcore.switchTo(null);
            long at = play.clock.nanoTime() + random.nextLong(20 * MILLI);
            switch (random.nextInt(4)) {
                case 0 -> {
                    if (!started) {
                        alarm.setAbsolute(at);
                        alarm.start();
                        due = at;
                        started = true;
                    }
                }
                case 1 -> {
                    assertEquals(started, alarm.stop());
                    started = false;
                }
                case 2 -> {
                    boolean moved = alarm.reset(at);
                    assertEquals(started, moved);
                    if (moved) due = at;
                }
                default -> { }
            }
            Vcore.switchTo(play.vcore);
            if (random.nextBoolean()) play.pass(random.nextLong(5 * MILLI));
            if (rung.size() > expected) {
                assertTrue(started, "stopped, and yet it went off");
                assertEquals(++expected, rung.size());
                assertTrue(rung.getLast() - due >= 0, "too early");
                started = false;
            } else if (started) {
                assertTrue(alarm.isStarted());
            }
        }
        play.settle();
        play.pass(100 * MILLI);
        assertEquals(expected + (started ? 1 : 0), rung.size());
    }

    @Test void withRealVcoresEachStartEndsInOneWay() throws Exception {
        try (Torque torque = Runtimes.open(2); var crew = new Crew(Crew.Kind.PLATFORM)) {
            var fired = new AtomicInteger();
            var stopped = new AtomicInteger();
            int alarms = 200, rounds = 10;
            for (int t = 0; t < 2; t++) {
                Vcore vcore = torque.vcores().get(t % torque.vcores().size());
                crew.start(() -> {
                    var random = new SplittableRandom(1);
                    for (int i = 0; i < alarms; i++) {
                        var ended = new AtomicInteger();
                        var a = new AlarmWaiter(vcore, x -> {
                            ended.incrementAndGet();
                            fired.incrementAndGet();
                        });
                        for (int r = 1; r <= rounds; r++) {
                            a.setRelative(random.nextInt(200_000));
                            a.start();
                            if (random.nextInt(3) == 0) Thread.yield();
                            if (a.stop()) {
                                stopped.incrementAndGet();
                                ended.incrementAndGet();
                            }
                            int n = r;
                            Eventually.await("this start has ended", () -> ended.get() == n);
                        }
                    }
                });
            }
            crew.join();
            assertEquals(2 * alarms * rounds, fired.get() + stopped.get());
        }
    }

    @Test void aUthreadSetsOneOnItsVcore() throws Exception {
        try (Torque torque = Runtimes.open(2)) {
            assertTrue(Runtimes.on(torque, () -> {
                var woken = new Semaphore(0);
                Vcore here = Vcore.current();
                var a = new AlarmWaiter(x -> {
                    if (Vcore.current() == here) woken.release();
                });
                a.setRelative(MILLI);
                a.start();
                woken.acquire();
                return !a.isStarted();
            }));
        }
    }
}
