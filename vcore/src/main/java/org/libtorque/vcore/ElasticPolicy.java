package org.libtorque.vcore;

/**
 * Decides by load how many vcores work. A state machine: time and load are arguments, so it runs under a simulated clock as under the real one.
 *
 * <p><b>Growing</b> at once: when a vcore has had no time left for {@value #SATURATED_PERIODS} periods of measurement (2 ms each) in a row and the average of all shows that the
 * others cannot take it over, half as many again work as before. From one to 128 takes 12 such steps, each at least {@link #GROW_REST_NANOS} after the last.
 *
 * <p><b>Shrinking</b> slowly: when, for as long as patience lasts (a second at first), fewer would have done with at most half of their time used, a quarter of what is too much
 * stops working. That half is less than the average at which it grows, so a steady load cannot make it go to and fro. A load that comes and goes can: each time that it must
 * grow soon after it has shrunk, patience doubles, up to {@link #MAX_PATIENCE_NANOS}; it comes back when shrinking has turned out right.
 *
 * <p>Not safe for several threads.
 */
final class ElasticPolicy {
    /** Of 1024, how much of a period must have been used by a vcore that has no time left. */
    static final int SATURATED = 922;
    static final int SATURATED_PERIODS = 2;
    /** Of 1024, the average above which those that work cannot take over from the one that is saturated. */
    static final int GROW_AVERAGE = 614;
    /** Of 1024, what those who stay may be busy for when others stop. */
    static final int SHRINK_AVERAGE = 512;
    /** Until what has begun to work shows in the averages. */
    static final long GROW_REST_NANOS = 4_000_000;
    static final long PATIENCE_NANOS = 1_000_000_000L;
    static final long MAX_PATIENCE_NANOS = 60_000_000_000L;
    /** Growing within as many patiences of shrinking means that shrinking was wrong. */
    private static final int REGRET = 4;

    private final int min;
    private long patience = PATIENCE_NANOS;
    private long grownAt, shrunkAt, calmSince;
    private boolean grown, shrunk, calm;
    /** The most that was needed since it has been calm. */
    private int needed;

    /** @param min how many work at least */
    ElasticPolicy(int min) { this.min = min; }

    /**
     * Tells how many are to work from now on.
     *
     * @param now       the time, in nanoseconds
     * @param working   how many work
     * @param most      how many can
     * @param saturated whether one of them has been saturated for {@link #SATURATED_PERIODS} periods
     * @param average   the part of their time, of 1024, that those who work have lately been busy for
     */
    int decide(long now, int working, int most, boolean saturated, int average) {
        if (working < min) return Math.min(min, most);
        if (saturated && average >= GROW_AVERAGE) {
            calm = false;
            if (working >= most || grown && now - grownAt < GROW_REST_NANOS) return working;
            if (shrunk && now - shrunkAt < REGRET * patience) {
                patience = Math.min(MAX_PATIENCE_NANOS, 2 * patience);
                shrunk = false; // counts once
            }
            grown = true;
            grownAt = now;
            return Math.min(most, working + Math.max(1, working / 2));
        }
        int enough = Math.clamp((working * average + SHRINK_AVERAGE - 1) / SHRINK_AVERAGE, Math.max(1, min), working);
        if (enough == working) {
            calm = false;
            return working;
        }
        if (!calm) {
            calm = true;
            calmSince = now;
            needed = enough;
            return working;
        }
        needed = Math.max(needed, enough);
        if (now - calmSince < patience) return working;
        if (shrunk && now - shrunkAt >= REGRET * patience) patience = Math.max(PATIENCE_NANOS, patience / 2);
        int fewer = working - Math.max(1, (working - needed) / 4);
        shrunk = true;
        shrunkAt = calmSince = now;
        needed = enough;
        return fewer;
    }

    /** Forgets what it was about to do: somebody else has decided. */
    void interrupted() { calm = shrunk = false; }

    long patience() { return patience; }
}
