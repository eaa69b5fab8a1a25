package org.libtorque.apps.load;

import java.util.List;

import org.libtorque.event.Watch;
import org.libtorque.event.WatchHandler;
import org.libtorque.sys.Clocks;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.SyscallException;
import org.libtorque.sys.TimerFd;

/**
 * Tells the connections of one worker when their requests are due, one after the other as the {@link Pace} has them.
 *
 * <p>It sleeps from one due time to the next with a timerfd on the monotonic clock, which is that of {@link System#nanoTime}. The runtime's own
 * timers tick once a millisecond: with them half a millisecond would be added to every latency. A thread of its own that sleeps and then
 * posts would be woken before the vcore is, and on a CPU that the server keeps busy each of the two may have to wait. Spinning would be the
 * most exact of all, but takes a CPU from a server that shares it. One system call arms the timer for each time that
 * it fires; arming also takes back what it has counted, so nothing need be read. Where requests are due more often than every
 * {@value #MIN_PAUSE_NANOS} ns, it fires no more often than that, and what is due meanwhile is sent together; each request keeps its own due time.
 *
 * <p>Belongs to one worker and runs on its vcore. Owns the timer's descriptor.
 */
final class Pacer implements WatchHandler {
    /** Whoever has requests that become due. */
    interface Sender {
        /** Place in the pace. */
        int place();

        /** The next request is due, or was some time ago: {@code dueNanos} is not after {@code now}. */
        void due(long dueNanos, long now);
    }

    static final long MIN_PAUSE_NANOS = 50_000;

    private final Pace pace;
    private final List<? extends Sender> senders;
    /** The request that is due next: its sender, and its number among those of that one. */
    private int sender;
    private long number;
    private ErrnoSlot errno;
    private int timer = -1;

    /** @param senders at least one, in the order of their places in the pace */
    Pacer(Pace pace, List<? extends Sender> senders) {
        this.pace = pace;
        this.senders = senders;
    }

    /** Tells of every request that is due by now; returns when the next one is. */
    long release(long now) {
        for (;;) {
            var next = senders.get(sender);
            long due = pace.dueNanos(next.place(), number);
            if (due - now > 0) return due;
            if (++sender == senders.size()) {
                sender = 0;
                number++;
            }
            next.due(due, now);
        }
    }

    /** Makes the timer and returns its descriptor, which is to be watched on this vcore. */
    int open() {
        errno = ErrnoSlot.current();
        timer = TimerFd.create(errno, Clocks.CLOCK_MONOTONIC, TimerFd.TFD_NONBLOCK | TimerFd.TFD_CLOEXEC);
        SyscallException.check(timer, "timerfd_create", "clock={}", Clocks.CLOCK_MONOTONIC);
        return timer;
    }

    /** Sends what is due and sleeps until more is. */
    void run() {
        long now = System.nanoTime();
        long next = release(now);
        // Zero would disarm it. System.nanoTime is positive on Linux, where it is the time since the machine was started.
        long wake = Math.max(1, Math.max(next, now + MIN_PAUSE_NANOS));
        SyscallException.check(TimerFd.arm(errno, timer, TimerFd.TFD_TIMER_ABSTIME, wake, 0), "timerfd_settime", "fd={}", timer);
    }

    @Override
    public void onReady(Watch watch, int ready) {
        run();
    }

    /** Gives the descriptor back. When the vcore has ended. */
    void close() {
        if (timer >= 0) org.libtorque.sys.Files.close(ErrnoSlot.current(), timer);
        timer = -1;
    }
}
