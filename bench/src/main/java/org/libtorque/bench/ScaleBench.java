package org.libtorque.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.libtorque.bench.Peer.UnavailableException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code torque bench scale}: what kweb gains from more CPUs when requests need much CPU time.
 *
 * <p>The loads are those of the paper on libasync-smp: a web server that computes and has a cache that all CPUs share, protected by colours, and a server that
 * encrypts, coloured per client. The same server is started on one CPU, on two, and so on; all stay. In each round every one of them gets each load in turn, so
 * that ratios within a round can be trusted. Where the load generator has no CPU of its own it takes its time from the server with the most.
 */
@Command(name = "torque bench scale", sortOptions = false,
        description = "Runs kweb on more and more CPUs under requests that hash or encrypt, interleaved, and writes tables of what it gains.")
public final class ScaleBench implements Callable<Integer> {
    private static final List<String> KNOWN = List.of("kweb-static", "kweb-steal", "kweb-migrate", "kweb-static-epoll", "kweb-steal-epoll", "kweb-migrate-epoll");

    @Option(names = "--cases", split = ",", paramLabel = "CASE", defaultValue = "hash-miss,hash-hit,cipher,cipher4",
            description = "Loads: hash-miss, hash-hit, cipher, cipher4 (default: all).")
    private List<String> caseNames;

    @Option(names = "--peers", split = ",", paramLabel = "SERVER", defaultValue = "kweb-static,kweb-migrate",
            description = "Servers, in order (default: ${DEFAULT-VALUE}). More: kweb-steal, and each of them with -epoll behind it.")
    private List<String> peerNames;

    @Option(names = "--counts", split = ",", paramLabel = "N",
            description = "On how many CPUs (default: 1, 2, 4 and so on, and all that are allowed).")
    private List<Integer> countList;

    @Option(names = "--rounds", paramLabel = "N", defaultValue = "5", description = "Rounds (default: ${DEFAULT-VALUE}).")
    private int rounds;

    @Option(names = "--seconds", paramLabel = "S", defaultValue = "4",
            description = "Measured seconds per server, case and round (default: ${DEFAULT-VALUE}).")
    private double seconds;

    @Option(names = "--warmup", paramLabel = "S", defaultValue = "1",
            description = "Seconds of load before each measurement (default: ${DEFAULT-VALUE}).")
    private double warmup;

    @Option(names = "--first-warmup", paramLabel = "S", defaultValue = "6",
            description = "The same for a server that meets a case for the first time (default: ${DEFAULT-VALUE}).")
    private double firstWarmup;

    @Option(names = "--attempts", paramLabel = "N", defaultValue = "1",
            description = "How often to measure, at most, until others take no more than a tenth of a CPU (default: ${DEFAULT-VALUE}).")
    private int attempts;

    @Option(names = "--cpus", paramLabel = "LIST", description = "CPUs of the servers, the first N of them for each (default: all that are allowed).")
    private String cpuList;

    @Option(names = "--load-cpus", paramLabel = "LIST",
            description = "Those of the load generator, which pins a thread to each (default: the last quarter of those allowed, at least one).")
    private String loadCpuList;

    @Option(names = "--kweb", paramLabel = "COMMAND",
            description = "How to start kweb, up to the options that a case needs; {java} (with heap flags), {port}, {cpu}, {root} are filled in.")
    private String kweb;

    @Option(names = "--torque-load", paramLabel = "COMMAND", description = "How to start torque load; {java} is filled in.")
    private String torqueLoad;

    @Option(names = "--out", paramLabel = "FILE",
            description = "Where the tables go (default: bench/results/scale-DATE.md, replacing one of the same day).")
    private Path out;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Shows this text.")
    private boolean help;

    private final Path home = Scratch.sourceTree();
    private final Path jar = home.resolve("apps/target/torque.jar");
    private final Children children = new Children();
    private final Map<String, String> readyLines = new LinkedHashMap<>();
    private final Map<ServerProcess, Integer> cpuCounts = new HashMap<>();
    private final List<ScaleMeasurement> measurements = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();
    private final Set<String> warmed = new HashSet<>();

    private ScaleBench() {}

    /** Runs the benchmark and ends the process: 0 when it has run, 1 when it could not, 2 when an argument is wrong. */
    public static void main(String[] args) {
        var line = new CommandLine(new ScaleBench());
        line.setParameterExceptionHandler((e, wrong) -> {
            System.err.println("torque bench scale: " + e.getMessage().lines().findFirst().orElse("bad arguments"));
            return 2;
        });
        line.setExecutionExceptionHandler((e, command, result) -> {
            if (e instanceof IOException && e.getMessage() != null) {
                System.err.println("torque bench scale: " + e.getMessage());
            } else {
                e.printStackTrace();                             // nothing that an argument or the machine explains
            }
            return 1;
        });
        System.exit(line.execute(args));
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        var peers = new Peers(kweb != null ? kweb
                : "{java} -jar " + jar + " serve --address 127.0.0.1 --port {port} --cpus {cpu} --root {root}", new CLoops(home.resolve("bench/c")));
        String wrong = wrongArgument();
        if (wrong != null) {
            System.err.println("torque bench scale: " + wrong);
            return 2;
        }
        if (torqueLoad == null && !Files.exists(jar)) throw new IOException("no " + jar + ": build it, or name another with --torque-load");
        List<ScaleCase> cases = caseNames.stream().map(ScaleCase::byId).distinct().toList();
        List<String> names = peerNames.stream().distinct().toList();
        Machine machine = Machine.describe(home);
        try (var files = new Scratch(children)) {
            List<ServerProcess> servers = start(names, peers.all(), files.folder());
            say(String.format(Locale.ROOT, "%d servers on %s of CPUs %s, load on CPUs %s, rounds: %d, cases: %d, about %.0f min", servers.size(), counts(), cpus(),
                    loadCpus(), rounds, cases.size(), Math.ceil(expectedSeconds(cases, servers) / 60)));
            for (int round = 1; round <= rounds; round++) {
                for (ScaleCase load : cases) {
                    for (ServerProcess server : servers) measure(load, server, round, files.folder());
                }
            }
            String report = report(machine, cases, names);
            System.out.print(report);
            Path file = out != null ? out : home.resolve("bench/results/scale-" + LocalDate.now() + ".md");
            if (file.toAbsolutePath().getParent() != null) Files.createDirectories(file.toAbsolutePath().getParent());
            Files.writeString(file, report);
            say("written to " + file);
            return 0;
        }
    }

    private String wrongArgument() {
        for (String name : caseNames) {
            if (Stream.of(ScaleCase.values()).noneMatch(c -> c.id.equals(name))) {
                return "no case '" + name + "'; there are " + Stream.of(ScaleCase.values()).map(c -> c.id).toList();
            }
        }
        for (String name : peerNames) if (!KNOWN.contains(name)) return "no server '" + name + "'; there are " + KNOWN;
        if (rounds < 1) return "--rounds must be at least 1";
        if (!(seconds >= 1)) return "--seconds must be at least 1";
        if (!(warmup >= 0) || !(firstWarmup >= 0)) return "warm-up cannot be negative";
        if (attempts < 1) return "--attempts must be at least 1";
        List<Integer> allowed = CpuList.parse(ProcFiles.allowedCpus());
        try {
            for (String list : new String[] {cpuList, loadCpuList}) {
                if (list != null && !allowed.containsAll(CpuList.parse(list))) return "CPUs " + list + " are not all allowed: " + allowed;
            }
        } catch (NumberFormatException e) {
            return "CPUs are a list such as 0,1: " + e.getMessage();
        }
        int most = cpus().size();
        for (int count : counts()) if (count < 1 || count > most) return "--counts: " + count + " is not within 1 to " + most;
        return null;
    }

    private List<Integer> cpus() { return CpuList.parse(cpuList != null ? cpuList : ProcFiles.allowedCpus()).stream().distinct().toList(); }

    /** Numbers of CPUs, ascending. */
    private List<Integer> counts() { return countList != null ? List.copyOf(new TreeSet<>(countList)) : defaultCounts(cpus().size()); }

    /** Returns the powers of two up to {@code most}, and that. */
    static List<Integer> defaultCounts(int most) {
        var counts = new TreeSet<Integer>();
        for (int count = 1; count < most; count *= 2) counts.add(count);
        counts.add(most);
        return List.copyOf(counts);
    }

    /** The last ones, which the servers with fewer CPUs do not use. */
    private List<Integer> loadCpus() {
        if (loadCpuList != null) return CpuList.parse(loadCpuList).stream().distinct().toList();
        List<Integer> allowed = CpuList.parse(ProcFiles.allowedCpus());
        return allowed.subList(allowed.size() - Math.max(1, allowed.size() / 4), allowed.size());
    }

    private double expectedSeconds(List<ScaleCase> cases, List<ServerProcess> servers) {
        return cases.size() * servers.size() * (rounds * (warmup + seconds + 1) + Math.max(0, firstWarmup - warmup));
    }

    private List<ServerProcess> start(List<String> names, Map<String, Peer> known, Path scratch) throws IOException, InterruptedException {
        Path root = Files.createDirectory(scratch.resolve("root"));
        Files.createFile(root.resolve("index.html"));
        var servers = new ArrayList<ServerProcess>();
        for (int count : counts()) {
            Path folder = Files.createDirectory(scratch.resolve("cpus-" + count));
            for (String name : names) {
                try {
                    ServerProcess server = ServerProcess.start(known.get(name), list(cpus().subList(0, count)), root, folder, children);
                    servers.add(server);
                    cpuCounts.put(server, count);
                    readyLines.put(name + " on " + count, server.readyLine());
                    say(name + " is ready on " + count + " CPUs, port " + server.port);
                } catch (UnavailableException e) {
                    throw new IOException(name + " on " + count + " CPUs: " + e.getMessage(), e);
                }
            }
        }
        return servers;
    }

    private void measure(ScaleCase load, ServerProcess server, int round, Path scratch) throws InterruptedException, IOException {
        int count = cpuCounts.get(server);
        String name = server.peer.name() + " on " + count;
        boolean first = warmed.add(load.id + " " + name);
        try {
            ScaleMeasurement m = measure(load, server, count, round, first ? Math.max(firstWarmup, warmup) : warmup, scratch);
            for (int attempt = 1; attempt < attempts && m.use().othersBusy() > CpuUse.DISTURBED; attempt++) {
                say(line(m) + ", once more");
                m = measure(load, server, count, round, warmup, scratch);
            }
            measurements.add(m);
            say(line(m));
        } catch (IOException e) {
            if (children.isClosed()) throw new IOException("stopped", e);
            if (!server.isAlive()) throw new IOException(name + " ended: " + server.lastLine(), e);
            note(load.id + ", " + name + ", round " + round + ": " + e.getMessage());
        }
    }

    private ScaleMeasurement measure(ScaleCase load, ServerProcess server, int count, int round, double warm, Path scratch) throws IOException, InterruptedException {
        Set<Integer> serverCpus = Set.copyOf(cpus().subList(0, count));
        Set<Integer> all = Stream.concat(serverCpus.stream(), loadCpus().stream()).collect(Collectors.toSet());
        boolean shared = loadCpus().stream().anyMatch(serverCpus::contains);
        LoadProcess run = LoadProcess.run(command(load, server.port, warm), warm + seconds, server, all, scratch, children);
        return new ScaleMeasurement(load, server.peer.name(), count, shared, round, SkewExecution.group(run.report(), ScaleCase.GROUP), run.use(), run.rates());
    }

    private List<String> command(ScaleCase load, int port, double warm) {
        String template = torqueLoad != null ? torqueLoad : "{java} -jar " + jar + " load";
        var command = new ArrayList<>(Commands.fill(template, new Peer.Slot(port, list(loadCpus()), home, home)));
        command.addAll(List.of("http://127.0.0.1:" + port + "/plaintext", "--group", load.group(),
                "--warmup", Math.round(warm * 1000) + "ms", "--duration", Math.round(seconds * 1000) + "ms"));
        for (RequestHead.Field field : new RequestHead("/plaintext", port).fields()) command.addAll(List.of("--header", field.toString()));
        command.addAll(List.of("--quiet", "--json"));
        return Commands.pinned(list(loadCpus()), command);
    }

    private String line(ScaleMeasurement m) {
        return String.format(Locale.ROOT, "round %d/%d  %-9s %-18s on %-2d %,8.0f requests/s  %s CPU µs/request  hits %s  server %.2f, load %.2f, others %.2f%s", m.round(),
                rounds, m.load().id, m.peer(), m.cpus(), m.perSecond(), Markdown.significant(m.cpuMicros()), Markdown.ratio(m.hitShare()),
                m.use().serverBusy(), m.use().loadBusy(), m.use().othersBusy(), m.answers().errors() == 0 ? "" : ", errors: " + m.answers().errors());
    }

    private String report(Machine machine, List<ScaleCase> cases, List<String> names) {
        var text = new StringBuilder("# More CPUs, " + LocalDate.now() + "\n\n");
        item(text, "Machine", machine.cpu() + ", CPUs allowed: " + machine.cpuCount() + "; " + machine.kernel());
        item(text, "JVM", machine.jvm() + "; " + String.join(" ", Peers.JVM_FLAGS));
        item(text, "Commit", machine.commit());
        item(text, "Pinning", "each server on the first so many of CPUs " + list(cpus()) + ", a pinned thread on each; load generator on CPUs " + list(loadCpus()));
        item(text, "Load", String.format(Locale.ROOT, "torque load, closed loop; GET with a header of about %d bytes", RequestHead.BYTES));
        item(text, "Method", String.format(Locale.ROOT, "rounds: %d, servers interleaved, %s s measured after %s s of warm-up (%s s when a server first meets a case); medians",
                rounds, Markdown.significant(seconds), Markdown.significant(warmup), Markdown.significant(Math.max(firstWarmup, warmup))));
        item(text, "Limit", "where the generator runs on a CPU of the server's, what it takes the server cannot have. CPUs left: the server's less that; "
                + "÷ CPUs left: requests/s for each CPU that was left, as a share of those on " + counts().getFirst() + ". 1 is the best that can be had");
        readyLines.forEach((name, line) -> {
            if (!line.isEmpty()) item(text, name, line);
        });
        var report = new ScaleReport(names, counts(), measurements);
        if (report.disturbance() != null) note(report.disturbance() + ".");
        for (String note : notes) item(text, "Note", note);
        text.append('\n');
        for (ScaleCase load : cases) text.append(report.tables(load));
        return text.toString();
    }

    private static String list(List<Integer> cpus) { return String.join(",", cpus.stream().map(String::valueOf).toList()); }

    private static void item(StringBuilder text, String name, String value) { text.append("- ").append(name).append(": ").append(value).append('\n'); }

    private void note(String text) {
        notes.add(text);
        say(text);
    }

    private static void say(String text) { System.err.println(text); }
}
