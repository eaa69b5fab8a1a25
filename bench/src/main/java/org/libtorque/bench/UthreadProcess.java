package org.libtorque.bench;

import java.lang.invoke.VarHandle;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.libtorque.thread.Uthread;

/** The process in which one peer of {@link UthreadsBench} is measured; prints figures, separated by blanks, on its standard output. */
final class UthreadProcess {
    /** Iterations of a step, the thesis's inner loop. */
    private static final int INNER = 1000;

    /** Integers of a thread's own, the middle one of which it writes: so many that others' are not in its cache line, nor in the next. */
    private static final int CELL = 64;

    /** Threads before the measured ones, with few steps each: what a thread runs is compiled then, and no frame of the interpreter stays on a measured one's stack. */
    private static final int WARM_THREADS = 20_000, WARM_BATCH = 1_000, WARM_STEPS = 600;

    /** Steps for which a thread does not leave its loop. */
    private static final int STRETCH = 256;

    private static volatile boolean go, stop;

    private UthreadProcess() {}

    /** Arguments: what to measure, the peer, the CPUs, and what that measurement takes. Ends the process: 0, or 1 after a fault. */
    public static void main(String[] args) {
        int status = 0;
        try {
            UthreadPeer peer = UthreadPeer.byId(args[1]);
            List<Integer> cpus = CpuList.parse(args[2]);
            switch (args[0]) {
                case "switch" -> switches(peer, cpus, Integer.parseInt(args[3]), Double.parseDouble(args[4]), Double.parseDouble(args[5]));
                case "calibrate" -> calibrate();
                case "curve" -> curve(peer, cpus, Integer.parseInt(args[3]), Integer.parseInt(args[4]), Long.parseLong(args[5]), Integer.parseInt(args[6]));
                case "alive" -> alive(peer, cpus, Integer.parseInt(args[3]));
                default -> throw new IllegalArgumentException(args[0]);
            }
        } catch (Throwable fault) {
            fault.printStackTrace();
            status = 1;
        }
        System.exit(status); // whatever threads are left
    }

    private static long processCpuNanos() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    // ---- figures 2.6 and 2.7: threads that do nothing but yield

    /** One thread's count, on cache lines of its own. */
    private static final class Counter {
        long p0, p1, p2, p3, p4, p5, p6, p7, count, q0, q1, q2, q3, q4, q5, q6, q7;
    }

    /** Prints switches a second, and CPU nanoseconds for each switch. {@code perCpu}: threads for each CPU. */
    private static void switches(UthreadPeer peer, List<Integer> cpus, int perCpu, double warmup, double seconds) throws Exception {
        peer.run(cpus, true, threads -> {
            Counter[] counters = new Counter[perCpu * cpus.size()];
            Thread[] all = new Thread[counters.length];
            for (int i = 0; i < all.length; i++) {
                Counter mine = counters[i] = new Counter();
                all[i] = threads.factory().newThread(() -> {
                    while (!stop) {
                        threads.yield();
                        mine.count++;
                    }
                });
                all[i].start();
            }
            sleep(warmup);
            long before = sum(counters);
            long cpu = processCpuNanos();
            long start = System.nanoTime();
            sleep(seconds);
            long switched = sum(counters) - before;
            double elapsed = (System.nanoTime() - start) / 1e9;
            cpu = processCpuNanos() - cpu;
            stop = true;
            for (Thread thread : all) thread.join();
            System.out.printf(Locale.ROOT, "%.1f %.3f%n", switched / elapsed, (double) cpu / switched);
        });
    }

    private static long sum(Counter[] counters) {
        long n = 0;
        VarHandle.acquireFence();
        for (Counter counter : counters) n += counter.count;
        return n;
    }

    private static void sleep(double seconds) throws InterruptedException { Thread.sleep((long) (seconds * 1e3)); }

    // ---- figure 2.8: threads with a fixed amount of work

    /** Compiled by itself ({@link #command}): within {@link #work} what it takes would depend on what stands beside it there, on which variants differ. */
    private static void step(int[] cell) {
        for (int i = 0; i < INNER; i++) {
            cell[CELL / 2] = i;
            VarHandle.releaseFence(); // the thesis's compiler barrier: the loop stays
        }
    }

    /** Steps, each followed by a checkpoint, and each {@code between} of them by a yield. A method of its own, so that threads soon run it compiled. */
    private static void work(int steps, int between, UthreadPeer.Threads threads, int[] cell) {
        for (int n = 0, toGo = between; n < steps; n++) {
            step(cell);
            if (--toGo > 0) {
                Uthread.checkpoint();
            } else {
                threads.yield();
                toGo = between;
            }
        }
    }

    /** What a thread of the curves does. It writes to memory of its own, or CPUs would take the line from each other. */
    private static void compute(int steps, int between, UthreadPeer.Threads threads) {
        var cell = new int[CELL];
        for (int left = steps; left > 0; left -= STRETCH) work(Math.min(left, STRETCH), between, threads, cell);
    }

    /**
     * Prints the CPU milliseconds of the process from the first step to the last, and the milliseconds after which each thread had ended, in order. {@code periodMicros}: 0 for no
     * preemption; {@code between}: steps between two yields, 0 for none.
     */
    private static void curve(UthreadPeer peer, List<Integer> cpus, int count, int steps, long periodMicros, int between) throws Exception {
        peer.run(cpus, false, threads -> {
            if (threads.uthreads() != null) threads.uthreads().schedulingPeriod(Duration.ofNanos(periodMicros * 1000));
            int yieldAfter = between > 0 ? between : Integer.MAX_VALUE;
            for (int left = WARM_THREADS; left > 0; left -= WARM_BATCH) curve(threads, WARM_BATCH, WARM_STEPS, yieldAfter);
            System.out.println(curve(threads, count, steps, yieldAfter));
        });
    }

    private static String curve(UthreadPeer.Threads threads, int count, int steps, int yieldAfter) throws InterruptedException {
        CountDownLatch ready = new CountDownLatch(count);
        CountDownLatch begin = new CountDownLatch(1);
        AtomicInteger done = new AtomicInteger();
        long[] ends = new long[count];
        List<Thread> all = new ArrayList<>();
        Runnable body = () -> {
            ready.countDown();
            await(begin);
            compute(steps, yieldAfter, threads);
            ends[done.getAndIncrement()] = System.nanoTime();
        };
        for (int i = 0; i < count; i++) {
            Thread thread = threads.factory().newThread(body);
            all.add(thread);
            thread.start();
        }
        ready.await();
        Thread.sleep(20); // all wait
        long cpu = processCpuNanos();
        long start = System.nanoTime();
        begin.countDown();
        for (Thread thread : all) thread.join();
        cpu = processCpuNanos() - cpu;
        Arrays.sort(ends);
        StringBuilder line = new StringBuilder(String.format(Locale.ROOT, "%.2f", cpu / 1e6));
        for (long end : ends) line.append(String.format(Locale.ROOT, " %.2f", (end - start) / 1e6));
        return line.toString();
    }

    /** Prints the nanoseconds of a step. Done once for all processes: they are to do the same work, and what a step takes differs from one calibration to the next. */
    private static void calibrate() {
        double best = Double.POSITIVE_INFINITY;
        var cell = new int[CELL];
        for (int round = 0; round < 60; round++) {
            long start = System.nanoTime();
            for (int i = 0; i < 100; i++) work(STRETCH, Integer.MAX_VALUE, null, cell);
            best = Math.min(best, (System.nanoTime() - start) / (100.0 * STRETCH));
        }
        System.out.println(best);
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    // ---- a million alive

    /** What a million threads cost, each: {@code started} is of the thread that starts them, {@code parked} and {@code ended} of the whole process, until all are. */
    record Alive(double startedNanos, double startedCpuNanos, double parkedNanos, double parkedCpuNanos, double heapBytes, double endedNanos, double endedCpuNanos) {
        String line() {
            return String.format(Locale.ROOT, "%.1f %.1f %.1f %.1f %.1f %.1f %.1f", startedNanos, startedCpuNanos, parkedNanos, parkedCpuNanos, heapBytes, endedNanos, endedCpuNanos);
        }

        static Alive of(double[] line) { return new Alive(line[0], line[1], line[2], line[3], line[4], line[5], line[6]); }
    }

    /** Prints the figures of {@link Alive}, in their order. */
    private static void alive(UthreadPeer peer, List<Integer> cpus, int count) throws Exception {
        peer.run(cpus, true, threads -> {
            for (int i = 0; i < 3; i++) round(threads, Math.min(count, 50_000)); // warm
            System.out.println(round(threads, count).line());
        });
    }

    private static Alive round(UthreadPeer.Threads threads, int count) throws InterruptedException {
        Thread[] all = new Thread[count];
        AtomicInteger parked = new AtomicInteger();
        go = false;
        long before = usedBytes();
        Runnable body = () -> {
            parked.getAndIncrement();
            while (!go) LockSupport.park();
        };
        ThreadMXBean clocks = ManagementFactory.getThreadMXBean();
        long processCpu = processCpuNanos();
        long ownCpu = clocks.getCurrentThreadCpuTime();
        long start = System.nanoTime();
        for (int i = 0; i < count; i++) {
            all[i] = threads.factory().newThread(body);
            all[i].start();
        }
        long started = System.nanoTime();
        ownCpu = clocks.getCurrentThreadCpuTime() - ownCpu;
        while (parked.get() < count) Thread.sleep(1);
        long settled = System.nanoTime();
        processCpu = processCpuNanos() - processCpu;
        long bytes = usedBytes() - before;
        go = true;
        long wakingCpu = processCpuNanos();
        long wake = System.nanoTime();
        for (Thread thread : all) LockSupport.unpark(thread);
        for (Thread thread : all) thread.join();
        long end = System.nanoTime();
        wakingCpu = processCpuNanos() - wakingCpu;
        double n = count;
        return new Alive((started - start) / n, ownCpu / n, (settled - start) / n, processCpu / n, bytes / n, (end - wake) / n, wakingCpu / n);
    }

    /** Returns the heap in MiB that so many threads alive need: 1 KiB each, and as much again and half as much for a collector that copies. */
    static int aliveHeapMebibytes(int count) { return (int) (256 + count * 2.5 / 1024); }

    private static long usedBytes() {
        System.gc();
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory();
    }

    /** Returns the command for such a process, bound to its CPUs. {@code heap}: such as 4g. */
    static List<String> command(String heap, String what, UthreadPeer peer, List<Integer> cpus, Object... parameters) {
        String list = CpuList.of(cpus);
        var command = new ArrayList<>(List.of(Commands.javaBinary(), "-Xms" + heap, "-Xmx" + heap, "-XX:+UseSerialGC", "-XX:+UseCompactObjectHeaders", "-XX:MarkSweepAlwaysCompactCount=1",
                "-XX:CompileCommand=quiet", "-XX:CompileCommand=dontinline," + UthreadProcess.class.getName() + "::step",
                "-Djdk.virtualThreadScheduler.parallelism=" + cpus.size(), "--enable-native-access=ALL-UNNAMED", "--add-opens", "java.base/java.lang=ALL-UNNAMED",
                "-cp", System.getProperty("java.class.path"), UthreadProcess.class.getName(), what, peer.id(), list));
        for (Object parameter : parameters) command.add(String.valueOf(parameter));
        return Commands.pinned(list, command);
    }
}
