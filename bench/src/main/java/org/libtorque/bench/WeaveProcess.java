package org.libtorque.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.libtorque.bench.loops.TightLoop;
import org.libtorque.bench.nas.Kernel;
import org.libtorque.thread.CheckpointAgent;

/**
 * The process in which one workload of {@link WeaveBench} is measured, with or without the agent; prints the best time in seconds, and how many checkpoints the agent has put in. Arguments:
 * the workload, the number of threads, how often to warm up and how often to measure.
 */
final class WeaveProcess {
    /** What the agent is told to weave: all that is measured, and nothing else. */
    static final String WOVEN = "org.libtorque.bench.nas.*,org.libtorque.bench.loops.*";

    private WeaveProcess() {}

    /** Computes and ends the process: 0, or 1 after a fault or a wrong result. */
    public static void main(String[] args) {
        int status = 0;
        try {
            double seconds = measure(args[0], Integer.parseInt(args[1]), Integer.parseInt(args[2]), Integer.parseInt(args[3]));
            System.out.println(seconds + " " + CheckpointAgent.wovenCheckpoints());
        } catch (Throwable fault) {
            fault.printStackTrace();
            status = 1;
        }
        System.exit(status);
    }

    /** Returns the seconds of the fastest of {@code times}, after {@code warmups}. {@code workload}: a loop's name, or a kernel and its class, as in CG.S. */
    static double measure(String workload, int threads, int warmups, int times) throws Exception {
        String[] kernel = workload.split("\\.");
        if (kernel.length == 2) {
            Kernel.Kind kind = Kernel.ALL.stream().filter(k -> k.name().equals(kernel[0])).findFirst().orElseThrow();
            return NasProcess.measure(NasPeer.UTHREADS, kind, Kernel.Size.valueOf(kernel[1]), threads, warmups, times);
        }
        TightLoop loop = TightLoop.byId(workload);
        double best = Double.POSITIVE_INFINITY;
        long expected = 0;
        for (int i = 0; i < warmups + times; i++) {
            long start = System.nanoTime();
            long result = loop.run();
            double seconds = (System.nanoTime() - start) / 1e9;
            if (i == 0) expected = result;
            if (result != expected) throw new IllegalStateException(loop + ": " + result + ", not " + expected);
            if (i >= warmups) best = Math.min(best, seconds);
        }
        return best;
    }

    /** Makes the agent's jar: a manifest, as the agent itself is on the class path. */
    static Path agent(Path folder) throws IOException {
        Path jar = folder.resolve("checkpoints.jar");
        Manifest manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().putValue("Premain-Class", CheckpointAgent.class.getName());
        manifest.getMainAttributes().putValue("Can-Retransform-Classes", "true");
        new JarOutputStream(Files.newOutputStream(jar), manifest).close();
        return jar;
    }

    /** Returns the command for such a process, bound to the CPUs. {@code agent}: null for none. */
    static List<String> command(Path agent, String workload, List<Integer> cpus, int warmups, int times) {
        var command = new ArrayList<>(List.of(Commands.javaBinary(), "-Xms2g", "-Xmx2g", "-XX:+UseParallelGC", "--enable-native-access=ALL-UNNAMED",
                "--add-opens", "java.base/java.lang=ALL-UNNAMED", "-cp", System.getProperty("java.class.path")));
        if (agent != null) command.add("-javaagent:" + agent + "=" + WOVEN);
        command.addAll(List.of(WeaveProcess.class.getName(), workload, String.valueOf(cpus.size()), String.valueOf(warmups), String.valueOf(times)));
        return Commands.pinned(CpuList.of(cpus), command);
    }
}
