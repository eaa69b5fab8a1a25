package org.libtorque.sim;

/**
 * Rival: one event queue for all harts: one epoll instance with one-shot events and a thread on each hart. A connection is in the queue, or being served, or armed.
 *
 * <p>The kernel guards an epoll instance by a mutex. Each call holds it for {@link Costs#lockNanos} and for the transfer of 4 cache lines from the hart that
 * held it last, and harts get it in the order in which they ask: so waiting for it grows with the number of harts that are after it, and the whole machine
 * passes no more connections than one after the other. There are two calls for each: one takes it, one arms it again. Whoever waited last is woken first, as
 * the kernel does; the hart that the network card interrupts pays for that, if it is another.
 */
final class SharedModel extends Model {
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
        // The interrupted hart enters it in the list of what is ready, whose lines are where the last call on the queue was made; next time they are here.
        connection.interrupted.interrupt(Hart.QUEUE_LINES * simulation.distances.lineNanos(lastHolder.id, connection.interrupted.id));
        lastHolder = connection.interrupted;
        if (idleCount > 0) idle[--idleCount].rouse(connection); // exclusive waiters: who came last goes first
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
            hart.charge(Math.max(0, costs.harvestNanos() + costs.eventNanos() - costs.lockNanos()));
            connection.server = hart; // one-shot: not armed until it is served
            simulation.serve(hart, connection, QUANTUM);
            connection.server = null;
            hart.charge(Math.max(0, costs.rearmNanos() - costs.lockNanos()));
            lock(hart);
            if (connection.hasRequests() && !connection.queued) ready.add(connection);
        }
    }

    private void lock(Hart hart) {
        long hold = costs.lockNanos() + Hart.QUEUE_LINES * simulation.distances.lineNanos(lastHolder.id, hart.id);
        long from = Math.max(hart.local(), lockFreeAt);
        lockFreeAt = from + hold;
        lastHolder = hart;
        hart.charge(lockFreeAt - hart.local());
        hart.settle();
    }
}
