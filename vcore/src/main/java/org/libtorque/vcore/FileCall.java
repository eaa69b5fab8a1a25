package org.libtorque.vcore;

import org.libtorque.sys.Errno;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Files;

/**
 * One operation on a file, with its arguments as the kernel takes them: an event queue that can has it carried out without holding the vcore ({@link EventQueue#submit}); anywhere
 * else a thread that may wait {@linkplain #perform performs} it. An object is used for one operation at a time, and again for others.
 *
 * <p>{@code IDLE -prepare-> READY -submit-> IN FLIGHT -completed-> IDLE}. Whoever prepares it sees to what it points to: memory at {@link #address}, {@link #address2} is the
 * kernel's until it has completed, names and {@code struct open_how} included.
 */
public abstract class FileCall {
    /** What is to be done; each with the system call that does it, its arguments in the order of that. */
    public enum Kind {
        /** openat2(fd, address, address2). */
        OPEN("openat2"),
        /** close(fd). */
        CLOSE("close"),
        /** pread(fd, address, length, offset). */
        READ("pread"),
        /** pwrite(fd, address, length, offset). */
        WRITE("pwrite"),
        /** As READ, address lying in registered memory number {@link #buffer}. */
        READ_FIXED("pread"),
        /** As WRITE, address lying in registered memory number {@link #buffer}. */
        WRITE_FIXED("pwrite"),
        /** preadv2(fd, address, length, offset, flags). */
        READV("preadv2"),
        /** pwritev2(fd, address, length, offset, flags). */
        WRITEV("pwritev2"),
        /** fsync(fd). */
        SYNC("fsync"),
        /** fdatasync(fd). */
        DATA_SYNC("fdatasync"),
        /** ftruncate(fd, offset). */
        TRUNCATE("ftruncate"),
        /** statx(fd, address, flags, length, address2). */
        STATUS("statx"),
        /** renameat2(fd, address, fd2, address2, flags). */
        RENAME("renameat2"),
        /** unlinkat(fd, address, flags). */
        UNLINK("unlinkat"),
        /** mkdirat(fd, address, length). */
        MAKE_DIRECTORY("mkdirat"),
        /** getdents64(fd, address, length). */
        LIST("getdents64");

        private final String call;

        Kind(String call) { this.call = call; }

        /** Returns the name of the system call. */
        public String call() { return call; }
    }

    private Kind kind;
    private int fd;
    private int fd2;
    private long address;
    private long address2;
    private int length;
    private long offset;
    private int flags;
    private int buffer = -1;
    /** Where it is in the table of the queue that has it, -1 if none has. */
    private int slot = -1;

    /** For subclasses. */
    protected FileCall() {}

    // ---- preparing; Kind says what each argument is

    /** Says what to do next, with all arguments 0. */
    protected final void prepare(Kind newKind, int newFd) {
        kind = newKind;
        fd = newFd;
        fd2 = length = flags = 0;
        address = address2 = offset = 0;
        buffer = -1;
    }

    /** Sets address and length. */
    protected final void memory(long newAddress, int newLength) {
        address = newAddress;
        length = newLength;
    }

    /** Sets the offset. */
    protected final void offset(long newOffset) { offset = newOffset; }

    /** Sets the flags. */
    protected final void flags(int newFlags) { flags = newFlags; }

    /** Sets the second descriptor and address. */
    protected final void second(int newFd, long newAddress) {
        fd2 = newFd;
        address2 = newAddress;
    }

    /** Sets the number of the registered memory. */
    protected final void buffer(int number) { buffer = number; }

    // ---- for event queues

    /** Returns what is to be done. */
    public final Kind kind() { return kind; }

    /** Returns the descriptor. */
    public final int fd() { return fd; }

    /** Returns the second descriptor. */
    public final int fd2() { return fd2; }

    /** Returns the first address. */
    public final long address() { return address; }

    /** Returns the second address. */
    public final long address2() { return address2; }

    /** Returns the length, or what the call has in its place. */
    public final int length() { return length; }

    /** Returns the offset. */
    public final long offset() { return offset; }

    /** Returns the flags. */
    public final int flags() { return flags; }

    /** Returns the number of the registered memory that the address lies in, -1 if in none. */
    public final int buffer() { return buffer; }

    /** Returns its place in the table of the queue that has it, -1 if none has. */
    public final int slot() { return slot; }

    /** Enters or leaves (-1) a place in the table of a queue. */
    public final void slot(int newSlot) { slot = newSlot; }

    /** Delivers the outcome. */
    public final void complete(int result) { completed(result); }

    // ---- for who waits

    /**
     * Carries it out on the calling thread, waiting for the disk. {@code EINTR} is tried again; nothing else is.
     *
     * @return what the system call returns, or a negated errno
     */
    public final int perform() {
        ErrnoSlot errno = ErrnoSlot.current();
        int result;
        do result = (int) performOnce(errno);
        while (result == -Errno.EINTR && kind != Kind.CLOSE); // closed it is at any rate
        return result;
    }

    private long performOnce(ErrnoSlot errno) {
        return switch (kind) {
            case OPEN -> Files.openat2(errno, fd, address, address2);
            case CLOSE -> Files.close(errno, fd);
            case READ, READ_FIXED -> Files.pread(errno, fd, address, length, offset);
            case WRITE, WRITE_FIXED -> Files.pwrite(errno, fd, address, length, offset);
            case READV -> Files.preadv2(errno, fd, address, length, offset, flags);
            case WRITEV -> Files.pwritev2(errno, fd, address, length, offset, flags);
            case SYNC -> Files.fsync(errno, fd);
            case DATA_SYNC -> Files.fdatasync(errno, fd);
            case TRUNCATE -> Files.ftruncate(errno, fd, offset);
            case STATUS -> Files.statx(errno, fd, address, flags, length, address2);
            case RENAME -> Files.renameat2(errno, fd, address, fd2, address2, flags);
            case UNLINK -> Files.unlinkat(errno, fd, address, flags);
            case MAKE_DIRECTORY -> Files.mkdirat(errno, fd, address, length);
            case LIST -> Files.getdents64(errno, fd, address, length);
        };
    }

    /**
     * Tells the outcome of a call that was submitted. On the thread of the queue's vcore while it harvests: must be brief, and may submit again.
     *
     * @param result as {@link #perform} returns; {@code -ECANCELED} after {@link EventQueue#cancel}, unless it was too late
     */
    protected abstract void completed(int result);
}
