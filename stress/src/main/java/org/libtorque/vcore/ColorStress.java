package org.libtorque.vcore;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * {@link Color}: one holder at a time, tasks in the order of posting, none lost, and what belongs to the holder is handed on with the hold.
 *
 * <p>A poster's result is 1 if it became the holder, 0 if the task waits for the holder.
 */
public class ColorStress {
    private static final int NO_LIMIT = Integer.MAX_VALUE;

    private static final class Numbered extends Task {
        final int number;
        int data;

        Numbered(Color color, int number) {
            super(color);
            this.number = number;
        }

        @Override protected void run() { }
    }

    private static int post(Color color, Numbered task) {
        task.data = task.number;
        return color.push(task, NO_LIMIT);
    }

    /** The tasks' numbers as decimal digits, in order; 9 for one whose data are not seen. */
    private static int digits(Color color) {
        int digits = 0;
        for (Task t; (t = color.poll()) != null; ) {
            Numbered n = (Numbered) t;
            digits = 10 * digits + (n.data == n.number ? n.number : 9);
        }
        return digits;
    }

    /** Two posters to an idle colour: one of them holds it, and finds both tasks. */
    @JCStressTest
    @Outcome(id = {"1, 0, 12", "0, 1, 21"}, expect = Expect.ACCEPTABLE, desc = "whoever was first holds it")
    @Outcome(expect = Expect.FORBIDDEN, desc = "two holders, or none, or a task lost")
    @State public static class TwoPosters {
        private final Color color = new Color(null, 1);
        private final Numbered a = new Numbered(color, 1), b = new Numbered(color, 2);

        @Actor public void first(III_Result r) { r.r1 = post(color, a); }

        @Actor public void second(III_Result r) { r.r2 = post(color, b); }

        @Arbiter public void holder(III_Result r) { r.r3 = digits(color); }
    }

    /** The holder has nothing left and lets go, while somebody posts. */
    @JCStressTest
    @Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "let go, and held by the poster")
    @Outcome(id = "0, 0", expect = Expect.ACCEPTABLE, desc = "posted before, and held on")
    @Outcome(id = "1, 0", expect = Expect.FORBIDDEN, desc = "LOST: nobody holds it and a task waits")
    @Outcome(id = "0, 1", expect = Expect.FORBIDDEN, desc = "two holders")
    @State public static class PosterAndLetGo {
        private final Color color = new Color(null, 1);
        private final Numbered task = new Numbered(color, 1);

        public PosterAndLetGo() { color.tryHold(); }

        @Actor public void holder(II_Result r) { r.r1 = color.letGo() ? 1 : 0; }

        @Actor public void poster(II_Result r) { r.r2 = post(color, task); }
    }

    /** What the last holder wrote is seen by the next: fields of the colour are plain. */
    @JCStressTest
    @Outcome(id = {"1, 1", "0, -1"}, expect = Expect.ACCEPTABLE, desc = "handed on, or not")
    @Outcome(expect = Expect.FORBIDDEN, desc = "the next holder misses what the last one wrote")
    @State public static class HandedOnByLettingGo {
        private final Color color = new Color(null, 1);
        private final Numbered task = new Numbered(color, 1);
        private int data;

        public HandedOnByLettingGo() { color.tryHold(); }

        @Actor public void holder() {
            data = 1;
            color.letGo();
        }

        @Actor public void poster(II_Result r) {
            r.r1 = post(color, task);
            r.r2 = r.r1 == 1 ? data : -1;
        }
    }

    /** One poster's tasks come in order and with their data, whatever the holder takes when. */
    @JCStressTest
    @Outcome(id = {"0, 12", "1, 2", "12, 0"}, expect = Expect.ACCEPTABLE, desc = "in order")
    @Outcome(expect = Expect.FORBIDDEN, desc = "lost, doubled, out of order, or without their data")
    @State public static class OrderOfOnePoster {
        private final Color color = new Color(null, 1);
        private final Numbered a = new Numbered(color, 1), b = new Numbered(color, 2);

        public OrderOfOnePoster() { color.tryHold(); }

        @Actor public void poster() {
            post(color, a);
            post(color, b);
        }

        @Actor public void holder(II_Result r) { r.r1 = digits(color); }

        @Arbiter public void rest(II_Result r) { r.r2 = digits(color); }
    }

    /** Two posters race with the holder that takes: each task comes once. */
    @JCStressTest
    @Outcome(id = {"0, 12", "0, 21", "1, 2", "2, 1", "12, 0", "21, 0"}, expect = Expect.ACCEPTABLE, desc = "each once")
    @Outcome(expect = Expect.FORBIDDEN, desc = "lost, doubled, or without its data")
    @State public static class TwoPostersAndTheHolder {
        private final Color color = new Color(null, 1);
        private final Numbered a = new Numbered(color, 1), b = new Numbered(color, 2);

        public TwoPostersAndTheHolder() { color.tryHold(); }

        @Actor public void first() { post(color, a); }

        @Actor public void second() { post(color, b); }

        @Actor public void holder(II_Result r) { r.r1 = digits(color); }

        @Arbiter public void rest(II_Result r) { r.r2 = digits(color); }
    }

    /** The home enters the idle colour for a moment, as for the end of a send, while somebody posts. */
    @JCStressTest
    @Outcome(id = "0, 1, 1", expect = Expect.ACCEPTABLE, desc = "the poster was first, and the home stays out")
    @Outcome(id = "1, 1, 1", expect = Expect.ACCEPTABLE, desc = "the home was there and has gone")
    @Outcome(id = "2, 0, 1", expect = Expect.ACCEPTABLE, desc = "the home was there, cannot let go, and holds on")
    @Outcome(expect = Expect.FORBIDDEN, desc = "two holders, or none, or a task lost")
    @State public static class EnteringAndAPoster {
        private final Color color = new Color(null, 1);
        private final Numbered task = new Numbered(color, 1);

        @Actor public void home(III_Result r) {
            if (!color.tryHold()) r.r1 = 0;
            else r.r1 = !color.hasTasks() && color.letGo() ? 1 : 2;
        }

        @Actor public void poster(III_Result r) { r.r2 = post(color, task); }

        @Arbiter public void holder(III_Result r) { r.r3 = color.isIdle() ? -1 : digits(color); }
    }

    /** Two want to enter. */
    @JCStressTest
    @Outcome(id = {"1, 0", "0, 1"}, expect = Expect.ACCEPTABLE, desc = "one does")
    @Outcome(expect = Expect.FORBIDDEN, desc = "two holders, or none")
    @State public static class TwoWhoEnter {
        private final Color color = new Color(null, 1);

        @Actor public void first(II_Result r) { r.r1 = color.tryHold() ? 1 : 0; }

        @Actor public void second(II_Result r) { r.r2 = color.tryHold() ? 1 : 0; }
    }
}
