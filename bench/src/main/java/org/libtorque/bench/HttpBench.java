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
 * {@code torque bench http}: kweb and its peers in one run.
 *
 * <p>All servers are started once, on one CPU, and stay: an idle one uses nothing. In each round every server gets each
 * load in turn from a generator on another CPU, so that a disturbance of the machine meets all of them alike and ratios
 * within a round can be trusted where the figures themselves drift. The benchmark itself keeps to the generator's CPU.
 */
@Command(name = "torque bench http", sortOptions = false,
        description = "Runs kweb and other HTTP servers in one run, interleaved, "
                + "and writes a table of what each request costs.")
public final class HttpBench implements Callable<Integer> {
    @Option(names = "--cases", split = ",", paramLabel = "CASE", defaultValue = "p1,p100,c1000,churn,index",
            description = "Loads: p1, p100, c1000, churn, index (default: all).")
    private List<String> caseNames;

    @Option(names = "--peers", split = ",", paramLabel = "SERVER",
            description = "Servers, in order (default: kweb,kweb-epoll,c-epoll,netty-epoll,netty-io_uring,nginx,"
                    + "virtual-threads,helidon,helidon-queued). More: kweb-io_uring, c-io_uring, "
                    + "netty-io_uring-ring, netty-nio, netty-epoll-scan, netty-io_uring-scan.")
    private List<String> peerNames = Peers.DEFAULT;

    @Option(names = "--rounds", paramLabel = "N", defaultValue = "5", description = "Rounds (default: ${DEFAULT-VALUE}).")
    private int rounds;

    @Option(names = "--seconds", paramLabel = "S", defaultValue = "5",
            description = "Measured seconds per server, case and round (default: ${DEFAULT-VALUE}).")
    private double seconds;

    @Option(names = "--warmup", paramLabel = "S", defaultValue = "2",
            description = "Seconds of load before each measurement (default: ${DEFAULT-VALUE}).")
    private double warmup;

    @Option(names = "--first-warmup", paramLabel = "S", defaultValue = "8",
            description = "The same for a server on the JVM that meets a case for the first time "
                    + "(default: ${DEFAULT-VALUE}).")
    private double firstWarmup;

    @Option(names = "--load", paramLabel = "torque|wrk",
            description = "Load generator (default: torque, with one run of wrk per case to check it; "
                    + "wrk where torque is not built).")
    private String loadName;

    @Option(names = "--reference", paramLabel = "SERVER", defaultValue = "kweb",
            description = "Server that the others are compared with (default: ${DEFAULT-VALUE}).")
    private String reference;

    @Option(names = "--server-cpu", paramLabel = "CPU", description = "CPU of the servers (default: the first allowed).")
    private Integer serverCpu;

    @Option(names = "--load-cpu", paramLabel = "CPU",
            description = "CPU of the load generator (default: the second allowed).")
    private Integer loadCpu;

    @Option(names = "--kweb", paramLabel = "COMMAND",
            description = "How to start kweb; {java} (with heap flags), {port}, {cpu}, {root} are filled in.")
    private String kweb;

    @Option(names = "--torque-load", paramLabel = "COMMAND", description = "How to start torque load; {java} is filled in.")
    private String torqueLoad;

    @Option(names = "--out", paramLabel = "FILE",
            description = "Where the table goes (default: bench/results/http-DATE.md, replacing one of the same day).")
    private Path out;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Shows this text.")
    private boolean help;

    private final Path home = Scratch.sourceTree();
    private final Path jar = home.resolve("apps/target/torque.jar");
    private final Children children = new Children();
    private final Map<String, String> absent = new LinkedHashMap<>();
    private final Map<String, Integer> answerBytes = new LinkedHashMap<>();
    private final Map<String, String> readyLines = new LinkedHashMap<>();
    private final List<Measurement> measurements = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();
    private final Set<String> warmed = new HashSet<>();

    private HttpBench() {}

    /** Runs the benchmark and ends the process: 0 when it has run, 1 when it could not, 2 when an argument is wrong. */
    public static void main(String[] args) {
        var line = new CommandLine(new HttpBench());
        line.setParameterExceptionHandler((e, wrong) -> {
            System.err.println("torque bench http: " + e.getMessage().lines().findFirst().orElse("bad arguments"));
            return 2;
        });
        line.setExecutionExceptionHandler((e, command, result) -> {
            if (e instanceof IOException && e.getMessage() != null) {
                System.err.println("torque bench http: " + e.getMessage());
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
            System.err.println("torque bench http: " + wrong);
            return 2;
        }
        List<HttpCase> cases = caseNames.stream().map(HttpCase::byId).distinct().toList();
        List<String> names = peerNames.stream().distinct().toList();
        Machine machine = Machine.describe(home);      // before this process pins itself
        chooseCpus();
        try (var files = new Scratch(children)) {
            Path scratch = files.folder();
            LoadRunner runner = chooseLoad();
            var execution = new LoadExecution(runner, serverCpu, loadCpu, scratch, children);
            List<ServerProcess> servers = start(names, peers.all(), scratch);
            if (servers.isEmpty()) throw new IOException("no server could be started: " + absent);
            announce(cases, servers);
            for (int round = 1; round <= rounds; round++) {
                for (HttpCase load : cases) runCase(execution, runner, load, servers, round);
            }
            List<String> crossCheck = runner instanceof WrkLoad ? List.of() : crossCheck(cases, servers, scratch);
            String report = report(machine, runner, cLoops, cases, names, crossCheck);
            System.out.print(report);
            Path file = out != null ? out : home.resolve("bench/results/http-" + LocalDate.now() + ".md");
            if (file.toAbsolutePath().getParent() != null) Files.createDirectories(file.toAbsolutePath().getParent());
            Files.writeString(file, report);
            say("written to " + file);
            return 0;
        }
    }

    private String wrongArgument(Map<String, Peer> known) {
        for (String name : caseNames) {
            if (Stream.of(HttpCase.values()).noneMatch(c -> c.id.equals(name))) {
                return "no case '" + name + "'; there are " + Stream.of(HttpCase.values()).map(c -> c.id).toList();
            }
        }
        for (String name : peerNames) {
            if (!known.containsKey(name)) return "no server '" + name + "'; there are " + known.keySet();
        }
        if (!known.containsKey(reference)) return "no server '" + reference + "' to compare with";
        if (rounds < 1) return "--rounds must be at least 1";
        if (!(seconds >= 1)) return "--seconds must be at least 1";
        if (!(warmup >= 0) || !(firstWarmup >= 0)) return "warm-up cannot be negative";
        if (loadName != null && !loadName.equals("torque") && !loadName.equals("wrk")) {
            return "--load is torque or wrk, not '" + loadName + "'";
        }
        List<Integer> allowed = CpuList.parse(ProcFiles.allowedCpus());
        for (Integer cpu : new Integer[] {serverCpu, loadCpu}) {
            if (cpu != null && !allowed.contains(cpu)) return "CPU " + cpu + " is not among those allowed: " + allowed;
        }
        return null;
    }

    private void chooseCpus() {
        List<Integer> allowed = CpuList.parse(ProcFiles.allowedCpus());
        if (serverCpu == null) {
            Integer taken = loadCpu;
            serverCpu = allowed.stream().filter(cpu -> !cpu.equals(taken)).findFirst().orElse(allowed.getFirst());
        }
        if (loadCpu == null) {
            loadCpu = allowed.stream().filter(cpu -> !cpu.equals(serverCpu)).findFirst().orElse(serverCpu);
        }
        if (serverCpu.equals(loadCpu)) {
            note("Server and load share CPU " + serverCpu
                    + ": CPU per request still tells something, requests/s and latencies do not.");
        }
        String self = String.valueOf(ProcessHandle.current().pid());
        Commands.output(home, "taskset", "-a", "-p", "-c", String.valueOf(loadCpu), self);
    }

    private LoadRunner chooseLoad() throws IOException {
        boolean built = torqueLoad != null || Files.exists(jar);
        if ("torque".equals(loadName) && !built) throw new IOException("no " + jar + ": build it, or take --load wrk");
        if ("wrk".equals(loadName) || !built) {
            if (Commands.find("wrk") == null) throw new IOException("wrk is not installed (apt-get install wrk)");
            if (loadName == null) {
                note("torque load is not built: wrk makes the load, and saturates before a fast server does.");
            }
            return new WrkLoad();
        }
        String template = torqueLoad != null ? torqueLoad : "{java} -jar " + jar + " load";
        return new TorqueLoad(Commands.fill(template, new Peer.Slot(0, String.valueOf(loadCpu), home, home)));
    }

    private List<ServerProcess> start(List<String> names, Map<String, Peer> known, Path scratch)
            throws IOException, InterruptedException {
        Path root = Files.createDirectory(scratch.resolve("root"));
        Files.createFile(root.resolve("index.html"));
        var servers = new ArrayList<ServerProcess>();
        for (String name : names) {
            try {
                ServerProcess server = ServerProcess.start(known.get(name), String.valueOf(serverCpu), root, scratch, children);
                servers.add(server);
                answerBytes.put(name, server.answerBytes);
                readyLines.put(name, server.readyLine());
                say(name + " is ready on port " + server.port);
            } catch (UnavailableException e) {
                absent.put(name, e.getMessage());
                say(name + " is left out: " + e.getMessage());
            }
        }
        return servers;
    }

    private void announce(List<HttpCase> cases, List<ServerProcess> servers) {
        double each = warmup + seconds + 0.5;
        double total = (double) rounds * cases.size() * servers.size() * each
                + cases.size() * servers.stream().filter(s -> s.peer.warms()).count() * Math.max(0, firstWarmup - warmup);
        say(String.format(Locale.ROOT, "%d servers on CPU %d, load on CPU %d, rounds: %d, cases: %d, about %.0f min",
                servers.size(), serverCpu, loadCpu, rounds, cases.size(), Math.ceil(total / 60)));
    }

    private void runCase(LoadExecution execution, LoadRunner runner, HttpCase load, List<ServerProcess> servers, int round)
            throws InterruptedException, IOException {
        String obstacle = runner.obstacle(load);
        if (obstacle != null) {
            if (round == 1) note(load.id + " was left out: " + obstacle + ".");
            return;
        }
        for (ServerProcess server : servers) {
            String name = server.peer.name();
            if (absent.containsKey(name) || load.needsFiles() && !server.peer.servesFiles()) continue;
            boolean first = warmed.add(load.id + " " + name);
            try {
                Measurement m = execution.measure(load, server, round,
                        first && server.peer.warms() ? Math.max(firstWarmup, warmup) : warmup, seconds);
                measurements.add(m);
                say(String.format(Locale.ROOT, "round %d/%d  %-5s %-20s %,12.0f requests/s  %8s µs/%s  "
                                + "server %3.0f %%, load %3.0f %%, others %3.0f %%%s",
                        round, rounds, load.id, name, m.result().requestsPerSecond(),
                        Markdown.significant(m.cpuMicros()), load.countsConnections() ? "connection" : "request",
                        m.use().serverBusy() * 100, m.use().loadBusy() * 100, m.use().othersBusy() * 100,
                        m.result().errors() == 0 ? "" : ", errors: " + m.result().errors()));
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

    /** Lets wrk load the reference server once per case: its CPU cost should agree where wrk keeps the server busy. */
    private List<String> crossCheck(List<HttpCase> cases, List<ServerProcess> servers, Path scratch)
            throws InterruptedException {
        if (Commands.find("wrk") == null) return List.of("wrk is not installed (apt-get install wrk).");
        ServerProcess server = servers.stream().filter(s -> s.peer.name().equals(reference) && s.isAlive()).findFirst()
                .orElseGet(() -> servers.stream().filter(ServerProcess::isAlive).findFirst().orElse(null));
        if (server == null) return List.of();
        var wrk = new WrkLoad();
        var execution = new LoadExecution(wrk, serverCpu, loadCpu, scratch, children);
        var lines = new ArrayList<String>();
        for (HttpCase load : cases) {
            if (wrk.obstacle(load) != null || load.needsFiles() && !server.peer.servesFiles()) continue;
            try {
                Measurement m = execution.measure(load, server, 0, warmup, seconds);
                lines.add(String.format(Locale.ROOT, "%s, %s under wrk: %s requests/s, %s CPU µs/request, "
                                + "server %.0f %% busy, wrk %.0f %%, errors %d",
                        load.id, server.peer.name(), Markdown.count(m.result().requestsPerSecond()),
                        Markdown.significant(m.cpuMicros()), m.use().serverBusy() * 100, m.use().loadBusy() * 100,
                        m.result().errors()));
                say(lines.getLast());
            } catch (IOException e) {
                lines.add(load.id + ": " + e.getMessage());
            }
        }
        return lines;
    }

    private String report(Machine machine, LoadRunner runner, CLoops cLoops, List<HttpCase> cases, List<String> names,
            List<String> crossCheck) {
        var text = new StringBuilder("# HTTP servers, one CPU, " + LocalDate.now() + "\n\n");
        item(text, "Machine", machine.cpu() + ", CPUs allowed: " + machine.cpuCount() + "; " + machine.kernel());
        item(text, "JVM", machine.jvm() + "; " + String.join(" ", Peers.JVM_FLAGS)
                + " for every server on the JVM; Netty also " + String.join(" ", Peers.NETTY_FLAGS));
        item(text, "Commit", machine.commit());
        item(text, "Pinning",
                "servers on CPU " + serverCpu + ", load generator and benchmark on CPU " + loadCpu + " (taskset)");
        item(text, "Load", runner.name() + "; closed loop; GET with a header of " + RequestHead.BYTES + " bytes, no body");
        item(text, "Method", String.format(Locale.ROOT,
                "rounds: %d, servers interleaved, %s s measured after %s s of warm-up "
                        + "(%s s when a server on the JVM first meets a case); medians",
                rounds, plain(seconds), plain(warmup), plain(Math.max(firstWarmup, warmup))));
        item(text, "CPU", "user + system time of the server's processes, from /proc, over the measured window");
        item(text, "C compiler", cLoops.describe());
        item(text, "Bytes of an answer to /plaintext", join(answerBytes));
        readyLines.forEach((name, line) -> {
            if (!line.isEmpty()) item(text, name, line);
        });
        var report = new HttpReport(reference, names, absent, measurements);
        if (report.disturbance() != null) note(report.disturbance() + ".");
        for (String note : notes) item(text, "Note", note);
        text.append('\n');
        for (HttpCase load : cases) {
            if (runner.obstacle(load) == null) text.append(report.table(load));
        }
        text.append(report.rounds());
        if (!crossCheck.isEmpty()) {
            text.append("### Cross-check\n\n");
            for (String line : crossCheck) text.append("- ").append(line).append('\n');
            text.append('\n');
        }
        return text.toString();
    }

    private static void item(StringBuilder text, String name, String value) {
        text.append("- ").append(name).append(": ").append(value).append('\n');
    }

    private static String join(Map<String, Integer> figures) {
        return String.join(", ", figures.entrySet().stream().map(e -> e.getKey() + " " + e.getValue()).toList());
    }

    private static String plain(double number) {
        return number == Math.rint(number) ? String.valueOf((long) number) : String.valueOf(number);
    }

    private void note(String text) {
        notes.add(text);
        say(text);
    }

    private static void say(String text) { System.err.println(text); }
}
