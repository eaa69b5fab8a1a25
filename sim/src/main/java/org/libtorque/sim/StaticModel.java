package org.libtorque.sim;

/**
 * Rival: an event loop per hart as Netty has it. A connection stays with its loop. A turn takes all events that the kernel has, up to 4,096, and
 * serves their connections in that order, up to 16 requests each; what is left over goes to the end.
 */
final class StaticModel extends Model {
    private static final int WINDOW = 4096;

    StaticModel(Simulation simulation) { super(simulation); }

    @Override void loop(Hart hart) {
        var queue = new ConnectionQueue();
        Hart.Sink sink = connection -> {
            if (!connection.queued) queue.add(connection);
        };
        for (;;) {
            hart.harvest(WINDOW, queue.isEmpty() ? Long.MAX_VALUE : 0, sink);
            for (int i = queue.size(); i > 0; i--) {
                Connection connection = queue.poll();
                if (simulation.serve(hart, connection, QUANTUM)) queue.add(connection);
            }
        }
    }
}
