package org.libtorque.sys;

/**
 * pidfd_open(2): a process behind a descriptor, which becomes readable when the process ends and cannot come to mean
 * another one.
 */
public final class PidFd {
    /** Flag of {@link #open}: reads and waits on the descriptor do not block. Linux 5.10 and later. */
    public static final int PIDFD_NONBLOCK = 0x800;
    /** Flag of {@link #open}: {@code pid} is a thread. Linux 6.9 and later. */
    public static final int PIDFD_THREAD = 0x80;

    private static final long SYS_OPEN = Abi.Syscall.PIDFD_OPEN.number();
    private static final long SYS_SEND_SIGNAL = Abi.Syscall.PIDFD_SEND_SIGNAL.number();
    private static final long SYS_GETFD = Abi.Syscall.PIDFD_GETFD.number();

    private PidFd() {}

    /**
     * Opens a process. The descriptor is close-on-exec.
     *
     * @param flags 0 or bits of {@code PIDFD_*}
     * @return its descriptor, or a negated errno: {@code -ESRCH} there is no such process (or it has been reaped)
     */
    public static int open(ErrnoSlot errno, int pid, int flags) {
        return (int) Libc.syscall(errno, SYS_OPEN, pid, flags);
    }

    /** Sends a signal; 0, or a negated errno: {@code -ESRCH} the process has ended, {@code -EPERM}. */
    public static int sendSignal(ErrnoSlot errno, int pidFd, int signal) {
        return (int) Libc.syscall(errno, SYS_SEND_SIGNAL, pidFd, signal, 0L, 0L);
    }

    /**
     * Duplicates a descriptor of another process into this one, close-on-exec. Linux 5.6 and later.
     *
     * @return the new descriptor, or a negated errno: {@code -EBADF}, {@code -EPERM}, {@code -ESRCH} it has ended
     */
    public static int getfd(ErrnoSlot errno, int pidFd, int theirFd) {
        return (int) Libc.syscall(errno, SYS_GETFD, pidFd, theirFd, 0L);
    }
}
