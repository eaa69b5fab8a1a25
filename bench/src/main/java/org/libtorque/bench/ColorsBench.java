package org.libtorque.bench;

import static org.libtorque.bench.Markdown.item;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.libtorque.bench.ColorsReport.Entry;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code torque bench colors}: chains of small callbacks with unique colours, on vcores and on other executors; tasks per second.
 *
 * <p>The synthetic benchmark of libasync-smp's paper (Zeldovich et al. 2003). Each measurement has a JVM of its own, bound to its CPUs, so that what the compiler has learned
 * of one peer is of no use or harm to another, and a round samples its luck anew. In each round every peer gets its turn, so that a disturbance of the machine meets all
 * alike and ratios within a round can be trusted.
 */
@Command(name = "torque bench colors", sortOptions = false,
        description = "Runs chains of small callbacks on vcores and on other executors, interleaved, and writes tables of tasks per second.")
public final class ColorsBench extends BenchProgram {
    @Option(names = "--peers", split = ",", paramLabel = "PEER",
            description = "Who runs them, in order (default: all): static, static-one, steal, steal-one, shared-queue, forkjoin, forkjoin-one, netty, netty-one, "
                    + "netty-loop, striped, striped-one, fixed-pool.")
    private List<String> peerNames = ChainPeer.ids();

    @Option(names = "--work", split = ",", paramLabel = "US", defaultValue = "0,1,10",
            description = "Microseconds that each callback burns (default: ${DEFAULT-VALUE}).")
    private List<Double> work;

    @Option(names = "--chains", paramLabel = "N", defaultValue = "64", description = "Chains, each with a colour of its own (default: ${DEFAULT-VALUE}).")
    private int chains;

    @Option(names = "--vcores", split = ",", paramLabel = "N", description = "Numbers of vcores or threads (default: 1 and as many as there are CPUs).")
    private List<Integer> vcores;

    @Option(names = "--seconds", paramLabel = "S", defaultValue = "1", description = "Measured seconds for each peer, case and round (default: ${DEFAULT-VALUE}).")
    private double seconds;

    @Option(names = "--warmup", paramLabel = "S", defaultValue = "1", description = "CPU seconds before each measurement (default: ${DEFAULT-VALUE}).")
    private double warmup;

    @Option(names = "--references", split = ",", paramLabel = "PEER", defaultValue = "static,shared-queue",
            description = "Peers that the others are compared with (default: ${DEFAULT-VALUE}).")
    private List<String> references;

    @Option(names = "--cpus", paramLabel = "LIST", description = "CPUs to use, in order (default: those allowed).")
    private String cpuList;

    private final List<Entry> entries = new ArrayList<>();
    private final Map<String, String> absent = new LinkedHashMap<>();

    private ColorsBench() { super(5); }

    /** Runs the benchmark and ends the process: 0 when it has run, 1 when it could not, 2 when an argument is wrong. */
    public static void main(String[] args) { System.exit(run(new ColorsBench(), args)); }

    @Override void checkArguments() {
        requireKnown("peer", peerNames, ChainPeer.ids());
        requireKnown("peer", references, ChainPeer.ids());
        require(chains >= 1 && chains <= 1_000_000, "--chains must be 1 to 1,000,000");
        require(seconds >= 0.1, "--seconds must be at least 0.1");
        require(warmup >= 0, "warm-up cannot be negative");
        require(work.stream().allMatch(us -> us >= 0 && us <= 1e6), "--work must be 0 to 1,000,000 µs each");
        requireCpus(cpuList);
        int most = cpus().size();
        require(vcores == null || vcores.stream().allMatch(n -> n >= 1 && n <= most), "--vcores must be 1 to " + most + " each, a CPU for each");
    }

    @Override String measure(Machine machine) throws IOException, InterruptedException {
        prepareProcesses();
        List<Integer> cpus = cpus();
        List<Integer> widths = vcores != null ? vcores.stream().distinct().toList() : Stream.of(1, cpus.size()).distinct().toList();
        List<ChainPeer> peers = peerNames.stream().distinct().map(ChainPeer::byId).toList();
        List<Double> works = work.stream().distinct().map(us -> us * 1e3).toList();
        double stepNanos = Burn.stepNanos();
        say(String.format(Locale.ROOT, "%d peers, %s CPUs, rounds: %d, about %.0f min", peers.size(), widths, rounds,
                Math.ceil(rounds * peers.size() * widths.size() * (1 + works.size() * (warmup + seconds)) / 60)));
        for (int round = 1; round <= rounds; round++) {
            for (int width : widths) {
                for (ChainPeer peer : peers) runPeer(peer, cpus.subList(0, width), works, stepNanos, round);
            }
        }
        if (entries.isEmpty()) throw new IOException("nothing could be measured: " + absent);
        return report(machine, cpus, widths, peers, works, stepNanos);
    }

    private List<Integer> cpus() { return cpus(cpuList); }

    private void runPeer(ChainPeer peer, List<Integer> cpus, List<Double> works, double stepNanos, int round) throws IOException, InterruptedException {
        if (absent.containsKey(peer.id)) return;
        String output;
        try {
            output = output(ChainProcess.command(peer, cpus, chains, warmup, seconds, stepNanos, works));
        } catch (IOException failure) {
            if (children.isClosed()) throw failure;
            absent.put(peer.id, "failed in round " + round + " on " + cpus.size() + " CPUs"); // the others are compared all the same
            say(peer.id + " " + absent.get(peer.id) + ": " + failure.getMessage());
            return;
        }
        for (String line : output.lines().toList()) {
            ChainMeasurement m = ChainMeasurement.ofLine(line);
            entries.add(new Entry(peer.id, cpus.size(), round, m));
            say(String.format(Locale.ROOT, "round %d/%d  %d CPUs  %-13s %6s ns of work: %,12.0f tasks/s, its own %s CPU ns/task, slowest chain %.2f, CPU %.2f, others %.2f",
                    round, rounds, cpus.size(), peer.id, Markdown.count(m.workNanos()), m.tasksPerSecond(), Markdown.significant(m.ownNanos()), m.slowest(), m.busy(),
                    m.othersBusy()));
        }
    }

    private String report(Machine machine, List<Integer> cpus, List<Integer> widths, List<ChainPeer> peers, List<Double> works, double stepNanos) {
        var report = new ColorsReport(references, peers.stream().map(peer -> peer.id).toList(), entries);
        StringBuilder text = heading("Chains of small callbacks", machine, String.join(" ", Peers.JVM_FLAGS) + " " + String.join(" ", Peers.NETTY_FLAGS))
                .append(item("Pinning", "each process to the first 1 to " + cpus.size() + " of CPUs " + cpus
                        + " (taskset), to which vcores are pinned one by one and others' threads are not"))
                .append(item("Load", String.format(Locale.ROOT, "%d chains; a callback multiplies for as long as the table says (%.3f ns a step) and has the next of its chain run; "
                        + "it never ends by itself", chains, stepNanos)))
                .append(item("Method", String.format(Locale.ROOT, "rounds: %d, peers interleaved, a JVM for each; %s s measured after %s CPU seconds of warm-up; medians, and ratios "
                        + "within rounds with their range", rounds, Markdown.plain(seconds), Markdown.plain(warmup))));
        for (ChainPeer peer : peers) text.append(item(peer.id, peer.title + (absent.containsKey(peer.id) ? " – " + absent.get(peer.id) : "")));
        notes(text, report.disturbance());
        for (int width : widths) {
            for (double workNanos : works) text.append(report.table(width, workNanos));
        }
        return text.append(report.rounds()).toString();
    }
}
