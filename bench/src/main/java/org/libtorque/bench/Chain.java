package org.libtorque.bench;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.libtorque.sys.Handles;

/** Keeps a chain's fields off the lines of whatever lies in front of it. */
@SuppressWarnings("unused")
abstract class ChainPad0 {
    private int pff;
    private long p00, p01, p02, p03, p04, p05, p06, p07, p08, p09, p0a, p0b, p0c, p0d, p0e, p0f;
}

/** What a chain's callbacks write; see {@link Chain}. */
abstract class ChainFields extends ChainPad0 {
    /** Callbacks that have run: written by the one that runs, read by whoever measures. */
    long count;
    int seed;
}

/** Keeps a chain's fields off the lines of whatever lies behind it. */
@SuppressWarnings("unused")
abstract class ChainPad1 extends ChainFields {
    private long p10, p11, p12, p13, p14, p15, p16, p17, p18, p19, p1a, p1b, p1c, p1d, p1e, p1f;
}

/**
 * A chain of small callbacks (the synthetic benchmark of Zeldovich et al. 2003): each computes a little and has the next one run. At most one of a chain's callbacks is
 * queued or runs at a time, and whoever runs the next one sees what the one before has written: that is the duty of the {@link ChainRunner}.
 */
final class Chain extends ChainPad1 {
    private static final VarHandle COUNT = Handles.field(MethodHandles.lookup(), ChainFields.class, "count", long.class);

    /** Chains that begin and end together. */
    static final class Group {
        final List<Chain> chains = new ArrayList<>();
        private final int burnSteps;
        private final CountDownLatch ended;
        private volatile boolean stopped;

        /** @param burnSteps what each callback burns, in steps of {@link Burn#spin} */
        Group(int size, int burnSteps) {
            this.burnSteps = burnSteps;
            ended = new CountDownLatch(size);
            for (int i = 0; i < size; i++) chains.add(new Chain(this, i));
        }

        /** Returns how many callbacks of each chain have run. Any thread. */
        long[] counts() { return chains.stream().mapToLong(chain -> (long) COUNT.getOpaque(chain)).toArray(); }

        /**
         * Lets no callback have another one run, and waits until all chains have come to their end.
         *
         * @throws IllegalStateException if they have not by then: somebody has lost a callback
         */
        void stop(long timeout, TimeUnit unit) throws InterruptedException {
            stopped = true;
            if (!ended.await(timeout, unit)) throw new IllegalStateException(ended.getCount() + " chains never came to their end");
        }
    }

    private final Group group;
    /** Its place in the group, from 0. */
    final int index;

    private Chain(Group group, int index) {
        this.group = group;
        this.index = index;
        seed = index;
    }

    /** The body of a callback. Returns whether the next one is to be run; after that, nothing of this chain may be touched any more. */
    boolean step() {
        seed = Burn.spin(group.burnSteps, seed);
        COUNT.setOpaque(this, count + 1);
        if (!group.stopped) return true;
        group.ended.countDown();
        return false;
    }
}
