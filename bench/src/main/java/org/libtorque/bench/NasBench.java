package org.libtorque.bench;

import static org.libtorque.bench.Markdown.item;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.libtorque.bench.nas.Kernel;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code torque bench nas}: NAS kernels EP, CG, IS, MG and FT on uthreads with our barrier, on platform threads and on a fork-join pool; milliseconds.
 *
 * <p>Every result is verified with the official values. In each round every peer has a JVM of its own for a kernel, bound to the same CPUs. All have warmed up before they take short turns, in
 * an order that rotates: a CPU that other machines of the same host share runs faster and slower by the second, which so meets all alike.
 */
@Command(name = "torque bench nas", sortOptions = false,
        description = "Computes NAS kernels on uthreads, platform threads and a fork-join pool, in turns, and writes tables of milliseconds.")
public final class NasBench extends BenchProgram {
    private static final List<String> KERNELS = Kernel.ALL.stream().map(Kernel.Kind::name).toList();

    @Option(names = "--peers", split = ",", paramLabel = "PEER", description = "Who computes, in order (default: all): uthreads, barrier, cyclic, forkjoin.")
    private List<String> peerNames = NasPeer.ids();

    @Option(names = "--kernels", split = ",", paramLabel = "NAME", description = "Kernels (default: all): EP, CG, IS, MG, FT.")
    private List<String> kernels = KERNELS;

    @Option(names = "--classes", split = ",", paramLabel = "CLASS", defaultValue = "S,W", description = "Classes: S, W, A (default: ${DEFAULT-VALUE}).")
    private List<Kernel.Size> sizes;

    @Option(names = "--turns", paramLabel = "N", defaultValue = "8", description = "Turns of each peer in each round, kernel and class (default: ${DEFAULT-VALUE}).")
    private int turns;

    @Option(names = "--warm-up", paramLabel = "SECONDS", defaultValue = "2",
            description = "How long each JVM computes before it measures, at least; it goes on until nothing is compiled any more (default: ${DEFAULT-VALUE}).")
    private double warmSeconds;

    @Option(names = "--cpus", paramLabel = "LIST", description = "CPUs to use, a thread for each (default: those allowed).")
    private String cpuList;

    private NasBench() { super(3); }

    /** Runs the benchmark and ends the process: 0 when it has run, 1 when it could not, 2 when an argument is wrong. */
    public static void main(String[] args) { System.exit(run(new NasBench(), args)); }

    @Override void checkArguments() {
        requireKnown("peer", peerNames, NasPeer.ids());
        requireKnown("kernel", kernels, KERNELS);
        require(turns >= 1 && warmSeconds >= 0, "--turns must be at least 1, --warm-up at least 0");
        requireCpus(cpuList);
    }

    @Override String measure(Machine machine) throws IOException, InterruptedException {
        prepareProcesses();
        List<Integer> cpus = cpus(cpuList);
        List<NasPeer> peers = peerNames.stream().distinct().map(NasPeer::byId).toList();
        var all = new ArrayList<NasReport.Turn>();
        for (int round = 1; round <= rounds; round++) {
            for (Kernel.Kind kind : Kernel.ALL) {
                if (kernels.contains(kind.name())) round(kind, round, peers, cpus, all);
            }
        }
        all.sort(Comparator.comparing(turn -> sizes.indexOf(Kernel.Size.valueOf(turn.workload().substring(turn.workload().indexOf('.') + 1))))); // rows by class, then by kernel
        StringBuilder text = heading("NAS kernels", machine, "-Xms2g -Xmx2g -XX:+UseParallelGC")
                .append(item("Method", String.format(Locale.ROOT, "rounds: %d; in each a JVM for each kernel and peer, on CPUs %s, which warms up for %s s at least and until nothing is compiled. Then %d turns of %.0f ms, "
                        + "or of one longer computation, for each peer and class, all peers in each turn; every result verified", rounds, cpus, Markdown.plain(warmSeconds), turns, NasProcess.TURN_SECONDS * 1e3)))
                .append(item("Figures", "first the median of all computations of a turn, then of turns, then of rounds, with ratios within turns: median of turns, then median (range) of rounds; second the fastest "
                        + "computation of each round, with ratios within rounds"));
        for (NasPeer peer : peers) text.append(item(peer.id, peer.title));
        notes(text, null);
        var report = new NasReport(peers.stream().map(peer -> peer.id).toList(), all);
        return text.append(report.medians()).append('\n').append(report.bests()).toString();
    }

    private void round(Kernel.Kind kind, int round, List<NasPeer> peers, List<Integer> cpus, List<NasReport.Turn> all) throws IOException, InterruptedException {
        var partners = new ArrayList<NasPartner>();
        try {
            for (NasPeer peer : peers) partners.add(new NasPartner(children, NasProcess.command(peer, kind, sizes, cpus, warmSeconds)));
            for (Kernel.Size size : sizes) {
                String workload = kind.name() + "." + size;
                var medians = new ArrayList<List<Double>>();
                for (int p = 0; p < peers.size(); p++) medians.add(new ArrayList<>());
                for (int turn = 1; turn <= turns; turn++) {
                    for (int i = 0; i < peers.size(); i++) {
                        int p = (turn + i) % peers.size();
                        var result = new NasReport.Turn(workload, peers.get(p).id, round, turn, partners.get(p).turn(size));
                        all.add(result);
                        medians.get(p).add(result.median() * 1e3);
                    }
                }
                var line = new StringBuilder(String.format(Locale.ROOT, "round %d/%d  %-5s", round, rounds, workload));
                for (int p = 0; p < peers.size(); p++) line.append(String.format(Locale.ROOT, "  %s %.3f ms", peers.get(p).id, Statistics.of(medians.get(p)).median()));
                say(line.toString());
            }
        } finally {
            for (NasPartner partner : partners) partner.close();
        }
    }
}
