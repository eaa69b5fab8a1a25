package org.libtorque.sim;

import org.libtorque.vcore.Color;
import org.libtorque.vcore.EventSource;
import org.libtorque.vcore.Timer;
import org.libtorque.vcore.Vcore;

/**
 * The real loop under a load that is made to find mistakes: connections and colours without one, tasks that post tasks to any colour from any hart and from outside,
 * timers, small inboxes. Every task checks its colour ({@link CheckedColor}).
 */
class CheckedModel extends VcoreModel {
    private final RandomStream random;
    private final CheckedColor[] colors;
    private int colorCount;
    /** How many tasks a task posts, as a probability of each of three; below a third, or they would breed for ever. */
    private final double postProbability;
    private long budget;

    CheckedModel(Simulation simulation, RandomStream random, int connections) {
        super(simulation, 2 << random.nextInt(6));
        this.random = random;
        int others = random.nextInt(2 * vcores.length + 1);
        colors = new CheckedColor[connections + others];
        for (; colorCount < others; colorCount++) colors[colorCount] = new CheckedColor(vcores[random.nextInt(vcores.length)].newColor(), this);
        postProbability = random.nextDouble() * 0.6;
        budget = 20_000;
        for (Vcore vcore : vcores) {
            if (random.nextInt(3) == 0) new Repeating(vcore, 1 + random.nextLong(5_000_000)).start();
        }
    }

    @Override void open(Connection connection) {
        Vcore vcore = vcores[connection.home.id];
        Color color = vcore.newColor();
        var checked = new CheckedColor(color, this);
        colors[colorCount++] = checked;
        connection.source = new CheckedSource(color, connection, simulation, checked);
        vcore.queue().watch(connection.source, EventSource.READABLE);
    }

    @Override void arrived(Connection connection) {
        super.arrived(connection);
        if (random.nextInt(4) == 0) postSomewhere(); // from a thread that is no vcore
    }

    /** What a task does besides: takes time, and perhaps posts. */
    void work() {
        Hart hart = simulation.current;
        hart.charge((long) Traffic.logUniform(random, 10, 50_000));
        for (int i = 0; i < 3; i++) {
            if (random.nextDouble() < postProbability) postSomewhere();
        }
    }

    private void postSomewhere() {
        if (budget-- > 0 && colorCount > 0) colors[random.nextInt(colorCount)].post();
    }

    /**
     * Checks that nothing is left, after the simulation has come to rest.
     *
     * @throws AssertionError if something is
     */
    void checkFinished() {
        for (int i = 0; i < colorCount; i++) colors[i].checkFinished();
        for (Connection connection : simulation.connections()) {
            if (connection.hasRequests()) throw new AssertionError(connection + " has requests that nobody serves");
        }
        for (Hart hart : simulation.harts) {
            if (!hart.isBlocked()) throw new AssertionError(hart + " neither runs nor waits");
        }
    }

    private static final class CheckedSource extends SimSource {
        private final CheckedColor checked;

        CheckedSource(Color color, Connection connection, Simulation simulation, CheckedColor checked) {
            super(color, connection, simulation);
            this.checked = checked;
        }

        @Override protected void run() throws Throwable {
            checked.begin(this);
            super.run();
            checked.model().work();
            checked.end();
        }
    }

    /** A timer that posts, and starts itself again a few times. */
    private final class Repeating extends Timer {
        private final Vcore vcore;
        private final long periodNanos;
        private int left = 20;

        Repeating(Vcore vcore, long periodNanos) {
            this.vcore = vcore;
            this.periodNanos = periodNanos;
        }

        void start() { vcore.timers().schedule(this, vcore.clock().nanoTime() + periodNanos); }

        @Override protected void onExpiry(long nowNanos) {
            postSomewhere();
            if (--left > 0) start();
        }
    }
}
