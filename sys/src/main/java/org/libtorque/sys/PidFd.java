package org.libtorque.sys;

import java.lang.invoke.MethodHandle;

/**
 * pidfd_open(2): a process behind a descriptor, which becomes readable when the process ends and cannot come to mean
 * another one.
 */
public final class PidFd {
    /** Flag of {@link #open}: reads and waits on the descriptor do not block. Linux 5.10 and later. */
    public static final int PIDFD_NONBLOCK = 0x800;
    /** Flag of {@link #open}: {@code pid} is a thread. Linux 6.9 and later. */
    public static final int PIDFD_THREAD = 0x80;

    private static final MethodHandle OPEN = Libc.syscall(Abi.Syscall.PIDFD_OPEN, 2);
    private static final MethodHandle SEND_SIGNAL = Libc.syscall(Abi.Syscall.PIDFD_SEND_SIGNAL, 4);
    private static final MethodHandle GETFD = Libc.syscall(Abi.Syscall.PIDFD_GETFD, 3);

    private PidFd() {}

    /**
     * Opens a process. The descriptor is close-on-exec.
     *
     * @param flags 0 or bits of {@code PIDFD_*}
     * @return its descriptor, or a negated errno: {@code -ESRCH} there is no such process (or it has been reaped)
     */
    public static int open(ErrnoSlot errno, int pid, int flags) {
        try {
            long fd = (long) OPEN.invokeExact(errno.segment(), (long) pid, (long) flags);
            return fd >= 0 ? (int) fd : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Sends a signal; 0, or a negated errno: {@code -ESRCH} the process has ended, {@code -EPERM}. */
    public static int sendSignal(ErrnoSlot errno, int pidFd, int signal) {
        try {
            long r = (long) SEND_SIGNAL.invokeExact(errno.segment(), (long) pidFd, (long) signal, 0L, 0L);
            return r >= 0 ? 0 : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Duplicates a descriptor of another process into this one, close-on-exec. Linux 5.6 and later.
     *
     * @return the new descriptor, or a negated errno: {@code -EBADF}, {@code -EPERM}, {@code -ESRCH} it has ended
     */
    public static int getfd(ErrnoSlot errno, int pidFd, int theirFd) {
        try {
            long fd = (long) GETFD.invokeExact(errno.segment(), (long) pidFd, (long) theirFd, 0L);
            return fd >= 0 ? (int) fd : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }
}
