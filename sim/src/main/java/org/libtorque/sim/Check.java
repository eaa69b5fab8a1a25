package org.libtorque.sim;

import org.libtorque.hardware.Topology;

/**
 * One search for mistakes in the loop: from its seed follow a machine, traffic, tasks, who is parked, and how long everything takes. Durations vary by a factor of up to 400 from
 * step to step, so that any hart may overtake any other: time is what makes the interleaving.
 */
final class Check {
    private static final String[] MACHINES = {"core:1", "core:2", "core:4 hart:2 l2:core", "node:2 core:2 hart:2 l2:core l3:core*2", "core:3",
        "package:2 core:4 l3:core*2", "node:2 core:8 hart:2 l2:core l3:core*4"};
    private static final long MOST_EVENTS = 3_000_000;

    private Check() {}

    /**
     * Runs one check.
     *
     * @throws AssertionError if the loop has lost, overtaken, repeated or mixed up something
     */
    static Outcome run(long seed) { return run(seed, CheckedModel::new); }

    /** What a check has gone through: simulated events, colours taken from others or given to them, colours that moved for good. */
    record Outcome(long events, long taken, long migrations) {}

    /** What makes the model: a test may put one with a mistake here. */
    interface Maker {
        CheckedModel make(Simulation simulation, RandomStream random, int connections);
    }

    static Outcome run(long seed, Maker maker) { return run(seed, maker, MOST_EVENTS); }

    /** @param mostEvents when it is taken for one that never comes to rest */
    static Outcome run(long seed, Maker maker, long mostEvents) {
        var random = new RandomStream(RandomStream.state(seed, 0));
        Topology topology = Topology.of(MACHINES[random.nextInt(MACHINES.length)]);
        long nanos = (long) Traffic.logUniform(random, 500_000, 50_000_000);
        var traffic = new Traffic(topology.online().size(), nanos, random);
        Costs costs = new Costs(1 + random.nextInt(1000), 1 + random.nextInt(300), random.nextInt(5000), random.nextInt(3000), random.nextInt(5000),
                random.nextInt(100_000), random.nextInt(50_000), random.nextInt(1000), random.nextInt(500), random.nextInt(200), 8 + random.nextInt(40), random.nextInt(8), random.nextInt(5000), random.nextInt(100_000));
        var scenario = new Scenario(topology, Workload.BALANCED, Policy.STATIC, seed, nanos, 0.5, 1, false, costs);
        var jitter = new RandomStream(RandomStream.state(seed, 1));
        var simulation = new Simulation(scenario, traffic, jitter,
                s -> maker.make(s, new RandomStream(RandomStream.state(seed, 2)), traffic.home.length));
        try {
            simulation.runUntilQuiet(mostEvents);
            ((CheckedModel) simulation.model).checkFinished();
        } catch (Throwable e) {
            throw new AssertionError("seed " + seed + " on " + topology.online().size() + " harts, event " + simulation.eventCount() + " at " + simulation.now + " ns: " + e.getMessage(), e);
        }
        simulation.model.collect();
        return new Outcome(simulation.eventCount(), simulation.model.taken, simulation.model.migrations);
    }
}
