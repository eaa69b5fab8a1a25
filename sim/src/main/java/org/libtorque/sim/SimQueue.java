package org.libtorque.sim;

import java.util.ArrayDeque;
import org.libtorque.vcore.AcceptSource;
import org.libtorque.vcore.EventQueue;
import org.libtorque.vcore.EventSource;
import org.libtorque.vcore.StreamSource;

/** The event queue of a simulated hart, as the real loop sees it. Requests are served by {@link SimSource}, so no bytes go through it. */
class SimQueue extends EventQueue implements Hart.Sink {
    private final Hart hart;
    private final Simulation simulation;
    private int sources;
    /** Sources that the kernel has not let go of yet. */
    private final ArrayDeque<SimSource> leaving = new ArrayDeque<>();

    SimQueue(Hart hart, Simulation simulation) {
        this.hart = hart;
        this.simulation = simulation;
    }

    @Override public String name() { return "simulated"; }

    @Override public int harvest(int window, long timeoutNanos) {
        int events = hart.harvest(window, leaving.isEmpty() ? timeoutNanos : 0, this);
        for (int n = leaving.size(); n > 0; n--) {
            SimSource source = leaving.poll();
            if (simulation.jitter != null && simulation.jitter.nextBoolean()) leaving.add(source);
            else finishDetaching(source);
        }
        return events;
    }

    @Override public void ready(Connection connection) { connection.source.signal(EventSource.READABLE); }

    @Override public boolean caughtUp() { return !hart.hasEvents(); }

    @Override public boolean hasDeferredWork() {
        hart.pause();
        return !leaving.isEmpty();
    }

    @Override public void wake() {
        simulation.model.messages++;
        hart.wake(simulation.current);
    }

    @Override public int openStream(StreamSource source) { throw noSuchThing(); }

    @Override public int openConnecting(StreamSource source) { throw noSuchThing(); }

    @Override public int connected(StreamSource source) { throw noSuchThing(); }

    @Override public int receive(StreamSource source) { throw noSuchThing(); }

    @Override public int receive(StreamSource source, long address, int capacity) { throw noSuchThing(); }

    @Override public void leaveInput(StreamSource source) { throw noSuchThing(); }

    @Override public long keepInput(StreamSource source) { throw noSuchThing(); }

    @Override public void pauseReceiving(StreamSource source, boolean paused) { throw noSuchThing(); }

    @Override public int send(StreamSource source, long address, int length) { throw noSuchThing(); }

    @Override public void awaitWritable(EventSource source) { throw noSuchThing(); }

    @Override public void awaitHangUp(StreamSource source) { throw noSuchThing(); }

    @Override public int listen(AcceptSource source) { throw noSuchThing(); }

    @Override public int accept(AcceptSource source) { throw noSuchThing(); }

    /** Registers a simulated connection. */
    @Override public int watch(EventSource source, int interest) {
        Connection connection = ((SimSource) source).connection;
        connection.home = hart;
        source.bind(this, connection.id);
        sources++;
        return 0;
    }

    /** As with io_uring where a harvest may come in between, which is more than epoll asks of the loop; at once where the run is a measurement. */
    @Override public boolean detach(EventSource source) {
        if (source.home() != this) return false;
        hart.charge(simulation.costs.migrateNanos() / 2);
        var sim = (SimSource) source;
        hart.withdraw(sim.connection);
        sim.connection.home = null;
        if (simulation.jitter != null && simulation.jitter.nextBoolean()) leaving.add(sim);
        else finishDetaching(sim);
        return true;
    }

    private void finishDetaching(SimSource source) {
        source.leave();
        sources--;
        source.deliverDetached();
    }

    /** What has arrived meanwhile is reported at once. */
    @Override public int attach(EventSource source) {
        hart.charge(simulation.costs.migrateNanos() / 2);
        watch(source, EventSource.READABLE);
        Connection connection = ((SimSource) source).connection;
        if (connection.hasRequests()) hart.announce(connection);
        return 0;
    }

    @Override public void close(EventSource source, boolean keepDescriptor) {
        Connection connection = ((SimSource) source).connection;
        if (source.home() == this) {
            hart.withdraw(connection);
            sources--;
        }
        connection.home = null;
        source.unbind();
    }

    @Override public int sourceCount() { return sources; }

    @Override public void close() {}

    private static UnsupportedOperationException noSuchThing() {
        return new UnsupportedOperationException("the simulator knows connections as wholes, not as streams of bytes");
    }
}
