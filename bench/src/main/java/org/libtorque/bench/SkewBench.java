package org.libtorque.bench;

import static org.libtorque.bench.Markdown.item;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
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
public final class SkewBench extends ServerProgram<SkewMeasurement> {
    @Option(names = "--cases", split = ",", paramLabel = "CASE", defaultValue = "skew8,floor,moving,skew1,balanced,paced,p1",
            description = "Loads: skew8, floor (the same without heavy requests: what light ones wait anyway), moving, skew1, balanced, paced, "
                    + "p1 (default: all).")
    private List<String> caseNames;

    @Option(names = "--peers", split = ",", paramLabel = "SERVER",
            description = "Servers, in order (default: kweb-static,kweb-steal,kweb-migrate,c-loops,c-queue,c-least,c-threads,netty-epoll-2,"
                    + "netty-io_uring-2,netty-ordered,netty-unordered,virtual-threads-2). More: kweb-static-epoll, kweb-steal-epoll, "
                    + "kweb-migrate-epoll, kweb-static-thread, kweb-steal-thread, kweb-migrate-thread.")
    private List<String> peerNames = Peers.SKEW_DEFAULT;

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

    private SkewBench() { super(3, 6, 2, 8); }

    /** Runs the benchmark and ends the process: 0 when it has run, 1 when it could not, 2 when an argument is wrong. */
    public static void main(String[] args) { System.exit(run(new SkewBench(), args)); }

    @Override void checkArguments() {
        super.checkArguments();
        requireKnown("case", caseNames, Stream.of(SkewCase.values()).map(c -> c.id).toList());
        requireKnown("server", peerNames, peers().keySet());
        requireKnown("server", references, peers().keySet());
        require(lightRate >= 1, "--light-rate must be at least 1");
        require(light.equals("same") || light.equals("any"), "--light is same or any, not '" + light + "'");
        requireCpus(cpuList, loadCpuList);
        require(cpus().size() == 2, "two CPUs are needed, not " + cpus());
    }

    @Override String measure(Machine machine, Path scratch) throws IOException, InterruptedException {
        List<SkewCase> cases = caseNames.stream().map(SkewCase::byId).distinct().toList();
        List<String> names = peerNames.stream().distinct().toList();
        String pinned = CpuList.of(cpus());
        var execution = new SkewExecution(torqueLoad(pinned), cpus(), loadCpus(), lightRate, light.equals("same"), scratch, children);
        List<ServerProcess> servers = startAll(names, peers(), pinned, scratch);
        announce("CPUs " + pinned + ", load on CPUs " + loadCpus(), cases.size(), servers);
        for (int round = 1; round <= rounds; round++) {
            for (SkewCase load : cases) runCase(execution, load, servers, round);
        }
        return report(machine, cases, names, pinned);
    }

    private List<Integer> cpus() { return cpuList != null ? cpus(cpuList) : cpus(null).stream().limit(2).toList(); }

    /** The heavy connections are on the first vcore: so the generator hinders static servers least, and others when they spread. */
    private List<Integer> loadCpus() {
        return loadCpuList != null ? cpus(loadCpuList) : List.of(cpus().getLast());
    }

    private void runCase(SkewExecution execution, SkewCase load, List<ServerProcess> servers, int round)
            throws InterruptedException, IOException {
        for (ServerProcess server : servers) {
            String name = server.peer.name();
            if (absent.containsKey(name)) continue;
            measure(load.id, name, server, round, warmup -> execution.measure(load, server, round, warmup, seconds));
        }
    }

    @Override String line(SkewMeasurement m) {
        String figures = m.load().skewed
                ? String.format(Locale.ROOT, "heavy %,6.0f/s  light %,7.0f/s p50 %6s p99 %6s µs  unserved %d", m.heavyPerSecond(),
                        m.light().perSecond(), Markdown.significant(m.light().p50Micros()), Markdown.significant(m.light().p99Micros()),
                        m.light().unserved())
                : String.format(Locale.ROOT, "%,8.0f requests/s  %s CPU µs/request", m.light().perSecond(), Markdown.significant(m.cpuMicros()));
        return String.format(Locale.ROOT, "round %d/%d  %-8s %-18s %s  useful %.2f, server %.2f, load %.2f, others %.2f%s", m.round(), rounds,
                m.load().id, m.peer(), figures, m.usefulCpu(), m.use().serverBusy(), m.use().loadBusy(), m.use().othersBusy(),
                m.errors() == 0 ? "" : ", errors: " + m.errors());
    }

    private String report(Machine machine, List<SkewCase> cases, List<String> names, String cpus) {
        var report = new SkewReport(references, names, absent, measurements);
        StringBuilder text = heading("Skewed load, two CPUs", machine, Peers.FLAGS_OF_ALL)
                .append(item("Pinning", "servers, each with two threads or loops, on CPUs " + cpus + " (taskset), to which kweb pins one thread each and the "
                        + "others leave to the kernel what runs where; load generator on CPUs " + loadCpus()))
                .append(item("Load", String.format(Locale.ROOT, "torque load; heavy: /work?us=%d in a closed loop, unless said otherwise; light: %d connections, /work?us=%d, "
                        + "paced to %,d/s in all, latency from the due time, %s; GET with a header of about %d bytes", SkewCase.HEAVY_MICROS,
                        SkewCase.LIGHT_CONNECTIONS, SkewCase.LIGHT_MICROS, lightRate,
                        light.equals("same") ? "opened on the vcores of the heavy ones" : "on the vcores that they come to", RequestHead.BYTES)))
                .append(item("Method", method() + ", of unserved connections the most"))
                .append(item("CPU", "seconds per second, user + system time from /proc over the measured window; useful: what the requests asked for"))
                .append(item("C compiler", cLoops.describe()));
        readyLines(text);
        notes(text, report.disturbance());
        for (SkewCase load : cases) text.append(report.tables(load));
        return text.append(report.rounds()).toString();
    }
}
