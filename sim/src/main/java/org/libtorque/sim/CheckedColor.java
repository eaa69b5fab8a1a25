package org.libtorque.sim;

import org.libtorque.vcore.Color;
import org.libtorque.vcore.Resident;
import org.libtorque.vcore.SharedTask;
import org.libtorque.vcore.Task;
import org.libtorque.vcore.Timer;
import org.libtorque.vcore.Vcore;

/**
 * A colour under observation: each task posted to it gets the next number, and when it runs, must be the next in number and alone. Shared tasks may run in any order and side by side, between the
 * same two exclusive ones. So a task that is lost, run twice, overtaken, or run beside another of its colour that it must not meet, is found at the first sign.
 */
final class CheckedColor {
    final Color color;
    private final CheckedModel model;
    private long posted;
    private long ran;
    /** Of those, exclusive ones. */
    private long exclusivePosted, exclusiveRan;
    /** Shared tasks that run. */
    private int readers;
    private Hart running;
    private Ticking timer;

    CheckedColor(Color color, CheckedModel model) {
        this.color = color;
        this.model = model;
    }

    CheckedModel model() { return model; }

    /** Posts a new task. On a hart or on none; from there it may be refused. */
    void post(boolean atHome) {
        var task = new Numbered(this, posted++, atHome);
        exclusivePosted++;
        if (task.tryPost()) return;
        posted--; // refused before anybody else could go on
        exclusivePosted--;
    }

    /** Posts a new shared task, likewise. */
    void postShared() {
        if (!makeShared().tryPost()) posted--;
    }

    /** Makes a shared task with the next number, which must be posted next. */
    Shared makeShared() { return new Shared(this, posted++); }

    void beginShared(Shared task) {
        if (running != null) throw new AssertionError(task + " of " + color + " on " + model.simulation.current + " while the colour runs on " + running);
        if (exclusiveRan != task.exclusiveBefore) throw new AssertionError(task + " of " + color + " runs after " + exclusiveRan + " exclusive ones, not " + task.exclusiveBefore);
        readers++;
    }

    void endShared() {
        readers--;
        ran++;
    }

    void begin(Object what) {
        Hart hart = model.simulation.current;
        if (running != null) throw new AssertionError(what + " of " + color + " on " + hart + " while the colour runs on " + running);
        if (readers > 0) throw new AssertionError(what + " of " + color + " on " + hart + " while " + readers + " shared tasks run");
        if (hart == null || Vcore.current() != model.vcores[hart.id]) throw new AssertionError(what + " on " + hart + " and " + Vcore.current());
        if (Vcore.currentColor() != color) throw new AssertionError(what + " runs under " + Vcore.currentColor() + ", not " + color);
        if (color.isPinned() && color.home() != Vcore.current()) throw new AssertionError(what + " of the pinned " + color + " on " + hart);
        running = hart;
    }

    void end() { running = null; }

    /** Adds a timer that runs under this colour a few times; before anything runs. */
    void startTimer(long periodNanos, int times) { timer = new Ticking(this, periodNanos, times); }

    void checkFinished() {
        if (posted != ran) throw new AssertionError(color + ": " + ran + " tasks of " + posted + " ran");
        if (running != null || readers > 0) throw new AssertionError(color + " never stopped running on " + running + ", " + readers + " shared tasks");
        if (timer != null && (timer.left > 0 || timer.pending)) throw new AssertionError(color + ": a timer stopped with " + timer.left + " times left");
    }

    private static final class Numbered extends Task {
        private final CheckedColor owner;
        private final long number;
        private final boolean atHome;

        Numbered(CheckedColor owner, long number, boolean atHome) {
            super(owner.color);
            this.owner = owner;
            this.number = number;
            this.atHome = atHome;
            runAtHome(atHome);
        }

        @Override protected void run() {
            owner.begin(this);
            if (number != owner.ran) throw new AssertionError(this + " of " + owner.color + " runs after " + owner.ran + " others");
            if (atHome && owner.color.home() != Vcore.current()) throw new AssertionError(this + " of " + owner.color + " away from home");
            owner.ran++;
            owner.exclusiveRan++;
            owner.model.work();
            owner.end();
        }

        @Override protected void failed(Throwable failure) { owner.model.simulation.fail(failure); }

        @Override public String toString() { return "task " + number; }
    }

    static final class Shared extends SharedTask {
        private final CheckedColor owner;
        private final long number;
        private final long exclusiveBefore;

        Shared(CheckedColor owner, long number) {
            super(owner.color);
            this.owner = owner;
            this.number = number;
            exclusiveBefore = owner.exclusivePosted;
        }

        @Override protected void run() {
            owner.beginShared(this);
            owner.model.work();
            owner.endShared();
        }

        @Override protected void failed(Throwable failure) { owner.model.simulation.fail(failure); }

        @Override public String toString() { return "shared task " + number; }
    }

    /** A timer as the event layer has it: on its home's wheel, and moving with the colour. */
    private static final class Ticking extends Resident {
        private final CheckedColor owner;
        private final long periodNanos;
        private final Timer timer;
        private int left;
        /** Posted and not yet run. */
        private boolean pending;
        private boolean scheduled;

        Ticking(CheckedColor owner, long periodNanos, int times) {
            super(owner.color);
            this.owner = owner;
            this.periodNanos = periodNanos;
            left = times;
            timer = new Timer() {
                @Override protected void onExpiry(long nowNanos) { expired(); }
            };
            settle();
            schedule(owner.color.home().clock().nanoTime() + periodNanos);
        }

        private void schedule(long deadline) { owner.color.home().timers().schedule(timer, deadline); }

        private void expired() {
            if (Vcore.current() != owner.color.home()) {
                owner.model.simulation.fail(new AssertionError("a timer of " + owner.color + " on " + Vcore.current()));
            }
            if (--left > 0) schedule(timer.deadlineNanos() + periodNanos);
            pending = true;
            postSurely();
        }

        @Override protected void run() {
            owner.begin(this);
            pending = false;
            owner.model.work();
            owner.end();
        }

        @Override protected boolean canMove() { return true; }

        @Override protected void depart() {
            scheduled = timer.isScheduled();
            owner.color.home().timers().cancel(timer);
            departed();
        }

        @Override protected void arrive() {
            if (scheduled) schedule(timer.deadlineNanos());
        }

        @Override protected void failed(Throwable failure) { owner.model.simulation.fail(failure); }
    }
}
