package org.libtorque.sim;

/** How connections are served: the loop that each hart runs, and who is told of what arrives. */
abstract class Model {
    /** Requests of one connection served in a row. */
    static final int QUANTUM = 16;

    final Simulation simulation;
    final Costs costs;
    long steals, migrations, messages;

    Model(Simulation simulation) {
        this.simulation = simulation;
        costs = simulation.costs;
    }

    /** Prepares a connection, before anything runs. */
    void open(Connection connection) {}

    /** A request has arrived; nothing of it is known outside the kernel yet. */
    void arrived(Connection connection) { connection.home.announce(connection); }

    /** What a hart does for ever. Runs as a coroutine. */
    abstract void loop(Hart hart);

    /** The thread goes on as this hart. */
    void enter(Hart hart) {}

    /** The thread leaves this hart. */
    void leave(Hart hart) {}

    /** Reads counters that the loops keep themselves. */
    void collect() {}
}
