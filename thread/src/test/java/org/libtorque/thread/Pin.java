package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import org.libtorque.hardware.CpuSet;
import org.libtorque.sys.Affinity;
import org.libtorque.sys.ErrnoSlot;

/** The calling thread's CPUs. */
final class Pin {
    private static final int BYTES = 1_024;

    private Pin() {}

    /** Binds the calling thread to a CPU. */
    static void to(int cpu) {
        try (Arena arena = Arena.ofConfined()) {
            var mask = arena.allocate(BYTES, 8);
            long[] words = CpuSet.of(cpu).words();
            for (int i = 0; i < words.length; i++) mask.setAtIndex(ValueLayout.JAVA_LONG, i, words[i]);
            assertEquals(0, Affinity.setaffinity(ErrnoSlot.current(), 0, mask.address(), BYTES));
        }
    }

    /** Returns what the calling thread is bound to. */
    static CpuSet current() {
        try (Arena arena = Arena.ofConfined()) {
            var mask = arena.allocate(BYTES, 8);
            assertTrue(Affinity.getaffinity(ErrnoSlot.current(), 0, mask.address(), BYTES) > 0);
            return CpuSet.ofWords(mask.toArray(ValueLayout.JAVA_LONG));
        }
    }
}
