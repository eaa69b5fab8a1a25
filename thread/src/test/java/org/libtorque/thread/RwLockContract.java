package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.libtorque.testkit.AllocationProbe;
import org.libtorque.testkit.Eventually;

/** Behaviours that the JSR-166 tests ask of read-write locks, and phase-fairness, of {@link RwLock}. */
abstract class RwLockContract {
    final Crew.Kind kind;
    private Crew crew;
    private final RwLock lock = new RwLock();
    private final Lock read = lock.readLock(), write = lock.writeLock();
    private final List<String> order = Collections.synchronizedList(new ArrayList<>());

    RwLockContract(Crew.Kind kind) { this.kind = kind; }

    @AfterAll static void endRuntime() { Crew.endRuntime(); }

    @BeforeEach void open() { crew = new Crew(kind); }

    @AfterEach void close() {
        crew.close();
        lock.checkInvariants();
        assertEquals("read-write lock[0 readers]", lock.toString());
    }

    /** A thread that queues, writes its name down when it is in, and leaves when {@code until} has as many permits. */
    private Thread waiter(Lock side, String name, Semaphore until) {
        int before = lock.waiterCount();
        return crew.start(() -> {
            side.lock();
            order.add(name);
            until.acquire();
            side.unlock();
        }, () -> lock.waiterCount() == before + 1);
    }

    @Test void writersAreAloneAndReadersAreNot() {
        int[] count = {0};
        for (int i = 0; i < 6; i++) {
            boolean writes = i % 2 == 0;
            crew.start(() -> {
                for (int k = 0; k < 1_000; k++) {
                    Lock side = writes ? write : read;
                    side.lock();
                    if (writes) count[0]++;
                    else assertTrue(lock.readerCount() > 0 && !lock.isWriteLocked());
                    side.unlock();
                }
            });
        }
        crew.join();
        assertEquals(3_000, count[0]);
    }

    @Test void manyReadAtATime() {
        var until = new Semaphore(0);
        for (int i = 0; i < 5; i++) {
            crew.start(() -> {
                read.lock();
                until.acquire();
                read.unlock();
            });
        }
        Eventually.await("all are in", () -> lock.readerCount() == 5);
        assertFalse(write.tryLock());
        until.release(5);
        crew.join();
        assertTrue(write.tryLock());
        assertFalse(read.tryLock());
        write.unlock();
    }

    @Test void whoComesWhileAWriterWaitsWaitsToo() {
        var until = new Semaphore(0);
        read.lock();
        waiter(write, "writer", until);
        assertFalse(read.tryLock(), "nobody overtakes");
        waiter(read, "reader", until);
        read.unlock();
        Eventually.await("the writer is in", () -> order.equals(List.of("writer")));
        until.release(2);
        crew.join();
        assertEquals(List.of("writer", "reader"), order);
    }

    @Test void whenAWriterEndsAllReadersGoInBeforeTheNextWriter() {
        var until = new Semaphore(0);
        write.lock();
        waiter(write, "writer", until);
        waiter(read, "reader", until);
        waiter(read, "reader", until);
        write.unlock();
        Eventually.await("the readers are in", () -> order.size() == 2 && lock.readerCount() == 2);
        assertEquals(Set.of("reader"), Set.copyOf(order));
        waiter(read, "late", until);
        until.release(2);
        Eventually.await("the writer is in", () -> order.size() == 3);
        assertEquals("writer", order.getLast());
        until.release(2);
        crew.join();
        assertEquals("late", order.getLast());
    }

    @Test void readersGoInWhenTheWriterTheyWaitedBehindGivesUp() {
        var until = new Semaphore(1);
        read.lock();
        Thread writer = crew.start(() -> assertThrows(InterruptedException.class, write::lockInterruptibly), () -> lock.waiterCount() == 1);
        waiter(read, "reader", until);
        writer.interrupt();
        crew.join();
        assertEquals(List.of("reader"), order);
        read.unlock();
    }

    @Test void aWriterBecomesAReaderWithoutAnybodyBetween() {
        var until = new Semaphore(2);
        write.lock();
        waiter(write, "writer", until);
        waiter(read, "reader", until);
        lock.downgrade();
        assertFalse(lock.isWriteLocked());
        Eventually.await("the reader goes in with it", () -> order.equals(List.of("reader")));
        assertThrows(IllegalMonitorStateException.class, write::unlock);
        read.unlock();
        crew.join();
        assertEquals(List.of("reader", "writer"), order);
        write.lock();
        lock.downgrade();
        read.unlock();
        assertThrows(IllegalMonitorStateException.class, lock::downgrade);
    }

    @Test void misuseIsRefused() {
        assertThrows(IllegalMonitorStateException.class, read::unlock);
        assertThrows(IllegalMonitorStateException.class, write::unlock);
        write.lock();
        assertThrows(IllegalMonitorStateException.class, write::lock);
        assertThrows(IllegalMonitorStateException.class, read::lock);
        assertFalse(read.tryLock());
        assertFalse(write.tryLock());
        crew.start(() -> assertThrows(IllegalMonitorStateException.class, write::unlock));
        crew.join();
        assertTrue(lock.isWriteLockedByCurrentThread());
        write.unlock();
        assertThrows(UnsupportedOperationException.class, read::newCondition);
        assertThrows(UnsupportedOperationException.class, write::newCondition);
    }

    @Test void timedWaitsGiveUpWhenTheTimeIsOver() {
        write.lock();
        for (Lock side : List.of(read, write)) {
            crew.start(() -> {
                long start = System.nanoTime();
                assertFalse(side.tryLock(10, TimeUnit.MILLISECONDS));
                assertTrue(System.nanoTime() - start >= 10_000_000);
                assertFalse(side.tryLock(0, TimeUnit.MILLISECONDS));
            });
        }
        crew.join();
        assertEquals(0, lock.waiterCount());
        for (Lock side : List.of(read, write)) {
            int before = lock.waiterCount();
            crew.start(() -> {
                assertTrue(side.tryLock(1, TimeUnit.DAYS));
                side.unlock();
            }, () -> lock.waiterCount() == before + 1);
        }
        write.unlock();
        crew.join();
    }

    @Test void anInterruptEndsAnInterruptibleWaitOnly() {
        write.lock();
        for (Lock side : List.of(read, write)) {
            Thread thread = crew.start(() -> assertThrows(InterruptedException.class, side::lockInterruptibly), () -> lock.waiterCount() == 1);
            thread.interrupt();
            crew.join();
            thread = crew.start(() -> assertThrows(InterruptedException.class, () -> side.tryLock(1, TimeUnit.DAYS)), () -> lock.waiterCount() == 1);
            thread.interrupt();
            crew.join();
        }
        for (Lock side : List.of(read, write)) {
            int before = lock.waiterCount();
            crew.start(() -> {
                side.lock();
                assertTrue(Thread.currentThread().isInterrupted());
                side.unlock();
            }, () -> lock.waiterCount() == before + 1).interrupt();
        }
        write.unlock();
        crew.join();
        crew.start(() -> {
            for (Lock side : List.of(read, write)) {
                Thread.currentThread().interrupt();
                assertThrows(InterruptedException.class, side::lockInterruptibly);
            }
        });
        crew.join();
    }

    @Test void nobodyStarvesUnderAStreamOfReadersOrWriters() {
        boolean[] stop = {false};
        for (int i = 0; i < 3; i++) {
            boolean writes = i == 0;
            crew.start(() -> {
                Lock side = writes ? write : read;
                boolean ends = false;
                for (int k = 1; !ends; k++) {
                    side.lock();
                    ends = stop[0];
                    side.unlock();
                    // Where there is one CPU, the JDK has one carrier for all virtual threads; and of those that yield, two keep it between them.
                    if (k % 64 == 0) LockSupport.parkNanos(1);
                }
            });
        }
        crew.start(() -> {
            for (int k = 0; k < 500; k++) {
                write.lock();
                write.unlock();
                read.lock();
                read.unlock();
            }
            write.lock();
            stop[0] = true;
            write.unlock();
        });
        crew.join();
    }

    @Test void takingItAllocatesNothing() {
        AllocationProbe.assertAllocatesNothing(20_000, 1_000, () -> {
            read.lock();
            read.unlock();
            write.lock();
            lock.downgrade();
            read.unlock();
        });
    }
}
