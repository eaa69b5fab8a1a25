package org.libtorque.vcore;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.IIII_Result;

/** {@link Offers}: the owner and thieves; each colour goes to one of them, and the mark on the board agrees with what is on offer. */
public class OffersStress {
    private static Color color(int id, RunQueue queue) {
        Color color = new Color(null, id);
        RunQueue.stamp(color, null, 0);
        queue.add(color, 0);
        return color;
    }

    private static int count(Color first) {
        int n = 0;
        for (Color color = first; color != null; color = color.next) n++;
        return n;
    }

    /** 1 if the mark agrees with the contents, -1 if not. */
    private static int agrees(Offers offers, Scoreboard board) {
        offers.checkInvariants();
        return board.isOffering(0) == (offers.first() != RunQueue.NONE) && board.nobodyOffers() == !board.isOffering(0) ? 1 : -1;
    }

    /** One colour on offer: the owner takes it back, or a thief steals it. */
    @JCStressTest
    @Outcome(id = {"1, 0, 1", "0, 1, 1"}, expect = Expect.ACCEPTABLE, desc = "one has it")
    @Outcome(expect = Expect.FORBIDDEN, desc = "both or none have it, or the mark is wrong")
    @State public static class OwnerAndThief {
        private final Scoreboard board = Scoreboard.flat(2);
        private final Offers offers = new Offers(board, 0);

        public OwnerAndThief() {
            var own = new RunQueue();
            color(1, own);
            offers.offer(own, 1, 0, false, 0);
        }

        @Actor public void owner(III_Result r) { r.r1 = count(offers.takeFirst(RunQueue.NONE)); }

        @Actor public void thief(III_Result r) { r.r2 = count(offers.steal(2)); }

        @Arbiter public void mark(III_Result r) { r.r3 = agrees(offers, board); }
    }

    /** The owner offers more while a thief takes: nothing is lost, and the mark ends as it should. The fourth result is what is left with the owner and on offer. */
    @JCStressTest
    @Outcome(id = {"1, 0, 1, 2", "1, 1, 1, 1"}, expect = Expect.ACCEPTABLE, desc = "offered; the thief had one, or found it locked")
    @Outcome(id = "0, 1, 1, 1", expect = Expect.ACCEPTABLE, desc = "the owner found the thief inside and keeps the second")
    @Outcome(expect = Expect.FORBIDDEN, desc = "lost, doubled, or the mark is wrong")
    @State public static class OfferingAndAThief {
        private final Scoreboard board = Scoreboard.flat(2);
        private final Offers offers = new Offers(board, 0);
        private final RunQueue own = new RunQueue();

        public OfferingAndAThief() {
            color(1, own);
            offers.offer(own, 1, 0, false, 0);
            color(2, own);
        }

        @Actor public void owner(IIII_Result r) { r.r1 = offers.offer(own, 1, 0, false, 0) >= 0 ? 1 : 0; }

        @Actor public void thief(IIII_Result r) { r.r2 = count(offers.steal(1)); }

        @Arbiter public void rest(IIII_Result r) {
            r.r3 = agrees(offers, board);
            int left = own.size();
            while (offers.takeFirst(RunQueue.NONE) != null) left++;
            r.r4 = left;
        }
    }

    /** Two thieves and one colour. */
    @JCStressTest
    @Outcome(id = {"1, 0, 1", "0, 1, 1"}, expect = Expect.ACCEPTABLE, desc = "one has it")
    @Outcome(expect = Expect.FORBIDDEN, desc = "both or none have it, or the mark is wrong")
    @State public static class TwoThieves {
        private final Scoreboard board = Scoreboard.flat(3);
        private final Offers offers = new Offers(board, 0);

        public TwoThieves() {
            var own = new RunQueue();
            color(1, own);
            offers.offer(own, 1, 0, false, 0);
        }

        @Actor public void first(III_Result r) { r.r1 = count(offers.steal(2)); }

        @Actor public void second(III_Result r) { r.r2 = count(offers.steal(2)); }

        @Arbiter public void mark(III_Result r) { r.r3 = agrees(offers, board); }
    }

    /** What is only laid out: the owner takes it back while a thief, who finds it overdue, takes one and puts the rest on offer. The fourth result is what is left there. */
    @JCStressTest
    @Outcome(id = {"2, 0, 1, 0", "1, 1, 1, 0"}, expect = Expect.ACCEPTABLE, desc = "each has one owner, and the mark is right")
    @Outcome(expect = Expect.FORBIDDEN, desc = "lost, doubled, or the mark is wrong")
    @State public static class LaidOutAndAThief {
        private final Scoreboard board = Scoreboard.flat(2);
        private final Offers offers = new Offers(board, 0);

        public LaidOutAndAThief() {
            var own = new RunQueue();
            color(1, own);
            color(2, own);
            offers.layOut(own, 2, 0);
        }

        @Actor public void owner(IIII_Result r) {
            var own = new RunQueue();
            int got = count(offers.takeBack(own, RunQueue.NONE, 1_000_000, 0)) + own.size();
            r.r1 = got;
        }

        @Actor public void thief(IIII_Result r) { r.r2 = count(offers.stealAndAnnounce(1, Long.MAX_VALUE)); }

        @Arbiter public void rest(IIII_Result r) {
            offers.checkInvariants();
            int left = 0;
            boolean announced = board.isOffering(0);
            while (offers.takeFirst(RunQueue.NONE) != null) left++;
            r.r3 = announced == left > 0 && board.nobodyOffers() ? 1 : -1;
            r.r4 = left;
        }
    }
}
