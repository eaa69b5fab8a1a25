package org.libtorque.bench;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import org.libtorque.hardware.Topology;

/**
 * The program that {@link DiscoveryBench} starts again and again: does one thing as the first thing of its life, and prints how long
 * that took, in microseconds. Concatenates nothing, since that would cost as much as what is measured.
 */
public final class StartProbe {
    private StartProbe() {}

    /** Does {@code nothing}, one {@code downcall}, or {@code discovery}. */
    public static void main(String[] arguments) throws Throwable {
        long start = System.nanoTime();
        switch (arguments[0]) {
            case "downcall" -> downcall();
            case "discovery" -> discover();
            default -> { }
        }
        System.out.println((System.nanoTime() - start) / 1_000);
    }

    /** The least that a program can do which calls native code: one function without arguments, errno not kept. */
    @SuppressWarnings("restricted")
    private static void downcall() throws Throwable {
        Linker linker = Linker.nativeLinker();
        int pid = (int) linker.downcallHandle(linker.defaultLookup().find("getpid").orElseThrow(), FunctionDescriptor.of(ValueLayout.JAVA_INT))
                .invokeExact();
        if (pid != ProcessHandle.current().pid()) throw new AssertionError(pid);
    }

    private static void discover() {
        if (Topology.discover().hartCount() < 1) throw new AssertionError();
    }
}
