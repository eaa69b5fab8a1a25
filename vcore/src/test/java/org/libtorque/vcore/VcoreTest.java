package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.libtorque.memory.BlockPool;
import org.libtorque.testkit.AllocationProbe;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.ManualClock;

/** Turns the loop by hand, with a clock that goes when told and without a kernel. */
class VcoreTest {
    private static final long MILLI = 1_000_000;

    private final ManualClock clock = new ManualClock();
    private final FakeQueue queue = new FakeQueue();
    private final List<Throwable> failures = new CopyOnWriteArrayList<>();
    private final List<String> ran = new ArrayList<>();
    private final Vcore vcore = vcore(8);

    private Vcore vcore(int postLimit) {
        return new Vcore(3, 5, clock::nanoTime, new BlockPool(4096, 1 << 20), postLimit, (where, failure) -> failures.add(failure));
    }

    @BeforeEach void bind() { vcore.bind(queue); }

    @AfterEach void end() { vcore.shutDown(0); }

    private Task task(String name) { return task(vcore.newColor(), () -> ran.add(name)); }

    private static Task task(Color color, Runnable body) {
        return new Task(color) {
            @Override protected void run() { body.run(); }
        };
    }

    private Timer timer(String name) {
        return new Timer() {
            @Override protected void onExpiry(long nowNanos) { ran.add(name); }
        };
    }

    /** Runs on another thread and waits for its end. */
    private static void elsewhere(Runnable body) {
        var failure = new AtomicReference<Throwable>();
        Thread thread = Thread.ofPlatform().start(() -> {
            try {
                body.run();
            } catch (Throwable t) {
                failure.set(t);
            }
        });
        Eventually.awaitEnd(thread);
        if (failure.get() != null) throw new AssertionError("on the other thread", failure.get());
    }

    // ---- what it is

    @Test void theBindingThreadIsTheOwner() {
        assertTrue(vcore.isCurrent());
        assertSame(vcore, Vcore.current());
        assertEquals(3, vcore.index());
        assertEquals(5, vcore.cpu());
        assertEquals("vcore 3 (CPU 5)", vcore.toString());
        elsewhere(() -> {
            assertFalse(vcore.isCurrent());
            assertNull(Vcore.current());
        });
    }

    @Test void aVcoreThreadKnowsItsVcore() {
        var seen = new AtomicReference<Vcore>();
        var name = new AtomicReference<String>();
        Vcore other = vcore(8);
        var thread = new VcoreThread(other, () -> {
            seen.set(Vcore.current());
            name.set(Thread.currentThread().getName());
        });
        thread.start();
        Eventually.awaitEnd(thread);
        assertSame(other, seen.get());
        assertEquals("torque-vcore-3", name.get());
    }

    @Test void colorsHaveDifferentNumbersThatNameTheirHome() {
        Color a = vcore.newColor();
        Color b = vcore.newColor();
        assertTrue(a.id() != b.id());
        assertEquals(3, a.id() >>> 48);
        assertSame(vcore, a.home());
    }

    // ---- a turn

    @Test void anIdleTurnThatMayNotBlockPollsTheKernelOnce() {
        assertEquals(0, vcore.runOnce(false));
        assertEquals(List.of(0L), queue.timeouts);
    }

    @Test void anIdleTurnThatMayBlockWaitsWithoutLimit() {
        assertEquals(0, vcore.runOnce(true));
        assertEquals(List.of(Long.MAX_VALUE), queue.timeouts);
        assertEquals(1, vcore.stats().blocks());
    }

    @Test void itDoesNotWaitWhenATaskIsReady() {
        task("a").post();
        assertEquals(1, vcore.runOnce(true));
        assertEquals(0, queue.lastTimeout());
        assertEquals(List.of("a"), ran);
    }

    @Test void itDoesNotWaitWhenTheQueueHasSomethingToDo() {
        queue.deferredWork = true;
        vcore.runOnce(true);
        assertEquals(0, queue.lastTimeout());
    }

    @Test void itDoesNotWaitWhenItIsToStop() {
        vcore.requestStop();
        vcore.runOnce(true);
        assertEquals(0, queue.lastTimeout());
    }

    @Test void itWaitsNoLongerThanToTheNextTimer() {
        vcore.timers().schedule(timer("t"), clock.nanoTime() + 10 * MILLI);
        vcore.runOnce(true);
        long waited = queue.lastTimeout();
        assertTrue(waited > 0 && waited <= 12 * MILLI, "waited " + waited);
        clock.advance(12 * MILLI);
        vcore.runOnce(true);
        assertEquals(0, queue.lastTimeout(), "it is due");
        assertEquals(List.of("t"), ran);
        vcore.runOnce(true);
        assertEquals(Long.MAX_VALUE, queue.lastTimeout());
    }

    @Test void eventsTimersAndTasksOfATurnAreCounted() {
        queue.script.add(window -> {
            task("event").post();
            return 1;
        });
        task("task").post();
        vcore.timers().schedule(timer("timer"), clock.nanoTime());
        assertEquals(4, vcore.runOnce(true));
        assertEquals(List.of("timer", "task", "event"), ran);
        Vcore.Stats stats = vcore.stats();
        assertEquals(1, stats.turns());
        assertEquals(1, stats.events());
        assertEquals(2, stats.tasks());
        assertEquals(0, stats.blocks());
        assertEquals(0, stats.posted());
    }

    @Test void theTimeOfATurnIsTheOneAfterItsHarvest() {
        queue.script.add(window -> {
            clock.advance(7);
            return 0;
        });
        vcore.runOnce(true);
        assertEquals(clock.nanoTime(), vcore.now());
    }

    @Test void aTimerThatThrowsIsReportedAndTheOthersStillRun() {
        vcore.timers().schedule(new Timer() {
            @Override protected void onExpiry(long nowNanos) { throw new IllegalStateException("timer"); }
        }, clock.nanoTime());
        vcore.timers().schedule(timer("second"), clock.nanoTime());
        vcore.runOnce(false);
        vcore.runOnce(false);
        assertEquals(1, failures.size());
        assertEquals(List.of("second"), ran);
    }

    @Test void aFailureHandlerThatFailsHurtsNobody() {
        var other = new Vcore(0, 0, clock::nanoTime, new BlockPool(4096, 4096), 8, (where, failure) -> { throw new IllegalStateException("handler"); });
        other.bind(new FakeQueue());
        task(other.newColor(), () -> { throw new IllegalStateException("task"); }).post();
        task(other.newColor(), () -> ran.add("next")).post();
        assertEquals(2, other.runOnce(false));
        assertEquals(List.of("next"), ran);
        other.shutDown(0);
        vcore.bind(queue);
    }

    @Test void moreTasksThanATurnsBudgetAreLeftForTheNext() {
        int[] runs = new int[1];
        for (int i = 0; i < 1_000; i++) task(vcore.newColor(), () -> runs[0]++).post();
        vcore.runOnce(true);
        assertTrue(runs[0] < 1_000, "all at once");
        while (runs[0] < 1_000) {
            vcore.runOnce(true);
            assertEquals(0, queue.lastTimeout(), "it must not wait with tasks left");
        }
    }

    // ---- the window

    @Test void theWindowDoublesWhileHarvestsFillItUpToItsLimit() {
        for (int i = 0; i < 12; i++) queue.script.add(window -> window);
        for (int i = 0; i < 12; i++) vcore.runOnce(false);
        assertEquals(List.of(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 512, 512), queue.windows);
        assertEquals(Vcore.MAX_WINDOW, queue.lastWindow());
    }

    @Test void theWindowHalvesWhenHarvestsTakeLessThanAQuarterAndNeverReachesZero() {
        for (int i = 0; i < 5; i++) queue.script.add(window -> window);
        for (int i = 0; i < 5; i++) vcore.runOnce(false);
        queue.windows.clear();
        queue.script.add(window -> 8); // a quarter of 32: stays
        for (int i = 0; i < 9; i++) vcore.runOnce(false);
        assertEquals(List.of(32, 32, 16, 8, 4), queue.windows.subList(0, 5));
        for (int window : queue.windows) assertTrue(window >= 1);
    }

    // ---- posting

    @Test void aTaskPostedByAnotherThreadRunsInTheNextTurn() {
        elsewhere(() -> task("posted").post());
        assertEquals(0, queue.wakes.get(), "awake vcores are not woken");
        vcore.runOnce(true);
        assertEquals(0, queue.lastTimeout());
        assertEquals(List.of("posted"), ran);
        assertEquals(1, vcore.stats().posted());
    }

    @Test void theOwnersPostsDoNotGoThroughTheInbox() {
        for (int i = 0; i < 100; i++) task("own").post();
        vcore.runOnce(true);
        assertEquals(100, ran.size());
        assertEquals(0, vcore.stats().posted());
    }

    @Test void tasksOfOneThreadAndColorRunInTheOrderOfPosting() {
        Color color = vcore.newColor();
        elsewhere(() -> {
            for (int i = 0; i < 8; i++) {
                String name = "t" + i;
                task(color, () -> ran.add(name)).post();
            }
        });
        vcore.runOnce(true);
        assertEquals(List.of("t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7"), ran);
    }

    /** The first finds the colour idle and needs no room; the others wait until the holder takes them. */
    @Test void aColorWithAsManyTasksWaitingAsItMayRefusesAndSaysWhy() {
        Color color = vcore.newColor();
        elsewhere(() -> {
            for (int i = 0; i < 1 + 8; i++) assertTrue(task(color, () -> ran.add("t")).tryPost());
            Task refused = task(color, () -> ran.add("refused"));
            assertFalse(refused.tryPost());
            var e = assertThrows(RejectedExecutionException.class, refused::post);
            assertEquals("colour " + color.id() + " has 8 tasks waiting; it cannot keep up", e.getMessage());
            assertTrue(task(vcore.newColor(), () -> ran.add("other")).tryPost(), "the limit is each colour's own");
        });
        vcore.runOnce(true);
        assertEquals(10, ran.size());
        assertFalse(ran.contains("refused"));
        Task again = task(color, () -> ran.add("again"));
        elsewhere(again::post);
        vcore.runOnce(true);
        assertEquals("again", ran.getLast());
    }

    @Test void aTaskThatWasRefusedCanBePostedLater() {
        Color color = vcore.newColor();
        Task[] refused = new Task[1];
        elsewhere(() -> {
            while (task(color, () -> ran.add("t")).tryPost()) { }
            refused[0] = task(color, () -> ran.add("at last"));
            assertFalse(refused[0].tryPost());
        });
        vcore.runOnce(true);
        elsewhere(refused[0]::post);
        vcore.runOnce(true);
        assertEquals("at last", ran.getLast());
    }

    @Test void aRefusalDoesNotTakeBackWhatAnotherPosterWasPromised() {
        Task task = task("kept");
        assertTrue(task.markTrying(), "the first poster finds no room, and has not yet taken its mark back");
        elsewhere(() -> assertTrue(task.tryPost(), "the second is told that it is queued"));
        assertFalse(task.unmarkTrying(), "so the first must queue it");
        assertFalse(task.markTrying());
        task.unmarkQueued();
        assertTrue(task.markTrying());
        assertTrue(task.unmarkTrying());
        task.post();
        vcore.runOnce(true);
        assertEquals(List.of("kept"), ran);
    }

    /** Two threads post the same few tasks to a colour that is always full. Whoever is told that a task is queued finds it run after. */
    @Test void whatTryPostAcceptsRunsAlsoWhenOthersAreRefused() {
        Color color = vcore.newColor();
        int[] runs = new int[4];
        Task[] tasks = new Task[4];
        int[] written = new int[4]; // plain: posting publishes it
        int[] seen = new int[4];
        for (int i = 0; i < 4; i++) {
            int n = i;
            tasks[i] = task(color, () -> {
                runs[n]++;
                seen[n] = written[n];
            });
        }
        var stop = new AtomicBoolean();
        Thread filler = Thread.ofPlatform().start(() -> {
            while (!stop.get()) {
                for (Task t : tasks) t.tryPost();
                while (task(color, () -> { }).tryPost()) { }
            }
        });
        Thread poster = Thread.ofPlatform().start(() -> {
            for (int i = 1; i <= 20_000; i++) {
                written[i & 3] = i;
                if (i > 19_990) assertTrue(tasks[i & 3].postSurely());
                else tasks[i & 3].tryPost();
            }
        });
        while (poster.isAlive()) vcore.runOnce(false);
        stop.set(true);
        Eventually.awaitEnd(filler);
        while (vcore.runOnce(false) > 0) { }
        for (int i = 0; i < 4; i++) {
            assertTrue(runs[i] > 0);
            assertEquals(written[i], seen[i]);
            assertTrue(tasks[i].markTrying(), "not marked for ever");
        }
    }

    @Test void postingSurelyHasNoLimitAndDoesNotWait() {
        Color color = vcore.newColor();
        elsewhere(() -> {
            for (int i = 0; i < 1_000; i++) assertTrue(task(color, () -> ran.add("sure")).postSurely());
            assertFalse(task(color, () -> ran.add("refused")).tryPost());
        });
        while (vcore.runOnce(false) > 0) { }
        assertEquals(1_000, ran.size());
    }

    @Test void aVcoresOwnThreadHasNoLimit() {
        Vcore other = vcore(8);
        other.bind(new FakeQueue());
        Color color = vcore.newColor();
        for (int i = 0; i < 1_000; i++) task(color, () -> ran.add("t")).post();
        other.shutDown(0);
        vcore.bind(queue);
        while (vcore.runOnce(false) > 0) { }
        assertEquals(1_000, ran.size());
    }

    @Test void aTaskThatIsQueuedAlreadyRunsOnceAndSeesWhatWasWrittenBeforeEachPost() {
        int[] data = new int[1];
        Task sum = task(vcore.newColor(), () -> ran.add("saw " + data[0]));
        for (int i = 1; i <= 3; i++) {
            data[0] = i;
            assertTrue(sum.tryPost());
        }
        vcore.runOnce(true);
        assertEquals(List.of("saw 3"), ran);
        sum.post();
        vcore.runOnce(true);
        assertEquals(List.of("saw 3", "saw 3"), ran);
    }

    @Test void aTaskThatPostsItselfWhileItRunsRunsAgain() {
        int[] runs = new int[1];
        Task[] self = new Task[1];
        self[0] = task(vcore.newColor(), () -> {
            if (++runs[0] < 3) self[0].post();
        });
        self[0].post();
        while (vcore.runOnce(false) > 0) { }
        assertEquals(3, runs[0]);
    }

    @Test void aStoppedVcoreTakesNothing() {
        vcore.shutDown(0);
        elsewhere(() -> {
            assertFalse(task("late").tryPost());
            assertFalse(task("late").postSurely());
            var e = assertThrows(RejectedExecutionException.class, () -> task("late").post());
            assertEquals("vcore 3 (CPU 5) has stopped", e.getMessage());
        });
    }

    // ---- sleeping and waking

    @Test void whoPostsToABlockingVcoreWakesItOnce() {
        queue.script.add(window -> {
            elsewhere(() -> {
                task("a").post();
                task("b").post();
            });
            return 0;
        });
        vcore.runOnce(true);
        assertEquals(1, queue.wakes.get());
        elsewhere(() -> task("c").post());
        assertEquals(1, queue.wakes.get(), "it is awake again");
        vcore.runOnce(true);
        assertEquals(List.of("a", "b", "c"), ran);
    }

    @Test void askingABlockingVcoreToStopWakesIt() {
        queue.script.add(window -> {
            elsewhere(vcore::requestStop);
            return 0;
        });
        vcore.runLoop();
        assertEquals(1, queue.wakes.get());
        assertEquals(1, vcore.stats().turns());
    }

    // ---- its end

    @Test void shuttingDownRunsWhatIsLeftAndClosesTheQueue() {
        elsewhere(() -> task("left").post());
        queue.sources = 1;
        queue.script.add(window -> 0);
        queue.script.add(window -> 0);
        queue.script.add(window -> {
            queue.sources = 0;
            return 1;
        });
        assertEquals(0, vcore.shutDown(1_000_000));
        assertTrue(queue.closed);
        assertEquals(List.of("left"), ran);
        assertNull(Vcore.current());
    }

    @Test void eachPostIsRefusedRunOrDropped() throws Exception {
        AtomicInteger dropped = new AtomicInteger();
        for (int round = 0; round < 300; round++) {
            Vcore ending = vcore(Integer.MAX_VALUE);
            ending.bind(new FakeQueue());
            Color shared = ending.newColor();
            AtomicInteger taken = new AtomicInteger();
            AtomicInteger done = new AtomicInteger();
            CountDownLatch posting = new CountDownLatch(2);
            List<Thread> posters = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                Color own = ending.newColor();
                posters.add(Thread.ofPlatform().start(() -> {
                    boolean accepted;
                    int n = 0;
                    do {
                        accepted = new Task(n++ % 2 == 0 ? own : shared) {
                            @Override protected void run() { done.incrementAndGet(); }

                            @Override protected void dropped() {
                                done.incrementAndGet();
                                dropped.incrementAndGet();
                            }
                        }.postSurely();
                        if (accepted) taken.incrementAndGet();
                        posting.countDown();
                    } while (accepted);
                }));
            }
            posting.await();
            for (int i = 0; i < round % 4; i++) ending.runOnce(false);
            clock.advance(1);
            ending.shutDown(-1); // one turn more, and then whatever is left
            for (Thread thread : posters) thread.join();
            assertEquals(taken.get(), done.get(), "round " + round);
            vcore.bind(queue);
        }
        assertTrue(dropped.get() > 0, "nothing was ever left");
    }

    @Test void timersThatAreLeftAreToldSo() {
        Timer left = new Timer() {
            @Override protected void onExpiry(long nowNanos) { ran.add("expired"); }

            @Override protected void abandoned() { ran.add("abandoned, " + (isScheduled() ? "scheduled" : "idle")); }
        };
        Timer cancelled = timer("cancelled");
        vcore.timers().schedule(left, clock.nanoTime() + 1_000 * MILLI);
        vcore.timers().schedule(cancelled, clock.nanoTime() + 1_000 * MILLI);
        vcore.timers().cancel(cancelled);
        vcore.shutDown(0);
        assertEquals(List.of("abandoned, idle"), ran);
    }

    @Test void aTaskThatNeverEndsDoesNotKeepItFromShuttingDown() {
        Task[] again = new Task[1];
        again[0] = task(vcore.newColor(), () -> {
            clock.advance(MILLI);
            again[0].post();
        });
        again[0].post();
        long start = clock.nanoTime();
        assertEquals(0, vcore.shutDown(3_600_000 * MILLI));
        assertTrue(clock.nanoTime() - start < 2_000 * MILLI, "took " + (clock.nanoTime() - start));
    }

    @Test void aSourceThatNeverClosesIsReportedAndKeepsItsMemory() {
        queue.sources = 2;
        for (int i = 0; i < 10; i++) {
            queue.script.add(window -> {
                clock.advance(100);
                return 0;
            });
        }
        assertEquals(2, vcore.shutDown(500));
        assertFalse(queue.closed);
        queue.sources = 0;
    }

    @Test void aTurnAllocatesNothing() {
        Timer timer = new Timer() {
            @Override protected void onExpiry(long nowNanos) { }
        };
        var quiet = new Vcore(0, 0, clock::nanoTime, new BlockPool(4096, 4096), 8, (where, failure) -> failures.add(failure));
        quiet.bind(new FakeQueue() {
            @Override public int harvest(int window, long timeoutNanos) { return 0; }
        });
        Task own = task(quiet.newColor(), () -> { });
        AllocationProbe.assertAllocatesNothing(20_000, 20_000, () -> {
            own.post();
            quiet.timers().schedule(timer, clock.advance(1 << 20));
            quiet.runOnce(true);
            quiet.runOnce(true);
        });
        quiet.shutDown(0);
        vcore.bind(queue);
    }

    @Test void aPreciseTimerThatIsDueWaitsForOneColoursTurnOnly() {
        vcore.runOnce(false);
        for (int i = 0; i < 3; i++) {
            String name = "task " + i;
            task(vcore.newColor(), () -> {
                clock.advance(10_000);
                ran.add(name);
            }).post();
        }
        vcore.timers().schedulePrecisely(timer("precise"), clock.nanoTime() + 5_000);
        vcore.runOnce(false);
        assertEquals(List.of("task 0"), ran);
        vcore.runOnce(false);
        assertEquals(List.of("task 0", "precise", "task 1", "task 2"), ran);
    }

    @Test void theWaitIsAsLongAsThePreciseTimerSays() {
        vcore.timers().schedulePrecisely(timer("precise"), clock.nanoTime() + 12_345);
        vcore.runOnce(true);
        assertEquals(12_345, queue.lastTimeout());
    }
}
