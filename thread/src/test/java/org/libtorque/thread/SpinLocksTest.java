package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.libtorque.testkit.AllocationProbe;

class SpinLocksTest {
    /** A lock as one thread uses it. */
    private interface Use {
        void lock();

        boolean tryLock();

        void unlock();
    }

    private static Use use(SpinLock lock) {
        return new Use() {
            @Override public void lock() { lock.lock(); }

            @Override public boolean tryLock() { return lock.tryLock(); }

            @Override public void unlock() { lock.unlock(); }
        };
    }

    private static Use use(McsLock lock) {
        var node = new McsLock.Node();
        return new Use() {
            @Override public void lock() { lock.lock(node); }

            @Override public boolean tryLock() { return lock.tryLock(node); }

            @Override public void unlock() { lock.unlock(node); }
        };
    }

    private static Use use(PdrLock lock) {
        var me = PdrLock.Member.ofCurrentThread();
        return new Use() {
            @Override public void lock() { lock.lock(me); }

            @Override public boolean tryLock() { return lock.tryLock(me); }

            @Override public void unlock() { lock.unlock(me); }
        };
    }

    private static void assertExcludes(Supplier<Use> uses, int times) {
        long[] count = {0, 0};
        try (var crew = new Crew(Crew.Kind.PLATFORM)) {
            for (int i = 0; i < 3; i++) {
                crew.start(() -> {
                    Use use = uses.get();
                    for (int k = 0; k < times; k++) {
                        if (k % 2 == 0 || !use.tryLock()) use.lock();
                        count[0]++;
                        count[1] = 3 * count[0];
                        use.unlock();
                        if (k % 256 == 0) Thread.yield();
                    }
                });
            }
            crew.join();
        }
        assertEquals(3L * times, count[0]);
        assertEquals(9L * times, count[1]);
    }

    @Test void aSpinLockLetsOneThreadIn() {
        var lock = new SpinLock();
        assertExcludes(() -> use(lock), 20_000);
        assertFalse(lock.isLocked());
    }

    /** Few, since more threads than CPUs wait in line here, and whose turn it is may not be running. */
    @Test void anMcsLockLetsOneThreadIn() {
        var lock = new McsLock();
        assertExcludes(() -> use(lock), 200);
        assertFalse(lock.isLocked());
    }

    @Test void aPdrLockLetsOneThreadIn() {
        var lock = new PdrLock();
        assertExcludes(() -> use(lock), 20_000);
        assertFalse(lock.isLocked());
    }

    @Test void tryingDoesNotWait() {
        var spin = new SpinLock();
        var mcs = new McsLock();
        var pdr = new PdrLock();
        for (Use use : new Use[] {use(spin), use(mcs), use(pdr)}) {
            assertTrue(use.tryLock());
            assertFalse(use.tryLock());
            use.unlock();
            assertTrue(use.tryLock());
            use.unlock();
        }
    }

    @Test void misuseIsRefused() throws InterruptedException {
        assertThrows(IllegalMonitorStateException.class, new SpinLock()::unlock);
        var lock = new PdrLock();
        var me = PdrLock.Member.ofCurrentThread();
        assertThrows(IllegalMonitorStateException.class, () -> lock.unlock(me));
        Thread.ofVirtual().start(() -> assertThrows(IllegalStateException.class, PdrLock.Member::ofCurrentThread)).join();
    }

    @Test void nothingIsAllocated() {
        for (Use use : new Use[] {use(new SpinLock()), use(new McsLock()), use(new PdrLock())}) {
            AllocationProbe.assertAllocatesNothing(20_000, 1_000, () -> {
                use.lock();
                use.unlock();
            });
        }
    }
}
