package org.libtorque.bench;

import static org.libtorque.bench.Markdown.item;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
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
public final class HttpBench extends ServerProgram<Measurement> {
    @Option(names = "--cases", split = ",", paramLabel = "CASE", defaultValue = "p1,p100,c1000,churn,index",
            description = "Loads: p1, p100, c1000, churn, index (default: these), kevent (with --load ab).")
    private List<String> caseNames;

    @Option(names = "--peers", split = ",", paramLabel = "SERVER",
            description = "Servers, in order (default: kweb,kweb-epoll,c-epoll,netty-epoll,netty-io_uring,nginx,"
                    + "virtual-threads,helidon,helidon-queued). More: kweb-io_uring, c-io_uring, "
                    + "netty-io_uring-ring, netty-nio, netty-epoll-scan, netty-io_uring-scan.")
    private List<String> peerNames = Peers.DEFAULT;

    @Option(names = "--load", paramLabel = "torque|wrk|ab",
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

    private HttpBench() { super(5, 5, 2, 8); }

    /** Runs the benchmark and ends the process: 0 when it has run, 1 when it could not, 2 when an argument is wrong. */
    public static void main(String[] args) { System.exit(run(new HttpBench(), args)); }

    @Override void checkArguments() {
        super.checkArguments();
        requireKnown("case", caseNames, Stream.of(HttpCase.values()).map(c -> c.id).toList());
        requireKnown("server", peerNames, peers().keySet());
        require(peers().containsKey(reference), "no server '" + reference + "' to compare with");
        require(loadName == null || List.of("torque", "wrk", "ab").contains(loadName), "--load is torque, wrk or ab, not '" + loadName + "'");
        List<Integer> allowed = allowedCpus();
        for (Integer cpu : new Integer[] {serverCpu, loadCpu}) {
            require(cpu == null || allowed.contains(cpu), "CPU " + cpu + " is not among those allowed: " + allowed);
        }
    }

    @Override String measure(Machine machine, Path scratch) throws IOException, InterruptedException {
        List<HttpCase> cases = caseNames.stream().map(HttpCase::byId).distinct().toList();
        List<String> names = peerNames.stream().distinct().toList();
        chooseCpus();
        LoadRunner runner = chooseLoad();
        var execution = new LoadExecution(runner, serverCpu, loadCpu, scratch, children);
        List<ServerProcess> servers = startAll(names, peers(), String.valueOf(serverCpu), scratch);
        announce("CPU " + serverCpu + ", load on CPU " + loadCpu, cases.size(), servers);
        for (int round = 1; round <= rounds; round++) {
            for (HttpCase load : cases) runCase(execution, runner, load, servers, round);
        }
        List<String> crossCheck = !(runner instanceof TorqueLoad) ? List.of() : crossCheck(cases, servers, scratch);
        return report(machine, runner, cases, names, servers, crossCheck);
    }

    private void chooseCpus() {
        List<Integer> allowed = allowedCpus();
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
        boolean built = hasTorqueLoad();
        if ("torque".equals(loadName) && !built) throw new IOException("no " + jar + ": build it, or take --load wrk");
        if ("ab".equals(loadName)) {
            if (Commands.find("ab") == null) throw new IOException("ab is not installed (apt-get install apache2-utils)");
            return new AbLoad();
        }
        if ("wrk".equals(loadName) || !built) {
            if (Commands.find("wrk") == null) throw new IOException("wrk is not installed (apt-get install wrk)");
            if (loadName == null) {
                note("torque load is not built: wrk makes the load, and saturates before a fast server does.");
            }
            return new WrkLoad();
        }
        return new TorqueLoad(torqueLoad(String.valueOf(loadCpu)));
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
            measure(load.id, name, server, round, warmup -> execution.measure(load, server, round, warmup, seconds));
        }
    }

    @Override String line(Measurement m) {
        return String.format(Locale.ROOT, "round %d/%d  %-5s %-20s %,12.0f requests/s  %8s µs/%s  server %3.0f %%, load %3.0f %%, others %3.0f %%%s",
                m.round(), rounds, m.load().id, m.peer(), m.result().requestsPerSecond(),
                Markdown.significant(m.cpuMicros()), m.load().countsConnections() ? "connection" : "request",
                m.use().serverBusy() * 100, m.use().loadBusy() * 100, m.use().othersBusy() * 100,
                m.result().errors() == 0 ? "" : ", errors: " + m.result().errors());
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

    private String report(Machine machine, LoadRunner runner, List<HttpCase> cases, List<String> names, List<ServerProcess> servers, List<String> crossCheck) {
        var report = new HttpReport(reference, names, absent, measurements);
        StringBuilder text = heading("HTTP servers, one CPU", machine, Peers.FLAGS_OF_ALL)
                .append(item("Pinning", "servers on CPU " + serverCpu + ", load generator and benchmark on CPU " + loadCpu + " (taskset)"))
                .append(item("Load", runner.name() + "; closed loop; "
                        + (runner instanceof AbLoad ? "ab's own GET, HTTP/1.0, no body" : "GET with a header of " + RequestHead.BYTES + " bytes, no body")))
                .append(item("Method", method()))
                .append(item("CPU", "user + system time of the server's processes, from /proc, over the measured window"))
                .append(item("C compiler", cLoops.describe()))
                .append(item("Bytes of an answer to /plaintext",
                        String.join(", ", servers.stream().map(server -> server.peer.name() + " " + server.answerBytes).toList())));
        readyLines(text);
        notes(text, report.disturbance());
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
}
