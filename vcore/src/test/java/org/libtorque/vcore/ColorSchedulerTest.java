package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.memory.BlockPool;
import org.libtorque.testkit.AllocationProbe;

class ColorSchedulerTest {
    private final List<Throwable> failures = new ArrayList<>();
    private final Vcore vcore = new Vcore(0, 0, Clock.SYSTEM, new BlockPool(4096, 4096), 2, (where, failure) -> failures.add(failure));
    private final ColorScheduler scheduler = new ColorScheduler();
    private final List<String> ran = new ArrayList<>();

    private Task task(Color color, String name) { return task(color, () -> ran.add(name)); }

    private static Task task(Color color, Runnable body) {
        return new Task(color) {
            @Override protected void run() { body.run(); }
        };
    }

    /** As the vcore does it. */
    private void ready(Task task) {
        if (task.queued) return;
        task.queued = true;
        scheduler.taskReady(task);
        scheduler.checkInvariants();
    }

    private int run(int budget) {
        int n = scheduler.schedEntry(budget);
        scheduler.checkInvariants();
        return n;
    }

    @Test void withoutTasksThereIsNothingToDo() {
        assertFalse(scheduler.hasWork());
        assertEquals(0, run(100));
    }

    @Test void tasksOfOneColorRunInOrder() {
        Color color = vcore.newColor();
        for (String name : List.of("a", "b", "c")) ready(task(color, name));
        assertTrue(scheduler.hasWork());
        assertEquals(3, run(100));
        assertEquals(List.of("a", "b", "c"), ran);
        assertFalse(scheduler.hasWork());
        assertEquals(Color.IDLE, color.state);
    }

    @Test void aTaskThatIsQueuedAlreadyRunsOnce() {
        Task task = task(vcore.newColor(), "once");
        ready(task);
        ready(task);
        assertEquals(1, run(100));
        ready(task);
        assertEquals(1, run(100));
        assertEquals(List.of("once", "once"), ran);
    }

    @Test void aTaskMadeReadyWhileItRunsRunsAgain() {
        int[] runs = new int[1];
        Task[] self = new Task[1];
        self[0] = task(vcore.newColor(), () -> {
            if (++runs[0] < 3) ready(self[0]);
        });
        ready(self[0]);
        assertEquals(3, run(100));
        assertEquals(3, runs[0]);
    }

    @Test void aColorWithMuchToDoLetsOthersRunAfterItsQuantum() {
        Color busy = vcore.newColor();
        Color light = vcore.newColor();
        for (int i = 0; i < 3 * ColorScheduler.QUANTUM; i++) ready(task(busy, "busy"));
        ready(task(light, "light"));
        run(1_000);
        assertEquals(ColorScheduler.QUANTUM, ran.indexOf("light"));
        assertEquals(3 * ColorScheduler.QUANTUM + 1, ran.size());
    }

    @Test void aColorThatMakesItselfReadyForEverStarvesNobody() {
        Color endless = vcore.newColor();
        Task[] self = new Task[1];
        self[0] = task(endless, () -> ready(self[0]));
        ready(self[0]);
        ready(task(vcore.newColor(), "other"));
        assertEquals(100, run(100));
        assertEquals(List.of("other"), ran);
        assertTrue(scheduler.hasWork());
    }

    @Test void theBudgetCutsAQuantumShortAndTheColorKeepsItsOrder() {
        Color a = vcore.newColor();
        Color b = vcore.newColor();
        for (int i = 0; i < 5; i++) ready(task(a, "a" + i));
        ready(task(b, "b"));
        assertEquals(2, run(2));
        assertEquals(List.of("a0", "a1"), ran);
        assertEquals(4, run(100));
        assertEquals(List.of("a0", "a1", "b", "a2", "a3", "a4"), ran);
    }

    @Test void workForAnIdleColorMadeByARunningTaskGoesBehindTheOthers() {
        Color a = vcore.newColor();
        Color b = vcore.newColor();
        Color c = vcore.newColor();
        ready(task(a, () -> {
            ran.add("a");
            ready(task(c, "c"));
        }));
        ready(task(b, "b"));
        run(100);
        assertEquals(List.of("a", "b", "c"), ran);
    }

    @Test void whatATaskThrowsGoesToItAndTheRestRuns() {
        var mine = new Exception("mine");
        var seen = new ArrayList<Throwable>();
        ready(new Task(vcore.newColor()) {
            @Override protected void run() throws Exception { throw mine; }

            @Override protected void failed(Throwable failure) { seen.add(failure); }
        });
        ready(task(vcore.newColor(), "next"));
        assertEquals(2, run(100));
        assertSame(mine, seen.getFirst());
        assertEquals(List.of("next"), ran);
        assertTrue(failures.isEmpty());
    }

    @Test void errorsDoNotEndTheLoopEither() {
        ready(task(vcore.newColor(), () -> { throw new StackOverflowError(); }));
        ready(task(vcore.newColor(), () -> { throw new AssertionError("mine"); }));
        assertEquals(2, run(100));
        assertEquals(2, failures.size());
    }

    @Test void whatTheTasksOwnFailureHandlerThrowsGoesToTheVcores() {
        var again = new IllegalStateException("again");
        ready(new Task(vcore.newColor()) {
            @Override protected void run() { throw new IllegalArgumentException("first"); }

            @Override protected void failed(Throwable failure) { throw again; }
        });
        run(100);
        assertEquals(List.of(again), failures);
    }

    @Test void aTaskNeedsAColor() {
        assertThrows(NullPointerException.class, () -> task(null, "never"));
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void everyTaskRunsOnceAndInItsColorsOrderWhateverTheInterleaving(long seed) {
        var random = new SplittableRandom(seed);
        List<Color> colors = new ArrayList<>();
        for (int i = 0; i < 7; i++) colors.add(vcore.newColor());
        Map<Color, List<Integer>> order = new HashMap<>();
        Map<Color, Integer> posted = new HashMap<>();
        int[] left = {2_000};
        var post = new Runnable() {
            @Override public void run() {
                if (left[0]-- <= 0) return;
                Color color = colors.get(random.nextInt(colors.size()));
                int number = posted.merge(color, 1, Integer::sum);
                ready(task(color, () -> {
                    order.computeIfAbsent(color, c -> new ArrayList<>()).add(number);
                    while (random.nextInt(3) == 0) this.run(); // on average half a new task for each that runs
                    if (random.nextInt(50) == 0) throw new IllegalStateException("now and then");
                }));
            }
        };
        while (left[0] > 0) {
            for (int n = random.nextInt(30); n > 0; n--) post.run();
            run(random.nextInt(40));
        }
        while (scheduler.hasWork()) run(1 + random.nextInt(40));
        for (Color color : colors) {
            for (int i = 0; i < posted.get(color); i++) assertEquals(i + 1, order.get(color).get(i));
            assertEquals(posted.get(color), order.get(color).size());
            assertEquals(Color.IDLE, color.state);
        }
    }

    @Test void runningATaskAllocatesNothing() {
        Task a = task(vcore.newColor(), () -> { });
        Task b = task(vcore.newColor(), () -> { });
        AllocationProbe.assertAllocatesNothing(20_000, 20_000, () -> {
            a.queued = b.queued = true;
            scheduler.taskReady(a);
            scheduler.taskReady(b);
            scheduler.schedEntry(16);
        });
    }
}
