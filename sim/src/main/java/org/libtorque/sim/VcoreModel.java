package org.libtorque.sim;

import org.libtorque.memory.BlockPool;
import org.libtorque.vcore.Balance;
import org.libtorque.vcore.EventSource;
import org.libtorque.vcore.Scoreboard;
import org.libtorque.vcore.Vcore;

/** This library's loop: a {@link Vcore} on each hart, the real code, with its own run queue, inbox, timers and colours. */
class VcoreModel extends Model {
    private static final int POST_LIMIT = 4096;
    private static final int BLOCK_BYTES = 64;
    /**
     * How often a coroutine turns its loop before another takes its place: a frame that the JVM began to interpret stays interpreted for as long as it lives, and one such frame makes each
     * switch several times dearer.
     */
    private static final int TURNS = 64;

    final Vcore[] vcores;
    private final Scoreboard board;
    /** What was counted at the last sample. */
    private final long[] lost, delayed, busy;

    VcoreModel(Simulation simulation, Balance balance) {
        this(simulation, balance, Scoreboard.of(simulation.distances.cpus(), simulation.scenario.topology().universe()), POST_LIMIT);
    }

    VcoreModel(Simulation simulation, Balance balance, Scoreboard board, int postLimit) {
        super(simulation);
        this.board = board;
        lost = new long[simulation.harts.length];
        delayed = new long[lost.length];
        busy = new long[lost.length];
        vcores = new Vcore[simulation.harts.length];
        var blocks = new BlockPool(BLOCK_BYTES, BLOCK_BYTES); // never used: one for all
        for (int i = 0; i < vcores.length; i++) {
            Hart hart = simulation.harts[i];
            vcores[i] = new Vcore(i, simulation.distances.cpu(i), hart::clock, blocks, postLimit, (where, failure) -> simulation.fail(failure), board, balance);
            vcores[i].bind(queue(hart));
        }
        Vcore.switchTo(null);
    }

    /** Makes the event queue of a hart. */
    SimQueue queue(Hart hart) { return new SimQueue(hart, simulation); }

    @Override void open(Connection connection) {
        Vcore vcore = vcores[connection.home.id];
        connection.source = new SimSource(vcore.newColor(), connection, simulation);
        vcore.queue().watch(connection.source, EventSource.READABLE);
    }

    @Override void loop(Hart hart) {
        Vcore vcore = vcores[hart.id];
        for (int turns = TURNS; turns > 0; turns--) vcore.runOnce(true);
    }

    @Override boolean shouldYield(Hart hart) { return vcores[hart.id].shouldYield(); }

    @Override void enter(Hart hart) { Vcore.switchTo(vcores[hart.id]); } // leaving is left out: between harts nobody asks

    /** As the real runtime's sampler does: who is on the CPU besides, and how long one waits for it. */
    @Override void sampled() {
        for (int i = 0; i < vcores.length; i++) {
            Hart hart = simulation.harts[i];
            long away = hart.lostNanos() - lost[i], delay = hart.delayNanos() - delayed[i], ran = hart.busyNanos - busy[i];
            lost[i] += away;
            delayed[i] += delay;
            busy[i] += ran;
            board.shares(i, (int) (1024 * away / Simulation.SAMPLE_NANOS), ran + delay < Simulation.SAMPLE_NANOS / 64 ? -1 : (int) (1024 * ran / (ran + delay)));
        }
    }

    @Override void end() { Vcore.switchTo(null); }

    @Override void collect() {
        for (Vcore vcore : vcores) {
            Vcore.Stats s = vcore.stats();
            taken += s.stolen() + s.pushed();
            migrations += s.moves();
            messages += s.posted();
        }
    }
}
