package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.libtorque.hardware.CpuSet;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.LeakCheck;

@ExtendWith(LeakCheck.class)
class FilePoolTest {
    private final CountDownLatch gate = new CountDownLatch(1);
    private final List<Integer> ran = Collections.synchronizedList(new ArrayList<>());
    private final List<Integer> dropped = Collections.synchronizedList(new ArrayList<>());

    private final class Numbered extends FilePool.Job {
        final int number;
        final boolean waits;

        Numbered(int number, boolean waits) {
            this.number = number;
            this.waits = waits;
        }

        @Override void run() {
            try {
                if (waits && !gate.await(Eventually.limitSeconds(), TimeUnit.SECONDS)) throw new AssertionError("nobody opened the gate");
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            ran.add(number);
        }

        @Override void dropped() { dropped.add(number); }
    }

    private FilePool pool(int threads, int waiting) {
        var pool = new FilePool(CpuSet.allowed(), threads, waiting);
        pool.open();
        return pool;
    }

    @Test void jobsBeginInOrderAndThoseThatAreTooManyAreRefused() {
        FilePool pool = pool(1, 3);
        assertEquals(1, pool.state()[0]);
        assertTrue(pool.submit(new Numbered(0, true), false));
        Eventually.await("it has begun", () -> pool.state()[1] == 0);
        for (int i = 1; i <= 3; i++) assertTrue(pool.submit(new Numbered(i, false), false));
        assertFalse(pool.submit(new Numbered(4, false), false));
        assertTrue(pool.submit(new Numbered(5, false), true), "what must be taken is taken");
        assertFalse(pool.submit(new Numbered(6, false), false));
        gate.countDown();
        Eventually.await("all have run", () -> ran.size() == 5);
        assertEquals(List.of(0, 1, 2, 3, 5), ran);
        assertTrue(pool.close(10_000_000_000L));
        assertEquals(List.of(), dropped);
        assertEquals(0, pool.state()[0]);
    }

    @Test void thereAreAsManyThreadsAsJobsAndNoMoreThanMayBe() throws InterruptedException {
        FilePool pool = pool(3, 100);
        for (int i = 0; i < 10; i++) pool.submit(new Numbered(i, true), false);
        Eventually.await("three have begun", () -> pool.state()[1] == 7);
        assertEquals(3, pool.state()[0]);
        gate.countDown();
        Eventually.await("all have run", () -> ran.size() == 10);
        for (int i = 10; i < 200; i++) {
            pool.submit(new Numbered(i, false), false);
            if (i % 10 == 0) Thread.sleep(1);
        }
        Eventually.await("all have run", () -> ran.size() == 200);
        assertTrue(pool.state()[0] <= 3);
        assertTrue(pool.close(10_000_000_000L));
    }

    @Test void whatWaitsAtTheEndIsDroppedAndWhatRunsIsWaitedFor() throws InterruptedException {
        FilePool pool = pool(1, 100);
        pool.submit(new Numbered(0, true), false);
        Eventually.await("it has begun", () -> pool.state()[1] == 0);
        pool.submit(new Numbered(1, false), false);
        assertFalse(pool.close(20_000_000), "one is still running");
        assertEquals(List.of(1), dropped);
        pool.submit(new Numbered(2, false), false);
        assertEquals(List.of(1, 2), dropped);
        gate.countDown();
        assertTrue(pool.close(10_000_000_000L));
        assertEquals(List.of(0), ran);
    }

    /** The check for descriptors that are left finds its eventfd otherwise. */
    @Test void aPoolThatWasNotWaitedForLongEnoughGivesItsDescriptorBackWhenItsLastThreadEnds() throws InterruptedException {
        FilePool pool = pool(2, 100);
        pool.submit(new Numbered(0, true), false);
        Eventually.await("it has begun", () -> pool.state()[1] == 0);
        assertFalse(pool.close(20_000_000), "one is still running");
        gate.countDown();
        Eventually.await("all threads have ended", () -> pool.state()[0] == 0);
    }

    @Test void whatAJobThrowsEndsNoThread() {
        FilePool pool = pool(1, 100);
        pool.submit(new FilePool.Job() {
            @Override void run() { throw new IllegalStateException("meant to be logged"); }

            @Override void dropped() { }
        }, false);
        pool.submit(new Numbered(1, false), false);
        Eventually.await("the next has run", () -> ran.size() == 1);
        assertTrue(pool.close(10_000_000_000L));
    }

    @Test void manySubmittersLoseNothing() throws InterruptedException {
        FilePool pool = pool(2, 10_000);
        var counted = new AtomicInteger();
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
            threads.add(Thread.ofPlatform().start(() -> {
                for (int i = 0; i < 2_000; i++) {
                    pool.submit(new FilePool.Job() {
                        @Override void run() { counted.incrementAndGet(); }

                        @Override void dropped() { }
                    }, true);
                }
            }));
        }
        for (Thread thread : threads) thread.join();
        Eventually.await("all have run", () -> counted.get() == 8_000);
        assertTrue(pool.close(10_000_000_000L));
    }
}
