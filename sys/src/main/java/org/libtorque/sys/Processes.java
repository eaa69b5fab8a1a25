package org.libtorque.sys;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;

/** Who this process is, and signals by number. Signal numbers are in {@link SignalFd}. */
public final class Processes {
    // These read a field of the task and return: nothing there blocks.
    private static final MethodHandle GETPID = Libc.plain("getpid", FunctionDescriptor.of(JAVA_INT), Linker.Option.critical(false));
    private static final MethodHandle GETPPID = Libc.plain("getppid", FunctionDescriptor.of(JAVA_INT), Linker.Option.critical(false));
    private static final MethodHandle GETUID = Libc.plain("getuid", FunctionDescriptor.of(JAVA_INT), Linker.Option.critical(false));
    private static final MethodHandle GETEUID = Libc.plain("geteuid", FunctionDescriptor.of(JAVA_INT), Linker.Option.critical(false));
    private static final MethodHandle KILL = Libc.capturingErrno("kill", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
    private static final MethodHandle TGKILL = Libc.syscall(Abi.Syscall.TGKILL, 3);

    private Processes() {}

    /** Returns the number of this process. */
    public static int getpid() {
        try {
            return (int) GETPID.invokeExact();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Returns the number of the parent process. */
    public static int getppid() {
        try {
            return (int) GETPPID.invokeExact();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Returns the real user. */
    public static int getuid() {
        try {
            return (int) GETUID.invokeExact();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Returns the user whose rights this process has. */
    public static int geteuid() {
        try {
            return (int) GETEUID.invokeExact();
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
            int r = (int) KILL.invokeExact(errno.segment(), pid, signal);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Sends a signal to one thread of a process; 0, or a negated errno as {@link #kill}. */
    public static int tgkill(ErrnoSlot errno, int pid, int tid, int signal) {
        try {
            long r = (long) TGKILL.invokeExact(errno.segment(), (long) pid, (long) tid, (long) signal);
            return r >= 0 ? 0 : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }
}
