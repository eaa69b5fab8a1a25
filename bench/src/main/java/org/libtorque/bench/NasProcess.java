package org.libtorque.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.libtorque.bench.nas.Kernel;
import org.libtorque.bench.nas.Workers;

/**
 * The process in which one peer computes one kernel in turns. It warms up, prints {@link #READY}, and then for each line of its standard input, the name of a class, computes for a while and prints
 * how many seconds each computation took; it ends with its input. Arguments: the peer's and the kernel's name, the number of threads, for how many seconds to warm up at least, and the classes.
 */
final class NasProcess {
    static final String READY = "ready";
    /** How long {@link #measure} warms up at least: the small classes would be measured while the JVM compiles, which takes the CPUs from threads that are bound to them, and there is more to compile where the library runs. */
    static final double WARM_SECONDS = 3;
    /** A turn lasts for so many seconds of computations that count, or a single longer one. */
    static final double TURN_SECONDS = 0.05;
    /** Warming up goes on until the JVM has compiled nothing for so long, but not longer than {@link #MOST_SECONDS} above the least. */
    private static final double QUIET_SECONDS = 0.3, MOST_SECONDS = 5;

    private NasProcess() {}

    /** Computes and ends the process: 0, or 1 after a fault or a wrong result. */
    public static void main(String[] args) {
        int status = 0;
        try {
            Kernel.Kind kind = Kernel.ALL.stream().filter(k -> k.name().equals(args[1])).findFirst().orElseThrow();
            List<Kernel.Size> sizes = Stream.of(args[4].split(",")).map(Kernel.Size::valueOf).toList();
            serve(NasPeer.byId(args[0]), kind, Integer.parseInt(args[2]), Double.parseDouble(args[3]), sizes, new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)), System.out);
        } catch (Throwable fault) {
            fault.printStackTrace();
            status = 1;
        }
        System.exit(status);
    }

    /** Warms up, says so, and then takes a turn for each line, until there are no more; all results must be verified. */
    static void serve(NasPeer peer, Kernel.Kind kind, int threads, double warmSeconds, List<Kernel.Size> sizes, BufferedReader turns, PrintStream results) throws Exception {
        peer.run(threads, workers -> {
            for (Kernel.Size size : sizes) warmUp(peer, kind, size, workers, 1, size == sizes.getFirst() ? warmSeconds : 0);
            results.println(READY);
            try {
                for (String line; (line = turns.readLine()) != null; ) {
                    results.println(turn(peer, kind, Kernel.Size.valueOf(line), workers).stream().map(String::valueOf).collect(Collectors.joining(" ")));
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return null;
        });
    }

    /** Computes at least so many times and for so many seconds, and until the JVM compiles no more. */
    private static void warmUp(NasPeer peer, Kernel.Kind kind, Kernel.Size size, Workers workers, int leastTimes, double leastSeconds) {
        CompilationMXBean compiler = ManagementFactory.getCompilationMXBean();
        long begin = System.nanoTime(), compiledAt = begin, compiled = compiler.getTotalCompilationTime();
        double least, quiet;
        int times = 0;
        do {
            seconds(peer, kind, size, workers);
            times++;
            long now = System.nanoTime();
            if (compiler.getTotalCompilationTime() != compiled) {
                compiled = compiler.getTotalCompilationTime();
                compiledAt = now;
            }
            least = leastSeconds - (now - begin) / 1e9;
            quiet = (now - compiledAt) / 1e9;
        } while (times < leastTimes || least > 0 || quiet < QUIET_SECONDS && least > -MOST_SECONDS);
    }

    /** Computes for a while. A first computation that is shorter than a turn does not count: the threads have slept, and others have had the caches. */
    private static List<Double> turn(NasPeer peer, Kernel.Kind kind, Kernel.Size size, Workers workers) {
        double first = seconds(peer, kind, size, workers);
        if (first >= TURN_SECONDS) return List.of(first);
        var all = new ArrayList<Double>();
        for (double sum = 0; sum < TURN_SECONDS; sum += all.getLast()) all.add(seconds(peer, kind, size, workers));
        return all;
    }

    /**
     * Returns the seconds of the fastest of {@code times}; all must be verified. Warms up before, unless {@code warmups} is 0: for so many computations and
     * {@value #WARM_SECONDS} seconds, and until the JVM compiles no more.
     */
    static double measure(NasPeer peer, Kernel.Kind kind, Kernel.Size size, int threads, int warmups, int times) throws Exception {
        return peer.run(threads, workers -> {
            if (warmups > 0) warmUp(peer, kind, size, workers, warmups, WARM_SECONDS);
            double best = Double.POSITIVE_INFINITY;
            for (int i = 0; i < times; i++) best = Math.min(best, seconds(peer, kind, size, workers));
            return best;
        });
    }

    private static double seconds(NasPeer peer, Kernel.Kind kind, Kernel.Size size, Workers workers) {
        Kernel kernel = kind.make().apply(size);
        kernel.prepare(workers);
        long start = System.nanoTime();
        kernel.compute(workers);
        double seconds = (System.nanoTime() - start) / 1e9;
        String complaint = kernel.verify();
        if (complaint != null) throw new IllegalStateException(String.format(Locale.ROOT, "%s.%s on %s: %s", kind.name(), size, peer.id, complaint));
        return seconds;
    }

    /** Returns the command for such a process, bound to the CPUs. */
    static List<String> command(NasPeer peer, Kernel.Kind kind, List<Kernel.Size> sizes, List<Integer> cpus, double warmSeconds) {
        var command = new ArrayList<>(List.of(Commands.javaBinary(), "-Xms2g", "-Xmx2g", "-XX:+UseParallelGC", "--enable-native-access=ALL-UNNAMED",
                "--add-opens", "java.base/java.lang=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"), NasProcess.class.getName(), peer.id, kind.name(),
                String.valueOf(cpus.size()), String.valueOf(warmSeconds), sizes.stream().map(Kernel.Size::name).collect(Collectors.joining(","))));
        return Commands.pinned(CpuList.of(cpus), command);
    }
}
