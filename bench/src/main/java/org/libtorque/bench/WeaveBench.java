package org.libtorque.bench;

import static org.libtorque.bench.Markdown.head;
import static org.libtorque.bench.Markdown.item;
import static org.libtorque.bench.Markdown.row;
import static org.libtorque.bench.Markdown.significant;
import static org.libtorque.bench.Markdown.withRange;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.libtorque.bench.loops.TightLoop;
import org.libtorque.bench.nas.Kernel;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code torque bench weave}: what the agent's checkpoints cost NAS kernels on uthreads, and loops that do next to nothing in each round.
 *
 * <p>Each measurement has a JVM of its own, with the agent or without, bound to its CPUs; the two follow each other, and ratios are formed within a round. Nobody asks for a scheduling decision
 * meanwhile, so what is measured is the polls, and what the compiler cannot do around them.
 */
@Command(name = "torque bench weave", sortOptions = false,
        description = "Computes NAS kernels and tight loops with and without the agent that weaves in checkpoints, and writes a table of ratios.")
public final class WeaveBench extends BenchProgram {
    private static final List<String> KERNELS = Kernel.ALL.stream().map(Kernel.Kind::name).toList();

    @Option(names = "--kernels", split = ",", paramLabel = "NAME", description = "NAS kernels (default: all): EP, CG, IS, MG, FT; none for none.")
    private List<String> kernels = KERNELS;

    @Option(names = "--classes", split = ",", paramLabel = "CLASS", defaultValue = "S,W", description = "Their classes: S, W, A (default: ${DEFAULT-VALUE}).")
    private List<Kernel.Size> sizes;

    @Option(names = "--loops", split = ",", paramLabel = "NAME", description = "Loops (default: all): sum, axpy, chain, search, calls; none for none.")
    private List<String> loops = TightLoop.ids();

    @Option(names = "--warmups", paramLabel = "N", defaultValue = "3",
            description = "Computations in each JVM before it measures, of kernels for 3 s at least and until the JVM compiles no more (default: ${DEFAULT-VALUE}).")
    private int warmups;

    @Option(names = "--times", paramLabel = "N", defaultValue = "3", description = "Computations in each JVM of which the best counts (default: ${DEFAULT-VALUE}).")
    private int times;

    @Option(names = "--cpus", paramLabel = "LIST", description = "CPUs to use, a uthread for each (default: those allowed).")
    private String cpuList;

    private WeaveBench() { super(5); }

    /** Runs the benchmark and ends the process: 0 when it has run, 1 when it could not, 2 when an argument is wrong. */
    public static void main(String[] args) { System.exit(run(new WeaveBench(), args)); }

    @Override void checkArguments() {
        if (kernels.equals(List.of("none"))) kernels = List.of();
        if (loops.equals(List.of("none"))) loops = List.of();
        requireKnown("kernel", kernels, KERNELS);
        requireKnown("loop", loops, TightLoop.ids());
        require(times >= 1 && warmups >= 0, "--times must be at least 1, --warmups at least 0");
        requireCpus(cpuList);
    }

    @Override String measure(Machine machine) throws IOException, InterruptedException {
        prepareProcesses();
        List<Integer> cpus = cpus(cpuList);
        var workloads = new ArrayList<>(loops);
        for (Kernel.Size size : sizes) for (String kernel : kernels) workloads.add(kernel + "." + size);
        StringBuilder text = heading("Checkpoints woven in", machine, "-Xms2g -Xmx2g -XX:+UseParallelGC")
                .append(item("Method", String.format(Locale.ROOT, "rounds: %d; a JVM for each measurement, on CPUs %s, which computes %d times to warm up and tells the best of %d; medians of rounds. Kernels run on uthreads, one for "
                        + "each CPU, and are verified; loops on one thread. Ratios within rounds: median (range)", rounds, cpus, warmups, times)));
        try (Scratch scratch = new Scratch(children)) {
            Path agent = WeaveProcess.agent(scratch.folder());
            StringBuilder table = new StringBuilder(head("workload", List.of("without, ms", "with checkpoints, ms", "ratio")));
            for (String workload : workloads) table.append(line(workload, agent, cpus));
            notes(text, null);
            return text.append(table).toString();
        }
    }

    private String line(String workload, Path agent, List<Integer> cpus) throws IOException, InterruptedException {
        var without = new ArrayList<Double>();
        var with = new ArrayList<Double>();
        var ratios = new ArrayList<Double>();
        for (int round = 0; round < rounds; round++) {
            double plain = seconds(null, workload, cpus);
            double woven = seconds(agent, workload, cpus);
            without.add(plain * 1e3);
            with.add(woven * 1e3);
            ratios.add(woven / plain);
            say(String.format(Locale.ROOT, "round %d/%d  %-6s %8.2f ms, with checkpoints %8.2f ms: %.2f", round + 1, rounds, workload, plain * 1e3, woven * 1e3, woven / plain));
        }
        return row(workload, List.of(significant(Statistics.of(without).median()), significant(Statistics.of(with).median()), withRange(Statistics.of(ratios), Markdown::ratio)));
    }

    private double seconds(Path agent, String workload, List<Integer> cpus) throws IOException, InterruptedException {
        String[] figures = output(WeaveProcess.command(agent, workload, cpus, warmups, times)).split(" ");
        if ((agent != null) != Integer.parseInt(figures[1]) > 0) throw new IOException(workload + " has " + figures[1] + " checkpoints");
        return Double.parseDouble(figures[0]);
    }
}
