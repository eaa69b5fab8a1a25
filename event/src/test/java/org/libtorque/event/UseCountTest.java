package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class UseCountTest {
    private final AtomicInteger unused = new AtomicInteger();

    private final class Counted extends UseCount {
        private final AtomicInteger users = new AtomicInteger();

        @Override void unused() {
            assertEquals(0, users.get());
            unused.incrementAndGet();
        }
    }

    @Test void itGoesWhenItIsClosedAndNobodyUsesItAnyMore() {
        var count = new Counted();
        assertTrue(count.use());
        assertTrue(count.use());
        assertFalse(count.isClosed());
        assertTrue(count.close());
        assertTrue(count.isClosed());
        assertFalse(count.close());
        assertFalse(count.use());
        count.done();
        assertEquals(0, unused.get());
        count.done();
        assertEquals(1, unused.get());
    }

    @Test void nobodyUsingItItGoesAtOnce() {
        var count = new Counted();
        assertTrue(count.use());
        count.done();
        assertTrue(count.close());
        assertEquals(1, unused.get());
    }

    @Test void whoClosesItAloneHasItForHimself() {
        var used = new Counted();
        assertTrue(used.use());
        assertFalse(used.closeAlone());
        used.done();
        assertTrue(used.closeAlone());
        assertTrue(used.isClosed());
        assertFalse(used.closeAlone());
        assertFalse(used.close());
        assertEquals(0, unused.get());
    }

    @Test void amongManyThreadsItGoesOnceAndUnderNobodysHands() throws InterruptedException {
        for (int round = 0; round < 200; round++) {
            var count = new Counted();
            unused.set(0);
            var start = new CountDownLatch(1);
            List<Thread> threads = new ArrayList<>();
            var failures = new AtomicInteger();
            for (int t = 0; t < 4; t++) {
                boolean closes = t == 0;
                threads.add(Thread.ofPlatform().start(() -> {
                    try {
                        start.await();
                        for (int i = 0; i < 200; i++) {
                            if (!count.use()) break;
                            count.users.incrementAndGet();
                            if (unused.get() != 0) failures.incrementAndGet();
                            count.users.decrementAndGet();
                            count.done();
                            if (closes && i == 100) count.close();
                        }
                    } catch (InterruptedException e) {
                        failures.incrementAndGet();
                    }
                }));
            }
            start.countDown();
            for (Thread thread : threads) thread.join();
            count.close();
            assertEquals(1, unused.get());
            assertEquals(0, failures.get());
        }
    }
}
