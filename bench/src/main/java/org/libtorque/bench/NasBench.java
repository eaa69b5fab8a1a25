package org.libtorque.bench;

import static org.libtorque.bench.Markdown.head;
import static org.libtorque.bench.Markdown.item;
import static org.libtorque.bench.Markdown.row;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.DoubleStream;
import org.libtorque.bench.nas.Kernel;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code torque bench nas}: NAS kernels EP, CG, IS, MG and FT on uthreads with our barrier, on platform threads and on a fork-join pool; seconds.
 *
 * <p>Every run is verified with the official values. Each measurement has a JVM of its own, bound to its CPUs, which computes the kernel several times and tells its best; in each round
 * every peer gets its turn, so that a disturbance of the machine meets all alike.
 */
@Command(name = "torque bench nas", sortOptions = false,
        description = "Computes NAS kernels on uthreads, platform threads and a fork-join pool, interleaved, and writes a table of seconds.")
public final class NasBench extends BenchProgram {
    private static final List<String> KERNELS = Kernel.ALL.stream().map(Kernel.Kind::name).toList();

    @Option(names = "--peers", split = ",", paramLabel = "PEER", description = "Who computes, in order (default: all): uthreads, barrier, cyclic, forkjoin.")
    private List<String> peerNames = NasPeer.ids();

    @Option(names = "--kernels", split = ",", paramLabel = "NAME", description = "Kernels (default: all): EP, CG, IS, MG, FT.")
    private List<String> kernels = KERNELS;

    @Option(names = "--classes", split = ",", paramLabel = "CLASS", defaultValue = "S,W", description = "Classes: S, W, A (default: ${DEFAULT-VALUE}).")
    private List<Kernel.Size> sizes;

    @Option(names = "--warmups", paramLabel = "N", defaultValue = "10",
            description = "Computations in each JVM before it measures, which go on for 3 s at least (default: ${DEFAULT-VALUE}; 0 for none at all).")
    private int warmups;

    @Option(names = "--times", paramLabel = "N", defaultValue = "10", description = "Computations in each JVM of which the best counts (default: ${DEFAULT-VALUE}).")
    private int times;

    @Option(names = "--cpus", paramLabel = "LIST", description = "CPUs to use, a thread for each (default: those allowed).")
    private String cpuList;

    private NasBench() { super(5); }

    /** Runs the benchmark and ends the process: 0 when it has run, 1 when it could not, 2 when an argument is wrong. */
    public static void main(String[] args) { System.exit(run(new NasBench(), args)); }

    @Override void checkArguments() {
        requireKnown("peer", peerNames, NasPeer.ids());
        requireKnown("kernel", kernels, KERNELS);
        require(times >= 1 && warmups >= 0, "--times must be at least 1, --warmups at least 0");
        requireCpus(cpuList);
    }

    @Override String measure(Machine machine) throws IOException, InterruptedException {
        prepareProcesses();
        List<Integer> cpus = cpus(cpuList);
        List<NasPeer> peers = peerNames.stream().distinct().map(NasPeer::byId).toList();
        StringBuilder table = new StringBuilder(head("kernel", peers.stream().map(peer -> peer.id).toList()));
        for (Kernel.Size size : sizes) {
            for (Kernel.Kind kind : Kernel.ALL) {
                if (kernels.contains(kind.name())) table.append(line(kind, size, peers, cpus));
            }
        }
        StringBuilder text = heading("NAS kernels", machine, "-Xms2g -Xmx2g -XX:+UseParallelGC")
                .append(item("Method", String.format(Locale.ROOT, "rounds: %d, peers interleaved, a JVM for each, on CPUs %s, which computes %d times and for %s s at least to warm up, and tells the best of %d; "
                        + "medians of rounds in ms, and in parentheses relative to the best peer; every result verified", rounds, cpus, warmups, Markdown.plain(warmups > 0 ? NasProcess.WARM_SECONDS : 0), times)));
        for (NasPeer peer : peers) text.append(item(peer.id, peer.title));
        notes(text, null);
        return text.append(table).toString();
    }

    private String line(Kernel.Kind kind, Kernel.Size size, List<NasPeer> peers, List<Integer> cpus) throws IOException, InterruptedException {
        var seconds = new ArrayList<List<Double>>();
        for (int p = 0; p < peers.size(); p++) seconds.add(new ArrayList<>());
        for (int round = 1; round <= rounds; round++) {
            for (int p = 0; p < peers.size(); p++) {
                double s = Double.parseDouble(output(NasProcess.command(peers.get(p), kind, size, cpus, warmups, times)));
                seconds.get(p).add(s);
                say(String.format(Locale.ROOT, "round %d/%d  %s.%s  %-9s %.4f s", round, rounds, kind.name(), size, peers.get(p).id, s));
            }
        }
        double[] medians = seconds.stream().mapToDouble(s -> Statistics.of(s).median()).toArray();
        double best = DoubleStream.of(medians).min().orElseThrow();
        return row(kind.name() + "." + size, DoubleStream.of(medians).mapToObj(m -> String.format(Locale.ROOT, "%.2f (%.2f)", m * 1e3, m / best)).toList());
    }
}
