package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** What interleavings are explored of. Everything here is woven and runs on one thread, so plain fields are what the actors share. */
final class Scenarios {
    private Scenarios() {}

    /** Counts who is in a critical section, with a switch inside. */
    private static final class Section {
        int readers, writers, entries;

        void write() {
            assertTrue(readers == 0 && writers == 0, "not alone");
            writers++;
            entries++;
            Interleaver.step();
            writers--;
        }

        void read() {
            assertEquals(0, writers, "somebody writes");
            readers++;
            entries++;
            Interleaver.step();
            readers--;
        }
    }

    /** Interrupts some actors some times. */
    private static Scenario.Body interrupter(SplittableRandom random, Thread[] threads) {
        int times = random.nextInt(3);
        int[] whom = random.ints(times, 0, threads.length).toArray();
        return () -> {
            for (int i : whom) {
                for (int n = 0; n < 5; n++) Interleaver.step();
                if (threads[i] != null) threads[i].interrupt();
            }
        };
    }

    public static final class OfMutex implements Scenario {
        private Mutex mutex;
        private final Section section = new Section();
        private int expected;

        @Override public void actors(SplittableRandom random, List<Body> bodies) {
            int[] bounds = {0, 1, 2, 256};
            boolean recursive = random.nextBoolean();
            mutex = new Mutex(recursive, bounds[random.nextInt(bounds.length)]);
            int n = 2 + random.nextInt(3);
            var threads = new Thread[n];
            for (int i = 0; i < n; i++) {
                int me = i;
                int[] plan = random.ints(1 + random.nextInt(4), 0, 5).toArray();
                long patience = random.nextInt(2_000);
                bodies.add(() -> {
                    threads[me] = Thread.currentThread();
                    for (int how : plan) {
                        boolean got = true;
                        try {
                            switch (how) {
                                case 0 -> got = mutex.tryLock();
                                case 1 -> got = mutex.tryLockNanos(patience);
                                case 2 -> mutex.lockInterruptibly();
                                default -> mutex.lock();
                            }
                        } catch (InterruptedException e) {
                            got = false;
                        }
                        if (!got) continue;
                        expected++;
                        if (recursive) mutex.lock();
                        section.write();
                        if (recursive) mutex.unlock();
                        assertTrue(mutex.isHeldByCurrentThread());
                        mutex.unlock();
                    }
                });
            }
            bodies.add(interrupter(random, threads));
        }

        @Override public void check() {
            mutex.checkInvariants();
            assertEquals(expected, section.entries);
            assertEquals(0, mutex.waiterCount());
            assertTrue(!mutex.isLocked());
        }
    }

    /** A bounded buffer with two condition variables. */
    public static final class OfCondVar implements Scenario {
        private Mutex mutex;
        private CondVar notEmpty, notFull;
        private final List<Integer> buffer = new ArrayList<>();
        private int capacity, produced, consumed, total;

        @Override public void actors(SplittableRandom random, List<Body> bodies) {
            mutex = random.nextBoolean() ? new Mutex(random.nextBoolean(), random.nextInt(3)) : new Mutex();
            notEmpty = mutex.newCondition();
            notFull = mutex.newCondition();
            capacity = 1 + random.nextInt(2);
            int producers = 1 + random.nextInt(2), consumers = 1 + random.nextInt(3), each = 1 + random.nextInt(3);
            boolean all = random.nextBoolean();
            total = producers * each;
            var threads = new Thread[consumers];
            for (int i = 0; i < producers; i++) {
                bodies.add(() -> {
                    for (int k = 0; k < each; k++) {
                        mutex.lock();
                        while (buffer.size() == capacity) notFull.awaitUninterruptibly();
                        buffer.add(produced++);
                        if (all) notEmpty.signalAll();
                        else notEmpty.signal();
                        mutex.unlock();
                    }
                });
            }
            for (int i = 0; i < consumers; i++) {
                int me = i;
                boolean timed = random.nextBoolean(), interruptible = random.nextBoolean();
                long patience = random.nextInt(1_000);
                bodies.add(() -> {
                    threads[me] = Thread.currentThread();
                    mutex.lock();
                    while (consumed < total) {
                        if (buffer.isEmpty()) {
                            try {
                                if (timed) notEmpty.awaitNanos(patience);
                                else if (interruptible) notEmpty.await();
                                else notEmpty.awaitUninterruptibly();
                            } catch (InterruptedException e) {
                                assertTrue(mutex.isHeldByCurrentThread());
                            }
                        } else {
                            buffer.removeFirst();
                            if (++consumed == total) notEmpty.signalAll();
                            if (all) notFull.signalAll();
                            else notFull.signal();
                        }
                    }
                    mutex.unlock();
                });
            }
            bodies.add(interrupter(random, threads));
        }

        @Override public void check() {
            mutex.checkInvariants();
            assertEquals(total, consumed);
            assertTrue(!mutex.isLocked());
        }
    }

    public static final class OfSemaphore implements Scenario {
        private Semaphore semaphore;
        private int permits, out;

        @Override public void actors(SplittableRandom random, List<Body> bodies) {
            permits = 1 + random.nextInt(4);
            semaphore = new Semaphore(permits);
            int n = 2 + random.nextInt(3);
            var threads = new Thread[n];
            for (int i = 0; i < n; i++) {
                int me = i;
                int[] plan = random.ints(1 + random.nextInt(4), 0, 4).toArray();
                int want = 1 + random.nextInt(permits);
                long patience = random.nextInt(1_500);
                bodies.add(() -> {
                    threads[me] = Thread.currentThread();
                    for (int how : plan) {
                        boolean got = true;
                        try {
                            switch (how) {
                                case 0 -> got = semaphore.tryAcquire(want);
                                case 1 -> got = semaphore.tryAcquireNanos(want, patience);
                                case 2 -> semaphore.acquire(want);
                                default -> semaphore.acquireUninterruptibly(want);
                            }
                        } catch (InterruptedException e) {
                            got = false;
                        }
                        if (!got) continue;
                        out += want;
                        assertTrue(out <= permits, "more permits are out than there were");
                        Interleaver.step();
                        out -= want;
                        semaphore.release(want);
                    }
                });
            }
            bodies.add(interrupter(random, threads));
        }

        @Override public void check() {
            semaphore.checkInvariants();
            assertEquals(permits, semaphore.availablePermits());
            assertEquals(0, semaphore.waiterCount());
        }
    }

    public static final class OfRwLock implements Scenario {
        private RwLock lock;
        private final Section section = new Section();
        private int expected;

        @Override public void actors(SplittableRandom random, List<Body> bodies) {
            lock = new RwLock();
            int n = 3 + random.nextInt(3);
            var threads = new Thread[n];
            for (int i = 0; i < n; i++) {
                int me = i;
                int[] plan = random.ints(1 + random.nextInt(3), 0, 5).toArray();
                boolean[] writes = {random.nextInt(3) == 0, random.nextInt(3) == 0, random.nextInt(3) == 0};
                boolean downgrades = random.nextBoolean();
                long patience = random.nextInt(1_500);
                bodies.add(() -> {
                    threads[me] = Thread.currentThread();
                    for (int k = 0; k < plan.length; k++) {
                        var l = writes[k] ? lock.writeLock() : lock.readLock();
                        boolean got = true;
                        try {
                            switch (plan[k]) {
                                case 0 -> got = l.tryLock();
                                case 1 -> got = l.tryLock(patience, TimeUnit.NANOSECONDS);
                                case 2 -> l.lockInterruptibly();
                                default -> l.lock();
                            }
                        } catch (InterruptedException e) {
                            got = false;
                        }
                        if (!got) continue;
                        expected++;
                        if (writes[k]) section.write();
                        else section.read();
                        if (writes[k] && downgrades) {
                            lock.downgrade();
                            expected++;
                            section.read();
                            lock.readLock().unlock();
                        } else {
                            l.unlock();
                        }
                    }
                });
            }
            bodies.add(interrupter(random, threads));
        }

        @Override public void check() {
            lock.checkInvariants();
            assertEquals(expected, section.entries);
            assertEquals(0, lock.waiterCount());
            assertEquals(0, lock.readerCount());
            assertTrue(!lock.isWriteLocked());
        }
    }

    /** Rounds of a barrier, flat or a tree; nobody may leave a round before all have come. Some runs break it. */
    public static final class OfBarrier implements Scenario {
        private static final int ROUNDS = 4;
        private int parties;
        private final int[] came = new int[ROUNDS], left = new int[ROUNDS];
        private int actions;
        private boolean mayBreak;

        @Override public void actors(SplittableRandom random, List<Body> bodies) {
            boolean tree = random.nextBoolean();
            parties = tree ? 1 + random.nextInt(6) : 1 + random.nextInt(4);
            long spin = random.nextBoolean() ? 0 : 500;
            mayBreak = random.nextInt(3) == 0;
            Runnable action = () -> {
                Interleaver.step();
                actions++;
            };
            var flat = new Barrier(parties, action, spin);
            var leaves = new TreeBarrier(parties, action, spin);
            var threads = new Thread[parties];
            for (int i = 0; i < parties; i++) {
                int me = i;
                int impatientIn = mayBreak ? random.nextInt(2 * ROUNDS) : -1;
                long patience = random.nextInt(3_000);
                bodies.add(() -> {
                    threads[me] = Thread.currentThread();
                    for (int r = 0; r < ROUNDS; r++) {
                        came[r]++;
                        try {
                            if (r == impatientIn) {
                                if (tree) leaves.await(me, patience, TimeUnit.NANOSECONDS);
                                else flat.awaitNanos(patience);
                            } else if (mayBreak) {
                                if (tree) leaves.await(me);
                                else flat.await();
                            } else {
                                if (tree) leaves.awaitUninterruptibly(me);
                                else flat.awaitUninterruptibly();
                            }
                        } catch (BrokenBarrierException | TimeoutException | InterruptedException e) {
                            assertTrue(mayBreak, "nobody gives up");
                            return;
                        }
                        assertEquals(parties, came[r], "not all have come");
                        left[r]++;
                    }
                });
            }
            bodies.add(interrupter(random, threads));
        }

        @Override public void check() {
            int rounds = 0;
            for (int n : left) {
                assertTrue(n == 0 || n == parties, () -> "some left and others did not: " + Arrays.toString(left));
                if (n > 0) rounds++;
            }
            assertEquals(rounds, actions, "actions");
            if (!mayBreak) assertEquals(ROUNDS, rounds);
        }
    }

    /** More threads than parties come to a barrier. */
    public static final class OfBarrierWithMore implements Scenario {
        private int came, left;

        @Override public void actors(SplittableRandom random, List<Body> bodies) {
            int parties = 2 + random.nextInt(2);
            int n = parties * (1 + random.nextInt(3));
            var barrier = new Barrier(parties, () -> { }, 0);
            for (int i = 0; i < n; i++) {
                bodies.add(() -> {
                    came++;
                    barrier.await();
                    left++;
                    assertTrue(came >= (left + parties - 1) / parties * parties, "left before enough had come");
                });
            }
        }

        @Override public void check() { assertEquals(came, left); }
    }

    /** A barrier is reset while others come, by its action too; everybody gives up in time, so whoever is left has been forgotten. */
    public static final class OfBarrierReset implements Scenario {
        private boolean tree;
        private Barrier flat;
        private TreeBarrier leaves;

        private void reset() {
            if (tree) leaves.reset();
            else flat.reset();
        }

        @Override public void actors(SplittableRandom random, List<Body> bodies) {
            tree = random.nextBoolean();
            int parties = 1 + random.nextInt(tree ? 6 : 3);
            boolean inAction = random.nextBoolean();
            Runnable action = () -> {
                Interleaver.step();
                if (inAction) reset();
            };
            flat = new Barrier(parties, action, 0);
            leaves = new TreeBarrier(parties, action, 0);
            for (int i = 0; i < parties + (tree ? 0 : 1); i++) {
                int me = i;
                long patience = random.nextInt(3_000);
                bodies.add(() -> {
                    for (int r = 0; r < 2; r++) {
                        try {
                            if (tree) leaves.await(me, patience, TimeUnit.NANOSECONDS);
                            else flat.awaitNanos(patience);
                        } catch (BrokenBarrierException | TimeoutException e) {
                            // what a reset and another's impatience are for
                        }
                    }
                });
            }
            bodies.add(() -> {
                for (int n = 0; n < 5; n++) Interleaver.step();
                reset();
                reset();
            });
        }

        @Override public void check() {
            reset();
            assertTrue(!flat.isBroken() || tree, "a reset barrier is broken");
            assertTrue(!leaves.isBroken() || !tree, "a reset tree is broken");
        }
    }

    /** The mutex of Drepper's "Futexes are tricky": 0 free, 1 locked, 2 locked and perhaps somebody waits; and a gate whose waiters are moved. */
    public static final class OfFutex implements Scenario {
        private final Futex word = new Futex(), gate = new Futex(), second = new Futex();
        private final Section section = new Section();
        private int expected, through;
        private int n;

        private void lock(boolean timed, long patience) throws InterruptedException {
            if (word.compareAndSet(0, 1)) return;
            while (word.getAndSet(2) != 0) {
                if (timed) word.awaitNanos(2, patience);
                else word.awaitUninterruptibly(2);
            }
        }

        private void unlock() {
            if (word.getAndSet(0) == 2) word.wake(1);
        }

        @Override public void actors(SplittableRandom random, List<Body> bodies) {
            n = 2 + random.nextInt(3);
            int times = 1 + random.nextInt(3);
            boolean requeues = random.nextBoolean();
            for (int i = 0; i < n; i++) {
                boolean timed = random.nextInt(3) == 0, interruptible = random.nextBoolean();
                long patience = random.nextInt(500);
                bodies.add(() -> {
                    try {
                        while (gate.get() == 0) {
                            if (interruptible) gate.awaitNanos(0, 10_000);
                            else gate.awaitUninterruptibly(0);
                        }
                        through++;
                        if (requeues) {
                            second.set(1);
                            second.wakeAll();
                        }
                        for (int k = 0; k < times; k++) {
                            lock(timed, patience);
                            expected++;
                            section.write();
                            unlock();
                        }
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                });
            }
            bodies.add(() -> {
                gate.set(1);
                if (requeues) gate.requeue(1, Integer.MAX_VALUE, second);
                else gate.wakeAll();
                if (requeues) {
                    for (int k = 0; k < 3; k++) Interleaver.step();
                    second.wakeAll();
                }
            });
        }

        @Override public void check() {
            assertEquals(n, through);
            assertEquals(expected, section.entries);
            assertEquals(0, word.wakeAll() + gate.wakeAll() + second.wakeAll());
        }
    }

    /** Whatever is put into a bag comes out once. */
    public static final class OfWaitFreeList implements Scenario {
        private final WaitFreeList<int[]> list = new WaitFreeList<>();
        private int inserted, removed;

        @Override public void actors(SplittableRandom random, List<Body> bodies) {
            for (int i = random.nextInt(34); i > 0; i--) insert();
            for (int i = 0; i < 3; i++) {
                int[] plan = random.ints(1 + random.nextInt(8), 0, 2).toArray();
                bodies.add(() -> {
                    for (int what : plan) {
                        if (what == 0) insert();
                        else take();
                    }
                });
            }
        }

        private void insert() {
            list.insert(new int[1]);
            inserted++;
        }

        private boolean take() {
            int[] item = list.remove();
            if (item == null) return false;
            assertEquals(1, ++item[0], "taken twice");
            removed++;
            return true;
        }

        @Override public void check() {
            assertEquals(inserted - removed, list.size());
            while (take()) { }
            assertEquals(inserted, removed);
        }
    }

    /** The spin locks that know nothing of the kernel. */
    public static final class OfSpinLocks implements Scenario {
        private final SpinLock spin = new SpinLock();
        private final McsLock mcs = new McsLock();
        private final Section first = new Section(), second = new Section();
        private int expected;

        @Override public void actors(SplittableRandom random, List<Body> bodies) {
            for (int i = 0; i < 3; i++) {
                int times = 1 + random.nextInt(3);
                boolean tries = random.nextBoolean();
                bodies.add(() -> {
                    var node = new McsLock.Node();
                    for (int k = 0; k < times; k++) {
                        spin.lock();
                        first.write();
                        spin.unlock();
                        if (!tries || !mcs.tryLock(node)) mcs.lock(node);
                        second.write();
                        mcs.unlock(node);
                        expected++;
                    }
                });
            }
        }

        @Override public void check() {
            assertEquals(expected, first.entries);
            assertEquals(expected, second.entries);
            assertTrue(!spin.isLocked() && !mcs.isLocked());
        }
    }

    /** Events come while notifications go on and off; the flag stands for the task that is posted. */
    public static final class OfMailbox implements Scenario {
        private final Mailbox box = new Mailbox();
        private boolean notified;
        private int sent, handled, sendersLeft;

        @Override public void actors(SplittableRandom random, List<Body> bodies) {
            sendersLeft = 1 + random.nextInt(3);
            for (int i = sendersLeft; i > 0; i--) {
                int times = 1 + random.nextInt(3);
                bodies.add(() -> {
                    for (int k = 0; k < times; k++) {
                        sent++;
                        if (box.put(new VcoreEvents.Event(0, null))) notified = true;
                    }
                    sendersLeft--;
                });
            }
            int toggles = random.nextInt(6);
            boolean handlesAtOnce = random.nextBoolean();
            bodies.add(() -> {
                for (int k = 0; k < toggles; k++) {
                    box.disable();
                    if (k % 2 == 1) box.disable();
                    deliver();
                    if (handlesAtOnce) handle();
                    if (k % 2 == 1) assertTrue(!box.enable(), "still disabled");
                    if (box.enable()) notified = true;
                    deliver();
                }
                while (sendersLeft > 0) {
                    deliver();
                    Interleaver.step();
                }
                deliver();
            });
        }

        private void deliver() {
            if (!notified) return;
            notified = false;
            if (box.depth() == 0) handle();
        }

        private void handle() {
            for (VcoreEvents.Event e = box.takeAll(); e != null; e = e.next) handled++;
        }

        @Override public void check() {
            assertEquals(sent, handled, "an event was left without a notification");
            assertTrue(box.isEmpty());
        }
    }
}
