package org.libtorque.event;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;

/**
 * When pressure is to be told: when tasks have stalled for want of a resource for so long within a sliding window. Pressure is what the kernel calls PSI, pressure stall
 * information; it tells at most once in each window.
 *
 * @param resource what is short
 * @param full     whether only time counts in which <em>all</em> tasks that had something to do stalled at once, instead of some; without a cgroup, that is never so of the CPU
 * @param stall    how long altogether in a window; above 0, at most the window; microseconds count
 * @param window   500 ms to 10 s. Who lacks {@code CAP_SYS_RESOURCE} may have multiples of 2 s only (Linux 6.5; before, nothing at all)
 * @param cgroup   folder of a control group of version 2, or null for the whole machine
 */
public record PressureTrigger(Resource resource, boolean full, Duration stall, Duration window, Path cgroup) {
    /** What tasks may have to wait for. */
    public enum Resource {
        /** For a CPU to run on. */
        CPU,
        /** For memory: that is reclaimed, swapped in, or read again after it was thrown out. */
        MEMORY,
        /** For input and output of block devices. */
        IO;

        String fileName() { return name().toLowerCase(java.util.Locale.ROOT); }
    }

    private static final Duration MIN_WINDOW = Duration.ofMillis(500);
    private static final Duration MAX_WINDOW = Duration.ofSeconds(10);
    /** Windows that anybody may have are multiples of this. */
    static final Duration UNPRIVILEGED_WINDOW = Duration.ofSeconds(2);

    /** @throws IllegalArgumentException if stall or window are not as said above */
    public PressureTrigger {
        Objects.requireNonNull(resource);
        if (window.compareTo(MIN_WINDOW) < 0 || window.compareTo(MAX_WINDOW) > 0) {
            throw new IllegalArgumentException("the window of a pressure trigger must be 500 ms to 10 s long, not " + window.toMillis() + " ms");
        }
        if (micros(stall) <= 0 || stall.compareTo(window) > 0) {
            throw new IllegalArgumentException("the stall of a pressure trigger must be above 0 and at most its window of " + window.toMillis() + " ms, not " + micros(stall) + " us");
        }
    }

    /** Tells of the whole machine, when some task or other stalls. */
    public static PressureTrigger some(Resource resource, Duration stall, Duration window) { return new PressureTrigger(resource, false, stall, window, null); }

    /** Tells of the whole machine, when all tasks stall. */
    public static PressureTrigger full(Resource resource, Duration stall, Duration window) { return new PressureTrigger(resource, true, stall, window, null); }

    /** Returns the same for a control group, such as {@code /sys/fs/cgroup/system.slice}. */
    public PressureTrigger of(Path group) { return new PressureTrigger(resource, full, stall, window, Objects.requireNonNull(group)); }

    private static long micros(Duration duration) { return duration.toNanos() / 1_000; }

    Path file() { return cgroup == null ? Path.of("/proc/pressure", resource.fileName()) : cgroup.resolve(resource.fileName() + ".pressure"); }

    /** What the kernel is to be written. */
    String command() { return (full ? "full " : "some ") + micros(stall) + " " + micros(window); }

    @Override public String toString() { return file() + " " + command(); }
}
