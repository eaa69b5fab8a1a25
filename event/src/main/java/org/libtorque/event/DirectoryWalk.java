package org.libtorque.event;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.List;
import org.libtorque.sys.Errno;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Mapping;
import org.libtorque.sys.SyscallException;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Task;

/**
 * A stream of the entries of a directory and, if wanted, of those below it, read in batches by {@link FileOperation}s: no vcore waits for the disk. One batch is asked for at a time,
 * after the handler has returned, so who is slow is not overrun; {@link #pause} stops the asking.
 *
 * <p>Directories below are found by their path from the start, which they cannot lead out of, and links are shown but not followed; so a walk ends, whatever is renamed meanwhile. What is
 * made or removed meanwhile may be shown or not, what is moved twice or not at all.
 *
 * <p>Holds two descriptors at most, and the paths of directories that are still to be read.
 */
public final class DirectoryWalk implements Registration {
    private static final int BATCH_BYTES = 32 << 10;

    private record Pending(byte[] path, int depth) {}

    private final AsyncFiles files;
    private final FileOperation operation;
    private final int maxDepth;
    private final DirectoryHandler handler;
    private volatile boolean open = true;

    // The colour's.
    private final ArrayDeque<Pending> pending = new ArrayDeque<>();
    private FileRoot root;
    private AsyncFile directory;
    private Pending current = new Pending(new byte[0], 1);
    private long batch;
    private boolean paused;
    /** The next step was due while it was paused. */
    private boolean stepDue;

    DirectoryWalk(AsyncFiles files, Color color, int maxDepth, DirectoryHandler handler) {
        this.files = files;
        this.maxDepth = maxDepth;
        this.handler = handler;
        operation = files.operation(color);
        operation.onDropped(this::letGo);
    }

    void start(FileName first) { operation.openDirectory(first, o -> began(first), true); }

    private void began(FileName first) throws Exception {
        IOException failure = operation.failure();
        if (failure != null) {
            end(failure);
            return;
        }
        directory = operation.file();
        if (!open) {
            letGo();
            return;
        }
        // The root has a descriptor of its own: both are closed in their own time.
        int copy = org.libtorque.sys.Files.fcntl(ErrnoSlot.current(), directory.fd(), org.libtorque.sys.Files.F_DUPFD_CLOEXEC, 0);
        if (copy < 0) {
            end(IoErrors.of(copy, "fcntl", "F_DUPFD_CLOEXEC, {}", first));
            return;
        }
        root = new FileRoot(Path.of(first.toString()), copy);
        batch = SyscallException.check(Mapping.mmap(ErrnoSlot.current(), 0, BATCH_BYTES, Mapping.PROT_READ | Mapping.PROT_WRITE,
                Mapping.MAP_PRIVATE | Mapping.MAP_ANONYMOUS, -1, 0), "mmap", "{} bytes", BATCH_BYTES);
        step();
    }

    /** Asks for what comes next. */
    private void step() throws Exception {
        if (!open) {
            letGo();
            return;
        }
        if (paused) {
            stepDue = true;
            return;
        }
        if (directory != null) {
            operation.list(directory, batch, BATCH_BYTES, o -> listed());
            return;
        }
        current = pending.poll();
        if (current == null) {
            end(null);
            return;
        }
        FileName name;
        try {
            name = root.file(current.path);
        } catch (IllegalArgumentException e) { // deeper than a path can name
            unreadable(new IOException(FileName.text(current.path) + ": " + Errno.describe(Errno.ENAMETOOLONG)));
            return;
        }
        operation.openDirectory(name, o -> entered(), false);
    }

    private void entered() throws Exception {
        IOException failure = operation.failure();
        if (failure == null) directory = operation.file();
        if (failure == null || !open) step();
        else unreadable(failure);
    }

    private void unreadable(IOException why) throws Exception {
        if (call(() -> handler.onUnreadable(this, current.path, why))) step();
    }

    private void listed() throws Exception {
        int n = operation.errno() == 0 ? operation.count() : -1;
        if (n > 0) {
            show(DirectoryEntry.parse(batch, n, current.path, current.depth));
            return;
        }
        directory.close();
        directory = null;
        if (n == 0 || !open) step();
        else unreadable(operation.failure());
    }

    private void show(List<DirectoryEntry> entries) throws Exception {
        if (current.depth < maxDepth) {
            for (DirectoryEntry entry : entries) {
                if (entry.type() == FileType.DIRECTORY) pending.add(new Pending(entry.pathBytes(), entry.depth() + 1));
            }
        }
        if (open && !entries.isEmpty() && !call(() -> handler.onEntries(this, entries))) return;
        step();
    }

    private interface Callback {
        void run() throws Exception;
    }

    /** Calls the handler; if that throws, ends the walk and returns false. */
    private boolean call(Callback callback) throws Exception {
        try {
            callback.run();
            return true;
        } catch (Throwable e) {
            operation.color().home().reportFailure(this, e);
            end(e);
            return false;
        }
    }

    private void end(Throwable failure) throws Exception {
        boolean told = open;
        letGo();
        if (told) handler.onEnd(this, failure);
    }

    /** Under the colour, or when nobody runs under it any more. */
    void letGo() {
        open = false;
        files.ended(this);
        if (directory != null) directory.close();
        directory = null;
        if (root != null) root.close();
        root = null;
        if (batch != 0) Mapping.munmap(ErrnoSlot.current(), batch, BATCH_BYTES);
        batch = 0;
        pending.clear();
    }

    /** Asks for no more until {@link #resume}. What is on its way is still shown. Under its colour. */
    public void pause() { paused = true; }

    /** Goes on after {@link #pause}. Under its colour. */
    public void resume() {
        paused = false;
        if (!stepDue) return;
        stepDue = false;
        continueSoon();
    }

    private void continueSoon() {
        new Task(operation.color()) {
            @Override protected void run() throws Exception { step(); }
        }.postSurely();
    }

    @Override public void close() {
        if (!open) return;
        open = false;
        // What is in flight comes to its end and then lets go of all. If nothing is, since it is paused, somebody else must.
        new Task(operation.color()) {
            @Override protected void run() throws Exception {
                if (!stepDue) return;
                stepDue = false;
                step();
            }
        }.postSurely();
    }

    @Override public boolean isOpen() { return open; }

    @Override public Color color() { return operation.color(); }

    @Override public String toString() { return "DirectoryWalk[" + (root == null ? operation.toString() : root.path()) + "]"; }
}
