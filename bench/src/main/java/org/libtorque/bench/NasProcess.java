package org.libtorque.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.libtorque.bench.nas.Kernel;
import org.libtorque.bench.nas.Workers;

/**
 * The process in which one peer computes one kernel some times, the first ones to warm up; prints the best of the others in seconds on its standard output. Arguments: the peer's
 * and the kernel's name, the class, the number of threads, how often to warm up and how often to measure.
 */
final class NasProcess {
    /** How long to warm up at least: the small classes would be measured while the JVM compiles, which takes the CPUs from threads that are bound to them, and there is more to compile where the library runs. */
    static final double WARM_SECONDS = 3;

    private NasProcess() {}

    /** Computes and ends the process: 0, or 1 after a fault or a wrong result. */
    public static void main(String[] args) {
        int status = 0;
        try {
            Kernel.Kind kind = Kernel.ALL.stream().filter(k -> k.name().equals(args[1])).findFirst().orElseThrow();
            double seconds = measure(NasPeer.byId(args[0]), kind, Kernel.Size.valueOf(args[2]), Integer.parseInt(args[3]), Integer.parseInt(args[4]), Integer.parseInt(args[5]));
            System.out.println(seconds);
        } catch (Throwable fault) {
            fault.printStackTrace();
            status = 1;
        }
        System.exit(status);
    }

    /** Returns the seconds of the fastest of {@code times}, after {@code warmups} and, unless they are 0, {@value #WARM_SECONDS} seconds; all must be verified. */
    static double measure(NasPeer peer, Kernel.Kind kind, Kernel.Size size, int threads, int warmups, int times) throws Exception {
        return peer.run(threads, workers -> {
            double best = Double.POSITIVE_INFINITY;
            long begin = System.nanoTime();
            for (int toGo = warmups; toGo > 0 || warmups > 0 && System.nanoTime() - begin < WARM_SECONDS * 1e9; toGo--) seconds(peer, kind, size, workers);
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
    static List<String> command(NasPeer peer, Kernel.Kind kind, Kernel.Size size, List<Integer> cpus, int warmups, int times) {
        var command = new ArrayList<>(List.of(Commands.javaBinary(), "-Xms2g", "-Xmx2g", "-XX:+UseParallelGC", "--enable-native-access=ALL-UNNAMED",
                "--add-opens", "java.base/java.lang=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"), NasProcess.class.getName(), peer.id, kind.name(), size.name(),
                String.valueOf(cpus.size()), String.valueOf(warmups), String.valueOf(times)));
        return Commands.pinned(String.join(",", cpus.stream().map(String::valueOf).toList()), command);
    }
}
