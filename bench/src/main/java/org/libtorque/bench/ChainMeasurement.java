package org.libtorque.bench;

import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * What chains did in one window.
 *
 * @param workNanos     what each callback was to burn
 * @param seconds       length of the window
 * @param tasks         callbacks that ran in it
 * @param slowest       callbacks of the chain that had fewest, divided by the mean of all chains: 1 is fair, 0 is starved
 * @param cpuSeconds    CPU time of the process
 * @param othersSeconds CPU time that others took from the same CPUs, the host included
 * @param counters      by how much the runner's counters grew
 */
record ChainMeasurement(double workNanos, double seconds, long tasks, double slowest, double cpuSeconds, double othersSeconds,
                        Map<String, Long> counters) {
    /** What is not a counter, in a line of figures. */
    private static final String WORK = "work_ns", SECONDS = "seconds", TASKS = "tasks", SLOWEST = "slowest", CPU = "cpu_s", OTHERS = "others_s";

    /** Makes one of two looks at the chains and at the runner's counters. */
    static ChainMeasurement between(double workNanos, double seconds, long[] before, long[] after, double cpuSeconds, double othersSeconds,
                                    Map<String, Long> countersBefore, Map<String, Long> countersAfter) {
        long tasks = 0;
        long fewest = Long.MAX_VALUE;
        for (int i = 0; i < before.length; i++) {
            long own = after[i] - before[i];
            tasks += own;
            fewest = Math.min(fewest, own);
        }
        var growth = new TreeMap<String, Long>();
        countersAfter.forEach((name, value) -> growth.put(name, value - countersBefore.getOrDefault(name, 0L)));
        return new ChainMeasurement(workNanos, seconds, tasks, tasks == 0 ? 0 : (double) fewest * before.length / tasks, cpuSeconds,
                Math.max(0, othersSeconds), growth);
    }

    /** Callbacks a second. */
    double tasksPerSecond() { return tasks / seconds; }

    /** CPU time for each callback, what it burns included, in nanoseconds; NaN if none ran. */
    double cpuNanos() { return tasks == 0 ? Double.NaN : cpuSeconds * 1e9 / tasks; }

    /** CPU time for each callback beyond what it burns, in nanoseconds: the price of posting and running it. */
    double ownNanos() { return cpuNanos() - workNanos; }

    /** CPU seconds per second that went into what callbacks burn. */
    double usefulCpu() { return tasksPerSecond() * workNanos / 1e9; }

    /** CPU seconds per second of the process. */
    double busy() { return cpuSeconds / seconds; }

    /** CPU seconds per second of others. */
    double othersBusy() { return othersSeconds / seconds; }

    /** Growth of a counter per second, or NaN if the runner has none of the name. */
    double rate(String counter) { return counters.containsKey(counter) ? counters.get(counter) / seconds : Double.NaN; }

    /** Writes it as one line of figures. */
    String toLine() {
        return WORK + "=" + workNanos + " " + SECONDS + "=" + seconds + " " + TASKS + "=" + tasks + " " + SLOWEST + "=" + slowest + " " + CPU + "="
                + cpuSeconds + " " + OTHERS + "=" + othersSeconds + counters.entrySet().stream().map(e -> " " + e.getKey() + "=" + e.getValue())
                .collect(Collectors.joining());
    }

    /**
     * Reads what {@link #toLine} has written.
     *
     * @throws IllegalArgumentException if it is something else
     */
    static ChainMeasurement ofLine(String line) {
        try {
            Map<String, String> figures = Arrays.stream(line.strip().split(" ")).map(word -> word.split("=", 2))
                    .collect(Collectors.toMap(pair -> pair[0], pair -> pair[1], (a, b) -> b, TreeMap::new));
            double[] own = Arrays.stream(new String[] {WORK, SECONDS, SLOWEST, CPU, OTHERS}).mapToDouble(name -> Double.parseDouble(figures.remove(name))).toArray();
            long tasks = Long.parseLong(figures.remove(TASKS));
            var counters = new TreeMap<String, Long>();
            figures.forEach((name, value) -> counters.put(name, Long.parseLong(value)));
            return new ChainMeasurement(own[0], own[1], tasks, own[2], own[3], own[4], counters);
        } catch (NullPointerException | ArrayIndexOutOfBoundsException | NumberFormatException e) {
            throw new IllegalArgumentException("not a line of figures: " + line, e);
        }
    }
}
