package org.libtorque.event;

import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Files;

/**
 * An open file for {@link FileOperation}s, of any colour and as many at a time as one likes.
 *
 * <p><b>Closing.</b> {@link #close} may be called at any moment, by any thread, also while operations are in flight: those that the kernel has come to their end, those that wait for a
 * thread of the pool end as cancelled, later ones fail with {@code EBADF}; the descriptor is closed behind the last one, so no operation ever meets another file under its
 * number. What close(2) says goes to who closes by {@link FileOperation#close(AsyncFile, FileHandler)}. <em>Owns</em> the descriptor; a file that is never closed stays open.
 */
public final class AsyncFile implements AutoCloseable {
    private final AsyncFiles files;
    private final String name;
    private final int fd;
    private final boolean writable;
    /** The file system cannot say whether reading would wait. A hint: written by anybody. */
    private boolean blind;

    private final UseCount uses = new UseCount() {
        @Override void unused() {
            // Behind the last close of a file that was written or removed there may be work for the disk.
            if (writable) files.closeLater(fd);
            else Files.close(ErrnoSlot.current(), fd);
        }
    };

    AsyncFile(AsyncFiles files, String name, int fd, boolean writable) {
        this.files = files;
        this.name = name;
        this.fd = fd;
        this.writable = writable;
    }

    int fd() { return fd; }

    UseCount uses() { return uses; }

    boolean isBlind() { return blind; }

    void blind() { blind = true; }

    /** Tells whether {@link #close} has not been called. Any thread. */
    public boolean isOpen() { return !uses.isClosed(); }

    /** Closes it behind the operations in flight. Any thread; a second call does nothing. */
    @Override public void close() { uses.close(); }

    /** Returns the name that it was opened by. */
    @Override public String toString() { return name; }
}
