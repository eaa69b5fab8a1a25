package org.libtorque.sim;

import java.util.List;
import java.util.Map;
import org.libtorque.hardware.CpuSet;
import org.libtorque.hardware.Topology;
import org.libtorque.hardware.Universe;

/**
 * What it costs to move a cache line between two harts: by the lowest level of the scheduling universe at which they meet, from the
 * tightest thing that they share there. The figures are typical of server processors of the 2020s.
 */
final class Distances {
    private static final Map<String, Integer> LINE_NANOS = Map.ofEntries(
            Map.entry("hart", 0), Map.entry("core", 8), Map.entry("L1", 8), Map.entry("L2", 15), Map.entry("module", 25), Map.entry("cluster", 30),
            Map.entry("L3", 40), Map.entry("complex", 40), Map.entry("L4", 60), Map.entry("tile", 60), Map.entry("die", 80),
            Map.entry("package", 100), Map.entry("node", 120), Map.entry("book", 250), Map.entry("drawer", 350), Map.entry("machine", 200));

    private final Universe universe;
    private final int[] cpus;
    private final long[] lineNanos;

    Distances(Topology topology) {
        universe = topology.universe();
        CpuSet harts = universe.harts();
        cpus = harts.toArray();
        List<Universe.Level> levels = universe.levels();
        lineNanos = new long[levels.size()];
        for (int i = 0; i < lineNanos.length; i++) {
            lineNanos[i] = levels.get(i).names().stream().mapToInt(Distances::lineNanos).min().orElseThrow();
            if (i > 0) lineNanos[i] = Math.max(lineNanos[i], lineNanos[i - 1]); // a coarser level is never nearer
        }
    }

    /** Nodes at a distance, in the unit in which the local one is 10, cost in proportion. */
    private static int lineNanos(String name) {
        if (name.startsWith("nodes at ")) return Math.min(1000, 6 * Integer.parseInt(name.substring("nodes at ".length())));
        return LINE_NANOS.getOrDefault(name, 100);
    }

    /** Returns how many harts there are. */
    int hartCount() { return cpus.length; }

    /** Returns the CPU numbers of all harts. */
    int[] cpus() { return cpus.clone(); }

    /** Returns the CPU number of a hart. */
    int cpu(int hart) { return cpus[hart]; }

    /** Returns what moving one line from one hart to another takes, in nanoseconds. O(1). */
    long lineNanos(int from, int to) { return from == to ? 0 : lineNanos[universe.distance(cpus[from], cpus[to])]; }
}
