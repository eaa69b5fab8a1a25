package org.libtorque.event;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.libtorque.testkit.AllocationProbe;
import org.libtorque.testkit.Eventually;

/** What tests of allocation share: the vcores' threads are looked at while something goes round, which counts {@link #rounds}. */
abstract class AllocationTest extends SystemTest {
    private static final int WARM_UP = 5_000;
    private static final int MEASURED = 5_000;
    /**
     * How long windows are looked at, at most. What a loop does once in a while (waiting, taking a colour over, moving a connection), on a busy machine oftener than else, is compiled for
     * good only after 5,000 times (Tier4InvocationThreshold). Until then each of its system calls allocates 40 bytes, since the JDK slices the segment for errno: some 60 in a
     * window, so it takes a hundred windows. Time is spent here only as long as something is not compiled, or if something does allocate.
     */
    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final int SHOWN = 40;

    final AtomicLong rounds = new AtomicLong();

    private static long allocatedByVcores() {
        long bytes = 0;
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().startsWith("torque-vcore-")) bytes += AllocationProbe.allocatedBytes(thread);
        }
        return bytes;
    }

    /** One window must be clean: code that is not compiled yet spoils the first ones, what allocates always spoils all. */
    final void expectNoAllocation() {
        awaitRounds(WARM_UP);
        List<Long> seen = new ArrayList<>();
        long start = System.nanoTime();
        while (System.nanoTime() - start < Eventually.scaled(LIMIT).toNanos()) {
            long before = allocatedByVcores();
            awaitRounds(MEASURED);
            long bytes = allocatedByVcores() - before;
            if (bytes == 0) return;
            seen.add(bytes);
        }
        throw new AssertionError("bytes allocated in the last of " + seen.size() + " windows of " + MEASURED + " rounds: " + seen.subList(Math.max(0, seen.size() - SHOWN), seen.size()));
    }

    private void awaitRounds(int count) {
        long until = rounds.get() + count;
        Eventually.await(() -> "there were " + count + " rounds more: " + (rounds.get() - until) + " " + failures, Eventually.DEFAULT_LIMIT.multipliedBy(3),
                () -> rounds.get() >= until);
    }
}
