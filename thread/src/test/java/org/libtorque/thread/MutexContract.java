package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.libtorque.testkit.AllocationProbe;
import org.libtorque.testkit.Eventually;

/** Behaviours that the JSR-166 tests ask of locks, of {@link Mutex}. */
abstract class MutexContract {
    final Crew.Kind kind;
    private Crew crew;
    private final List<String> order = Collections.synchronizedList(new ArrayList<>());

    MutexContract(Crew.Kind kind) { this.kind = kind; }

    @AfterAll static void endRuntime() { Crew.endRuntime(); }

    @BeforeEach void open() { crew = new Crew(kind); }

    @AfterEach void close() { crew.close(); }

    /** Starts threads that queue for it, one after the other, and write down their names when they have it. */
    private void queue(Mutex mutex, String... names) {
        for (String name : names) {
            int before = mutex.waiterCount();
            crew.start(() -> {
                mutex.lock();
                order.add(name);
                mutex.unlock();
            }, () -> mutex.waiterCount() > before);
        }
    }

    @ParameterizedTest @CsvSource({"0", "1", "256"})
    void onlyOneThreadHoldsItAtATime(int maxPassed) {
        var mutex = new Mutex(false, maxPassed);
        int[] count = {0};
        for (int i = 0; i < 8; i++) {
            crew.start(() -> {
                for (int k = 0; k < 2_000; k++) {
                    mutex.lock();
                    count[0]++;
                    if (k % 64 == 0) Thread.yield();
                    mutex.unlock();
                }
            });
        }
        crew.join();
        assertEquals(8 * 2_000, count[0]);
        mutex.checkInvariants();
        assertFalse(mutex.isLocked());
    }

    @Test void aThousandThreadsWaitAndAllGetIt() {
        var mutex = new Mutex();
        int[] count = {0};
        mutex.lock();
        int n = kind == Crew.Kind.PLATFORM ? 100 : 1_000;
        for (int i = 0; i < n; i++) {
            crew.start(() -> {
                mutex.lock();
                count[0]++;
                mutex.unlock();
            });
        }
        Eventually.await("all wait", () -> mutex.waiterCount() == n);
        mutex.unlock();
        crew.join();
        assertEquals(n, count[0]);
    }

    @Test void unlockingWhatOneDoesNotHoldIsRefused() {
        var mutex = new Mutex();
        assertThrows(IllegalMonitorStateException.class, mutex::unlock);
        mutex.lock();
        crew.start(() -> assertThrows(IllegalMonitorStateException.class, mutex::unlock));
        crew.join();
        assertTrue(mutex.isHeldByCurrentThread());
        mutex.unlock();
        assertThrows(IllegalMonitorStateException.class, mutex::unlock);
    }

    @Test void lockingTwiceIsRefusedUnlessItIsRecursive() throws InterruptedException {
        var mutex = new Mutex();
        mutex.lock();
        assertThrows(IllegalMonitorStateException.class, mutex::lock);
        assertThrows(IllegalMonitorStateException.class, mutex::lockInterruptibly);
        assertFalse(mutex.tryLock());
        assertFalse(mutex.tryLock(1, TimeUnit.DAYS));
        assertEquals(1, mutex.holdCount());
        mutex.unlock();
        assertFalse(mutex.isLocked());
    }

    @Test void aRecursiveOneIsFreeWhenItHasBeenUnlockedAsOften() throws InterruptedException {
        var mutex = Mutex.recursive();
        mutex.lock();
        mutex.lockInterruptibly();
        assertTrue(mutex.tryLock());
        assertTrue(mutex.tryLock(1, TimeUnit.NANOSECONDS));
        assertEquals(4, mutex.holdCount());
        queue(mutex, "other");
        for (int i = 3; i >= 0; i--) {
            assertTrue(order.isEmpty());
            mutex.unlock();
            assertEquals(i, mutex.holdCount());
        }
        crew.join();
        assertEquals(List.of("other"), order);
    }

    @Test void tryLockDoesNotWait() {
        var mutex = new Mutex();
        assertTrue(mutex.tryLock());
        crew.start(() -> assertFalse(mutex.tryLock()));
        crew.join();
        mutex.unlock();
        crew.start(() -> {
            assertTrue(mutex.tryLock());
            mutex.unlock();
        });
        crew.join();
    }

    @Test void aTimedLockGivesUpWhenTheTimeIsOver() {
        var mutex = new Mutex();
        mutex.lock();
        crew.start(() -> {
            long start = System.nanoTime();
            assertFalse(mutex.tryLock(20, TimeUnit.MILLISECONDS));
            assertTrue(System.nanoTime() - start >= 20_000_000, "too early");
            assertFalse(mutex.tryLock(0, TimeUnit.MILLISECONDS));
            assertFalse(mutex.tryLock(-1, TimeUnit.MILLISECONDS));
        });
        crew.join();
        assertEquals(0, mutex.waiterCount());
        mutex.checkInvariants();
        mutex.unlock();
    }

    @Test void aTimedLockSucceedsInTime() {
        var mutex = new Mutex();
        mutex.lock();
        crew.start(() -> {
            assertTrue(mutex.tryLock(Long.MAX_VALUE, TimeUnit.DAYS));
            mutex.unlock();
        }, () -> mutex.waiterCount() == 1);
        mutex.unlock();
        crew.join();
    }

    @Test void anInterruptEndsAnInterruptibleWait() {
        var mutex = new Mutex();
        mutex.lock();
        for (boolean timed : new boolean[] {false, true}) {
            Thread waiter = crew.start(() -> {
                assertThrows(InterruptedException.class, () -> {
                    if (timed) mutex.tryLock(1, TimeUnit.DAYS);
                    else mutex.lockInterruptibly();
                });
                assertFalse(Thread.currentThread().isInterrupted(), "the interrupt is taken");
                assertFalse(mutex.isHeldByCurrentThread());
            }, () -> mutex.waiterCount() == 1);
            waiter.interrupt();
            crew.join();
            assertEquals(0, mutex.waiterCount());
            mutex.checkInvariants();
        }
        mutex.unlock();
    }

    @Test void whoIsInterruptedAlreadyIsToldEvenIfItIsFree() {
        var mutex = new Mutex();
        crew.start(() -> {
            Thread.currentThread().interrupt();
            assertThrows(InterruptedException.class, mutex::lockInterruptibly);
            Thread.currentThread().interrupt();
            assertThrows(InterruptedException.class, () -> mutex.tryLock(1, TimeUnit.DAYS));
            assertFalse(mutex.isLocked());
        });
        crew.join();
    }

    @Test void anInterruptDoesNotEndAnOrdinaryWaitAndStays() {
        var mutex = new Mutex();
        mutex.lock();
        Thread waiter = crew.start(() -> {
            mutex.lock();
            assertTrue(Thread.currentThread().isInterrupted());
            order.add("got it");
            mutex.unlock();
        }, () -> mutex.waiterCount() == 1);
        waiter.interrupt();
        assertEquals(1, mutex.waiterCount());
        assertTrue(order.isEmpty());
        mutex.unlock();
        crew.join();
        assertEquals(List.of("got it"), order);
    }

    @ParameterizedTest @CsvSource({"0", "256"})
    void waitersAreServedInTheOrderInWhichTheyCame(int maxPassed) {
        var mutex = new Mutex(false, maxPassed);
        mutex.lock();
        queue(mutex, "a", "b", "c", "d", "e");
        mutex.unlock();
        crew.join();
        assertEquals(List.of("a", "b", "c", "d", "e"), order);
    }

    @Test void whoGivesUpIsLeftOutOfTheOrder() {
        var mutex = new Mutex();
        mutex.lock();
        queue(mutex, "a");
        Thread b = crew.start(() -> assertThrows(InterruptedException.class, mutex::lockInterruptibly), () -> mutex.waiterCount() == 2);
        queue(mutex, "c");
        b.interrupt();
        Eventually.await("b has left", () -> mutex.waiterCount() == 2);
        mutex.unlock();
        crew.join();
        assertEquals(List.of("a", "c"), order);
        mutex.checkInvariants();
    }

    /** A barging newcomer: this thread, which unlocks and locks again before the waiter it woke can come. */
    @ParameterizedTest @CsvSource({"0", "1", "10"})
    void theFirstWaiterIsPassedABoundedNumberOfTimes(int maxPassed) {
        var mutex = new Mutex(false, maxPassed);
        mutex.lock();
        queue(mutex, "waiter");
        int passed = 0;
        for (;;) {
            mutex.unlock();
            if (!mutex.tryLock()) break;
            if (!order.isEmpty()) { // it was quicker
                mutex.unlock();
                break;
            }
            assertTrue(++passed <= maxPassed, "passed more often than allowed");
        }
        crew.join();
        assertEquals(List.of("waiter"), order);
    }

    @Test void theFairOneIsHandedOverSoThatNobodyComesBetween() {
        var mutex = Mutex.fair();
        mutex.lock();
        queue(mutex, "waiter");
        mutex.unlock();
        mutex.lock();
        assertEquals(List.of("waiter"), order, "it came first");
        mutex.unlock();
    }

    @Test void lockingAndUnlockingAllocatesNothing() {
        var mutex = Mutex.recursive();
        AllocationProbe.assertAllocatesNothing(20_000, 1_000, () -> {
            mutex.lock();
            mutex.lock();
            mutex.unlock();
            mutex.unlock();
            if (mutex.tryLock()) mutex.unlock();
        });
    }

    @Test void itSaysWhoHoldsIt() {
        var mutex = new Mutex();
        assertEquals("mutex[free]", mutex.toString());
        mutex.lock();
        assertEquals("mutex[held by " + Thread.currentThread().getName() + "]", mutex.toString());
        mutex.unlock();
        assertThrows(IllegalArgumentException.class, () -> new Mutex(false, -1));
    }
}
