package org.libtorque.sim;

import org.libtorque.vcore.Balance;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.EventSource;
import org.libtorque.vcore.Scoreboard;
import org.libtorque.vcore.Timer;
import org.libtorque.vcore.Vcore;

/**
 * The real loop under a load that is made to find mistakes: connections and colours without one, pinned or not, seated or not, of any weight; tasks that post tasks, exclusive and shared ones,
 * to any colour, from any hart and from outside; timers of vcores and of colours; vcores that are parked and resumed. Every task checks its colour ({@link CheckedColor}).
 */
class CheckedModel extends VcoreModel {
    private static final int MOST_POSTS = 20_000;

    private final RandomStream random;
    private final CheckedColor[] colors;
    private int colorCount;
    /** The probability of each of three posts of a task: at most a fifth, or tasks would breed for ever. */
    private final double postProbability;
    private final double homeProbability;
    private final double sharedProbability;
    /** The probability that whoever posts also parks or resumes a vcore. */
    private final double parkProbability;
    private final boolean[] parked;
    private int parkedCount;
    private int posts;

    CheckedModel(Simulation simulation, RandomStream random, int connections) {
        super(simulation, random.nextBoolean() ? Balance.MIGRATE : Balance.values()[random.nextInt(3)], board(simulation, random), 1 << random.nextInt(10));
        this.random = random;
        int others = random.nextInt(2 * vcores.length + 1);
        colors = new CheckedColor[connections + others];
        while (colorCount < others) observe(vcores[random.nextInt(vcores.length)]);
        postProbability = random.nextDouble() * 0.2;
        homeProbability = random.nextInt(3) == 0 ? random.nextDouble() * 0.3 : 0;
        sharedProbability = random.nextInt(2) == 0 ? random.nextDouble() : 0;
        parkProbability = random.nextInt(3) == 0 ? Traffic.logUniform(random, 0.001, 0.1) : 0;
        parked = new boolean[vcores.length];
        for (Vcore vcore : vcores) {
            if (random.nextInt(3) == 0) new Repeating(vcore, 1 + random.nextLong(5_000_000)).start();
        }
    }

    private static Scoreboard board(Simulation simulation, RandomStream random) {
        int[] cpus = simulation.distances.cpus();
        return random.nextInt(4) == 0 ? Scoreboard.flat(cpus.length) : Scoreboard.of(cpus, simulation.scenario.topology().universe());
    }

    private CheckedColor observe(Vcore home) {
        Color color = home.newColor();
        if (random.nextInt(10) == 0) color.pin();
        else if (random.nextInt(10) == 0) home.seat(color);
        if (random.nextInt(4) == 0) color.shares((int) Traffic.logUniform(random, 1, Color.MAX_SHARES));
        var checked = new CheckedColor(color, this);
        if (random.nextInt(4) == 0) checked.startTimer(1 + random.nextLong(5_000_000), 1 + random.nextInt(10));
        return colors[colorCount++] = checked;
    }

    @Override void open(Connection connection) {
        Vcore vcore = vcores[connection.home.id];
        CheckedColor checked = observe(vcore);
        connection.source = new CheckedSource(checked.color, connection, simulation, checked);
        vcore.queue().watch(connection.source, EventSource.READABLE);
    }

    @Override void leave(Hart hart) { Vcore.switchTo(null); }

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
        if (posts++ >= MOST_POSTS) return;
        if (random.nextDouble() < parkProbability) parkOrResume(random.nextInt(vcores.length));
        if (colorCount == 0) return;
        CheckedColor color = colors[random.nextInt(colorCount)];
        if (random.nextDouble() < sharedProbability) color.postShared();
        else color.post(random.nextDouble() < homeProbability);
    }

    private void parkOrResume(int i) {
        if (parked[i]) {
            vcores[i].resume();
            parkedCount--;
        } else {
            if (parkedCount == vcores.length - 1) return; // somebody must work
            vcores[i].park();
            parkedCount++;
        }
        parked[i] = !parked[i];
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

    /** A timer of a vcore that posts, and starts itself again a few times. */
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
