package org.libtorque.event;

import java.util.concurrent.TimeUnit;
import org.libtorque.hardware.CpuSet;

/**
 * A few platform threads that may wait for disks, shared by all vcores of a runtime: for what the event queue cannot have the kernel do by itself.
 *
 * <p>Threads are started when there is work and nobody is free, up to the limit, and end when they have had none for {@link #IDLE_MILLIS}. Jobs begin in the order in which they
 * were submitted. When as many wait as may, further ones are refused, except those that somebody depends on (closing, a connection's sending), of which there are few: what
 * cannot be refused must not be made to wait for room either, since its submitter is a vcore.
 *
 * <p>A monitor guards the queue, an intrusive list: a vcore holds it for some tens of nanoseconds, allocates nothing, and makes a system call only to wake a thread that sleeps.
 *
 * <p>Threads run on the runtime's CPUs, all of them: a thread started by a vcore's would inherit that one's CPU.
 */
final class FilePool {
    static final long IDLE_MILLIS = 5_000;
    private static final long STACK_BYTES = 256 << 10;
    private static final System.Logger LOG = System.getLogger("org.libtorque");

    /** Something to do on a thread of the pool; in it once at a time. */
    abstract static class Job {
        private Job next;

        /** Does it, on a thread that may wait. */
        abstract void run();

        /** The runtime has ended: it will not be run. */
        abstract void dropped();
    }

    private final CpuSet cpus;
    private final int maxThreads;
    private final int maxWaiting;
    private Job head;
    private Job tail;
    private int waiting;
    private int threads;
    private int idle;
    private int started;
    private boolean closed;

    FilePool(CpuSet cpus, int maxThreads, int maxWaiting) {
        this.cpus = cpus;
        this.maxThreads = maxThreads;
        this.maxWaiting = maxWaiting;
    }

    int maxWaiting() { return maxWaiting; }

    /**
     * Has a job run. Any thread.
     *
     * @param surely whether it is taken however many wait
     * @return false if too many wait. After the end of the runtime it is taken and dropped
     */
    boolean submit(Job job, boolean surely) {
        boolean over;
        boolean start = false;
        synchronized (this) {
            over = closed;
            if (!over) {
                if (!surely && waiting >= maxWaiting) return false;
                job.next = null;
                if (tail == null) head = job;
                else tail.next = job;
                tail = job;
                waiting++;
                if (idle >= waiting) {
                    notify();
                } else if (threads < maxThreads) {
                    threads++;
                    start = true;
                } else if (idle > 0) {
                    notify();
                }
            }
        }
        if (over) job.dropped();
        else if (start) start();
        return true;
    }

    private void start() {
        int number;
        synchronized (this) {
            number = started++;
        }
        try {
            Thread.ofPlatform().daemon().name("torque-file-" + number).stackSize(STACK_BYTES).start(this::work);
        } catch (OutOfMemoryError e) { // no more threads: those that there are do it, if there are any
            synchronized (this) {
                threads--;
                if (threads > 0) return;
            }
            LOG.log(System.Logger.Level.ERROR, "no thread can be started for file operations; they wait until one can", e);
        }
    }

    private void work() {
        CpuKeeper.run(cpus); // if that is refused, where the one is that started this
        while (true) {
            Job job = take();
            if (job == null) return;
            try {
                job.run();
            } catch (Throwable e) {
                LOG.log(System.Logger.Level.ERROR, "a file operation failed in an unexpected way", e);
            }
        }
    }

    private synchronized Job take() {
        long idleSince = 0;
        while (head == null) {
            long now = System.nanoTime();
            if (idleSince == 0) idleSince = now;
            long left = IDLE_MILLIS - TimeUnit.NANOSECONDS.toMillis(now - idleSince);
            if (closed || left <= 0) {
                threads--;
                notifyAll(); // close() may wait
                return null;
            }
            idle++;
            try {
                wait(left);
            } catch (InterruptedException e) {
                continue; // nobody's to interrupt; the interrupt is gone
            } finally {
                idle--;
            }
        }
        Job job = head;
        head = job.next;
        if (head == null) tail = null;
        job.next = null;
        waiting--;
        return job;
    }

    /**
     * Ends the pool: what waits is dropped, what runs is waited for.
     *
     * @return false if some of that is still running after the time given, with memory that was given to it
     */
    boolean close(long timeoutNanos) {
        Job left;
        synchronized (this) {
            closed = true;
            left = head;
            head = tail = null;
            waiting = 0;
            notifyAll();
        }
        while (left != null) {
            Job following = left.next;
            left.next = null;
            left.dropped();
            left = following;
        }
        long end = System.nanoTime() + timeoutNanos;
        boolean interrupted = false;
        synchronized (this) {
            while (threads > 0) {
                long millis = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
                if (millis <= 0) break;
                try {
                    wait(millis);
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) Thread.currentThread().interrupt();
            return threads == 0;
        }
    }

    /** Returns how many threads there are and how many jobs wait; for tests. */
    synchronized int[] state() { return new int[] {threads, waiting}; }
}
