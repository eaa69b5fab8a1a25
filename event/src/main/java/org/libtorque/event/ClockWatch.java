package org.libtorque.event;

import java.io.UncheckedIOException;
import java.util.Iterator;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.libtorque.sys.Clocks;
import org.libtorque.sys.Errno;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Files;
import org.libtorque.sys.TimerFd;
import org.libtorque.vcore.Color;

/**
 * Learns that the wall clock was set, or the machine was suspended, and tells the timers of a runtime that go by a clock which that concerns: they are on the wheels by the
 * monotonic clock, at times that do not hold any more.
 *
 * <p>The kernel tells by a timerfd of the wall clock that is armed for the end of time, with TFD_TIMER_CANCEL_ON_SET: reading it fails with ECANCELED once the clock has been
 * set, and also after suspend, since what the kernel compares is the distance of the wall clock from the monotonic one (fs/timerfd.c, {@code timerfd_clock_was_set}, {@code
 * timerfd_resume}). It stays armed after that. Slewing (adjtime(3)) changes both clocks alike, and tells nobody.
 *
 * <p>There is one in a runtime, made when the first such timer or {@linkplain ClockRegistration handler} is, and it stays until the runtime ends. Timers are told some at a time,
 * so that many do not hold up the vcore.
 *
 * <p>Rejected: a timerfd for each timer, or for each clock and vcore: descriptors and system calls for what the wheel does already, and suspend would still have to be told.
 */
final class ClockWatch extends KernelSource {
    private static final int BATCH = 1024;

    private final Set<ColorTimer> timers = ConcurrentHashMap.newKeySet();
    private final Set<ClockRegistration> handlers = ConcurrentHashMap.newKeySet();
    /** How often a change was seen. Written under the colour. */
    private volatile long changes;
    /** A test has said that there was a change. */
    private volatile boolean pretended;
    /** The timers that are still to be told; null if none. The colour's. */
    private Iterator<ColorTimer> untold;

    private ClockWatch(Color color, int fd) { super(color, fd, READABLE); }

    /**
     * Opens the descriptor: changes from now on are noticed.
     *
     * @throws UncheckedIOException if descriptors are out
     */
    static ClockWatch open(Color color) {
        ErrnoSlot errno = ErrnoSlot.current();
        int fd = TimerFd.create(errno, Clocks.CLOCK_REALTIME, TimerFd.TFD_NONBLOCK | TimerFd.TFD_CLOEXEC);
        if (fd < 0) throw new UncheckedIOException(IoErrors.of(fd, "timerfd_create", "CLOCK_REALTIME"));
        int result = TimerFd.arm(errno, fd, TimerFd.TFD_TIMER_ABSTIME | TimerFd.TFD_TIMER_CANCEL_ON_SET, Long.MAX_VALUE, 0);
        if (result < 0) {
            Files.close(errno, fd);
            throw new UncheckedIOException(IoErrors.of(result, "timerfd_settime", "fd={}, CANCEL_ON_SET", fd));
        }
        var watch = new ClockWatch(color, fd);
        watch.register();
        return watch;
    }

    // ---- any thread

    /** Tells a timer of changes from now on. Adding it again changes nothing. */
    void add(ColorTimer timer) { timers.add(timer); }

    void remove(ColorTimer timer) { timers.remove(timer); }

    void add(ClockRegistration handler) { handlers.add(handler); }

    void remove(ClockRegistration handler) { handlers.remove(handler); }

    /** Returns how many timers there are. */
    int timerCount() { return timers.size(); }

    /** Returns how many changes there were. */
    long changes() { return changes; }

    /** Does as if the kernel had told of a change. For tests. */
    void pretendChange() {
        pretended = true;
        signal(READABLE);
    }

    // ---- the colour's

    @Override protected void run() {
        takeReady();
        if (!isOpen()) return;
        boolean changed = TimerFd.read(ErrnoSlot.current(), fd()) == -Errno.ECANCELED;
        if (pretended) {
            pretended = false;
            changed = true;
        }
        if (changed) {
            changes++; // nobody else writes it
            for (ClockRegistration handler : handlers) handler.signal(READABLE);
            untold = timers.iterator(); // whoever is added meanwhile has looked at the clock since
        }
        if (untold == null) return;
        for (int left = BATCH; left > 0 && untold.hasNext(); left--) untold.next().lookAtClock();
        if (untold.hasNext()) signal(READABLE);
        else untold = null;
    }

    @Override public String toString() { return "ClockWatch[timers: " + timers.size() + ", handlers: " + handlers.size() + "]"; }
}
