package org.libtorque.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.libtorque.bench.peer.FileProtocol;
import org.libtorque.sys.Clocks;
import org.libtorque.sys.ErrnoSlot;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code torque bench sendfile}: what sending a file costs, in memory and on disk, with one request, by hand, and with others' means.
 *
 * <p>All servers have one loop, on the same CPU, and stay; in each round each gets every case in turn. Clients are blocking threads on another CPU that ask for one file after the other.
 * Files on disk are evicted from the page cache before, and asked for once each, in two passes: one for the CPU time, and one with a task in every turn of the loop, which
 * notes how long a turn takes and how often the loop's thread sleeps: it has no reason to but a disk.
 */
@Command(name = "torque bench sendfile", sortOptions = false,
        description = "Lets servers send files of several sizes, in memory and on disk, interleaved, and writes tables of CPU time per file and of the loop's longest turn.")
public final class SendFileBench extends BenchProgram {
    @Option(names = "--cases", split = ",", paramLabel = "SIZE", description = "Sizes: 1KiB, 64KiB, 16MiB (default: all).")
    private List<String> caseNames = SendFileCase.ids();

    @Option(names = "--servers", split = ",", paramLabel = "SERVER",
            description = "Servers, in order (default: all): oneshot, oneshot-epoll, byhand, byhand-epoll, nio-sendfile, nio-readwrite, netty-epoll, netty-nio.")
    private List<String> serverNames = SendFileServer.ids();

    @Option(names = "--seconds", paramLabel = "S", defaultValue = "1", description = "Measured seconds of each case in memory (default: ${DEFAULT-VALUE}).")
    private double seconds;

    @Option(names = "--warmup", paramLabel = "S", defaultValue = "1", description = "Seconds before each measurement in memory (default: ${DEFAULT-VALUE}).")
    private double warmup;

    @Option(names = "--clients", paramLabel = "N", defaultValue = "4", description = "Connections (default: ${DEFAULT-VALUE}).")
    private int clients;

    @Option(names = "--reference", paramLabel = "SERVER", defaultValue = "oneshot", description = "Whom the others are compared with (default: ${DEFAULT-VALUE}).")
    private String reference;

    @Option(names = "--drop-names", description = "Has the kernel forget all names and inodes too before each pass on disk (root; the whole machine's).")
    private boolean dropNames;

    @Option(names = "--cpu", paramLabel = "CPU", description = "The servers' CPU (default: the first allowed).")
    private String serverCpu;

    @Option(names = "--load-cpu", paramLabel = "CPU", description = "The clients' CPU (default: the second allowed, or the servers').")
    private String loadCpu;

    @Option(names = "--folder", paramLabel = "DIR", description = "Where the files are made (default: the temporary folder). On a disk, not in memory.")
    private Path folder;

    /** How often all files are read from disk so that it counts. Not oftener: disks of virtual machines are rationed, and slow down when that is used up. */
    private static final int COLD_PASSES = 2;

    private final Map<SendFileServer, String> absent = new LinkedHashMap<>();
    private final List<SendFileMeasurement> measurements = new ArrayList<>();

    /** A server that runs, with its files of each size. */
    private record Running(SendFileServer server, Process process, int port) {}

    private SendFileBench() { super(3); }

    /** Runs the benchmark and ends the process: 0 when it has run, 1 when it could not, 2 when an argument is wrong. */
    public static void main(String[] args) { System.exit(run(new SendFileBench(), args)); }

    @Override void checkArguments() {
        requireKnown("size", caseNames, SendFileCase.ids());
        requireKnown("server", serverNames, SendFileServer.ids());
        requireKnown("server", List.of(reference), SendFileServer.ids());
        require(clients >= 1 && clients <= 1000, "--clients must be 1 to 1,000");
        require(seconds >= 0.1 && warmup >= 0, "--seconds must be at least 0.1, and --warmup not negative");
        requireCpus(serverCpu, loadCpu);
    }

    @Override String measure(Machine machine) throws IOException, InterruptedException {
        List<Integer> allowed = allowedCpus();
        if (serverCpu == null) serverCpu = String.valueOf(allowed.getFirst());
        if (loadCpu == null) loadCpu = allowed.stream().map(String::valueOf).filter(cpu -> !cpu.equals(serverCpu)).findFirst().orElse(serverCpu);
        Commands.output(home, "taskset", "-a", "-p", "-c", loadCpu, String.valueOf(ProcessHandle.current().pid()));
        List<SendFileCase> sizes = caseNames.stream().distinct().map(SendFileCase::byId).toList();
        List<SendFileServer> servers = serverNames.stream().distinct().map(SendFileServer::byId).toList();
        try (var scratch = new Scratch(children)) {
            Path root = folder == null ? scratch.folder() : Files.createTempDirectory(folder, "torque-bench-");
            try {
                for (SendFileCase size : sizes) makeFiles(root.resolve(size.id), size);
                for (int round = 1; round <= rounds; round++) {
                    for (SendFileCase size : sizes) {
                        for (SendFileServer server : servers) measure(server, size, root.resolve(size.id), scratch.folder(), round);
                    }
                }
            } finally {
                if (folder != null) delete(root);
            }
            if (measurements.isEmpty()) throw new IOException("nothing could be measured: " + absent);
            return report(machine, sizes, servers);
        }
    }

    private static void makeFiles(Path root, SendFileCase size) throws IOException {
        Files.createDirectory(root);
        byte[] bytes = new byte[size.bytes];
        for (int i = 0; i < size.files; i++) {
            new Random(i).nextBytes(bytes);
            try (FileChannel file = FileChannel.open(FileProtocol.file(root, i), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                file.write(java.nio.ByteBuffer.wrap(bytes));
            }
        }
        for (int i = 0; i < size.files; i++) { // once all are there: the first has the file system write most of them back
            try (FileChannel file = FileChannel.open(FileProtocol.file(root, i), StandardOpenOption.WRITE)) {
                file.force(false); // only what is clean can be evicted
            }
        }
    }

    private static void delete(Path root) throws IOException {
        try (Stream<Path> files = Files.walk(root)) {
            for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) Files.delete(file);
        }
    }

    private void measure(SendFileServer server, SendFileCase size, Path root, Path scratch, int round) throws IOException, InterruptedException {
        if (absent.containsKey(server)) return;
        Running running = null;
        try {
            running = start(server, root, scratch);
            run(running, size, warmup, null);
            note(server, size, false, round, pass(running, size, seconds, null), Double.NaN, Double.NaN);
            for (int i = 0; i < size.warmupPasses; i++) coldPass(running, size, root);
            Pass cold = new Pass(0, 0, 0);
            for (int i = 0; i < COLD_PASSES; i++) cold = cold.plus(coldPass(running, size, root));
            evict(root, size);
            try (var control = new SendFileClient(running.port)) {
                control.watch();
                long files = run(running, size, 0, new AtomicInteger(size.files));
                long[] seen = control.report();
                note(server, size, true, round, cold, seen[0] / 1e3, (double) seen[1] / files);
            }
        } catch (IOException e) {
            if (children.isClosed()) throw new IOException("stopped", e);
            absent.put(server, "failed in round " + round + ", " + size.id + ": " + e.getMessage() + lastLine(scratch, server));
            say(server.id + " " + absent.get(server));
        } finally {
            if (running != null) children.stop(running.process);
        }
    }

    private static String lastLine(Path scratch, SendFileServer server) throws IOException {
        Path log = scratch.resolve(server.id + ".log");
        return Files.exists(log) ? "; it said: " + Files.readString(log).strip().lines().reduce("nothing", (a, b) -> b) : "";
    }

    /** What a pass took. */
    private record Pass(long files, double seconds, double cpuSeconds) {
        Pass plus(Pass other) { return new Pass(files + other.files, seconds + other.seconds, cpuSeconds + other.cpuSeconds); }
    }

    /** Each file once, from disk. */
    private Pass coldPass(Running running, SendFileCase size, Path root) throws IOException, InterruptedException {
        evict(root, size);
        return pass(running, size, 0, new AtomicInteger(size.files));
    }

    private Pass pass(Running running, SendFileCase size, double forSeconds, AtomicInteger left) throws IOException, InterruptedException {
        long before = cpuNanos(running);
        long start = System.nanoTime();
        long files = run(running, size, forSeconds, left);
        double took = (System.nanoTime() - start) / 1e9;
        return new Pass(files, took, (cpuNanos(running) - before) / 1e9);
    }

    /** Returns the CPU time that the server has had, to the nanosecond: a pass takes a few ticks of /proc's clock. */
    private static long cpuNanos(Running running) throws IOException {
        long nanos = Clocks.nanos(ErrnoSlot.current(), Clocks.processCpuClock((int) running.process.pid()));
        if (nanos < 0) throw new IOException("the server has ended");
        return nanos;
    }

    private void note(SendFileServer server, SendFileCase size, boolean cold, int round, Pass pass, double longestMicros, double sleeps) {
        var m = new SendFileMeasurement(server, size, cold, round, pass.cpuSeconds * 1e6 / pass.files, pass.files / pass.seconds, longestMicros, sleeps);
        measurements.add(m);
        say(String.format(Locale.ROOT, "round %d/%d  %-5s %-9s %-14s %10.1f CPU µs/file %,10.0f files/s%s", round, rounds, size.id, cold ? "on disk" : "in memory", server.id,
                m.cpuMicros(), m.filesPerSecond(), cold ? String.format(Locale.ROOT, "  longest turn %,.0f µs, slept %.2f times per file", longestMicros, sleeps) : ""));
    }

    private Running start(SendFileServer server, Path root, Path scratch) throws IOException, InterruptedException {
        int port;
        try (var probe = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
            port = probe.getLocalPort();
        }
        Path log = scratch.resolve(server.id + ".log");
        Process process = children.start(new ProcessBuilder(server.command(port, serverCpu, root.toString())).redirectErrorStream(true).redirectOutput(log.toFile()));
        long deadline = System.nanoTime() + 30_000_000_000L;
        while (true) {
            if (!process.isAlive()) throw new IOException("ended with status " + process.exitValue() + ": " + Files.readString(log).strip());
            try (var client = new SendFileClient(port)) {
                client.get(0, Files.size(FileProtocol.file(root, 0)));
                return new Running(server, process, port);
            } catch (java.net.ConnectException notYet) {
                if (System.nanoTime() > deadline) throw new IOException("not ready after 30 s: " + Files.readString(log).strip(), notYet);
            }
            Thread.sleep(50);
        }
    }

    /** Gets files from all clients for some seconds, or until none is left. Returns how many. */
    private long run(Running running, SendFileCase size, double forSeconds, AtomicInteger left) throws IOException, InterruptedException {
        long end = System.nanoTime() + (long) (forSeconds * 1e9);
        var done = new AtomicInteger();
        var next = new AtomicInteger();
        var failure = new AtomicReference<IOException>();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < clients; i++) {
            threads.add(Thread.ofPlatform().start(() -> {
                try (var client = new SendFileClient(running.port)) {
                    while (left == null ? System.nanoTime() < end : left.getAndDecrement() > 0) {
                        client.get(next.getAndIncrement() % size.files, size.bytes);
                        done.incrementAndGet();
                    }
                } catch (IOException e) {
                    failure.compareAndSet(null, e);
                }
            }));
        }
        for (Thread thread : threads) thread.join();
        if (failure.get() != null) throw failure.get();
        return done.get();
    }

    /** Has the kernel forget the files' bytes. */
    private void evict(Path root, SendFileCase size) {
        PageCache.evict(IntStream.range(0, size.files).mapToObj(i -> FileProtocol.file(root, i)).toList());
        if (!dropNames) return;
        try {
            Files.writeString(Path.of("/proc/sys/vm/drop_caches"), "2");
        } catch (IOException e) {
            throw new UncheckedIOException("--drop-names needs root", e);
        }
    }

    private String report(Machine machine, List<SendFileCase> sizes, List<SendFileServer> servers) {
        var text = heading("Sending files, one loop on one CPU", machine, String.join(" ", Peers.JVM_FLAGS) + " " + String.join(" ", Peers.NETTY_FLAGS));
        text.append(Markdown.item("Pinning", "servers on CPU " + serverCpu + ", clients on CPU " + loadCpu + " (taskset)"));
        text.append(Markdown.item("Load", clients + " connections over loopback, each asking for one file after the other; " + String.join(", ",
                sizes.stream().map(s -> s.files + " files of " + s.id).toList())));
        text.append(Markdown.item("Method", String.format(Locale.ROOT, "rounds: %d, servers interleaved, a JVM for each case; in memory %s s after %s s of warm-up, which the passes on disk have had "
                + "too; medians, and ratios within rounds with their range", rounds, Markdown.significant(seconds), Markdown.significant(warmup))));
        text.append(Markdown.item("On disk", COLD_PASSES + " passes after " + String.join(", ", sizes.stream().map(s -> s.warmupPasses + " (" + s.id + ")").toList()) + " of warm-up, in each every file once, evicted before (posix_fadvise"
                + (dropNames ? ", and all names and inodes by drop_caches)" : ")") + "; the longest turn and the sleeps of the loop's thread in one more pass, in which the loop never has nothing to do"));
        text.append(Markdown.item("CPU", "user + system time of the server's process, its other threads included, from its CPU-time clock (clock_gettime)"));
        for (SendFileServer server : servers) text.append(Markdown.item(server.id, server.title + (absent.containsKey(server) ? " – " + absent.get(server) : "")));
        notes(text, null);
        var report = new SendFileReport(SendFileServer.byId(reference), servers, measurements);
        for (boolean cold : new boolean[] {false, true}) for (SendFileCase size : sizes) text.append(report.table(size, cold));
        return text.toString();
    }
}
