package org.libtorque.event;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.libtorque.sys.Errno;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Files;
import org.libtorque.sys.NativeMemory;
import org.libtorque.sys.Sockets;

/**
 * A file or directory open for reading, with what the kernel said of it when it was opened. <em>Owns</em> a descriptor. Any thread may read; closing
 * comes after all use.
 */
public final class OpenFile implements AutoCloseable {
    private final int fd;
    private final int mode;
    private final long size;
    private final long modifiedSeconds;
    private final int modifiedNanos;
    private final long inode;
    private final long device;
    private final int links;
    /** The file system cannot say whether reading would wait. A hint: written by anybody. */
    private boolean blind;
    private final UseCount uses = new UseCount() {
        @Override void unused() { Files.close(ErrnoSlot.current(), fd); }
    };

    /** Takes an open descriptor. {@code statx} is the address of its struct statx. */
    OpenFile(int fd, long statx) {
        this.fd = fd;
        mode = Short.toUnsignedInt(NativeMemory.getShort(statx + Files.Statx.STX_MODE));
        size = NativeMemory.getLong(statx + Files.Statx.STX_SIZE);
        long modified = statx + Files.Statx.STX_MTIME;
        modifiedSeconds = NativeMemory.getLong(modified + Files.StatxTimestamp.TV_SEC);
        modifiedNanos = NativeMemory.getInt(modified + Files.StatxTimestamp.TV_NSEC);
        links = NativeMemory.getInt(statx + Files.Statx.STX_NLINK);
        inode = NativeMemory.getLong(statx + Files.Statx.STX_INO);
        device = (long) NativeMemory.getInt(statx + Files.Statx.STX_DEV_MAJOR) << 32
                | Integer.toUnsignedLong(NativeMemory.getInt(statx + Files.Statx.STX_DEV_MINOR));
    }

    /** Tells whether it is a regular file. */
    public boolean isRegular() { return (mode & Files.S_IFMT) == Files.S_IFREG; }

    /** Tells whether it is a directory. */
    public boolean isDirectory() { return (mode & Files.S_IFMT) == Files.S_IFDIR; }

    /** Returns the size in bytes when it was opened. */
    public long size() { return size; }

    /** Returns the time of the last modification: seconds since 1970. */
    public long modifiedSeconds() { return modifiedSeconds; }

    /** Returns the nanoseconds of the last modification's second. */
    public int modifiedNanos() { return modifiedNanos; }

    /** Returns how many names it has. */
    public int links() { return links; }

    /** Returns the inode number. */
    public long inode() { return inode; }

    /** Returns the device, major number in the upper half. */
    public long device() { return device; }

    /**
     * Reads bytes, waiting for the disk if they are not in memory.
     *
     * @return bytes read, fewer than asked for only at the end of the file
     */
    public int read(long position, byte[] target, int offset, int count) throws IOException {
        java.util.Objects.checkFromIndexSize(offset, count, target.length);
        ErrnoSlot errno = ErrnoSlot.current();
        try (var arena = java.lang.foreign.Arena.ofConfined()) {
            long buffer = arena.allocate(Math.max(1, Math.min(count, 1 << 16))).address();
            int done = 0;
            while (done < count) {
                long n = Files.pread(errno, fd, buffer, Math.min(count - done, 1 << 16), position + done);
                if (n == -Errno.EINTR) continue;
                if (n < 0) throw IoErrors.of(n, "pread", "fd={}", fd);
                if (n == 0) break;
                NativeMemory.copy(buffer, target, offset + done, (int) n);
                done += (int) n;
            }
            return done;
        }
    }

    /**
     * Reads bytes that are in memory, without waiting for the disk.
     *
     * @return bytes read, fewer than asked for only at the end of the file; -1 if somebody would have to wait, or the file system cannot tell
     */
    public int readCached(long position, byte[] target, int offset, int count) throws IOException {
        java.util.Objects.checkFromIndexSize(offset, count, target.length);
        if (blind) return -1;
        ErrnoSlot errno = ErrnoSlot.current();
        try (var arena = java.lang.foreign.Arena.ofConfined()) {
            int room = Math.max(1, Math.min(count, 1 << 16));
            long vector = arena.allocate(Sockets.Iovec.SIZE + room, 8).address();
            long buffer = vector + Sockets.Iovec.SIZE;
            int done = 0;
            while (done < count) {
                Sockets.Iovec.put(vector, buffer, Math.min(count - done, room));
                long n = Files.preadv2(errno, fd, vector, 1, position + done, Files.RWF_NOWAIT);
                if (n == -Errno.EINTR) continue;
                if (n == -Errno.EOPNOTSUPP) blind = true;
                if (n == -Errno.EAGAIN || n == -Errno.EOPNOTSUPP) return -1;
                if (n < 0) throw IoErrors.of(n, "preadv2", "fd={}", fd);
                if (n == 0) break;
                NativeMemory.copy(buffer, target, offset + done, (int) n);
                done += (int) n;
            }
            return done;
        }
    }

    /** Sends bytes of this file to a socket; returns as sendfile(2), with errnos negated. {@code scratch}: 8 bytes, overwritten. */
    long sendTo(ErrnoSlot errno, long scratch, int socket, long position, long count) {
        NativeMemory.putLong(scratch, position);
        return Files.sendfile(errno, socket, fd, scratch, count);
    }

    /**
     * Lists a directory, without {@code .} and {@code ..}, in no order. Names that are not valid in the file system's encoding are left out.
     *
     * @param limit       how many names at most
     * @param directories receives those names that are directories, as far as the file system says so without being asked for each
     */
    public List<String> list(int limit, Set<String> directories) throws IOException {
        if (!isDirectory()) throw new IOException("not a directory");
        List<String> names = new ArrayList<>();
        ErrnoSlot errno = ErrnoSlot.current();
        Files.lseek(errno, fd, 0, Files.SEEK_SET);
        try (var arena = java.lang.foreign.Arena.ofConfined()) {
            int room = 1 << 15;
            long buffer = arena.allocate(room, 8).address();
            while (names.size() < limit) {
                int n = Files.getdents64(errno, fd, buffer, room);
                if (n < 0) throw IoErrors.of(n, "getdents64", "fd={}", fd);
                if (n == 0) break;
                for (int at = 0; at < n && names.size() < limit; ) {
                    long entry = buffer + at;
                    int type = NativeMemory.getByte(entry + Files.Dirent64.D_TYPE);
                    String name = org.libtorque.sys.CStrings.get(entry + Files.Dirent64.D_NAME, 256);
                    at += Short.toUnsignedInt(NativeMemory.getShort(entry + Files.Dirent64.D_RECLEN));
                    if (!name.equals(".") && !name.equals("..") && name.indexOf('\uFFFD') < 0) {
                        names.add(name);
                        if (type == Files.DT_DIR) directories.add(name);
                    }
                }
            }
        }
        return names;
    }

    int fd() { return fd; }

    UseCount uses() { return uses; }

    boolean isBlind() { return blind; }

    void blind() { blind = true; }

    /** Closes it, behind what the library is reading of it. */
    @Override public void close() { uses.close(); }
}
