package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Vcore;

/** Timers with a clock that goes when told: what fires, when, how often, and what the answers are, to the nanosecond. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#all")
class ColorTimerTest extends PlayedTest {
    private static final long MS = 1_000_000, TICK = 1 << 20;

    private final List<String> log = new ArrayList<>();

    private ColorTimer timer(TimerOptions options, String name) { return played.timer(options, color, (_, n) -> log.add(n == 1 ? name : name + " x" + n)); }

    private void expect(String... calls) {
        assertEquals(List.of(calls), log);
        log.clear();
    }

    // ---- once

    @Test void aTimerFiresOnceAndNotBeforeItsTimeAndLessThanATickAfter() {
        ColorTimer timer = timer(TimerOptions.after(Duration.ofMillis(10)), "once");
        played.advance(10 * MS - 1);
        expect();
        assertTrue(timer.isOpen());
        played.advance(TICK);
        expect("once");
        assertFalse(timer.isOpen());
        played.advance(1_000 * MS);
        expect();
    }

    @Test void aPreciseTimerFiresAtItsTimeAndTheVcoreWakesForIt() {
        long start = played.clock.nanoTime();
        timer(TimerOptions.after(Duration.ofNanos(123_456_789)).withPrecision(), "precise");
        played.settle();
        while (log.isEmpty()) {
            long next = played.vcores[0].timers().nextDeadlineNanos();
            assertTrue(next - start <= 123_456_789, "it would wake after " + (next - start));
            played.advance(next - played.clock.nanoTime());
        }
        assertEquals(123_456_789, played.clock.nanoTime() - start);
    }

    @Test void aDelayOfZeroAndATimeThatHasPassedFireAtOnce() {
        timer(TimerOptions.after(Duration.ZERO), "zero");
        timer(TimerOptions.at(TimerClock.MONOTONIC, Long.MIN_VALUE), "long ago");
        timer(TimerOptions.at(TimerClock.MONOTONIC, played.clock.nanoTime() - 1), "just now");
        timer(TimerOptions.at(Instant.EPOCH), "1970");
        timer(TimerOptions.at(Instant.MIN), "never");
        timer(TimerOptions.at(TimerClock.BOOT, -5), "before boot");
        played.settle();
        assertEquals(6, log.size(), log::toString);
        log.clear();
    }

    @Test void timesThatAreCenturiesAwayDoNotFireAndCanBeCancelled() {
        List<ColorTimer> timers = List.of(timer(TimerOptions.after(Duration.ofSeconds(Long.MAX_VALUE)), "seconds"), timer(TimerOptions.after(Duration.ofDays(365 * 100)), "years"),
                timer(TimerOptions.at(TimerClock.MONOTONIC, Long.MAX_VALUE), "the end"), timer(TimerOptions.at(Instant.MAX), "wall"),
                timer(TimerOptions.at(TimerClock.BOOT, Long.MAX_VALUE), "boot"), timer(TimerOptions.every(Duration.ofSeconds(Long.MAX_VALUE)), "period"),
                timer(TimerOptions.after(Duration.ofDays(365 * 20)).withPrecision(), "precise"));
        for (int year = 0; year < 15; year++) played.advance(Duration.ofDays(365).toNanos());
        expect();
        for (ColorTimer timer : timers) {
            assertTrue(timer.isOpen(), timer::toString);
            assertTrue(timer.cancel(), timer::toString);
            assertFalse(timer.isOpen());
        }
        played.settle();
        assertEquals(0, played.scheduled());
    }

    @Test void equalTimesFireInTheOrderInWhichTheyWereArmed() {
        long at = played.clock.nanoTime() + 70 * MS;
        List<String> names = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            names.add("timer " + i);
            timer(i % 2 == 0 ? TimerOptions.at(TimerClock.MONOTONIC, at) : TimerOptions.after(Duration.ofNanos(at - played.clock.nanoTime())), names.getLast());
            played.advance(i % 7 * MS / 10);
        }
        played.advance(100 * MS);
        expect(names.toArray(String[]::new));
    }

    @Test void negativeTimesAndPeriodsAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> TimerOptions.after(Duration.ofNanos(-1)));
        assertThrows(IllegalArgumentException.class, () -> TimerOptions.every(Duration.ZERO));
        assertThrows(IllegalArgumentException.class, () -> TimerOptions.every(Duration.ofMillis(-1)));
        assertThrows(IllegalArgumentException.class, () -> TimerOptions.UNARMED.withPeriod(Duration.ZERO));
        assertThrows(IllegalStateException.class, () -> TimerOptions.at(Instant.EPOCH).withClock(TimerClock.BOOT));
        ColorTimer timer = timer(TimerOptions.UNARMED, "none");
        assertThrows(IllegalArgumentException.class, () -> timer.rearm(Duration.ofNanos(-1)));
        assertThrows(IllegalStateException.class, () -> timer.rearm(Instant.EPOCH));
        assertFalse(timer.isOpen());
        assertEquals(0, played.scheduled());
    }

    // ---- periods

    @Test void aPeriodicTimerIsDueAtExactMultiplesOverAMinuteHoweverLateItIsCalled() {
        var random = new SplittableRandom(1);
        long start = played.clock.nanoTime();
        long period = 1_234_567;
        long[] calls = new long[2];
        ColorTimer timer = played.timer(TimerOptions.every(Duration.ofNanos(period)), color, (_, n) -> {
            calls[0]++;
            calls[1] += n;
        });
        long minute = 60_000 * MS;
        while (played.clock.nanoTime() - start < minute) {
            played.advance(random.nextLong(3 * period));
            long passed = (played.clock.nanoTime() - start) / period;
            assertTrue(calls[1] <= passed, "early");
            assertTrue(calls[1] >= (played.clock.nanoTime() - TICK - start) / period, "an expiration is missing");
        }
        assertTrue(calls[0] < calls[1], "none was missed");
        assertTrue(timer.cancel());
        played.advance(10 * period);
        assertTrue(calls[1] <= (played.clock.nanoTime() - 10 * period - start) / period);
    }

    @Test void periodsThatWereMissedAreOneCallThatKnowsHowMany() {
        timer(TimerOptions.every(Duration.ofMillis(10)), "tick");
        played.advance(25 * MS);
        expect("tick x2");
        played.advance(4 * MS);
        expect();
        played.advance(2 * MS);
        expect("tick");
        played.advance(1_000 * MS);
        expect("tick x100");
    }

    @Test void aFirstTimeAndAPeriodGoTogetherAndRearmingShiftsBoth() {
        ColorTimer timer = timer(TimerOptions.after(Duration.ofMillis(3)).withPeriod(Duration.ofMillis(100)).withPrecision(), "tick");
        played.advance(3 * MS);
        expect("tick");
        played.advance(100 * MS);
        expect("tick");
        assertTrue(timer.rearm(Duration.ofMillis(10)));
        played.advance(10 * MS);
        expect("tick");
        played.advance(99 * MS);
        expect();
        played.advance(1 * MS);
        expect("tick");
    }

    // ---- answers

    @Test void cancellingIsTrueOnceAndFalseForWhatHasFired() {
        ColorTimer timer = timer(TimerOptions.after(Duration.ofMillis(5)), "once");
        assertTrue(timer.cancel());
        assertFalse(timer.cancel());
        played.advance(10 * MS);
        expect();
        assertEquals(0, played.scheduled());
        assertFalse(timer.rearm(Duration.ofMillis(5)));
        played.advance(10 * MS);
        expect("once");
        assertFalse(timer.cancel());
    }

    @Test void aTimerThatIsDueAndWaitsForItsColourCanStillBeCalledOff() {
        ColorTimer cancelled = timer(TimerOptions.after(Duration.ofMillis(5)), "cancelled");
        ColorTimer putOff = timer(TimerOptions.after(Duration.ofMillis(5)), "put off");
        played.settle();
        boolean[] answers = new boolean[2];
        played.clock.advance(4 * MS);
        played.post(color, () -> {
            played.clock.advance(10 * MS); // they become due while this runs
            answers[0] = cancelled.cancel();
            answers[1] = putOff.rearm(Duration.ofMillis(50));
        });
        played.settle();
        assertTrue(answers[0]);
        assertTrue(answers[1]);
        expect();
        played.advance(50 * MS + TICK);
        expect("put off");
    }

    @Test void aClosedTimerStaysClosed() {
        ColorTimer timer = timer(TimerOptions.every(Duration.ofMillis(1)), "tick");
        played.settle();
        timer.close();
        timer.close();
        assertFalse(timer.isOpen());
        assertFalse(timer.cancel());
        assertFalse(timer.rearm(Duration.ZERO));
        played.advance(10 * MS);
        expect();
        assertEquals(0, played.scheduled());
    }

    @Test void anUnarmedTimerIsNothingUntilItIsArmed() {
        ColorTimer timer = timer(TimerOptions.UNARMED, "armed later");
        played.advance(100 * MS);
        assertFalse(timer.isOpen());
        assertFalse(timer.rearm(Duration.ofMillis(1)));
        assertTrue(timer.isOpen());
        played.advance(3 * MS);
        expect("armed later");
    }

    // ---- re-arming

    @Test void rearmingMovesTheTimeEitherWay() {
        ColorTimer timer = timer(TimerOptions.after(Duration.ofMillis(50)), "fired");
        played.settle();
        assertTrue(timer.rearm(Duration.ofMillis(200)));
        played.advance(60 * MS);
        expect();
        assertTrue(timer.rearm(Duration.ofMillis(10)));
        played.advance(12 * MS);
        expect("fired");
        played.advance(500 * MS);
        expect();
    }

    @Test void theHandlerMayRearmCancelAndClose() {
        int[] left = {3};
        played.timer(TimerOptions.after(Duration.ofMillis(5)), color, (timer, _) -> {
            assertFalse(timer.isOpen());
            log.add("again");
            if (--left[0] > 0) assertFalse(timer.rearm(Duration.ofMillis(5)));
        });
        played.timer(TimerOptions.every(Duration.ofMillis(7)), color, (timer, _) -> {
            log.add("periodic");
            assertTrue(timer.isOpen());
            assertTrue(timer.cancel());
            assertFalse(timer.cancel());
        });
        played.timer(TimerOptions.every(Duration.ofMillis(30)), color, (timer, _) -> {
            log.add("closing");
            timer.close();
            assertFalse(timer.rearm(Duration.ZERO));
        });
        for (int i = 0; i < 40; i++) played.advance(2 * MS);
        expect("again", "periodic", "again", "again", "closing");
        assertEquals(0, played.scheduled());
    }

    @Test void puttingOffFromElsewhereAgainAndAgainPostsNothing() {
        ColorTimer timer = timer(TimerOptions.after(Duration.ofMillis(50)), "fired");
        played.settle();
        long before = played.posted();
        for (int i = 0; i < 1_000; i++) assertTrue(timer.rearm(Duration.ofMillis(100 + i)));
        played.settle();
        assertEquals(before, played.posted());
        played.advance(1_098 * MS);
        expect();
        played.advance(3 * MS);
        expect("fired");
    }

    // ---- moving

    @Test void timersGoAlongWhenTheirColourMovesAndKeepTheirTimes() {
        if (setup.vcores() < 2) return;
        for (int i = 1; i <= 20; i++) timer(TimerOptions.after(Duration.ofMillis(10 * i)), "after " + 10 * i);
        ColorTimer periodic = timer(TimerOptions.every(Duration.ofMillis(100)), "every 100");
        ColorTimer cancelled = timer(TimerOptions.after(Duration.ofMillis(55)), "cancelled");
        played.settle();
        played.advance(36 * MS);
        expect("after 10", "after 20", "after 30");
        played.vcores[0].park();
        played.clock.advance(5 * MS); // one more is due when it sets out
        Vcore.switchTo(null);
        for (int i = 0; i < 20; i++) played.advance(MS / 10);
        assertSame(played.vcores[1], color.home());
        assertTrue(cancelled.cancel());
        assertEquals(0, played.vcores[0].timers().size());
        expect("after 40");
        played.vcores[0].resume();
        for (int i = 0; i < 170; i++) played.advance(MS);
        assertEquals(2, log.stream().filter("every 100"::equals).count(), log::toString);
        log.removeIf("every 100"::equals);
        for (int i = 5; i <= 20; i++) assertEquals("after " + 10 * i, log.get(i - 5));
        assertEquals(16, log.size(), log::toString);
        assertTrue(periodic.cancel());
        log.clear();
    }

    // ---- clocks that are set

    @Test void whenTheWallClockIsSetForthItsTimersFireAndOthersDoNot() {
        timer(TimerOptions.at(instant(played.nanos(TimerClock.WALL) + 3_600_000 * MS)), "in an hour");
        timer(TimerOptions.at(instant(played.nanos(TimerClock.WALL) + 7_200_000 * MS)), "in two hours");
        timer(TimerOptions.at(TimerClock.BOOT, played.nanos(TimerClock.BOOT) + 3_600_000 * MS), "boot");
        timer(TimerOptions.after(Duration.ofHours(1)), "after an hour");
        timer(TimerOptions.after(Duration.ofHours(1)).withClock(TimerClock.WALL).withPeriod(Duration.ofMinutes(1)), "each minute");
        played.settle();
        assertEquals(3 + 1, played.watch().timerCount());
        set(3_700_000 * MS, 0);
        log.sort(null); // all came at once
        expect("each minute x2", "in an hour");
        played.advance(3_600_000 * MS + TICK);
        assertEquals(4, log.size(), log::toString);
        log.clear();
    }

    @Test void whenTheWallClockIsSetBackItsTimersWaitLonger() {
        ColorTimer timer = timer(TimerOptions.at(instant(played.nanos(TimerClock.WALL) + 1_000 * MS)), "one");
        played.settle();
        set(-10_000 * MS, 0);
        played.advance(10_900 * MS);
        expect();
        assertTrue(timer.isOpen());
        played.advance(101 * MS + TICK);
        expect("one");
        assertEquals(0, played.watch().timerCount());
        assertFalse(timer.rearm(instant(played.nanos(TimerClock.WALL) + 5 * MS)));
        assertEquals(1, played.watch().timerCount());
        played.advance(7 * MS);
        expect("one");
    }

    @Test void aTimeThatHasComeByTheOldSettingDoesNotFireIfTheClockWasSetBackUnnoticed() {
        timer(TimerOptions.at(instant(played.nanos(TimerClock.WALL) + 10 * MS)), "one");
        played.settle();
        played.wallOffset -= 100 * MS; // nobody is told
        played.advance(50 * MS);
        expect();
        played.advance(60 * MS + TICK);
        expect("one");
    }

    @Test void timersByTheBootClockGoOnInSuspendAndOthersDoNot() {
        timer(TimerOptions.after(Duration.ofMinutes(10)).withClock(TimerClock.BOOT), "boot");
        timer(TimerOptions.after(Duration.ofMinutes(10)), "monotonic");
        played.settle();
        set(600_000 * MS, 600_000 * MS);
        expect("boot");
        played.advance(600_000 * MS + TICK);
        expect("monotonic");
    }

    @Test void manyTimersAreToldOfAChange() {
        for (int i = 0; i < 5_000; i++) timer(TimerOptions.after(Duration.ofHours(1)).withClock(TimerClock.WALL), "t");
        played.settle();
        set(3_600_000 * MS, 0);
        assertEquals(5_000, log.size());
        assertEquals(0, played.watch().timerCount());
        log.clear();
    }

    @Test void handlersLearnByHowMuchTheClocksHaveChanged() {
        List<ClockChange> changes = new ArrayList<>();
        ClockRegistration registration = ClockRegistration.open(color, changes::add, played::nanos, played.watch());
        played.settle();
        set(-5_000 * MS, 0);
        set(60_000 * MS, 60_000 * MS);
        assertEquals(List.of(new ClockChange(Duration.ofSeconds(-5), Duration.ZERO), new ClockChange(Duration.ZERO, Duration.ofMinutes(1))), changes);
        registration.close();
        set(1, 0);
        assertEquals(2, changes.size());
    }

    private void set(long wallBy, long bootBy) {
        played.wallOffset += wallBy;
        played.bootOffset += bootBy;
        played.watch().pretendChange();
        played.settle();
    }

    private static Instant instant(long nanos) { return Instant.ofEpochSecond(0, nanos); }

    // ---- against a model

    /** What a timer should do. */
    private final class Modelled {
        final TimerClock clock;
        final boolean precise;
        final long period;
        final Color color;
        ColorTimer timer;
        boolean armed;
        boolean closed;
        long deadline;

        Modelled(SplittableRandom random, Color color) {
            this.color = color;
            clock = TimerClock.values()[random.nextInt(3)];
            precise = random.nextInt(3) == 0;
            period = random.nextInt(3) == 0 ? 1 + random.nextLong(50 * MS) : 0;
            long delay = random.nextLong(60 * MS);
            TimerOptions options = TimerOptions.after(Duration.ofNanos(delay)).withClock(clock);
            if (precise) options = options.withPrecision();
            if (period > 0) options = options.withPeriod(Duration.ofNanos(period));
            armed = true;
            deadline = now() + delay;
            timer = played.timer(options, color, (_, n) -> fired(n));
        }

        long now() { return played.nanos(clock); }

        void fired(long expirations) {
            assertTrue(armed && !closed, "called off");
            assertSame(color, Vcore.currentColor());
            long passed = now() - deadline;
            assertTrue(passed >= 0, "early by " + -passed);
            if (period == 0) {
                assertEquals(1, expirations);
                armed = false;
            } else {
                assertTrue(expirations >= 1 && expirations <= passed / period + 1, expirations + " in " + passed + " of " + period);
                deadline += expirations * period;
            }
        }

        void change(SplittableRandom random) {
            switch (random.nextInt(12)) {
                case 0, 1, 2 -> {
                    assertEquals(armed, timer.cancel());
                    armed = false;
                }
                case 3 -> {
                    timer.close();
                    armed = false;
                    closed = true;
                }
                case 4 -> {
                    long time = now() + random.nextLong(-10 * MS, 100 * MS);
                    assertEquals(armed, timer.rearmAt(time));
                    if (!closed) arm(time);
                }
                default -> {
                    long delay = random.nextLong(1L << random.nextInt(1, 28));
                    assertEquals(armed, timer.rearm(Duration.ofNanos(delay)));
                    if (!closed) arm(now() + delay);
                }
            }
            assertEquals(armed, timer.isOpen());
        }

        private void arm(long time) {
            deadline = time;
            armed = true;
        }
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void timersDoWhatAModelDoesWhileColoursMoveAndClocksAreSet(long seed) {
        var random = new SplittableRandom(seed);
        List<Color> colors = new ArrayList<>();
        for (int i = 0; i < 5; i++) colors.add(played.vcores[i % setup.vcores()].newColor());
        List<Modelled> timers = new ArrayList<>();
        for (Vcore vcore : played.vcores) vcore.setTurnLimit(1 + random.nextInt(4));
        int steps = 600;
        for (int step = 0; step < steps; step++) {
            switch (random.nextInt(16)) {
                case 0, 1 -> {
                    if (timers.size() < 60) timers.add(new Modelled(random, colors.get(random.nextInt(5))));
                }
                case 2 -> played.post(colors.get(random.nextInt(5)), () -> timers.add(new Modelled(random, colors.get(random.nextInt(5)))));
                case 3, 4, 5 -> any(timers, random, timer -> timer.change(random));
                case 6, 7 -> any(timers, random, timer -> played.post(timer.color, () -> timer.change(random)));
                case 8 -> any(timers, random, timer -> played.post(colors.get(random.nextInt(5)), () -> timer.change(random)));
                case 9 -> { // much is to be done, so that others take what waits
                    for (int i = 10 + random.nextInt(20); i > 0; i--) played.post(colors.get(random.nextInt(5)), () -> played.clock.advance(random.nextLong(MS / 4)));
                    for (int i = random.nextInt(20); i > 0; i--) played.turn(random.nextInt(setup.vcores()));
                }
                case 10 -> {
                    if (setup.vcores() == 1) continue;
                    int parked = random.nextInt(2);
                    played.vcores[1 - parked].resume();
                    played.vcores[parked].park();
                }
                case 11 -> {
                    for (Vcore vcore : played.vcores) vcore.resume();
                }
                case 12 -> {
                    if (random.nextBoolean()) played.wallOffset += random.nextLong(-200 * MS, 200 * MS);
                    else played.bootOffset += random.nextLong(100 * MS);
                    played.watch().pretendChange();
                    if (random.nextBoolean()) played.settle();
                }
                case 13 -> {
                    for (int i = random.nextInt(10); i > 0; i--) played.turn(random.nextInt(setup.vcores()));
                }
                case 14 -> played.clock.advance(random.nextLong(20 * MS));
                default -> played.advance(random.nextLong(20 * MS));
            }
            if (step % 20 == 19) {
                played.settle();
                for (Modelled timer : timers) {
                    assertEquals(timer.armed, timer.timer.isOpen());
                    assertTrue(!timer.armed || timer.deadline + (timer.precise ? 0 : TICK) > timer.now(), () -> timer.timer + " is overdue by " + (timer.now() - timer.deadline));
                }
            }
            assertEquals(List.of(), played.failures);
        }
        for (Vcore vcore : played.vcores) vcore.resume();
        played.settle(); // what still waits may make timers
        for (Modelled timer : timers) {
            timer.timer.close();
            timer.armed = false;
        }
        played.settle();
        assertEquals(0, played.scheduled());
        assertEquals(0, played.watch().timerCount());
        long away = 0;
        for (Vcore vcore : played.vcores) away += vcore.stats().stolen() + vcore.stats().moves();
        assertTrue(setup.vcores() == 1 || away > 0, "no colour ever ran away from home or moved");
    }

    private static void any(List<Modelled> timers, SplittableRandom random, java.util.function.Consumer<Modelled> action) {
        if (!timers.isEmpty()) action.accept(timers.get(random.nextInt(timers.size())));
    }

    // ---- failures

    @ParameterizedTest @ValueSource(booleans = {false, true})
    void whatAHandlerThrowsIsReportedAndTheTimerLivesOn(boolean precise) {
        TimerOptions options = TimerOptions.every(Duration.ofMillis(10));
        played.timer(precise ? options.withPrecision() : options, color, (_, _) -> {
            log.add("called");
            throw new IllegalStateException("mine");
        });
        for (int i = 0; i < 24; i++) played.advance(MS);
        expect("called", "called");
        assertEquals(2, played.failures.size());
        played.failures.clear();
    }
}
