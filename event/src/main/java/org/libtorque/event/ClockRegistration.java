package org.libtorque.event;

import java.time.Duration;
import org.libtorque.vcore.Color;

/** Somebody who wants to be told when the clocks have changed. */
final class ClockRegistration extends KernelSource {
    private final ClockHandler handler;
    private final KernelClocks clocks;
    private final ClockWatch watch;
    /** The changes that the handler knows of, and how the clocks stood to each other then. The colour's. */
    private long seen;
    private long bootOffset;
    private long wallOffset;

    private ClockRegistration(Color color, ClockHandler handler, KernelClocks clocks, ClockWatch watch) {
        super(color, -1, 0);
        this.handler = handler;
        this.clocks = clocks;
        this.watch = watch;
        seen = watch.changes();
        measure();
    }

    /** See {@link org.libtorque.Torque#onClockChange(Color, ClockHandler)}. */
    static ClockRegistration open(Color color, ClockHandler handler, KernelClocks clocks, ClockWatch watch) {
        var registration = new ClockRegistration(color, handler, clocks, watch);
        registration.register();
        watch.add(registration);
        if (watch.changes() != registration.seen) registration.signal(READABLE); // before it was added, but after it has looked at the clocks
        return registration;
    }

    /** Looks how far the clocks are apart. They are read one after the other, so it takes the look that was over the soonest. */
    private void measure() {
        long best = Long.MAX_VALUE;
        for (int i = 0; i < 4; i++) {
            long before = clocks.nanos(TimerClock.MONOTONIC);
            long boot = clocks.nanos(TimerClock.BOOT);
            long wall = clocks.nanos(TimerClock.WALL);
            long took = clocks.nanos(TimerClock.MONOTONIC) - before;
            if (took >= best) continue;
            best = took;
            bootOffset = boot - before;
            wallOffset = wall - before;
        }
    }

    @Override protected void run() throws Exception {
        takeReady();
        if (!isOpen()) return;
        long changes = watch.changes();
        if (changes == seen) return;
        seen = changes;
        long boot = bootOffset;
        long wall = wallOffset;
        measure();
        long suspended = bootOffset - boot;
        handler.onClockChange(new ClockChange(Duration.ofNanos(wallOffset - wall - suspended), Duration.ofNanos(Math.max(0, suspended))));
    }

    @Override void closing() { watch.remove(this); }

    @Override public String toString() { return "Registration[changes of the clocks]"; }
}
