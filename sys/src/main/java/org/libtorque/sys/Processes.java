package org.libtorque.sys;

import java.lang.invoke.MethodHandle;

/** Who this process is, and signals by number. Signal numbers are in {@link SignalFd}. */
public final class Processes {
    // These read a field of the task and return: nothing there blocks.
    private static final MethodHandle GETPID = Libc.trivial("getpid");
    private static final MethodHandle GETPPID = Libc.trivial("getppid");
    private static final MethodHandle GETUID = Libc.trivial("getuid");
    private static final MethodHandle GETEUID = Libc.trivial("geteuid");
    private static final MethodHandle KILL = Libc.capturingErrno("kill", 2);
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
}
