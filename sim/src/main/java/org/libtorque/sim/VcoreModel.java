package org.libtorque.sim;

import org.libtorque.memory.BlockPool;
import org.libtorque.vcore.EventSource;
import org.libtorque.vcore.Vcore;

/** This library's loop: a {@link Vcore} on each hart, the real code, with its own run queue, inbox, timers and colours. */
final class VcoreModel extends Model {
    /** Small, since there may be thousands: a full one makes posters try again. */
    private static final int INBOX = 64;
    private static final int BLOCK_BYTES = 64;

    private final Vcore[] vcores;

    VcoreModel(Simulation simulation) {
        super(simulation);
        vcores = new Vcore[simulation.harts.length];
        var blocks = new BlockPool(BLOCK_BYTES, BLOCK_BYTES); // never used: one for all
        for (int i = 0; i < vcores.length; i++) {
            Hart hart = simulation.harts[i];
            vcores[i] = new Vcore(i, simulation.distances.cpu(i), hart::local, blocks, INBOX, (where, failure) -> simulation.fail(failure));
            vcores[i].bind(new SimQueue(hart, simulation));
        }
        Vcore.switchTo(null);
    }

    @Override void open(Connection connection) {
        Vcore vcore = vcores[connection.home.id];
        connection.source = new SimSource(vcore.newColor(), connection, simulation);
        vcore.queue().watch(connection.source, EventSource.READABLE);
    }

    @Override void loop(Hart hart) {
        Vcore vcore = vcores[hart.id];
        for (;;) vcore.runOnce(true);
    }

    @Override void enter(Hart hart) { Vcore.switchTo(vcores[hart.id]); }

    @Override void leave(Hart hart) { Vcore.switchTo(null); }
}
