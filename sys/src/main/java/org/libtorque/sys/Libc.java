package org.libtorque.sys;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Makes method handles for functions of the C library. Pointers are {@code JAVA_LONG} in every descriptor: a plain
 * address costs nothing to pass, where a segment costs a liveness check and, if shared, an atomic pair.
 *
 * <p>Calls are ordinary downcalls unless they can neither block nor take long: a thread inside a critical one holds up
 * every safepoint (194 µs instead of 1.3 µs at the median, measured), and what a critical call saves does not show
 * beside the system call itself.
 */
final class Libc {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final Linker.Option CAPTURE_ERRNO = Linker.Option.captureCallState("errno");

    private Libc() {}

    /**
     * Links a function that reports failure through errno. The handle's first parameter is the capture segment
     * ({@link ErrnoSlot#segment()}), then come those of {@code descriptor}.
     */
    static MethodHandle capturingErrno(String name, FunctionDescriptor descriptor, Linker.Option... options) {
        var all = new ArrayList<>(List.of(options));
        all.add(CAPTURE_ERRNO);
        return link(name, descriptor, all.toArray(Linker.Option[]::new));
    }

    /** Links a function that cannot fail, or that returns its error number. */
    static MethodHandle plain(String name, FunctionDescriptor descriptor, Linker.Option... options) {
        return link(name, descriptor, options);
    }

    /**
     * Links a system call that is made by number. Arguments and result are longs, as {@code syscall(2)} has them; the
     * handle takes the capture segment first and has the number bound.
     */
    static MethodHandle syscall(Abi.Syscall call, int arguments) {
        var parameters = new MemoryLayout[arguments + 1];
        Arrays.fill(parameters, JAVA_LONG);
        MethodHandle handle = capturingErrno("syscall", FunctionDescriptor.of(JAVA_LONG, parameters),
                Linker.Option.firstVariadicArg(1));
        return MethodHandles.insertArguments(handle, 1, (long) call.number(Abi.ARCHITECTURE));
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
    private static MethodHandle link(String name, FunctionDescriptor descriptor, Linker.Option... options) {
        MemorySegment function = LINKER.defaultLookup().find(name).orElseThrow(() -> new UnsatisfiedLinkError(
                "the C library has no function " + name + "; libtorque needs glibc 2.28 or later"));
        return LINKER.downcallHandle(function, descriptor, options);
    }
}
