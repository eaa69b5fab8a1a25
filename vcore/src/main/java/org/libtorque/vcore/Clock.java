package org.libtorque.vcore;

/**
 * Where the loop's time comes from, so that a test can be the one who moves it. Any thread may ask.
 *
 * <p>A functional interface in {@link #nanoTime}: {@code manualClock::nanoTime} is a clock.
 */
@FunctionalInterface
public interface Clock {
    /** The machine's clocks: {@link System#nanoTime} and {@link System#currentTimeMillis}. */
    Clock SYSTEM = System::nanoTime;

    /**
     * Returns nanoseconds since an arbitrary origin, never less than before. May be negative and may wrap: compare two
     * values by their difference.
     */
    long nanoTime();

    /** Returns the wall clock in milliseconds since 1970-01-01T00:00Z. It may jump either way when somebody sets it. */
    default long epochMillis() { return System.currentTimeMillis(); }
}
