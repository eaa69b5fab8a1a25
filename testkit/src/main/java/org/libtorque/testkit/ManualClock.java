package org.libtorque.testkit;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A clock that goes when it is told to. {@code clock::nanoTime} fits wherever a layer takes a clock. Any thread may ask
 * and move it.
 */
public final class ManualClock {
    private final AtomicLong nanos;

    /** Creates a clock that shows a negative time, as {@code System.nanoTime} may, and passes 0 after a second. */
    public ManualClock() { this(-1_000_000_000L); }

    /** Creates a clock that shows {@code startNanos}. */
    public ManualClock(long startNanos) { nanos = new AtomicLong(startNanos); }

    /** Returns the time it shows. */
    public long nanoTime() { return nanos.get(); }

    /**
     * Moves the clock forward and returns the new time.
     *
     * @throws IllegalArgumentException if {@code byNanos} is negative: clocks of this kind do not go backwards
     */
    public long advance(long byNanos) {
        if (byNanos < 0) throw new IllegalArgumentException("byNanos " + byNanos + ": is negative");
        return nanos.addAndGet(byNanos);
    }

    /** Moves the clock forward and returns the new time; see {@link #advance(long)}. */
    public long advance(Duration by) { return advance(by.toNanos()); }

    /** Makes the clock show {@code toNanos}, whatever it showed. */
    public void set(long toNanos) { nanos.set(toNanos); }

    @Override public String toString() { return "ManualClock[" + nanos + " ns]"; }
}
