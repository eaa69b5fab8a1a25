package org.libtorque.vcore;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * {@link WakeGate} with the real {@link Inbox} between posters and owner: nobody may sleep on a message.
 *
 * <p>A poster's result is 1 if {@code claimWake} told it to wake the owner. The owner's is 1 if its re-check found
 * nothing, so that it would block.
 *
 * <p>That these tests see what they are for was checked on x86-64 by breaking the gate. Without the fence of {@code
 * announce}, and likewise without that of {@code claimWake}, {@code OnePoster} and {@code
 * SecondRound} report the lost wake-up. With a plain store for the compare-and-set
 * of {@code claimWake}, {@code TwoClaims} reports two wake-ups in every twentieth.
 *
 * <p>Tests of three actors need three CPUs; jcstress leaves them out where there are fewer.
 */
public class WakeGateStress {
    private static int bit(boolean b) { return b ? 1 : 0; }

    private static int post(Inbox inbox, WakeGate gate) {
        inbox.put(new Color(null, 1));
        return bit(gate.claimWake());
    }

    /** The owner goes to sleep while one message comes. */
    @JCStressTest
    @Outcome(id = "0, 0", expect = Expect.ACCEPTABLE, desc = "posted before the announcement: the re-check sees it")
    @Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "the owner blocks and is woken")
    @Outcome(id = "1, 0", expect = Expect.ACCEPTABLE, desc = "both see each other: a spurious wake-up")
    @Outcome(id = "0, 1", expect = Expect.FORBIDDEN, desc = "LOST: the owner blocks and nobody wakes it")
    @State public static class OnePoster {
        private final Inbox inbox = new Inbox();
        private final WakeGate gate = new WakeGate();

        @Actor public void poster(II_Result r) { r.r1 = post(inbox, gate); }

        @Actor public void owner(II_Result r) {
            gate.announce();
            r.r2 = bit(inbox.isEmpty());
        }
    }

    /** Two posters: if the owner blocks, exactly one wakes it. */
    @JCStressTest
    @Outcome(id = {"1, 0, 1", "0, 1, 1"}, expect = Expect.ACCEPTABLE, desc = "the owner blocks and one poster wakes it")
    @Outcome(id = "0, 0, 0", expect = Expect.ACCEPTABLE, desc = "the re-check sees a message")
    @Outcome(id = {"1, 0, 0", "0, 1, 0"}, expect = Expect.ACCEPTABLE, desc = "a spurious wake-up")
    @Outcome(id = "0, 0, 1", expect = Expect.FORBIDDEN, desc = "LOST: the owner blocks and nobody wakes it")
    @Outcome(id = {"1, 1, 0", "1, 1, 1"}, expect = Expect.FORBIDDEN, desc = "two wake-ups in one round")
    @State public static class TwoPosters {
        private final Inbox inbox = new Inbox();
        private final WakeGate gate = new WakeGate();

        @Actor public void first(III_Result r) { r.r1 = post(inbox, gate); }

        @Actor public void second(III_Result r) { r.r2 = post(inbox, gate); }

        @Actor public void owner(III_Result r) {
            gate.announce();
            r.r3 = bit(inbox.isEmpty());
        }
    }

    /**
     * The owner comes back from one round, as after a timeout, drains (second result: it got the message), and goes
     * to sleep again (third). A poster that claimed in the first round sends a token that ends the second, so 1, 0, 1
     * is no loss.
     */
    @JCStressTest
    @Outcome(id = {"0, 1, 1", "1, 1, 1"}, expect = Expect.ACCEPTABLE, desc = "drained between the rounds")
    @Outcome(id = {"0, 0, 0", "1, 0, 0"}, expect = Expect.ACCEPTABLE, desc = "seen by the second re-check")
    @Outcome(id = "1, 0, 1", expect = Expect.ACCEPTABLE, desc = "the owner blocks and is woken")
    @Outcome(id = "0, 0, 1", expect = Expect.FORBIDDEN, desc = "LOST: the owner blocks and nobody wakes it")
    @Outcome(id = {"0, 1, 0", "1, 1, 0"}, expect = Expect.FORBIDDEN, desc = "one message was seen twice")
    @State public static class SecondRound {
        private final Inbox inbox = new Inbox();
        private final WakeGate gate = new WakeGate();

        @Actor public void poster(III_Result r) { r.r1 = post(inbox, gate); }

        @Actor public void owner(III_Result r) {
            gate.announce();
            gate.withdraw();
            r.r2 = bit(inbox.takeAll() != null);
            gate.announce();
            r.r3 = bit(inbox.isEmpty());
        }
    }

    /** The owner blocks: exactly one of two posters wakes it. */
    @JCStressTest
    @Outcome(id = {"1, 0", "0, 1"}, expect = Expect.ACCEPTABLE, desc = "one wakes")
    @Outcome(id = "1, 1", expect = Expect.FORBIDDEN, desc = "two wake-ups in one round")
    @Outcome(id = "0, 0", expect = Expect.FORBIDDEN, desc = "LOST: nobody wakes the owner")
    @State public static class TwoClaims {
        private final WakeGate gate = new WakeGate();

        public TwoClaims() { gate.announce(); }

        @Actor public void first(II_Result r) { r.r1 = bit(gate.claimWake()); }

        @Actor public void second(II_Result r) { r.r2 = bit(gate.claimWake()); }
    }

    /** The owner has announced; two posters and its own withdrawal race. */
    @JCStressTest
    @Outcome(id = "0, 0", expect = Expect.ACCEPTABLE, desc = "withdrawn first")
    @Outcome(id = {"1, 0", "0, 1"}, expect = Expect.ACCEPTABLE, desc = "one wakes, perhaps for nothing")
    @Outcome(id = "1, 1", expect = Expect.FORBIDDEN, desc = "two wake-ups in one round")
    @State public static class TwoClaimsAndAWithdrawal {
        private final WakeGate gate = new WakeGate();

        public TwoClaimsAndAWithdrawal() { gate.announce(); }

        @Actor public void first(II_Result r) { r.r1 = bit(gate.claimWake()); }

        @Actor public void second(II_Result r) { r.r2 = bit(gate.claimWake()); }

        @Actor public void owner() { gate.withdraw(); }
    }
}
