package org.libtorque.sim;

/**
 * Rival: a loop and a run queue per hart; a hart that has nothing takes half of the queue of a victim chosen at random (Blumofe and Leiserson 1999, with the halves of
 * Go's and tokio's schedulers). It tries as many victims as there are harts, at most 8, then waits. A hart that has harvested more than one connection
 * wakes an idle hart if none is searching already. Connections stay registered where they are.
 */
final class RandomModel extends Model {
    private static final int WINDOW = 512, ATTEMPTS = 8;

    private final ConnectionQueue[] queues;
    private final Hart[] idle;
    /** Position among the idle, or -1. */
    private final int[] idleAt;
    private int idleCount;
    private int searching;
    private final RandomStream random;

    RandomModel(Simulation simulation) {
        super(simulation);
        int harts = simulation.harts.length;
        queues = new ConnectionQueue[harts];
        idle = new Hart[harts];
        idleAt = new int[harts];
        for (int i = 0; i < harts; i++) {
            queues[i] = new ConnectionQueue();
            idleAt[i] = -1;
        }
        random = new RandomStream(RandomStream.state(simulation.scenario.seed(), -3));
    }

    @Override void loop(Hart hart) {
        ConnectionQueue queue = queues[hart.id];
        Hart.Sink sink = connection -> {
            if (!connection.queued && connection.server == null) queue.add(connection);
        };
        for (;;) {
            int taken = hart.harvest(WINDOW, 0, sink);
            if (taken > 1) wakeOne(hart);
            if (queue.isEmpty() && !search(hart, queue)) {
                noteIdle(hart);
                hart.harvest(WINDOW, Long.MAX_VALUE, sink);
                noteBusy(hart);
                if (queue.size() > 1) wakeOne(hart);
            }
            for (int i = queue.size(); i > 0; i--) {
                Connection connection = queue.poll();
                if (connection == null) break; // others have taken the rest
                connection.server = hart;
                simulation.serve(hart, connection, QUANTUM);
                connection.server = null;
                if (connection.hasRequests() && !connection.queued) queue.add(connection);
            }
        }
    }

    /** Tries to take work from others; returns whether there is some now. */
    private boolean search(Hart hart, ConnectionQueue own) {
        int harts = queues.length;
        if (harts == 1) return false;
        searching++;
        for (int attempt = Math.min(ATTEMPTS, harts); attempt > 0 && own.isEmpty(); attempt--) {
            int victim = random.nextInt(harts - 1);
            if (victim >= hart.id) victim++;
            hart.charge(costs.takeNanos() + simulation.distances.lineNanos(victim, hart.id));
            hart.settle();
            ConnectionQueue queue = queues[victim];
            int half = (queue.size() + 1) / 2;
            if (half == 0) continue;
            hart.charge(2 * simulation.distances.lineNanos(victim, hart.id));
            for (; half > 0; half--) {
                own.add(queue.poll());
                taken++;
            }
        }
        searching--;
        return !own.isEmpty();
    }

    private void wakeOne(Hart waker) {
        if (searching > 0 || idleCount == 0) return;
        Hart sleeper = idle[random.nextInt(idleCount)];
        noteBusy(sleeper);
        sleeper.wake(waker);
        messages++;
    }

    private void noteIdle(Hart hart) {
        idleAt[hart.id] = idleCount;
        idle[idleCount++] = hart;
    }

    private void noteBusy(Hart hart) {
        int at = idleAt[hart.id];
        if (at < 0) return;
        Hart moved = idle[--idleCount];
        idle[at] = moved;
        idleAt[moved.id] = at;
        idleAt[hart.id] = -1;
    }
}
