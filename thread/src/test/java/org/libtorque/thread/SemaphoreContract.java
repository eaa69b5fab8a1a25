package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.libtorque.testkit.AllocationProbe;
import org.libtorque.testkit.Eventually;

/** Behaviours that the JSR-166 tests ask of fair semaphores, of {@link Semaphore}. */
abstract class SemaphoreContract {
    final Crew.Kind kind;
    private Crew crew;
    private final List<String> order = Collections.synchronizedList(new ArrayList<>());

    SemaphoreContract(Crew.Kind kind) { this.kind = kind; }

    @AfterAll static void endRuntime() { Crew.endRuntime(); }

    @BeforeEach void open() { crew = new Crew(kind); }

    @AfterEach void close() { crew.close(); }

    private Thread waiter(Semaphore s, String name, int permits) {
        int before = s.waiterCount();
        return crew.start(() -> {
            s.acquire(permits);
            order.add(name);
        }, () -> s.waiterCount() == before + 1);
    }

    @Test void noMoreThanThePermitsAreOut() {
        var s = new Semaphore(3);
        var out = new AtomicInteger();
        for (int i = 0; i < 8; i++) {
            crew.start(() -> {
                for (int k = 0; k < 1_000; k++) {
                    s.acquire();
                    assertTrue(out.incrementAndGet() <= 3);
                    if (k % 50 == 0) Thread.yield();
                    out.decrementAndGet();
                    s.release();
                }
            });
        }
        crew.join();
        assertEquals(3, s.availablePermits());
        s.checkInvariants();
    }

    @Test void permitsAreCounted() {
        var s = new Semaphore(2);
        assertTrue(s.tryAcquire(2));
        assertFalse(s.tryAcquire());
        assertTrue(s.tryAcquire(0));
        s.release(5);
        assertEquals(5, s.availablePermits());
        assertEquals(5, s.drainPermits());
        assertEquals(0, s.drainPermits());
        assertThrows(IllegalArgumentException.class, () -> s.acquire(-1));
        assertThrows(IllegalArgumentException.class, () -> s.release(-1));
        assertThrows(IllegalArgumentException.class, () -> new Semaphore(-1));
        s.release(Integer.MAX_VALUE);
        assertThrows(IllegalStateException.class, s::release);
        assertEquals(Integer.MAX_VALUE, s.availablePermits());
    }

    @Test void whoReleasesNeedNotHaveAcquired() {
        var s = new Semaphore(0);
        waiter(s, "a", 1);
        s.release();
        crew.join();
        assertEquals(0, s.availablePermits());
    }

    @Test void theyAreServedInOrderAndALargeDemandHoldsUpThoseBehind() {
        var s = new Semaphore(0);
        waiter(s, "three", 3);
        waiter(s, "one", 1);
        s.release(2);
        assertEquals(2, s.waiterCount());
        assertFalse(s.tryAcquire(), "nobody overtakes");
        assertEquals(0, s.drainPermits(), "they are for those who wait");
        s.release(1);
        Eventually.await("the first goes on", () -> order.size() == 1);
        assertEquals(1, s.waiterCount());
        s.release();
        crew.join();
        assertEquals(List.of("three", "one"), order);
    }

    @Test void whoGivesUpLetsThoseBehindHaveWhatThereIs() {
        var s = new Semaphore(1);
        Thread large = crew.start(() -> assertThrows(InterruptedException.class, () -> s.acquire(2)), () -> s.waiterCount() == 1);
        waiter(s, "one", 1);
        large.interrupt();
        crew.join();
        assertEquals(List.of("one"), order);
        s.checkInvariants();
    }

    @Test void oneReleaseServesSeveral() {
        var s = new Semaphore(0);
        for (String name : List.of("a", "b", "c")) waiter(s, name, 1);
        s.release(3);
        crew.join();
        assertEquals(0, s.availablePermits());
    }

    @Test void timedAcquisitionsGiveUpWhenTheTimeIsOver() throws InterruptedException {
        var s = new Semaphore(0);
        long start = System.nanoTime();
        assertFalse(s.tryAcquire(10, TimeUnit.MILLISECONDS));
        assertFalse(s.tryAcquire(3, 10, TimeUnit.MILLISECONDS));
        assertTrue(System.nanoTime() - start >= 20_000_000);
        assertFalse(s.tryAcquire(0, TimeUnit.MILLISECONDS));
        s.checkInvariants();
        crew.start(() -> assertTrue(s.tryAcquire(1, TimeUnit.DAYS)), () -> s.waiterCount() == 1);
        s.release();
        crew.join();
    }

    @Test void anInterruptEndsAnInterruptibleWaitOnly() {
        var s = new Semaphore(0);
        Thread first = crew.start(() -> assertThrows(InterruptedException.class, s::acquire), () -> s.waiterCount() == 1);
        first.interrupt();
        crew.join();
        Thread second = crew.start(() -> assertThrows(InterruptedException.class, () -> s.tryAcquire(1, TimeUnit.DAYS)), () -> s.waiterCount() == 1);
        second.interrupt();
        crew.join();
        Thread third = crew.start(() -> {
            s.acquireUninterruptibly();
            assertTrue(Thread.currentThread().isInterrupted());
            order.add("third");
        }, () -> s.waiterCount() == 1);
        third.interrupt();
        assertEquals(1, s.waiterCount());
        s.release();
        crew.join();
        assertEquals(List.of("third"), order);
        crew.start(() -> {
            s.release();
            Thread.currentThread().interrupt();
            assertThrows(InterruptedException.class, s::acquire);
        });
        crew.join();
        assertEquals(1, s.availablePermits());
    }

    @Test void acquiringAndReleasingAllocatesNothing() {
        var s = new Semaphore(4);
        AllocationProbe.assertAllocatesNothing(20_000, 1_000, () -> {
            s.acquireUninterruptibly(3);
            s.release(3);
        });
    }
}
