package org.libtorque.vcore;

import java.lang.invoke.VarHandle;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/**
 * The bit that says that a vcore is to be parked, or to work again, is not missed: the steps of {@link Vcore#park}, {@link Vcore#resume} and {@code waitForEvents}, with the real
 * {@link Scoreboard} and {@link WakeGate}. Whoever changes the bit has 1 if he wakes the vcore, which has 1 if it would block as if nothing had changed.
 */
public class ParkStress {
    private static final int POSITION = 1;

    private static int block(Scoreboard board, WakeGate gate, boolean parked) {
        gate.announce();
        return board.isParked(POSITION) == parked ? 1 : 0;
    }

    private static int wake(WakeGate gate) {
        VarHandle.fullFence();
        return gate.stateOpaque() == WakeGate.BLOCKING && gate.claimWake() ? 1 : 0;
    }

    /** It is to be parked while it goes to sleep. */
    @JCStressTest
    @Outcome(id = "0, 0", expect = Expect.ACCEPTABLE, desc = "seen before sleeping")
    @Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "asleep and woken")
    @Outcome(id = "1, 0", expect = Expect.ACCEPTABLE, desc = "both see each other: a spurious wake-up")
    @Outcome(id = "0, 1", expect = Expect.FORBIDDEN, desc = "LOST: it sleeps and keeps what others should have")
    @State public static class ParkAndSleeper {
        private final Scoreboard board = Scoreboard.flat(2);
        private final WakeGate gate = new WakeGate();

        @Actor public void other(II_Result r) {
            board.park(POSITION);
            r.r1 = wake(gate);
        }

        @Actor public void sleeper(II_Result r) { r.r2 = block(board, gate, false); }
    }

    /** It is to work again while it goes to sleep; with more vcores than a word of the set holds. */
    @JCStressTest
    @Outcome(id = "0, 0", expect = Expect.ACCEPTABLE, desc = "seen before sleeping")
    @Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "asleep and woken")
    @Outcome(id = "1, 0", expect = Expect.ACCEPTABLE, desc = "both see each other: a spurious wake-up")
    @Outcome(id = "0, 1", expect = Expect.FORBIDDEN, desc = "LOST: it sleeps on for ever")
    @State public static class ResumeAndSleeper {
        private final Scoreboard board = Scoreboard.flat(100);
        private final WakeGate gate = new WakeGate();

        public ResumeAndSleeper() { board.park(POSITION); }

        @Actor public void other(II_Result r) {
            board.resume(POSITION);
            r.r1 = wake(gate);
        }

        @Actor public void sleeper(II_Result r) { r.r2 = block(board, gate, true); }
    }

    /** Two neighbours' bits share a word: neither change undoes the other. Bit 1 of the result: the second is parked, bit 0: the first is; bit 2: the summary knows. */
    @JCStressTest
    @Outcome(id = "6", expect = Expect.ACCEPTABLE, desc = "the first works, the second is parked")
    @Outcome(expect = Expect.FORBIDDEN, desc = "one change undid the other")
    @State public static class TwoNeighbours {
        private final Scoreboard board = Scoreboard.flat(100);

        public TwoNeighbours() { board.park(0); }

        @Actor public void first() { board.resume(0); }

        @Actor public void second() { board.park(1); }

        @Arbiter public void end(I_Result r) { r.r1 = (board.isParked(0) ? 1 : 0) | (board.isParked(1) ? 2 : 0) | (board.somebodyParked() ? 4 : 0); }
    }
}
