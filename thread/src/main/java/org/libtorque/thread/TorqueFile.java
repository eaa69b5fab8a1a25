package org.libtorque.thread;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.InterruptedByTimeoutException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.libtorque.Torque;
import org.libtorque.event.AsyncFile;
import org.libtorque.event.FileHandler;
import org.libtorque.event.FileName;
import org.libtorque.event.FileOperation;
import org.libtorque.event.FileStatus;
import org.libtorque.sys.Errno;

/**
 * A file in blocking style: the thread waits for the disk, and no vcore does. On {@link FileOperation}, so with io_uring through the vcore's ring, with epoll by the runtime's pool of
 * threads where a call could have to wait.
 *
 * <pre>{@code
 *   try (var file = TorqueFile.open(torque, path, StandardOpenOption.READ)) {
 *       long size = file.status().size();
 *       file.readFully(segment.asSlice(0, size), 0);
 *   }
 * }</pre>
 *
 * <p><b>Threads.</b> Any thread may use it, and several at once, at positions of their own: there is no current position. A call in flight has an operation of its own, which is kept and used
 * again: reading and writing allocate nothing, but where a thread goes on at another vcore than it waited on; and, with epoll, where the compiler does not see through a system call at the end of a long chain of
 * calls, 40 bytes for its errno. Callbacks must not wait, and are refused.
 *
 * <p><b>Memory</b> is the kernel's while a call is under way, however the call is to end. So a call returns when the kernel has let go of it, also after its time is up, an interrupt, or
 * {@link #close}: at once if it was waiting for its turn, else when the disk is done; and if it was done, that is its outcome. Only if the runtime ends meanwhile does it return
 * before that, with an exception; the memory is then to be left alone until the process ends.
 *
 * <table><caption>What ends a call early</caption>
 * <tr><th>event</th><th>what happens</th></tr>
 * <tr><td>{@link #timeout} passes</td><td>{@link InterruptedByTimeoutException}; the file can be used as before</td></tr>
 * <tr><td>an interrupt while the thread waits, or before</td><td>the file is closed, {@link ClosedByInterruptException}, the interrupt status stays, as with the JDK's channels</td></tr>
 * <tr><td>another thread closes</td><td>who waits gets {@link AsynchronousCloseException}, later calls {@link ClosedChannelException}</td></tr>
 * <tr><td>the runtime ends</td><td>{@link IOException}</td></tr>
 * </table>
 */
public final class TorqueFile implements AutoCloseable {
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
    private static final int DEFAULT_MODE = 0666;
    private static final long NEVER = 0;

    private final Torque torque;
    /** Null until it is open. */
    private AsyncFile file;
    private volatile long timeoutNanos = NEVER;
    private volatile boolean closed;
    private final List<Slot> idle = new ArrayList<>(); // guarded by itself
    private final List<Slot> busy = new ArrayList<>(); // guarded by idle

    /** Calls that a slot describes, so that making them allocates nothing. */
    private enum Transfer { READ, READ_PARTS, WRITE, WRITE_PARTS }

    /** One call at a time. */
    private final class Slot implements FileHandler, Uthread.Syscall {
        final FileOperation operation = torque.files().operation(torque.newColor());
        private Transfer transfer;
        private MemorySegment segment;
        private MemorySegment[] segments;
        private long position;
        /** Written before the operation is started. */
        Thread caller;
        /** Written when the outcome has been. */
        volatile boolean done;

        void describe(Transfer what, MemorySegment one, MemorySegment[] several, long at) {
            transfer = what;
            segment = one;
            segments = several;
            position = at;
        }

        @Override public void onDone(FileOperation of) {
            Thread waiting = caller; // it may go on, and the slot be somebody else's, from here on
            done = true;
            LockSupport.unpark(waiting);
        }

        @Override public String toString() { return operation.toString(); }
    }

    /** Begins something with an operation, other than a transfer. */
    private interface Start {
        void start(FileOperation operation, FileHandler handler) throws IOException;
    }

    private TorqueFile(Torque torque) { this.torque = torque; }

    /**
     * Opens a file; one that is made gets all permissions but execution, less the process's umask.
     *
     * @throws IOException what went wrong, as {@link FileOperation#failure}
     */
    public static TorqueFile open(Torque torque, Path path, OpenOption... options) throws IOException { return open(torque, FileName.of(path), DEFAULT_MODE, options); }

    /**
     * Opens a file.
     *
     * @param permissions of one that is made, less the process's umask
     */
    public static TorqueFile open(Torque torque, FileName name, int permissions, OpenOption... options) throws IOException {
        TorqueFile opening = new TorqueFile(torque);
        Slot slot = opening.call(opening.take(), (operation, handler) -> operation.open(name, permissions, handler, options));
        opening.file = slot.operation.file();
        opening.giveBack(slot);
        return opening;
    }

    /**
     * Limits how long each later call may take before the kernel is asked to let go of it.
     *
     * @param limit zero, the default, for no limit
     */
    public TorqueFile timeout(Duration limit) {
        timeoutNanos = Parker.limitOf(limit);
        return this;
    }

    // ---- what to do

    /**
     * Reads at a position into native memory.
     *
     * @return how many bytes: fewer than fit at the end of the file, or where the kernel could not give more at once; 0 is the end
     */
    public int read(MemorySegment target, long position) throws IOException { return transfer(Transfer.READ, target, null, position); }

    /** As {@link #read(MemorySegment, long)}, into several segments, one after the other; at most 512. */
    public int read(MemorySegment[] targets, long position) throws IOException { return transfer(Transfer.READ_PARTS, null, targets, position); }

    /**
     * Reads until the segment is full.
     *
     * @throws EOFException if the file ends before
     */
    public void readFully(MemorySegment target, long position) throws IOException {
        for (long done = 0; done < target.byteSize(); ) {
            int n = read(target.asSlice(done), position + done);
            if (n == 0) throw new EOFException(file + " has " + done + " bytes from " + position + ", not " + target.byteSize());
            done += n;
        }
    }

    /** Writes native memory at a position. Returns how many bytes: fewer only if there was no room for more, or the kernel did not take more at once. */
    public int write(MemorySegment source, long position) throws IOException { return transfer(Transfer.WRITE, source, null, position); }

    /** As {@link #write(MemorySegment, long)}, from several segments, one after the other; at most 512. */
    public int write(MemorySegment[] sources, long position) throws IOException { return transfer(Transfer.WRITE_PARTS, null, sources, position); }

    /** Writes all of the segment. */
    public void writeFully(MemorySegment source, long position) throws IOException {
        for (long done = 0; done < source.byteSize(); ) done += write(source.asSlice(done), position + done);
    }

    /**
     * Has what was written before reach the disk.
     *
     * @param metadata whether also what is not needed to read it, such as times: fsync(2), else fdatasync(2)
     */
    public void sync(boolean metadata) throws IOException { count((operation, handler) -> operation.sync(file, metadata, handler)); }

    /** Cuts the file, or makes it longer, with zeroes. */
    public void truncate(long length) throws IOException { count((operation, handler) -> operation.truncate(file, length, handler)); }

    /** Returns its size, times and so on. */
    public FileStatus status() throws IOException {
        Slot slot = call(take(), (operation, handler) -> operation.status(file, handler));
        try {
            return slot.operation.status();
        } finally {
            giveBack(slot);
        }
    }

    private int transfer(Transfer what, MemorySegment one, MemorySegment[] several, long position) throws IOException {
        Slot slot = take();
        slot.describe(what, one, several, position);
        return count(call(slot, null));
    }

    private int count(Start what) throws IOException { return count(call(take(), what)); }

    private int count(Slot slot) throws IOException {
        try {
            return slot.operation.count();
        } finally {
            giveBack(slot);
        }
    }

    /** Tells whether {@link #close} has not been called. Any thread. */
    public boolean isOpen() { return !closed; }

    /** Closes it; calls under way end. Does not wait for them, nor for the disk: who wants to know what became of what was written calls {@link #sync} before. Any thread, callbacks too. */
    @Override public void close() {
        List<Slot> waiting;
        synchronized (idle) {
            if (closed) return;
            closed = true;
            waiting = List.copyOf(busy);
        }
        for (Slot slot : waiting) slot.operation.cancel();
        file.close();
    }

    // ---- waiting

    /**
     * Does it, and returns when it has been done without an error; the outcome is in the slot, which the caller {@linkplain #giveBack gives back}.
     *
     * @param what null for the transfer that the slot describes
     */
    private Slot call(Slot slot, Start what) throws IOException {
        Thread caller = Thread.currentThread();
        if (caller.isInterrupted()) { // what is quick would be done in spite of it
            giveBack(slot);
            if (file != null) close();
            throw new ClosedByInterruptException();
        }
        slot.caller = caller;
        slot.done = false;
        try {
            if (what != null) {
                what.start(slot.operation, slot);
            } else {
                switch (slot.transfer) {
                    case READ -> slot.operation.read(file, slot.segment, slot.position, slot);
                    case READ_PARTS -> slot.operation.read(file, slot.segments, slot.position, slot);
                    case WRITE -> slot.operation.write(file, slot.segment, slot.position, slot);
                    case WRITE_PARTS -> slot.operation.write(file, slot.segments, slot.position, slot);
                }
            }
        } catch (RejectedExecutionException e) {
            giveBack(slot);
            throw new IOException("the runtime has stopped", e);
        } catch (Throwable e) { // it has not been started
            giveBack(slot);
            throw e;
        }
        boolean interrupted = false;
        boolean late = false;
        long limit = timeoutNanos;
        long deadline = System.nanoTime() + limit;
        boolean asked = false;
        if (closed) slot.operation.cancel(); // close() may have looked before it was started
        while (!slot.done) {
            interrupted |= Thread.interrupted(); // it would keep the thread from waiting
            long now = System.nanoTime();
            late |= limit != NEVER && deadline - now <= 0;
            if ((interrupted || late) && !asked) {
                asked = true;
                slot.operation.cancel();
            }
            if (slot.operation.color().home().hasStopped() && !slot.done) {
                if (interrupted) caller.interrupt();
                throw new IOException("the runtime has stopped"); // the slot stays the kernel's
            }
            long look = now + LOOK_NANOS; // a runtime that has ended wakes nobody
            Uthread.parkUntil(slot, limit == NEVER || late || look - deadline < 0 ? look : deadline);
        }
        if (interrupted) caller.interrupt();
        int errno = slot.operation.errno();
        if (errno == 0) return slot; // also if it was asked to end: it was quicker
        IOException failure = slot.operation.failure();
        boolean cancelled = slot.operation.isCancelled() || asked && errno == Errno.EINTR;
        giveBack(slot);
        if (interrupted && cancelled) {
            if (file != null) close();
            throw new ClosedByInterruptException();
        }
        if (closed && cancelled) throw new AsynchronousCloseException();
        if (closed && errno == Errno.EBADF) throw new ClosedChannelException();
        if (late && cancelled) throw new InterruptedByTimeoutException();
        throw failure;
    }

    private Slot take() throws ClosedChannelException {
        Parker.mayBlock();
        synchronized (idle) {
            if (closed) throw new ClosedChannelException();
            Slot slot = idle.isEmpty() ? new Slot() : idle.removeLast();
            busy.add(slot);
            return slot;
        }
    }

    private void giveBack(Slot slot) {
        slot.describe(null, null, null, 0); // keeps nobody's memory alive
        synchronized (idle) {
            busy.remove(slot);
            idle.add(slot);
        }
    }

    /** Returns the name that it was opened by. */
    @Override public String toString() { return String.valueOf(Objects.requireNonNullElse(file, "a file that is being opened")); }
}
