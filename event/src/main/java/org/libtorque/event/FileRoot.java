package org.libtorque.event;

import java.io.IOException;
import java.nio.file.Path;
import org.libtorque.sys.CStrings;
import org.libtorque.sys.Errno;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Files;
import org.libtorque.sys.NativeMemory;

/**
 * A directory out of which no path leads: the kernel resolves names below it (openat2(2) with {@code RESOLVE_BENEATH}, Linux 5.6) and refuses those
 * that would leave it, by {@code ..}, by an absolute link or by any other link, also when somebody renames directories meanwhile.
 *
 * <p><em>Owns</em> a descriptor of the directory. Any thread may open files.
 */
public final class FileRoot implements AutoCloseable {
    private static final int MAX_PATH = FileName.MAX_BYTES;
    /** Whether the kernel knows RESOLVE_CACHED (Linux 5.12), by which a path is looked up only if it is in the cache of names. Tests take it away. */
    static volatile boolean cachedLookups = knowsCachedLookups();

    private final Path path;
    private final int fd;
    private final UseCount uses = new UseCount() {
        @Override void unused() { Files.close(ErrnoSlot.current(), fd); }
    };

    FileRoot(Path path, int fd) {
        this.path = path;
        this.fd = fd;
    }

    /**
     * Opens a directory.
     *
     * @throws IOException if there is none or it cannot be opened; the message names path and errno
     */
    public static FileRoot open(Path directory) throws IOException {
        ErrnoSlot errno = ErrnoSlot.current();
        Path real = directory.toRealPath();
        try (var arena = java.lang.foreign.Arena.ofConfined()) {
            int fd = Files.open(errno, CStrings.allocate(real.toString(), arena), Files.O_PATH | Files.O_DIRECTORY | Files.O_CLOEXEC, 0);
            if (fd < 0) throw IoErrors.of(fd, "open", "{}", directory);
            return new FileRoot(real, fd);
        }
    }

    /** Returns the name of a file below this directory, for {@link FileOperation}s. */
    public FileName file(String name) { return new FileName(this, CStrings.encode(name)); }

    /** Returns the name of a file below this directory, for {@link FileOperation}s, by its bytes: names need not be text. */
    public FileName file(byte[] name) { return new FileName(this, name.clone()); }

    int fd() { return fd; }

    UseCount uses() { return uses; }

    /** Returns the directory, with links resolved. */
    public Path path() { return path; }

    /**
     * Opens a file or directory for reading. Never waits for the other side of a pipe, and never makes a terminal the controlling one.
     *
     * @param name   bytes of a path relative to this directory, without a leading slash; empty is the directory itself
     * @param length how many of them
     * @throws FileOpenException if it cannot be opened; {@link FileOpenException#reason} says why
     */
    public OpenFile open(byte[] name, int length) throws FileOpenException { return open(name, length, true); }

    /**
     * Opens a file or directory for reading, as {@link #open(byte[], int)}.
     *
     * @param followLinks whether symbolic links are followed; otherwise a path with one is {@link FileOpenException.Reason#LINK}
     */
    public OpenFile open(byte[] name, int length, boolean followLinks) throws FileOpenException { return open(name, length, followLinks, true); }

    /**
     * Opens a file or directory for reading, if that can be done without waiting for the disk: the kernel has all of the path in its cache of names (Linux 5.12).
     *
     * @return null if somebody would have to wait
     */
    public OpenFile openCached(byte[] name, int length, boolean followLinks) throws FileOpenException { return open(name, length, followLinks, false); }

    private OpenFile open(byte[] name, int length, boolean followLinks, boolean mayWait) throws FileOpenException {
        if (length >= MAX_PATH) throw new FileOpenException(FileOpenException.Reason.NOT_FOUND, Errno.ENAMETOOLONG, "the path is longer than " + MAX_PATH + " bytes");
        for (int i = 0; i < length; i++) {
            if (name[i] == 0) throw new FileOpenException(FileOpenException.Reason.NOT_FOUND, Errno.ENOENT, "the path contains a NUL");
        }
        Scratch scratch = SCRATCH.get();
        long buffer = scratch.address;
        if (length == 0) {
            NativeMemory.putShort(buffer, (short) '.');
        } else {
            NativeMemory.copy(name, 0, buffer, length);
            NativeMemory.putByte(buffer + length, (byte) 0);
        }
        return open(scratch, fd, Files.RESOLVE_BENEATH | Files.RESOLVE_NO_MAGICLINKS | (followLinks ? 0 : Files.RESOLVE_NO_SYMLINKS), mayWait);
    }

    /** Opens a file or directory for reading by its name. Returns null if that would have to wait, and must not. */
    static OpenFile open(FileName name, boolean mayWait) throws FileOpenException {
        Scratch scratch = SCRATCH.get();
        name.put(scratch.address);
        FileRoot root = name.root();
        return root == null ? open(scratch, Files.AT_FDCWD, 0, mayWait) : open(scratch, root.fd, Files.RESOLVE_BENEATH | Files.RESOLVE_NO_MAGICLINKS, mayWait);
    }

    private static boolean knowsCachedLookups() {
        ErrnoSlot errno = ErrnoSlot.current();
        try (var arena = java.lang.foreign.Arena.ofConfined()) {
            int fd = Files.openat2(errno, Files.AT_FDCWD, CStrings.allocate(".", arena), Files.O_PATH | Files.O_CLOEXEC, 0, Files.RESOLVE_CACHED);
            if (fd >= 0) Files.close(errno, fd);
            return fd != -Errno.EINVAL && fd != -Errno.ENOSYS;
        }
    }

    /** Opens what the path says that is in scratch memory. */
    private static OpenFile open(Scratch scratch, int directory, long resolve, boolean mayWait) throws FileOpenException {
        long buffer = scratch.address;
        if (!mayWait) {
            if (!cachedLookups) return null;
            resolve |= Files.RESOLVE_CACHED;
        }
        int opened;
        int tries = 0;
        do opened = Files.openat2(scratch.errno, directory, buffer, Files.O_RDONLY | Files.O_CLOEXEC | Files.O_NONBLOCK | Files.O_NOCTTY, 0, resolve);
        while ((opened == -Errno.EAGAIN && mayWait || opened == -Errno.EINTR) && ++tries < 100); // EAGAIN: a rename raced with "..", undecided
        if (!mayWait && opened == -Errno.EAGAIN) return null;
        if (opened < 0) throw failure(-opened, (resolve & Files.RESOLVE_NO_SYMLINKS) == 0);
        long statx = buffer + MAX_PATH;
        NativeMemory.putByte(buffer, (byte) 0);
        int result = Files.statx(scratch.errno, opened, buffer, Files.AT_EMPTY_PATH, Files.STATX_BASIC_STATS, statx);
        if (result < 0) {
            Files.close(scratch.errno, opened);
            throw failure(-result, true);
        }
        return new OpenFile(opened, statx);
    }

    /**
     * Opens a directory as a place only (O_PATH), without following links, for calls that can name one as {@code /proc/self/fd/N}.
     *
     * @return a descriptor, the caller's to close, or a negated errno
     */
    int openPlace(byte[] name, int length) {
        if (length >= MAX_PATH) return -Errno.ENAMETOOLONG;
        Scratch scratch = SCRATCH.get();
        if (length == 0) {
            NativeMemory.putShort(scratch.address, (short) '.');
        } else {
            NativeMemory.copy(name, 0, scratch.address, length);
            NativeMemory.putByte(scratch.address + length, (byte) 0);
        }
        return Files.openat2(scratch.errno, fd, scratch.address, Files.O_PATH | Files.O_DIRECTORY | Files.O_CLOEXEC, 0,
                Files.RESOLVE_BENEATH | Files.RESOLVE_NO_MAGICLINKS | Files.RESOLVE_NO_SYMLINKS);
    }

    private static FileOpenException failure(int errno, boolean followLinks) {
        FileOpenException.Reason reason = switch (errno) {
            case Errno.ENOENT, Errno.ENOTDIR, Errno.ENAMETOOLONG, Errno.ENXIO -> FileOpenException.Reason.NOT_FOUND;
            case Errno.ELOOP -> followLinks ? FileOpenException.Reason.NOT_FOUND : FileOpenException.Reason.LINK;
            case Errno.EACCES, Errno.EPERM -> FileOpenException.Reason.FORBIDDEN;
            case Errno.EXDEV -> FileOpenException.Reason.OUTSIDE;
            case Errno.EMFILE, Errno.ENFILE, Errno.ENOMEM -> FileOpenException.Reason.EXHAUSTED;
            default -> FileOpenException.Reason.OTHER;
        };
        return new FileOpenException(reason, errno, "openat2: " + Errno.describe(errno));
    }

    /** Closes it behind the operations in flight. Any thread; a second call does nothing. */
    @Override public void close() { uses.close(); }

    /** Memory for one thread's calls; platform threads that open files are few and live long. */
    private static final class Scratch {
        final long address = java.lang.foreign.Arena.global().allocate(MAX_PATH + Files.Statx.SIZE, 8).address();
        final ErrnoSlot errno = ErrnoSlot.allocate();
    }

    private static final ThreadLocal<Scratch> SCRATCH = ThreadLocal.withInitial(Scratch::new);
}
