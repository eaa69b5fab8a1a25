package org.libtorque.vcore;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/**
 * {@link Inbox}: no colour is lost or doubled, each poster's come in order, and the owner sees what their posters wrote. Colours are told by their numbers; what a poster wrote
 * is a plain field of the colour.
 */
public class InboxStress {
    private static Color color(int id) { return new Color(null, id); }

    private static void put(Inbox inbox, Color color) {
        color.cost = (int) color.id();
        inbox.put(color);
    }

    /** The numbers as decimal digits, in order; 9 for one whose field is not its number. */
    private static int digits(Color first) {
        int digits = 0;
        for (Color color = first; color != null; color = color.next) digits = 10 * digits + (color.cost == color.id() ? color.cost : 9);
        return digits;
    }

    /** One poster and the owner. */
    @JCStressTest
    @Outcome(id = "0, 1", expect = Expect.ACCEPTABLE, desc = "taken before it was there")
    @Outcome(id = "1, 0", expect = Expect.ACCEPTABLE, desc = "taken")
    @Outcome(expect = Expect.FORBIDDEN, desc = "lost, doubled, or not what the poster wrote")
    @State public static class EmptyThenTake {
        private final Inbox inbox = new Inbox();
        private final Color a = color(1);

        @Actor public void poster() { put(inbox, a); }

        @Actor public void owner(II_Result r) { r.r1 = digits(inbox.takeAll()); }

        @Arbiter public void rest(II_Result r) { r.r2 = digits(inbox.takeAll()); }
    }

    /** One poster's two colours come in order, whenever they are taken. */
    @JCStressTest
    @Outcome(id = {"0, 0, 12", "0, 1, 2", "0, 12, 0", "1, 0, 2", "1, 2, 0", "12, 0, 0"}, expect = Expect.ACCEPTABLE, desc = "in order")
    @Outcome(expect = Expect.FORBIDDEN, desc = "lost, doubled, out of order, or not what the poster wrote")
    @State public static class OnePosterTwice {
        private final Inbox inbox = new Inbox();
        private final Color a = color(1), b = color(2);

        @Actor public void poster() {
            put(inbox, a);
            put(inbox, b);
        }

        @Actor public void owner(III_Result r) {
            r.r1 = digits(inbox.takeAll());
            r.r2 = digits(inbox.takeAll());
        }

        @Arbiter public void rest(III_Result r) { r.r3 = digits(inbox.takeAll()); }
    }

    /** Two posters: both colours arrive. */
    @JCStressTest
    @Outcome(id = {"12", "21"}, expect = Expect.ACCEPTABLE, desc = "both, in either order")
    @Outcome(expect = Expect.FORBIDDEN, desc = "lost or doubled")
    @State public static class TwoPosters {
        private final Inbox inbox = new Inbox();
        private final Color a = color(1), b = color(2);

        @Actor public void first() { put(inbox, a); }

        @Actor public void second() { put(inbox, b); }

        @Arbiter public void owner(I_Result r) { r.r1 = digits(inbox.takeAll()); }
    }

    /** The owner sees what a poster wrote also if it finds that one's colour behind another's. */
    @JCStressTest
    @Outcome(id = {"0, 12", "0, 21", "1, 2", "2, 1", "12, 0", "21, 0"}, expect = Expect.ACCEPTABLE, desc = "both arrive")
    @Outcome(expect = Expect.FORBIDDEN, desc = "lost, doubled, or not what the poster wrote")
    @State public static class TwoPostersAndTheOwner {
        private final Inbox inbox = new Inbox();
        private final Color a = color(1), b = color(2);

        @Actor public void first() { put(inbox, a); }

        @Actor public void second() { put(inbox, b); }

        @Actor public void owner(II_Result r) { r.r1 = digits(inbox.takeAll()); }

        @Arbiter public void rest(II_Result r) { r.r2 = digits(inbox.takeAll()); }
    }

    /** The owner and one who takes over from it: each colour is one's, with what its poster wrote. */
    @JCStressTest
    @Outcome(id = {"12, 0", "0, 12"}, expect = Expect.ACCEPTABLE, desc = "one has taken both")
    @Outcome(expect = Expect.FORBIDDEN, desc = "lost, doubled, or not what the poster wrote")
    @State public static class OwnerAndHelper {
        private final Inbox inbox = new Inbox();

        public OwnerAndHelper() {
            put(inbox, color(1));
            put(inbox, color(2));
        }

        @Actor public void owner(II_Result r) { r.r1 = digits(inbox.takeAll()); }

        @Actor public void helper(II_Result r) { r.r2 = digits(inbox.takeAll()); }
    }
}
