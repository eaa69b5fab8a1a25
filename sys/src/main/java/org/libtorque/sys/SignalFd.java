package org.libtorque.sys;

import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;

/**
 * signalfd(2): signals behind a descriptor, and the masks they need. A set of signals is a Java {@code long}: the
 * kernel's 64-bit sigset, bit {@code n - 1} for signal {@code n}.
 */
public final class SignalFd {
    public static final int SFD_NONBLOCK = 0x800;
    public static final int SFD_CLOEXEC = 0x80000;

    public static final int SIG_BLOCK = 0;
    public static final int SIG_UNBLOCK = 1;
    public static final int SIG_SETMASK = 2;

    public static final int SIGHUP = 1;
    public static final int SIGINT = 2;
    public static final int SIGQUIT = 3;
    public static final int SIGILL = 4;
    public static final int SIGTRAP = 5;
    public static final int SIGABRT = 6;
    public static final int SIGBUS = 7;
    public static final int SIGFPE = 8;
    public static final int SIGKILL = 9;
    public static final int SIGUSR1 = 10;
    public static final int SIGSEGV = 11;
    public static final int SIGUSR2 = 12;
    public static final int SIGPIPE = 13;
    public static final int SIGALRM = 14;
    public static final int SIGTERM = 15;
    public static final int SIGSTKFLT = 16;
    public static final int SIGCHLD = 17;
    public static final int SIGCONT = 18;
    public static final int SIGSTOP = 19;
    public static final int SIGTSTP = 20;
    public static final int SIGTTIN = 21;
    public static final int SIGTTOU = 22;
    public static final int SIGURG = 23;
    public static final int SIGXCPU = 24;
    public static final int SIGXFSZ = 25;
    public static final int SIGVTALRM = 26;
    public static final int SIGPROF = 27;
    public static final int SIGWINCH = 28;
    public static final int SIGIO = 29;
    public static final int SIGPWR = 30;
    public static final int SIGSYS = 31;
    /** The first real-time signal a program may use: the kernel's is 32, but glibc keeps two for itself. */
    public static final int SIGRTMIN = 34;
    public static final int SIGRTMAX = 64;

    /** Values of ssi_code: who sent the signal. */
    public static final int SI_USER = 0;
    public static final int SI_KERNEL = 0x80;
    public static final int SI_QUEUE = -1;
    public static final int SI_TIMER = -2;
    public static final int SI_TKILL = -6;

    /** struct signalfd_siginfo: what a read returns for each signal. */
    public static final class Siginfo {
        static final StructLayout LAYOUT = Layouts.struct("signalfd_siginfo",
                Layouts.u32("ssi_signo"), Layouts.u32("ssi_errno"), Layouts.u32("ssi_code"), Layouts.u32("ssi_pid"),
                Layouts.u32("ssi_uid"), Layouts.u32("ssi_fd"), Layouts.u32("ssi_tid"), Layouts.u32("ssi_band"),
                Layouts.u32("ssi_overrun"), Layouts.u32("ssi_trapno"), Layouts.u32("ssi_status"), Layouts.u32("ssi_int"),
                Layouts.u64("ssi_ptr"), Layouts.u64("ssi_utime"), Layouts.u64("ssi_stime"), Layouts.u64("ssi_addr"),
                Layouts.u16("ssi_addr_lsb"), Layouts.u16("__pad2"), Layouts.u32("ssi_syscall"),
                Layouts.u64("ssi_call_addr"), Layouts.u32("ssi_arch"), Layouts.bytes("__pad", 28));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long SSI_SIGNO = Layouts.offset(LAYOUT, "ssi_signo");
        public static final long SSI_ERRNO = Layouts.offset(LAYOUT, "ssi_errno");
        /** One of {@code SI_*}, or a code of that signal. */
        public static final long SSI_CODE = Layouts.offset(LAYOUT, "ssi_code");
        /** Sender. */
        public static final long SSI_PID = Layouts.offset(LAYOUT, "ssi_pid");
        /** Sender's real user. */
        public static final long SSI_UID = Layouts.offset(LAYOUT, "ssi_uid");
        /** SIGIO. */
        public static final long SSI_FD = Layouts.offset(LAYOUT, "ssi_fd");
        /** POSIX timers. */
        public static final long SSI_TID = Layouts.offset(LAYOUT, "ssi_tid");
        /** SIGIO. */
        public static final long SSI_BAND = Layouts.offset(LAYOUT, "ssi_band");
        /** POSIX timers. */
        public static final long SSI_OVERRUN = Layouts.offset(LAYOUT, "ssi_overrun");
        public static final long SSI_TRAPNO = Layouts.offset(LAYOUT, "ssi_trapno");
        /** SIGCHLD: exit status or signal. */
        public static final long SSI_STATUS = Layouts.offset(LAYOUT, "ssi_status");
        /** Payload of {@link SignalFd#sigqueue} as an int. */
        public static final long SSI_INT = Layouts.offset(LAYOUT, "ssi_int");
        /** Payload of {@link SignalFd#sigqueue} as 64 bits. */
        public static final long SSI_PTR = Layouts.offset(LAYOUT, "ssi_ptr");
        /** SIGCHLD. */
        public static final long SSI_UTIME = Layouts.offset(LAYOUT, "ssi_utime");
        /** SIGCHLD. */
        public static final long SSI_STIME = Layouts.offset(LAYOUT, "ssi_stime");
        /** Faults. */
        public static final long SSI_ADDR = Layouts.offset(LAYOUT, "ssi_addr");
        /** SIGBUS. */
        public static final long SSI_ADDR_LSB = Layouts.offset(LAYOUT, "ssi_addr_lsb");
        /** SIGSYS. */
        public static final long SSI_SYSCALL = Layouts.offset(LAYOUT, "ssi_syscall");
        /** SIGSYS. */
        public static final long SSI_CALL_ADDR = Layouts.offset(LAYOUT, "ssi_call_addr");
        /** SIGSYS. */
        public static final long SSI_ARCH = Layouts.offset(LAYOUT, "ssi_arch");

        private Siginfo() {}
    }

    private static final long SIGSET_SIZE = 8;

    private static final MethodHandle SIGNALFD = Libc.capturingErrno("signalfd", 3);
    private static final long SYS_SIGPROCMASK = Abi.Syscall.RT_SIGPROCMASK.number();
    /** The payload is a union of an int and a pointer, which both calling conventions pass in one register. */
    private static final MethodHandle SIGQUEUE = Libc.capturingErrno("sigqueue", 3);

    private SignalFd() {}

    /** The empty set. */
    public static long sigemptyset() { return 0; }

    /**
     * Adds a signal to a set.
     *
     * @throws IllegalArgumentException if {@code signal} is not within 1 to 64
     */
    public static long sigaddset(long set, int signal) { return set | bit(signal); }

    /** Removes a signal from a set. */
    public static long sigdelset(long set, int signal) { return set & ~bit(signal); }

    /** Says whether a signal is in a set. */
    public static boolean sigismember(long set, int signal) { return (set & bit(signal)) != 0; }

    private static long bit(int signal) {
        if (signal < 1 || signal > SIGRTMAX) throw new IllegalArgumentException("signal " + signal);
        return 1L << (signal - 1);
    }

    /**
     * Makes a descriptor that reads the signals of a set, or changes the set of one. The signals must be blocked in every
     * thread that could take them otherwise.
     *
     * @param fd    -1, or a signalfd to change
     * @param set   signals; SIGKILL and SIGSTOP are ignored
     * @param flags bits of {@code SFD_*}
     * @return the descriptor, or a negated errno
     */
    public static int create(ErrnoSlot errno, int fd, long set, int flags) {
        long address = errno.scratch();
        NativeMemory.putLong(address, set);
        try {
            int r = (int) (long) SIGNALFD.invokeExact(errno.segment(), (long) fd, address, (long) flags);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Takes pending signals.
     *
     * @param infos address of room for {@code count} {@link Siginfo}
     * @return signals taken, at least 1, or a negated errno: {@code -EAGAIN} none is pending
     */
    public static int read(ErrnoSlot errno, int fd, long infos, int count) {
        long n = Files.read(errno, fd, infos, count * Siginfo.SIZE);
        return n >= 0 ? (int) (n / Siginfo.SIZE) : (int) n;
    }

    /**
     * Changes the signal mask of the calling thread, as pthread_sigmask does; a virtual thread must not call it. Made by
     * number, with the kernel's 8-byte sets: the C library's function takes sets of 128 bytes. Signals 32 and 33 are
     * glibc's own: leave their bits alone.
     *
     * @param how    {@link #SIG_BLOCK}, {@link #SIG_UNBLOCK} or {@link #SIG_SETMASK}
     * @param newSet address of 8 bytes, or 0 to change nothing
     * @param oldSet address of 8 bytes to fill, or 0
     * @return 0 or a negated errno
     */
    public static int sigmask(ErrnoSlot errno, int how, long newSet, long oldSet) {
        return (int) Libc.syscall(errno, SYS_SIGPROCMASK, how, newSet, oldSet, SIGSET_SIZE);
    }

    /** Changes the signal mask of the calling thread by a set given by value; 0 or a negated errno, as the other form. */
    public static int sigmask(ErrnoSlot errno, int how, long set) {
        long address = errno.scratch();
        NativeMemory.putLong(address, set);
        return sigmask(errno, how, address, 0L);
    }

    /** Returns the signals blocked in the calling thread. */
    public static long blocked(ErrnoSlot errno) {
        long address = errno.scratch();
        SyscallException.check(sigmask(errno, SIG_BLOCK, 0L, address), "rt_sigprocmask", "SIG_BLOCK, NULL");
        return NativeMemory.getLong(address);
    }

    /**
     * Queues a signal with a payload to a process.
     *
     * @param value payload: {@link Siginfo#SSI_PTR}, its lower half also {@link Siginfo#SSI_INT}
     * @return 0, or a negated errno: {@code -EAGAIN} the receiver's queue is full (RLIMIT_SIGPENDING), {@code -ESRCH},
     *         {@code -EPERM}
     */
    public static int sigqueue(ErrnoSlot errno, int pid, int signal, long value) {
        try {
            int r = (int) (long) SIGQUEUE.invokeExact(errno.segment(), (long) pid, (long) signal, value);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }
}
