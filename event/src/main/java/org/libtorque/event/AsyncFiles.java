package org.libtorque.event;

import java.lang.foreign.Arena;
import java.util.BitSet;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.libtorque.hardware.CpuSet;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Files;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.FileCall;
import org.libtorque.vcore.Vcore;

/**
 * Files without holding a vcore: makes the operations, the walks through directories and the buffers that the kernel knows. One for each runtime ({@link org.libtorque.Torque#files}).
 * All methods may be called from any thread.
 */
public final class AsyncFiles {
    private static final int MAX_BUFFERS = 64;
    private static final long MAX_BUFFER_BYTES = 1L << 30;
    private static final long CLOSING_NANOS = 2_000_000_000L;
    private static final System.Logger LOG = System.getLogger("org.libtorque");

    /** What tests put between the kernel and an operation. */
    @FunctionalInterface
    interface Faults {
        /** Returns what the operation is to take as the outcome of a call. */
        int result(FileCall.Kind kind, int result);
    }

    private final Loop[] loops;
    private final Color[] errands;
    private final FilePool pool;
    /** What is to be closed by threads that may wait; any thread adds. Few of the pool's threads do so at a time: others wait for files, and not for grace periods of the kernel's. */
    private final ConcurrentLinkedQueue<Runnable> closings = new ConcurrentLinkedQueue<>();
    private final AtomicInteger closers = new AtomicInteger();
    private final int maxClosers;
    private final FileMemory memory = new FileMemory();
    private final BriefLock lock = new BriefLock();
    /** Those that have descriptors, to be given back if they are under way when the runtime ends. Under the lock. */
    private final Set<DirectoryWalk> walks = new HashSet<>();
    /** Numbers that are taken. Under the lock. */
    private final BitSet buffers = new BitSet();
    private volatile Faults faults = (kind, result) -> result;

    /** @param loops of each vcore; those entered by the time that something is asked for */
    AsyncFiles(Loop[] loops, Vcore[] vcores, CpuSet cpus, int threads, int waiting) {
        this.loops = loops;
        pool = new FilePool(cpus, threads, waiting);
        maxClosers = Math.max(1, threads / 4);
        errands = new Color[vcores.length];
        for (int i = 0; i < errands.length; i++) errands[i] = vcores[i].newColor().pin();
    }

    /** Makes an operation whose handlers run under a colour. Idle, it holds nothing but its own few hundred bytes, and need not be closed. */
    public FileOperation operation(Color color) { return new FileOperation(this, color); }

    /**
     * Makes a buffer that the kernel knows.
     *
     * @param bytes 1 to 1 GiB; with io_uring they stay in memory
     * @throws IllegalStateException if there are 64
     */
    public FileBuffer buffer(long bytes) {
        if (bytes < 1 || bytes > MAX_BUFFER_BYTES) throw new IllegalArgumentException("a buffer of " + bytes + " bytes; 1 to " + MAX_BUFFER_BYTES + " can be had");
        int number;
        lock.lock();
        try {
            number = buffers.nextClearBit(0);
            if (number >= MAX_BUFFERS) throw new IllegalStateException("there are " + MAX_BUFFERS + " buffers already");
            buffers.set(number);
        } finally {
            lock.unlock();
        }
        try {
            return new FileBuffer(this, number, bytes);
        } catch (RuntimeException e) {
            freeBufferNumber(number);
            throw e;
        }
    }

    void freeBufferNumber(int number) {
        lock.lock();
        buffers.clear(number);
        lock.unlock();
    }

    /**
     * Shows what a directory and those below it contain, under a colour; see {@link DirectoryWalk}.
     *
     * @param depth how many levels: 1 is the directory's own entries; {@link Integer#MAX_VALUE} is all there are
     */
    public DirectoryWalk walk(FileName directory, int depth, Color color, DirectoryHandler handler) {
        if (depth < 1) throw new IllegalArgumentException("a depth of " + depth);
        DirectoryWalk walk = new DirectoryWalk(this, color, depth, handler);
        lock.lock();
        walks.add(walk);
        lock.unlock();
        walk.start(directory);
        return walk;
    }

    void ended(DirectoryWalk walk) {
        lock.lock();
        walks.remove(walk);
        lock.unlock();
    }

    FilePool pool() { return pool; }

    /** Has a descriptor closed by a thread that may wait. Any thread; it is closed in any case. */
    void closeLater(int fd) { later(() -> Files.close(ErrnoSlot.current(), fd)); }

    /** Has a shared arena closed by a thread that may wait: the JVM asks all threads whether they are using it. Any thread; it is closed in any case. */
    void closeLater(Arena arena) { later(arena::close); }

    private void later(Runnable closing) {
        closings.add(closing); // before the look at closers; partner in closeAll()
        startCloser();
    }

    /** Has one more thread of the pool close what waits for that, unless as many do as may. */
    private void startCloser() {
        for (int n = closers.get(); n < maxClosers; n = closers.get()) {
            if (!closers.compareAndSet(n, n + 1)) continue;
            pool.submit(new FilePool.Job() {
                @Override void run() { closeAll(); }

                @Override void dropped() { run(); }
            }, true);
            return;
        }
    }

    private void closeThem() {
        for (Runnable closing; (closing = closings.poll()) != null; ) closing.run();
    }

    private void closeAll() {
        closeThem();
        closers.decrementAndGet();
        if (!closings.isEmpty()) startCloser(); // added when this one had just looked and still counted
    }

    FileMemory memory() { return memory; }

    Faults faults() { return faults; }

    void inject(Faults newFaults) { faults = newFaults; }

    Loop[] loops() { return loops; }

    /** Returns a colour that is pinned to a vcore, for what only that one may do. */
    Color errands(Loop loop) { return errands[loop.vcore.index()]; }

    /** Returns the loop of the calling vcore, null if it is none of this runtime. */
    Loop here() {
        Vcore vcore = Vcore.current();
        if (vcore == null || vcore.index() >= loops.length) return null;
        Loop loop = loops[vcore.index()];
        return loop != null && loop.vcore == vcore ? loop : null;
    }

    /** Called before vcores run; {@link #close} must follow. */
    void open() { pool.open(); }

    /** Called when all vcores have ended. */
    void close() {
        closeThem(); // beside the pool's threads: of these there may be many, and what takes time is not a disk
        if (pool.close(CLOSING_NANOS)) {
            for (DirectoryWalk walk : Set.copyOf(walks)) walk.letGo(); // nobody else is left
            memory.close();
        } else {
            LOG.log(System.Logger.Level.WARNING, "file operations are still under way; the memory that was given to them must stay");
        }
    }
}
