package org.libtorque.event;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.libtorque.hardware.CpuSet;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.EventFd;
import org.libtorque.sys.Files;
import org.libtorque.sys.Handles;
import org.libtorque.sys.Poll;
import org.libtorque.sys.SyscallException;

/**
 * A few platform threads that may wait for disks, shared by all vcores of a runtime: for what the event queue cannot have the kernel do by itself.
 *
 * <p>Jobs begin in the order in which they were submitted. When as many wait as may, further ones are refused, except those that somebody depends on (closing, a connection's sending), of
 * which there are few: what cannot be refused must not be made to wait for room either, since its submitter is a vcore.
 *
 * <p><b>Submitting never sleeps</b> and allocates nothing, since a vcore does it. New jobs are pushed on a stack by compare-and-set, which the threads take as a whole and turn over, under a
 * lock of theirs. A thread without work announces itself in {@code idle}, looks once more, and waits for a token in an eventfd; who submits takes one off {@code idle} and writes the
 * token. Announcement and look on one side, push and look at {@code idle} on the other, each with a full fence between: one of them sees the other (Dekker), so no job is left lying.
 *
 * <p>Rejected: a monitor around the queue. A thread of the pool that loses its CPU inside puts the next vcore that submits to sleep: seen in the kernel's counts, twice for each job on a busy
 * machine. Starting threads from {@code submit}: the JVM has a starter wait for the new thread to run. So a thread that sets to work while none is idle starts another one first, until there
 * are as many as may be: somebody is idle or all are busy. Those that have had no work for {@link #IDLE_MILLIS} end, but for one.
 *
 * <p>Threads run on the runtime's CPUs, all of them.
 */
final class FilePool {
    static final long IDLE_MILLIS = 5_000;
    private static final long STACK_BYTES = 256 << 10;
    private static final System.Logger LOG = System.getLogger("org.libtorque");
    private static final VarHandle TOP = Handles.field(MethodHandles.lookup(), "top", Job.class);

    /** Something to do on a thread of the pool; in it once at a time. */
    abstract static class Job {
        /** The submitter's until it is pushed, then the pool's. */
        private Job next;

        /** Does it, on a thread that may wait. */
        abstract void run();

        /** The runtime has ended: it will not be run. */
        abstract void dropped();
    }

    private final CpuSet cpus;
    private final int maxThreads;
    private final int maxWaiting;
    private final int tokens;
    /** Jobs that were submitted and not taken over, the newest on top. */
    @SuppressWarnings("unused") private Job top;
    private final AtomicInteger waiting = new AtomicInteger();
    /** Threads that wait for a token and have not been promised one. */
    private final AtomicInteger idle = new AtomicInteger();
    private final AtomicInteger threads = new AtomicInteger();
    private final AtomicInteger started = new AtomicInteger();
    private volatile boolean closed;
    /** Whether the eventfd is closed. */
    private final AtomicBoolean released = new AtomicBoolean();

    // The threads', under the lock.
    private final Object lock = new Object();
    private Job head;
    private Job tail;

    FilePool(CpuSet cpus, int maxThreads, int maxWaiting) {
        this.cpus = cpus;
        this.maxThreads = maxThreads;
        this.maxWaiting = maxWaiting;
        tokens = SyscallException.check(EventFd.create(ErrnoSlot.current(), 0, EventFd.EFD_SEMAPHORE | EventFd.EFD_NONBLOCK | EventFd.EFD_CLOEXEC), "eventfd", "0");
    }

    /** Starts the first thread. To be called once, before anything is submitted; then {@link #close} must be. */
    void open() { startThread(); }

    int maxWaiting() { return maxWaiting; }

    // --------------------------------------------------------------------------------------------------------------- submitting

    /**
     * Has a job run. Any thread.
     *
     * @param surely whether it is taken however many wait
     * @return false if too many wait. After the end of the runtime it is taken and dropped
     */
    boolean submit(Job job, boolean surely) {
        if (waiting.incrementAndGet() > maxWaiting && !surely) {
            waiting.decrementAndGet();
            return false;
        }
        Job below;
        do {
            below = (Job) TOP.getOpaque(this);
            job.next = below;
        } while (!TOP.weakCompareAndSetRelease(this, below, job)); // pairs with the acquire in takeOver
        VarHandle.fullFence(); // StoreLoad: the job before the look at idle and closed; partner in await() and close()
        if (claimIdle()) EventFd.write(ErrnoSlot.current(), tokens, 1);
        else if (closed) dropAll();
        return true;
    }

    private boolean claimIdle() {
        for (int n = idle.get(); n > 0; n = idle.get()) {
            if (idle.compareAndSet(n, n - 1)) return true;
        }
        return false;
    }

    // --------------------------------------------------------------------------------------------------------------- the threads

    private void startThread() {
        int n = threads.get();
        if (n >= maxThreads || !threads.compareAndSet(n, n + 1)) return; // somebody else starts one
        try {
            Thread.ofPlatform().daemon().name("torque-file-" + started.getAndIncrement()).stackSize(STACK_BYTES).start(this::work);
        } catch (OutOfMemoryError e) { // no more threads: those that there are do it
            threads.decrementAndGet();
            LOG.log(System.Logger.Level.WARNING, "no thread can be started for file operations; there are {0}", threads.get());
        }
    }

    private void work() {
        CpuKeeper.run(cpus); // if that is refused, where the one is that started this
        while (true) {
            Job job = take();
            if (job == null) {
                if (closed || !await()) break;
                continue;
            }
            if (idle.get() == 0 && threads.get() < maxThreads) startThread();
            try {
                job.run();
            } catch (Throwable e) {
                LOG.log(System.Logger.Level.ERROR, "a file operation failed in an unexpected way", e);
            }
        }
        if (threads.decrementAndGet() == 0 && closed) release(); // close() may have waited for long enough
        synchronized (lock) {
            lock.notifyAll(); // close() may wait
        }
    }

    /** No thread is left, so nobody waits for a token, and nobody is promised one. */
    private void release() {
        if (released.compareAndSet(false, true)) Files.close(ErrnoSlot.current(), tokens);
    }

    private Job take() {
        synchronized (lock) {
            if (head == null) takeOver();
            Job job = head;
            if (job == null) return null;
            head = job.next;
            if (head == null) tail = null;
            job.next = null;
            waiting.decrementAndGet();
            return job;
        }
    }

    /** Takes all that was submitted, the oldest first. Under the lock. */
    private void takeOver() {
        Job newest = (Job) TOP.getAndSetAcquire(this, (Job) null);
        for (Job job = newest; job != null; ) {
            Job older = job.next;
            job.next = head;
            head = job;
            if (tail == null) tail = job;
            job = older;
        }
    }

    /** Waits until there may be work. Returns false if there has been none for long, and somebody else waits for it. */
    private boolean await() {
        idle.incrementAndGet();
        VarHandle.fullFence(); // StoreLoad: the announcement before the look; partner in submit()
        boolean work = (Job) TOP.getOpaque(this) != null || closed;
        if (work && claimIdle()) return true; // took back an announcement, this one or another's: then that one's token is this one's
        ErrnoSlot errno = ErrnoSlot.current();
        while (true) {
            int ready = Poll.poll(errno, tokens, Poll.POLLIN, (int) IDLE_MILLIS);
            if (ready == 0) {
                int n = idle.get();
                if (n > 1 && idle.compareAndSet(n, n - 1)) return false;
            } else if (EventFd.read(errno, tokens) > 0) {
                return true; // else another one was quicker, or a signal came
            }
        }
    }

    // ------------------------------------------------------------------------------------------------------------------- the end

    /**
     * Ends the pool: what waits is dropped, what runs is waited for.
     *
     * @return false if some of that is still running after the time given, with memory that was given to it
     */
    boolean close(long timeoutNanos) {
        closed = true;
        VarHandle.fullFence(); // StoreLoad: the mark before the look at what was submitted; partner in submit()
        dropAll();
        while (claimIdle()) EventFd.write(ErrnoSlot.current(), tokens, 1);
        long end = System.nanoTime() + timeoutNanos;
        boolean interrupted = false;
        synchronized (lock) {
            while (threads.get() > 0) {
                long millis = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
                if (millis <= 0) break;
                try {
                    lock.wait(millis);
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) Thread.currentThread().interrupt();
        if (threads.get() > 0) return false;
        release();
        return true;
    }

    private void dropAll() {
        for (Job job; (job = take()) != null; ) job.dropped();
    }

    /** Returns how many threads there are and how many jobs wait; for tests. */
    int[] state() { return new int[] {threads.get(), waiting.get()}; }
}
