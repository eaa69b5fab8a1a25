package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.libtorque.testkit.AllocationProbe;

class TimerWheelTest {
    private static final long TICK = 1L << 20;
    private static final long START = -5 * TICK + 17;
    private static final int MANY = Integer.MAX_VALUE;

    private final TimerWheel wheel = new TimerWheel(START, TICK);
    private final List<String> log = new ArrayList<>();

    /** A timer that notes its name when it runs, then does something. */
    private Timer timer(String name, Runnable then) {
        return new Timer() {
            @Override protected void onExpiry(long nowNanos) {
                assertTrue(nowNanos - deadlineNanos() >= 0, "early by " + (deadlineNanos() - nowNanos));
                assertFalse(isScheduled());
                wheel.checkInvariants();
                log.add(name);
                then.run();
                wheel.checkInvariants();
            }
        };
    }

    private Timer timer(String name) { return timer(name, () -> {}); }

    private int expire(long nowNanos, int maxTimers) {
        wheel.checkInvariants();
        int ran = wheel.expire(nowNanos, maxTimers);
        wheel.checkInvariants();
        return ran;
    }

    @ParameterizedTest @ValueSource(longs = {0, -1, Long.MIN_VALUE, 1, 512, 1_000_000, 1L << 41})
    void aTickThatIsNoPowerOfTwoInRangeIsRefused(long tickNanos) {
        assertThrows(IllegalArgumentException.class, () -> new TimerWheel(0, tickNanos));
    }

    @Test void anEmptyWheelHasNoDeadlineAndRunsNothing() {
        assertEquals(Long.MAX_VALUE, wheel.nextDeadlineNanos());
        assertEquals(0, expire(START + 1_000 * TICK, MANY));
        assertEquals(0, wheel.size());
    }

    @Test void aTimerRunsOnceAndNotBeforeItsDeadline() {
        Timer t = timer("t");
        long deadline = START + 10 * TICK + 1;
        wheel.schedule(t, deadline);
        assertTrue(t.isScheduled());
        assertEquals(deadline, t.deadlineNanos());
        assertEquals(0, expire(deadline - 1, MANY));
        assertEquals(1, expire(deadline + TICK, MANY));
        assertFalse(t.isScheduled());
        assertEquals(0, expire(deadline + 100 * TICK, MANY));
        assertEquals(List.of("t"), log);
    }

    @Test void aTimerIsLessThanATickLate() {
        for (long offset : new long[] {1, TICK - 1, TICK, TICK + 1, 63 * TICK, 64 * TICK, 65 * TICK, 4096 * TICK + 5}) {
            var w = new TimerWheel(START, TICK);
            Timer t = timer("t");
            w.schedule(t, START + offset);
            for (long now = w.nextDeadlineNanos(); t.isScheduled(); now = w.nextDeadlineNanos()) {
                assertTrue(now - (START + offset) < TICK, "offset " + offset);
                w.expire(now, MANY);
            }
        }
    }

    @Test void sleepingUntilTheNextDeadlineAlwaysMakesProgress() {
        Timer t = timer("t");
        wheel.schedule(t, START + 3_000_000_000_000L); // 50 minutes: three levels
        int turns = 0;
        for (long now; (now = wheel.nextDeadlineNanos()) != Long.MAX_VALUE; turns++) expire(now, MANY);
        assertEquals(List.of("t"), log);
        assertTrue(turns <= 4, "woke " + turns + " times for one timer");
    }

    @Test void timersRunInTheOrderOfTheirTicks() {
        for (int i : new int[] {5, 70, 3, 5_000, 64, 4, 300_000, 63}) wheel.schedule(timer("" + i), START + i * TICK);
        assertEquals(8, expire(START + 400_000 * TICK, MANY));
        assertEquals(List.of("3", "4", "5", "63", "64", "70", "5000", "300000"), log);
    }

    @Test void aDeadlineThatHasPassedRunsAtTheNextExpire() {
        expire(START + 100 * TICK, MANY);
        Timer past = timer("past");
        wheel.schedule(past, START);
        assertTrue(wheel.nextDeadlineNanos() <= START + 100 * TICK);
        wheel.schedule(timer("now"), START + 100 * TICK);
        assertEquals(2, expire(START + 100 * TICK, MANY));
        assertEquals(List.of("past", "now"), log);
    }

    @Test void cancelSaysWhetherTheTimerWasStillToRun() {
        Timer t = timer("t");
        assertFalse(wheel.cancel(t));
        wheel.schedule(t, START + TICK);
        assertTrue(wheel.cancel(t));
        assertFalse(wheel.cancel(t));
        assertEquals(0, wheel.size());
        assertEquals(Long.MAX_VALUE, wheel.nextDeadlineNanos());
        wheel.schedule(t, START + TICK);
        expire(START + 2 * TICK, MANY);
        assertFalse(wheel.cancel(t));
        assertEquals(List.of("t"), log);
    }

    @Test void aCancelledTimerDoesNotKeepItsNeighboursReachable() {
        Timer a = timer("a");
        Timer b = timer("b");
        wheel.schedule(a, START + TICK);
        wheel.schedule(b, START + TICK);
        wheel.cancel(a);
        assertNull(a.nextTimer);
        assertNull(a.previousTimer);
        assertNull(a.homeWheel);
        assertSame(b, b.nextTimer);
    }

    @Test void schedulingAgainMovesATimer() {
        Timer t = timer("t");
        wheel.schedule(t, START + 10 * TICK);
        wheel.schedule(t, START + 1_000 * TICK);
        assertEquals(1, wheel.size());
        assertEquals(0, expire(START + 999 * TICK, MANY));
        wheel.schedule(t, START + 1_001 * TICK);
        assertEquals(0, expire(START + 1_000 * TICK, MANY));
        assertEquals(1, expire(START + 1_001 * TICK, MANY));
    }

    @Test void aTimerOfAnotherWheelIsRefused() {
        var other = new TimerWheel(START, TICK);
        Timer t = timer("t");
        other.schedule(t, START + TICK);
        assertThrows(IllegalStateException.class, () -> wheel.schedule(t, START + TICK));
        assertFalse(wheel.cancel(t));
        assertTrue(other.cancel(t));
        other.checkInvariants();
        wheel.checkInvariants();
    }

    @Test void whatExceedsTheBudgetStaysDueAndInOrder() {
        for (int i = 0; i < 10; i++) wheel.schedule(timer("" + i), START + (i + 1) * TICK);
        long now = START + 20 * TICK;
        assertEquals(0, expire(now, 0));
        assertEquals(4, expire(now, 4));
        assertTrue(wheel.nextDeadlineNanos() - now <= 0);
        assertEquals(6, wheel.size());
        assertEquals(4, expire(now, 4));
        assertEquals(2, expire(now, 4));
        assertEquals(List.of("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"), log);
        assertThrows(IllegalArgumentException.class, () -> wheel.expire(now, -1));
    }

    @Test void aCascadeOfManyTimersIsDoneInBoundedSteps() {
        int count = 10_000;
        for (int i = 0; i < count; i++) wheel.schedule(timer("t"), START + 5_000 * TICK); // level 2
        long now = START + 5_000 * TICK;
        int calls = 0;
        for (int ran = 0; ran < count; calls++) {
            assertTrue(wheel.nextDeadlineNanos() - now <= 0);
            int n = expire(now, 100);
            assertTrue(n <= 100);
            ran += n;
        }
        assertTrue(calls > 100, "calls " + calls);
        assertTrue(calls < 300, "calls " + calls);
        assertEquals(count, log.size());
    }

    @Test void cancellingWhatIsBeingCascadedLeavesTheWheelWhole() {
        List<Timer> timers = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            Timer t = timer("t");
            timers.add(t);
            wheel.schedule(t, START + (100 + i % 20) * TICK);
        }
        assertEquals(0, expire(START + 100 * TICK, 0)); // moves 64, then stops in the middle of a slot
        for (int i = 0; i < timers.size(); i += 2) assertTrue(wheel.cancel(timers.get(i)));
        wheel.checkInvariants();
        for (int i = 1; i < timers.size(); i += 4) wheel.schedule(timers.get(i), START + 64 * 64 * 64 * TICK);
        wheel.checkInvariants();
        while (wheel.nextDeadlineNanos() - (START + 200 * TICK) <= 0) expire(START + 200 * TICK, 7);
        assertEquals(50, log.size());
        assertEquals(50, wheel.size());
        for (Timer t : timers) wheel.cancel(t);
        assertEquals(0, wheel.size());
        wheel.checkInvariants();
    }

    @Test void aTimerThatReschedulesItselfAsDueRunsOncePerExpire() {
        long now = START + 50 * TICK;
        Timer[] self = new Timer[1];
        self[0] = timer("self", () -> wheel.schedule(self[0], now - TICK));
        wheel.schedule(self[0], START + TICK);
        wheel.schedule(timer("other"), START + 2 * TICK);
        assertEquals(2, expire(now, MANY));
        assertEquals(1, expire(now, MANY));
        assertEquals(1, expire(now, MANY));
        assertEquals(List.of("self", "other", "self", "self"), log);
    }

    @Test void timersThatRescheduleThemselvesAsDueDoNotStarveTheOthers() {
        long now = START + 5_000 * TICK;
        for (int i = 0; i < 10; i++) {
            Timer[] self = new Timer[1];
            self[0] = timer("greedy", () -> wheel.schedule(self[0], now));
            wheel.schedule(self[0], START);
        }
        for (int i = 0; i < 1_000; i++) wheel.schedule(timer("modest"), START + (1 + i) * TICK);
        for (int i = 0; i < 600; i++) assertEquals(4, expire(now, 4));
        assertEquals(1_000, log.stream().filter("modest"::equals).count());
    }

    @Test void aTimerMayCancelAnotherThatIsDueInTheSameExpire() {
        Timer victim = timer("victim");
        wheel.schedule(timer("killer", () -> assertTrue(wheel.cancel(victim))), START + TICK);
        wheel.schedule(victim, START + TICK);
        wheel.schedule(timer("last"), START + TICK);
        assertEquals(2, expire(START + 5 * TICK, MANY));
        assertEquals(List.of("killer", "last"), log);
    }

    @Test void anExceptionPassesThroughAndTheOthersStayDue() {
        wheel.schedule(timer("bad", () -> { throw new IllegalStateException("thrown by a timer"); }), START + TICK);
        wheel.schedule(timer("good"), START + TICK);
        var e = assertThrows(IllegalStateException.class, () -> wheel.expire(START + 2 * TICK, MANY));
        assertEquals("thrown by a timer", e.getMessage());
        wheel.checkInvariants();
        assertEquals(1, wheel.size());
        assertTrue(wheel.nextDeadlineNanos() <= START + 2 * TICK);
        assertEquals(1, expire(START + 2 * TICK, MANY));
        assertEquals(List.of("bad", "good"), log);
    }

    @Test void expiringFromATimerIsRefused() {
        wheel.schedule(timer("t", () -> wheel.expire(START + 2 * TICK, MANY)), START + TICK);
        assertThrows(IllegalStateException.class, () -> wheel.expire(START + 2 * TICK, MANY));
        wheel.checkInvariants();
    }

    @Test void aTimeBeforeTheLatestOneChangesNothing() {
        expire(START + 100 * TICK, MANY);
        wheel.schedule(timer("t"), START + 101 * TICK);
        assertEquals(0, expire(START, MANY));
        assertEquals(0, expire(START + 100 * TICK, MANY));
        assertEquals(1, expire(START + 101 * TICK, MANY));
    }

    @Test void theClockMayWrap() {
        var w = new TimerWheel(Long.MAX_VALUE - 10 * TICK, TICK);
        List<Long> ran = new ArrayList<>();
        var t = new Timer() {
            @Override protected void onExpiry(long nowNanos) { ran.add(nowNanos); }
        };
        long deadline = Long.MAX_VALUE + 20 * TICK; // negative
        w.schedule(t, deadline);
        assertEquals(0, w.expire(Long.MAX_VALUE, MANY));
        assertEquals(0, w.expire(deadline - 1, MANY));
        w.checkInvariants();
        assertTrue(w.nextDeadlineNanos() - deadline < TICK);
        assertEquals(1, w.expire(deadline + TICK, MANY));
        assertEquals(List.of(deadline + TICK), ran);
    }

    @ParameterizedTest @ValueSource(longs = {1L << 10, 1L << 15, 1L << 20, 1L << 40})
    void deadlinesCenturiesAheadFit(long tickNanos) {
        for (long start : new long[] {0, START, Long.MIN_VALUE, Long.MAX_VALUE}) {
            var w = new TimerWheel(start, tickNanos);
            w.schedule(timer("far"), start + Long.MAX_VALUE);
            w.schedule(timer("century"), start + 3_155_760_000_000_000_000L);
            w.checkInvariants();
            assertEquals(0, w.expire(start + 3_155_760_000_000_000_000L - 1, MANY));
            assertEquals(1, w.expire(start + 3_155_760_000_000_000_000L + tickNanos, MANY));
            w.checkInvariants();
            w.schedule(timer("beyond"), w.nextDeadlineNanos() + Long.MAX_VALUE / 2);
            w.checkInvariants();
        }
    }

    @Test void aDeadlineThatIsTheValueForNoneIsStillReported() {
        var w = new TimerWheel(Long.MAX_VALUE - 4 * TICK, TICK);
        w.schedule(timer("t"), Long.MAX_VALUE);
        assertTrue(w.nextDeadlineNanos() != Long.MAX_VALUE);
    }

    @Test void schedulingExpiringAndCancellingAllocateNothing() {
        var w = new TimerWheel(START, TICK);
        var timers = new Timer[64];
        for (int i = 0; i < timers.length; i++) {
            timers[i] = new Timer() {
                @Override protected void onExpiry(long nowNanos) { w.schedule(this, nowNanos + 70 * TICK); }
            };
            w.schedule(timers[i], START + i * 31 * TICK);
        }
        long[] now = {START};
        AllocationProbe.assertAllocatesNothing(50_000, 20_000, () -> {
            now[0] += TICK;
            w.expire(now[0], 16);
            Timer t = timers[(int) (now[0] >>> 20) & 63];
            w.cancel(t);
            w.schedule(t, now[0] + 100 * TICK);
            w.nextDeadlineNanos();
        });
        w.checkInvariants();
    }

    @Test void theWheelNamesItselfInDumps() {
        assertTrue(wheel.toString().startsWith("TimerWheel[size=0"), wheel.toString());
        assertEquals(TICK, wheel.tickNanos());
    }

    // ---- precise timers

    @Test void aPreciseTimerIsNamedToTheNanosecondAndRunsThen() {
        for (long offset : new long[] {1, 1_000, TICK, 2 * TICK - 1, 2 * TICK, 2 * TICK + 1, 63 * TICK + 12_345, 4096 * TICK + 5, (1L << 45) + 3}) {
            var w = new TimerWheel(START, TICK);
            Timer t = timer("t");
            w.schedulePrecisely(t, START + offset);
            long now = START;
            for (int wakes = 0; t.isScheduled(); wakes++) {
                now = w.nextDeadlineNanos();
                assertTrue(now - START <= offset, "offset " + offset + ": not before " + (now - START));
                w.expire(now, MANY);
                w.checkInvariants();
                assertTrue(wakes < 12, "offset " + offset + ": wakes too often");
            }
            assertEquals(offset, now - START);
        }
    }

    @Test void preciseTimersRunInTheOrderOfTheirDeadlinesAndEqualOnesInThatOfComing() {
        long[] offsets = {500, 300, 900, 300, 100, 500, 300};
        for (int i = 0; i < offsets.length; i++) wheel.schedulePrecisely(timer(offsets[i] + " " + i), START + offsets[i]);
        for (long now = START; now <= START + 1_000; now += 50) expire(now, MANY);
        assertEquals(List.of("100 4", "300 1", "300 3", "300 6", "500 0", "500 5", "900 2"), log);
    }

    @Test void aPreciseTimerCanBeCancelledAndMovedWhereverItIs() {
        for (long offset : new long[] {100, 10 * TICK, 10_000 * TICK}) {
            Timer t = timer("t");
            wheel.schedulePrecisely(t, START + offset);
            wheel.checkInvariants();
            assertTrue(wheel.cancel(t));
            assertFalse(wheel.cancel(t));
            wheel.schedulePrecisely(t, START + offset);
            wheel.schedule(t, START + offset);
            wheel.checkInvariants();
            wheel.schedulePrecisely(t, START + 7);
            wheel.checkInvariants();
            assertEquals(1, wheel.size());
            assertEquals(START + 7, wheel.nextDeadlineNanos());
            assertTrue(wheel.cancel(t));
            assertEquals(0, wheel.size());
        }
        assertEquals(0, expire(START + 20_000 * TICK, MANY));
    }

    @Test void preciseAndOtherTimersDoNotMindEachOther() {
        wheel.schedule(timer("coarse"), START + 100);
        wheel.schedulePrecisely(timer("precise"), START + 200);
        assertEquals(START + 200, wheel.nextDeadlineNanos());
        assertEquals(1, expire(START + 200, MANY));
        assertEquals(1, expire(START + 6 * TICK, MANY));
        assertEquals(List.of("precise", "coarse"), log);
    }
}
