package org.libtorque.thread;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import org.libtorque.sys.Handles;

/**
 * A lock that many readers hold at a time, or one writer. Blocks uthreads, virtual and platform threads, never a vcore.
 *
 * <p><b>Preference: phase-fair</b> (Brandenburg and Anderson 2010). When somebody waits, phases of readers and of single writers alternate. A reader that comes while a writer waits, waits
 * too; when a writer ends, all readers that wait then go in together, before the next writer. So a reader waits for the readers that are in, and one writer; a writer
 * for the writers that came before him, and one phase of readers for each. Neither starves, and nobody overtakes ({@code tryLock} included).
 *
 * <p><b>Not recursive.</b> A thread that takes it to read twice, while a writer waits, waits for ever; one that writes and wants to read or write again is told
 * ({@link IllegalMonitorStateException}), as is who unlocks what he does not hold (for readers only as far as it shows: if nobody reads). {@link #downgrade} makes a writer a reader.
 * Conditions are not supported.
 *
 * <p><b>State.</b> One word: readers · 4 + WAITERS + WRITER.<br>
 *   I1  WAITERS is set if and only if one of the lists is not empty<br>
 *   I2  while WAITERS is set, only who has the guard changes the word, except that readers count themselves out<br>
 *   I3  while WAITERS is set there is a writer or a reader, or the last reader is on his way to the guard<br>
 * WAITERS is set under the guard by a compare-and-set from a word that shows a holder, so his fast way out fails or leads to the guard. No wake-up is lost.
 *
 * <p><b>Memory order.</b> All changes of the word are atomic and both acquire and release; to those who waited, the guard and the waiter's state pass on what the holder before
 * did. Nothing allocates unless the thread must wait.
 */
public final class RwLock implements ReadWriteLock {
    private static final long WRITER = 1, WAITERS = 2, READER = 4;
    private static final VarHandle STATE = Handles.field(MethodHandles.lookup(), "state", long.class);

    private final Guard guard = new Guard();
    private final WaiterList readers = new WaiterList(), writers = new WaiterList();
    private final ReadLock readLock = new ReadLock();
    private final WriteLock writeLock = new WriteLock();
    private long state;
    /** The writer: written by it, or for it by who hands over; others that read it see anything but themselves. */
    private Thread owner;

    /** Makes a lock that nobody holds. */
    public RwLock() {}

    @Override public ReadLock readLock() { return readLock; }

    @Override public WriteLock writeLock() { return writeLock; }

    /** Returns how many readers hold it; out of date as soon as it is read. Any thread. */
    public int readerCount() { return (int) ((long) STATE.getOpaque(this) / READER); }

    /** Tells whether a writer holds it; out of date as soon as it is read. Any thread. */
    public boolean isWriteLocked() { return ((long) STATE.getOpaque(this) & WRITER) != 0; }

    /** Tells whether the calling thread holds it to write. */
    public boolean isWriteLockedByCurrentThread() { return owner == Thread.currentThread(); }

    /** Returns how many threads wait for it, roughly. Any thread. */
    public int waiterCount() {
        guard.lock();
        int n = readers.size() + writers.size();
        guard.unlock();
        return n;
    }

    /**
     * Makes the writer a reader, without anybody coming between; readers that wait go in with it.
     *
     * @throws IllegalMonitorStateException if the calling thread does not hold it to write
     */
    public void downgrade() {
        checkWriter();
        owner = null;
        if (STATE.compareAndSet(this, WRITER, READER)) return;
        guard.lock();
        Waiter granted = enterReaders(READER);
        guard.unlock();
        WaiterList.unparkAll(granted);
    }

    private void checkWriter() {
        if (owner != Thread.currentThread()) throw new IllegalMonitorStateException(Thread.currentThread() + " does not write under " + this);
    }

    private void checkNotWriter() {
        if (owner == Thread.currentThread()) throw new IllegalMonitorStateException(Thread.currentThread() + " writes under " + this + " already, which is not recursive");
    }

    // -------------------------------------------------------------------------------------------------------------- fast paths

    private boolean tryRead() {
        long s = (long) STATE.getOpaque(this);
        while ((s & (WRITER | WAITERS)) == 0) {
            long seen = (long) STATE.compareAndExchange(this, s, s + READER);
            if (seen == s) return true;
            s = seen;
        }
        return false;
    }

    private boolean tryWrite() {
        if (!STATE.compareAndSet(this, 0L, WRITER)) return false;
        owner = Thread.currentThread();
        return true;
    }

    private void endRead() {
        long s = (long) STATE.getOpaque(this);
        for (;;) {
            if (s < READER) throw new IllegalMonitorStateException("nobody reads under " + this);
            long seen = (long) STATE.compareAndExchange(this, s, s - READER);
            if (seen == s) break;
            s = seen;
        }
        if (s - READER == WAITERS) pass();
    }

    private void endWrite() {
        checkWriter();
        owner = null;
        if (!STATE.compareAndSet(this, WRITER, 0L)) passFromWriter();
    }

    // ------------------------------------------------------------------------------------------------------------------ phases

    /** The last reader of a phase has left, and somebody waited. */
    private void pass() {
        guard.lock();
        Waiter granted = null;
        if ((long) STATE.getOpaque(this) == WAITERS) granted = writers.isEmpty() ? enterReaders(0) : enterWriter(); // else somebody has been let in, or all gave up
        guard.unlock();
        WaiterList.unparkAll(granted);
    }

    private void passFromWriter() {
        guard.lock();
        Waiter granted = null;
        if (!readers.isEmpty()) granted = enterReaders(0);
        else if (!writers.isEmpty()) granted = enterWriter();
        else STATE.setRelease(this, 0L); // gave up; WRITER was set, so nobody else writes
        guard.unlock();
        WaiterList.unparkAll(granted);
    }

    /** Under the guard, with WRITER set or no reader in: lets in all readers that wait. Returns whom to unpark. */
    private Waiter enterReaders(long more) {
        long s = more + readers.size() * READER + (writers.isEmpty() ? 0 : WAITERS);
        Waiter granted = null;
        while (!readers.isEmpty()) granted = readers.grantFirst(granted);
        STATE.setRelease(this, s);
        return granted;
    }

    private Waiter enterWriter() {
        Waiter granted = writers.grantFirst(null);
        owner = granted.thread;
        STATE.setRelease(this, readers.isEmpty() && writers.isEmpty() ? WRITER : WRITER | WAITERS);
        return granted;
    }

    private int await(boolean writes, boolean interruptible, long deadline) {
        checkNotWriter();
        Waiter w = new Waiter();
        WaiterList list = writes ? writers : readers;
        guard.lock();
        for (;;) {
            long s = (long) STATE.getOpaque(this);
            boolean free = writes ? s == 0 : (s & (WRITER | WAITERS)) == 0;
            if (!free && (s & WAITERS) != 0) break;
            if (!STATE.compareAndSet(this, s, free ? writes ? WRITER : s + READER : s | WAITERS)) continue;
            if (!free) break;
            if (writes) owner = w.thread;
            guard.unlock();
            return Waiter.READY;
        }
        list.append(w);
        guard.unlock();
        int outcome = w.await(this, interruptible, deadline);
        if (outcome != Waiter.READY) outcome = giveUp(w, list, outcome);
        w.restoreInterrupt();
        return outcome;
    }

    private int giveUp(Waiter w, WaiterList list, int outcome) {
        guard.lock();
        if (w.list == null) { // granted meanwhile
            guard.unlock();
            if (outcome == Waiter.INTERRUPTED) w.interrupted();
            return Waiter.READY;
        }
        list.remove(w);
        Waiter granted = null;
        if (writers.isEmpty()) { // then readers wait for a writer that is in, or for nobody any more
            long admitted = readers.size() * READER;
            long s;
            boolean joined;
            do { // readers may count themselves out meanwhile
                s = (long) STATE.getOpaque(this);
                joined = (s & WRITER) == 0;
            } while (!STATE.weakCompareAndSet(this, s, joined ? (s & ~WAITERS) + admitted : readers.isEmpty() ? s & ~WAITERS : s));
            while (joined && !readers.isEmpty()) granted = readers.grantFirst(granted);
        }
        guard.unlock();
        WaiterList.unparkAll(granted);
        return outcome;
    }

    /** For tests, when nobody is near. */
    void checkInvariants() {
        long s = (long) STATE.getVolatile(this);
        if ((s & WAITERS) != 0 == (readers.isEmpty() && writers.isEmpty())) throw new AssertionError("I1: " + this);
        if (s == WAITERS) throw new AssertionError("I3: " + this);
        if ((s & WRITER) != 0 && s >= READER) throw new AssertionError("a writer and readers: " + this);
        if ((s & WRITER) != 0 == (owner == null)) throw new AssertionError("the writer is " + owner + ": " + this);
    }

    @Override public String toString() {
        long s = (long) STATE.getOpaque(this);
        return "read-write lock[" + ((s & WRITER) != 0 ? "a writer" : s / READER + " readers") + ((s & WAITERS) != 0 ? ", others wait]" : "]");
    }

    /** What a thread holds to read. Any number of threads hold it at a time. */
    public final class ReadLock implements Lock {
        private ReadLock() {}

        @Override public void lock() {
            if (!tryRead()) await(false, false, Waiter.NO_DEADLINE);
        }

        /** As {@link #lock}; an interrupt before or meanwhile ends it, unless the lock has just been handed over. */
        @Override public void lockInterruptibly() throws InterruptedException {
            if (Thread.interrupted()) throw new InterruptedException();
            if (!tryRead() && await(false, true, Waiter.NO_DEADLINE) == Waiter.INTERRUPTED) throw new InterruptedException();
        }

        /** Takes it if no writer has it and nobody waits. */
        @Override public boolean tryLock() { return tryRead(); }

        /** As {@link #lockInterruptibly}, and gives up after so many nanoseconds; 0 or less only looks. Returns whether it is held. */
        public boolean tryLockNanos(long nanos) throws InterruptedException {
            if (Thread.interrupted()) throw new InterruptedException();
            if (tryRead()) return true;
            if (nanos <= 0) return false;
            return Waiter.succeeded(await(false, true, Waiter.deadline(nanos)));
        }

        @Override public boolean tryLock(long time, TimeUnit unit) throws InterruptedException { return tryLockNanos(unit.toNanos(time)); }

        /**
         * Ends reading.
         *
         * @throws IllegalMonitorStateException if nobody reads
         */
        @Override public void unlock() { endRead(); }

        /**
         * Not supported.
         *
         * @throws UnsupportedOperationException always
         */
        @Override public Condition newCondition() { throw new UnsupportedOperationException("a read lock has no conditions"); }

        @Override public String toString() { return "read lock of " + RwLock.this; }
    }

    /** What one thread holds to write. */
    public final class WriteLock implements Lock {
        private WriteLock() {}

        @Override public void lock() {
            if (!tryWrite()) await(true, false, Waiter.NO_DEADLINE);
        }

        /** As {@link #lock}; an interrupt before or meanwhile ends it, unless the lock has just been handed over. */
        @Override public void lockInterruptibly() throws InterruptedException {
            if (Thread.interrupted()) throw new InterruptedException();
            if (!tryWrite() && await(true, true, Waiter.NO_DEADLINE) == Waiter.INTERRUPTED) throw new InterruptedException();
        }

        /** Takes it if nobody has it and nobody waits. */
        @Override public boolean tryLock() { return tryWrite(); }

        /** As {@link #lockInterruptibly}, and gives up after so many nanoseconds; 0 or less only looks. Returns whether it is held. */
        public boolean tryLockNanos(long nanos) throws InterruptedException {
            if (Thread.interrupted()) throw new InterruptedException();
            if (tryWrite()) return true;
            if (nanos <= 0) return false;
            return Waiter.succeeded(await(true, true, Waiter.deadline(nanos)));
        }

        @Override public boolean tryLock(long time, TimeUnit unit) throws InterruptedException { return tryLockNanos(unit.toNanos(time)); }

        /**
         * Ends writing.
         *
         * @throws IllegalMonitorStateException if the calling thread does not hold it to write
         */
        @Override public void unlock() { endWrite(); }

        /**
         * Not supported; use a {@link Mutex}.
         *
         * @throws UnsupportedOperationException always
         */
        @Override public Condition newCondition() { throw new UnsupportedOperationException("conditions need a Mutex"); }

        @Override public String toString() { return "write lock of " + RwLock.this; }
    }
}
