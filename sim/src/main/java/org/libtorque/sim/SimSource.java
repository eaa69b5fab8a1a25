package org.libtorque.sim;

import org.libtorque.vcore.Color;
import org.libtorque.vcore.EventSource;

/** A simulated connection as the real loop sees it: an event source with a colour of its own. */
class SimSource extends EventSource {
    final Connection connection;
    final Simulation simulation;

    SimSource(Color color, Connection connection, Simulation simulation) {
        super(color, connection.id);
        this.connection = connection;
        this.simulation = simulation;
        runAtHome(false); // receiving and sending work anywhere
    }

    /** As a real connection does: takes what is there, up to a budget, and comes back for the rest. */
    @Override protected void run() throws Throwable {
        if (takeReady() == 0) return;
        if (simulation.serve(simulation.current, connection, Model.QUANTUM)) signal(READABLE);
    }

    @Override protected boolean canMove() { return true; }

    @Override protected void arrive() {
        int result = color().home().queue().attach(this);
        if (result < 0) throw new IllegalStateException(this + ": attach returned " + result);
    }

    @Override protected void failed(Throwable failure) { simulation.fail(failure); }

    @Override public String toString() { return "source of " + connection; }
}
