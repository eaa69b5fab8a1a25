package org.libtorque.bench.peer;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * The two requests of the benchmark of skewed load, answered as kweb does: {@code /work?us=N} burns so much CPU time,
 * {@code /whoami} says which event loop serves the connection.
 */
final class Work {
    /** Of time.h, on every architecture of Linux. */
    private static final int CLOCK_THREAD_CPUTIME_ID = 3;
    private static final long MAX_MICROS = 1_000_000;

    /**
     * The C library's clock, since the JDK has none for virtual threads: ThreadMXBean refuses them. Within one call of
     * {@link #burn} nothing parks, so the carrier, whose time it is, stays the same.
     */
    private static final MethodHandle CLOCK_GETTIME = clockGettime();
    /** A struct timespec for each thread. */
    private static final ThreadLocal<MemorySegment> TIMESPEC =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(16, 8));

    private Work() {}

    @SuppressWarnings("restricted")
    private static MethodHandle clockGettime() {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(linker.defaultLookup().findOrThrow("clock_gettime"),
                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.ADDRESS));
    }

    /**
     * Returns the body of the answer to a request for {@code target}, after the work it asks for; null if it is for
     * neither of the two.
     *
     * @param loop number of the event loop that serves the connection, -1 if it is none's
     */
    static String answer(String target, int loop) {
        if (target.startsWith("/work?us=")) {
            long micros = Math.clamp(Long.parseLong(target.substring("/work?us=".length())), 0, MAX_MICROS);
            burn(micros);
            return "{\"us\":" + micros + "}\n";
        }
        return target.equals("/whoami") ? "{\"vcore\":" + loop + "}\n" : null;
    }

    /** Uses the CPU for so long, by the thread's own clock: what others take from it meanwhile does not count. */
    private static void burn(long micros) {
        if (micros == 0) return;
        MemorySegment timespec = TIMESPEC.get();
        long end = threadNanos(timespec) + micros * 1_000;
        while (threadNanos(timespec) < end) Thread.onSpinWait();
    }

    private static long threadNanos(MemorySegment timespec) {
        try {
            int result = (int) CLOCK_GETTIME.invokeExact(CLOCK_THREAD_CPUTIME_ID, timespec);
            if (result != 0) throw new IllegalStateException("clock_gettime failed");
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
        return timespec.get(ValueLayout.JAVA_LONG, 0) * 1_000_000_000 + timespec.get(ValueLayout.JAVA_LONG, 8);
    }
}
