package org.libtorque.sim;

/** Runs simulations. Nothing is shared between runs; one thread each. */
public final class Simulator {
    private Simulator() {}

    /**
     * Simulates a scenario on the calling thread, which must not be one of a vcore.
     *
     * @throws IllegalStateException if the code under simulation failed; the message has the seed
     */
    public static Result run(Scenario scenario) { return new Simulation(scenario).run(); }
}
