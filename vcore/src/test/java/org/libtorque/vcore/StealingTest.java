package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.libtorque.hardware.Topology;

/** Work that moves between vcores: offered and stolen, given away, sent home. Stepped by hand. */
class StealingTest {
    private static final int MICRO = 1_000;
    private static final int MILLI = 1_000_000;

    private Team team = new Team(3, Balance.STEAL);
    /** Who ran what, as {@code name@vcore}. */
    private final List<String> ran = new ArrayList<>();

    @AfterEach void end() {
        team.close();
        assertEquals(List.of(), team.failures);
    }

    private Task note(Color color, String name) { return Team.task(color, () -> ran.add(name + "@" + Team.here())); }

    private Task note(Color color, String name, long nanos) {
        return Team.task(color, () -> {
            ran.add(name + "@" + Team.here());
            team.clock.advance(nanos);
        });
    }

    /** Colours of a vcore that have a task each which takes 30 µs, as is known of them. */
    private List<Color> waiting(int vcore, int count) {
        List<Color> colors = new ArrayList<>();
        team.as(vcore, () -> {
            for (int i = 0; i < count; i++) {
                Color color = Team.cost(team.vcore(vcore).newColor(), 30 * MICRO);
                colors.add(color);
                note(color, "c" + i, 30 * MICRO).post();
            }
        });
        return colors;
    }

    /** While {@code idler} waits for events, something happens. */
    private void whileIdle(int idler, Runnable body) {
        boolean[] waited = new boolean[1];
        team.queues[idler].onWait = () -> {
            team.queues[idler].onWait = () -> { };
            waited[0] = true;
            assertTrue(team.board.isIdle(idler));
            body.run();
            team.as(idler);
        };
        team.step(idler);
        assertTrue(waited[0], "it found something to do");
        assertFalse(team.board.isIdle(idler));
    }

    // ---- stealing

    @Test void anIdleVcoreIsWokenForWorkThatWaitsAndTakesIt() {
        waiting(0, 8);
        team.vcore(0).setTurnLimit(1);
        whileIdle(1, () -> {
            assertEquals(0, team.queues[1].wakes.get());
            team.step(0);
            assertEquals(1, team.queues[1].wakes.get());
            assertFalse(team.board.isIdle(1), "nobody else need wake it");
        });
        assertEquals(List.of("c0@0"), ran);
        team.step(1);
        assertEquals(0, team.queues[1].timeout);
        assertEquals("c1@1", ran.get(1));
        team.settle();
        assertEquals(8, ran.size());
        assertEquals(1, team.vcore(0).stats().wakes());
        assertTrue(team.vcore(1).stats().steals() >= 1 && team.vcore(1).stats().stolen() >= 2, team.vcore(1).stats().toString());
    }

    @Test void nobodyIsWokenForLittleWork() {
        team.as(0, () -> {
            for (int i = 0; i < 4; i++) note(Team.cost(team.vcore(0).newColor(), MICRO), "c" + i).post();
        });
        whileIdle(1, () -> {
            team.step(0);
            assertEquals(0, team.queues[1].wakes.get());
        });
        assertEquals(List.of("c0@0", "c1@0", "c2@0", "c3@0"), ran);
    }

    @Test void longColoursFollowEachOtherAsFarAsTheyFitIntoATurnOfTheLoop() {
        waiting(0, 8);
        team.step(0);
        assertEquals(List.of("c0@0", "c1@0", "c2@0"), ran, "90 of 100 µs");
        team.step(0);
        assertEquals(6, ran.size());
    }

    @Test void theKernelIsAskedBeforeALongColourThatWouldNotBeDoneInTime() {
        team.as(0, () -> {
            note(Team.cost(team.vcore(0).newColor(), 10 * MICRO), "short", 10 * MICRO).post();
            note(Team.cost(team.vcore(0).newColor(), 95 * MICRO), "long", 95 * MICRO).post();
        });
        team.step(0);
        assertEquals(List.of("short@0"), ran);
        team.step(0);
        assertEquals(List.of("short@0", "long@0"), ran);
    }

    @Test void whatWaitsIsOfferedBeforeALongTurnAlsoIfNobodyIsIdle() {
        Color heavy = Team.cost(team.vcore(0).newColor(), 30 * MICRO);
        team.as(0, () -> Team.task(heavy, () -> {
            assertTrue(team.board.nobodyIdle());
            assertTrue(team.board.isOffering(0));
            for (int i = 0; i < 3; i++) team.step(1);
            team.as(0);
        }).post());
        waiting(0, 3);
        team.step(0);
        assertEquals(List.of("c0@1", "c1@1", "c2@1"), ran);
    }

    @Test void beforeALongTurnAsMuchIsOfferedAsOthersCanDoMeanwhile() {
        Color heavy = Team.cost(team.vcore(0).newColor(), 25 * MILLI);
        heavy.shares(Color.MAX_SHARES); // first
        team.as(0, () -> Team.task(heavy, () -> {
            while (team.step(1) > 0) { }
            team.as(0);
        }).post());
        team.as(0, () -> {
            for (int i = 0; i < 500; i++) note(Team.cost(team.vcore(0).newColor(), 500 * MICRO), "c", 30 * MICRO).post();
        });
        team.step(0);
        assertEquals(500, ran.size(), "done while the long turn was under way");
        assertEquals(500, team.vcore(1).stats().tasks());
    }

    @Test void whatALongTurnPostsIsOfferedAlsoIfNobodyIsIdleYet() {
        Color heavy = Team.cost(team.vcore(0).newColor(), MILLI);
        team.as(0, () -> Team.task(heavy, () -> {
            assertTrue(team.board.nobodyIdle());
            note(Team.cost(team.vcore(0).newColor(), MICRO), "posted").post();
            team.step(1); // comes later
            team.as(0);
        }).post());
        team.step(0);
        assertEquals(List.of("posted@1"), ran);
    }

    @Test void theOwnerTakesBackWhatNobodyTook() {
        waiting(0, 5);
        team.vcore(0).setTurnLimit(1);
        team.step(0);
        assertTrue(team.board.isOffering(0));
        for (int i = 0; i < 4; i++) team.step(0);
        assertEquals(List.of("c0@0", "c1@0", "c2@0", "c3@0", "c4@0"), ran);
        assertFalse(team.board.isOffering(0));
        team.step(0);
        assertEquals(Long.MAX_VALUE, team.queues[0].timeout);
    }

    @Test void aVcoreDoesNotSleepWhileOthersOffer() {
        waiting(0, 3);
        team.vcore(0).setTurnLimit(1);
        team.step(0);
        team.queues[1].onWait = () -> { throw new AssertionError("slept"); };
        team.step(1);
        team.step(1);
        assertEquals(3, ran.size());
    }

    @Test void aColorWithoutResidentsHasItsHomeWhereItWasStolen() {
        List<Color> colors = waiting(0, 2);
        team.vcore(0).setTurnLimit(1);
        team.step(0);
        team.step(1);
        assertEquals(List.of("c0@0", "c1@1"), ran);
        assertSame(team.vcore(0), colors.get(0).home());
        assertSame(team.vcore(1), colors.get(1).home());
        note(colors.get(1), "again").post();
        team.settle();
        assertEquals("again@1", ran.getLast());
    }

    @Test void aColorWithResidentsIsRunElsewhereAndKeepsItsHome() {
        List<Color> colors = waiting(0, 2);
        Color color = colors.get(1);
        team.as(0, () -> new Guest(color).enter());
        team.vcore(0).setTurnLimit(1);
        team.step(0);
        Task second = Team.task(color, () -> {
            ran.add("second@" + Team.here());
            note(color, "third").post();
        });
        team.as(2, second::post); // held by vcore 0's offers
        for (int i = 0; i < 3; i++) team.step(1); // one long turn in each of the loop's
        assertEquals(List.of("c0@0", "c1@1", "second@1", "third@1"), ran);
        assertSame(team.vcore(0), color.home());
        assertTrue(color.isIdle());
        team.as(2, note(color, "later")::post);
        team.settle();
        assertEquals("later@0", ran.getLast());
    }

    @Test void aPinnedColorIsNotStolen() {
        List<Color> colors = waiting(0, 4);
        colors.forEach(Color::pin);
        team.vcore(0).setTurnLimit(1);
        for (int i = 0; i < 4; i++) {
            team.step(0);
            assertFalse(team.board.isOffering(0));
            assertEquals(0, team.step(1));
        }
        assertEquals(List.of("c0@0", "c1@0", "c2@0", "c3@0"), ran);
    }

    @Test void whoFindsOneSearchingSleepsAndIsWokenByHimIfThereIsMore() {
        waiting(0, 16);
        team.vcore(0).setTurnLimit(1);
        team.step(0);
        assertTrue(team.board.beginSearch(1), "vcore 1 searches");
        whileIdle(2, () -> {
            assertTrue(team.queues[2].timeout >= MILLI, "it does not spin meanwhile");
            team.board.endSearch(1);
            team.vcore(1).setTurnLimit(1);
            team.step(1);
            assertEquals(1, team.queues[2].wakes.get());
        });
        team.step(2);
        assertEquals(1, team.vcore(2).stats().steals());
    }

    /** The other offer came while vcore 1 searched; whoever offers has looked for somebody idle and seen nobody. */
    @Test void aThiefWakesAnotherAlsoForOffersOfOthersThanItsVictim() {
        team.close();
        team = new Team(4, Balance.STEAL);
        waiting(3, 3);
        team.vcore(3).setTurnLimit(1);
        team.step(3);
        team.as(0, () -> {
            Color only = Team.cost(team.vcore(0).newColor(), 30 * MICRO);
            note(only, "only").post();
            note(Team.cost(team.vcore(0).newColor(), 30 * MICRO), "first").post();
        });
        team.vcore(0).setTurnLimit(1);
        team.step(0);
        assertTrue(team.board.isOffering(0) && team.board.isOffering(3));
        team.board.beginSearch(1);
        whileIdle(2, () -> {
            team.board.endSearch(1);
            team.board.clearOffering(3); // so that vcore 1 goes to vcore 0, which has one
            team.vcore(1).setTurnLimit(1);
            team.queues[1].onHarvest = () -> { };
            team.board.setOffering(3);
            team.step(1);
            assertEquals(1, team.queues[2].wakes.get());
        });
    }

    @Test void theNearestIsRobbedFirst() {
        team.close();
        team = new Team(Scoreboard.of(new int[] {0, 1, 2, 3, 4, 5, 6, 7}, Topology.of("node:2 core:2 hart:2").universe()), Balance.STEAL);
        for (int who : new int[] {6, 3, 1}) { // other node, other core, other hart
            waiting(who, 2);
            team.vcore(who).setTurnLimit(1);
            team.step(who);
        }
        ran.clear();
        List<Integer> victims = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            boolean[] before = new boolean[8];
            for (int p = 0; p < 8; p++) before[p] = team.board.isOffering(p);
            team.step(0);
            for (int p = 0; p < 8; p++) if (before[p] && !team.board.isOffering(p)) victims.add(p);
        }
        assertEquals(List.of(1, 3, 6), victims);
    }

    @Test void whenTheBoardIsClosedNobodyStealsOrOffers() {
        waiting(0, 4);
        team.vcore(0).setTurnLimit(1);
        team.step(0);
        team.board.close();
        assertEquals(0, team.step(1));
        for (int i = 0; i < 3; i++) team.step(0);
        assertEquals(List.of("c0@0", "c1@0", "c2@0", "c3@0"), ran);
    }

    @Test void withoutStealingEverythingRunsAtHomeInTheOrderOfComing() {
        team.close();
        team = new Team(2, Balance.STATIC);
        List<Color> colors = waiting(0, 3);
        colors.get(0).cost = 5 * MILLI;
        team.as(1, () -> {
            Color color = team.vcore(0).newColor();
            note(color, "from 1").post();
        });
        team.vcore(0).setTurnLimit(1);
        for (int i = 0; i < 5; i++) {
            team.step(0);
            team.step(1);
            assertFalse(team.board.isOffering(0));
            assertTrue(team.board.nobodyIdle());
        }
        assertEquals(List.of("c0@0", "c1@0", "c2@0", "from 1@0"), ran);
    }

    // ---- where posts go

    @Test void workForAnIdleColorWithoutResidentsRunsWhereItIsMade() {
        Color color = team.vcore(0).newColor();
        team.as(1, note(color, "a")::post);
        assertEquals(0, team.step(0));
        team.step(1);
        assertEquals(List.of("a@1"), ran);
        assertSame(team.vcore(1), color.home());
        note(color, "from outside").post();
        team.settle();
        assertEquals("from outside@1", ran.getLast());
    }

    @Test void workForAColorWithResidentsOrAHomeTaskOrAPinRunsAtHome() {
        Color resident = team.vcore(0).newColor();
        team.as(0, () -> new Guest(resident).enter());
        Color pinned = team.vcore(0).newColor().pin();
        Color other = team.vcore(0).newColor();
        team.as(1, () -> {
            note(resident, "resident").post();
            note(pinned, "pinned").post();
            Team.homeTask(other, () -> ran.add("home@" + Team.here())).post();
        });
        assertEquals(0, team.step(1));
        team.step(0);
        assertEquals(List.of("resident@0", "pinned@0", "home@0"), ran);
    }

    @Test void aColorThatIsElsewhereGoesHomeWhenATaskMustBeThereAndKeepsItsOrder() {
        List<Color> colors = waiting(0, 2);
        Color color = colors.get(1);
        team.as(0, () -> {
            new Guest(color).enter();
            note(color, "second").post();
            Team.homeTask(color, () -> ran.add("home@" + Team.here())).post();
            note(color, "last").post();
        });
        team.vcore(0).setTurnLimit(1);
        team.step(0);
        for (int i = 0; i < 3; i++) team.step(1); // one long turn in each of the loop's
        assertEquals(List.of("c0@0", "c1@1", "second@1"), ran);
        assertFalse(color.isIdle());
        assertFalse(color.mayRoam(), "on its way home");
        for (int i = 0; i < 3; i++) team.step(0);
        assertEquals(List.of("c0@0", "c1@1", "second@1", "home@0", "last@0"), ran);
        assertTrue(color.isIdle());
    }

    // ---- what runs next

    @Test void whatATaskMadeRunnableLastRunsNext() {
        waiting(0, 2);
        Color maker = Team.cost(team.vcore(0).newColor(), MICRO);
        team.as(0, () -> Team.task(maker, () -> {
            ran.add("maker");
            note(team.vcore(0).newColor(), "x").post();
            note(team.vcore(0).newColor(), "y").post();
        }).post());
        team.settle();
        assertEquals(List.of("maker", "y@0", "x@0", "c0@0", "c1@0"), ran);
    }

    @Test void aChainOfPostsDoesNotKeepOthersWaiting() {
        int[] links = new int[1];
        int[] at = new int[1];
        var chain = new Runnable() {
            @Override public void run() {
                team.clock.advance(2 * MICRO);
                if (++links[0] < 2_000) Team.task(team.vcore(0).newColor(), this).post();
            }
        };
        team.as(0, () -> {
            Team.task(team.vcore(0).newColor(), chain).post();
            Team.task(team.vcore(0).newColor(), () -> at[0] = links[0]).post();
        });
        team.settle();
        assertEquals(2_000, links[0]);
        assertTrue(at[0] > 0 && at[0] <= 8, "the other ran after " + at[0] + " links");
    }

    /** Runs a colour for a millisecond while another waits: it is ahead of the clock by most of that. */
    private Color inDebt() {
        Color heavy = Team.cost(team.vcore(0).newColor(), MILLI), light = Team.cost(team.vcore(0).newColor(), 10 * MICRO);
        team.as(0, () -> new Guest(heavy).enter()); // so that it stays
        team.vcore(0).setTurnLimit(1);
        team.as(0, () -> {
            Team.task(heavy, () -> {
                team.busy(light, 10 * MICRO).post();
                team.clock.advance(MILLI);
            }).post();
        });
        while (team.step(0, false) > 0) { }
        assertTrue(heavy.debt > MILLI / 2, () -> "debt " + heavy.debt);
        return heavy;
    }

    /** What the colour has in front of it when it gets something to do. */
    private long debtWhenPostedTo(Color color, int vcore) {
        team.as(vcore, () -> Team.task(color, () -> { }).post());
        return color.debt;
    }

    @Test void whoHasUsedMuchWaitsForItAlsoElsewhere() {
        Color heavy = inDebt();
        long debt = heavy.debt;
        heavy.residents = null;
        heavy.residentCount = 0;
        assertEquals(debt, debtWhenPostedTo(heavy, 1));
        assertSame(team.vcore(1), heavy.home());
    }

    @Test void timeWithNothingToDoForgivesElsewhereToo() {
        Color heavy = inDebt();
        long debt = heavy.debt;
        heavy.residents = null;
        heavy.residentCount = 0;
        team.clock.advance(300 * MICRO);
        team.step(1, false);
        assertEquals(debt - 300 * MICRO, debtWhenPostedTo(heavy, 1), 20 * MICRO);
    }

    @Test void aVcoreWithNothingToDoForgives() {
        Color heavy = inDebt();
        team.queues[0].onWait = () -> team.clock.advance(300 * MICRO);
        long debt = heavy.debt;
        team.step(0);
        assertEquals(debt - 300 * MICRO, debtWhenPostedTo(heavy, 0), 20 * MICRO);
        team.settle();
        team.queues[0].onWait = () -> team.clock.advance(2 * MILLI);
        team.step(0);
        assertEquals(0, debtWhenPostedTo(heavy, 0));
    }

    @Test void aColorIsRunForAQuantumAndThenOthersHaveTheirTurn() {
        Color busy = Team.cost(team.vcore(0).newColor(), 2 * MICRO);
        Color light = Team.cost(team.vcore(0).newColor(), 2 * MICRO);
        team.as(0, () -> {
            for (int i = 0; i < 50; i++) note(busy, "busy", 2 * MICRO).post();
            note(light, "light").post();
        });
        team.settle();
        assertEquals(Vcore.QUANTUM, ran.indexOf("light@0"));
        assertEquals(51, ran.size());
    }

    @Test void longTasksOfAColorAreRunOneByOneHoweverLongTheyAre() {
        for (int cost : new int[] {60 * MICRO, 10 * MILLI, 134_217_728, 1_500_000_000, Integer.MAX_VALUE}) {
            ran.clear();
            Color heavy = Team.cost(team.vcore(0).newColor(), cost);
            Color light = Team.cost(team.vcore(0).newColor(), 2 * MICRO);
            heavy.cost = 1; // first
            team.as(0, () -> {
                for (int i = 0; i < 3; i++) note(heavy, "heavy", cost).post();
                note(light, "light").post();
            });
            team.settle();
            assertEquals(1, ran.indexOf("light@0"), "cost " + cost + ": " + ran);
        }
    }

    @Test void theExpectedCostOfTasksThatTakeSecondsStaysANumberThatMeansMuch() {
        Color heavy = team.vcore(0).newColor();
        for (int i = 0; i < 60; i++) {
            note(heavy, "h", 10_000_000_000L).post();
            team.settle();
            assertTrue(heavy.cost >= Color.UNKNOWN_COST_NANOS && heavy.taskCost >= Color.UNKNOWN_COST_NANOS, "cost " + heavy.cost + " after " + i);
        }
        assertTrue(heavy.cost >= 1_000_000_000 && heavy.taskCost >= 1_000_000_000, "cost " + heavy.cost);
        for (int i = 0; i < 60; i++) {
            note(heavy, "h", MICRO).post();
            team.settle();
        }
        assertTrue(heavy.cost < 2 * MICRO, "and it comes down again: " + heavy.cost);
    }

    @Test void aTaskIsToldWhenItsTimeIsUp() {
        List<Boolean> said = new ArrayList<>();
        Team.task(team.vcore(0).newColor(), () -> {
            said.add(Vcore.current().shouldYield());
            team.clock.advance(49 * MICRO);
            said.add(Vcore.current().shouldYield());
            team.clock.advance(MICRO);
            said.add(Vcore.current().shouldYield());
        }).post();
        team.settle();
        assertEquals(List.of(false, false, true), said);
    }

    @Test void theRunningColorIsKnown() {
        Color color = team.vcore(0).newColor();
        Color[] seen = new Color[1];
        Team.task(color, () -> seen[0] = Vcore.currentColor()).post();
        team.settle();
        assertSame(color, seen[0]);
        assertNull(Vcore.currentColor());
    }

    // ---- giving

    /** A harvest of several events at vcore 0, which brings work; of two, since who is given to is not always one that is idle. */
    private void burst(List<Color> colors, int nanos) {
        team.queues[0].script.add(window -> {
            for (int i = 0; i < colors.size(); i++) note(Team.cost(colors.get(i), nanos), "b" + i, nanos).post();
            return colors.size();
        });
    }

    private List<Color> colorsOfTwo(int n) {
        team.close();
        team = new Team(2, Balance.STEAL);
        List<Color> colors = new ArrayList<>();
        for (int i = 0; i < n; i++) colors.add(team.vcore(0).newColor());
        return colors;
    }

    @Test void aBurstIsSharedWithAnIdleNeighbourUnasked() {
        List<Color> colors = colorsOfTwo(20);
        burst(colors, 15 * MICRO);
        team.vcore(0).setTurnLimit(1);
        whileIdle(1, () -> {
            team.step(0);
            assertEquals(1, team.queues[1].wakes.get());
        });
        assertEquals(10, team.vcore(0).stats().pushed());
        team.step(1);
        assertEquals(10, team.vcore(1).stats().posted());
        team.settle();
        assertEquals(20, ran.size());
        assertTrue(ran.stream().filter(s -> s.endsWith("@1")).count() >= 7, ran.toString());
    }

    @Test void aSmallBurstIsKept() {
        burst(colorsOfTwo(20), 2 * MICRO);
        team.vcore(0).setTurnLimit(1);
        whileIdle(1, () -> team.step(0));
        assertEquals(0, team.vcore(0).stats().pushed());
    }

    @Test void givingLeavesWhatMustStayWhereItIsInLine() {
        List<Color> colors = colorsOfTwo(20);
        for (Color c : colors) c.pin();
        burst(colors, 15 * MICRO);
        team.vcore(0).setTurnLimit(1);
        whileIdle(1, () -> {
            team.step(0);
            assertEquals(0, team.queues[1].wakes.get(), "nothing was given");
        });
        for (int round = 0; round < 5; round++) { // each time it looks whether it can give
            team.queues[0].script.add(window -> 2);
            whileIdle(1, () -> team.step(0));
        }
        for (Color c : colors.subList(6, 20)) {
            assertEquals(15 * MICRO, c.finish - c.start, "charged for one turn, the one to come");
            assertTrue(c.start <= 6 * 15 * MICRO, "not put off by being looked at: starts at " + c.start);
        }
        team.settle();
        for (int i = 0; i < 20; i++) assertTrue(ran.contains("b" + i + "@0"), ran.toString());
    }

    @Test void givingTakesFromWhatMayGoAlsoIfOthersMustStay() {
        List<Color> colors = colorsOfTwo(20);
        for (int i = 0; i < 20; i += 2) colors.get(i).pin();
        burst(colors, 15 * MICRO);
        team.vcore(0).setTurnLimit(1);
        whileIdle(1, () -> team.step(0));
        assertTrue(team.vcore(0).stats().pushed() >= 4, team.vcore(0).stats().toString());
        team.settle();
        for (int i = 0; i < 20; i += 2) assertTrue(ran.contains("b" + i + "@0"), ran.toString());
        assertEquals(20, ran.size());
    }

    // ---- the end

    @Test void whatAVcoreThatEndsHasStolenGoesHome() {
        List<Color> colors = waiting(0, 2);
        Color color = colors.get(1);
        int[] runs = new int[1];
        Task[] endless = new Task[1];
        endless[0] = Team.task(color, () -> {
            runs[0]++;
            team.clock.advance(MILLI);
            if (Team.here() == 1) endless[0].post();
        });
        team.as(0, () -> {
            new Guest(color).enter();
            endless[0].post();
        });
        team.vcore(0).setTurnLimit(1);
        team.step(0);
        team.step(1);
        team.step(1);
        assertTrue(runs[0] > 0);
        team.as(1);
        assertEquals(0, team.vcore(1).shutDown(1_000 * MILLI));
        assertFalse(color.isIdle());
        int before = runs[0];
        team.step(0);
        assertEquals(before + 1, runs[0], "it goes on at home");
        assertTrue(color.isIdle());
    }

    @Test void whatWasGivenToAVcoreThatEndsIsRun() {
        List<Color> colors = colorsOfTwo(20);
        burst(colors, 15 * MICRO);
        team.vcore(0).setTurnLimit(1);
        whileIdle(1, () -> team.step(0));
        assertEquals(10, team.vcore(0).stats().pushed());
        team.as(1);
        assertEquals(0, team.vcore(1).shutDown(1_000 * MILLI));
        assertEquals(11, ran.size());
        team.settle0();
        assertEquals(20, ran.size());
    }

    /** Something registered at the colour's home that stays there. */
    static class Guest extends Resident {
        Guest(Color color) { super(color); }

        void enter() { settle(); }

        void end() { unsettle(); }

        @Override protected void run() { }
    }
}
