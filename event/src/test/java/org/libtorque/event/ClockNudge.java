package org.libtorque.event;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * A process that sets the machine's wall clock without anybody noticing but who asked to be told: forth by a nanosecond, and back by one, with adjtimex(2). Exits with 0 if that
 * was done, with {@link #NOT_HERE} if it may not be, because the process has no right to, or because a daemon keeps the clock, whose adjustments a set would end.
 */
@SuppressWarnings("restricted") // not part of the library; in a process of its own
final class ClockNudge {
    static final int NOT_HERE = 77;

    private static final int ADJ_SETOFFSET = 0x0100, ADJ_NANO = 0x2000, STA_UNSYNC = 0x0040;
    /** struct timex on 64-bit machines. */
    private static final long SIZE = 208, MODES = 0, STATUS = 40, TIME_SECONDS = 72, TIME_NANOS = 80;

    private ClockNudge() {}

    public static void main(String[] args) throws Throwable {
        Linker linker = Linker.nativeLinker();
        MethodHandle adjtimex = linker.downcallHandle(linker.defaultLookup().findOrThrow("adjtimex"), FunctionDescriptor.of(JAVA_INT, ADDRESS));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment timex = arena.allocate(SIZE, 8);
            int state = (int) adjtimex.invokeExact(timex);
            if (state < 0 || (timex.get(JAVA_INT, STATUS) & STA_UNSYNC) == 0) System.exit(NOT_HERE);
            for (int nudge = 1; nudge >= -1; nudge -= 2) {
                timex.fill((byte) 0);
                timex.set(JAVA_INT, MODES, ADJ_SETOFFSET | ADJ_NANO);
                timex.set(JAVA_LONG, TIME_SECONDS, nudge < 0 ? -1 : 0);
                timex.set(JAVA_LONG, TIME_NANOS, nudge < 0 ? 999_999_999 : 1); // never negative
                if ((int) adjtimex.invokeExact(timex) < 0) System.exit(nudge > 0 ? NOT_HERE : 1);
            }
        }
    }
}
