package org.libtorque.vcore;

/**
 * How busy a vcore is, and how much is asked of it: measured every {@value #PERIOD_NANOS} ns, averaged, and written on the {@link Scoreboard} for others to
 * see. Of the vcore's thread alone.
 *
 * <p>Utilisation is the part of the time that was not idle. Demand is the time that the colours at home here would take, wherever they ran: what this vcore
 * was busy with, less what it did for others, plus what others did for it. Both are in parts of 1024; demand can be many vcores' worth.
 */
final class LoadMeter {
    private static final long PERIOD_NANOS = 2_000_000;
    /** After a gap as long, what was before counts for nothing. */
    private static final long MEMORY_NANOS = 8 * PERIOD_NANOS;
    /** What is asked for is averaged over that too: {@link Scoreboard#lastingDemand}. */
    static final long LASTING_NANOS = 128_000_000;
    /** Before it has been measured for as long it is not said: an average over a few milliseconds is no more than what was asked for lately, and chance makes that uneven. */
    static final long LEAST_LASTING_NANOS = LASTING_NANOS / 4;
    private static final int LASTING_SHIFT = 8;
    private static final int WHOLE = 1024;

    private final Scoreboard board;
    private final int position;
    private final Offers offers;
    private final Balancer balancer;

    private long periodStart;
    /** In this period: the time without work, and the time that went to others' work. */
    private long idleNanos, awayNanos;
    /** {@link Offers#stolenWork} at the beginning of this period. */
    private long stolenBefore;
    private int utilisation;
    private int demand;
    /** Demand over {@link #LASTING_NANOS}, in parts of a part, and what it is over until it has run for as long. */
    private int lasting;
    private long lastingNanos;
    private long usuallyIdleNanos;

    LoadMeter(Scoreboard board, int position, Offers offers, Balancer balancer, long now) {
        this.board = board;
        this.position = position;
        this.offers = offers;
        this.balancer = balancer;
        periodStart = now;
    }

    /** The vcore has waited for so long. */
    void idle(long nanos) {
        idleNanos += nanos;
        usuallyIdleNanos += (nanos - usuallyIdleNanos) / 8;
        board.usuallyIdle(position, usuallyIdleNanos);
    }

    /** A colour of another home has run here for so long. */
    void away(long nanos) { awayNanos += nanos; }

    /** Tells whether a period is over. */
    boolean isDue(long now) { return now - periodStart >= PERIOD_NANOS; }

    /** Ends a period. Returns its utilisation, not averaged. */
    int measure(long now) {
        long elapsed = now - periodStart;
        int lately = Math.clamp(WHOLE * (elapsed - idleNanos) / elapsed, 0, WHOLE);
        utilisation = elapsed > MEMORY_NANOS ? lately : (3 * utilisation + lately) / 4;
        board.utilisation(position, utilisation);
        long stolen = offers.stolenWork();
        int asked = Math.clamp(WHOLE * (elapsed - idleNanos - awayNanos + balancer.takeGiven() + stolen - stolenBefore) / elapsed, 0, 64 * WHOLE);
        demand = elapsed > MEMORY_NANOS ? asked : (3 * demand + asked) / 4;
        board.demand(position, demand);
        lastingNanos = Math.min(lastingNanos + elapsed, LASTING_NANOS);
        lasting += (int) ((((long) asked << LASTING_SHIFT) - lasting) * Math.min(elapsed, lastingNanos) / lastingNanos);
        if (lastingNanos >= LEAST_LASTING_NANOS) board.lastingDemand(position, lasting >> LASTING_SHIFT);
        board.measured(position, now);
        idleNanos = awayNanos = 0;
        stolenBefore = stolen;
        periodStart = now;
        return lately;
    }
}
