package org.libtorque.sys;

import java.lang.invoke.MethodHandle;

/** eventfd(2): a 64-bit counter behind a descriptor. */
public final class EventFd {
    public static final int EFD_SEMAPHORE = 1;
    public static final int EFD_NONBLOCK = 0x800;
    public static final int EFD_CLOEXEC = 0x80000;

    private static final MethodHandle CREATE = Libc.capturingErrno("eventfd", 2);
    private static final MethodHandle READ = Libc.capturingErrno("read", 3);
    private static final MethodHandle WRITE = Libc.capturingErrno("write", 3);

    private EventFd() {}

    /**
     * Creates a counter.
     *
     * @param initial starting value
     * @param flags   bits of {@code EFD_*}
     * @return its descriptor, or a negated errno
     */
    public static int create(ErrnoSlot errno, int initial, int flags) {
        try {
            int fd = (int) (long) CREATE.invokeExact(errno.segment(), (long) initial, (long) flags);
            return fd >= 0 ? fd : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Takes the counter: its value, after which it is 0, or 1 if it is a semaphore, which it lowers by 1.
     *
     * @return the value read (a value of 2^63 and more, which only a writer of such numbers can cause, is returned as
     *         {@link Long#MAX_VALUE}), or a negated errno: {@code -EAGAIN} it is 0
     */
    public static long read(ErrnoSlot errno, int fd) {
        long value = errno.scratch();
        try {
            long n = (long) READ.invokeExact(errno.segment(), (long) fd, value, 8L);
            if (n < 0) return -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
        long counter = NativeMemory.getLong(value);
        return counter >= 0 ? counter : Long.MAX_VALUE;
    }

    /**
     * Adds to the counter, which makes the descriptor readable.
     *
     * @param add how much, as an unsigned number below 2^64 - 1
     * @return 0, or a negated errno: {@code -EAGAIN} the counter would overflow, so it is readable anyway
     */
    public static int write(ErrnoSlot errno, int fd, long add) {
        long value = errno.scratch();
        NativeMemory.putLong(value, add);
        try {
            long n = (long) WRITE.invokeExact(errno.segment(), (long) fd, value, 8L);
            return n >= 0 ? 0 : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }
}
