package org.libtorque.vcore;

import java.lang.invoke.VarHandle;
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
 * Who goes idle and who offers work do not miss each other: the steps of {@link Vcore}'s {@code waitForEvents}, {@code offer}, {@code steal} and {@code wakeIfBlocking}, with the
 * real {@link Scoreboard}, {@link Offers} and {@link WakeGate}.
 *
 * <p>The idler's result is 1 if it would block; that of whoever offers or has searched is 1 if it wakes the idler. Both 0 and 1 is a vcore that sleeps beside work that waits.
 */
public class IdleStress {
    private static final int OWNER = 0, IDLER = 1;

    private static int goIdle(Scoreboard board, WakeGate gate) {
        gate.announce();
        board.setIdle(IDLER);
        VarHandle.fullFence();
        return board.mayFind(IDLER) ? 0 : 1;
    }

    private static int wakeSomebody(Scoreboard board, WakeGate gate) {
        if (board.nearestIdle(OWNER) != IDLER) return 0;
        VarHandle.fullFence();
        if (gate.stateOpaque() != WakeGate.BLOCKING) return 0;
        board.clearIdle(IDLER);
        return gate.claimWake() ? 1 : 0;
    }

    /** One goes idle while another offers what waits. */
    @JCStressTest
    @Outcome(id = "0, 0", expect = Expect.ACCEPTABLE, desc = "offered before: seen before sleeping")
    @Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "asleep and woken")
    @Outcome(id = "1, 0", expect = Expect.ACCEPTABLE, desc = "both see each other: a spurious wake-up")
    @Outcome(id = "0, 1", expect = Expect.FORBIDDEN, desc = "LOST: it sleeps beside work that waits")
    @State public static class OfferAndIdler {
        private final Scoreboard board = Scoreboard.flat(2);
        private final WakeGate gate = new WakeGate();
        private final Offers offers = new Offers(board, OWNER);
        private final RunQueue own = new RunQueue();

        public OfferAndIdler() { own.add(new Color(null, 1), 0); }

        @Actor public void owner(II_Result r) {
            offers.offer(own, 1, 0, false, 0);
            VarHandle.fullFence();
            r.r1 = wakeSomebody(board, gate);
        }

        @Actor public void idler(II_Result r) { r.r2 = goIdle(board, gate); }
    }

    /** One goes idle because another searches, who has found something and leaves more. */
    @JCStressTest
    @Outcome(id = "0, 0", expect = Expect.ACCEPTABLE, desc = "the search was over: it will search itself")
    @Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "asleep and woken")
    @Outcome(id = "1, 0", expect = Expect.ACCEPTABLE, desc = "both see each other: a spurious wake-up")
    @Outcome(id = "0, 1", expect = Expect.FORBIDDEN, desc = "LOST: it sleeps beside work that waits")
    @State public static class SearcherAndIdler {
        private final Scoreboard board = Scoreboard.flat(3);
        private final WakeGate gate = new WakeGate();

        public SearcherAndIdler() {
            board.setOffering(2);
            board.beginSearch(OWNER);
        }

        @Actor public void searcher(II_Result r) {
            board.endSearch(OWNER);
            VarHandle.fullFence();
            r.r1 = !board.nobodyOffers() && !board.nobodyIdle() ? wakeSomebody(board, gate) : 0;
        }

        @Actor public void idler(II_Result r) { r.r2 = goIdle(board, gate); }
    }

    /**
     * Somebody is about to wake an idler, and takes its mark off before; it comes back by itself and goes idle again. If it sleeps in the end and is not woken, the mark must be
     * there for the next one. Results: woken, sleeps, marked.
     */
    @JCStressTest
    @Outcome(id = {"1, 0, 0", "1, 0, 1", "1, 1, 0", "1, 1, 1"}, expect = Expect.ACCEPTABLE, desc = "woken, perhaps for nothing")
    @Outcome(id = "0, 1, 1", expect = Expect.ACCEPTABLE, desc = "too late for the first time, and marked for the second")
    @Outcome(id = "0, 1, 0", expect = Expect.FORBIDDEN, desc = "LOST: it sleeps, nobody wakes it, and nobody will find it")
    @Outcome(expect = Expect.FORBIDDEN, desc = "cannot be")
    @State public static class MarkOfALaterIdling {
        private final Scoreboard board = Scoreboard.flat(2);
        private final WakeGate gate = new WakeGate();

        public MarkOfALaterIdling() {
            gate.announce();
            board.setIdle(IDLER);
        }

        @Actor public void waker(III_Result r) { r.r1 = wakeSomebody(board, gate); }

        @Actor public void idler() {
            gate.withdraw();
            board.clearIdle(IDLER);
            gate.announce();
            board.setIdle(IDLER);
        }

        @Arbiter public void end(III_Result r) {
            r.r2 = gate.stateOpaque() == WakeGate.BLOCKING ? 1 : 0;
            r.r3 = board.isIdle(IDLER) && board.nearestIdle(OWNER) == IDLER ? 1 : 0;
        }
    }

    /** The last one leaves the set while another enters; the latter then finds that somebody is in it: itself. */
    @JCStressTest
    @Outcome(id = "1", expect = Expect.ACCEPTABLE, desc = "it sees itself")
    @Outcome(id = "0", expect = Expect.FORBIDDEN, desc = "hidden, for whoever looks now")
    @State public static class OneLeavesAnotherEnters {
        private final Scoreboard board = Scoreboard.flat(64);

        public OneLeavesAnotherEnters() { board.setIdle(0); }

        @Actor public void leaver() { board.clearIdle(0); }

        @Actor public void enterer(I_Result r) {
            board.setIdle(63);
            r.r1 = board.nobodyIdle() ? 0 : 1;
        }
    }

    /**
     * As before with more vcores than a word holds: one goes idle and finds nothing, then work is offered and whoever offers sees nobody idle, since the one who leaves hides him. That one then
     * finds both. Results: whether anybody was seen by who offers; whether the leaver, who makes up for it, would wake the idle one.
     */
    @JCStressTest
    @Outcome(id = "1, 0", expect = Expect.ACCEPTABLE, desc = "seen")
    @Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "seen by both: a spurious wake-up")
    @Outcome(id = "0, 1", expect = Expect.ACCEPTABLE_INTERESTING, desc = "hidden, and found by who has hidden him")
    @Outcome(id = "0, 0", expect = Expect.FORBIDDEN, desc = "LOST: he sleeps beside work that waits")
    @State public static class HiddenSleeper {
        private final Scoreboard board = Scoreboard.flat(100);

        public HiddenSleeper() { board.setIdle(0); }

        @Actor public void leaver(II_Result r) { r.r2 = board.leavesIdle(0) >= 0 ? 1 : 0; }

        @Actor public void idlerAndOwner(II_Result r) {
            board.setIdle(63);
            VarHandle.fullFence();
            board.setOffering(70);
            VarHandle.fullFence();
            r.r1 = board.nobodyIdle() ? 0 : 1;
        }
    }

    /** As before with more vcores than a word holds: hidden for a moment, but not in the end. Results: seen at once, found in the end. */
    @JCStressTest
    @Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "it sees itself")
    @Outcome(id = "0, 1", expect = Expect.ACCEPTABLE_INTERESTING, desc = "hidden for a moment, as described in Scoreboard")
    @Outcome(expect = Expect.FORBIDDEN, desc = "hidden for good")
    @State public static class OneLeavesAnotherEntersOfMany {
        private final Scoreboard board = Scoreboard.flat(100);

        public OneLeavesAnotherEntersOfMany() { board.setIdle(0); }

        @Actor public void leaver() { board.clearIdle(0); }

        @Actor public void enterer(II_Result r) {
            board.setIdle(63);
            r.r1 = board.nobodyIdle() ? 0 : 1;
        }

        @Arbiter public void end(II_Result r) { r.r2 = !board.nobodyIdle() && board.nearestIdle(5) == 63 ? 1 : 0; }
    }
}
