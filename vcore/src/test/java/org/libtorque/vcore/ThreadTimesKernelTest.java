package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.libtorque.memory.BlockPool;
import org.libtorque.sys.Errno;
import org.libtorque.testkit.Eventually;

class ThreadTimesKernelTest {
    private static final long MILLI = 1_000_000;

    private volatile boolean spins = true;

    @Test void aThreadThatSpinsRunsOneThatWaitsDoesNotAndOneThatHasEndedIsNotKnown() throws InterruptedException {
        Vcore vcore = new Vcore(0, 0, Clock.SYSTEM, new BlockPool(4096, 1 << 16), 64, (where, failure) -> { });
        assertTrue(ThreadTimes.KERNEL.ranNanos(vcore) < 0, "it has no thread yet");
        assertFalse(ThreadTimes.KERNEL.isRunnable(vcore));
        var bound = new CountDownLatch(1);
        var end = new CountDownLatch(1);
        Thread thread = new VcoreThread(vcore, () -> {
            vcore.bind(new FakeQueue());
            bound.countDown();
            while (spins) Thread.onSpinWait();
            try {
                end.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            vcore.shutDown(0);
        });
        thread.setName(") S (");
        thread.start();
        try {
            assertTrue(bound.await(Eventually.limitSeconds(), TimeUnit.SECONDS));
            long before = ThreadTimes.KERNEL.ranNanos(vcore);
            assertTrue(before > 0, () -> "it has run for " + before + " ns");
            Eventually.await("it runs", () -> ThreadTimes.KERNEL.ranNanos(vcore) - before > 20 * MILLI);
            Eventually.await("it is seen to run", () -> ThreadTimes.KERNEL.isRunnable(vcore));
            spins = false;
            Eventually.await("it waits, and does not run", () -> {
                long then = ThreadTimes.KERNEL.ranNanos(vcore);
                return !ThreadTimes.KERNEL.isRunnable(vcore) && ThreadTimes.KERNEL.ranNanos(vcore) == then;
            });
        } finally {
            spins = false;
            end.countDown();
            Eventually.awaitEnd(thread);
        }
        Eventually.await("the kernel has no such thread", () -> ThreadTimes.KERNEL.ranNanos(vcore) == -Errno.EINVAL);
        assertFalse(ThreadTimes.KERNEL.isRunnable(vcore));
    }
}
