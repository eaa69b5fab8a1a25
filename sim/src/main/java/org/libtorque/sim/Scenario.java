package org.libtorque.sim;

import java.util.Objects;
import org.libtorque.hardware.Topology;

/**
 * What is to be simulated. Equal scenarios have equal results.
 *
 * @param topology           the machine; its online CPUs are the harts
 * @param workload           what clients do
 * @param policy             who serves them
 * @param seed               everything random follows from it; the requests are the same for all policies
 * @param nanos              virtual time that counts, in nanoseconds; a tenth of it goes before, to settle
 * @param load               share of the harts' time that the requests of the workload take, above 0; not for {@link Workload#FAT}, which saturates
 * @param connectionsPerHart how many connections there are, for each hart
 * @param closed             whether a client waits for its answer before it asks again
 * @param costs              what things cost
 */
public record Scenario(Topology topology, Workload workload, Policy policy, long seed, long nanos, double load, int connectionsPerHart,
                       boolean closed, Costs costs) {
    /** Harts that a machine may have at most. */
    public static final int MAX_HARTS = 4096;

    /** Checks the arguments. */
    public Scenario {
        Objects.requireNonNull(workload, "workload");
        Objects.requireNonNull(policy, "policy");
        Objects.requireNonNull(costs, "costs");
        int harts = topology.online().size();
        if (harts > MAX_HARTS) throw new IllegalArgumentException(harts + " harts: at most " + MAX_HARTS + " can be simulated");
        if (nanos < 1 || nanos > 1L << 50) throw new IllegalArgumentException("nanos " + nanos);
        if (!(load > 0 && load <= 4)) throw new IllegalArgumentException("load " + load + ": must be above 0, at most 4");
        if (connectionsPerHart < 1 || connectionsPerHart > 4096) {
            throw new IllegalArgumentException("connectionsPerHart " + connectionsPerHart + ": must be from 1 to 4096");
        }
    }

    /** Returns the same with another policy. */
    public Scenario with(Policy other) { return new Scenario(topology, workload, other, seed, nanos, load, connectionsPerHart, closed, costs); }

    /** Returns how many harts there are. */
    public int hartCount() { return topology.online().size(); }

    /**
     * Returns a spec, in the language of {@link Topology#of(String)}, of a plausible server with so many harts: two per core from 8 on,
     * a second-level cache per core, a third-level cache for 8 cores, at most 64 cores in a node where that comes out even.
     *
     * @throws IllegalArgumentException if {@code harts} is not from 1 to {@link #MAX_HARTS}
     */
    public static String machine(int harts) {
        if (harts < 1 || harts > MAX_HARTS) throw new IllegalArgumentException(harts + " harts: must be from 1 to " + MAX_HARTS);
        int perCore = harts >= 8 && harts % 2 == 0 ? 2 : 1;
        int cores = harts / perCore;
        int nodes = 1;
        while (cores / nodes > 64 && nodes < cores) {
            do nodes++; while (cores % nodes != 0);
        }
        if (nodes == cores) nodes = 1; // a prime number of cores
        return "node:" + nodes + " core:" + cores / nodes + " hart:" + perCore + " l2:core l3:core*8";
    }
}
