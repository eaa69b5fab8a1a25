package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Date;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.libtorque.testkit.Eventually;

/** Behaviours that the JSR-166 tests ask of conditions, of {@link CondVar}. */
abstract class CondVarContract {
    final Crew.Kind kind;
    private Crew crew;
    private final Mutex mutex = Mutex.recursive();
    private final CondVar variable = mutex.newCondition();
    private final List<String> order = Collections.synchronizedList(new ArrayList<>());

    CondVarContract(Crew.Kind kind) { this.kind = kind; }

    @AfterAll static void endRuntime() { Crew.endRuntime(); }

    @BeforeEach void open() { crew = new Crew(kind); }

    @AfterEach void close() { crew.close(); }

    private int waiters() {
        mutex.lock();
        int n = variable.waiterCount();
        mutex.unlock();
        return n;
    }

    private Thread waiter(String name, Crew.Body wait) {
        int before = waiters();
        return crew.start(() -> {
            mutex.lock();
            wait.run();
            assertEquals(1, mutex.holdCount());
            order.add(name);
            mutex.unlock();
        }, () -> waiters() == before + 1);
    }

    private void signal() {
        mutex.lock();
        variable.signal();
        mutex.unlock();
    }

    @Test void everythingNeedsTheMutex() {
        assertThrows(IllegalMonitorStateException.class, variable::await);
        assertThrows(IllegalMonitorStateException.class, variable::awaitUninterruptibly);
        assertThrows(IllegalMonitorStateException.class, () -> variable.awaitNanos(1));
        assertThrows(IllegalMonitorStateException.class, () -> variable.await(1, TimeUnit.NANOSECONDS));
        assertThrows(IllegalMonitorStateException.class, () -> variable.awaitUntil(new Date()));
        assertThrows(IllegalMonitorStateException.class, variable::signal);
        assertThrows(IllegalMonitorStateException.class, variable::signalAll);
        assertThrows(IllegalMonitorStateException.class, variable::waiterCount);
        mutex.lock();
        crew.start(() -> assertThrows(IllegalMonitorStateException.class, variable::signal));
        crew.join();
        variable.signal();
        variable.signalAll();
        mutex.unlock();
    }

    @Test void aSignalLetsTheOneGoThatCameFirst() {
        for (String name : List.of("a", "b", "c")) waiter(name, variable::await);
        for (int i = 1; i <= 3; i++) {
            signal();
            int n = i;
            Eventually.await("one goes on", () -> order.size() == n);
            assertEquals(3 - i, waiters());
        }
        crew.join();
        assertEquals(List.of("a", "b", "c"), order);
    }

    @Test void aSignalToAllLetsAllGoInOrder() {
        for (String name : List.of("a", "b", "c", "d")) waiter(name, variable::awaitUninterruptibly);
        mutex.lock();
        variable.signalAll();
        assertEquals(0, variable.waiterCount());
        assertEquals(4, mutex.waiterCount(), "they wait for the mutex");
        assertTrue(order.isEmpty());
        mutex.unlock();
        crew.join();
        assertEquals(List.of("a", "b", "c", "d"), order);
    }

    @Test void aSignalThatFindsNobodyIsNotKept() throws InterruptedException {
        mutex.lock();
        variable.signal();
        assertTrue(variable.awaitNanos(1_000_000) <= 0);
        mutex.unlock();
    }

    @Test void aWaiterGivesTheMutexUpHoweverOftenItHoldsIt() {
        crew.start(() -> {
            mutex.lock();
            mutex.lock();
            mutex.lock();
            variable.await();
            assertEquals(3, mutex.holdCount());
            for (int i = 0; i < 3; i++) mutex.unlock();
        }, () -> mutex.tryLock() && unlockAnd(variable.waiterCount() == 1));
        signal();
        crew.join();
        assertFalse(mutex.isLocked());
    }

    private boolean unlockAnd(boolean result) {
        mutex.unlock();
        return result;
    }

    @Test void anInterruptEndsTheWaitAndTheMutexIsHeldAgain() {
        List<Crew.Body> waits = List.of(variable::await, () -> variable.awaitNanos(Long.MAX_VALUE), () -> variable.await(1, TimeUnit.DAYS),
                () -> variable.awaitUntil(new Date(System.currentTimeMillis() + 100_000)));
        for (Crew.Body wait : waits) {
            Thread thread = waiter("interrupted", () -> {
                assertThrows(InterruptedException.class, wait::run);
                assertFalse(Thread.currentThread().isInterrupted());
            });
            thread.interrupt();
            crew.join();
        }
        assertEquals(4, order.size());
        assertEquals(0, waiters());
    }

    @Test void whoIsInterruptedBeforeDoesNotWait() {
        crew.start(() -> {
            mutex.lock();
            Thread.currentThread().interrupt();
            assertThrows(InterruptedException.class, variable::await);
            assertTrue(mutex.isHeldByCurrentThread());
            mutex.unlock();
        });
        crew.join();
    }

    @Test void anInterruptDoesNotEndAnUninterruptibleWaitAndStays() {
        Thread thread = waiter("signalled", () -> {
            variable.awaitUninterruptibly();
            assertTrue(Thread.currentThread().isInterrupted());
        });
        thread.interrupt();
        mutex.lock();
        assertEquals(1, variable.waiterCount());
        mutex.unlock();
        signal();
        crew.join();
        assertEquals(List.of("signalled"), order);
    }

    @Test void anInterruptBehindASignalDoesNotTakeItAway() {
        Thread thread = waiter("signalled", () -> {
            variable.await();
            assertTrue(Thread.currentThread().isInterrupted());
        });
        waiter("second", variable::await);
        mutex.lock();
        variable.signal();
        thread.interrupt();
        mutex.unlock();
        Eventually.await("it goes on", () -> order.equals(List.of("signalled")));
        assertEquals(1, waiters(), "the signal was for one");
        signal();
        crew.join();
    }

    @Test void aSignalIsNotSpentOnWhoHasGivenUp() {
        Thread first = waiter("first", () -> assertThrows(InterruptedException.class, variable::await));
        waiter("second", variable::await);
        first.interrupt();
        Eventually.await("the first has left", () -> waiters() == 1);
        signal();
        crew.join();
        assertEquals(List.of("first", "second"), order);
    }

    @Test void timedWaitsEndWhenTheTimeIsOver() throws InterruptedException {
        mutex.lock();
        long start = System.nanoTime();
        assertTrue(variable.awaitNanos(5_000_000) <= 0);
        assertFalse(variable.await(5, TimeUnit.MILLISECONDS));
        assertTrue(System.nanoTime() - start >= 10_000_000);
        Date soon = new Date(System.currentTimeMillis() + 5);
        assertFalse(variable.awaitUntil(soon));
        assertFalse(variable.awaitUntil(new Date(0)));
        assertFalse(variable.await(-1, TimeUnit.DAYS));
        assertTrue(variable.awaitNanos(Long.MIN_VALUE) <= 0);
        assertFalse(variable.await(Long.MIN_VALUE, TimeUnit.DAYS));
        assertFalse(variable.awaitUntil(new Date(Long.MIN_VALUE)));
        assertEquals(0, variable.waiterCount());
        mutex.unlock();
    }

    @Test void timedWaitsSayThatTheyWereSignalled() {
        waiter("nanos", () -> assertTrue(variable.awaitNanos(TimeUnit.HOURS.toNanos(1)) > 0));
        waiter("unit", () -> assertTrue(variable.await(1, TimeUnit.HOURS)));
        waiter("until", () -> assertTrue(variable.awaitUntil(new Date(System.currentTimeMillis() + 3_600_000))));
        mutex.lock();
        variable.signalAll();
        mutex.unlock();
        crew.join();
        assertEquals(List.of("nanos", "unit", "until"), order);
    }

    @Test void producersAndConsumersPassEverythingOn() {
        int each = 2_000;
        var notFull = mutex.newCondition();
        var buffer = new ArrayList<Integer>();
        long[] sum = {0, 0};
        for (int p = 0; p < 3; p++) {
            crew.start(() -> {
                for (int i = 1; i <= each; i++) {
                    mutex.lock();
                    while (buffer.size() == 4) notFull.await();
                    buffer.add(i);
                    variable.signal();
                    mutex.unlock();
                }
            });
            crew.start(() -> {
                for (int i = 1; i <= each; i++) {
                    mutex.lock();
                    while (buffer.isEmpty()) variable.await();
                    sum[0] += buffer.removeLast();
                    sum[1]++;
                    notFull.signal();
                    mutex.unlock();
                }
            });
        }
        crew.join();
        assertEquals(3 * each, sum[1]);
        assertEquals(3L * each * (each + 1) / 2, sum[0]);
    }
}
