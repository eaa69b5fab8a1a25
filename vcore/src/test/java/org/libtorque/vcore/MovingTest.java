package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Colours that move to another vcore for good, with what is registered on their behalf. Stepped by hand. */
class MovingTest {
    private static final int MICRO = 1_000;
    private static final int MILLI = 1_000_000;

    private final Team team = new Team(3, Balance.MIGRATE);
    private final List<String> log = new ArrayList<>();
    private final Color color = team.vcore(0).newColor();

    @AfterEach void end() {
        team.close();
        assertEquals(List.of(), team.failures);
    }

    /** Registered with a vcore as a source is; says what becomes of it. */
    private final class Mover extends Resident {
        final String name;
        boolean movable = true;
        /** Whether it takes until {@link #finish} to let go, as a source with operations under way does. */
        boolean slow;
        boolean postsOnArrival;
        /** Where it is registered, or null. */
        Vcore at;

        Mover(String name) {
            super(color);
            this.name = name;
        }

        Mover enter() {
            settle();
            at = color.home();
            return this;
        }

        void end() {
            unsettle();
            at = null;
        }

        @Override protected boolean canMove() { return movable; }

        @Override protected void depart() {
            assertSame(at, Vcore.current(), "departs on its home");
            assertFalse(color.isIdle());
            log.add(name + " departs");
            if (!slow) finish();
        }

        void finish() {
            assertSame(at, Vcore.current());
            at = null;
            departed();
        }

        @Override protected void arrive() {
            assertNull(at);
            assertSame(color.home(), Vcore.current());
            at = Vcore.current();
            log.add(name + " arrives");
            if (postsOnArrival) post();
        }

        @Override protected void run() { log.add(name + " runs@" + Team.here()); }
    }

    /** Makes it known what is asked for of a vcore, now and for some time. */
    private void demand(int position, int of1024) {
        team.board.demand(position, of1024);
        team.board.lastingDemand(position, of1024);
    }

    private Task note(String name) { return Team.task(color, () -> log.add(name + "@" + Team.here())); }

    /** Has vcore 1 steal the colour from vcore 0 so often, with a task in it each time, and makes vcore 0 known to be busier. */
    private void stealOften(int times) {
        demand(0, 1024);
        team.vcore(0).setTurnLimit(1);
        team.vcore(1).setTurnLimit(1);
        for (int i = 0; i < times; i++) stealOnce(1);
    }

    private void stealOnce(int thief) {
        Color other = Team.cost(team.vcore(0).newColor(), 30 * MICRO);
        other.pin();
        Team.cost(color, 30 * MICRO);
        team.as(0, () -> {
            team.busy(other, 30 * MICRO).post();
            team.busy(color, 30 * MICRO).post();
        });
        team.step(0); // runs the other and offers the colour
        assertTrue(team.board.isOffering(0));
        team.step(thief);
        assertFalse(team.board.isOffering(0));
    }

    @Test void aColorThatIsStolenAgainAndAgainMovesWithItsResidents() {
        Mover a = new Mover("a").enter();
        Mover b = new Mover("b").enter();
        stealOften(3);
        assertSame(team.vcore(0), color.home());
        assertTrue(color.isIdle());
        assertEquals(List.of(), log);
        stealOften(1);
        assertFalse(color.isIdle(), "on its way home, to leave from there");
        team.step(0);
        assertEquals(List.of("b departs", "a departs"), log);
        assertSame(team.vcore(1), color.home());
        assertNull(a.at);
        team.step(1);
        assertEquals(List.of("b departs", "a departs", "b arrives", "a arrives"), log);
        assertSame(team.vcore(1), a.at);
        assertSame(team.vcore(1), b.at);
        assertTrue(color.isIdle());
        assertEquals(1, team.vcore(1).stats().moves());
        note("from outside").post();
        team.settle();
        assertEquals("from outside@1", log.getLast());
    }

    @Test void whatHasBeenAskedForLatelyAloneMovesNothing() {
        Color asking = team.vcore(0).newColor();
        for (long until = LoadMeter.LEAST_LASTING_NANOS - 4 * MILLI, from = team.clock.nanoTime(); team.clock.nanoTime() - from < until; ) {
            team.as(0, team.busy(asking, MILLI)::post);
            team.step(0);
        }
        assertTrue(team.board.demand(0) > 900, () -> "lately: " + team.board.demand(0));
        assertEquals(0, team.board.lastingDemand(0), "too short to be known");
        for (int i = 0; i < 10; i++) {
            team.as(0, team.busy(asking, MILLI)::post);
            team.step(0);
        }
        assertTrue(team.board.lastingDemand(0) > 900, () -> "for long: " + team.board.lastingDemand(0));
    }

    @Test void whatIsPostedDuringTheMoveRunsAfterItInOrder() {
        Mover slow = new Mover("m").enter();
        slow.slow = true;
        stealOften(4);
        note("a").post();
        team.step(0);
        assertEquals(List.of("m departs"), log);
        team.as(2, note("b")::post);
        team.as(0, note("c")::post);
        for (int i = 0; i < 3; i++) team.step(i);
        assertEquals(List.of("m departs"), log, "nothing runs while it is under way");
        team.as(0, slow::finish);
        note("d").post();
        team.step(0);
        assertEquals(List.of("m departs"), log);
        for (int i = 0; i < 4; i++) team.step(1);
        assertEquals(List.of("m departs", "m arrives", "a@1", "b@1", "c@1", "d@1"), log);
    }

    @Test void allResidentsHaveToHaveLeft() {
        Mover a = new Mover("a").enter();
        Mover b = new Mover("b").enter();
        Mover c = new Mover("c").enter();
        a.slow = c.slow = true;
        stealOften(4);
        team.step(0);
        team.as(0, c::finish);
        team.step(1);
        assertEquals(List.of("c departs", "b departs", "a departs"), log);
        assertNull(b.at);
        team.as(0, a::finish);
        team.step(1);
        assertEquals(List.of("c arrives", "b arrives", "a arrives"), log.subList(3, 6));
    }

    @Test void whatArrivesMaySignalAndRunsThere() {
        new Mover("m").enter().postsOnArrival = true;
        stealOften(4);
        note("before").post();
        team.step(0);
        for (int i = 0; i < 2; i++) team.step(1);
        assertEquals(List.of("m departs", "m arrives", "before@1", "m runs@1"), log);
    }

    @Test void oneResidentThatCannotMoveKeepsAllAndTheColorIsRunAtHome() {
        new Mover("a").enter();
        new Mover("b").enter().movable = false;
        stealOften(4);
        note("task").post();
        team.step(0);
        team.settle();
        assertEquals(List.of("task@0"), log);
        assertSame(team.vcore(0), color.home());
        assertTrue(color.isIdle());
        assertTrue(color.mayRoam());
    }

    @Test void aResidentThatEndedDoesNotMove() {
        Mover a = new Mover("a").enter();
        new Mover("b").enter();
        Mover c = new Mover("c").enter();
        team.as(0, () -> {
            a.end();
            c.end();
        });
        assertEquals(1, color.residentCount);
        stealOften(4);
        team.step(0);
        team.step(1);
        assertEquals(List.of("b departs", "b arrives"), log);
    }

    @Test void residentsComeAndGoInAnyOrder() {
        List<Mover> movers = new ArrayList<>();
        for (int i = 0; i < 4; i++) movers.add(new Mover("m" + i).enter());
        movers.get(1).enter(); // again: changes nothing
        assertEquals(4, color.residentCount);
        for (int i : new int[] {2, 3, 0}) {
            movers.get(i).end();
            movers.get(i).end();
            int n = 0;
            for (Resident r = color.residents; r != null; r = r.nextResident) {
                n++;
                assertTrue(r.nextResident == null || r.nextResident.previousResident == r);
            }
            assertEquals(color.residentCount, n);
        }
        assertSame(movers.get(1), color.residents);
        movers.get(1).end();
        assertNull(color.residents);
        assertTrue(color.floats());
    }

    @Test void aColorDoesNotMoveToAVcoreThatIsAsBusy() {
        new Mover("m").enter();
        demand(1, 0);
        stealOften(3);
        demand(0, 10);
        stealOnce(1);
        team.step(0);
        assertEquals(List.of(), log);
        assertSame(team.vcore(0), color.home());
        demand(0, 1024);
        stealOnce(1);
        team.step(0);
        assertEquals(List.of("m departs"), log);
    }

    @Test void aColorThatSeveralVcoresStealInTurnMovesToOneOfThem() {
        new Mover("m").enter();
        stealOften(0);
        team.vcore(2).setTurnLimit(1);
        for (int i = 0; i < 3; i++) stealOnce(1 + i % 2);
        assertEquals(List.of(), log);
        stealOnce(2);
        team.settle();
        assertEquals(List.of("m departs", "m arrives"), log);
        assertSame(team.vcore(2), color.home());
    }

    @Test void turnsAtHomeAreCountedAgainstAMove() {
        new Mover("m").enter();
        for (int i = 0; i < 10; i++) {
            stealOften(1);
            team.as(0, note("home")::post);
            team.step(0);
        }
        team.settle();
        assertSame(team.vcore(0), color.home());
        assertEquals(0, team.vcore(1).stats().moves());
    }

    @Test void aColorThatHasMovedStaysForAWhile() {
        new Mover("m").enter();
        stealOften(4);
        team.step(0);
        team.step(1);
        assertSame(team.vcore(1), color.home());
        assertFalse(movesBySteals(1, 2));
        assertTrue(color.isIdle());
        team.clock.advance(20 * MILLI);
        assertTrue(movesBySteals(1, 2));
    }

    @Test void whoMovesAgainSoonStaysTwiceAsLongUntilItHasStayedLong() {
        new Mover("m").enter();
        stealOften(4);
        team.settle();
        assertSame(team.vcore(1), color.home());
        team.clock.advance(20 * MILLI);
        assertTrue(movesBySteals(1, 2));
        team.clock.advance(20 * MILLI);
        assertFalse(movesBySteals(2, 1), "20 ms were enough the last time");
        team.clock.advance(20 * MILLI);
        assertTrue(movesBySteals(2, 1));
        team.clock.advance(40 * MILLI);
        assertFalse(movesBySteals(1, 2), "and 40 ms this time");
        team.clock.advance(16 * 80 * MILLI);
        assertTrue(movesBySteals(1, 2));
        team.clock.advance(20 * MILLI);
        assertTrue(movesBySteals(2, 1));
    }

    @Test void aColorDoesNotMoveBecauseOfWhatIsAskedForAtTheMoment() {
        new Mover("m").enter();
        stealOften(3);
        team.board.lastingDemand(0, 10);
        stealOnce(1);
        stealOnce(1);
        team.settle();
        assertSame(team.vcore(0), color.home());
        demand(0, 1024);
        stealOnce(1);
        team.settle();
        assertSame(team.vcore(1), color.home());
    }

    @Test void aColorThatWouldMakeTheOtherVcoreTheBusierOneStays() {
        new Mover("m").enter();
        color.interval = 60 * MICRO; // at 30 of them, half of a vcore's time
        assertFalse(movesBySteals(0, 1, 550), "then the other one has half of a vcore's time to do, and this one next to nothing");
        color.interval = 60 * MICRO;
        assertTrue(movesBySteals(0, 1, 1024), "then both have half");
    }

    @Test void noMoreMoveThanThereIsABudgetFor() {
        new Mover("m").enter();
        while (team.board.moves().tryTake(team.clock.nanoTime())) { }
        assertFalse(movesBySteals(0, 1));
        team.clock.advance(1_000 * MILLI / MoveBudget.LEAST_RATE);
        assertTrue(movesBySteals(0, 1));
    }

    /** Has a vcore steal the colour from another, its home, which is busier, a number of times. Returns whether it has moved there. */
    private boolean movesBySteals(int owner, int thief) { return movesBySteals(owner, thief, 1024); }

    private boolean movesBySteals(int owner, int thief, int demand) {
        assertSame(team.vcore(owner), color.home());
        team.vcore(owner).setTurnLimit(1);
        team.vcore(thief).setTurnLimit(1);
        for (int i = 0; i < 6 && team.vcore(owner) == color.home(); i++) {
            for (int p = 0; p < team.board.size(); p++) demand(p, p == owner ? demand : 0); // whatever was measured when the clock was moved on
            stealFrom(owner, thief);
        }
        return team.vcore(thief) == color.home();
    }

    private void stealFrom(int owner, int thief) {
        Color other = Team.cost(team.vcore(owner).newColor(), 30 * MICRO).pin();
        Team.cost(color, 30 * MICRO);
        team.as(owner, () -> {
            team.busy(other, 30 * MICRO).post();
            team.busy(color, 30 * MICRO).post();
        });
        team.step(owner);
        team.step(thief);
        for (int i = 0; i < 3 && !color.isIdle(); i++) {
            team.step(owner);
            team.step(thief);
        }
    }

    @Test void withoutMigrationNothingMoves() {
        var still = new Team(2, Balance.STEAL);
        Color c = still.vcore(0).newColor();
        still.as(0, () -> new StealingTest.Guest(c).enter());
        still.board.demand(0, 1024);
        still.board.lastingDemand(0, 1024);
        still.vcore(0).setTurnLimit(1);
        still.vcore(1).setTurnLimit(1);
        for (int i = 0; i < 10; i++) {
            still.as(0, () -> {
                still.busy(Team.cost(still.vcore(0).newColor(), 30 * MICRO).pin(), 30 * MICRO).post();
                still.busy(Team.cost(c, 30 * MICRO), 30 * MICRO).post();
            });
            still.step(0);
            still.step(1);
        }
        assertTrue(still.vcore(1).stats().stolen() >= 10);
        assertSame(still.vcore(0), c.home());
        still.close();
    }

    @Test void aPinnedColorDoesNotMove() {
        new Mover("m").enter();
        stealOften(3);
        team.as(0, () -> {
            team.busy(Team.cost(team.vcore(0).newColor(), 30 * MICRO).pin(), 30 * MICRO).post();
            Team.task(Team.cost(color, 30 * MICRO), () -> { }).post();
        });
        team.step(0);
        color.pin(); // late, to get to the look before the move
        team.step(1);
        team.settle();
        assertSame(team.vcore(0), color.home());
        assertEquals(List.of(), log);
    }

    // ---- the end

    @Test void whatWasToMoveStaysWhenTheRuntimeEnds() {
        new Mover("m").enter();
        stealOften(4);
        note("task").post();
        team.board.close();
        team.step(0);
        assertEquals(List.of("task@0"), log);
        assertSame(team.vcore(0), color.home());
        team.as(1);
        assertEquals(0, team.vcore(1).shutDown(0));
    }

    @Test void aVcoreThatEndsWaitsForWhatIsMovingToIt() {
        Mover slow = new Mover("m").enter();
        slow.slow = true;
        stealOften(4);
        note("task").post();
        team.step(0);
        int[] turns = new int[1];
        team.queues[1].onHarvest = () -> {
            if (++turns[0] == 50) team.as(0, slow::finish);
            team.as(1);
        };
        team.as(1);
        assertEquals(0, team.vcore(1).shutDown(1_000 * MILLI));
        assertTrue(turns[0] >= 50, "after " + turns[0] + " turns");
        assertEquals(List.of("m departs", "m arrives", "task@1"), log);
        assertNotSame(team.vcore(0), color.home());
    }

    @Test void aVcoreThatEndsDoesNotWaitForEver() {
        Mover slow = new Mover("m").enter();
        slow.slow = true;
        stealOften(4);
        team.step(0);
        team.queues[1].onHarvest = () -> team.clock.advance(MILLI);
        team.as(1);
        long start = team.clock.nanoTime();
        team.vcore(1).shutDown(100 * MILLI);
        assertTrue(team.clock.nanoTime() - start < 200L * MILLI);
    }
}
