package org.libtorque.memory;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/** Objects of a {@link ObjectChunk} that other threads give back. No memory is behind them. */
public class ObjectChunkStress {
    private static ObjectChunk chunk() { return new ObjectChunk(0, 0, 1 << 20, 64, 2, null); }

    /** Two give back: both objects come back. */
    @JCStressTest
    @Outcome(id = "2, 2", expect = Expect.ACCEPTABLE, desc = "both")
    @Outcome(expect = Expect.FORBIDDEN, desc = "one is lost")
    @State public static class TwoGiveBack {
        private final ObjectChunk chunk = chunk();
        private final long a = chunk.take(), b = chunk.take();

        @Actor public void first() { chunk.giveBack(a); }

        @Actor public void second() { chunk.giveBack(b); }

        @Arbiter public void all(II_Result r) {
            r.r1 = chunk.takeReturned();
            r.r2 = chunk.take() != chunk.take() ? 2 : 1;
        }
    }

    /** The owner looks meanwhile: it comes back once. */
    @JCStressTest
    @Outcome(id = {"1, 0", "0, 1"}, expect = Expect.ACCEPTABLE, desc = "now or later")
    @Outcome(expect = Expect.FORBIDDEN, desc = "lost or doubled")
    @State public static class TheOwnerTakesMeanwhile {
        private final ObjectChunk chunk = chunk();
        private final long a = chunk.take();

        @Actor public void other() { chunk.giveBack(a); }

        @Actor public void owner(II_Result r) { r.r1 = chunk.takeReturned(); }

        @Arbiter public void later(II_Result r) { r.r2 = chunk.takeReturned(); }
    }

    /** The same object twice: one of them is told. */
    @JCStressTest
    @Outcome(id = "1", expect = Expect.ACCEPTABLE, desc = "found out")
    @Outcome(expect = Expect.FORBIDDEN, desc = "the lists are spoilt")
    @State public static class TheSameTwice {
        private final ObjectChunk chunk = chunk();
        private final long a = chunk.take();
        private int first, second;

        private int give() {
            try {
                chunk.giveBack(a);
                return 0;
            } catch (IllegalStateException e) {
                return 1;
            }
        }

        @Actor public void first() { first = give(); }

        @Actor public void second() { second = give(); }

        @Arbiter public void told(I_Result r) { r.r1 = first + second; }
    }
}
