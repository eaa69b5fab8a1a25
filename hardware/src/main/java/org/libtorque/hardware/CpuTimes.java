package org.libtorque.hardware;

import java.nio.file.Path;
import java.util.Arrays;

/**
 * For how long CPUs have had nothing to do since boot, and for how long threads of this process have run and waited for a CPU: what the kernel counts in {@code /proc/stat} and
 * {@code /proc/self/task/TID/schedstat}. Two samples tell how much of a CPU's time went to others than the thread that is pinned to it. Immutable.
 */
public final class CpuTimes {
    /** What {@code /proc/stat} counts in: USER_HZ is 100 on all architectures that the JDK runs on. */
    private static final long TICK_NANOS = 10_000_000;
    private static final int MAX_LINES = 1 << 16;

    private final long nanoTime;
    private final long[] idleNanos, ranNanos, delayNanos;

    /**
     * Makes a sample up, of what the caller knows.
     *
     * @param nanoTime   see {@link #nanoTime()}
     * @param idleNanos  by CPU number, -1 where it is not known; not to be changed any more
     * @param ranNanos   by thread, likewise
     * @param delayNanos by thread, as many
     */
    public CpuTimes(long nanoTime, long[] idleNanos, long[] ranNanos, long[] delayNanos) {
        this.nanoTime = nanoTime;
        this.idleNanos = idleNanos;
        this.ranNanos = ranNanos;
        this.delayNanos = delayNanos;
    }

    /**
     * Takes a sample of the running machine.
     *
     * @param threads the kernel's numbers of threads of this process; 0 for none. Those that have ended, or of which the kernel does not tell, have neither run nor waited
     */
    public static CpuTimes sample(int[] threads) { return read(Path.of("/"), threads); }

    /** Takes a sample of a tree that stands for {@code /}. What is missing or makes no sense is left out. */
    static CpuTimes read(Path root, int[] threads) {
        var files = new FileTree(root);
        long now = System.nanoTime();
        long[] idle = idle(files.text("proc/stat"));
        var ran = new long[threads.length];
        var delay = new long[threads.length];
        for (int i = 0; i < threads.length; i++) {
            String text = threads[i] == 0 ? null : files.text("proc/self/task/" + threads[i] + "/schedstat");
            if (text == null) continue;
            String[] words = text.strip().split(" ");
            if (words.length < 2 || !isCount(words[0]) || !isCount(words[1])) continue;
            ran[i] = Long.parseLong(words[0]);
            delay[i] = Long.parseLong(words[1]);
        }
        return new CpuTimes(now, idle, ran, delay);
    }

    /** Idle time by CPU number, waiting for disks included; -1 for CPUs that are not told of. */
    private static long[] idle(String text) {
        var idle = new long[0];
        if (text == null) return idle;
        for (String line : (Iterable<String>) text.lines().limit(MAX_LINES)::iterator) {
            String[] words = line.split(" +", 7); // cpuN user nice system idle iowait and more
            if (!words[0].matches("cpu[0-9]{1,5}") || words.length < 6 || !isCount(words[4]) || !isCount(words[5])) continue;
            int cpu = Integer.parseInt(words[0].substring(3));
            if (cpu >= CpuSet.LIMIT) continue;
            if (cpu >= idle.length) {
                int known = idle.length;
                idle = Arrays.copyOf(idle, cpu + 1);
                Arrays.fill(idle, known, cpu, -1);
            }
            idle[cpu] = (Long.parseLong(words[4]) + Long.parseLong(words[5])) * TICK_NANOS;
        }
        return idle;
    }

    private static boolean isCount(String word) { return word.matches("[0-9]{1,18}"); }

    /** Returns when it was taken, on the clock of {@link System#nanoTime}. */
    public long nanoTime() { return nanoTime; }

    /** Returns for how long a CPU has been idle since boot, in nanoseconds and steps of 10 ms; -1 if the kernel does not tell. */
    public long idleNanos(int cpu) { return cpu >= 0 && cpu < idleNanos.length ? idleNanos[cpu] : -1; }

    /** Returns for how long a thread has run, in nanoseconds; of the one at {@code i} among those asked for. */
    public long ranNanos(int i) { return ranNanos[i]; }

    /** Returns for how long it has waited for a CPU while it could have run. */
    public long delayNanos(int i) { return delayNanos[i]; }
}
