package org.libtorque.vcore;

import java.util.ArrayList;
import java.util.List;
import org.libtorque.memory.BlockPool;
import org.libtorque.testkit.ManualClock;

/** Several vcores without a kernel, with one clock that goes when told, stepped by hand on one thread. */
final class Team implements AutoCloseable {
    /** A queue that keeps no record of what it was asked, for long runs; each of its sources would say when it is gone. */
    static final class QuietQueue extends FakeQueue {
        /** How long the last harvest was to wait. */
        long timeout;
        /** What happens in a harvest that may wait. */
        Runnable onWait = () -> { };

        /** What happens in every harvest. */
        Runnable onHarvest = () -> { };

        /** What a helper finds; null if none may help. */
        java.util.function.IntSupplier onHelp;

        @Override public boolean othersMayHarvest() { return onHelp != null; }

        @Override public int harvestBy(EventQueue helper, int window) { return onHelp.getAsInt(); }

        /** How many sources there are, if that is to be counted elsewhere. */
        java.util.function.IntSupplier sourceCounter = () -> sources;

        @Override public int sourceCount() { return sourceCounter.getAsInt(); }

        @Override public int harvest(int window, long timeoutNanos) {
            timeout = timeoutNanos;
            onHarvest.run();
            if (timeoutNanos > 0) onWait.run();
            Harvest next = script.poll();
            return next == null ? 0 : next.take(window);
        }
    }

    /** Registered with a vcore on behalf of a colour, and moves at once. */
    static final class Mover extends Resident {
        Mover(Color color) { super(color); }

        void enter() { settle(); }

        @Override protected boolean canMove() { return true; }

        @Override protected void depart() { departed(); }

        @Override protected void arrive() {}

        @Override protected void run() {}
    }

    final ManualClock clock = new ManualClock();
    final List<Throwable> failures = new ArrayList<>();
    final Scoreboard board;
    final Vcore[] vcores;
    final QuietQueue[] queues;

    Team(int n, Balance balance) { this(Scoreboard.flat(n), balance); }

    Team(Scoreboard board, Balance balance) {
        this.board = board;
        int n = board.size();
        vcores = new Vcore[n];
        queues = new QuietQueue[n];
        for (int i = 0; i < n; i++) {
            vcores[i] = new Vcore(i, i, clock::nanoTime, new BlockPool(4096, 4096), 1_000_000, (where, failure) -> failures.add(failure), board, balance);
            queues[i] = new QuietQueue();
            vcores[i].bind(queues[i]);
        }
        Vcore.switchTo(null);
    }

    Vcore vcore(int i) { return vcores[i]; }

    /** One turn of a vcore that may wait when it finds nothing: then it comes back at once. */
    int step(int i) { return step(i, true); }

    int step(int i, boolean mayBlock) {
        as(i);
        int n = vcores[i].runOnce(mayBlock);
        Vcore.switchTo(null);
        return n;
    }

    /** Makes this thread play a vcore, or none (-1). */
    void as(int i) { Vcore.switchTo(i < 0 ? null : vcores[i]); }

    /** Runs something as a vcore's thread, outside of a turn. */
    void as(int i, Runnable body) {
        Vcore before = Vcore.current();
        as(i);
        body.run();
        Vcore.switchTo(before);
    }

    /** Runs something at home, as in a task of the colour. */
    static Task task(Color color, Runnable body) {
        return new Task(color) {
            @Override protected void run() { body.run(); }
        };
    }

    static Task homeTask(Color color, Runnable body) {
        Task task = task(color, body);
        task.runAtHome(true);
        return task;
    }

    /** A task that takes so long. */
    Task busy(Color color, long nanos) { return task(color, () -> clock.advance(nanos)); }

    /** Makes the expected cost of a colour known, as if it had run. */
    static Color cost(Color color, int nanos) {
        color.cost = color.taskCost = nanos;
        return color;
    }

    /** Steps all in turn until none finds anything to do. */
    void settle() {
        for (int quiet = 0; quiet < 3; ) {
            int work = 0;
            for (int i = 0; i < vcores.length; i++) work += step(i, false);
            quiet = work == 0 ? quiet + 1 : 0;
        }
    }

    /** Steps vcore 0 alone until it finds nothing to do. */
    void settle0() {
        while (step(0, false) > 0) { }
    }

    /** Index of the vcore that this thread plays at the moment. */
    static int here() { return Vcore.current().index(); }

    @Override public void close() {
        for (int i = 0; i < vcores.length; i++) {
            if (vcores[i].hasStopped()) continue;
            queues[i].sourceCounter = () -> 0;
            queues[i].onHarvest = () -> clock.advance(1_000_000); // or work that goes on for ever would never end
            as(i);
            vcores[i].shutDown(0);
        }
        Vcore.switchTo(null);
    }
}
