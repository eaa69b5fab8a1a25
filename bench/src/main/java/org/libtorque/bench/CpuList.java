package org.libtorque.bench;

import java.util.ArrayList;
import java.util.List;

/** Linux's notation for sets of CPUs, as in {@code 0-3,8}. */
final class CpuList {
    private CpuList() {}

    /**
     * Returns the CPUs that {@code text} names, in its order.
     *
     * @throws NumberFormatException if it is not such a list
     */
    static List<Integer> parse(String text) {
        var cpus = new ArrayList<Integer>();
        for (String range : text.strip().split(",")) {
            int dash = range.indexOf('-');
            int first = Integer.parseInt(dash < 0 ? range : range.substring(0, dash));
            int last = dash < 0 ? first : Integer.parseInt(range.substring(dash + 1));
            for (int cpu = first; cpu <= last; cpu++) cpus.add(cpu);
        }
        return cpus;
    }

    /** Returns the list of CPUs in their order, one by one. */
    static String of(List<Integer> cpus) { return String.join(",", cpus.stream().map(String::valueOf).toList()); }
}
