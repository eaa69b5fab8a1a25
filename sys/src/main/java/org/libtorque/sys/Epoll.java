package org.libtorque.sys;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;

/** epoll(7). Constants are those of linux/eventpoll.h and keep its spelling. */
public final class Epoll {
    /** Flag of {@link #create1}. */
    public static final int EPOLL_CLOEXEC = 0x80000;

    public static final int EPOLL_CTL_ADD = 1;
    public static final int EPOLL_CTL_DEL = 2;
    public static final int EPOLL_CTL_MOD = 3;

    public static final int EPOLLIN = 0x001;
    public static final int EPOLLPRI = 0x002;
    public static final int EPOLLOUT = 0x004;
    public static final int EPOLLERR = 0x008;
    public static final int EPOLLHUP = 0x010;
    public static final int EPOLLNVAL = 0x020;
    public static final int EPOLLRDNORM = 0x040;
    public static final int EPOLLRDBAND = 0x080;
    public static final int EPOLLWRNORM = 0x100;
    public static final int EPOLLWRBAND = 0x200;
    public static final int EPOLLMSG = 0x400;
    public static final int EPOLLRDHUP = 0x2000;
    public static final int EPOLLEXCLUSIVE = 1 << 28;
    public static final int EPOLLWAKEUP = 1 << 29;
    public static final int EPOLLONESHOT = 1 << 30;
    public static final int EPOLLET = 1 << 31;

    /** struct epoll_event: packed on x86-64 (12 bytes), naturally aligned elsewhere (16 bytes). */
    public static final class Event {
        static final StructLayout LAYOUT = layout(Abi.ARCHITECTURE);
        public static final long SIZE = LAYOUT.byteSize();
        public static final long EVENTS = Layouts.offset(LAYOUT, "events");
        /** 64 bits of the caller's own; not aligned on x86-64. */
        public static final long DATA = Layouts.offset(LAYOUT, "data");

        private Event() {}

        static StructLayout layout(Abi.Architecture architecture) {
            return switch (architecture) {
                case X86_64 -> MemoryLayout.structLayout(Layouts.u32("events"), JAVA_LONG_UNALIGNED.withName("data"))
                        .withName("epoll_event");
                case AARCH64 -> Layouts.struct("epoll_event", Layouts.u32("events"), Layouts.u64("data"));
            };
        }
    }

    private static final MethodHandle CREATE1 = Libc.capturingErrno("epoll_create1", 1);
    private static final MethodHandle CTL = Libc.capturingErrno("epoll_ctl", 4);
    private static final MethodHandle WAIT = Libc.capturingErrno("epoll_wait", 4);
    private static final long SYS_PWAIT2 = Abi.Syscall.EPOLL_PWAIT2.number();

    private Epoll() {}

    /**
     * Waits for events on {@code efd}. Neither retries nor allocates; any thread may call it.
     *
     * @param errno         capture area owned by the calling thread
     * @param events        address of {@code maxEvents * Event.SIZE} bytes, overwritten
     * @param timeoutMillis 0 polls, -1 waits until an event or a signal
     * @return events written, 0 on timeout, or a negated errno; {@code -EINTR} is an ordinary outcome
     */
    public static int await(ErrnoSlot errno, int efd, long events, int maxEvents, int timeoutMillis) {
        try {
            int n = (int) (long) WAIT.invokeExact(errno.segment(), (long) efd, events, (long) maxEvents,
                    (long) timeoutMillis);
            return n >= 0 ? n : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Waits like {@link #await} with a timeout in nanoseconds. Linux 5.11 and later.
     *
     * @param timeoutNanos 0 polls, a negative number waits until an event or a signal
     * @return events written, 0 on timeout, or a negated errno; {@code -EINTR} is an ordinary outcome and
     *         {@code -ENOSYS} says that the kernel is too old
     */
    public static int pwait2(ErrnoSlot errno, int efd, long events, int maxEvents, long timeoutNanos) {
        long timeout = 0;
        if (timeoutNanos >= 0) {
            timeout = errno.scratch();
            Clocks.Timespec.put(timeout, timeoutNanos);
        }
        return (int) Libc.syscall(errno, SYS_PWAIT2, efd, events, maxEvents, timeout, 0L, 0L);
    }

    /**
     * Adds, changes or removes what {@code efd} watches.
     *
     * @param op    {@link #EPOLL_CTL_ADD}, {@link #EPOLL_CTL_MOD} or {@link #EPOLL_CTL_DEL}
     * @param event address of a {@link Event}; 0 for {@code EPOLL_CTL_DEL}
     * @return 0 or a negated errno: {@code -EEXIST} added twice, {@code -ENOENT} not there, {@code -EPERM} a file that
     *         cannot be polled (regular files, directories), {@code -ENOSPC} over the user's limit of watches
     */
    public static int ctl(ErrnoSlot errno, int efd, int op, int fd, long event) {
        try {
            int r = (int) (long) CTL.invokeExact(errno.segment(), (long) efd, (long) op, (long) fd, event);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Adds, changes or removes what {@code efd} watches; the event is passed by value.
     *
     * @param events bits of {@code EPOLL*}
     * @param data   handed back with every event
     * @return as {@link #ctl(ErrnoSlot, int, int, int, long)}
     */
    public static int ctl(ErrnoSlot errno, int efd, int op, int fd, int events, long data) {
        long event = errno.scratch();
        NativeMemory.putInt(event + Event.EVENTS, events);
        NativeMemory.putLong(event + Event.DATA, data);
        return ctl(errno, efd, op, fd, event);
    }

    /**
     * Creates an epoll instance.
     *
     * @param flags {@link #EPOLL_CLOEXEC} or 0
     * @return its descriptor, or a negated errno: {@code -EMFILE} or {@code -ENFILE} no descriptor is free
     */
    public static int create1(ErrnoSlot errno, int flags) {
        try {
            int fd = (int) (long) CREATE1.invokeExact(errno.segment(), (long) flags);
            return fd >= 0 ? fd : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Returns {@code ADD}, {@code MOD} or {@code DEL}, for messages. */
    public static String opName(int op) {
        return switch (op) {
            case EPOLL_CTL_ADD -> "ADD";
            case EPOLL_CTL_MOD -> "MOD";
            case EPOLL_CTL_DEL -> "DEL";
            default -> Integer.toString(op);
        };
    }
}
