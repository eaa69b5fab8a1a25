package org.libtorque.bench;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.libtorque.bench.nas.Kernel;
import picocli.CommandLine;
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
public final class NasBench implements Callable<Integer> {
    @Option(names = "--peers", split = ",", paramLabel = "PEER", description = "Who computes, in order (default: all): uthreads, barrier, cyclic, forkjoin.")
    private List<String> peerNames = NasPeer.ids();

    @Option(names = "--kernels", split = ",", paramLabel = "NAME", defaultValue = "EP,CG,IS,MG,FT", description = "Kernels (default: ${DEFAULT-VALUE}).")
    private List<String> kernelNames;

    @Option(names = "--classes", split = ",", paramLabel = "CLASS", defaultValue = "S,W", description = "Classes: S, W, A (default: ${DEFAULT-VALUE}).")
    private List<Kernel.Size> sizes;

    @Option(names = "--rounds", paramLabel = "N", defaultValue = "5", description = "Rounds (default: ${DEFAULT-VALUE}).")
    private int rounds;

    @Option(names = "--warmups", paramLabel = "N", defaultValue = "3", description = "Computations in each JVM before it measures (default: ${DEFAULT-VALUE}).")
    private int warmups;

    @Option(names = "--times", paramLabel = "N", defaultValue = "3", description = "Computations in each JVM of which the best counts (default: ${DEFAULT-VALUE}).")
    private int times;

    @Option(names = "--cpus", paramLabel = "LIST", description = "CPUs to use, a thread for each (default: those allowed).")
    private String cpuList;

    @Option(names = "--out", paramLabel = "FILE", description = "Where the table goes (default: bench/results/nas-DATE.md, replacing one of the same day).")
    private Path out;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Shows this text.")
    private boolean help;

    private final Path home = Scratch.sourceTree();
    private final Children children = new Children();

    /** A line of the table: by peer, the seconds of each round. */
    private record Line(Kernel.Kind kind, Kernel.Size size, List<List<Double>> seconds) {}

    private NasBench() {}

    /** Runs the benchmark and ends the process: 0 when it has run, 1 when it could not, 2 when an argument is wrong. */
    public static void main(String[] args) { System.exit(new CommandLine(new NasBench()).setCaseInsensitiveEnumValuesAllowed(true).execute(args)); }

    @Override public Integer call() throws IOException, InterruptedException {
        String wrong = wrongArgument();
        if (wrong != null) {
            System.err.println("torque bench nas: " + wrong);
            return 2;
        }
        if (Commands.find("taskset") == null) throw new IOException("taskset is needed (package util-linux)");
        List<Integer> cpus = CpuList.parse(cpuList != null ? cpuList : ProcFiles.allowedCpus());
        List<NasPeer> peers = peerNames.stream().distinct().map(NasPeer::byId).toList();
        Runtime.getRuntime().addShutdownHook(new Thread(children::close, "clean-up"));
        var lines = new ArrayList<Line>();
        for (Kernel.Size size : sizes) {
            for (Kernel.Kind kind : Kernel.ALL) {
                if (!kernelNames.contains(kind.name())) continue;
                var seconds = new ArrayList<List<Double>>();
                for (NasPeer peer : peers) seconds.add(new ArrayList<>());
                for (int round = 1; round <= rounds; round++) {
                    for (int p = 0; p < peers.size(); p++) {
                        double s = run(NasProcess.command(peers.get(p), kind, size, cpus, warmups, times));
                        seconds.get(p).add(s);
                        System.err.printf(Locale.ROOT, "round %d/%d  %s.%s  %-9s %.4f s%n", round, rounds, kind.name(), size, peers.get(p).id, s);
                    }
                }
                lines.add(new Line(kind, size, seconds));
            }
        }
        String report = report(cpus, peers, lines);
        System.out.print(report);
        Path file = out != null ? out : home.resolve("bench/results/nas-" + LocalDate.now() + ".md");
        Files.writeString(file, report);
        System.err.println("written to " + file);
        return 0;
    }

    private String wrongArgument() {
        for (String name : peerNames) if (NasPeer.byId(name) == null) return "no peer '" + name + "'; there are " + NasPeer.ids();
        for (String name : kernelNames) if (Kernel.ALL.stream().noneMatch(k -> k.name().equals(name))) return "no kernel '" + name + "'; there are EP, CG, IS, MG and FT";
        if (rounds < 1 || times < 1 || warmups < 0) return "--rounds and --times must be at least 1, --warmups at least 0";
        return null;
    }

    private double run(List<String> command) throws IOException, InterruptedException {
        Process process = children.start(new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT));
        try (InputStream output = process.getInputStream()) {
            String text = new String(output.readAllBytes(), StandardCharsets.UTF_8).strip();
            if (process.waitFor() != 0) throw new IOException(String.join(" ", command) + " failed");
            return Double.parseDouble(text);
        } finally {
            children.stop(process);
        }
    }

    private String report(List<Integer> cpus, List<NasPeer> peers, List<Line> lines) {
        Machine machine = Machine.describe(home);
        var text = new StringBuilder("# NAS kernels, " + LocalDate.now() + "\n\n");
        text.append("- Machine: ").append(machine.cpu()).append(", CPUs used: ").append(cpus).append("; ").append(machine.kernel()).append('\n');
        text.append("- JVM: ").append(machine.jvm()).append("; -Xms2g -Xmx2g -XX:+UseParallelGC\n- Commit: ").append(machine.commit()).append('\n');
        text.append(String.format(Locale.ROOT, "- Method: rounds: %d, peers interleaved, a JVM for each, which computes %d times to warm up and tells the best of %d; medians of rounds in ms, "
                + "and in parentheses relative to the best peer; every result verified%n", rounds, warmups, times));
        for (NasPeer peer : peers) text.append("- ").append(peer.id).append(": ").append(peer.title).append('\n');
        text.append("\n| kernel |");
        for (NasPeer peer : peers) text.append(' ').append(peer.id).append(" |");
        text.append("\n| :-- |").append(" --: |".repeat(peers.size())).append('\n');
        for (Line line : lines) {
            double[] medians = line.seconds.stream().mapToDouble(s -> Statistics.of(s).median()).toArray();
            double best = Double.POSITIVE_INFINITY;
            for (double m : medians) best = Math.min(best, m);
            text.append("| ").append(line.kind.name()).append('.').append(line.size).append(" |");
            for (double m : medians) text.append(String.format(Locale.ROOT, " %.2f (%.2f) |", m * 1e3, m / best));
            text.append('\n');
        }
        return text.toString();
    }
}
