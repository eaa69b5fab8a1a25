package org.libtorque.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.libtorque.bench.Peer.UnavailableException;
import picocli.CommandLine.Option;

/**
 * What those programs share that put loads on servers: the servers are started once and stay, and each gets each load in turn, round by round.
 *
 * @param <M> what one measurement gives
 */
abstract class ServerProgram<M extends InRound> extends BenchProgram {
    @Option(names = "--seconds", order = 11, paramLabel = "S", description = "Measured seconds per server, case and round (default: ${DEFAULT-VALUE}).")
    double seconds;

    @Option(names = "--warmup", order = 12, paramLabel = "S", description = "Seconds of load before each measurement (default: ${DEFAULT-VALUE}).")
    double warmup;

    @Option(names = "--first-warmup", order = 13, paramLabel = "S",
            description = "The same for a server on the JVM that meets a case for the first time (default: ${DEFAULT-VALUE}).")
    double firstWarmup;

    @Option(names = "--attempts", order = 14, paramLabel = "N", defaultValue = "1",
            description = "How often to measure, at most, until others take no more than a tenth of a CPU (default: ${DEFAULT-VALUE}).")
    private int attempts;

    @Option(names = "--kweb", order = 30, paramLabel = "COMMAND",
            description = "How to start kweb, up to the options that a case needs; {java} (with heap flags), {port}, {cpu}, {root} are filled in.")
    private String kweb;

    @Option(names = "--torque-load", order = 31, paramLabel = "COMMAND", description = "How to start torque load; {java} is filled in.")
    private String torqueLoad;

    final Path jar = home.resolve("apps/target/torque.jar");
    final CLoops cLoops = new CLoops(home.resolve("bench/c"));
    /** Servers that cannot take part (any more), and why. */
    final Map<String, String> absent = new LinkedHashMap<>();
    final List<M> measurements = new ArrayList<>();
    /** All there are, once somebody has asked. */
    private Map<String, Peer> peers;
    private final Map<String, String> readyLines = new LinkedHashMap<>();
    private final Set<String> warmed = new HashSet<>();

    /** @param rounds this and the others: how many, and how long, unless told otherwise */
    ServerProgram(int rounds, double seconds, double warmup, double firstWarmup) {
        super(rounds);
        this.seconds = seconds;
        this.warmup = warmup;
        this.firstWarmup = firstWarmup;
    }

    @Override void checkArguments() {
        require(seconds >= 1, "--seconds must be at least 1");
        require(warmup >= 0 && firstWarmup >= 0, "warm-up cannot be negative");
        require(attempts >= 1, "--attempts must be at least 1");
    }

    @Override final String measure(Machine machine) throws IOException, InterruptedException {
        try (var files = new Scratch(children)) {
            return measure(machine, files.folder());
        }
    }

    /** As {@link #measure(Machine)}, with a folder for the files of this run. */
    abstract String measure(Machine machine, Path scratch) throws IOException, InterruptedException;

    // ---- servers and load

    /** Returns all servers there are. */
    final Map<String, Peer> peers() {
        if (peers == null) {
            peers = new Peers(kweb != null ? kweb : "{java} -jar " + jar + " serve --address 127.0.0.1 --port {port} --cpus {cpu} --root {root}", cLoops).all();
        }
        return peers;
    }

    /** Tells whether there is a {@code torque load}. */
    final boolean hasTorqueLoad() { return torqueLoad != null || Files.exists(jar); }

    /** Returns the command of the load generator up to and including {@code load}, for CPUs {@code cpus}. */
    final List<String> torqueLoad(String cpus) throws IOException {
        if (!hasTorqueLoad()) throw new IOException("no " + jar + ": build it, or name another with --torque-load");
        return Commands.fill(torqueLoad != null ? torqueLoad : "{java} -jar " + jar + " load", new Peer.Slot(0, cpus, home, home));
    }

    /** Makes the folder that servers of files serve: an empty page. */
    static Path root(Path scratch) throws IOException {
        Path root = Files.createDirectory(scratch.resolve("root"));
        Files.createFile(root.resolve("index.html"));
        return root;
    }

    /** Starts servers on the same CPUs; those that cannot be are absent from then on. */
    final List<ServerProcess> startAll(List<String> names, Map<String, Peer> known, String cpus, Path scratch) throws IOException, InterruptedException {
        return startAll(names, known, cpus, root(scratch), scratch);
    }

    /** The same, with the folder of the files to serve. */
    final List<ServerProcess> startAll(List<String> names, Map<String, Peer> known, String cpus, Path root, Path scratch) throws IOException, InterruptedException {
        var servers = new ArrayList<ServerProcess>();
        for (String name : names) {
            try {
                servers.add(start(known.get(name), name, cpus, root, scratch));
            } catch (UnavailableException e) {
                absent.put(name, e.getMessage());
                say(name + " is left out: " + e.getMessage());
            }
        }
        if (servers.isEmpty()) throw new IOException("no server could be started: " + absent);
        return servers;
    }

    /** Starts a server, which the report calls {@code name}. */
    final ServerProcess start(Peer peer, String name, String cpus, Path root, Path scratch) throws UnavailableException, IOException, InterruptedException {
        ServerProcess server = ServerProcess.start(peer, cpus, root, scratch, children);
        readyLines.put(name, server.readyLine());
        say(name + " is ready on port " + server.port);
        return server;
    }

    /** Says what is about to happen. {@code where} the servers and the load are. */
    final void announce(String where, int cases, List<ServerProcess> servers) {
        double total = (double) rounds * cases * servers.size() * (warmup + seconds + 1)
                + cases * servers.stream().filter(s -> s.peer.warms()).count() * Math.max(0, firstWarmup - warmup);
        say(String.format(Locale.ROOT, "%d servers on %s, rounds: %d, cases: %d, about %.0f min", servers.size(), where, rounds, cases, Math.ceil(total / 60)));
    }

    // ---- measuring

    /** Measures once. */
    interface Measuring<M> {
        /** @param warmup seconds of load before */
        M measure(double warmup) throws IOException, InterruptedException;
    }

    /** Measures a server under a load, and again while others disturb, and says what came out. What fails is noted; the server may be absent then. */
    final void measure(String load, String name, ServerProcess server, int round, Measuring<M> measuring) throws IOException, InterruptedException {
        boolean first = warmed.add(load + " " + name);
        try {
            M m = measuring.measure(first && server.peer.warms() ? Math.max(firstWarmup, warmup) : warmup);
            for (int attempt = 1; attempt < attempts && m.othersBusy() > CpuUse.DISTURBED; attempt++) {
                say(line(m) + ", once more");
                m = measuring.measure(warmup);
            }
            measurements.add(m);
            say(line(m));
        } catch (IOException e) {
            if (children.isClosed()) throw new IOException("stopped", e);
            if (server.isAlive()) {
                note(load + ", " + name + ", round " + round + ": " + e.getMessage());
            } else {
                absent.put(name, "ended in round " + round + ", " + load + ": " + server.lastLine());
                say(name + " " + absent.get(name));
            }
        }
    }

    /** Returns what to say of a measurement while the program runs. */
    abstract String line(M m);

    /** How the report says what was done. */
    final String method() {
        return String.format(Locale.ROOT, "rounds: %d, servers interleaved, %s s measured after %s s of warm-up (%s s when a server on the JVM first meets a case); medians",
                rounds, Markdown.plain(seconds), Markdown.plain(warmup), Markdown.plain(Math.max(firstWarmup, warmup)));
    }

    /** Adds what the servers said of themselves when they were ready. */
    final void readyLines(StringBuilder text) {
        readyLines.forEach((name, line) -> {
            if (!line.isEmpty()) text.append(Markdown.item(name, line));
        });
    }
}
