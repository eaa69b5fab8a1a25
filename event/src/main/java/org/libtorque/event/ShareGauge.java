package org.libtorque.event;

import org.libtorque.hardware.CpuTimes;

/**
 * How vcores share their CPUs with whatever else runs there: other programs, this one's other threads, interrupts. From samples of what the kernel counts: of a CPU's time, what it was
 * neither idle for nor the vcore's thread has had is others'. Not safe for several threads.
 *
 * <p>That tells also of a CPU whose vcore has nothing to do at the moment, of which its own waiting would tell nothing; waiting tells besides how much of the time that it seems
 * to be busy it really is.
 */
final class ShareGauge {
    /** A vcore that wants to run for less than this part of the time tells nothing about how soon it gets to. */
    private static final int LEAST_PART = 64;
    static final int UNKNOWN = -1;

    private final int[] cpus;
    private final int[] taken, pace;
    private CpuTimes before;

    /** @param cpus the CPU of each vcore */
    ShareGauge(int[] cpus) {
        this.cpus = cpus;
        taken = new int[cpus.length];
        pace = new int[cpus.length];
        java.util.Arrays.fill(pace, UNKNOWN);
    }

    /**
     * Takes a sample. The first one says nothing yet.
     *
     * @param sample of the vcores' threads in their order
     */
    void update(CpuTimes sample) {
        CpuTimes since = before;
        before = sample;
        if (since == null) return;
        long elapsed = sample.nanoTime() - since.nanoTime();
        if (elapsed <= 0) return;
        for (int i = 0; i < cpus.length; i++) {
            if (sample.ranNanos(i) == 0 || since.ranNanos(i) == 0 || sample.idleNanos(cpus[i]) < 0 || since.idleNanos(cpus[i]) < 0) {
                taken[i] = 0; // not told of
                pace[i] = UNKNOWN;
                continue;
            }
            long ran = Math.max(0, sample.ranNanos(i) - since.ranNanos(i));
            long delay = Math.max(0, sample.delayNanos(i) - since.delayNanos(i));
            long idle = Math.max(0, sample.idleNanos(cpus[i]) - since.idleNanos(cpus[i])); // a CPU that came back may count anew
            // Others that come are believed at once, those that go after a while: by then something may have been moved here for good.
            int lately = of1024(elapsed - idle - ran, elapsed);
            taken[i] = Math.max(lately, taken[i] + lately >> 1);
            int got = ran + delay < elapsed / LEAST_PART ? UNKNOWN : of1024(ran, ran + delay);
            pace[i] = pace[i] == UNKNOWN || got == UNKNOWN ? got : Math.min(got, pace[i] + got + 1 >> 1);
        }
    }

    private static int of1024(long part, long whole) { return Math.clamp(Math.round(1024.0 * part / whole), 0, 1024); }

    /** Returns the part of its CPU's time, of 1024, that others than the vcore have had; of the one at {@code i}. */
    int taken(int i) { return taken[i]; }

    /** Returns the part of the time, of 1024, that the vcore had its CPU for when it wanted to run; {@link #UNKNOWN} if it has hardly wanted to. */
    int pace(int i) { return pace[i]; }
}
