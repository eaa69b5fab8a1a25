package org.libtorque.vcore;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.libtorque.sys.Clocks;
import org.libtorque.sys.ErrnoSlot;

/** What the kernel tells of the threads of vcores, to any thread. */
interface ThreadTimes {
    /** Returns for how long a vcore's thread has had a CPU, in nanoseconds; negative if that is not known. */
    long ranNanos(Vcore vcore);

    /** Tells whether a vcore's thread runs or only waits for a CPU, and not for anything else; false if that is not known. */
    boolean isRunnable(Vcore vcore);

    /**
     * The running kernel's. The CPU time is that of the thread's clock, which costs less than a microsecond and is exact, where {@code schedstat} is a file, follows in ticks, and
     * tells of waiting only once it is over; what a thread is at is read from its {@code stat}, which costs some microseconds.
     */
    ThreadTimes KERNEL = new ThreadTimes() {
        @Override public long ranNanos(Vcore vcore) {
            int tid = vcore.tid();
            return tid == 0 ? -1 : Clocks.nanos(ErrnoSlot.current(), Clocks.threadCpuClock(tid));
        }

        @Override public boolean isRunnable(Vcore vcore) {
            try {
                String stat = Files.readString(Path.of("/proc/self/task/" + vcore.tid() + "/stat"), StandardCharsets.ISO_8859_1);
                return stat.startsWith(") R ", stat.lastIndexOf(')')); // after the name, which may have brackets
            } catch (IOException e) {
                return false; // it has ended
            }
        }
    };
}
