package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.libtorque.testkit.Eventually;

class BriefLockTest {
    private final BriefLock lock = new BriefLock();
    private int count;

    @Test void oneIsInsideAtATime() {
        int rounds = 20_000;
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            threads.add(Thread.ofPlatform().start(() -> {
                for (int k = 0; k < rounds; k++) {
                    lock.lock();
                    count++;
                    lock.unlock();
                }
            }));
        }
        threads.forEach(Eventually::awaitEnd);
        assertEquals(4 * rounds, count);
    }

    /** A monitor would have it unmounted: its state would be BLOCKED. */
    @Test void aVirtualThreadThatFindsItTakenStaysWhereItRuns() throws InterruptedException {
        lock.lock();
        AtomicBoolean asked = new AtomicBoolean();
        Thread virtual = Thread.ofVirtual().start(() -> {
            asked.set(true);
            lock.lock();
            lock.unlock();
        });
        Eventually.await("it asks", asked::get);
        for (int i = 0; i < 50; i++) {
            assertEquals(Thread.State.RUNNABLE, virtual.getState());
            Thread.sleep(1);
        }
        lock.unlock();
        virtual.join(10_000);
        assertFalse(virtual.isAlive());
    }
}
