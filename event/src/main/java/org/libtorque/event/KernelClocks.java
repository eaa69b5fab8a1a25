package org.libtorque.event;

/** Where timers get the time of the clocks that can change from. A seam for tests, which cannot set the machine's. */
@FunctionalInterface
interface KernelClocks {
    /** The kernel's. */
    KernelClocks SYSTEM = TimerClock::nanos;

    /** Returns what a clock shows; as {@link TimerClock#nanos}. Any thread. */
    long nanos(TimerClock clock);
}
