package org.libtorque.event;

import java.nio.file.Path;
import org.libtorque.sys.CStrings;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Files;
import org.libtorque.sys.Files.Dirent64;
import org.libtorque.sys.Files.Statx;
import org.libtorque.sys.Files.StatxTimestamp;
import org.libtorque.sys.NativeMemory;

/**
 * Reads a directory a little at a time: names, and what each of them is. All through one descriptor, so that it is the same directory from the first name to the last, wherever
 * it is moved meanwhile. Used by one thread at a time.
 *
 * <p><em>Owns</em> the descriptor while one is open. <em>Borrows</em> {@link #MEMORY_BYTES} of memory, on a multiple of 8.
 */
final class DirectoryReader {
    private static final int ENTRIES_BYTES = 16 << 10;
    private static final int NAME_BYTES = 4096 + 8; // a path too
    private static final int WANTED = Files.STATX_TYPE | Files.STATX_MODE | Files.STATX_INO | Files.STATX_SIZE | Files.STATX_MTIME | Files.STATX_BTIME;
    static final int MEMORY_BYTES = ENTRIES_BYTES + NAME_BYTES + (int) Statx.SIZE;

    private final long entries;
    private final long text;
    private final long statx;
    private int fd = -1;
    private int at;
    private int filled;

    DirectoryReader(long memory) {
        entries = memory;
        text = memory + ENTRIES_BYTES;
        statx = text + NAME_BYTES;
    }

    boolean isOpen() { return fd >= 0; }

    /**
     * Opens a directory; none is open.
     *
     * @param follow whether the last name may be a symbolic link
     * @return 0 or a negated errno: {@code -ENOTDIR} or {@code -ELOOP} for what is none
     */
    int open(ErrnoSlot errno, Path path, boolean follow) {
        String name = path.toString();
        byte[] bytes = CStrings.encode(name.isEmpty() ? "." : name);
        if (bytes.length >= NAME_BYTES) return -org.libtorque.sys.Errno.ENAMETOOLONG;
        put(bytes);
        int flags = Files.O_RDONLY | Files.O_DIRECTORY | Files.O_NONBLOCK | Files.O_CLOEXEC | (follow ? 0 : Files.O_NOFOLLOW);
        int result = Files.openat(errno, Files.AT_FDCWD, text, flags, 0);
        if (result < 0) return result;
        fd = result;
        at = filled = 0;
        return 0;
    }

    /** Returns the address of a path to what is open, until the next call. */
    long place() {
        put(CStrings.encode("/proc/self/fd/" + fd));
        return text;
    }

    private void put(byte[] bytes) {
        NativeMemory.copy(bytes, 0, text, bytes.length);
        NativeMemory.putByte(text + bytes.length, (byte) 0);
    }

    /**
     * Returns the next name, or null at the end. What is made or removed meanwhile may be among them or not.
     *
     * @throws java.io.IOException if it cannot be read; then it is at its end
     */
    String next(ErrnoSlot errno) throws java.io.IOException {
        while (true) {
            if (at == filled) {
                filled = Files.getdents64(errno, fd, entries, ENTRIES_BYTES);
                at = 0;
                if (filled < 0) {
                    int error = filled;
                    filled = 0;
                    if (error == -org.libtorque.sys.Errno.ENOENT) return null; // removed meanwhile
                    throw IoErrors.of(error, "getdents64", "fd={}", fd);
                }
                if (filled == 0) return null;
            }
            long entry = entries + at;
            at += Short.toUnsignedInt(NativeMemory.getShort(entry + Dirent64.D_RECLEN));
            String name = CStrings.get(entry + Dirent64.D_NAME, 256);
            if (!name.equals(".") && !name.equals("..")) return name;
        }
    }

    /** Looks at what has a name in the open directory; the other methods tell of it. Returns 0 or a negated errno. */
    int look(ErrnoSlot errno, String name) { return look(errno, fd, name); }

    /** Looks at what has a path. */
    int look(ErrnoSlot errno, Path path) { return look(errno, Files.AT_FDCWD, path.toString()); }

    private int look(ErrnoSlot errno, int directory, String name) {
        byte[] bytes = CStrings.encode(name);
        if (bytes.length >= NAME_BYTES) return -org.libtorque.sys.Errno.ENAMETOOLONG;
        put(bytes);
        return Files.statx(errno, directory, text, Files.AT_SYMLINK_NOFOLLOW | Files.AT_NO_AUTOMOUNT, WANTED, statx);
    }

    boolean isDirectory() { return (Short.toUnsignedInt(NativeMemory.getShort(statx + Statx.STX_MODE)) & Files.S_IFMT) == Files.S_IFDIR; }

    /** With {@link #born} the identity of a file: numbers alone are used again at once by some file systems. */
    long inode() { return NativeMemory.getLong(statx + Statx.STX_INO); }

    long size() { return NativeMemory.getLong(statx + Statx.STX_SIZE); }

    /** Nanoseconds since 1970, 0 if the file system does not know. */
    long born() { return (NativeMemory.getInt(statx + Statx.STX_MASK) & Files.STATX_BTIME) == 0 ? 0 : nanos(statx + Statx.STX_BTIME); }

    /** Nanoseconds since 1970. */
    long modified() { return nanos(statx + Statx.STX_MTIME); }

    private static long nanos(long time) {
        return NativeMemory.getLong(time + StatxTimestamp.TV_SEC) * 1_000_000_000L + NativeMemory.getInt(time + StatxTimestamp.TV_NSEC);
    }

    /** Closes what is open, if anything. */
    void close(ErrnoSlot errno) {
        if (fd < 0) return;
        Files.close(errno, fd);
        fd = -1;
    }
}
