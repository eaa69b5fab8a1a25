package org.libtorque.apps.load;

import java.time.Duration;
import java.util.Locale;

import org.libtorque.Torque;

/** The thread that knows what time it is: shows progress, reads the CPU time at both ends of the window, and stops the runtime. */
final class LoadClock {
    private static final long PROGRESS_PERIOD_NANOS = 1_000_000_000L;

    private final Torque torque;
    private final long startNanos;
    private final long endNanos;
    private final Progress progress;
    private final Thread thread = Thread.ofPlatform().daemon().name("load-clock").unstarted(this::run);
    private Duration cpuAtStart;
    private Duration cpuAtEnd;

    /**
     * @param startNanos {@link System#nanoTime} at which the window begins
     * @param endNanos   and at which it ends
     * @param progress   null for none
     */
    LoadClock(Torque torque, long startNanos, long endNanos, Progress progress) {
        this.torque = torque;
        this.startNanos = startNanos;
        this.endNanos = endNanos;
        this.progress = progress;
    }

    void start() {
        thread.start();
    }

    private void run() {
        try {
            sleepUntil(startNanos, "warm-up");
            cpuAtStart = cpuTime();
            sleepUntil(endNanos, "measuring");
            cpuAtEnd = cpuTime();
        } catch (InterruptedException stopped) {
            return; // by a signal, before the time was over
        } finally {
            if (progress != null) progress.end();
        }
        torque.stop();
    }

    private void sleepUntil(long deadline, String phase) throws InterruptedException {
        long begin = System.nanoTime();
        for (long now = begin; now - deadline < 0; now = System.nanoTime()) {
            Thread.sleep(Duration.ofNanos(Math.min(deadline - now, PROGRESS_PERIOD_NANOS)));
            if (progress != null) {
                long shown = System.nanoTime();
                progress.show(shown, String.format(Locale.ROOT, "%s %.0f s", phase, (shown - begin) / 1e9));
            }
        }
    }

    /** Ends the thread and returns the CPU time used in the window, in seconds. When the runtime has ended. */
    double finish() throws InterruptedException {
        thread.interrupt();
        thread.join();
        if (cpuAtStart == null) return 0;
        return (cpuAtEnd == null ? cpuTime() : cpuAtEnd).minus(cpuAtStart).toNanos() / 1e9;
    }

    /** User and system time of this process, in the kernel's ticks of 10 ms. */
    private static Duration cpuTime() {
        return ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO);
    }
}
