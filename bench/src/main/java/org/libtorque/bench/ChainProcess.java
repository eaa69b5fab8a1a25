package org.libtorque.bench;

import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * The process in which one peer runs chains: for each amount of work a window after a warm-up, and a line of figures on the standard output. Arguments: the peer's name, the
 * CPUs (to which the process is bound), how many chains, CPU seconds of warm-up, seconds to measure, nanoseconds of a step of {@link Burn}, and amounts of work in nanoseconds.
 */
final class ChainProcess {
    private static final long STOP_SECONDS = 30;
    private static final int MAX_STRETCH = 10;

    private ChainProcess() {}

    /** Runs them all and ends the process: 0, or 1 after a fault. */
    public static void main(String[] args) {
        int status = 0;
        try (ChainRunner runner = ChainPeer.byId(args[0]).open(CpuList.parse(args[1]))) {
            double stepNanos = Double.parseDouble(args[5]);
            for (String workNanos : List.of(args).subList(6, args.length)) {
                ChainMeasurement m = measure(runner, new HashSet<>(CpuList.parse(args[1])), Integer.parseInt(args[2]), Double.parseDouble(workNanos), stepNanos,
                        Double.parseDouble(args[3]), Double.parseDouble(args[4]));
                System.out.println(m.toLine());
            }
        } catch (Throwable fault) {
            fault.printStackTrace();
            status = 1;
        }
        System.exit(status); // whatever threads a peer has left
    }

    /** Lets {@code runner} run chains for the time of warm-up and measurement. */
    static ChainMeasurement measure(ChainRunner runner, Set<Integer> cpus, int chains, double workNanos, double stepNanos, double warmupSeconds,
                                    double seconds) throws InterruptedException {
        var group = new Chain.Group(chains, (int) Math.round(workNanos / stepNanos));
        long pid = ProcessHandle.current().pid();
        runner.start(group);
        warmUp(warmupSeconds);
        long cpu = processCpuNanos();
        long othersTicks = ProcFiles.busyTicks(cpus) - ProcFiles.cpuTicks(pid);
        Map<String, Long> counters = runner.counters();
        long[] before = group.counts();
        long start = System.nanoTime();
        sleep(seconds);
        long[] after = group.counts();
        long end = System.nanoTime();
        Map<String, Long> countersAfter = runner.counters();
        cpu = processCpuNanos() - cpu;
        othersTicks = ProcFiles.busyTicks(cpus) - ProcFiles.cpuTicks(pid) - othersTicks;
        group.stop(STOP_SECONDS, TimeUnit.SECONDS);
        return ChainMeasurement.between(workNanos, (end - start) / 1e9, before, after, cpu / 1e9,
                (double) othersTicks / ProcFiles.TICKS_PER_SECOND, counters, countersAfter);
    }

    /** Waits until the process has had so much CPU time, which is what compiling takes: on a busy machine that may be long, but not beyond all measure. */
    private static void warmUp(double cpuSeconds) throws InterruptedException {
        long end = processCpuNanos() + (long) (cpuSeconds * 1e9);
        long latest = System.nanoTime() + (long) (cpuSeconds * 1e9) * MAX_STRETCH;
        while (processCpuNanos() < end && System.nanoTime() < latest) sleep(0.02);
    }

    private static void sleep(double seconds) throws InterruptedException { TimeUnit.NANOSECONDS.sleep((long) (seconds * 1e9)); }

    private static long processCpuNanos() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    /** Returns the command for such a process, bound to the CPUs. */
    static List<String> command(ChainPeer peer, List<Integer> cpus, int chains, double warmupSeconds, double seconds, double stepNanos,
                                List<Double> worksNanos) {
        String list = CpuList.of(cpus);
        var command = new ArrayList<>(List.of(Commands.javaBinary()));
        command.addAll(Peers.JVM_FLAGS);
        command.addAll(Peers.NETTY_FLAGS);
        command.addAll(List.of("--add-opens", "java.base/java.lang=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"),
                ChainProcess.class.getName(), peer.id, list, String.valueOf(chains), String.valueOf(warmupSeconds), String.valueOf(seconds), String.valueOf(stepNanos)));
        for (double work : worksNanos) command.add(String.valueOf(work));
        return Commands.pinned(list, command);
    }
}
