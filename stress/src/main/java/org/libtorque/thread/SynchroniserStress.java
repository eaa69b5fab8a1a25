package org.libtorque.thread;

import java.util.concurrent.BrokenBarrierException;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/**
 * Fast paths of the synchronisers: mutual exclusion, what is seen behind them, and no wake-up lost where a fast path meets a thread that is about to wait. A lost one shows as a test that
 * does not end.
 */
public class SynchroniserStress {
    /** Both take it, at the fast path or by waiting: neither's update is lost. */
    @JCStressTest
    @Outcome(id = "2", expect = Expect.ACCEPTABLE, desc = "one after the other")
    @Outcome(expect = Expect.FORBIDDEN, desc = "both at a time")
    @State public static class MutexExcludes {
        private final Mutex mutex = new Mutex();
        private int count;

        private void use() {
            mutex.lock();
            count++;
            mutex.unlock();
        }

        @Actor public void first() { use(); }

        @Actor public void second() { use(); }

        @Arbiter public void count(I_Result r) { r.r1 = count; }
    }

    /** The same, handed over. */
    @JCStressTest
    @Outcome(id = "4", expect = Expect.ACCEPTABLE, desc = "one after the other")
    @Outcome(expect = Expect.FORBIDDEN, desc = "two at a time")
    @State public static class FairMutexExcludes {
        private final Mutex mutex = Mutex.fair();
        private int count;

        private void use() {
            for (int i = 0; i < 2; i++) {
                mutex.lock();
                count++;
                mutex.unlock();
            }
        }

        @Actor public void first() { use(); }

        @Actor public void second() { use(); }

        @Arbiter public void count(I_Result r) { r.r1 = count; }
    }

    /** Two who only try: one has it. */
    @JCStressTest
    @Outcome(id = {"true, false", "false, true"}, expect = Expect.ACCEPTABLE, desc = "one has it")
    @Outcome(expect = Expect.FORBIDDEN, desc = "both or nobody")
    @State public static class MutexTries {
        private final Mutex mutex = new Mutex();

        @Actor public void first(ZZ_Result r) { r.r1 = mutex.tryLock(); }

        @Actor public void second(ZZ_Result r) { r.r2 = mutex.tryLock(); }
    }

    /** What was written under it is seen under it, all or nothing. */
    @JCStressTest
    @Outcome(id = {"0, 0", "1, 1"}, expect = Expect.ACCEPTABLE, desc = "before or after")
    @Outcome(expect = Expect.FORBIDDEN, desc = "in the middle")
    @State public static class MutexPublishes {
        private final Mutex mutex = new Mutex();
        private int a, b;

        @Actor public void writer() {
            mutex.lock();
            a = 1;
            b = 1;
            mutex.unlock();
        }

        @Actor public void reader(II_Result r) {
            mutex.lock();
            r.r1 = a;
            r.r2 = b;
            mutex.unlock();
        }
    }

    /** Somebody who gives up meets an unlock: the mutex is free afterwards, and nobody is left behind. */
    @JCStressTest
    @Outcome(id = "1", expect = Expect.ACCEPTABLE, desc = "free")
    @Outcome(expect = Expect.FORBIDDEN, desc = "nobody can have it any more")
    @State public static class MutexAndTimeout {
        private final Mutex mutex = new Mutex();

        @Actor public void holder() {
            mutex.lock();
            mutex.unlock();
        }

        @Actor public void impatient() {
            try {
                if (mutex.tryLockNanos(200)) mutex.unlock();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }

        @Arbiter public void free(I_Result r) {
            mutex.checkInvariants();
            r.r1 = mutex.tryLock() ? 1 : 0;
        }
    }

    /** A signal meets a wait. */
    @JCStressTest
    @Outcome(id = "1", expect = Expect.ACCEPTABLE, desc = "signalled, or seen before waiting")
    @State public static class CondVarSignal {
        private final Mutex mutex = new Mutex();
        private final CondVar variable = mutex.newCondition();
        private int flag;

        @Actor public void waiter(I_Result r) {
            mutex.lock();
            while (flag == 0) variable.awaitUninterruptibly();
            r.r1 = flag;
            mutex.unlock();
        }

        @Actor public void signaller() {
            mutex.lock();
            flag = 1;
            variable.signal();
            mutex.unlock();
        }
    }

    /** A release meets an acquisition that waits, or does not have to. */
    @JCStressTest
    @Outcome(id = "1, 0", expect = Expect.ACCEPTABLE, desc = "it has the permit, and sees what was written before its release")
    @Outcome(expect = Expect.FORBIDDEN, desc = "a permit too many or too few, or too early")
    @State public static class SemaphoreReleases {
        private final Semaphore semaphore = new Semaphore(0);
        private int data, seen;

        @Actor public void acquirer() {
            semaphore.acquireUninterruptibly();
            seen = data;
        }

        @Actor public void releaser() {
            data = 1;
            semaphore.release();
        }

        @Arbiter public void left(II_Result r) {
            r.r1 = seen;
            r.r2 = semaphore.availablePermits();
        }
    }

    /** Two want more than half of what there is. */
    @JCStressTest
    @Outcome(id = {"true, false", "false, true"}, expect = Expect.ACCEPTABLE, desc = "one has them")
    @Outcome(expect = Expect.FORBIDDEN, desc = "both or nobody")
    @State public static class SemaphoreTries {
        private final Semaphore semaphore = new Semaphore(3);

        @Actor public void first(ZZ_Result r) { r.r1 = semaphore.tryAcquire(2); }

        @Actor public void second(ZZ_Result r) { r.r2 = semaphore.tryAcquire(2); }
    }

    /** A reader sees all of what a writer did, or nothing. */
    @JCStressTest
    @Outcome(id = {"0, 0", "1, 1"}, expect = Expect.ACCEPTABLE, desc = "before or after")
    @Outcome(expect = Expect.FORBIDDEN, desc = "in the middle")
    @State public static class RwLockPublishes {
        private final RwLock lock = new RwLock();
        private int a, b;

        @Actor public void writer() {
            lock.writeLock().lock();
            a = 1;
            b = 1;
            lock.writeLock().unlock();
        }

        @Actor public void reader(II_Result r) {
            lock.readLock().lock();
            r.r1 = a;
            r.r2 = b;
            lock.readLock().unlock();
        }
    }

    /** The last reader leaves while a writer is about to wait. */
    @JCStressTest
    @Outcome(id = "3", expect = Expect.ACCEPTABLE, desc = "both have had it, and it is free")
    @Outcome(expect = Expect.FORBIDDEN, desc = "an update was lost, or it is not free")
    @State public static class RwLockLastReader {
        private final RwLock lock = new RwLock();
        private int count;

        public RwLockLastReader() { lock.readLock().lock(); }

        @Actor public void reader() { lock.readLock().unlock(); }

        @Actor public void writer() {
            lock.writeLock().lock();
            count = 2;
            lock.writeLock().unlock();
        }

        @Arbiter public void free(I_Result r) {
            lock.checkInvariants();
            r.r1 = count + (lock.writeLock().tryLock() ? 1 : 0);
        }
    }

    /** Each sees behind the barrier what the other has written before it; twice, spinning and parking. */
    @JCStressTest
    @Outcome(id = "2, 2", expect = Expect.ACCEPTABLE, desc = "all of it")
    @Outcome(expect = Expect.FORBIDDEN, desc = "somebody was let through")
    @State public static class BarrierRound {
        private final Barrier barrier = new Barrier(2, null, 0);
        private int a, b;

        private void await() {
            try {
                barrier.awaitUninterruptibly();
            } catch (BrokenBarrierException e) {
                throw new AssertionError(e);
            }
        }

        @Actor public void first(II_Result r) {
            a = 1;
            await();
            r.r1 = b;
            await();
            a = 2;
            await();
            r.r1 += b - 1;
        }

        @Actor public void second(II_Result r) {
            b = 1;
            await();
            r.r2 = a;
            await();
            b = 2;
            await();
            r.r2 += a - 1;
        }
    }

    /** The word changes and is woken while somebody is about to wait for it. */
    @JCStressTest
    @Outcome(id = "1", expect = Expect.ACCEPTABLE, desc = "woken, or seen before waiting")
    @State public static class FutexWake {
        private final Futex word = new Futex();

        @Actor public void waiter(I_Result r) {
            while (word.get() == 0) word.awaitUninterruptibly(0);
            r.r1 = word.get();
        }

        @Actor public void waker() {
            word.set(1);
            word.wake(1);
        }
    }

    /** Spin locks, each for one of three counts. */
    @JCStressTest
    @Outcome(id = "6", expect = Expect.ACCEPTABLE, desc = "one after the other")
    @Outcome(expect = Expect.FORBIDDEN, desc = "both at a time")
    @State public static class SpinLocksExclude {
        private static final ThreadLocal<PdrLock.Member> MEMBER = ThreadLocal.withInitial(PdrLock.Member::ofCurrentThread);

        private final SpinLock spin = new SpinLock();
        private final McsLock mcs = new McsLock();
        private final PdrLock pdr = new PdrLock();
        private int a, b, c;

        private void use() {
            spin.lock();
            a++;
            spin.unlock();
            var node = new McsLock.Node();
            mcs.lock(node);
            b++;
            mcs.unlock(node);
            PdrLock.Member me = MEMBER.get();
            pdr.lock(me);
            c++;
            pdr.unlock(me);
        }

        @Actor public void first() { use(); }

        @Actor public void second() { use(); }

        @Arbiter public void sum(I_Result r) { r.r1 = a + b + c; }
    }

    /** One item, two who take. */
    @JCStressTest
    @Outcome(id = {"7, 0", "0, 7"}, expect = Expect.ACCEPTABLE, desc = "one has it")
    @Outcome(expect = Expect.FORBIDDEN, desc = "both or nobody")
    @State public static class WaitFreeListRemoves {
        private final WaitFreeList<Integer> list = new WaitFreeList<>();

        public WaitFreeListRemoves() { list.insert(7); }

        private int take() {
            Integer item = list.remove();
            return item == null ? 0 : item;
        }

        @Actor public void first(II_Result r) { r.r1 = take(); }

        @Actor public void second(II_Result r) { r.r2 = take(); }
    }

    /** Two who put in, into the same empty slot or by claiming new ones. */
    @JCStressTest
    @Outcome(id = "3, 0", expect = Expect.ACCEPTABLE, desc = "both are in")
    @Outcome(expect = Expect.FORBIDDEN, desc = "one is lost")
    @State public static class WaitFreeListInserts {
        private final WaitFreeList<Integer> list = new WaitFreeList<>();

        public WaitFreeListInserts() {
            list.insert(9);
            list.remove();
        }

        @Actor public void first() { list.insert(1); }

        @Actor public void second() { list.insert(2); }

        @Arbiter public void all(II_Result r) {
            r.r1 = list.remove() + list.remove();
            r.r2 = list.size();
        }
    }

    /** An event comes while notifications are enabled again: somebody notifies. */
    @JCStressTest
    @Outcome(id = {"true, false", "false, true", "true, true"}, expect = Expect.ACCEPTABLE, desc = "notified, perhaps twice")
    @Outcome(id = "false, false", expect = Expect.FORBIDDEN, desc = "LOST: nobody notifies")
    @State public static class MailboxEnable {
        private final Mailbox box = new Mailbox();

        public MailboxEnable() { box.disable(); }

        @Actor public void sender(ZZ_Result r) { r.r1 = box.put(new VcoreEvents.Event(0, null)); }

        @Actor public void owner(ZZ_Result r) { r.r2 = box.enable(); }
    }
}
