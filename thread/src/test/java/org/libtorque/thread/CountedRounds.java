package org.libtorque.thread;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntPredicate;
import org.libtorque.testkit.AllocationProbe;
import org.libtorque.testkit.Eventually;

/** What threads on vcore 0 do again and again, which shall allocate nothing: by the count of the vcore's thread, on which they run. */
final class CountedRounds {
    final List<Throwable> failures = new CopyOnWriteArrayList<>();
    private final AtomicLong rounds = new AtomicLong();

    /** One more has been done. By one vcore alone. */
    void count() { rounds.lazySet(rounds.get() + 1); }

    void await(long more) {
        long until = rounds.get() + more;
        Eventually.await(() -> "there were " + more + " rounds more: " + failures, Eventually.DEFAULT_LIMIT.multipliedBy(6), () -> rounds.get() >= until);
    }

    /**
     * Asserts that in one window of so many rounds nothing is allocated. What is allocated in every round, or every so many, spoils all windows; a compiler that changes its mind, or the JDK's
     * stack of a thread that moves in memory, only some.
     *
     * @param goesOn tells whether there is to be one more, by how many there have been
     */
    void assertAllocateNothing(int window, IntPredicate goesOn) {
        Thread vcore = Thread.getAllStackTraces().keySet().stream().filter(t -> t.getName().equals("torque-vcore-0")).findFirst().orElseThrow();
        List<Long> seen = new ArrayList<>();
        while (goesOn.test(seen.size())) {
            long before = AllocationProbe.allocatedBytes(vcore);
            await(window);
            long bytes = AllocationProbe.allocatedBytes(vcore) - before;
            if (bytes == 0) return;
            seen.add(bytes);
        }
        throw new AssertionError("bytes allocated in windows of " + window + " rounds: " + seen);
    }
}
