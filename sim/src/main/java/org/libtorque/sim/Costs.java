package org.libtorque.sim;

/**
 * What things cost on the simulated machine, in nanoseconds. The defaults are figures measured for this library on virtual x86-64 CPUs,
 * rounded.
 *
 * @param harvestNanos   asking the kernel for events once: the call itself
 * @param eventNanos     in addition, each event that it gives
 * @param requestNanos   the kernel's part of one request: receiving and sending
 * @param wakeCallNanos  what waking another hart costs the one that wakes
 * @param wakeSpinNanos  from being woken to running, if the hart has been idle for less than {@code spinNanos}
 * @param wakeSleepNanos the same, if it has halted
 * @param spinNanos      how long an idle hart stays awake
 * @param rearmNanos     arming a one-shot event again: the call itself
 * @param lockNanos      for how long each call on an event queue that harts share keeps the others out, besides the transfer of cache lines
 * @param takeNanos      taking a piece of work from a queue of another hart or of all harts, besides the transfer of cache lines
 * @param stateLines     cache lines that move when a connection is served on another hart than the last time
 * @param packetLines    of those, the ones that move with every request of a connection whose packets interrupt another hart than the one that serves it; at most as many
 * @param migrateNanos   taking a connection out of one event queue and entering it into another
 * @param roundTripNanos closed loop: from an answer to the arrival of the next request, besides the time that the client thinks
 */
public record Costs(long harvestNanos, long eventNanos, long requestNanos, long wakeCallNanos, long wakeSpinNanos, long wakeSleepNanos,
                    long spinNanos, long rearmNanos, long lockNanos, long takeNanos, int stateLines, int packetLines, long migrateNanos, long roundTripNanos) {
    /** The defaults. */
    public static final Costs DEFAULT = new Costs(400, 100, 3_000, 1_000, 1_300, 40_000, 20_000, 350, 300, 50, 24, 8, 2_000, 20_000);
}
