package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.libtorque.Torque;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Task;

/** What callbacks may do with synchronisers. */
class VcoreContextTest {
    private static void inCallback(Torque torque, Crew.Body body) throws Exception {
        var done = new CompletableFuture<Void>();
        new Task(torque.newColor()) {
            @Override protected void run() {
                try {
                    body.run();
                    done.complete(null);
                } catch (Throwable t) {
                    done.completeExceptionally(t);
                }
            }
        }.post();
        done.get(Eventually.limitSeconds(), TimeUnit.SECONDS);
    }

    @Test void aCallbackMayDoEverythingButWait() throws Exception {
        try (Torque torque = Runtimes.open(1)) {
            var mutex = new Mutex();
            var semaphore = new Semaphore(0);
            var lock = new RwLock();
            var barrier = new Barrier(2);
            var tree = new TreeBarrier(6);
            var futex = new Futex();
            mutex.lock();
            lock.writeLock().lock();
            inCallback(torque, () -> {
                assertThrows(IllegalStateException.class, mutex::lock);
                assertThrows(IllegalStateException.class, () -> mutex.tryLock(1, TimeUnit.DAYS));
                assertThrows(IllegalStateException.class, semaphore::acquire);
                assertThrows(IllegalStateException.class, () -> lock.readLock().lock());
                assertThrows(IllegalStateException.class, () -> lock.writeLock().lock());
                assertThrows(IllegalStateException.class, barrier::await);
                assertThrows(IllegalStateException.class, () -> tree.await(1));
                assertThrows(IllegalStateException.class, () -> futex.await(0));
                assertFalse(mutex.tryLock());
                assertFalse(lock.readLock().tryLock());
                semaphore.release();
            });
            mutex.unlock();
            lock.writeLock().unlock();
            inCallback(torque, () -> {
                mutex.lock();
                var variable = mutex.newCondition();
                assertThrows(IllegalStateException.class, variable::await);
                variable.signal();
                mutex.unlock();
                lock.writeLock().lock();
                lock.writeLock().unlock();
                semaphore.acquire();
            });
            assertEquals(0, mutex.waiterCount() + semaphore.waiterCount() + lock.waiterCount() + barrier.waiting() + futex.wakeAll());
            assertFalse(barrier.isBroken());
        }
    }
}
