package org.libtorque.memory;

import org.libtorque.sys.NativeMemory;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * {@link BlockPool} whose blocks are given back by others. Blocks are numbered 1, 2 in the order in which they lie; 0 stands for 'no block to be
 * had'. The arbiter runs when all actors have ended, as the owner, and closes the pool: there is nothing else that would.
 */
public class BlockPoolStress {
    /** Never mapped: others give back through it, as a thread does through the pool that it owns. */
    private static final BlockPool ELSEWHERE = new BlockPool(64, 64);

    private static int number(long block, long first) {
        return block == 0 ? 0 : block == first ? 1 : 2;
    }

    /** Two threads give back at once: the owner gets both, each once. */
    @JCStressTest
    @Outcome(id = {"1, 2, 0", "2, 1, 0"}, expect = Expect.ACCEPTABLE, desc = "both are back")
    @Outcome(expect = Expect.FORBIDDEN, desc = "a block was lost or handed out twice")
    @State public static class TwoGiveBack {
        private final BlockPool pool = new BlockPool(64, 2 * 64);
        private final long first = pool.acquire();
        private final long second = pool.acquire();

        @Actor public void one() { ELSEWHERE.releaseAnywhere(first); }

        @Actor public void other() { ELSEWHERE.releaseAnywhere(second); }

        @Arbiter public void owner(III_Result r) {
            r.r1 = number(pool.acquire(), first);
            r.r2 = number(pool.acquire(), first);
            r.r3 = number(pool.acquire(), first);
            pool.close();
        }
    }

    /** One gives back two blocks while the owner, which has none left, asks for one twice. */
    @JCStressTest
    @Outcome(id = {"0, 0, 2", "0, 1, 1", "0, 2, 1", "1, 0, 1", "1, 2, 0", "2, 1, 0"}, expect = Expect.ACCEPTABLE,
            desc = "early or late, each once")
    @Outcome(expect = Expect.FORBIDDEN, desc = "a block was lost or handed out twice")
    @State public static class TheOwnerAsksMeanwhile {
        private final BlockPool pool = new BlockPool(64, 2 * 64);
        private final long first = pool.acquire();
        private final long second = pool.acquire();

        @Actor public void other() {
            ELSEWHERE.releaseAnywhere(first);
            ELSEWHERE.releaseAnywhere(second);
        }

        @Actor public void owner(III_Result r) {
            r.r1 = number(pool.acquire(), first);
            r.r2 = number(pool.acquire(), first);
        }

        /** Counts what is left. */
        @Arbiter public void count(III_Result r) {
            while (pool.acquire() != 0) r.r3++;
            pool.close();
        }
    }

    /** What was written to a block before it was given back is not seen to change under the one who gets it. */
    @JCStressTest
    @Outcome(id = {"0, 7", "1, 9"}, expect = Expect.ACCEPTABLE, desc = "not back yet; back, with all that was written")
    @Outcome(expect = Expect.FORBIDDEN, desc = "an older content shines through")
    @State public static class ContentGoesAlong {
        private final BlockPool pool = new BlockPool(64, 64);
        private final long block = pool.acquire();

        public ContentGoesAlong() { NativeMemory.putInt(block + 32, 7); }

        @Actor public void other() {
            NativeMemory.putInt(block + 32, 9);
            ELSEWHERE.releaseAnywhere(block);
        }

        @Actor public void owner(II_Result r) {
            long got = pool.acquire();
            r.r1 = got == 0 ? 0 : 1;
            r.r2 = got == 0 ? 7 : NativeMemory.getInt(got + 32);
        }

        @Arbiter public void end() { pool.close(); }
    }
}
