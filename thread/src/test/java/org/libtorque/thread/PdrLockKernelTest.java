package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.libtorque.hardware.CpuSet;
import org.libtorque.sys.Affinity;
import org.libtorque.testkit.Eventually;

/** A holder whose CPU is taken away in the middle of its critical section, by a real-time thread on the same CPU that does not let it go. */
@Tag("hotplug") // disturbs the whole machine
class PdrLockKernelTest {
    private static final long HOG_NANOS = 30_000_000_000L;

    private final int[] cpus = CpuSet.allowed().toArray();
    private volatile boolean hogRuns, hogMayEnd, hogHasEnded;

    private void hog() {
        long start = System.nanoTime();
        hogRuns = true;
        while (!hogMayEnd && System.nanoTime() - start < HOG_NANOS) Thread.onSpinWait();
        hogHasEnded = true;
    }

    /** Makes a thread real-time, by the command of util-linux; false if that is not allowed here. */
    private static boolean makeRealTime(int tid) throws IOException, InterruptedException {
        return new ProcessBuilder("chrt", "-f", "-p", "1", String.valueOf(tid)).redirectErrorStream(true).start().waitFor() == 0;
    }

    @Test void aPreemptedHolderIsLentTheCpuOfOneWhoWaits() throws Exception {
        assumeTrue(cpus.length >= 2, "two CPUs are needed, to take one away");
        var lock = new PdrLock();
        var hogIsReady = new CountDownLatch(1);
        var hogTid = new AtomicInteger();
        var hogMayStart = new CountDownLatch(1);
        var held = new CountDownLatch(1);
        try (var crew = new Crew(Crew.Kind.PLATFORM)) {
            crew.start(() -> {
                Pin.to(cpus[0]);
                hogTid.set(Affinity.gettid());
                hogIsReady.countDown();
                hogMayStart.await();
                hog();
            });
            hogIsReady.await();
            boolean allowed = makeRealTime(hogTid.get());
            if (!allowed) {
                hogMayEnd = true;
                hogMayStart.countDown();
            }
            assumeTrue(allowed, "chrt must be there and allowed, to preempt for sure");
            crew.start(() -> {
                Pin.to(cpus[0]);
                var me = PdrLock.Member.ofCurrentThread();
                lock.lock(me);
                held.countDown();
                hogMayStart.countDown();
                while (!hogRuns) Thread.onSpinWait();
                for (int i = 0; i < 10_000; i++) Thread.onSpinWait(); // a critical section that has not come to its end when the CPU goes
                assertFalse(hogHasEnded, "it was lent another CPU");
                assertEquals(cpus[1], Affinity.getcpu());
                lock.unlock(me);
                Eventually.await("its CPUs are given back", () -> Pin.current().equals(CpuSet.of(cpus[0])));
            });
            crew.start(() -> {
                Pin.to(cpus[1]);
                var me = PdrLock.Member.ofCurrentThread();
                held.await();
                while (!hogRuns) Thread.onSpinWait();
                lock.lock(me);
                boolean ended = hogHasEnded;
                lock.unlock(me);
                hogMayEnd = true;
                assertFalse(ended, "the lock was not to be had before the CPU was");
            });
            crew.join();
        } finally {
            hogMayEnd = true;
            hogMayStart.countDown();
        }
        assertTrue(lock.helped() >= 1);
        assertArrayEquals(cpus, Pin.current().toArray(), "the calling thread's are untouched");
    }
}
