package org.libtorque.bench;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code torque bench timers}: how late timers are, at idle and under load, and how far periodic ones drift; on vcores, with the JDK's executor and Netty's wheel.
 *
 * <p>Some hundred timers are armed for 1 to 50 ms, each again when it is called. Lateness is taken by the callback. Load is callbacks of 50 µs, sixteen for each CPU, that put
 * themselves in again: on the executor that also runs the timers, where a peer has such a thing. Each peer has a JVM of its own in each round, and all take their turns.
 */
@Command(name = "torque bench timers", sortOptions = false,
        description = "Measures how late timers are called on vcores, by the JDK's executor and by Netty's wheel, at idle and under load, and whether periodic ones drift.")
public final class TimersBench implements Callable<Integer> {
    @Option(names = "--peers", split = ",", paramLabel = "PEER",
            description = "Whose timers, in order (default: all): epoll, epoll-precise, io_uring, io_uring-precise, jdk, netty, netty-100ms.")
    private List<String> peerNames = TimerPeer.ids();

    @Option(names = "--timers", paramLabel = "N", defaultValue = "200", description = "Timers that are armed at a time (default: ${DEFAULT-VALUE}).")
    private int timers;

    @Option(names = "--rounds", paramLabel = "N", defaultValue = "3", description = "Rounds (default: ${DEFAULT-VALUE}).")
    private int rounds;

    @Option(names = "--seconds", paramLabel = "S", defaultValue = "10", description = "Seconds measured at idle, and under load, in each round (default: ${DEFAULT-VALUE}).")
    private double seconds;

    @Option(names = "--drift-seconds", paramLabel = "S", defaultValue = "60", description = "How long a timer of 10 ms goes on, in each round (default: ${DEFAULT-VALUE}).")
    private double driftSeconds;

    @Option(names = "--cpus", paramLabel = "LIST", description = "CPUs to use (default: those allowed).")
    private String cpuList;

    @Option(names = "--out", paramLabel = "FILE", description = "Where the tables go (default: bench/results/timers-DATE.md, replacing one of the same day).")
    private Path out;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Shows this text.")
    private boolean help;

    private final Path home = Scratch.sourceTree();
    private final Children children = new Children();

    /** Figures of a peer in a round, in nanoseconds. */
    record Lateness(double p50, double p99, double p999, double max, double early, double perSecond, double cpu) {
        static Lateness ofLine(String[] words) {
            double[] f = new double[7];
            for (int i = 0; i < 7; i++) f[i] = Double.parseDouble(words[i + 1]);
            return new Lateness(f[0], f[1], f[2], f[3], f[4], f[5], f[6]);
        }
    }

    /** How far a peer's periodic timer was from where it should be at the end, how often it was called, and how many times had come. */
    record Drift(double nanos, double calls, double times) {
        static Drift ofLine(String[] words) { return new Drift(Double.parseDouble(words[1]), Double.parseDouble(words[2]), Double.parseDouble(words[3])); }
    }

    private final Map<String, Map<String, List<Lateness>>> lateness = new LinkedHashMap<>();
    private final Map<String, List<Drift>> drifts = new LinkedHashMap<>();

    private TimersBench() {}

    /** Runs the benchmark and ends the process: 0 when it has run, 1 when it could not, 2 when an argument is wrong. */
    public static void main(String[] args) {
        var line = new CommandLine(new TimersBench());
        line.setParameterExceptionHandler((e, wrong) -> {
            System.err.println("torque bench timers: " + e.getMessage().lines().findFirst().orElse("bad arguments"));
            return 2;
        });
        line.setExecutionExceptionHandler((e, command, result) -> {
            if (e instanceof IOException && e.getMessage() != null) System.err.println("torque bench timers: " + e.getMessage());
            else e.printStackTrace(); // nothing that an argument or the machine explains
            return 1;
        });
        System.exit(line.execute(args));
    }

    @Override public Integer call() throws IOException, InterruptedException {
        String wrong = wrongArgument();
        if (wrong != null) {
            System.err.println("torque bench timers: " + wrong);
            return 2;
        }
        if (Commands.find("taskset") == null) throw new IOException("taskset is needed (package util-linux)");
        List<Integer> cpus = CpuList.parse(cpuList != null ? cpuList : ProcFiles.allowedCpus()).stream().distinct().toList();
        List<TimerPeer> peers = peerNames.stream().distinct().map(TimerPeer::byId).toList();
        Machine machine = Machine.describe(home);
        Runtime.getRuntime().addShutdownHook(new Thread(children::close, "clean-up"));
        System.err.printf(Locale.ROOT, "%d peers on CPUs %s, rounds: %d, about %.0f min%n", peers.size(), cpus, rounds,
                Math.ceil(rounds * peers.size() * (2 * seconds + driftSeconds + 6) / 60));
        for (String what : List.of("idle", "load")) lateness.put(what, new LinkedHashMap<>());
        for (int round = 1; round <= rounds; round++) {
            for (TimerPeer peer : peers) runPeer(peer, cpus, round);
        }
        String report = report(machine, cpus, peers);
        System.out.print(report);
        Path file = out != null ? out : home.resolve("bench/results/timers-" + LocalDate.now() + ".md");
        if (file.toAbsolutePath().getParent() != null) Files.createDirectories(file.toAbsolutePath().getParent());
        Files.writeString(file, report);
        System.err.println("written to " + file);
        return 0;
    }

    private String wrongArgument() {
        for (String name : peerNames) {
            if (TimerPeer.byId(name) == null) return "no peer '" + name + "'; there are " + TimerPeer.ids();
        }
        if (timers < 1 || timers > 1_000_000) return "--timers must be 1 to 1,000,000";
        if (rounds < 1) return "--rounds must be at least 1";
        if (!(seconds >= 0.1) || !(driftSeconds >= 0.5)) return "--seconds must be at least 0.1, --drift-seconds 0.5";
        List<Integer> allowed = CpuList.parse(ProcFiles.allowedCpus());
        try {
            if (cpuList != null && !allowed.containsAll(CpuList.parse(cpuList))) return "CPUs " + cpuList + " are not all allowed: " + allowed;
        } catch (NumberFormatException e) {
            return "CPUs are a list such as 0,1: " + e.getMessage();
        }
        return null;
    }

    private void runPeer(TimerPeer peer, List<Integer> cpus, int round) throws IOException, InterruptedException {
        Process process = children.start(new ProcessBuilder(TimersProcess.command(peer, cpus, timers, seconds, driftSeconds)).redirectError(ProcessBuilder.Redirect.INHERIT));
        List<String> lines;
        try (InputStream output = process.getInputStream()) {
            lines = new String(output.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
            if (process.waitFor() != 0) throw new IOException(children.isClosed() ? "stopped" : peer.id + " ended with status " + process.exitValue());
        } finally {
            children.stop(process);
        }
        for (String line : lines) {
            System.err.printf(Locale.ROOT, "round %d/%d  %-16s %s%n", round, rounds, peer.id, line);
            String[] words = line.split(" ");
            if (words[0].equals("drift")) drifts.computeIfAbsent(peer.id, _ -> new ArrayList<>()).add(Drift.ofLine(words));
            else lateness.get(words[0]).computeIfAbsent(peer.id, _ -> new ArrayList<>()).add(Lateness.ofLine(words));
        }
    }

    // ---- the report

    private String report(Machine machine, List<Integer> cpus, List<TimerPeer> peers) {
        var text = new StringBuilder("# Timers, " + LocalDate.now() + "\n\n");
        item(text, "Machine", machine.cpu() + ", CPUs allowed: " + machine.cpuCount() + "; " + machine.kernel());
        item(text, "JVM", machine.jvm() + "; " + String.join(" ", Peers.JVM_FLAGS));
        item(text, "Commit", machine.commit());
        item(text, "Pinning", "each process to CPUs " + cpus + " (taskset), to which vcores are pinned one by one and others' threads are not");
        item(text, "Load", timers + " timers, armed for 1 to 50 ms at random, each again when it is called; under load besides callbacks of 50 µs, 16 for each CPU, "
                + "that never end");
        item(text, "Method", String.format(Locale.ROOT, "rounds: %d, peers interleaved, a JVM for each; %s s measured after 1.5 s; medians of the rounds, and "
                + "the worst of all as the maximum. Drift: %s s of a period of 10 ms", rounds, HttpReport.significant(seconds), HttpReport.significant(driftSeconds)));
        for (TimerPeer peer : peers) item(text, peer.id, peer.title);
        for (String what : lateness.keySet()) {
            text.append(what.equals("idle") ? "\n### Lateness at idle, µs\n\n" : "\n### Lateness under load, µs\n\n");
            text.append("| timers | p50 | p99 | p99.9 | max | early | calls/s | CPU s/s |\n| :-- | --: | --: | --: | --: | --: | --: | --: |\n");
            lateness.get(what).forEach((peer, all) -> text.append(String.format(Locale.ROOT, "| %s | %s | %s | %s | %s | %.0f | %,.0f | %.2f |%n", peer, micros(all, Lateness::p50),
                    micros(all, Lateness::p99), micros(all, Lateness::p999), micros(all.stream().mapToDouble(Lateness::max).max().orElse(Double.NaN)),
                    all.stream().mapToDouble(Lateness::early).sum(), median(all, Lateness::perSecond), median(all, Lateness::cpu))));
        }
        text.append("\n### Drift of a period of 10 ms\n\n| timers | drift, µs | calls | times that came |\n| :-- | --: | --: | --: |\n");
        drifts.forEach((peer, all) -> {
            Drift worst = all.stream().max((a, b) -> Double.compare(Math.abs(a.nanos), Math.abs(b.nanos))).orElseThrow();
            text.append(String.format(Locale.ROOT, "| %s | %s | %,.0f | %,.0f |%n", peer, micros(worst.nanos), worst.calls, worst.times));
        });
        text.append("\nDrift is by how much the best call of the last hundred is later, counted in periods since the first, than the best of the first "
                + "hundred; the worst round.\n");
        return text.toString();
    }

    private static String micros(List<Lateness> all, ToDoubleFunction<Lateness> figure) { return micros(median(all, figure)); }

    private static String micros(double nanos) { return String.format(Locale.ROOT, Math.abs(nanos) < 100_000 ? "%,.1f" : "%,.0f", nanos / 1e3); }

    private static double median(List<Lateness> all, ToDoubleFunction<Lateness> figure) { return Statistics.of(all.stream().map(figure::applyAsDouble).toList()).median(); }

    private static void item(StringBuilder text, String name, String value) { text.append("- ").append(name).append(": ").append(value).append('\n'); }
}
