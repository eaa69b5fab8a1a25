package org.libtorque.sim;

import java.util.Arrays;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Task;

/**
 * A colour under observation: each task gets the next number of its poster, and when it runs, must be the next in number and alone. So a
 * task that is lost, run twice, overtaken, or run beside another of its colour, is found at the first sign.
 *
 * <p>Order is asked for among the tasks of one poster: what the home posts itself is ready at once, what others post is when the home has
 * drained its inbox.
 */
final class CheckedColor {
    final Color color;
    private final CheckedModel model;
    /** By poster: each hart, and last whoever is none. */
    private final long[] posted, ran;
    private Hart running;

    CheckedColor(Color color, CheckedModel model) {
        this.color = color;
        this.model = model;
        posted = new long[model.vcores.length + 1];
        ran = new long[posted.length];
    }

    /** Posts a new task, unless the inbox is full. On a hart or on none. */
    void post() {
        Hart hart = model.simulation.current;
        int poster = hart == null ? posted.length - 1 : hart.id;
        var task = new Numbered(this, poster, posted[poster]++);
        if (!color.home().tryPost(task)) posted[poster]--; // found full before anybody else could go on
    }

    void begin(Object what) {
        Hart hart = model.simulation.current;
        if (running != null) throw new AssertionError(what + " of " + color + " on " + hart + " while the colour runs on " + running);
        running = hart;
    }

    void end() { running = null; }

    CheckedModel model() { return model; }

    void checkFinished() {
        if (!Arrays.equals(posted, ran)) {
            throw new AssertionError(color + ": posted " + Arrays.toString(posted) + ", ran " + Arrays.toString(ran));
        }
        if (running != null) throw new AssertionError(color + " never stopped running on " + running);
    }

    private static final class Numbered extends Task {
        private final CheckedColor owner;
        private final int poster;
        private final long number;

        Numbered(CheckedColor owner, int poster, long number) {
            super(owner.color);
            this.owner = owner;
            this.poster = poster;
            this.number = number;
        }

        @Override protected void run() {
            owner.begin(this);
            if (number != owner.ran[poster]) {
                throw new AssertionError(this + " of " + owner.color + " runs after " + owner.ran[poster] + " others of its poster");
            }
            owner.ran[poster]++;
            owner.model.work();
            owner.end();
        }

        @Override protected void failed(Throwable failure) { owner.model.simulation.fail(failure); }

        @Override public String toString() { return "task " + number + " of poster " + poster; }
    }
}
