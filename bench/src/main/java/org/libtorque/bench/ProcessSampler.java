package org.libtorque.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.ToLongFunction;

/**
 * Looks at the server's and the load generator's CPU time a few times a second, so that use can afterwards be told for any
 * window: the load generator alone knows when its warm-up ended. Times are those of {@link System#nanoTime()}, which on
 * Linux is the machine's monotonic clock and thus the same in all JVMs.
 */
final class ProcessSampler implements AutoCloseable {
    /** A look every 200 ms costs under 0.5 % of a CPU, also for a JVM's thirty threads. */
    private static final long INTERVAL_NANOS = 200_000_000;

    /** One look: ticks and switches are sums since the processes, or for {@code cpuTicks} the machine, began. */
    record Sample(long nanos, long serverTicks, long serverSwitches, long loadTicks, long cpuTicks) {}

    private final List<Long> server;
    private final long load;
    private final Set<Integer> cpus;
    private final List<Sample> samples = new ArrayList<>();      // guarded by this
    private final Thread thread;
    private volatile boolean closed;

    /** Starts looking: at the {@code server} processes together, at the {@code load} process, and at the CPUs of both. */
    ProcessSampler(List<Long> server, long load, Set<Integer> cpus) {
        this.server = List.copyOf(server);
        this.load = load;
        this.cpus = Set.copyOf(cpus);
        sample();
        thread = Thread.ofPlatform().daemon().name("sampler").start(this::sampleUntilClosed);
    }

    private void sampleUntilClosed() {
        while (!closed) {
            LockSupport.parkNanos(INTERVAL_NANOS);
            if (!closed) sample();
        }
    }

    private synchronized void sample() {
        long loadTicks = ProcFiles.cpuTicks(load);
        long serverTicks = 0;
        long switches = 0;
        for (long pid : server) {
            serverTicks += ProcFiles.cpuTicks(pid);
            switches += ProcFiles.voluntarySwitches(pid);
        }
        samples.add(new Sample(System.nanoTime(), serverTicks, switches, loadTicks, ProcFiles.busyTicks(cpus)));
    }

    /** Takes a last look and stops. */
    @Override
    public void close() {
        closed = true;
        LockSupport.unpark(thread);
        sample();
    }

    /** Returns what was used between the two times. */
    synchronized CpuUse between(long startNanos, long endNanos) { return between(samples, startNanos, endNanos); }

    static CpuUse between(List<Sample> samples, long startNanos, long endNanos) {
        long start = Math.max(startNanos, samples.getFirst().nanos);
        long end = Math.min(endNanos, samples.getLast().nanos);
        double seconds = (end - start) / 1e9;
        if (seconds <= 0) return new CpuUse(0, 0, 0, 0, 0);
        double serverSeconds = growth(samples, start, end, Sample::serverTicks) / ProcFiles.TICKS_PER_SECOND;
        double switches = growth(samples, start, end, Sample::serverSwitches);
        // The load process is gone at the last look; what it did until the one before tells how busy it was.
        var living = samples.stream().filter(s -> s.loadTicks > 0 || s == samples.getFirst()).toList();
        long loadEnd = Math.min(end, living.getLast().nanos);
        double loadBusy = 0;
        double othersBusy = 0;
        if (loadEnd > start) {
            double ticks = (loadEnd - start) / 1e9 * ProcFiles.TICKS_PER_SECOND;
            double loadTicks = growth(living, start, loadEnd, Sample::loadTicks);
            loadBusy = loadTicks / ticks;
            othersBusy = (growth(living, start, loadEnd, Sample::cpuTicks) - loadTicks
                    - growth(living, start, loadEnd, Sample::serverTicks)) / ticks;
        }
        return new CpuUse(seconds, serverSeconds, switches / seconds, loadBusy, Math.max(0, othersBusy));
    }

    private static double growth(List<Sample> samples, long start, long end, ToLongFunction<Sample> figure) {
        return at(samples, end, figure) - at(samples, start, figure);
    }

    /** Interpolates between the looks before and after {@code nanos}. */
    private static double at(List<Sample> samples, long nanos, ToLongFunction<Sample> figure) {
        Sample before = samples.getFirst();
        for (Sample after : samples) {
            if (after.nanos >= nanos) {
                double share = after.nanos == before.nanos ? 0
                        : (double) (nanos - before.nanos) / (after.nanos - before.nanos);
                return figure.applyAsLong(before)
                        + share * (figure.applyAsLong(after) - figure.applyAsLong(before));
            }
            before = after;
        }
        return figure.applyAsLong(before);
    }
}
