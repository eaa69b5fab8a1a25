package org.libtorque.vcore.uring;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.IIII_Result;
import org.openjdk.jcstress.infra.results.III_Result;

/**
 * {@link UringInput} with home and runner at work at the same time. Buffers are 1, 2, …; 0 stands for 'nothing there', 8 for a stall, 9 for the end.
 */
public class UringInputStress {
    private static final int STALL = 8, END = 9;

    /** An input whose buffers are of one queue, number 0. */
    private static UringInput input() {
        var queues = new UringQueues();
        queues.add(null, new int[8]);
        return new UringInput(null, queues);
    }

    private static int take(UringInput input) {
        int entry = input.peek();
        switch (entry) {
            case UringInput.NONE -> { return 0; }
            case UringInput.END -> { return input.end() == -7 ? END : -1; }
            case UringInput.STALLED -> {
                input.takeMark();
                return STALL;
            }
            default -> {
                input.takeBuffer();
                return entry;
            }
        }
    }

    /** Data and the end, while the runner takes. */
    @JCStressTest
    @Outcome(id = {"0, 0, 1, 2", "0, 1, 2, 9", "1, 0, 2, 9", "1, 2, 9, 9"}, expect = Expect.ACCEPTABLE, desc = "in order")
    @Outcome(expect = Expect.FORBIDDEN, desc = "lost, doubled, overtaken or not wholly visible")
    @State public static class DataAndTheEnd {
        private final UringInput input = input();

        @Actor public void home() {
            input.push(1);
            input.push(2);
            input.pushEnd(-7);
        }

        @Actor public void runner(IIII_Result r) {
            r.r1 = take(input);
            r.r2 = take(input);
        }

        @Arbiter public void rest(IIII_Result r) {
            r.r3 = take(input);
            r.r4 = take(input);
        }
    }

    /**
     * A receive ends when data may be waiting. Home arms it at once if it sees none (1), else leaves the mark, and tells the runner if it may have
     * gone (2); the runner takes what it finds and goes. Somebody must arm.
     */
    @JCStressTest
    @Outcome(id = "1, 1, 0", expect = Expect.ACCEPTABLE, desc = "the runner was through, and home has armed")
    @Outcome(id = "1, 2, 8", expect = Expect.ACCEPTABLE, desc = "the runner took the data, not the mark, and is told to come for it")
    @Outcome(id = "9, 2, 0", expect = Expect.ACCEPTABLE, desc = "the runner has passed the mark, and is told in vain")
    @Outcome(id = "9, 0, 0", expect = Expect.ACCEPTABLE, desc = "the runner has passed the mark")
    @Outcome(expect = Expect.FORBIDDEN, desc = "the receive is never armed again, or twice")
    @State public static class AReceiveEnds {
        private final UringInput input = input();

        public AReceiveEnds() { input.push(1); }

        @Actor public void home(III_Result r) {
            if (input.waiting() == 0) r.r2 = 1;
            else if (input.pushStalled(false)) r.r2 = 2;
        }

        @Actor public void runner(III_Result r) {
            for (int entry; (entry = take(input)) != 0; ) r.r1 += entry;
        }

        /** What a runner that is told finds. */
        @Arbiter public void later(III_Result r) { r.r3 = take(input); }
    }
}
