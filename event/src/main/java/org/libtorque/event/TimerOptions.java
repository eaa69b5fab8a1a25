package org.libtorque.event;

import java.time.Duration;
import java.time.Instant;

/**
 * When a timer is to be called. Immutable; each {@code with} method returns a changed copy.
 *
 * <pre>{@code
 *   TimerOptions.after(Duration.ofMillis(5))
 *   TimerOptions.after(Duration.ofMinutes(1)).withClock(TimerClock.BOOT)      // goes on in suspend
 *   TimerOptions.every(Duration.ofNanos(250_000)).withPrecision()
 *   TimerOptions.at(Instant.parse("2030-01-01T00:00:00Z")).withPeriod(Duration.ofDays(1))
 *   TimerOptions.UNARMED                                                      // until it is re-armed
 * }</pre>
 *
 * @param clock    what it goes by
 * @param start    how {@code nanos} is meant
 * @param nanos    the first time
 * @param period   from each time to the next; zero for once
 * @param precise  whether it is called as soon as its time has come, and not with the next tick of about a millisecond. That costs a wake-up of its own for each call
 */
public record TimerOptions(TimerClock clock, Start start, long nanos, Duration period, boolean precise) {
    /** How the first time of a timer is said. */
    public enum Start {
        /** Not armed. */
        NONE,
        /** Nanoseconds from when it is made. */
        DELAY,
        /** Nanoseconds as its clock shows them. */
        TIME
    }

    /** Further away are no deadlines: 146 years. */
    static final long MAX_NANOS = 1L << 62;

    /** A one-shot timer that is not armed. */
    public static final TimerOptions UNARMED = new TimerOptions(TimerClock.MONOTONIC, Start.NONE, 0, Duration.ZERO, false);

    /** Checks the values. */
    public TimerOptions {
        if (clock == null || start == null) throw new NullPointerException("clock and start");
        if (start == Start.DELAY && nanos < 0) throw new IllegalArgumentException("the delay must not be negative: " + nanos + " ns");
        if (period.isNegative()) throw new IllegalArgumentException("the period must not be negative: " + period);
    }

    /** Once, after a delay, which is not negative. */
    public static TimerOptions after(Duration delay) { return new TimerOptions(TimerClock.MONOTONIC, Start.DELAY, delayNanos(delay), Duration.ZERO, false); }

    /** Again and again, the first time after one period. */
    public static TimerOptions every(Duration period) {
        checkPositive(period);
        return new TimerOptions(TimerClock.MONOTONIC, Start.DELAY, delayNanos(period), period, false);
    }

    /** Once, when the wall clock shows a time. */
    public static TimerOptions at(Instant time) { return at(TimerClock.WALL, TimerClock.wallNanos(time)); }

    /** Once, when a clock shows a time, in {@linkplain TimerClock#nanos its} nanoseconds. */
    public static TimerOptions at(TimerClock clock, long nanos) { return new TimerOptions(clock, Start.TIME, nanos, Duration.ZERO, false); }

    /**
     * Changes the clock.
     *
     * @throws IllegalStateException if the first time is one of another clock's
     */
    public TimerOptions withClock(TimerClock value) {
        if (start == Start.TIME && value != clock) throw new IllegalStateException(nanos + " ns is a time of clock " + clock + "; say it of " + value);
        return new TimerOptions(value, start, nanos, period, precise);
    }

    /** Has it called again and again, after the first time, which stays what it is. */
    public TimerOptions withPeriod(Duration value) {
        checkPositive(value);
        return new TimerOptions(clock, start, nanos, value, precise);
    }

    /** Has it called as soon as its time has come. */
    public TimerOptions withPrecision() { return new TimerOptions(clock, start, nanos, period, true); }

    private static void checkPositive(Duration period) {
        if (period.isNegative() || period.isZero()) throw new IllegalArgumentException("the period must be positive, not " + period);
    }

    long periodNanos() { return clamped(period); }

    /** Returns a delay in nanoseconds, at most {@link #MAX_NANOS}. */
    static long delayNanos(Duration delay) {
        if (delay.isNegative()) throw new IllegalArgumentException("the delay must not be negative: " + delay);
        return clamped(delay);
    }

    private static long clamped(Duration duration) {
        return duration.getSeconds() >= MAX_NANOS / 1_000_000_000 ? MAX_NANOS : duration.toNanos();
    }
}
