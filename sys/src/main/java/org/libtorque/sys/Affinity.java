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
