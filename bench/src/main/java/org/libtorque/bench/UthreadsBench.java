package org.libtorque.bench;

import static org.libtorque.bench.Markdown.count;
import static org.libtorque.bench.Markdown.head;
import static org.libtorque.bench.Markdown.item;
import static org.libtorque.bench.Markdown.ratio;
import static org.libtorque.bench.Markdown.row;
import static org.libtorque.bench.Markdown.significant;

import java.io.IOException;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code torque bench uthreads}: context switches, completion curves and a million threads, on uthreads, virtual threads of the JDK and platform threads.
 *
 * <p>Figures 2.6, 2.7 and 2.8 of Klues's thesis (2015) again. Each measurement has a JVM of its own, bound to its CPUs; in each round every peer gets its turn.
 */
@Command(name = "torque bench uthreads", sortOptions = false,
        description = "Measures threads of all kinds: switching between them, sharing CPUs among 1,024 that compute, and 1,000,000 that wait.")
public final class UthreadsBench extends BenchProgram {
    /** What a JVM takes beside its heap, and the machine must have left. */
    private static final int HEADROOM_MEBIBYTES = 512;
    /** The thesis's work of a thread, in milliseconds, and how often it yields in one of the variants: every 1,000 iterations took it 2.2 µs. On a faster CPU that is more of them. */
    private static final double WORK_MILLIS = 650, YIELD_NANOS = WORK_MILLIS * 1e6 / 300_000;
    /** Its scheduling periods, in milliseconds, and how many threads it had for each CPU. */
    private static final int[] PERIODS = {1000, 500, 100, 10};
    private static final int THREADS_PER_CPU = 32;
    /** Of which the fastest counts. */
    private static final int CALIBRATIONS = 3;
    private static final String PLATFORM = "platform threads";
    private static final List<String> PARTS = List.of("switch", "curve", "curve32", "alive");

    @Option(names = "--parts", split = ",", paramLabel = "PART", defaultValue = "switch,curve,curve32,alive",
            description = "What to measure: switch; curve, with work and periods scaled; curve32, with 32 threads for each CPU and the thesis's; alive (default: all).")
    private List<String> parts;

    @Option(names = "--peers", split = ",", paramLabel = "PEER", description = "Who is measured (default: all): queues, stealing, global, colors, jdk, platform.")
    private List<String> peerNames = UthreadPeer.ids();

    @Option(names = "--threads", split = ",", paramLabel = "N", defaultValue = "1,2,4,8,16,32,64", description = "Threads for each CPU that switch (default: ${DEFAULT-VALUE}).")
    private List<Integer> threads;

    @Option(names = "--seconds", paramLabel = "S", defaultValue = "1", description = "Measured seconds of switching (default: ${DEFAULT-VALUE}).")
    private double seconds;

    @Option(names = "--warmup", paramLabel = "S", defaultValue = "2", description = "Seconds of switching before (default: ${DEFAULT-VALUE}).")
    private double warmup;

    @Option(names = "--workers", paramLabel = "N", defaultValue = "1024", description = "Threads that compute, for the curves (default: ${DEFAULT-VALUE}).")
    private int workers;

    @Option(names = "--scale", paramLabel = "X", defaultValue = "0.05",
            description = "The curves' work and periods, relative to the thesis's 650 ms a thread and 1000, 500, 100, 10 ms (default: ${DEFAULT-VALUE}).")
    private double scale;

    @Option(names = "--alive", paramLabel = "N", defaultValue = "1000000", description = "Threads that wait; platform threads are left out (default: ${DEFAULT-VALUE}).")
    private int alive;

    @Option(names = "--cpus", paramLabel = "LIST", description = "CPUs to use, in order (default: those allowed).")
    private String cpuList;

    private UthreadsBench() { super(3); }

    /** Runs the benchmark and ends the process: 0 when it has run, 1 when it could not, 2 when an argument is wrong. */
    public static void main(String[] args) { System.exit(run(new UthreadsBench(), args)); }

    @Override void checkArguments() {
        requireKnown("part", parts, PARTS);
        requireKnown("peer", peerNames, UthreadPeer.ids());
        require(threads.stream().allMatch(n -> n >= 1 && n <= 100_000), "--threads must be 1 to 100,000 each");
        require(seconds >= 0.1 && warmup >= 0, "--seconds must be at least 0.1, --warmup not negative");
        require(workers >= 1 && workers <= 100_000, "--workers must be 1 to 100,000");
        require(scale > 0 && scale <= 10, "--scale must be above 0 and at most 10");
        require(alive >= 1 && alive <= 10_000_000, "--alive must be 1 to 10,000,000");
        requireCpus(cpuList);
    }

    @Override String measure(Machine machine) throws IOException, InterruptedException {
        prepareProcesses();
        List<Integer> cpus = cpus(cpuList);
        List<UthreadPeer> peers = peerNames.stream().distinct().map(UthreadPeer::byId).toList();
        StringBuilder text = heading("Threads", machine, "-XX:+UseSerialGC -XX:+UseCompactObjectHeaders")
                .append(item("Method", "rounds: " + rounds + ", peers interleaved, a JVM for each measurement, bound to its CPUs; medians of rounds. CPU time counts, not time, since "
                        + "others may use the machine"));
        for (UthreadPeer peer : peers) text.append(item(peer.id(), peer.title));
        notes(text, null);
        if (parts.contains("switch")) switches(text, cpus, peers);
        if (parts.contains("curve")) curves(text, cpus, workers, scale, "");
        if (parts.contains("curve32")) curves(text, cpus, THREADS_PER_CPU * cpus.size(), 1, "-32");
        if (parts.contains("alive")) alive(text, cpus, peers);
        return text.toString();
    }

    private double[] run(List<String> command) throws IOException, InterruptedException {
        return Stream.of(output(command).split("\\s+")).mapToDouble(Double::parseDouble).toArray();
    }

    private static double median(List<double[]> rounds, int figure) { return Statistics.of(rounds.stream().map(f -> f[figure]).toList()).median(); }

    // ---- figures 2.6, 2.7

    private void switches(StringBuilder text, List<Integer> allCpus, List<UthreadPeer> peers) throws IOException, InterruptedException {
        for (int width : Stream.of(1, allCpus.size()).distinct().toList()) {
            List<Integer> cpus = allCpus.subList(0, width);
            Map<String, List<double[]>> figures = new LinkedHashMap<>();
            for (int round = 1; round <= rounds; round++) {
                for (int n : threads) {
                    for (UthreadPeer peer : peers) {
                        double[] f = run(UthreadProcess.command("512m", "switch", peer, cpus, n, warmup, seconds));
                        figures.computeIfAbsent(peer.id() + n, k -> new ArrayList<>()).add(f);
                        say(String.format(Locale.ROOT, "round %d/%d  %d CPUs  %2d threads each  %-9s %8.1f ns of CPU a switch", round, rounds, width, n, peer.id(), f[1]));
                    }
                }
            }
            text.append("### Yielding on ").append(width).append(width == 1 ? " CPU" : " CPUs").append(": CPU ns a switch (million switches/s)\n\n");
            var titles = new ArrayList<>(List.of("threads for each CPU"));
            for (UthreadPeer peer : peers) titles.add(peer.id());
            text.append(head(0, titles));
            for (int n : threads) {
                var cells = new ArrayList<>(List.of(String.valueOf(n)));
                for (UthreadPeer peer : peers) {
                    List<double[]> f = figures.get(peer.id() + n);
                    cells.add(significant(median(f, 1)) + " (" + ratio(median(f, 0) / 1e6) + ")");
                }
                text.append(row(cells));
            }
            text.append('\n');
        }
    }

    // ---- figure 2.8

    /** @param scale of work and periods. A process's first figure is its CPU time, the others are the ends of its threads; all in milliseconds. */
    private void curves(StringBuilder text, List<Integer> cpus, int workers, double scale, String suffix) throws IOException, InterruptedException {
        double stepNanos = Double.POSITIVE_INFINITY;
        for (int i = 0; i < CALIBRATIONS; i++) stepNanos = Math.min(stepNanos, run(UthreadProcess.command("1g", "calibrate", UthreadPeer.PLATFORM, cpus))[0]);
        int steps = (int) Math.max(1, Math.round(WORK_MILLIS * scale * 1e6 / stepNanos));
        int between = (int) Math.max(1, Math.round(YIELD_NANOS / stepNanos));
        Map<String, List<double[]>> figures = new LinkedHashMap<>();
        for (int round = 1; round <= rounds; round++) {
            curve(figures, "no preemption", UthreadPeer.STEALING, cpus, workers, steps, 0, 0, round);
            for (int period : PERIODS) curve(figures, Markdown.plain(period * scale) + " ms", UthreadPeer.STEALING, cpus, workers, steps, Math.round(period * scale * 1000), 0, round);
            curve(figures, "yield every 1000", UthreadPeer.STEALING, cpus, workers, steps, 0, between, round);
            curve(figures, "JDK virtual threads", UthreadPeer.JDK, cpus, workers, steps, 0, 0, round);
            curve(figures, "JDK, yield every 1000", UthreadPeer.JDK, cpus, workers, steps, 0, between, round);
            curve(figures, PLATFORM, UthreadPeer.PLATFORM, cpus, workers, steps, 0, 0, round);
            curve(figures, "platform, yield every 1000", UthreadPeer.PLATFORM, cpus, workers, steps, 0, between, round);
        }
        Map<String, double[]> means = new LinkedHashMap<>();
        String what = String.format(Locale.ROOT, "%,d threads of %s ms each on %d CPUs", workers, Markdown.plain(WORK_MILLIS * scale), cpus.size());
        text.append("### ").append(what).append(": CPU time of the process, and when threads had ended, in seconds\n\n");
        text.append(String.format(Locale.ROOT, "The same steps in every process: %,d for each thread; who yields does so after each %d. The work alone is %s s of CPU time.%n%n", steps, between,
                ratio(steps * stepNanos * workers / 1e9)));
        text.append(head(1, List.of("variant", "CPU", "CPU ÷ platform threads'", "first", "quarter", "half", "three quarters", "last")));
        double platform = median(figures.get(PLATFORM), 0);
        figures.forEach((variant, rounds) -> {
            double[] mean = new double[workers];
            for (double[] all : rounds) for (int i = 0; i < workers; i++) mean[i] += all[i + 1] / rounds.size();
            means.put(variant, mean);
            double cpu = median(rounds, 0);
            text.append(row(variant, Stream.concat(Stream.of(ratio(cpu / 1e3), ratio(cpu / platform)),
                    Stream.of(0, workers / 4, workers / 2, 3 * workers / 4, workers - 1).map(i -> ratio(mean[i] / 1e3))).toList()));
        });
        Path file = reportFile().resolveSibling("uthreads" + suffix + "-" + LocalDate.now() + ".svg");
        write(file, CompletionPlot.svg(what + ": how many have ended", means));
        text.append("\n![completion curves](").append(file.getFileName()).append(")\n\n");
    }

    private void curve(Map<String, List<double[]>> figures, String variant, UthreadPeer peer, List<Integer> cpus, int workers, int steps, long periodMicros, int between, int round)
            throws IOException, InterruptedException {
        double[] f = run(UthreadProcess.command("1g", "curve", peer, cpus, workers, steps, periodMicros, between));
        figures.computeIfAbsent(variant, k -> new ArrayList<>()).add(f);
        say(String.format(Locale.ROOT, "round %d/%d  %-26s %6.2f s of CPU, last after %.2f s", round, rounds, variant, f[0] / 1e3, f[f.length - 1] / 1e3));
    }

    // ---- a million

    private void alive(StringBuilder text, List<Integer> cpus, List<UthreadPeer> peers) throws IOException, InterruptedException {
        int heap = UthreadProcess.aliveHeapMebibytes(alive);
        long available = ProcFiles.availableMebibytes();
        if (heap + HEADROOM_MEBIBYTES > available) {
            throw new IOException(count(alive) + " threads want " + count(heap) + " MiB of heap, and " + count(available) + " MiB of memory are available: --alive " + alive / 2 + " would want half");
        }
        Map<UthreadPeer, List<UthreadProcess.Alive>> figures = new LinkedHashMap<>();
        for (int round = 1; round <= rounds; round++) {
            for (UthreadPeer peer : peers) {
                if (peer == UthreadPeer.PLATFORM) continue;
                UthreadProcess.Alive f = UthreadProcess.Alive.of(run(UthreadProcess.command(heap + "m", "alive", peer, cpus, alive)));
                figures.computeIfAbsent(peer, k -> new ArrayList<>()).add(f);
                say(String.format(Locale.ROOT, "round %d/%d  %-9s CPU: start %.0f ns, until parked %.0f ns, wake and end %.0f ns; %.0f B", round, rounds, peer.id(), f.startedCpuNanos(),
                        f.parkedCpuNanos(), f.endedCpuNanos(), f.heapBytes()));
            }
        }
        text.append("### ").append(count(alive)).append(" threads alive, each parked, woken and ended\n\nFor each thread; the heap is of ").append(count(heap)).append(" MiB.\n\n");
        text.append(head(1, List.of("peer", "heap bytes, parked", "start, ns of CPU (elapsed)", "until all are parked, ns of CPU (elapsed)", "wake and end, ns of CPU (elapsed)")));
        figures.forEach((peer, all) -> text.append(row(peer.id(), List.of(count(Statistics.median(all, UthreadProcess.Alive::heapBytes)),
                both(all, UthreadProcess.Alive::startedCpuNanos, UthreadProcess.Alive::startedNanos), both(all, UthreadProcess.Alive::parkedCpuNanos, UthreadProcess.Alive::parkedNanos),
                both(all, UthreadProcess.Alive::endedCpuNanos, UthreadProcess.Alive::endedNanos)))));
        text.append('\n');
    }

    private static String both(List<UthreadProcess.Alive> all, ToDoubleFunction<UthreadProcess.Alive> cpu, ToDoubleFunction<UthreadProcess.Alive> elapsed) {
        return count(Statistics.median(all, cpu)) + " (" + count(Statistics.median(all, elapsed)) + ")";
    }
}
