package org.libtorque.sys;

import java.lang.invoke.MethodHandle;

/** namespaces(7) of the calling thread; descriptors keep the namespace that they were made in. A virtual thread must not call these. */
public final class Namespaces {
    public static final int CLONE_NEWNS = 0x00020000;
    public static final int CLONE_NEWCGROUP = 0x02000000;
    public static final int CLONE_NEWUTS = 0x04000000;
    public static final int CLONE_NEWIPC = 0x08000000;
    public static final int CLONE_NEWUSER = 0x10000000;
    public static final int CLONE_NEWPID = 0x20000000;
    public static final int CLONE_NEWNET = 0x40000000;

    private static final MethodHandle UNSHARE = Libc.capturingErrno("unshare", 1);
    private static final MethodHandle SETNS = Libc.capturingErrno("setns", 2);

    private Namespaces() {}

    /**
     * Gives the calling thread new namespaces, which what it starts inherits.
     *
     * @param flags bits of {@code CLONE_NEW*}
     * @return 0, or a negated errno: {@code -EPERM} needs CAP_SYS_ADMIN
     */
    public static int unshare(ErrnoSlot errno, int flags) {
        try {
            int r = (int) (long) UNSHARE.invokeExact(errno.segment(), (long) flags);
            return r >= 0 ? 0 : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Moves the calling thread to another namespace.
     *
     * @param fd   of {@code /proc/PID/ns/...}, or a pidfd
     * @param type which kind it must be, one of {@code CLONE_NEW*}; 0 whatever it is; with a pidfd several
     * @return 0, or a negated errno: {@code -EPERM}, {@code -EINVAL} it is of another kind
     */
    public static int setns(ErrnoSlot errno, int fd, int type) {
        try {
            int r = (int) (long) SETNS.invokeExact(errno.segment(), (long) fd, (long) type);
            return r >= 0 ? 0 : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }
}
