package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
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
        team.clock.advance(45 * MICRO);
        team.step(1);
        assertEquals(0, helps);
    }

    /** Tells whether one of so many vcores is helped that has been away for so long. */
    private static boolean isHelped(int vcores, boolean shared, long nanos) {
        var all = new Team(vcores, Balance.MIGRATE);
        var looks = new boolean[1];
        for (Team.QuietQueue queue : all.queues) queue.onHelp = () -> 0;
        for (int i = 0; i < vcores; i++) all.step(i);
        if (shared) all.board.shares(vcores - 1, Scoreboard.SHARED_CPU, 1024 - Scoreboard.SHARED_CPU);
        all.clock.advance(MILLI);
        for (int i = 0; i < vcores; i++) all.as(i, () -> Team.task(Vcore.current().newColor(), () -> { }).post());
        for (int i = 0; i < vcores; i++) all.vcore(i).runOnce(false);
        all.queues[0].onHelp = () -> {
            looks[0] = true;
            return 0;
        };
        all.clock.advance(nanos);
        for (int i = 2; i < vcores; i++) all.vcore(i).runOnce(false); // they are not overdue themselves
        all.step(1);
        all.close();
        assertEquals(List.of(), all.failures);
        return looks[0];
    }

    @Test void withFewVcoresOneThatIsAwayIsOverdueSooner() {
        assertTrue(isHelped(2, false, 41 * MICRO));
        assertFalse(isHelped(2, false, 39 * MICRO));
        assertTrue(isHelped(4, false, 54 * MICRO));
        assertFalse(isHelped(4, false, 52 * MICRO));
        assertTrue(isHelped(8, false, 76 * MICRO));
        assertFalse(isHelped(8, false, 74 * MICRO));
    }

    @Test void butNotWhereCpusAreShared() {
        assertTrue(isHelped(2, true, 76 * MICRO));
        assertFalse(isHelped(2, true, 74 * MICRO));
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

    @Test void whoIsIdleOrParkedIsLeftAlone() {
        pending(note("a"));
        team.clock.advance(MILLI);
        team.queues[0].onWait = () -> team.step(1); // it comes back to its queue, and waits
        team.step(0);
        assertEquals(0, helps);
        team.vcore(0).park();
        team.clock.advance(MILLI);
        team.step(1);
        assertEquals(0, helps);
        assertEquals(List.of(), log);
    }

    /** Vcore 0 waits in the kernel while the time goes by and vcore 1 looks; {@code then} is what comes after. */
    private void asleep(Runnable then) {
        team.queues[0].onWait = () -> {
            team.clock.advance(MILLI);
            team.step(1);
            then.run();
        };
        team.step(0);
    }

    @Test void eventsOfOneThatIsIdleForSuspiciouslyLongAreTakenAndItIsTold() {
        pending(note("a"));
        asleep(() -> {
            assertEquals(List.of("a@1"), log);
            assertEquals(1, team.queues[0].wakes.get(), "should it be there, it comes back");
            pending(note("b")); // it does not: from now on it is overdue
            team.clock.advance(20 * MICRO);
            team.step(1);
            assertEquals(List.of("a@1", "b@1"), log);
        });
        assertEquals(2, helps);
    }

    @Test void oneThatIsIdleForLongAndHasNothingIsLookedAfterEverMoreSeldom() {
        team.queues[0].onHelp = () -> {
            helps++;
            return 0;
        };
        asleep(() -> {
            assertEquals(1, helps);
            for (int i = 0; i < 62; i++) { // from the 2nd to the 63rd millisecond
                team.clock.advance(MILLI);
                team.step(1);
            }
            assertEquals(6, helps, "after 1, 2, 4, 8, 16, 32 ms");
        });
        assertEquals(0, team.queues[0].wakes.get());
    }

    @Test void oneThatIsUsuallyIdleForAsLongIsNotSuspicious() {
        for (int i = 0; i < 40; i++) {
            team.queues[0].onWait = () -> team.clock.advance(MILLI);
            team.step(0);
        }
        pending(note("a"));
        asleep(() -> { });
        assertEquals(0, helps);
    }

    @Test void oneThatIsOverdueAndHasNothingIsNotAskedAgainAtOnce() {
        team.queues[0].onHelp = () -> {
            helps++;
            return 0;
        };
        team.clock.advance(100 * MICRO);
        team.step(1);
        team.step(2);
        assertEquals(1, helps);
        team.clock.advance(10 * MICRO);
        team.step(2);
        assertEquals(2, helps);
    }

    @Test void whoFindsNothingAtOneThatIsOverdueLooksAtTheNext() {
        pending(note("a"));
        team.queues[2].onHelp = () -> {
            helps++;
            return 0;
        };
        team.step(2);
        team.clock.advance(100 * MICRO); // both are
        for (int i = 0; i < 8 && log.isEmpty(); i++) {
            team.step(1);
            team.clock.advance(10 * MICRO);
        }
        assertEquals(List.of("a@1"), log);
    }

    @Test void whileOneIsOverdueItsWatcherComesBackSoonThenLater() {
        var timeouts = new ArrayList<Long>();
        team.queues[1].onWait = () -> timeouts.add(team.queues[1].timeout / MICRO);
        team.clock.advance(100 * MICRO);
        for (int i = 0; i < 4; i++) {
            team.step(1);
            team.clock.advance(10 * MICRO);
        }
        assertEquals(List.of(15L, 30L, 60L, 120L), timeouts);
        pending(note("a"));
        team.step(1);
        assertEquals(List.of("a@1"), log);
        team.clock.advance(10 * MICRO);
        team.step(1);
        assertEquals(15L, timeouts.getLast());
    }

    @Test void whatOthersHaveSentIsTakenTooAndWhatMustStayIsStillThere() {
        Color guest = team.vcore(0).newColor(), pinned = team.vcore(0).newColor().pin();
        team.as(0, () -> new StealingTest.Guest(guest).enter());
        team.settle0();
        team.as(2, () -> {
            Team.task(guest, () -> log.add("guest@" + Team.here())).post();
            Team.task(pinned, () -> log.add("pinned@" + Team.here())).post();
        });
        team.clock.advance(100 * MICRO);
        team.step(1);
        assertEquals(List.of("guest@1"), log);
        team.step(0);
        assertEquals(List.of("guest@1", "pinned@0"), log);
    }

    @Test void whatIsAboutToMoveFromOneThatIsOverdueStaysAndRuns() {
        Color guest = team.vcore(0).newColor();
        team.as(0, () -> new StealingTest.Guest(guest).enter());
        team.settle0();
        var task = Team.task(guest, () -> log.add("guest@" + Team.here()));
        assertTrue(guest.tryHold());
        guest.movingTo = team.vcore(2); // as at the end of a turn there
        guest.turnsAway = 4;
        team.as(2, () -> {
            task.post();
            team.vcore(0).deliver(guest);
        });
        team.clock.advance(100 * MICRO);
        team.step(1);
        assertEquals(List.of("guest@1"), log);
        assertEquals(null, guest.movingTo);
        assertEquals(team.vcore(0), guest.home());
    }

    @Test void whatIsJustArrivingAtOneThatIsOverdueArrives() {
        Color guest = team.vcore(2).newColor();
        team.as(2, () -> new Team.Mover(guest).enter());
        team.step(2);
        team.as(2, () -> Team.task(guest, () -> guest.movingTo = team.vcore(0)).post());
        team.step(2);
        assertEquals(team.vcore(0), guest.home());
        team.clock.advance(MILLI);
        team.step(1);
        assertEquals(team.vcore(0), guest.movingTo, "on its way: nobody else may have it");
        team.step(0);
        assertEquals(null, guest.movingTo);
        assertEquals(1, team.vcore(0).stats().moves());
    }

    @Test void muchThatIsLaidOutIsTakenFromOneThatComesBackInTime() {
        Color surprise = Team.cost(team.vcore(0).newColor(), 4_000);
        var waiting = new ArrayList<Color>();
        for (int i = 0; i < 12; i++) waiting.add(Team.cost(team.vcore(0).newColor(), 5_000));
        team.as(0, () -> {
            team.vcore(0).setTurnLimit(1);
            Team.task(surprise, () -> {
                team.clock.advance(MICRO);
                team.step(1); // before the owner has noted what there is to do
            }).post();
            for (Color color : waiting) Team.task(color, () -> log.add("@" + Team.here())).post();
            team.vcore(0).runOnce(false);
        });
        assertTrue(log.size() >= 6 && log.stream().allMatch("@1"::equals), log::toString);
        assertEquals(0, helps);
    }

    @Test void whereOnlyTheOwnerCanHarvestItsInboxAndWhatIsLaidOutAreTakenAllTheSame() {
        for (Team.QuietQueue queue : team.queues) queue.onHelp = null; // would throw
        team.clock.advance(100 * MICRO);
        team.as(2, note("a")::post);
        team.step(1);
        assertEquals(List.of("a@1"), log);
    }
}
