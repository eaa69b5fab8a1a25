package org.libtorque.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.function.Supplier;
import org.libtorque.hardware.CpuSet;
import org.libtorque.sys.Affinity;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.NativeMemory;
import org.libtorque.thread.McsLock;
import org.libtorque.thread.PdrLock;
import org.libtorque.thread.SpinLock;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code torque bench pdr}: how long spin locks are waited for while other threads take the holders' CPUs away.
 *
 * <p>Two threads, each bound to a CPU, take a lock for some microseconds, and again after some; on one of the CPUs, or on both, another thread runs all the time, so the kernel takes
 * turns of milliseconds. A lock is never waited for long then, unless its holder has lost its CPU. All are threads of this process.
 */
@Command(name = "torque bench pdr", sortOptions = false,
        description = "Measures how long spin locks are waited for while other threads compete for the holders' CPUs.")
public final class PdrBench implements Callable<Integer> {
    @Option(names = "--seconds", paramLabel = "S", defaultValue = "3", description = "Measured seconds for each lock and case (default: ${DEFAULT-VALUE}).")
    private double seconds;

    @Option(names = "--hold", paramLabel = "US", defaultValue = "20", description = "Microseconds that a lock is held (default: ${DEFAULT-VALUE}).")
    private double holdMicros;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Shows this text.")
    private boolean help;

    /** A lock as one thread uses it. */
    private interface Use {
        void lock();

        void unlock();
    }

    private record Lock(String name, Supplier<Supplier<Use>> make) {}

    private volatile boolean stop;

    private PdrBench() {}

    /** Runs the benchmark and ends the process. */
    public static void main(String[] args) { System.exit(new CommandLine(new PdrBench()).execute(args)); }

    @Override public Integer call() throws Exception {
        int[] cpus = CpuSet.allowed().toArray();
        if (cpus.length < 2) {
            System.err.println("torque bench pdr: needs two CPUs");
            return 1;
        }
        Machine machine = Machine.describe(Scratch.sourceTree());
        System.out.printf(Locale.ROOT, "# Waiting for spin locks whose holders lose their CPUs%n%n- Machine: %s; %s%n- Commit: %s%n- Method: two threads on CPUs %d and %d, holding for %.0f µs; "
                + "%.0f s each after 1 s of warm-up%n%n", machine.cpu(), machine.kernel(), machine.commit(), cpus[0], cpus[1], holdMicros, seconds);
        System.out.println("| CPUs competed for | lock | holds/s | mean wait µs | p99.9 | max | waits of 1 ms and more per s | CPUs lent |\n| --: | :-- | --: | --: | --: | --: | --: | --: |");
        List<Lock> locks = List.of(new Lock("test and set", PdrBench::spin), new Lock("MCS", PdrBench::mcs), new Lock("preemption detected", null));
        for (int hogs = 0; hogs <= 2; hogs++) {
            for (Lock lock : locks) {
                var pdr = new PdrLock();
                Supplier<Use> uses = lock.make != null ? lock.make.get() : () -> use(pdr);
                run(cpus, hogs, uses, 1);
                long lent = pdr.helped();
                long[] waits = run(cpus, hogs, uses, seconds);
                Arrays.sort(waits);
                double sum = 0;
                int longOnes = 0;
                for (long w : waits) {
                    sum += w;
                    if (w >= 1_000_000) longOnes++;
                }
                System.out.printf(Locale.ROOT, "| %d | %s | %,.0f | %.2f | %.1f | %,.0f | %.1f | %d |%n", hogs, lock.name, waits.length / seconds, sum / 1e3 / waits.length,
                        waits[(int) (waits.length * 0.999)] / 1e3, waits[waits.length - 1] / 1e3, longOnes / seconds, pdr.helped() - lent);
            }
        }
        return 0;
    }

    private static Supplier<Use> spin() {
        var lock = new SpinLock();
        return () -> new Use() {
            @Override public void lock() { lock.lock(); }

            @Override public void unlock() { lock.unlock(); }
        };
    }

    private static Supplier<Use> mcs() {
        var lock = new McsLock();
        return () -> {
            var node = new McsLock.Node();
            return new Use() {
                @Override public void lock() { lock.lock(node); }

                @Override public void unlock() { lock.unlock(node); }
            };
        };
    }

    private static Use use(PdrLock lock) {
        var me = PdrLock.Member.ofCurrentThread();
        return new Use() {
            @Override public void lock() { lock.lock(me); }

            @Override public void unlock() { lock.unlock(me); }
        };
    }

    /** Returns how many nanoseconds each taking of the lock took. */
    private long[] run(int[] cpus, int hogs, Supplier<Use> uses, double runSeconds) throws Exception {
        stop = false;
        var threads = new ArrayList<Thread>();
        var start = new CyclicBarrier(3);
        long[][] waits = new long[2][];
        for (int h = 0; h < hogs; h++) {
            int cpu = cpus[h];
            threads.add(Thread.ofPlatform().start(() -> {
                bind(cpu);
                while (!stop) Thread.onSpinWait();
            }));
        }
        for (int t = 0; t < 2; t++) {
            int me = t;
            threads.add(Thread.ofPlatform().start(() -> {
                bind(cpus[me]);
                Use use = uses.get();
                long[] mine = new long[1 << 20];
                int n = 0;
                try {
                    start.await();
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
                while (!stop && n < mine.length) {
                    long before = System.nanoTime();
                    use.lock();
                    long has = System.nanoTime();
                    burn(has + (long) (holdMicros * 1e3));
                    use.unlock();
                    mine[n++] = has - before;
                    burn(System.nanoTime() + (long) (holdMicros * 1e3));
                }
                waits[me] = Arrays.copyOf(mine, n);
            }));
        }
        start.await();
        Thread.sleep((long) (runSeconds * 1e3));
        stop = true;
        for (Thread thread : threads) thread.join();
        long[] all = Arrays.copyOf(waits[0], waits[0].length + waits[1].length);
        System.arraycopy(waits[1], 0, all, waits[0].length, waits[1].length);
        return all;
    }

    private static void burn(long until) {
        while (System.nanoTime() - until < 0) Thread.onSpinWait();
    }

    private static void bind(int cpu) {
        try (var arena = java.lang.foreign.Arena.ofConfined()) {
            long mask = arena.allocate(1024, 8).address();
            NativeMemory.putLong(mask + cpu / 64 * 8, 1L << cpu % 64);
            if (Affinity.setaffinity(ErrnoSlot.current(), 0, mask, 1024) != 0) throw new IllegalStateException("cannot bind to CPU " + cpu);
        }
    }
}
