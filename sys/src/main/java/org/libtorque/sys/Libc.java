package org.libtorque.sys;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;

/**
 * Makes method handles for functions of the C library.
 *
 * <p>Every argument and result is declared a {@code long}, whatever the C prototype says. Both calling conventions pass
 * an integer or pointer in one 64-bit register and let the callee ignore what is above the width it declared; a result
 * of 32 bits comes back in the lower half, and callers cast it: {@code (int) (long) HANDLE.invokeExact(...)}. So all
 * functions of n arguments share one linked shape. Linking a shape takes about 9 ms at start, another function of a
 * shape 0.1 ms (measured), and this package links some eighty functions. Pointers are addresses, not segments, which
 * would cost a liveness check and, if shared, an atomic pair for each call.
 *
 * <p>Calls are ordinary downcalls unless they can neither block nor take long: a thread inside a critical one holds up
 * every safepoint (194 µs instead of 1.3 µs at the median, measured), and what a critical call saves does not show
 * beside the system call itself.
 */
final class Libc {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final Linker.Option CAPTURE_ERRNO = Linker.Option.captureCallState("errno");

    /** syscall(2) with all six arguments; the kernel does not look at those that a call does not have. */
    private static final MethodHandle SYSCALL = capturingErrno("syscall", 7, Linker.Option.firstVariadicArg(1));

    private Libc() {}

    /**
     * Links a function that reports failure through errno. The handle takes the capture segment
     * ({@link ErrnoSlot#segment()}), then {@code arguments} longs, and returns a long.
     *
     * @param options {@code firstVariadicArg} for a variadic function
     */
    static MethodHandle capturingErrno(String name, int arguments, Linker.Option... options) {
        Linker.Option[] all = Arrays.copyOf(options, options.length + 1);
        all[options.length] = CAPTURE_ERRNO;
        return link(name, arguments, all);
    }

    /**
     * Links a function of at most seven arguments in the shape of syscall(2), for functions that are called rarely: a program
     * that calls them first of all, to find out the machine, then waits for one shape to be linked and not for one for each number
     * of arguments. The handle takes the capture segment, then seven longs, and returns a long; the function does not
     * look at those that it does not have.
     */
    static MethodHandle rare(String name) { return capturingErrno(name, 7, Linker.Option.firstVariadicArg(1)); }

    /** Tells whether the C library has a function; for those that came after glibc 2.28. */
    static boolean has(String name) { return LINKER.defaultLookup().find(name).isPresent(); }

    /**
     * Links a function without arguments that cannot fail, cannot block and takes nanoseconds. The handle takes nothing
     * and returns a long. The thread stays in Java for the call.
     */
    static MethodHandle trivial(String name) { return link(name, 0, Linker.Option.critical(false)); }

    /** Makes a system call by number; its result, or a negated errno. */
    static long syscall(ErrnoSlot errno, long number, long a, long b, long c, long d, long e, long f) {
        try {
            long r = (long) SYSCALL.invokeExact(errno.segment(), number, a, b, c, d, e, f);
            return r != -1 ? r : -errno.get();
        } catch (Throwable t) { throw impossible(t); }
    }

    static long syscall(ErrnoSlot errno, long number) { return syscall(errno, number, 0, 0, 0, 0, 0, 0); }

    static long syscall(ErrnoSlot errno, long number, long a, long b) { return syscall(errno, number, a, b, 0, 0, 0, 0); }

    static long syscall(ErrnoSlot errno, long number, long a, long b, long c) {
        return syscall(errno, number, a, b, c, 0, 0, 0);
    }

    static long syscall(ErrnoSlot errno, long number, long a, long b, long c, long d) {
        return syscall(errno, number, a, b, c, d, 0, 0);
    }

    /**
     * Handles what a downcall threw. A function of the C library throws nothing, so this is an error of the virtual
     * machine (out of stack) or a linkage bug of this package: it is thrown on as it is.
     *
     * @return never; declared so that callers can write {@code throw Libc.impossible(t)}
     */
    static RuntimeException impossible(Throwable thrown) {
        if (thrown instanceof RuntimeException e) throw e;
        if (thrown instanceof Error e) throw e;
        throw new AssertionError("a downcall threw a checked exception", thrown);
    }

    @SuppressWarnings("restricted")
    private static MethodHandle link(String name, int arguments, Linker.Option... options) {
        var parameters = new MemoryLayout[arguments];
        Arrays.fill(parameters, JAVA_LONG);
        MemorySegment function = LINKER.defaultLookup().find(name).orElseThrow(() -> new UnsatisfiedLinkError(
                "the C library has no function " + name + "; libtorque needs glibc 2.28 or later"));
        return LINKER.downcallHandle(function, FunctionDescriptor.of(JAVA_LONG, parameters), options);
    }
}
