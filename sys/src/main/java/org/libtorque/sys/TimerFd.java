package org.libtorque.sys;

import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;

/** timerfd_create(2): a timer behind a descriptor. Clocks are those of {@link Clocks}. */
public final class TimerFd {
    public static final int TFD_NONBLOCK = 0x800;
    public static final int TFD_CLOEXEC = 0x80000;
    /** The first expiry is a point of time of the timer's clock, not a distance from now. */
    public static final int TFD_TIMER_ABSTIME = 1;
    /** With {@link #TFD_TIMER_ABSTIME} on a realtime clock: reads fail with ECANCELED when the clock is set. */
    public static final int TFD_TIMER_CANCEL_ON_SET = 2;

    /** struct itimerspec: the interval of a periodic timer, then the first expiry; both are struct timespec. */
    public static final class Itimerspec {
        static final StructLayout LAYOUT = Layouts.struct("itimerspec",
                Clocks.Timespec.LAYOUT.withName("it_interval"), Clocks.Timespec.LAYOUT.withName("it_value"));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long IT_INTERVAL = Layouts.offset(LAYOUT, "it_interval");
        public static final long IT_VALUE = Layouts.offset(LAYOUT, "it_value");

        private Itimerspec() {}
    }

    private static final MethodHandle CREATE = Libc.capturingErrno("timerfd_create", 2);
    private static final MethodHandle SETTIME = Libc.capturingErrno("timerfd_settime", 4);
    private static final MethodHandle GETTIME = Libc.capturingErrno("timerfd_gettime", 2);

    private TimerFd() {}

    /**
     * Creates a timer, disarmed.
     *
     * @param clock one of {@code Clocks.CLOCK_*} that can drive timers: realtime, monotonic, boottime
     * @param flags bits of {@link #TFD_NONBLOCK} and {@link #TFD_CLOEXEC}
     * @return its descriptor, or a negated errno
     */
    public static int create(ErrnoSlot errno, int clock, int flags) {
        try {
            int fd = (int) (long) CREATE.invokeExact(errno.segment(), (long) clock, (long) flags);
            return fd >= 0 ? fd : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Arms or disarms a timer.
     *
     * @param flags    0 or bits of {@code TFD_TIMER_*}
     * @param newValue address of an {@link Itimerspec}
     * @param oldValue address of an {@link Itimerspec} to fill, or 0
     * @return 0 or a negated errno
     */
    public static int settime(ErrnoSlot errno, int fd, int flags, long newValue, long oldValue) {
        try {
            int r = (int) (long) SETTIME.invokeExact(errno.segment(), (long) fd, (long) flags, newValue, oldValue);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Arms or disarms a timer.
     *
     * @param flags         0 or bits of {@code TFD_TIMER_*}
     * @param firstNanos    first expiry; 0 disarms. Not negative
     * @param intervalNanos period after that; 0 expires once. Not negative
     * @return 0 or a negated errno
     */
    public static int arm(ErrnoSlot errno, int fd, int flags, long firstNanos, long intervalNanos) {
        long spec = errno.scratch();
        Clocks.Timespec.put(spec + Itimerspec.IT_VALUE, firstNanos);
        Clocks.Timespec.put(spec + Itimerspec.IT_INTERVAL, intervalNanos);
        return settime(errno, fd, flags, spec, 0L);
    }

    /**
     * Reads the time to the next expiry and the interval.
     *
     * @param value address of an {@link Itimerspec} to fill
     * @return 0 or a negated errno
     */
    public static int gettime(ErrnoSlot errno, int fd, long value) {
        try {
            int r = (int) (long) GETTIME.invokeExact(errno.segment(), (long) fd, value);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Takes the number of expirations since the last read or arming.
     *
     * @return the count, at least 1, or a negated errno: {@code -EAGAIN} none yet, {@code -ECANCELED} the clock was set
     */
    public static long read(ErrnoSlot errno, int fd) { return EventFd.read(errno, fd); }
}
