package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MoveBudgetTest {
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
    private static final long STEP = TimeUnit.MICROSECONDS.toNanos(100);
    private static final long LONG_AGO = -3 * SECOND;

    private final Scoreboard board = Scoreboard.flat(2);
    private final MoveBudget budget = board.moves();
    private long now = LONG_AGO;

    private static int burst(Scoreboard board) { return MoveBudget.BURST_EACH * board.size(); }

    /** Asks all the time for so long. Returns how often there was a token. */
    private int ask(MoveBudget asked, long nanos) {
        int taken = 0;
        for (long end = now + nanos; now < end; now += STEP) {
            if (asked.tryTake(now)) taken++;
        }
        return taken;
    }

    private void demand(int of0, int of1) {
        board.lastingDemand(0, of0);
        board.lastingDemand(1, of1);
    }

    @ParameterizedTest @ValueSource(ints = {1, 2, 16, 64, 4096}) void thereIsABurstAndThenSoManyASecondHoweverManyAsk(int vcores) {
        Scoreboard large = Scoreboard.flat(vcores);
        int rate = Math.max(MoveBudget.LEAST_RATE, vcores / MoveBudget.VCORES_EACH);
        int first = 0;
        while (large.moves().tryTake(now)) first++;
        assertEquals(burst(large), first);
        assertEquals(4 * rate, ask(large.moves(), 4 * SECOND + STEP), 1);
    }

    @Test void whatIsNotUsedIsSavedUpToABurst() {
        while (budget.tryTake(now)) { }
        now += 100 * SECOND;
        int taken = 0;
        while (budget.tryTake(now)) taken++;
        assertEquals(burst(board), taken);
        now += SECOND;
        taken = 0;
        while (budget.tryTake(now)) taken++;
        assertEquals(MoveBudget.LEAST_RATE, taken);
    }

    @Test void thereAreMoreWhileImbalanceFallsAndAsManyAsAtFirstWhenItDoesNot() {
        demand(1024, 0);
        while (budget.tryTake(now)) { }
        int before = 0;
        for (int epoch = 0, difference = 1024; epoch < 8; epoch++) {
            difference -= difference / 5;
            demand(512 + difference / 2, 512 - difference / 2);
            before = ask(budget, MoveBudget.EPOCH_NANOS);
        }
        assertTrue(before > 8, "in an epoch of an eighth of a second, " + before);
        ask(budget, MoveBudget.EPOCH_NANOS);
        assertEquals(MoveBudget.LEAST_RATE, ask(budget, SECOND), 1);
    }

    @Test void imbalanceThatMayBeChanceDoesNotMakeMore() {
        while (budget.tryTake(now)) { }
        int taken = 0;
        for (int i = 0; i < 80; i++) {
            demand(500, i % 2 == 0 ? 620 : 500);
            taken += ask(budget, MoveBudget.EPOCH_NANOS);
        }
        assertEquals(80 * MoveBudget.EPOCH_NANOS * MoveBudget.LEAST_RATE / (double) SECOND, taken, 2);
    }
}
