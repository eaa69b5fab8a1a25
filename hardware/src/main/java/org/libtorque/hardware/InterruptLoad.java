package org.libtorque.hardware;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * How much of each CPU's time interrupts may have taken: counts of interrupts and softirqs since boot, from {@code
 * /proc/interrupts} and {@code /proc/softirqs}. A sample; {@link #since} makes the counts of an interval of two. For
 * placement: a CPU that handles a network card's interrupts has less left for vcores, and work on that card's connections is
 * best near it. Immutable.
 */
public final class InterruptLoad {
    /** Lines of a hostile file; real machines have some thousand interrupts. */
    private static final int MAX_LINES = 1 << 16;

    /**
     * One interrupt.
     *
     * @param name     its number, or its short name such as {@code LOC}
     * @param source   controller and devices, as the kernel tells
     * @param affinity CPUs that may handle it; empty if not told, as with those that are not numbered
     * @param counts   how often each CPU handled it, by CPU number; shared, not to be changed
     */
    public record Irq(String name, String source, CpuSet affinity, long[] counts) {
        /** Returns how often all CPUs together handled it. */
        public long total() { return Arrays.stream(counts).sum(); }
    }

    private final long nanoTime;
    private final List<Irq> irqs;
    private final Map<String, long[]> softirqs;

    private InterruptLoad(long nanoTime, List<Irq> irqs, Map<String, long[]> softirqs) {
        this.nanoTime = nanoTime;
        this.irqs = List.copyOf(irqs);
        this.softirqs = Map.copyOf(softirqs);
    }

    /** Takes a sample of the running machine. Reads two files, and one more for each numbered interrupt. */
    public static InterruptLoad sample() { return read(Path.of("/")); }

    /** Takes a sample of the running machine without affinities. Reads two files. */
    public static InterruptLoad sampleCounts() { return read(Path.of("/"), false); }

    /** Takes a sample of a tree that stands for {@code /}. What is missing or makes no sense is left out. */
    static InterruptLoad read(Path root) { return read(root, true); }

    private static InterruptLoad read(Path root, boolean affinities) {
        var files = new FileTree(root);
        var irqs = new ArrayList<Irq>();
        for (Row row : rows(files.text("proc/interrupts"))) {
            CpuSet affinity = null;
            if (affinities && isNumber(row.name)) {
                affinity = files.list("proc/irq/" + row.name + "/effective_affinity_list");
                if (affinity == null) affinity = files.list("proc/irq/" + row.name + "/smp_affinity_list");
            }
            irqs.add(new Irq(row.name, row.rest, affinity == null ? CpuSet.of() : affinity, row.counts));
        }
        var softirqs = new HashMap<String, long[]>();
        for (Row row : rows(files.text("proc/softirqs"))) softirqs.put(row.name, row.counts);
        return new InterruptLoad(System.nanoTime(), irqs, softirqs);
    }

    private static boolean isNumber(String name) { return name.chars().allMatch(c -> c >= '0' && c <= '9'); }

    private record Row(String name, long[] counts, String rest) {}

    /** A heading of CPUs, then rows of a name, a count for each CPU of the heading, and text. Short rows count for the machine. */
    private static List<Row> rows(String text) {
        var rows = new ArrayList<Row>();
        if (text == null) return rows;
        int[] columns = null;
        int top = 0;
        for (String line : (Iterable<String>) text.lines().limit(MAX_LINES)::iterator) {
            String[] words = line.strip().split("\\s+");
            if (columns == null) {
                columns = Arrays.stream(words).filter(w -> w.matches("CPU[0-9]{1,5}"))
                        .mapToInt(w -> Integer.parseInt(w.substring(3))).filter(c -> c < CpuSet.LIMIT).toArray();
                top = Arrays.stream(columns).max().orElse(-1) + 1;
                continue;
            }
            if (words.length < 2 || !words[0].endsWith(":")) continue;
            long[] counts = new long[top];
            int at = 1;
            for (int i = 0; i < columns.length && at < words.length && words[at].matches("[0-9]{1,18}"); i++, at++) {
                counts[columns[i]] = Long.parseLong(words[at]);
            }
            if (at <= columns.length) continue; // ERR and MIS have one count for all CPUs
            rows.add(new Row(words[0].substring(0, words[0].length() - 1), counts,
                    String.join(" ", Arrays.asList(words).subList(at, words.length))));
        }
        return rows;
    }

    /** Returns all interrupts that are counted by CPU. */
    public List<Irq> irqs() { return irqs; }

    /** Returns the names of the softirqs, such as {@code NET_RX}. */
    public java.util.Set<String> softirqNames() { return softirqs.keySet(); }

    /** Returns how many interrupts a CPU handled, of all kinds. */
    public long interrupts(int cpu) {
        long sum = 0;
        for (Irq irq : irqs) sum += cpu >= 0 && cpu < irq.counts.length ? irq.counts[cpu] : 0;
        return sum;
    }

    /** Returns how many interrupts of devices each CPU handled, by CPU number: those that have numbers, not its own timer's or other CPUs'. */
    public long[] deviceInterrupts() {
        long[] sums = new long[0];
        for (Irq irq : irqs) {
            if (!isNumber(irq.name)) continue;
            if (sums.length < irq.counts.length) sums = Arrays.copyOf(sums, irq.counts.length);
            for (int cpu = 0; cpu < irq.counts.length; cpu++) sums[cpu] += irq.counts[cpu];
        }
        return sums;
    }

    /** Returns how many softirqs a CPU handled, of all kinds. */
    public long softirqs(int cpu) {
        long sum = 0;
        for (long[] counts : softirqs.values()) sum += cpu >= 0 && cpu < counts.length ? counts[cpu] : 0;
        return sum;
    }

    /** Returns how many softirqs of one name a CPU handled; 0 if there is no such name. */
    public long softirqs(int cpu, String name) {
        long[] counts = softirqs.get(name);
        return counts != null && cpu >= 0 && cpu < counts.length ? counts[cpu] : 0;
    }

    /** Returns when the sample was taken, by {@link System#nanoTime}; of an interval, its length in nanoseconds. */
    public long nanoTime() { return nanoTime; }

    /**
     * Returns the counts from an earlier sample to this one; {@link #nanoTime} of the result is the interval's length. What
     * was counted anew in between (a CPU that came back, a driver loaded again) counts from 0.
     */
    public InterruptLoad since(InterruptLoad earlier) {
        var before = new HashMap<String, long[]>();
        for (Irq irq : earlier.irqs) before.put(irq.name, irq.counts);
        var differences = new ArrayList<Irq>();
        for (Irq irq : irqs) {
            differences.add(new Irq(irq.name, irq.source, irq.affinity, difference(irq.counts, before.get(irq.name))));
        }
        var soft = new HashMap<String, long[]>();
        softirqs.forEach((name, counts) -> soft.put(name, difference(counts, earlier.softirqs.get(name))));
        return new InterruptLoad(nanoTime - earlier.nanoTime, differences, soft);
    }

    private static long[] difference(long[] now, long[] before) {
        long[] difference = now.clone();
        if (before == null) return difference;
        for (int i = 0; i < Math.min(now.length, before.length); i++) {
            if (before[i] <= now[i]) difference[i] -= before[i];
        }
        return difference;
    }
}
