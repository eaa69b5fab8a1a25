package org.libtorque.sys;

import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;

/** prlimit(2): resource limits of this process or another. */
public final class Limits {
    public static final int RLIMIT_CPU = 0;
    public static final int RLIMIT_FSIZE = 1;
    public static final int RLIMIT_DATA = 2;
    public static final int RLIMIT_STACK = 3;
    public static final int RLIMIT_CORE = 4;
    public static final int RLIMIT_RSS = 5;
    public static final int RLIMIT_NPROC = 6;
    public static final int RLIMIT_NOFILE = 7;
    public static final int RLIMIT_MEMLOCK = 8;
    public static final int RLIMIT_AS = 9;
    public static final int RLIMIT_LOCKS = 10;
    public static final int RLIMIT_SIGPENDING = 11;
    public static final int RLIMIT_MSGQUEUE = 12;
    public static final int RLIMIT_NICE = 13;
    public static final int RLIMIT_RTPRIO = 14;
    public static final int RLIMIT_RTTIME = 15;

    /** No limit, as the kernel writes it into a {@link Rlimit}. */
    public static final long RLIM_INFINITY = -1;

    /** struct rlimit; both members are unsigned. */
    public static final class Rlimit {
        static final StructLayout LAYOUT = Layouts.struct("rlimit", Layouts.u64("rlim_cur"), Layouts.u64("rlim_max"));
        public static final long SIZE = LAYOUT.byteSize();
        /** The soft limit, which is enforced. */
        public static final long RLIM_CUR = Layouts.offset(LAYOUT, "rlim_cur");
        /** The hard limit, up to which the soft one may be raised. */
        public static final long RLIM_MAX = Layouts.offset(LAYOUT, "rlim_max");

        private Rlimit() {}
    }

    private static final MethodHandle PRLIMIT = Libc.capturingErrno("prlimit", 4);

    private Limits() {}

    /**
     * Sets and reads a limit.
     *
     * @param pid      process, or 0 for this one
     * @param resource one of {@code RLIMIT_*}
     * @param newLimit address of an {@link Rlimit}, or 0 to set nothing
     * @param oldLimit address of an {@link Rlimit} to fill, or 0
     * @return 0, or a negated errno: {@code -EPERM} raising the hard limit needs CAP_SYS_RESOURCE, {@code -EINVAL}
     */
    public static int prlimit(ErrnoSlot errno, int pid, int resource, long newLimit, long oldLimit) {
        try {
            int r = (int) (long) PRLIMIT.invokeExact(errno.segment(), (long) pid, (long) resource, newLimit, oldLimit);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Returns the soft limit of this process, {@link Long#MAX_VALUE} if there is none, or a negated errno. */
    public static long soft(ErrnoSlot errno, int resource) { return read(errno, resource, Rlimit.RLIM_CUR); }

    /** Returns the hard limit of this process, {@link Long#MAX_VALUE} if there is none, or a negated errno. */
    public static long hard(ErrnoSlot errno, int resource) { return read(errno, resource, Rlimit.RLIM_MAX); }

    /**
     * Sets both limits of this process; {@link Long#MAX_VALUE} means none.
     *
     * @return as {@link #prlimit}
     */
    public static int set(ErrnoSlot errno, int resource, long soft, long hard) {
        long limit = errno.scratch();
        NativeMemory.putLong(limit + Rlimit.RLIM_CUR, soft == Long.MAX_VALUE ? RLIM_INFINITY : soft);
        NativeMemory.putLong(limit + Rlimit.RLIM_MAX, hard == Long.MAX_VALUE ? RLIM_INFINITY : hard);
        return prlimit(errno, 0, resource, limit, 0L);
    }

    private static long read(ErrnoSlot errno, int resource, long member) {
        long limit = errno.scratch();
        int r = prlimit(errno, 0, resource, 0L, limit);
        if (r < 0) return r;
        long value = NativeMemory.getLong(limit + member);
        return value >= 0 ? value : Long.MAX_VALUE;
    }
}
