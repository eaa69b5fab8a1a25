package org.libtorque.sim;

import java.util.Comparator;
import java.util.PriorityQueue;

/**
 * No rival but a bound: what could be had if looking, waking, waiting for locks and moving cost nothing and everybody knew everything at once. No request waits while a hart is free that
 * has its CPU, except for one of its own connection, which it must not overtake. Requests are begun in the order in which they came; one that has begun
 * stays where it is.
 *
 * <p>Of all orders that do not look at how long requests take, none makes less of the long waits. One that lets short ones go first may have less for those.
 */
final class IdealModel extends Model {
    private final PriorityQueue<Connection> ready;
    private final Hart[] idle;
    private int idleCount;

    IdealModel(Simulation simulation) {
        super(simulation);
        idle = new Hart[simulation.harts.length];
        ready = new PriorityQueue<>(Comparator.<Connection>comparingLong(c -> simulation.firstArrival(c)).thenComparingInt(c -> c.id));
    }

    @Override boolean isFree() { return true; }

    @Override void arrived(Connection connection) {
        if (connection.queued || connection.server != null) return;
        add(connection);
        for (int i = idleCount - 1; i >= 0; i--) {
            Hart hart = idle[i];
            if (hart.isLost()) continue;
            idleCount--;
            System.arraycopy(idle, i + 1, idle, i, idleCount - i);
            hart.goOn();
            return;
        }
    }

    @Override void loop(Hart hart) {
        for (;;) {
            Connection connection = ready.poll();
            if (connection == null) {
                idle[idleCount++] = hart;
                hart.block();
                continue;
            }
            connection.queued = false;
            connection.server = hart;
            simulation.serve(hart, connection, 1);
            connection.server = null;
            if (connection.hasRequests()) add(connection);
        }
    }

    private void add(Connection connection) {
        connection.queued = true;
        ready.add(connection);
    }
}
