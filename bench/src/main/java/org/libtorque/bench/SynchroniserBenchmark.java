package org.libtorque.bench;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.libtorque.memory.Pool;
import org.libtorque.memory.Slab;
import org.libtorque.thread.Dtls;
import org.libtorque.thread.Futex;
import org.libtorque.thread.McsLock;
import org.libtorque.thread.Mutex;
import org.libtorque.thread.PdrLock;
import org.libtorque.thread.RwLock;
import org.libtorque.thread.Semaphore;
import org.libtorque.thread.SpinLock;
import org.libtorque.thread.WaitFreeList;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** What synchronisers, spin locks, thread-local storage and allocators cost where nobody is in the way, beside the JDK's. A call takes and gives back. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(3)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class SynchroniserBenchmark {
    private final Mutex mutex = new Mutex();
    private final Mutex recursive = Mutex.recursive();
    private final ReentrantLock reentrantLock = new ReentrantLock();
    private final Object monitor = new Object();
    private final Semaphore semaphore = new Semaphore(4);
    private final java.util.concurrent.Semaphore jdkSemaphore = new java.util.concurrent.Semaphore(4);
    private final RwLock rwLock = new RwLock();
    private final ReentrantReadWriteLock jdkRwLock = new ReentrantReadWriteLock();
    private final Futex futex = new Futex();
    private final SpinLock spin = new SpinLock();
    private final McsLock mcs = new McsLock();
    private final McsLock.Node node = new McsLock.Node();
    private final PdrLock pdr = new PdrLock();
    private PdrLock.Member member;
    private final WaitFreeList<Object> bag = new WaitFreeList<>();
    private final Dtls.Key<Object> key = Dtls.key();
    private final ThreadLocal<Object> local = new ThreadLocal<>();
    private final Slab slab = new Slab(64);
    private final Pool pool = new Pool(64, 16);
    private int count;

    /** Unmaps what it has mapped. */
    @TearDown public void close() {
        slab.close();
        pool.close();
    }

    /** A mutex, locked and unlocked. */
    @Benchmark public int mutex() {
        mutex.lock();
        int n = ++count;
        mutex.unlock();
        return n;
    }

    /** A recursive mutex, locked twice. */
    @Benchmark public int recursiveMutexTwice() {
        recursive.lock();
        recursive.lock();
        int n = ++count;
        recursive.unlock();
        recursive.unlock();
        return n;
    }

    /** The JDK's lock. */
    @Benchmark public int jdkReentrantLock() {
        reentrantLock.lock();
        int n = ++count;
        reentrantLock.unlock();
        return n;
    }

    /** A monitor of the JVM. */
    @Benchmark public int jdkMonitor() {
        synchronized (monitor) {
            return ++count;
        }
    }

    /** A semaphore, acquired and released. */
    @Benchmark public void semaphore() {
        semaphore.acquireUninterruptibly();
        semaphore.release();
    }

    /** The JDK's semaphore. */
    @Benchmark public void jdkSemaphore() {
        jdkSemaphore.acquireUninterruptibly();
        jdkSemaphore.release();
    }

    /** A read lock. */
    @Benchmark public int readLock() {
        rwLock.readLock().lock();
        int n = count;
        rwLock.readLock().unlock();
        return n;
    }

    /** The JDK's read lock. */
    @Benchmark public int jdkReadLock() {
        jdkRwLock.readLock().lock();
        int n = count;
        jdkRwLock.readLock().unlock();
        return n;
    }

    /** A write lock. */
    @Benchmark public int writeLock() {
        rwLock.writeLock().lock();
        int n = ++count;
        rwLock.writeLock().unlock();
        return n;
    }

    /** The JDK's write lock. */
    @Benchmark public int jdkWriteLock() {
        jdkRwLock.writeLock().lock();
        int n = ++count;
        jdkRwLock.writeLock().unlock();
        return n;
    }

    /** A wake-up that finds nobody. */
    @Benchmark public int futexWakesNobody() {
        futex.set(++count);
        return futex.wake(1);
    }

    /** Test and set. */
    @Benchmark public int spinLock() {
        spin.lock();
        int n = ++count;
        spin.unlock();
        return n;
    }

    /** The queue lock of Mellor-Crummey and Scott. */
    @Benchmark public int mcsLock() {
        mcs.lock(node);
        int n = ++count;
        mcs.unlock(node);
        return n;
    }

    /** The one that detects a preempted holder. */
    @Benchmark public int pdrLock() {
        PdrLock.Member me = member;
        if (me == null) member = me = PdrLock.Member.ofCurrentThread();
        pdr.lock(me);
        int n = ++count;
        pdr.unlock(me);
        return n;
    }

    /** An item put into a bag and taken out. */
    @Benchmark public Object waitFreeList() {
        bag.insert(this);
        return bag.remove();
    }

    /** A value set and read. */
    @Benchmark public Object dtls() {
        key.set(this);
        return key.get();
    }

    /** The same with the JDK's. */
    @Benchmark public Object jdkThreadLocal() {
        local.set(this);
        return local.get();
    }

    /** An object of 64 bytes, taken and given back. */
    @Benchmark public void slab() { slab.free(slab.allocate()); }

    /** The same from a pool. */
    @Benchmark public void pool() { pool.free(pool.allocate()); }
}
