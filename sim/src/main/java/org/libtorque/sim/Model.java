package org.libtorque.sim;

/** How connections are served: the loop that each hart runs, and who is told of what arrives. */
abstract class Model {
    /** Requests of one connection served in a row. */
    static final int QUANTUM = 16;

    final Simulation simulation;
    final Costs costs;
    /** Pieces of work taken from others or given to them; connections that moved for good; wake-up calls and posts to inboxes. */
    long taken, migrations, messages;

    Model(Simulation simulation) {
        this.simulation = simulation;
        costs = simulation.costs;
    }

    /** Prepares a connection, before anything runs. */
    void open(Connection connection) {}

    /** A request has arrived; nothing of it is known outside the kernel yet. */
    void arrived(Connection connection) {
        if (connection.home != null) connection.home.announce(connection);
    }

    /** What a hart does, and does again when it returns. Runs as a coroutine. */
    abstract void loop(Hart hart);

    /** Whether it costs nothing to serve a connection on any hart. */
    boolean isFree() { return false; }

    /** Whether a connection that is served should let others go first. */
    boolean shouldYield(Hart hart) { return false; }

    /** The thread goes on as this hart. */
    void enter(Hart hart) {}

    /** The thread leaves this hart. */
    void leave(Hart hart) {}

    /** {@link Simulation#SAMPLE_NANOS} have passed, in which harts may have been away. */
    void sampled() {}

    /** The run is over. */
    void end() {}

    /** Reads counters that the loops keep themselves. */
    void collect() {}
}
