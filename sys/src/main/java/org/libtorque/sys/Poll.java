package org.libtorque.sys;

import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;

/** poll(2). */
public final class Poll {
    public static final int POLLIN = 0x001;
    public static final int POLLPRI = 0x002;
    public static final int POLLOUT = 0x004;
    public static final int POLLERR = 0x008;
    public static final int POLLHUP = 0x010;
    public static final int POLLNVAL = 0x020;
    public static final int POLLRDBAND = 0x080;
    public static final int POLLRDHUP = 0x2000;

    /** struct pollfd. */
    public static final class Pollfd {
        static final StructLayout LAYOUT =
                Layouts.struct("pollfd", Layouts.u32("fd"), Layouts.u16("events"), Layouts.u16("revents"));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long FD = Layouts.offset(LAYOUT, "fd");
        public static final long EVENTS = Layouts.offset(LAYOUT, "events");
        public static final long REVENTS = Layouts.offset(LAYOUT, "revents");

        private Pollfd() {}
    }

    private static final MethodHandle POLL = Libc.capturingErrno("poll", 3);

    private Poll() {}

    /**
     * Waits for events on descriptors.
     *
     * @param fds           address of {@code count} {@link Pollfd}
     * @param timeoutMillis 0 polls, -1 waits until an event or a signal
     * @return how many have events, 0 on timeout, or a negated errno; {@code -EINTR} is an ordinary outcome
     */
    public static int poll(ErrnoSlot errno, long fds, int count, int timeoutMillis) {
        try {
            int n = (int) (long) POLL.invokeExact(errno.segment(), fds, (long) count, (long) timeoutMillis);
            return n >= 0 ? n : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Waits for events on one descriptor.
     *
     * @param events bits of {@code POLL*}
     * @return the bits that happened, 0 on timeout, or a negated errno; {@code -EINTR} is an ordinary outcome
     */
    public static int poll(ErrnoSlot errno, int fd, int events, int timeoutMillis) {
        long pollfd = errno.scratch();
        NativeMemory.putInt(pollfd + Pollfd.FD, fd);
        NativeMemory.putShort(pollfd + Pollfd.EVENTS, (short) events);
        NativeMemory.putShort(pollfd + Pollfd.REVENTS, (short) 0);
        int n = poll(errno, pollfd, 1, timeoutMillis);
        return n > 0 ? Short.toUnsignedInt(NativeMemory.getShort(pollfd + Pollfd.REVENTS)) : n;
    }
}
