package org.libtorque.sim;

/**
 * Rival: one queue of ready connections for all harts, such as one-shot events in one epoll instance with a thread on each hart. A connection is in the queue, or
 * being served, or neither.
 *
 * <p>The queue has one fair lock. It is held for {@link Costs#takeNanos} and for the transfer of 4 cache lines from the hart that held it
 * last, and harts get it in the order in which they ask: so waiting for it grows with the number of harts that are after it, and the
 * whole machine passes no more connections than one after the other. It is taken twice for each: to take a connection, and to arm it again.
 */
final class SharedModel extends Model {
    private static final int LOCK_LINES = 4;

    private final ConnectionQueue ready = new ConnectionQueue();
    private final Hart[] idle;
    private int idleCount;
    private long lockFreeAt;
    private Hart lastHolder;

    SharedModel(Simulation simulation) {
        super(simulation);
        idle = new Hart[simulation.harts.length];
        lastHolder = simulation.harts[0];
    }

    @Override void arrived(Connection connection) {
        if (connection.queued || connection.server != null) return;
        ready.add(connection);
        if (idleCount > 0) idle[--idleCount].rouse(); // the kernel's interrupt, nobody's time
    }

    @Override void loop(Hart hart) {
        for (;;) {
            lock(hart);
            Connection connection = ready.poll();
            if (connection == null) {
                idle[idleCount++] = hart;
                hart.block();
                continue;
            }
            hart.charge(costs.harvestNanos() + costs.eventNanos());
            connection.server = hart; // one-shot: not armed until it is served
            simulation.serve(hart, connection, QUANTUM);
            connection.server = null;
            lock(hart);
            if (connection.hasRequests() && !connection.queued) ready.add(connection);
        }
    }

    private void lock(Hart hart) {
        long hold = costs.takeNanos() + LOCK_LINES * simulation.distances.lineNanos(lastHolder.id, hart.id);
        long from = Math.max(hart.local(), lockFreeAt);
        lockFreeAt = from + hold;
        lastHolder = hart;
        hart.charge(lockFreeAt - hart.local());
        hart.settle();
    }
}
