package org.libtorque.sim;

import java.util.ArrayDeque;
import org.libtorque.vcore.EventQueue;
import org.libtorque.vcore.EventSource;
import org.libtorque.vcore.IdleQueue;

/** The event queue of a simulated hart, as the real loop sees it. Requests are served by {@link SimSource}: it knows connections as wholes, not as streams of bytes. */
class SimQueue extends IdleQueue implements Hart.Sink {
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

    /** As with epoll. */
    @Override public boolean othersMayHarvest() { return true; }

    @Override public int harvestBy(EventQueue helper, int window) { return hart.harvestBy(((SimQueue) helper).hart, window, this); }

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
}
