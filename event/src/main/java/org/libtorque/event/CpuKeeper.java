package org.libtorque.event;

import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CopyOnWriteArrayList;
import org.libtorque.hardware.CpuSet;
import org.libtorque.hardware.CpuTimes;
import org.libtorque.hardware.InterruptLoad;
import org.libtorque.hardware.TopologyWatcher;
import org.libtorque.sys.Affinity;
import org.libtorque.sys.Errno;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.NativeMemory;
import org.libtorque.sys.SyscallException;
import org.libtorque.vcore.Roster;

/**
 * Keeps a runtime's vcores on their CPUs. When a CPU goes offline or out of the cpuset, the kernel gives the threads that were
 * pinned to it another affinity, and leaves it at that when the CPU returns. So: a vcore whose CPU may not be used is parked, as far as there are others that have theirs
 * ({@link Roster}), and what it must go on doing runs, unpinned, on all that may; one whose CPU may be used is pinned to it, and works. Serving goes on either way.
 *
 * <p>One {@link TopologyWatcher} serves all runtimes of the process. It looks when something was written to a file that decides,
 * and otherwise twice a second, and each time the affinity of each vcore's thread is compared with what it should be: a system call of
 * less than a microsecond, which also finds what changed and changed back between two looks. The first look comes as long after
 * the start, so that a program does not wait for it.
 *
 * <p>While it is at it, it counts interrupts once a second, and tells how much of each vcore's CPU they take ({@link InterruptGauge}); and, after each look, how much of it whatever else
 * runs there has had ({@link ShareGauge}).
 *
 * <p>A thread's number is guarded by this object and forgotten before the thread ends, so that none is touched that has the number
 * next.
 */
final class CpuKeeper {
    private static final System.Logger LOG = System.getLogger("org.libtorque");
    private static final Duration INTERVAL = Duration.ofMillis(500);
    private static final int MASK_BYTES = CpuSet.LIMIT / 8;

    /** Runtimes whose vcores are kept. Changed with {@link #SHARED} held, read by the watcher's thread. */
    private static final CopyOnWriteArrayList<CpuKeeper> KEEPERS = new CopyOnWriteArrayList<>();
    /** Guards the watcher and the thread that is going to make it. */
    private static final Object SHARED = new Object();
    private static TopologyWatcher watcher;
    private static Thread starter;
    private static final long INTERRUPT_NANOS = 1_000_000_000;
    /** Of the time between two samples of interrupts, what taking one may cost: with hundreds of CPUs and devices the kernel writes a megabyte. */
    private static final int INTERRUPT_COST_FRACTION = 1_000;
    /** When interrupts are counted next. The watcher's thread only. */
    private static long nextInterrupts = System.nanoTime();
    /** When the shares of CPUs are looked at next; the watcher's thread only. And what looking may cost of the time between: a file for each thread. */
    private static long nextShares = nextInterrupts;
    private static final int SHARES_COST_FRACTION = 500;

    private final int[] cpus;
    /** The kernel's numbers of the vcores' threads; 0 before they began and after they ended. Guarded by this. */
    private final int[] threads;
    /** Whether each vcore's CPU may be used, as far as was seen. Guarded by this. */
    private final boolean[] away;
    private int running;
    private final Roster roster;
    private final InterruptGauge interrupts;
    private final ShareGauge shares;

    /**
     * @param cpus   the CPU of each vcore
     * @param roster told of CPUs that go and come back
     */
    CpuKeeper(int[] cpus, Roster roster) {
        this.cpus = cpus.clone();
        this.roster = roster;
        interrupts = new InterruptGauge(this.cpus, InterruptGauge.NANOS);
        shares = new ShareGauge(this.cpus);
        threads = new int[cpus.length];
        away = new boolean[cpus.length];
        running = cpus.length;
    }

    /**
     * Pins the calling thread, which is a vcore's, to the vcore's CPU.
     *
     * @throws SyscallException if it may not run there
     */
    void enter(int vcore) {
        SyscallException.check(run(CpuSet.of(cpus[vcore])), "sched_setaffinity", "cpu={}", cpus[vcore]);
        synchronized (this) {
            threads[vcore] = Affinity.gettid();
        }
    }

    /** Has the calling thread run on these CPUs and no others: a thread that a vcore starts would run where that does. Returns 0 or a negated errno. */
    static int run(CpuSet cpus) {
        try (Arena arena = Arena.ofConfined()) {
            int bytes = maskBytes(highest(cpus));
            long mask = arena.allocate(bytes, 8).address();
            put(mask, bytes, cpus);
            return Affinity.setaffinity(ErrnoSlot.current(), 0, mask, bytes);
        }
    }

    /** Says that the calling thread, which is a vcore's, is going to end; it may have failed to enter. The last one ends the keeping. */
    void leave(int vcore) {
        synchronized (this) {
            threads[vcore] = 0;
            if (--running > 0) return;
        }
        TopologyWatcher unused = null;
        synchronized (SHARED) {
            KEEPERS.remove(this);
            if (KEEPERS.isEmpty()) {
                unused = watcher;
                watcher = null;
                SHARED.notifyAll();
            }
        }
        // Not while holding anything: it waits for its thread, which may be about to look at this runtime.
        if (unused != null) unused.close();
    }

    /** Begins to keep the vcores where they belong. Not before all have entered. */
    void start() {
        synchronized (SHARED) {
            synchronized (this) {
                if (running == 0) return; // it has failed, and ended, already
            }
            KEEPERS.add(this);
            if (watcher != null || starter != null) return;
            starter = new Thread(null, CpuKeeper::startWatcher, "torque-cpu-keeper");
            starter.setDaemon(true);
            starter.start();
        }
    }

    /** Reads the machine, which takes milliseconds, on a thread of its own, unless nobody wants it any more by then. */
    private static void startWatcher() {
        synchronized (SHARED) {
            try {
                long end = System.nanoTime() + INTERVAL.toNanos();
                for (long left; !KEEPERS.isEmpty() && (left = end - System.nanoTime()) > 0; ) SHARED.wait(left / 1_000_000 + 1);
                // Holding on to the lock: who opens or closes a runtime just now waits for the machine to be read.
                if (!KEEPERS.isEmpty()) watcher = TopologyWatcher.start(INTERVAL, change -> LOG.log(Level.DEBUG, "{0}", change), CpuKeeper::look);
            } catch (RuntimeException e) { // no CPU told, no memory, no thread: serving goes on, on the CPUs that the kernel picks
                LOG.log(Level.WARNING, "vcores are not kept on their CPUs", e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt(); // nobody has this thread's reference; were it so, the program does without
            } finally {
                starter = null;
            }
        }
    }

    /** Called on the watcher's thread after each look. */
    private static void look() {
        TopologyWatcher current;
        synchronized (SHARED) {
            current = watcher;
        }
        if (current == null) return; // it is just starting, or ending
        CpuSet usable = current.topology().usable();
        try (Arena arena = Arena.ofConfined()) {
            long mask = arena.allocate(MASK_BYTES, 8).address();
            for (CpuKeeper keeper : KEEPERS) keeper.keep(usable, ErrnoSlot.current(), mask);
        }
        countInterrupts();
        measureShares();
    }

    private static void measureShares() {
        long start = System.nanoTime();
        if (start - nextShares < 0) return;
        for (CpuKeeper keeper : KEEPERS) {
            if (keeper.cpus.length > 1) keeper.measureShare();
        }
        nextShares = start + SHARES_COST_FRACTION * (System.nanoTime() - start);
    }

    /** On the watcher's thread. */
    private void measureShare() {
        int[] running;
        synchronized (this) {
            running = threads.clone();
        }
        shares.update(CpuTimes.sample(running));
        for (int vcore = 0; vcore < cpus.length; vcore++) roster.shares(vcore, shares.taken(vcore), shares.pace(vcore));
    }

    private static void countInterrupts() {
        long start = System.nanoTime();
        if (start - nextInterrupts < 0 || KEEPERS.stream().allMatch(keeper -> keeper.cpus.length == 1)) return;
        long[] counts = InterruptLoad.sampleCounts().deviceInterrupts();
        for (CpuKeeper keeper : KEEPERS) {
            keeper.interrupts.update(start, counts);
            for (int vcore = 0; vcore < keeper.cpus.length; vcore++) keeper.roster.interrupts(vcore, keeper.interrupts.of1024(vcore));
        }
        nextInterrupts = start + Math.max(INTERRUPT_NANOS, INTERRUPT_COST_FRACTION * (System.nanoTime() - start));
    }

    private synchronized void keep(CpuSet usable, ErrnoSlot errno, long mask) {
        for (int vcore = 0; vcore < cpus.length; vcore++) {
            if (threads[vcore] == 0) continue;
            boolean gone = !usable.contains(cpus[vcore]);
            CpuSet wanted = gone ? usable : CpuSet.of(cpus[vcore]);
            if (!wanted.equals(affinity(threads[vcore], errno, mask))) {
                int bytes = maskBytes(highest(wanted));
                put(mask, bytes, wanted);
                int result = Affinity.setaffinity(errno, threads[vcore], mask, bytes);
                // EINVAL: it changed again meanwhile, and the next look will find that.
                if (result < 0 && result != -Errno.EINVAL && gone != away[vcore]) {
                    LOG.log(Level.WARNING, "vcore {0} cannot be moved to CPUs {1}: {2}", vcore, wanted, Errno.describe(-result));
                }
            }
            if (gone != away[vcore]) {
                LOG.log(Level.INFO, gone ? "vcore {0}: CPU {1} may not be used any more, runs on {2}" : "vcore {0}: is back on CPU {1}", vcore, cpus[vcore],
                        usable);
                away[vcore] = gone;
                roster.cpuGone(vcore, gone);
            }
        }
    }

    /** Returns where a thread may run; null if the kernel does not tell. */
    private static CpuSet affinity(int thread, ErrnoSlot errno, long mask) {
        int bytes = Affinity.getaffinity(errno, thread, mask, MASK_BYTES);
        if (bytes < 0) return null;
        var words = new long[bytes / 8];
        for (int w = 0; w < words.length; w++) words[w] = NativeMemory.getLong(mask + 8L * w);
        return CpuSet.ofWords(words);
    }

    private static void put(long mask, int bytes, CpuSet cpus) {
        long[] words = Arrays.copyOf(cpus.words(), bytes / 8);
        for (int w = 0; w < words.length; w++) NativeMemory.putLong(mask + 8L * w, words[w]);
    }

    private static int maskBytes(int cpu) { return (cpu / 64 + 1) * 8; }

    private static int highest(CpuSet cpus) { return cpus.words().length * 64 - 1; }
}
