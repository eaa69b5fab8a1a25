package org.libtorque.vcore;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;

/** The readers of a {@link Color}: when the last one ends as an exclusive task begins to wait, exactly one of them holds the colour. */
public class ReadersStress {
    private static int bit(boolean b) { return b ? 1 : 0; }

    /** One reader ends while the holder begins to wait. */
    @JCStressTest
    @Outcome(id = "1, 0", expect = Expect.ACCEPTABLE, desc = "the reader passes the colour on")
    @Outcome(id = "0, 1", expect = Expect.ACCEPTABLE, desc = "it had ended: the holder goes on")
    @Outcome(id = "0, 0", expect = Expect.FORBIDDEN, desc = "LOST: nobody holds the colour")
    @Outcome(id = "1, 1", expect = Expect.FORBIDDEN, desc = "two hold it")
    @State public static class LastReader {
        private final Color color = new Color(null, 1);

        public LastReader() { color.readerAdmitted(); }

        @Actor public void reader(II_Result r) { r.r1 = bit(color.readerDone()); }

        @Actor public void holder(II_Result r) { r.r2 = bit(color.isFreeOfReaders()); }
    }

    /** Two readers end. */
    @JCStressTest
    @Outcome(id = {"1, 0, 0", "0, 1, 0", "0, 0, 1"}, expect = Expect.ACCEPTABLE, desc = "one of them holds the colour")
    @Outcome(id = "0, 0, 0", expect = Expect.FORBIDDEN, desc = "LOST: nobody holds the colour")
    @Outcome(id = {"1, 1, 0", "1, 0, 1", "0, 1, 1", "1, 1, 1"}, expect = Expect.FORBIDDEN, desc = "several hold it")
    @State public static class TwoReaders {
        private final Color color = new Color(null, 1);

        public TwoReaders() {
            color.readerAdmitted();
            color.readerAdmitted();
        }

        @Actor public void first(III_Result r) { r.r1 = bit(color.readerDone()); }

        @Actor public void second(III_Result r) { r.r2 = bit(color.readerDone()); }

        @Actor public void holder(III_Result r) { r.r3 = bit(color.isFreeOfReaders()); }
    }

    /** What a reader has written, or read, is before what the exclusive task does. */
    @JCStressTest
    @Outcome(id = "1", expect = Expect.ACCEPTABLE, desc = "the exclusive task sees it, whoever passed the colour on")
    @Outcome(id = "0", expect = Expect.FORBIDDEN, desc = "the exclusive task overtook the reader")
    @State public static class Visibility {
        private final Color color = new Color(null, 1);
        private int written;
        private int seen;

        public Visibility() { color.readerAdmitted(); }

        @Actor public void reader() {
            written = 1;
            if (color.readerDone()) seen = written;
        }

        @Actor public void holder() {
            if (color.isFreeOfReaders()) seen = written;
        }

        @org.openjdk.jcstress.annotations.Arbiter public void check(org.openjdk.jcstress.infra.results.I_Result r) { r.r1 = seen; }
    }
}
