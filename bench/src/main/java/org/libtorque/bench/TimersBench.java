package org.libtorque.bench;

import static org.libtorque.bench.Markdown.item;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
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
public final class TimersBench extends BenchProgram {
    @Option(names = "--peers", split = ",", paramLabel = "PEER",
            description = "Whose timers, in order (default: all): epoll, epoll-precise, io_uring, io_uring-precise, jdk, netty, netty-100ms.")
    private List<String> peerNames = TimerPeer.ids();

    @Option(names = "--timers", paramLabel = "N", defaultValue = "200", description = "Timers that are armed at a time (default: ${DEFAULT-VALUE}).")
    private int timers;

    @Option(names = "--seconds", paramLabel = "S", defaultValue = "10", description = "Seconds measured at idle, and under load, in each round (default: ${DEFAULT-VALUE}).")
    private double seconds;

    @Option(names = "--drift-seconds", paramLabel = "S", defaultValue = "60", description = "How long a timer of 10 ms goes on, in each round (default: ${DEFAULT-VALUE}).")
    private double driftSeconds;

    @Option(names = "--cpus", paramLabel = "LIST", description = "CPUs to use (default: those allowed).")
    private String cpuList;

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

    private TimersBench() { super(3); }

    /** Runs the benchmark and ends the process: 0 when it has run, 1 when it could not, 2 when an argument is wrong. */
    public static void main(String[] args) { System.exit(run(new TimersBench(), args)); }

    @Override void checkArguments() {
        requireKnown("peer", peerNames, TimerPeer.ids());
        require(timers >= 1 && timers <= 1_000_000, "--timers must be 1 to 1,000,000");
        require(seconds >= 0.1, "--seconds must be at least 0.1");
        require(driftSeconds >= 0.5, "--drift-seconds must be at least 0.5");
        requireCpus(cpuList);
    }

    @Override String measure(Machine machine) throws IOException, InterruptedException {
        prepareProcesses();
        List<Integer> cpus = cpus(cpuList);
        List<TimerPeer> peers = peerNames.stream().distinct().map(TimerPeer::byId).toList();
        say(String.format(Locale.ROOT, "%d peers on CPUs %s, rounds: %d, about %.0f min", peers.size(), cpus, rounds,
                Math.ceil(rounds * peers.size() * (2 * seconds + driftSeconds + 6) / 60)));
        for (String what : List.of("idle", "load")) lateness.put(what, new LinkedHashMap<>());
        for (int round = 1; round <= rounds; round++) {
            for (TimerPeer peer : peers) runPeer(peer, cpus, round);
        }
        return report(machine, cpus, peers);
    }

    private void runPeer(TimerPeer peer, List<Integer> cpus, int round) throws IOException, InterruptedException {
        for (String line : output(TimersProcess.command(peer, cpus, timers, seconds, driftSeconds)).lines().toList()) {
            say(String.format(Locale.ROOT, "round %d/%d  %-16s %s", round, rounds, peer.id, line));
            String[] words = line.split(" ");
            if (words[0].equals("drift")) drifts.computeIfAbsent(peer.id, _ -> new ArrayList<>()).add(Drift.ofLine(words));
            else lateness.get(words[0]).computeIfAbsent(peer.id, _ -> new ArrayList<>()).add(Lateness.ofLine(words));
        }
    }

    // ---- the report

    private String report(Machine machine, List<Integer> cpus, List<TimerPeer> peers) {
        StringBuilder text = heading("Timers", machine, String.join(" ", Peers.JVM_FLAGS))
                .append(item("Pinning", "each process to CPUs " + cpus + " (taskset), to which vcores are pinned one by one and others' threads are not"))
                .append(item("Load", timers + " timers, armed for 1 to 50 ms at random, each again when it is called; under load besides callbacks of 50 µs, 16 for each CPU, "
                        + "that never end"))
                .append(item("Method", String.format(Locale.ROOT, "rounds: %d, peers interleaved, a JVM for each; %s s measured after 1.5 s; medians of the rounds, and the "
                        + "worst of all as the maximum. Drift: %s s of a period of 10 ms", rounds, Markdown.plain(seconds), Markdown.plain(driftSeconds))));
        for (TimerPeer peer : peers) text.append(item(peer.id, peer.title));
        notes(text, null);
        for (String what : lateness.keySet()) {
            text.append(what.equals("idle") ? "### Lateness at idle, µs\n\n" : "\n### Lateness under load, µs\n\n");
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
}
