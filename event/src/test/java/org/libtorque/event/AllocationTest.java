package org.libtorque.event;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.libtorque.testkit.AllocationProbe;
import org.libtorque.testkit.Eventually;

/** What tests of allocation share: the vcores' threads are looked at while something goes round, which counts {@link #rounds}. */
abstract class AllocationTest extends SystemTest {
    private static final int WARM_UP = 5_000;
    private static final int MEASURED = 5_000;
    private static final int WINDOWS = 40;

    final AtomicLong rounds = new AtomicLong();

    private static long allocatedByVcores() {
        long bytes = 0;
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().startsWith("torque-vcore-")) bytes += AllocationProbe.allocatedBytes(thread);
        }
        return bytes;
    }

    /** One window must be clean: code that is not compiled yet spoils the first ones, what allocates always spoils all. */
    final void expectNoAllocation() { expectNoAllocation(WINDOWS); }

    /** @param windows how many to look at, at most: the more happens in one turn of a loop, the longer it takes until the loop is compiled */
    final void expectNoAllocation(int windows) {
        awaitRounds(WARM_UP);
        List<Long> seen = new ArrayList<>();
        for (int window = 0; window < windows; window++) {
            long before = allocatedByVcores();
            awaitRounds(MEASURED);
            long bytes = allocatedByVcores() - before;
            if (bytes == 0) return;
            seen.add(bytes);
        }
        throw new AssertionError("bytes allocated in windows of " + MEASURED + " rounds: " + seen.subList(Math.max(0, seen.size() - WINDOWS), seen.size()));
    }

    private void awaitRounds(int count) {
        long until = rounds.get() + count;
        Eventually.await(() -> "there were " + count + " rounds more: " + (rounds.get() - until) + " " + failures, Eventually.DEFAULT_LIMIT.multipliedBy(3),
                () -> rounds.get() >= until);
    }
}
