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

    /**
     * Searches for mistakes in the loop: plays it on a small machine, with connections, posted tasks, timers and loss of CPUs, all of them, and how long every
     * step takes, at random from the seed. Checks that tasks of one colour run alone, in order, and once, and that nothing is left over.
     *
     * @return how many events were simulated; equal seeds give equal numbers
     * @throws AssertionError if something is wrong; the message has the seed
     */
    public static long check(long seed) { return Check.run(seed).events(); }
}
