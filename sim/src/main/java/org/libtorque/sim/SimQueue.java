package org.libtorque.sim;

import org.libtorque.vcore.AcceptSource;
import org.libtorque.vcore.EventQueue;
import org.libtorque.vcore.EventSource;
import org.libtorque.vcore.StreamSource;

/** The event queue of a simulated hart, as the real loop sees it. Requests are served by {@link SimSource}, so no bytes go through it. */
class SimQueue extends EventQueue implements Hart.Sink {
    private final Hart hart;
    private final Simulation simulation;
    private int sources;

    SimQueue(Hart hart, Simulation simulation) {
        this.hart = hart;
        this.simulation = simulation;
    }

    @Override public String name() { return "simulated"; }

    @Override public int harvest(int window, long timeoutNanos) { return hart.harvest(window, timeoutNanos, this); }

    @Override public void ready(Connection connection) { connection.source.signal(EventSource.READABLE); }

    @Override public boolean caughtUp() { return !hart.hasEvents(); }

    @Override public boolean hasDeferredWork() {
        hart.pause();
        return false;
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
        source.bind(this, ((SimSource) source).connection.id);
        sources++;
        return 0;
    }

    @Override public void close(EventSource source, boolean keepDescriptor) {
        source.unbind();
        sources--;
    }

    @Override public int sourceCount() { return sources; }

    @Override public void close() {}

    private static UnsupportedOperationException noSuchThing() {
        return new UnsupportedOperationException("the simulator knows connections as wholes, not as streams of bytes");
    }
}
