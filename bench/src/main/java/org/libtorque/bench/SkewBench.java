package org.libtorque.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.libtorque.bench.Peer.UnavailableException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code torque bench skew}: servers whose connections make very different work, and what that does to the others.
 *
 * <p>Every server has two threads on the same two CPUs. The load generator shares the second: it takes less than half of that CPU, and
 * what a server does with the rest of both is what shows. All are started once and stay. In each round every server gets each load in turn, so
 * that a disturbance of the machine meets all of them alike and ratios within a round can be trusted.
 */
@Command(name = "torque bench skew", sortOptions = false,
        description = "Runs kweb and other servers under skewed load, interleaved, and writes tables of what heavy connections get "
                + "and what light ones wait.")
public final class SkewBench implements Callable<Integer> {
    @Option(names = "--cases", split = ",", paramLabel = "CASE", defaultValue = "skew8,moving,skew1,balanced,p1",
            description = "Loads: skew8, moving, skew1, balanced, p1 (default: all).")
    private List<String> caseNames;

    @Option(names = "--peers", split = ",", paramLabel = "SERVER",
            description = "Servers, in order (default: kweb-static,kweb-steal,kweb-migrate,c-loops,c-queue,c-least,c-threads,netty-epoll-2,"
                    + "netty-io_uring-2,netty-ordered,netty-unordered,virtual-threads-2). More: kweb-static-epoll, kweb-steal-epoll, "
                    + "kweb-migrate-epoll.")
    private List<String> peerNames = Peers.SKEW_DEFAULT;

    @Option(names = "--rounds", paramLabel = "N", defaultValue = "3", description = "Rounds (default: ${DEFAULT-VALUE}).")
    private int rounds;

    @Option(names = "--seconds", paramLabel = "S", defaultValue = "6",
            description = "Measured seconds per server, case and round (default: ${DEFAULT-VALUE}).")
    private double seconds;

    @Option(names = "--warmup", paramLabel = "S", defaultValue = "2",
            description = "Seconds of load before each measurement (default: ${DEFAULT-VALUE}).")
    private double warmup;

    @Option(names = "--first-warmup", paramLabel = "S", defaultValue = "8",
            description = "The same for a server on the JVM that meets a case for the first time (default: ${DEFAULT-VALUE}).")
    private double firstWarmup;

    @Option(names = "--attempts", paramLabel = "N", defaultValue = "1",
            description = "How often to measure, at most, until others take no more than a tenth of a CPU (default: ${DEFAULT-VALUE}).")
    private int attempts;

    @Option(names = "--light-rate", paramLabel = "R", defaultValue = "10000",
            description = "Requests per second of all light connections together (default: ${DEFAULT-VALUE}).")
    private int lightRate;

    @Option(names = "--light", paramLabel = "same|any", defaultValue = "same",
            description = "Light connections: on the vcores of the heavy ones, or as they come (default: ${DEFAULT-VALUE}).")
    private String light;

    @Option(names = "--references", split = ",", paramLabel = "SERVER", defaultValue = "kweb-static,netty-epoll-2",
            description = "Servers that the others are compared with (default: ${DEFAULT-VALUE}).")
    private List<String> references;

    @Option(names = "--cpus", paramLabel = "LIST", description = "The two CPUs of the servers (default: the first two allowed).")
    private String cpuList;

    @Option(names = "--load-cpus", paramLabel = "LIST",
            description = "Those of the load generator, which pins a thread to each (default: the second of the servers').")
    private String loadCpuList;

    @Option(names = "--kweb", paramLabel = "COMMAND",
            description = "How to start kweb, up to the options that a case needs; {java} (with heap flags), {port}, {cpu}, {root} are filled in.")
    private String kweb;

    @Option(names = "--torque-load", paramLabel = "COMMAND", description = "How to start torque load; {java} is filled in.")
    private String torqueLoad;

    @Option(names = "--out", paramLabel = "FILE",
            description = "Where the tables go (default: bench/results/skew-DATE.md, replacing one of the same day).")
    private Path out;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Shows this text.")
    private boolean help;

    private final Path home = Scratch.sourceTree();
    private final Path jar = home.resolve("apps/target/torque.jar");
    private final Children children = new Children();
    private final Map<String, String> absent = new LinkedHashMap<>();
    private final Map<String, String> readyLines = new LinkedHashMap<>();
    private final List<SkewMeasurement> measurements = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();
    private final Set<String> warmed = new HashSet<>();

    private SkewBench() {}

    /** Runs the benchmark and ends the process: 0 when it has run, 1 when it could not, 2 when an argument is wrong. */
    public static void main(String[] args) {
        var line = new CommandLine(new SkewBench());
        line.setParameterExceptionHandler((e, wrong) -> {
            System.err.println("torque bench skew: " + e.getMessage().lines().findFirst().orElse("bad arguments"));
            return 2;
        });
        line.setExecutionExceptionHandler((e, command, result) -> {
            if (e instanceof IOException && e.getMessage() != null) {
                System.err.println("torque bench skew: " + e.getMessage());
            } else {
                e.printStackTrace();                             // nothing that an argument or the machine explains
            }
            return 1;
        });
        System.exit(line.execute(args));
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        var cLoops = new CLoops(home.resolve("bench/c"));
        var peers = new Peers(kweb != null ? kweb
                : "{java} -jar " + jar + " serve --address 127.0.0.1 --port {port} --cpus {cpu} --root {root}", cLoops);
        String wrong = wrongArgument(peers.all());
        if (wrong != null) {
            System.err.println("torque bench skew: " + wrong);
            return 2;
        }
        if (torqueLoad == null && !Files.exists(jar)) throw new IOException("no " + jar + ": build it, or name another with --torque-load");
        List<SkewCase> cases = caseNames.stream().map(SkewCase::byId).distinct().toList();
        List<String> names = peerNames.stream().distinct().toList();
        List<Integer> cpus = cpus();
        Machine machine = Machine.describe(home);
        try (var files = new Scratch(children)) {
            String template = torqueLoad != null ? torqueLoad : "{java} -jar " + jar + " load";
            String pinned = String.join(",", cpus.stream().map(String::valueOf).toList());
            List<String> prefix = Commands.fill(template, new Peer.Slot(0, pinned, home, home));
            var execution = new SkewExecution(prefix, cpus, loadCpus(), lightRate, light.equals("same"), files.folder(), children);
            List<ServerProcess> servers = start(names, peers.all(), pinned, files.folder());
            if (servers.isEmpty()) throw new IOException("no server could be started: " + absent);
            say(String.format(Locale.ROOT, "%d servers on CPUs %s, load on CPUs %s, rounds: %d, cases: %d, about %.0f min",
                    servers.size(), pinned, loadCpus(), rounds, cases.size(), Math.ceil(expectedSeconds(cases, servers) / 60)));
            for (int round = 1; round <= rounds; round++) {
                for (SkewCase load : cases) runCase(execution, load, servers, round);
            }
            String report = report(machine, cLoops, cases, names, pinned);
            System.out.print(report);
            Path file = out != null ? out : home.resolve("bench/results/skew-" + LocalDate.now() + ".md");
            if (file.toAbsolutePath().getParent() != null) Files.createDirectories(file.toAbsolutePath().getParent());
            Files.writeString(file, report);
            say("written to " + file);
            return 0;
        }
    }

    private String wrongArgument(Map<String, Peer> known) {
        for (String name : caseNames) {
            if (Stream.of(SkewCase.values()).noneMatch(c -> c.id.equals(name))) {
                return "no case '" + name + "'; there are " + Stream.of(SkewCase.values()).map(c -> c.id).toList();
            }
        }
        for (String name : Stream.concat(peerNames.stream(), references.stream()).toList()) {
            if (!known.containsKey(name)) return "no server '" + name + "'; there are " + known.keySet();
        }
        if (rounds < 1) return "--rounds must be at least 1";
        if (!(seconds >= 1)) return "--seconds must be at least 1";
        if (!(warmup >= 0) || !(firstWarmup >= 0)) return "warm-up cannot be negative";
        if (attempts < 1) return "--attempts must be at least 1";
        if (lightRate < 1) return "--light-rate must be at least 1";
        if (!light.equals("same") && !light.equals("any")) return "--light is same or any, not '" + light + "'";
        List<Integer> allowed = CpuList.parse(ProcFiles.allowedCpus());
        try {
            for (String list : new String[] {cpuList, loadCpuList}) {
                if (list != null && !allowed.containsAll(CpuList.parse(list))) return "CPUs " + list + " are not all allowed: " + allowed;
            }
        } catch (NumberFormatException e) {
            return "CPUs are a list such as 0,1: " + e.getMessage();
        }
        if (cpus().size() != 2) return "two CPUs are needed, not " + cpus();
        return null;
    }

    private List<Integer> cpus() {
        if (cpuList != null) return CpuList.parse(cpuList).stream().distinct().toList();
        return CpuList.parse(ProcFiles.allowedCpus()).stream().limit(2).toList();
    }

    /** The heavy connections are on the first vcore: so the generator hinders static servers least, and others when they spread. */
    private List<Integer> loadCpus() {
        return loadCpuList != null ? CpuList.parse(loadCpuList).stream().distinct().toList() : List.of(cpus().getLast());
    }

    private double expectedSeconds(List<SkewCase> cases, List<ServerProcess> servers) {
        return rounds * cases.size() * servers.size() * (warmup + seconds + 1)
                + cases.size() * servers.stream().filter(s -> s.peer.warms()).count() * Math.max(0, firstWarmup - warmup);
    }

    private List<ServerProcess> start(List<String> names, Map<String, Peer> known, String cpus, Path scratch)
            throws IOException, InterruptedException {
        Path root = Files.createDirectory(scratch.resolve("root"));
        Files.createFile(root.resolve("index.html"));
        var servers = new ArrayList<ServerProcess>();
        for (String name : names) {
            try {
                ServerProcess server = ServerProcess.start(known.get(name), cpus, root, scratch, children);
                servers.add(server);
                readyLines.put(name, server.readyLine());
                say(name + " is ready on port " + server.port);
            } catch (UnavailableException e) {
                absent.put(name, e.getMessage());
                say(name + " is left out: " + e.getMessage());
            }
        }
        return servers;
    }

    private void runCase(SkewExecution execution, SkewCase load, List<ServerProcess> servers, int round)
            throws InterruptedException, IOException {
        for (ServerProcess server : servers) {
            String name = server.peer.name();
            if (absent.containsKey(name)) continue;
            boolean first = warmed.add(load.id + " " + name);
            try {
                SkewMeasurement m = execution.measure(load, server, round,
                        first && server.peer.warms() ? Math.max(firstWarmup, warmup) : warmup, seconds);
                for (int attempt = 1; attempt < attempts && m.use().othersBusy() > CpuUse.DISTURBED; attempt++) {
                    say(line(m) + ", once more");
                    m = execution.measure(load, server, round, warmup, seconds);
                }
                measurements.add(m);
                say(line(m));
            } catch (IOException e) {
                if (children.isClosed()) throw new IOException("stopped", e);
                if (server.isAlive()) {
                    note(load.id + ", " + name + ", round " + round + ": " + e.getMessage());
                } else {
                    absent.put(name, "ended in round " + round + ", " + load.id + ": " + server.lastLine());
                    say(name + " " + absent.get(name));
                }
            }
        }
    }

    private String line(SkewMeasurement m) {
        String figures = m.load().skewed
                ? String.format(Locale.ROOT, "heavy %,6.0f/s  light %,7.0f/s p50 %6s p99 %6s µs  unserved %d", m.heavyPerSecond(),
                        m.light().perSecond(), Markdown.significant(m.light().p50Micros()), Markdown.significant(m.light().p99Micros()),
                        m.light().unserved())
                : String.format(Locale.ROOT, "%,8.0f requests/s  %s CPU µs/request", m.light().perSecond(), Markdown.significant(m.cpuMicros()));
        return String.format(Locale.ROOT, "round %d/%d  %-8s %-18s %s  useful %.2f, server %.2f, load %.2f, others %.2f%s", m.round(), rounds,
                m.load().id, m.peer(), figures, m.usefulCpu(), m.use().serverBusy(), m.use().loadBusy(), m.use().othersBusy(),
                m.errors() == 0 ? "" : ", errors: " + m.errors());
    }

    private String report(Machine machine, CLoops cLoops, List<SkewCase> cases, List<String> names, String cpus) {
        var text = new StringBuilder("# Skewed load, two CPUs, " + LocalDate.now() + "\n\n");
        item(text, "Machine", machine.cpu() + ", CPUs allowed: " + machine.cpuCount() + "; " + machine.kernel());
        item(text, "JVM", machine.jvm() + "; " + String.join(" ", Peers.JVM_FLAGS) + " for every server on the JVM; Netty also "
                + String.join(" ", Peers.NETTY_FLAGS));
        item(text, "Commit", machine.commit());
        item(text, "Pinning", "servers, each with two threads or loops, on CPUs " + cpus + " (taskset), to which kweb pins one thread each and the "
                + "others leave to the kernel what runs where; load generator on CPUs " + loadCpus());
        item(text, "Load", String.format(Locale.ROOT, "torque load; heavy: /work?us=%d in a closed loop; light: %d connections, /work?us=%d, "
                + "paced to %,d/s in all, latency from the due time, %s; GET with a header of about %d bytes", SkewCase.HEAVY_MICROS,
                SkewCase.LIGHT_CONNECTIONS, SkewCase.LIGHT_MICROS, lightRate,
                light.equals("same") ? "opened on the vcores of the heavy ones" : "on the vcores that they come to", RequestHead.BYTES));
        item(text, "Method", String.format(Locale.ROOT, "rounds: %d, servers interleaved, %s s measured after %s s of warm-up (%s s when a server on "
                + "the JVM first meets a case); medians, of unserved connections the most", rounds, Markdown.significant(seconds),
                Markdown.significant(warmup), Markdown.significant(Math.max(firstWarmup, warmup))));
        item(text, "CPU", "seconds per second, user + system time from /proc over the measured window; useful: what the requests asked for");
        item(text, "C compiler", cLoops.describe());
        readyLines.forEach((name, line) -> {
            if (!line.isEmpty()) item(text, name, line);
        });
        var report = new SkewReport(references, names, absent, measurements);
        if (report.disturbance() != null) note(report.disturbance() + ".");
        for (String note : notes) item(text, "Note", note);
        text.append('\n');
        for (SkewCase load : cases) text.append(report.tables(load));
        return text.append(report.rounds()).toString();
    }

    private static void item(StringBuilder text, String name, String value) {
        text.append("- ").append(name).append(": ").append(value).append('\n');
    }

    private void note(String text) {
        notes.add(text);
        say(text);
    }

    private static void say(String text) { System.err.println(text); }
}
