package org.libtorque.event;

/**
 * How much of some CPUs' time interrupts of devices take, from counts: so that vcores on those CPUs get less to do. The kernel counts how often, not how long; an
 * interrupt is taken to cost {@link #NANOS} with the softirq that it raises. Softirqs are not counted by themselves: traffic over the loopback device raises them
 * on the CPU that sends, which is the program's own work and in its vcores' own measurements already. Not safe for several threads.
 */
final class InterruptGauge {
    /** What an interrupt is taken to cost: a network card's, with some packets handled at once. */
    static final long NANOS = 5_000;
    /** Nothing is believed to be worse than that, of 1024: where polling replaces interrupts the estimate means little. */
    static final int MOST = 512;

    private final int[] cpus;
    private final long interruptNanos;
    private final long[] before;
    private final int[] loads;
    private long beforeNanos;
    private boolean primed;

    /**
     * @param cpus           the CPUs
     * @param interruptNanos what one interrupt costs
     */
    InterruptGauge(int[] cpus, long interruptNanos) {
        this.cpus = cpus;
        this.interruptNanos = interruptNanos;
        before = new long[cpus.length];
        loads = new int[cpus.length];
    }

    /**
     * Takes a sample. The first one says nothing yet.
     *
     * @param now    when it was taken, in nanoseconds
     * @param counts interrupts that each CPU had handled by then, by its number; those that are missing count as 0
     */
    void update(long now, long[] counts) {
        long elapsed = now - beforeNanos;
        for (int i = 0; i < cpus.length; i++) {
            long count = cpus[i] < counts.length ? counts[cpus[i]] : 0;
            long more = Math.max(0, count - before[i]); // a CPU that came back counts anew
            before[i] = count;
            if (!primed || elapsed <= 0) continue;
            int lately = (int) Math.min(MOST, 1024.0 * more * interruptNanos / elapsed);
            loads[i] = loads[i] + lately >> 1; // a moving average with the weight of two samples
        }
        beforeNanos = now;
        primed = true;
    }

    /** Returns the part of a CPU's time, of 1024, that interrupts take; of the one at {@code i} among those given. */
    int of1024(int i) { return loads[i]; }
}
