package org.libtorque.bench;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.libtorque.memory.BlockPool;
import org.libtorque.vcore.Balance;
import org.libtorque.vcore.Clock;
import org.libtorque.vcore.Scoreboard;
import org.libtorque.vcore.Vcore;
import org.libtorque.vcore.VcoreThread;

/** Vcores that are alone, without a kernel behind them, for measuring what the loop itself costs. */
final class LoneVcore {
    /** As TorqueOptions has it. */
    private static final int POST_LIMIT = 4096;
    private static final int BLOCK_BYTES = 4096;

    private LoneVcore() {}

    /** Makes one, yet to be bound. A failure of a task ends the measurement: it is thrown out of the handler, hence logged, and shows as a hang at worst. */
    static Vcore make(Clock clock, Balance balance) {
        return new Vcore(0, 0, clock, new BlockPool(BLOCK_BYTES, 128 * BLOCK_BYTES), POST_LIMIT, (where, failure) -> {
            throw new IllegalStateException("a task failed", failure);
        }, Scoreboard.flat(1), balance);
    }

    /**
     * JMH's threads as threads of vcores, which find their vcore faster than others do: {@code -Djmh.executor=CUSTOM} and the name of this class. A benchmark has the thread
     * play the vcore that it wants.
     */
    public static final class Threads extends ThreadPoolExecutor {
        /** Called by JMH. */
        public Threads(int count, String prefix) {
            super(count, count, 0, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), body -> {
                var thread = new VcoreThread(make(Clock.SYSTEM, Balance.STATIC), body);
                thread.setDaemon(true);
                thread.setName(prefix);
                return thread;
            });
        }
    }
}
