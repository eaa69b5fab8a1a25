package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.memory.BlockPool;
import org.libtorque.testkit.AllocationProbe;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.ManualClock;

/** Readers and writers of a colour. */
class SharedTaskTest {
    private final ManualClock clock = new ManualClock();
    private final List<Throwable> failures = new ArrayList<>();
    private final List<String> ran = new ArrayList<>();
    private final Vcore vcore = new Vcore(0, 0, clock::nanoTime, new BlockPool(4096, 1 << 20), 64, (where, failure) -> failures.add(failure), Scoreboard.flat(1), Balance.STEAL);

    SharedTaskTest() { vcore.bind(new FakeQueue()); }

    @AfterEach void end() {
        Vcore.switchTo(vcore);
        vcore.shutDown(0);
    }

    private Task exclusive(Color color, Runnable body) {
        return new Task(color) {
            @Override protected void run() { body.run(); }
        };
    }

    private SharedTask shared(Color color, Runnable body) {
        return new SharedTask(color) {
            @Override protected void run() { body.run(); }
        };
    }

    private void turns(int n) {
        for (int i = 0; i < n; i++) vcore.runOnce(false);
    }

    @Test void phasesAreInTheOrderOfPosting() {
        Color color = vcore.newColor();
        exclusive(color, () -> ran.add("w1")).post();
        shared(color, () -> ran.add("r1")).post();
        shared(color, () -> ran.add("r2")).post();
        exclusive(color, () -> ran.add("w2")).post();
        shared(color, () -> ran.add("r3")).post();
        turns(10);
        assertEquals("w1", ran.get(0));
        assertEquals(List.of("r1", "r2"), ran.subList(1, 3).stream().sorted().toList());
        assertEquals(List.of("w2", "r3"), ran.subList(3, 5));
        assertTrue(color.isIdle());
    }

    @Test void aWriterWaitsForReadersThatAreStillQueuedAndHoldsUpLaterOnes() {
        Color color = vcore.newColor();
        vcore.setTurnLimit(1);
        shared(color, () -> ran.add("r1")).post();
        exclusive(color, () -> ran.add("w")).post();
        shared(color, () -> ran.add("r2")).post();
        turns(1); // lets r1 go and waits
        assertEquals(List.of(), ran);
        assertTrue(!color.isIdle());
        turns(20);
        assertEquals(List.of("r1", "w", "r2"), ran);
        assertTrue(color.isIdle());
    }

    @Test void aReaderThatThrowsIsReportedAndLetsTheWriterRun() {
        Color color = vcore.newColor();
        shared(color, () -> { throw new IllegalStateException("reader"); }).post();
        exclusive(color, () -> ran.add("w")).post();
        turns(10);
        assertEquals("reader", failures.getFirst().getMessage());
        assertEquals(1, failures.size());
        assertEquals(List.of("w"), ran);
    }

    @Test void aReaderThatIsPostedAgainWhileQueuedRunsOnceAndWhileRunningRunsAgain() {
        Color color = vcore.newColor();
        int[] runs = new int[1];
        SharedTask[] self = new SharedTask[1];
        self[0] = shared(color, () -> {
            if (++runs[0] == 1) self[0].post();
        });
        vcore.setTurnLimit(1);
        self[0].post();
        self[0].post();
        turns(1);
        self[0].post(); // waits in its lane
        turns(20);
        assertEquals(2, runs[0]);
        exclusive(color, () -> ran.add("w")).post();
        turns(5);
        assertEquals(List.of("w"), ran);
    }

    @Test void postingAndRunningAllocatesNothing() {
        Color color = vcore.newColor();
        SharedTask one = shared(color, () -> { });
        SharedTask two = shared(color, () -> { });
        Task writer = exclusive(color, () -> { });
        AllocationProbe.assertAllocatesNothing(20_000, 20_000, () -> {
            one.post();
            two.post();
            writer.post();
            one.post();
            for (int i = 0; i < 6; i++) vcore.runOnce(false);
        });
    }

    /** On several vcores played by one thread in random order: what a writer sees never changes under it, and each phase is complete before the next. */
    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach") void inAnyInterleavingWritersAreAloneAndNobodyIsLost(long seed) {
        var random = new SplittableRandom(seed);
        int n = 2 + random.nextInt(3);
        Scoreboard board = Scoreboard.flat(n);
        Vcore[] all = new Vcore[n];
        for (int i = 0; i < n; i++) {
            all[i] = new Vcore(i, i, clock::nanoTime, new BlockPool(4096, 1 << 16), 1 << 20, (where, failure) -> failures.add(failure), board, Balance.STEAL);
            all[i].bind(new FakeQueue());
            all[i].setTurnLimit(1);
        }
        Color color = all[0].newColor();
        int phases = 40;
        int[] readersOf = new int[phases];
        int[] done = new int[phases];
        int[] phase = new int[1];
        int posted = 0;
        for (int p = 0; p < phases; p++) {
            readersOf[p] = random.nextInt(4);
            int mine = p;
            for (int r = 0; r < readersOf[p]; r++, posted++) {
                Vcore.switchTo(all[random.nextInt(n)]);
                shared(color, () -> {
                    clock.advance(30_000); // long enough to be worth stealing
                    assertEquals(mine, phase[0], "phase of a reader");
                    done[mine]++;
                }).post();
            }
            Vcore.switchTo(all[random.nextInt(n)]);
            posted++;
            exclusive(color, () -> {
                clock.advance(30_000);
                assertEquals(mine, phase[0], "phase of a writer");
                assertEquals(readersOf[mine], done[mine], "readers before the writer");
                phase[0]++;
            }).post();
            for (int k = random.nextInt(6); k > 0; k--) step(all, random);
        }
        for (int k = 0; k < 40 * posted && phase[0] < phases; k++) step(all, random);
        Vcore.switchTo(null);
        assertEquals(List.of(), failures);
        assertEquals(phases, phase[0], "phases complete");
        for (Vcore each : all) {
            Vcore.switchTo(each);
            each.shutDown(0);
        }
        Vcore.switchTo(vcore);
    }

    private static void step(Vcore[] all, SplittableRandom random) {
        Vcore each = all[random.nextInt(all.length)];
        Vcore.switchTo(each);
        each.runOnce(random.nextBoolean());
    }

    /** On real threads. */
    @Test void onSeveralThreadsWritersAreAlone() throws Exception {
        int n = 2;
        Scoreboard board = Scoreboard.flat(n);
        var failure = new AtomicReference<Throwable>();
        Vcore[] all = new Vcore[n];
        Thread[] threads = new Thread[n];
        for (int i = 0; i < n; i++) {
            Vcore each = all[i] = new Vcore(i, i, Clock.SYSTEM, new BlockPool(4096, 1 << 16), 1 << 20, (where, cause) -> failure.compareAndSet(null, cause), board, Balance.STEAL);
            threads[i] = new VcoreThread(each, () -> {
                each.bind(new FakeQueue() {
                    @Override public int harvest(int window, long timeoutNanos) {
                        if (timeoutNanos != 0) Thread.yield();
                        return 0;
                    }
                });
                each.runLoop();
                each.shutDown(1_000_000_000);
            });
        }
        for (Thread thread : threads) thread.start();
        Color color = all[0].newColor();
        var readers = new AtomicInteger();
        var writers = new AtomicInteger();
        var count = new AtomicInteger();
        long[] unguarded = new long[1];
        int rounds = 20_000;
        for (int i = 0; i < rounds; i++) {
            if (i % 5 == 4) {
                exclusive(color, () -> {
                    if (writers.incrementAndGet() != 1 || readers.get() != 0) failure.compareAndSet(null, new AssertionError("a writer is not alone"));
                    unguarded[0]++;
                    writers.decrementAndGet();
                    count.incrementAndGet();
                }).postSurely();
            } else {
                shared(color, () -> {
                    readers.incrementAndGet();
                    if (writers.get() != 0) failure.compareAndSet(null, new AssertionError("a reader beside a writer"));
                    long seen = unguarded[0];
                    for (int k = 0; k < 20; k++) if (unguarded[0] != seen) failure.compareAndSet(null, new AssertionError("it changes under a reader"));
                    readers.decrementAndGet();
                    count.incrementAndGet();
                }).postSurely();
            }
        }
        Eventually.await("all have run", () -> count.get() == rounds || failure.get() != null);
        for (Vcore each : all) each.requestStop();
        for (Thread thread : threads) Eventually.awaitEnd(thread);
        if (failure.get() != null) throw new AssertionError(failure.get());
        assertEquals(rounds / 5, unguarded[0]);
    }

    /** Two vcores; the first ends while a shared task waits there, the colour is at home on the other. */
    @Test void aSharedTaskThatEndsWithItsVcoreDoesNotKeepItsColorWaiting() {
        var team = new Team(2, Balance.STEAL);
        Color color = team.vcore(1).newColor();
        SharedTask reader = shared(color, () -> ran.add("r"));
        team.vcore(1).setTurnLimit(1);
        team.as(1, () -> {
            reader.post();
            exclusive(color, () -> ran.add("w")).post();
        });
        team.step(1); // lets the reader go, into its lane, and comes upon the writer
        team.as(1, () -> {
            Color lane = reader.lane();
            assertSame(lane, team.vcore(1).takeWaiting());
            lane.goTo(team.vcore(0));
            team.vcore(0).deliver(lane);
        });
        assertEquals(List.of(), ran);
        team.as(0, () -> {
            team.queues[0].onHarvest = () -> team.clock.advance(1_000_000_000);
            team.vcore(0).setTurnLimit(0); // or it would run what is left
            team.vcore(0).shutDown(0);
        });
        team.vcore(1).setTurnLimit(Integer.MAX_VALUE);
        team.step(1, false);
        assertEquals(List.of("w"), ran);
        team.close();
    }

    @Test void aSharedTaskRunsAlsoIfItsVcoreOfBeforeHasStopped() {
        var team = new Team(2, Balance.STEAL);
        Color color = team.vcore(0).newColor(); // with nothing registered it lives where it is posted to
        SharedTask reader = shared(color, () -> ran.add("r@" + Team.here()));
        team.as(1, reader::post);
        assertSame(team.vcore(1), color.home());
        team.as(0, () -> team.vcore(0).shutDown(0));
        while (team.step(1, false) > 0) { }
        assertEquals(List.of("r@1"), ran);
        team.close();
    }

    /** Shared tasks that wait in their lanes at vcore 0, each known to take 100 µs. */
    private List<SharedTask> lanes(Team team, Color color, int count) {
        List<SharedTask> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            SharedTask reader = shared(color, () -> {
                ran.add("r@" + Team.here());
                team.clock.advance(100_000);
            });
            Team.cost(reader.lane(), 100_000);
            all.add(reader);
        }
        team.vcore(0).setTurnLimit(1);
        team.as(0, () -> all.forEach(SharedTask::post));
        return all;
    }

    @Test void sharedTasksOfAPinnedColorStayOnItsHome() {
        var team = new Team(2, Balance.STEAL);
        Color color = team.vcore(0).newColor().pin();
        lanes(team, color, 6);
        for (int i = 0; i < 20; i++) {
            team.step(1);
            team.step(0, false);
            assertTrue(team.board.nobodyOffers());
        }
        assertEquals(List.of("r@0", "r@0", "r@0", "r@0", "r@0", "r@0"), ran);
        team.close();
    }

    @Test void withoutAPinTheyAreStolen() {
        var team = new Team(2, Balance.STEAL);
        lanes(team, team.vcore(0).newColor(), 6);
        for (int i = 0; i < 20; i++) {
            team.step(1);
            team.step(0, false);
        }
        assertEquals(6, ran.size());
        assertTrue(ran.contains("r@1"), ran::toString);
        team.close();
    }

    @Test void sharedTasksOfAGroupLiveInItsNeighbourhood() {
        var team = new Team(2, Balance.STEAL);
        var group = new ColorGroup(1);
        group.settle(team.board, 0);
        Color color = team.vcore(0).newColor();
        color.group = group;
        List<SharedTask> readers = lanes(team, color, 2);
        team.as(1, () -> readers.getFirst().admit(team.vcore(1))); // as if the colour were a guest there
        assertSame(team.vcore(0), readers.getFirst().lane().home());
        for (int i = 0; i < 20; i++) {
            team.step(1);
            team.step(0, false);
        }
        assertEquals(List.of("r@0", "r@0", "r@0"), ran);
        team.close();
    }

    @Test void sharedTasksHaveTheSharesOfTheirColor() {
        int[] runs = new int[2];
        boolean[] enough = new boolean[1];
        for (int i = 0; i < 2; i++) {
            int which = i;
            Color color = vcore.newColor().shares(which == 0 ? 64 : 256);
            SharedTask[] self = new SharedTask[1];
            self[0] = shared(color, () -> {
                clock.advance(50_000);
                runs[which]++;
                if (!enough[0]) self[0].post();
            });
            self[0].post();
        }
        turns(1000);
        enough[0] = true;
        turns(100);
        assertTrue(runs[0] > 100, "nobody starves: " + runs[0]);
        double ratio = (double) runs[1] / runs[0];
        assertTrue(ratio > 3 && ratio < 5, "four times the shares, so about four times the runs: " + runs[0] + ", " + runs[1]);
    }

    @Test void aSharedTaskThatEndsWithItsVcoreIsToldAndCanBePostedWhereTheColorLives() {
        var team = new Team(2, Balance.STEAL);
        Color color = team.vcore(1).newColor();
        int[] dropped = new int[1];
        SharedTask reader = new SharedTask(color) {
            @Override protected void run() { ran.add("r@" + Team.here()); }

            @Override protected void dropped() { dropped[0]++; }
        };
        team.vcore(1).setTurnLimit(1);
        team.as(1, reader::post);
        team.step(1); // lets it go, into its lane
        team.as(1, () -> {
            Color lane = reader.lane();
            assertSame(lane, team.vcore(1).takeWaiting());
            lane.goTo(team.vcore(0));
            team.vcore(0).deliver(lane);
        });
        team.as(0, () -> {
            team.queues[0].onHarvest = () -> team.clock.advance(1_000_000_000);
            team.vcore(0).setTurnLimit(0); // or it would run what is left
            team.vcore(0).shutDown(0);
        });
        assertEquals(1, dropped[0]);
        team.as(1, () -> {
            exclusive(color, () -> ran.add("w@" + Team.here())).post();
            reader.post();
        });
        for (int i = 0; i < 6; i++) team.step(1, false);
        assertEquals(List.of("w@1", "r@1"), ran);
        assertEquals(1, dropped[0]);
        team.close();
    }

    /** Were they forgotten when they are let in, which is quick, whoever posts them faster than they run would never be refused. */
    @Test void sharedTasksThatWereLetInCountUntilTheyHaveRun() {
        Color color = vcore.newColor();
        vcore.setTurnLimit(1);
        int accepted = 0, refused = 0, mostWaiting = 0;
        for (int round = 0; round < 1_000; round++) {
            Vcore.switchTo(null); // posts as threads of the program do
            for (int i = 0; i < 10; i++) {
                SharedTask reader = shared(color, () -> {
                    clock.advance(1_000_000);
                    ran.add("r");
                });
                if (reader.tryPost()) accepted++;
                else refused++;
            }
            Vcore.switchTo(vcore);
            turns(2);
            mostWaiting = Math.max(mostWaiting, accepted - ran.size());
        }
        assertTrue(refused > 1_000, "refused: " + refused);
        assertTrue(mostWaiting >= 64 && mostWaiting <= 2 * 64 + 2, "waiting: " + mostWaiting);
        for (int i = 0; ran.size() < accepted && i < 10_000; i++) turns(1);
        assertEquals(accepted, ran.size(), "what was accepted has run");
        Vcore.switchTo(null);
        assertTrue(shared(color, () -> ran.add("last")).tryPost(), "there is room again");
        Vcore.switchTo(vcore);
        turns(10);
        assertEquals("last", ran.getLast());
    }

    @Test void aSharedTaskCannotBeTiedToItsHome() {
        var reader = new SharedTask(vcore.newColor()) {
            @Override protected void run() { ran.add("r"); }

            void stay(boolean atHome) { runAtHome(atHome); }
        };
        assertThrows(UnsupportedOperationException.class, () -> reader.stay(true));
        reader.stay(false);
        reader.post();
        turns(2);
        assertEquals(List.of("r"), ran);
    }

    @Test void reportsNameTheCallbackOfASharedTask() {
        Runnable body = () -> { };
        SharedTask reader = new SharedTask(vcore.newColor()) {
            @Override protected void run() { ran.add(vcore.runningTask().subject() == body ? "named" : "not " + vcore.runningTask().subject()); }

            @Override protected Object subject() { return body; }
        };
        reader.post();
        turns(2);
        assertEquals(List.of("named"), ran);
    }
}
