package org.libtorque.bench;

import static org.libtorque.bench.Markdown.item;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.libtorque.bench.Peer.UnavailableException;
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
public final class ScaleBench extends ServerProgram<ScaleMeasurement> {
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

    @Option(names = "--cpus", paramLabel = "LIST", description = "CPUs of the servers, the first N of them for each (default: all that are allowed).")
    private String cpuList;

    @Option(names = "--load-cpus", paramLabel = "LIST",
            description = "Those of the load generator, which pins a thread to each (default: the last quarter of those allowed, at least one).")
    private String loadCpuList;

    private final Map<ServerProcess, Integer> cpuCounts = new LinkedHashMap<>();

    private ScaleBench() { super(5, 4, 1, 6); }

    /** Runs the benchmark and ends the process: 0 when it has run, 1 when it could not, 2 when an argument is wrong. */
    public static void main(String[] args) { System.exit(run(new ScaleBench(), args)); }

    @Override void checkArguments() {
        super.checkArguments();
        requireKnown("case", caseNames, Stream.of(ScaleCase.values()).map(c -> c.id).toList());
        requireKnown("server", peerNames, KNOWN);
        requireCpus(cpuList, loadCpuList);
        int most = cpus().size();
        for (int count : counts()) require(count >= 1 && count <= most, "--counts: " + count + " is not within 1 to " + most);
    }

    @Override String measure(Machine machine, Path scratch) throws IOException, InterruptedException {
        List<ScaleCase> cases = caseNames.stream().map(ScaleCase::byId).distinct().toList();
        List<String> names = peerNames.stream().distinct().toList();
        List<String> prefix = torqueLoad(CpuList.of(loadCpus()));
        List<ServerProcess> servers = start(names, scratch);
        announce(counts() + " of CPUs " + cpus() + ", load on CPUs " + loadCpus(), cases.size(), servers);
        for (int round = 1; round <= rounds; round++) {
            for (ScaleCase load : cases) {
                for (ServerProcess server : servers) measure(load, server, round, prefix, scratch);
            }
        }
        return report(machine, cases, names);
    }

    private List<Integer> cpus() { return cpus(cpuList); }

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
        if (loadCpuList != null) return cpus(loadCpuList);
        List<Integer> allowed = allowedCpus();
        return allowed.subList(allowed.size() - Math.max(1, allowed.size() / 4), allowed.size());
    }

    private List<ServerProcess> start(List<String> names, Path scratch) throws IOException, InterruptedException {
        Path root = root(scratch);
        for (int count : counts()) {
            Path folder = Files.createDirectory(scratch.resolve("cpus-" + count));
            for (String name : names) {
                try {
                    cpuCounts.put(start(peers().get(name), name + " on " + count, CpuList.of(cpus().subList(0, count)), root, folder), count);
                } catch (UnavailableException e) {
                    throw new IOException(name + " on " + count + " CPUs: " + e.getMessage(), e);
                }
            }
        }
        return List.copyOf(cpuCounts.keySet());
    }

    private void measure(ScaleCase load, ServerProcess server, int round, List<String> prefix, Path scratch) throws InterruptedException, IOException {
        int count = cpuCounts.get(server);
        String name = server.peer.name() + " on " + count;
        measure(load.id, name, server, round, warmup -> measure(load, server, count, round, warmup, prefix, scratch));
        if (absent.containsKey(name)) throw new IOException(name + " " + absent.get(name)); // there is no curve without it
    }

    private ScaleMeasurement measure(ScaleCase load, ServerProcess server, int count, int round, double warmup, List<String> prefix, Path scratch)
            throws IOException, InterruptedException {
        Set<Integer> serverCpus = Set.copyOf(cpus().subList(0, count));
        Set<Integer> all = Stream.concat(serverCpus.stream(), loadCpus().stream()).collect(Collectors.toSet());
        boolean shared = loadCpus().stream().anyMatch(serverCpus::contains);
        List<String> command = SkewExecution.command(prefix, server.port, List.of(load.group()), warmup, seconds, loadCpus());
        LoadProcess run = LoadProcess.run(command, warmup + seconds, server, all, scratch, children);
        return new ScaleMeasurement(load, server.peer.name(), count, shared, round, SkewExecution.group(run.report(), ScaleCase.GROUP), run.use(), run.rates());
    }

    @Override String line(ScaleMeasurement m) {
        return String.format(Locale.ROOT, "round %d/%d  %-9s %-18s on %-2d %,8.0f requests/s  %s CPU µs/request  hits %s  server %.2f, load %.2f, others %.2f%s", m.round(),
                rounds, m.load().id, m.peer(), m.cpus(), m.perSecond(), Markdown.significant(m.cpuMicros()), Markdown.ratio(m.hitShare()),
                m.use().serverBusy(), m.use().loadBusy(), m.use().othersBusy(), m.answers().errors() == 0 ? "" : ", errors: " + m.answers().errors());
    }

    private String report(Machine machine, List<ScaleCase> cases, List<String> names) {
        var report = new ScaleReport(names, counts(), measurements);
        StringBuilder text = heading("More CPUs", machine, String.join(" ", Peers.JVM_FLAGS))
                .append(item("Pinning", "each server on the first so many of CPUs " + CpuList.of(cpus()) + ", a pinned thread on each; load generator on CPUs "
                        + CpuList.of(loadCpus())))
                .append(item("Load", String.format(Locale.ROOT, "torque load, closed loop; GET with a header of about %d bytes", RequestHead.BYTES)))
                .append(item("Method", method()))
                .append(item("Limit", "where the generator runs on a CPU of the server's, what it takes the server cannot have. CPUs left: the server's less that; "
                        + "÷ CPUs left: requests/s for each CPU that was left, as a share of those on " + counts().getFirst() + ". 1 is the best that can be had"));
        readyLines(text);
        notes(text, report.disturbance());
        for (ScaleCase load : cases) text.append(report.tables(load));
        return text.toString();
    }
}
