package org.libtorque.sys;

import java.lang.foreign.Linker;
import java.lang.foreign.StructLayout;
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

    /** What {@link #info} is asked for, and has told. */
    public static final int PIDFD_INFO_PID = 1, PIDFD_INFO_CREDS = 2, PIDFD_INFO_CGROUPID = 4, PIDFD_INFO_EXIT = 8;

    /** struct pidfd_info, in its first size. */
    public static final class PidfdInfo {
        static final StructLayout LAYOUT = Layouts.struct("pidfd_info", Layouts.u64("mask"), Layouts.u64("cgroupid"), Layouts.u32("pid"), Layouts.u32("tgid"), Layouts.u32("ppid"),
                Layouts.u32("ruid"), Layouts.u32("rgid"), Layouts.u32("euid"), Layouts.u32("egid"), Layouts.u32("suid"), Layouts.u32("sgid"), Layouts.u32("fsuid"),
                Layouts.u32("fsgid"), Layouts.u32("exit_code"));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long MASK = Layouts.offset(LAYOUT, "mask");
        public static final long PID = Layouts.offset(LAYOUT, "pid");
        public static final long PPID = Layouts.offset(LAYOUT, "ppid");
        /** As wait(2) encodes it: the signal in bits 0 to 6, whether it dumped core in bit 7, the exit status in bits 8 to 15. */
        public static final long EXIT_CODE = Layouts.offset(LAYOUT, "exit_code");

        private PidfdInfo() {}
    }

    /** _IOWR(0xFF, 11, struct pidfd_info) with the size of its first version. */
    private static final long PIDFD_GET_INFO = 0xC040_FF0BL;

    private static final MethodHandle IOCTL = Libc.capturingErrno("ioctl", 3, Linker.Option.firstVariadicArg(2));
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

    /**
     * Asks about a process. Linux 6.13 and later; {@link #PIDFD_INFO_EXIT} 6.15 and later.
     *
     * @param mask bits of {@code PIDFD_INFO_*} that are wanted
     * @param info address of a {@link PidfdInfo}, overwritten; its mask says what is there. The exit code is once the process has been reaped
     * @return 0, or a negated errno: {@code -ESRCH} it has been reaped, and nobody had a descriptor of it at that time; {@code -ENOTTY}, {@code -EINVAL} the kernel is older
     */
    public static int info(ErrnoSlot errno, int pidFd, int mask, long info) {
        NativeMemory.fill(info, PidfdInfo.SIZE, (byte) 0);
        NativeMemory.putLong(info + PidfdInfo.MASK, mask);
        try {
            int r = (int) (long) IOCTL.invokeExact(errno.segment(), (long) pidFd, PIDFD_GET_INFO, info);
            return r >= 0 ? 0 : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }
}
