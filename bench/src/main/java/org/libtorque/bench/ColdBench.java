package org.libtorque.bench;

import static org.libtorque.bench.Markdown.item;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code torque bench cold}: what files that must be read from disk do to the small requests next to them.
 *
 * <p>Every server has one CPU, and the load generator another. Small requests are paced, and their latency counts from when they were due. In each round each server gets them alone
 * first, and then next to requests for files, as many a second, each file once; before that the kernel is made to forget the files.
 */
@Command(name = "torque bench cold", sortOptions = false,
        description = "Asks servers for small answers, alone and next to files that must be read from disk, interleaved, and writes a table of what the small ones wait.")
public final class ColdBench extends ServerProgram<ColdMeasurement> {
    private static final String SMALL = "small", FILES = "files";

    @Option(names = "--peers", split = ",", paramLabel = "SERVER",
            description = "Servers, in order (default: kweb-uncached,kweb-thread-uncached,virtual-threads-files). More: kweb-os-uncached, kweb-uncached-epoll, kweb-thread-uncached-epoll.")
    private List<String> peerNames = Peers.COLD_DEFAULT;

    @Option(names = "--small-rate", paramLabel = "R", defaultValue = "2000", description = "Small requests per second (default: ${DEFAULT-VALUE}).")
    private int smallRate;

    @Option(names = "--small-connections", paramLabel = "N", defaultValue = "32", description = "Their connections (default: ${DEFAULT-VALUE}).")
    private int smallConnections;

    @Option(names = "--file-rate", paramLabel = "R", defaultValue = "500", description = "Files per second (default: ${DEFAULT-VALUE}).")
    private int fileRate;

    @Option(names = "--file-connections", paramLabel = "N", defaultValue = "16", description = "Their connections (default: ${DEFAULT-VALUE}).")
    private int fileConnections;

    @Option(names = "--file-kib", paramLabel = "N", defaultValue = "64", description = "Size of a file in KiB (default: ${DEFAULT-VALUE}).")
    private int fileKib;

    @Option(names = "--cpu", paramLabel = "CPU", description = "The servers' CPU (default: the first allowed).")
    private String serverCpu;

    @Option(names = "--load-cpu", paramLabel = "CPU", description = "The load generator's CPU (default: the second allowed, or the servers').")
    private String loadCpu;

    @Option(names = "--folder", paramLabel = "DIR", description = "Where the files are made (default: the temporary folder). On a disk, not in memory.")
    private Path folder;

    private ColdBench() { super(5, 6, 2, 8); }

    /** Runs the benchmark and ends the process: 0 when it has run, 1 when it could not, 2 when an argument is wrong. */
    public static void main(String[] args) { System.exit(run(new ColdBench(), args)); }

    @Override void checkArguments() {
        super.checkArguments();
        requireKnown("server", peerNames, peers().keySet());
        require(smallRate >= 1 && fileRate >= 1, "rates must be at least 1");
        require(smallConnections >= 1 && fileConnections >= 1, "there must be at least one connection of each");
        require(fileKib >= 1 && fileKib <= 1024 * 1024, "--file-kib must be 1 to 1,048,576");
        requireCpus(serverCpu, loadCpu);
    }

    @Override String measure(Machine machine, Path scratch) throws IOException, InterruptedException {
        List<Integer> allowed = allowedCpus();
        if (serverCpu == null) serverCpu = String.valueOf(allowed.getFirst());
        if (loadCpu == null) loadCpu = allowed.stream().map(String::valueOf).filter(cpu -> !cpu.equals(serverCpu)).findFirst().orElse(serverCpu);
        List<String> names = peerNames.stream().distinct().toList();
        Path place = folder == null ? scratch : Files.createTempDirectory(folder, "torque-bench-");
        try {
            Path root = root(place);
            List<Path> files = makeFiles(Files.createDirectory(root.resolve("cold")));
            List<ServerProcess> servers = startAll(names, peers(), serverCpu, root, scratch);
            announce("CPU " + serverCpu + ", load on CPU " + loadCpu, 2, servers);
            for (int round = 1; round <= rounds; round++) {
                for (ServerProcess server : servers) {
                    run(server, round, false, files, scratch);
                    run(server, round, true, files, scratch);
                }
            }
        } finally {
            if (folder != null) delete(place);
        }
        return report(machine, names);
    }

    /** As many as the longest run asks for, so that it asks for none twice. */
    private List<Path> makeFiles(Path under) throws IOException {
        int count = (int) Math.ceil((Math.max(warmup, firstWarmup) + seconds + 1) * fileRate) + fileConnections;
        say(String.format(Locale.ROOT, "making %,d files of %d KiB", count, fileKib));
        byte[] bytes = new byte[fileKib * 1024];
        var files = new ArrayList<Path>();
        for (int i = 0; i < count; i++) {
            new Random(i).nextBytes(bytes);
            Path path = under.resolve(String.format(Locale.ROOT, "%09d", i));
            try (FileChannel file = FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                file.write(ByteBuffer.wrap(bytes));
                if (i == count - 1) file.force(true);
            }
            files.add(path);
        }
        Commands.output(home, "sync", "-f", under.toString()); // only what is clean can be evicted
        return files;
    }

    private static void delete(Path root) throws IOException {
        try (Stream<Path> files = Files.walk(root)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) Files.delete(file);
        }
    }

    private void run(ServerProcess server, int round, boolean withFiles, List<Path> files, Path scratch) throws IOException, InterruptedException {
        String name = server.peer.name();
        if (absent.containsKey(name)) return;
        measure(withFiles ? "with files" : "alone", name, server, round, before -> {
            var groups = new ArrayList<>(List.of(SMALL + " connections=" + smallConnections + " path=/plaintext rate=" + smallRate));
            if (withFiles) {
                groups.add(FILES + " connections=" + fileConnections + " path=/cold/* numbers=" + files.size() + " rate=" + fileRate);
                PageCache.evict(files);
            }
            long readBefore = ProcFiles.bytesFromDisk(server.pids());
            LoadProcess run = LoadProcess.run(SkewExecution.command(torqueLoad(loadCpu), server.port, groups, before, seconds, CpuList.parse(loadCpu)), before + seconds, server,
                    cpus(), scratch, children);
            double wanted = (before + seconds) * fileRate * fileKib * 1024;
            return new ColdMeasurement(name, round, withFiles ? SkewExecution.group(run.report(), FILES) : null, SkewExecution.group(run.report(), SMALL),
                    withFiles ? (ProcFiles.bytesFromDisk(server.pids()) - readBefore) / wanted : Double.NaN, run.use());
        });
    }

    private Set<Integer> cpus() { return Stream.of(serverCpu, loadCpu).flatMap(list -> CpuList.parse(list).stream()).collect(Collectors.toSet()); }

    @Override String line(ColdMeasurement m) {
        return String.format(Locale.ROOT, "round %d/%d  %-10s %-22s small p50 %6s p99 %8s µs%s  server %.2f, load %.2f, others %.2f%s", m.round(), rounds, m.hasFiles() ? "with files" : "alone",
                m.peer(), Markdown.significant(m.small().p50Micros()), Markdown.significant(m.small().p99Micros()),
                m.hasFiles() ? String.format(Locale.ROOT, "  files %,5.0f/s, %.0f %% from disk", m.files().perSecond(), 100 * m.fromDisk()) : "",
                m.use().serverBusy(), m.use().loadBusy(), m.use().othersBusy(), m.errors() == 0 ? "" : ", errors: " + m.errors());
    }

    private String report(Machine machine, List<String> names) {
        var report = new ColdReport(names, absent, measurements);
        StringBuilder text = heading("Small requests next to cold files, one CPU", machine, String.join(" ", Peers.JVM_FLAGS))
                .append(item("Pinning", "servers on CPU " + serverCpu + ", load generator on CPU " + loadCpu + " (taskset)"))
                .append(item("Load", String.format(Locale.ROOT, "torque load; small: %d connections, /plaintext, paced to %,d/s in all; files: %d connections, %,d/s of %d KiB each, paced, each file once; "
                        + "latency from the due time", smallConnections, smallRate, fileConnections, fileRate, fileKib)))
                .append(item("Files", "evicted from the page cache before (posix_fadvise); read from disk: by the kernel's count for the server's process, of what it was asked for"))
                .append(item("Method", method() + ", and ratios within rounds with their range"))
                .append(item("CPU", "seconds per second of the server, with files, user + system time from /proc over the measured window"));
        readyLines(text);
        notes(text, report.disturbance());
        return text.append(report.table()).toString();
    }
}
