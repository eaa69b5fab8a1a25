package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What vcores do about CPUs that others use too. Stepped by hand. */
class SharedCpuTest {
    private static final int MICRO = 1_000;
    private static final int HEAVY = 200 * MICRO, LIGHT = 10 * MICRO;

    private final Team team = new Team(2, Balance.MIGRATE);
    private final Color heavy = team.vcore(0).newColor();
    private final List<Color> light = new ArrayList<>();

    @AfterEach void end() {
        team.close();
        assertEquals(List.of(), team.failures);
    }

    private static void register(Color color) { new Team.Mover(color).enter(); }

    /** Others have so much of a vcore's CPU, which it gets the rest of. */
    private void shared(int index, int taken) { team.board.shares(index, taken, 1024 - taken); }

    private void addLight(int n) {
        for (int i = 0; i < n; i++) {
            Color color = Team.cost(team.vcore(0).newColor(), LIGHT);
            light.add(color);
            team.as(0, () -> register(color));
        }
    }

    /**
     * Vcore 0 serves the heavy connection and the light ones, and waits for a while, again and again; vcore 1 has nothing to do. 300 times are long enough for vcore 0 to know what it is
     * asked for in the long run.
     */
    private void serve(int times, int waitMicros) {
        team.queues[0].onWait = () -> team.clock.advance(waitMicros * MICRO);
        for (int i = 0; i < times; i++) {
            for (Color color : light) if (color.home() == team.vcore(0)) team.as(0, () -> team.busy(color, LIGHT).post());
            if (heavy.home() == team.vcore(0)) team.as(0, () -> team.busy(heavy, HEAVY).post());
            while (team.step(0, false) > 0) { }
            if (waitMicros > 0) team.step(0);
        }
    }

    private int lightAt(int index) { return (int) light.stream().filter(color -> color.home() == team.vcore(index)).count(); }

    @Test void aHeavyConnectionLeavesACpuThatOthersUseForOneThatIsFree() {
        team.as(0, () -> register(heavy));
        shared(0, 450);
        serve(300, 100);
        assertSame(team.vcore(1), heavy.home());
        team.step(1);
        assertEquals(1, team.vcore(1).stats().moves());
    }

    @Test void withACpuOfItsOwnItStays() {
        team.as(0, () -> register(heavy));
        serve(300, 100);
        shared(1, 450);
        serve(300, 100);
        assertSame(team.vcore(0), heavy.home());
    }

    @Test void itStaysWhereTheOtherCpuIsAskedForAsMuch() {
        team.as(0, () -> register(heavy));
        shared(0, 450);
        shared(1, 430);
        serve(300, 100);
        assertSame(team.vcore(0), heavy.home());
    }

    @Test void whatIsLightMakesRoomForItWhenNothingOfItsCpuIsLeft() {
        team.as(0, () -> register(heavy));
        addLight(20);
        shared(1, 400);
        serve(400, 0);
        assertSame(team.vcore(0), heavy.home());
        assertTrue(lightAt(1) >= 10, lightAt(1) + " of 20");
    }

    @Test void whatIsLightStaysAsLongAsSomethingIsLeft() {
        team.as(0, () -> register(heavy));
        addLight(4);
        shared(1, 400);
        serve(400, 100);
        assertSame(team.vcore(0), heavy.home());
        assertEquals(0, lightAt(1));
    }

    @Test void whatHasToRunAtHomeStaysThere() {
        team.as(0, () -> register(heavy));
        Color listener = Team.cost(team.vcore(0).newColor(), LIGHT);
        team.as(0, () -> register(listener));
        addLight(20);
        shared(1, 400);
        for (int i = 0; i < 400; i++) {
            team.as(0, () -> Team.homeTask(listener, () -> team.clock.advance(LIGHT)).post());
            serve(1, 0);
        }
        assertTrue(lightAt(1) > 0);
        assertSame(team.vcore(0), listener.home(), "a listener is where the kernel gives it connections");
    }

    @Test void whatIsStolenDoesNotMoveForGoodToWhereItWouldBeSlower() {
        team.as(0, () -> register(heavy));
        heavy.cost = HEAVY;
        heavy.interval = 300 * MICRO;
        heavy.turnsAway = 8;
        team.board.demand(0, 900);
        team.board.lastingDemand(0, 900);
        var thief = new Balancer(team.vcore(1));
        shared(1, 450);
        assertFalse(thief.shouldMove(heavy, true));
        shared(1, 0);
        assertTrue(thief.shouldMove(heavy, true));
    }

    /** Vcore 0 does something short, and what it does next is long: how long does vcore 1 have to find it worth taking? */
    private void behindAShortOne() {
        Color other = Team.cost(team.vcore(0).newColor(), 30 * MICRO);
        other.pin();
        Team.cost(heavy, HEAVY);
        team.as(0, () -> {
            team.busy(other, 30 * MICRO).post();
            team.busy(heavy, HEAVY).post();
        });
        team.vcore(0).setTurnLimit(1);
        team.step(0, false);
        team.vcore(0).setTurnLimit(Integer.MAX_VALUE);
    }

    @Test void somebodyWhoseCpuOthersUseLeavesWhatWouldBeDoneLaterThere() {
        team.as(0, () -> register(heavy));
        shared(1, 512);
        behindAShortOne();
        assertTrue(team.board.isOffering(0));
        team.step(1);
        assertEquals(0, team.vcore(1).stats().steals());
        assertTrue(team.queues[1].timeout > 0, "and sleeps, though it is still on offer");
        assertTrue(team.board.isOffering(0));
    }

    @Test void somebodyWhoHasHisCpuForHimselfTakesIt() {
        team.as(0, () -> register(heavy));
        behindAShortOne();
        team.step(1);
        assertEquals(1, team.vcore(1).stats().steals());
    }

    @Test void nobodyIsWokenForWhatIsTheNextToRunAnyway() {
        team.as(0, () -> register(heavy));
        shared(1, 400);
        team.step(1);
        Color other = Team.cost(team.vcore(0).newColor(), LIGHT);
        Team.cost(heavy, HEAVY);
        team.board.setIdle(1);
        team.as(0, () -> {
            team.busy(other, LIGHT).post();
            team.busy(heavy, HEAVY).post();
        });
        team.vcore(0).setTurnLimit(1);
        team.step(0, false);
        assertFalse(team.board.isOffering(0));
        assertEquals(0, team.vcore(0).stats().wakes());
    }

    @Test void asManyShortOnesAheadOfItAreWorthIt() {
        team.as(0, () -> register(heavy));
        shared(1, 400);
        team.step(1);
        addLight(12);
        Team.cost(heavy, HEAVY);
        team.board.setIdle(1);
        team.as(0, () -> {
            for (Color color : light) team.busy(color, LIGHT).post();
            team.busy(heavy, HEAVY).post();
        });
        team.vcore(0).setTurnLimit(1);
        team.step(0, false);
        assertTrue(team.board.isOffering(0));
    }

    @Test void ofACpuNoMoreThanHalfIsBelievedToBeOthers() {
        team.board.shares(0, 1024, -1);
        assertEquals(512, team.board.taken(0));
        assertEquals(1024, team.board.pace(0));
        team.board.shares(0, 1024, 100);
        assertEquals(512, team.board.taken(0));
        assertEquals(512, team.board.pace(0));
    }

    @Test void whatOthersHaveOfACpuBecauseNobodyElseWantsItCountsForNothing() {
        team.board.shares(0, 700, 1000);
        assertEquals(24, team.board.taken(0));
        team.board.interrupts(0, 90);
        assertEquals(90, team.board.taken(0));
    }
}
