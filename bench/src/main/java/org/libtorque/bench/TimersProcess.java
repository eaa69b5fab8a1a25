package org.libtorque.bench;

import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The process in which one peer's timers are measured: at idle, under load, and one with a period for drift; a line of figures on the standard output for each. Arguments: the
 * peer's name, the CPUs, how many timers, seconds for each of the first two, seconds for drift.
 */
final class TimersProcess {
    /** Timers are armed for a time from now between these. */
    private static final long SHORTEST = 1_000_000, LONGEST = 50_000_000;
    private static final double WARM_UP_SECONDS = 1.5;
    private static final long PERIOD = 10_000_000;
    /** Busy callbacks for each CPU, and how long each takes. */
    private static final int BUSY_PER_CPU = 16;
    private static final long BUSY_NANOS = 50_000;

    /** Written so that busy callbacks have a use. */
    @SuppressWarnings("unused") private static volatile int result;

    private TimersProcess() {}

    /** Measures and ends the process: 0, or 1 after a fault. */
    public static void main(String[] args) {
        int status = 0;
        try {
            List<Integer> cpus = CpuList.parse(args[1]);
            int timers = Integer.parseInt(args[2]);
            double seconds = Double.parseDouble(args[3]);
            TimerPeer peer = TimerPeer.byId(args[0]);
            try (TimerPeer.Timers of = peer.open(cpus)) {
                System.out.println(lateness("idle", of, timers, seconds));
            }
            try (TimerPeer.Timers of = peer.open(cpus)) {
                drift(of, 1);
            }
            try (TimerPeer.Timers of = peer.open(cpus)) {
                System.out.println(drift(of, Double.parseDouble(args[4])));
            }
            try (TimerPeer.Timers of = peer.open(cpus)) {
                int steps = (int) (BUSY_NANOS / Burn.stepNanos());
                for (int i = 0; i < BUSY_PER_CPU * cpus.size(); i++) busy(of.load(i), steps);
                System.out.println(lateness("load", of, timers, seconds));
            }
        } catch (Throwable fault) {
            fault.printStackTrace();
            status = 1;
        }
        System.exit(status); // whatever threads a peer has left
    }

    /** Keeps an executor busy for ever, in pieces. */
    private static void busy(Executor executor, int steps) {
        executor.execute(new Runnable() {
            @Override public void run() {
                result = Burn.spin(steps, steps);
                executor.execute(this);
            }
        });
    }

    private static String lateness(String what, TimerPeer.Timers timers, int count, double seconds) throws InterruptedException {
        var over = new AtomicBoolean();
        var measuring = new LatenessHistogram();
        var on = new AtomicBoolean();
        for (int i = 0; i < count; i++) {
            var random = new SplittableRandom(i);
            timers.start(System.nanoTime() + random.nextLong(SHORTEST, LONGEST), deadline -> {
                long now = System.nanoTime();
                if (on.getPlain()) measuring.add(now - deadline);
                return over.get() ? 0 : now + random.nextLong(SHORTEST, LONGEST);
            });
        }
        Thread.sleep((long) (1_000 * WARM_UP_SECONDS));
        on.set(true);
        long cpu = cpuNanos();
        long start = System.nanoTime();
        Thread.sleep((long) (1_000 * seconds));
        double took = (System.nanoTime() - start) / 1e9;
        on.set(false);
        double busy = (cpuNanos() - cpu) / 1e9 / took;
        over.set(true);
        return String.format(Locale.ROOT, "%s %.0f %.0f %.0f %d %d %.1f %.3f", what, measuring.quantile(0.5), measuring.quantile(0.99), measuring.quantile(0.999), measuring.max(),
                measuring.early(), measuring.count() / took, busy);
    }

    /** How far the k-th call is from k periods after the first, at the end and at worst. */
    private static String drift(TimerPeer.Timers timers, double seconds) throws InterruptedException {
        List<Long> calls = new ArrayList<>(); // guarded by itself
        long[] times = new long[1];
        timers.every(PERIOD, n -> {
            synchronized (calls) {
                times[0] += n;
                calls.add(System.nanoTime() - times[0] * PERIOD);
            }
        });
        Thread.sleep((long) (1_000 * seconds));
        synchronized (calls) {
            // The least late of the first and of the last hundred: what lateness does not explain.
            int some = Math.min(100, calls.size() / 2);
            long begin = calls.subList(0, some).stream().mapToLong(Long::longValue).min().orElse(0);
            long end = calls.subList(calls.size() - some, calls.size()).stream().mapToLong(Long::longValue).min().orElse(0);
            return String.format(Locale.ROOT, "drift %d %d %d", end - begin, calls.size(), times[0]);
        }
    }

    private static long cpuNanos() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    /** Returns the command for such a process, bound to the CPUs. */
    static List<String> command(TimerPeer peer, List<Integer> cpus, int timers, double seconds, double driftSeconds) {
        String list = CpuList.of(cpus);
        var command = new ArrayList<>(List.of(Commands.javaBinary()));
        command.addAll(Peers.JVM_FLAGS);
        command.addAll(Peers.NETTY_FLAGS);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), TimersProcess.class.getName(), peer.id, list, String.valueOf(timers), String.valueOf(seconds),
                String.valueOf(driftSeconds)));
        return Commands.pinned(list, command);
    }
}
