package org.libtorque.sys;

import java.lang.invoke.MethodHandle;

/**
 * Which CPUs a thread may run on, and which it runs on. A mask has bit n set for CPU n, in 64-bit words from the lowest
 * CPUs up.
 */
public final class Affinity {
    private static final long SYS_GETAFFINITY = Abi.Syscall.SCHED_GETAFFINITY.number();
    private static final long SYS_SETAFFINITY = Abi.Syscall.SCHED_SETAFFINITY.number();
    private static final long SYS_GETTID = Abi.Syscall.GETTID.number();
    private static final long SYS_GETCPU = Abi.Syscall.GETCPU.number();
    private static final long SYS_GETATTR = Abi.Syscall.SCHED_GETATTR.number();
    private static final long SYS_SETATTR = Abi.Syscall.SCHED_SETATTR.number();
    /** struct sched_attr, version 0: size, policy, flags, nice, priority, runtime, deadline, period. */
    private static final int ATTR_BYTES = 48;
    private static final int ATTR_POLICY = 4, ATTR_RUNTIME = 24;
    private static final int SCHED_OTHER = 0;
    private static final long SYS_YIELD = Abi.Syscall.SCHED_YIELD.number();

    /** Has a linkage of its own, which those who do not ask should not wait for. */
    private static final class CurrentCpu {
        /** Answered without entering the kernel (vDSO or rseq), hence critical. */
        static final MethodHandle HANDLE = Libc.trivial("sched_getcpu");
    }

    private Affinity() {}

    /**
     * Reads the mask of a thread. Made by number: the C library's wrapper does not say how long the kernel's mask is.
     *
     * @param tid       thread, or 0 for the calling one
     * @param mask      address of the mask to fill
     * @param sizeBytes its size, a multiple of 8
     * @return bytes that the kernel wrote, which is the size of its mask; the rest is left as it was. Or a negated errno:
     *         {@code -EINVAL} the kernel's mask is longer than {@code sizeBytes}, {@code -ESRCH} there is no such thread
     */
    public static int getaffinity(ErrnoSlot errno, int tid, long mask, int sizeBytes) {
        return (int) Libc.syscall(errno, SYS_GETAFFINITY, tid, sizeBytes, mask);
    }

    /**
     * Sets the mask of a thread. The kernel takes the CPUs of the mask that are online and in the thread's cpuset.
     *
     * @param tid       thread, or 0 for the calling one
     * @param mask      address of the mask
     * @param sizeBytes its size; CPUs beyond are not in it
     * @return 0, or a negated errno: {@code -EINVAL} no CPU of the mask may be used, {@code -ESRCH} there is no such
     *         thread, {@code -EPERM} it belongs to somebody else
     */
    public static int setaffinity(ErrnoSlot errno, int tid, long mask, int sizeBytes) {
        return (int) Libc.syscall(errno, SYS_SETAFFINITY, tid, sizeBytes, mask);
    }

    /**
     * Asks that the calling thread run for so long at a time when others want its CPU too (Linux 6.12: a fair thread's custom slice). Shorter slices let others, and then this
     * thread, get in sooner, at the price of more switches; the share of each stays the same. Its niceness stays.
     *
     * @param sliceNanos 100,000 to 100,000,000; 0 for the system's default
     * @return 0, or a negated errno; {@code -EINVAL} if the thread's policy is not the ordinary one. An older kernel does nothing and returns 0
     */
    public static int setSlice(ErrnoSlot errno, long sliceNanos) {
        try (java.lang.foreign.Arena arena = java.lang.foreign.Arena.ofConfined()) {
            long attr = arena.allocate(ATTR_BYTES, 8).address();
            int result = (int) Libc.syscall(errno, SYS_GETATTR, 0, attr, ATTR_BYTES, 0L);
            if (result < 0) return result;
            if (NativeMemory.getInt(attr + ATTR_POLICY) != SCHED_OTHER) return -Errno.EINVAL;
            NativeMemory.putLong(attr + ATTR_RUNTIME, sliceNanos);
            return (int) Libc.syscall(errno, SYS_SETATTR, 0, attr, 0L);
        }
    }

    /** Returns what {@link #setSlice} has set for the calling thread, 0 for the system's default; or a negated errno. */
    public static long slice(ErrnoSlot errno) {
        try (java.lang.foreign.Arena arena = java.lang.foreign.Arena.ofConfined()) {
            long attr = arena.allocate(ATTR_BYTES, 8).address();
            int result = (int) Libc.syscall(errno, SYS_GETATTR, 0, attr, ATTR_BYTES, 0L);
            return result < 0 ? result : NativeMemory.getLong(attr + ATTR_RUNTIME);
        }
    }

    /** Returns the kernel's number of the calling thread, as in {@code /proc/self/task}. */
    public static int gettid() {
        return (int) Libc.syscall(ErrnoSlot.current(), SYS_GETTID);
    }

    /**
     * Reads the CPU and the NUMA node that the calling thread runs on; both may have changed on return.
     *
     * @return CPU in the lower 32 bits, node in the upper ones, or a negated errno
     */
    public static long getcpuAndNode(ErrnoSlot errno) {
        long cpu = errno.scratch();
        long node = cpu + 4;
        long r = Libc.syscall(errno, SYS_GETCPU, cpu, node, 0L);
        return r >= 0 ? NativeMemory.getLong(cpu) : r;
    }

    /** Returns the CPU that the calling thread runs on, which may have changed on return. A few nanoseconds. */
    public static int getcpu() {
        try {
            return (int) (long) CurrentCpu.HANDLE.invokeExact();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Lets other threads that are ready to run on this CPU go first. */
    public static void yieldCpu() { Libc.syscall(ErrnoSlot.current(), SYS_YIELD); }
}
