package org.libtorque.event;

import java.time.Instant;
import org.libtorque.sys.Clocks;
import org.libtorque.sys.ErrnoSlot;

/** What a timer goes by. */
public enum TimerClock {
    /** CLOCK_MONOTONIC, which is {@link System#nanoTime}: time in which the machine was running. Nobody can set it. It stands still while the machine is suspended. */
    MONOTONIC(Clocks.CLOCK_MONOTONIC),
    /** CLOCK_BOOTTIME: time since the machine was started, suspended or not. Nobody can set it. A timer that became due in suspend is called on waking up. */
    BOOT(Clocks.CLOCK_BOOTTIME),
    /** CLOCK_REALTIME: the time of day, in UTC. It can be set, by people and by what keeps clocks right; timers follow. Nanoseconds since 1970, until 2262. */
    WALL(Clocks.CLOCK_REALTIME);

    private static final long NANOS_PER_SECOND = 1_000_000_000;

    private final int kernel;

    TimerClock(int kernel) { this.kernel = kernel; }

    /** Returns what it shows, in nanoseconds since its beginning. Any thread; some tens of nanoseconds. */
    public long nanos() { return this == MONOTONIC ? System.nanoTime() : Clocks.nanos(ErrnoSlot.current(), kernel); }

    /** Returns a time as {@link #WALL} has it; the nearest that it has, if it is before 1677 or after 2262. */
    public static long wallNanos(Instant time) {
        long seconds = time.getEpochSecond();
        if (seconds > Long.MAX_VALUE / NANOS_PER_SECOND - 1) return Long.MAX_VALUE;
        if (seconds < Long.MIN_VALUE / NANOS_PER_SECOND + 1) return Long.MIN_VALUE;
        return seconds * NANOS_PER_SECOND + time.getNano();
    }
}
