package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What idle vcores do about one that does not come back to its event queue. */
class HelpingTest {
    private static final long MICRO = 1_000, MILLI = 1_000_000;

    private final Team team = new Team(3, Balance.MIGRATE);
    private final List<String> log = new ArrayList<>();
    private Color color;
    private int helps;

    @BeforeEach void setUp() {
        for (Team.QuietQueue queue : team.queues) queue.onHelp = () -> 0;
        color = team.vcore(0).newColor();
        team.as(0, () -> new StealingTest.Guest(color).enter());
        team.clock.advance(MILLI);
        team.step(0);
    }

    @AfterEach void tearDown() {
        team.close();
        assertEquals(List.of(), team.failures);
    }

    private Task note(String name) { return Team.task(color, () -> log.add(name + "@" + Team.here())); }

    /** What vcore 0 has not taken. */
    private void pending(Task task) {
        team.queues[0].onHelp = () -> {
            helps++;
            task.post();
            team.queues[0].onHelp = () -> 0;
            return 1;
        };
    }

    @Test void whoIsIdleTakesAndRunsTheEventsOfOneThatIsOverdue() {
        pending(note("a"));
        team.clock.advance(100 * MICRO);
        team.step(1);
        assertEquals(List.of("a@1"), log);
        assertEquals(1, color.turnsAway);
        assertEquals(1, team.vcore(1).stats().steals());
        assertEquals(1, team.vcore(1).stats().stolen());
    }

    @Test void whoComesBackInTimeIsLeftAlone() {
        pending(note("a"));
        team.clock.advance(50 * MICRO);
        team.step(1);
        assertEquals(0, helps);
    }

    @Test void whoHasWorkOfItsOwnDoesNotHelp() {
        pending(note("a"));
        team.clock.advance(100 * MICRO);
        team.as(1, () -> Team.task(team.vcore(1).newColor(), () -> log.add("own")).post());
        team.step(1);
        assertEquals(List.of("own"), log);
        assertEquals(0, helps);
    }

    @Test void whatMustRunAtHomeWaitsThere() {
        color.pin();
        pending(note("a"));
        team.clock.advance(100 * MICRO);
        team.step(1);
        assertEquals(List.of(), log);
        team.step(0);
        assertEquals(List.of("a@0"), log);
    }

    @Test void whatWasLaidOutIsTakenBeforeTheKernelIsAsked() {
        pending(note("kernel"));
        Color light = Team.cost(team.vcore(0).newColor(), 5_000);
        Color surprise = Team.cost(team.vcore(0).newColor(), 4_000);
        team.queues[1].onWait = () -> team.as(0, () -> {
            Team.task(surprise, () -> {
                Team.task(surprise, () -> { }).post();
                team.clock.advance(100 * MICRO);
                team.as(2, () -> assertTrue(team.vcore(2).runOnce(false) > 0));
            }).post();
            Team.task(light, () -> log.add("light@" + Team.here())).post();
            team.vcore(0).setTurnLimit(1);
            team.vcore(0).runOnce(false); // vcore 1 is idle: what waits is laid out, and too little to be announced
        });
        team.step(1);
        assertEquals(List.of("light@2"), log);
        assertEquals(0, helps);
    }

    @Test void oneIdleVcoreComesBackEverLaterToSeeAboutThoseThatAreBusy() {
        var timeouts = new ArrayList<Long>();
        team.queues[1].onWait = () -> {
            timeouts.add(team.queues[1].timeout / MILLI);
            team.step(2);
            timeouts.add(team.queues[2].timeout);
        };
        team.clock.advance(MICRO);
        for (int i = 0; i < 8; i++) team.step(1);
        long forever = Long.MAX_VALUE;
        assertEquals(List.of(1L, forever, 2L, forever, 4L, forever, 8L, forever, 16L, forever, 32L, forever, 64L, forever, 64L, forever), timeouts);
    }

    @Test void whoIsIdleOrParkedIsNotOverdue() {
        team.step(2);
        team.clock.advance(MILLI);
        long now = team.clock.nanoTime();
        team.queues[0].onWait = () -> {
            assertEquals(2, team.board.nearestOverdue(1, now));
            team.queues[2].onWait = () -> assertEquals(-1, team.board.nearestOverdue(1, now));
            team.step(2);
        };
        team.step(0);
        assertEquals(0, team.board.nearestOverdue(2, now + 1));
        assertEquals(-1, team.board.nearestOverdue(2, now), "it has just come back");
        team.vcore(0).park();
        assertEquals(-1, team.board.nearestOverdue(2, now + 1), "vcore 1 has not begun");
    }

    @Test void whereOnlyTheOwnerCanHarvestNobodyTries() {
        for (Team.QuietQueue queue : team.queues) queue.onHelp = null; // would throw
        team.clock.advance(100 * MICRO);
        team.step(1);
        assertEquals(Long.MAX_VALUE, team.queues[1].timeout);
    }
}
