package org.libtorque.sys;

import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;

/** Who this process is, and signals by number. Signal numbers are in {@link SignalFd}. */
public final class Processes {
    /** Kinds of id for {@link #waitid}. */
    public static final int P_ALL = 0, P_PID = 1, P_PGID = 2, P_PIDFD = 3;
    /** Options of {@link #waitid}. */
    public static final int WNOHANG = 1, WSTOPPED = 2, WEXITED = 4, WCONTINUED = 8, WNOWAIT = 0x1000000;
    /** Values of si_code for a child. */
    public static final int CLD_EXITED = 1, CLD_KILLED = 2, CLD_DUMPED = 3, CLD_TRAPPED = 4, CLD_STOPPED = 5, CLD_CONTINUED = 6;

    /** The part of siginfo_t that {@link #waitid} fills in. In C it is 128 bytes. */
    public static final class ChildInfo {
        static final StructLayout LAYOUT = Layouts.struct("siginfo_t", Layouts.u32("si_signo"), Layouts.u32("si_errno"), Layouts.u32("si_code"), Layouts.u32("__pad0"),
                Layouts.u32("si_pid"), Layouts.u32("si_uid"), Layouts.u32("si_status"), Layouts.bytes("__pad", 100));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long SI_SIGNO = Layouts.offset(LAYOUT, "si_signo");
        public static final long SI_ERRNO = Layouts.offset(LAYOUT, "si_errno");
        /** One of {@code CLD_*}. */
        public static final long SI_CODE = Layouts.offset(LAYOUT, "si_code");
        /** The child; 0 if none has changed. */
        public static final long SI_PID = Layouts.offset(LAYOUT, "si_pid");
        public static final long SI_UID = Layouts.offset(LAYOUT, "si_uid");
        /** Exit status, or a signal. */
        public static final long SI_STATUS = Layouts.offset(LAYOUT, "si_status");

        private ChildInfo() {}
    }

    // These read a field of the task and return: nothing there blocks.
    private static final MethodHandle GETPID = Libc.trivial("getpid");
    private static final MethodHandle GETPPID = Libc.trivial("getppid");
    private static final MethodHandle GETUID = Libc.trivial("getuid");
    private static final MethodHandle GETEUID = Libc.trivial("geteuid");
    private static final MethodHandle KILL = Libc.capturingErrno("kill", 2);
    private static final MethodHandle WAITID = Libc.capturingErrno("waitid", 4);
    private static final long SYS_TGKILL = Abi.Syscall.TGKILL.number();

    private Processes() {}

    /** Returns the number of this process. */
    public static int getpid() {
        try {
            return (int) (long) GETPID.invokeExact();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Returns the number of the parent process. */
    public static int getppid() {
        try {
            return (int) (long) GETPPID.invokeExact();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Returns the real user. */
    public static int getuid() {
        try {
            return (int) (long) GETUID.invokeExact();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Returns the user whose rights this process has. */
    public static int geteuid() {
        try {
            return (int) (long) GETEUID.invokeExact();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Sends a signal to a process.
     *
     * @param pid    process; 0 this process group, -1 everybody, another negative number that process group
     * @param signal number, or 0 to check only
     * @return 0, or a negated errno: {@code -ESRCH} there is no such process, {@code -EPERM} it belongs to somebody else
     */
    public static int kill(ErrnoSlot errno, int pid, int signal) {
        try {
            int r = (int) (long) KILL.invokeExact(errno.segment(), (long) pid, (long) signal);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Sends a signal to one thread of a process; 0, or a negated errno as {@link #kill}. */
    public static int tgkill(ErrnoSlot errno, int pid, int tid, int signal) {
        return (int) Libc.syscall(errno, SYS_TGKILL, pid, tid, signal);
    }

    /**
     * Waits for a child, or looks whether it has changed.
     *
     * @param idType  one of {@code P_*}
     * @param options bits of {@code W*}: what to wait for, {@link #WNOHANG} not to wait, {@link #WNOWAIT} to leave it to be waited for again
     * @param info    address of a {@link ChildInfo} to fill; {@link ChildInfo#SI_PID} is 0 if with {@code WNOHANG} there was nothing
     * @return 0, or a negated errno: {@code -ECHILD} it is no child of this process, or has been waited for
     */
    public static int waitid(ErrnoSlot errno, int idType, int id, long info, int options) {
        NativeMemory.putInt(info + ChildInfo.SI_PID, 0);
        try {
            int r = (int) (long) WAITID.invokeExact(errno.segment(), (long) idType, (long) id, info, (long) options);
            return r >= 0 ? 0 : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }
}
