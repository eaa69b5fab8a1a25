package org.libtorque.sys;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;

/**
 * Which CPUs a thread may run on, and which it runs on. A mask has bit n set for CPU n, in 64-bit words from the lowest
 * CPUs up.
 */
public final class Affinity {
    private static final MethodHandle GETAFFINITY = Libc.syscall(Abi.Syscall.SCHED_GETAFFINITY, 3);
    private static final MethodHandle SETAFFINITY = Libc.syscall(Abi.Syscall.SCHED_SETAFFINITY, 3);
    private static final MethodHandle GETTID = Libc.syscall(Abi.Syscall.GETTID, 0);
    private static final MethodHandle GETCPU = Libc.syscall(Abi.Syscall.GETCPU, 3);
    /** Answered without entering the kernel (vDSO or rseq), hence critical. */
    private static final MethodHandle CURRENT_CPU = Libc.plain("sched_getcpu",
            FunctionDescriptor.of(JAVA_INT), Linker.Option.critical(false));
    private static final MethodHandle YIELD = Libc.plain("sched_yield", FunctionDescriptor.of(JAVA_INT));

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
        try {
            long n = (long) GETAFFINITY.invokeExact(errno.segment(), (long) tid, (long) sizeBytes, mask);
            return n >= 0 ? (int) n : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
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
        try {
            long r = (long) SETAFFINITY.invokeExact(errno.segment(), (long) tid, (long) sizeBytes, mask);
            return r >= 0 ? 0 : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Returns the kernel's number of the calling thread, as in {@code /proc/self/task}. */
    public static int gettid() {
        try {
            return (int) (long) GETTID.invokeExact(ErrnoSlot.current().segment());
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Reads the CPU and the NUMA node that the calling thread runs on; both may have changed on return.
     *
     * @return CPU in the lower 32 bits, node in the upper ones, or a negated errno
     */
    public static long getcpuAndNode(ErrnoSlot errno) {
        long cpu = errno.scratch();
        long node = cpu + 4;
        try {
            long r = (long) GETCPU.invokeExact(errno.segment(), cpu, node, 0L);
            return r >= 0 ? NativeMemory.getLong(cpu) : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Returns the CPU that the calling thread runs on, which may have changed on return. A few nanoseconds. */
    public static int getcpu() {
        try {
            return (int) CURRENT_CPU.invokeExact();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Lets other threads that are ready to run on this CPU go first. */
    public static void yieldCpu() {
        try {
            int ignored = (int) YIELD.invokeExact();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }
}
