package org.libtorque.sys;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FilesKernelTest extends KernelFixture {
    private static final int READ = Files.O_RDONLY | Files.O_CLOEXEC;
    private static final int CREATE = Files.O_RDWR | Files.O_CREAT | Files.O_EXCL | Files.O_CLOEXEC;
    private final long buffer = memory(4096);
    @TempDir Path directory;
    private int dir;

    @BeforeEach
    void openDirectory() {
        dir = fd(Files.open(errno, memory(directory.toString()), READ | Files.O_DIRECTORY, 0));
    }

    @Test
    void bytesAreWrittenAndReadAtTheFilePosition() {
        int fd = create("f");
        assertEquals(5, Files.write(errno, fd, text("hello"), 5));
        assertEquals(5, Files.lseek(errno, fd, 0, Files.SEEK_CUR));
        assertEquals(1, Files.lseek(errno, fd, 1, Files.SEEK_SET));
        assertEquals(4, Files.read(errno, fd, buffer, 4096));
        assertEquals("ello", CStrings.get(buffer, 4));
        assertEquals(0, Files.read(errno, fd, buffer, 4096));
        assertEquals(0600, stat("f", Files.Statx.STX_MODE) & 0777);
        ok(Files.fsync(errno, fd));
        ok(Files.fdatasync(errno, fd));
        ok(Files.fadvise(errno, fd, 0, 0, Files.POSIX_FADV_SEQUENTIAL));
    }

    @Test
    void positionedCallsLeaveTheFilePositionAlone() {
        int fd = create("f");
        assertEquals(3, Files.pwrite(errno, fd, text("abc"), 3, 0x1_0000_0000L));       // offsets have 64 bits
        assertEquals(2, Files.pread(errno, fd, buffer, 2, 0x1_0000_0001L));
        assertEquals("bc", CStrings.get(buffer, 2));
        assertEquals(0, Files.lseek(errno, fd, 0, Files.SEEK_CUR));
        assertEquals(0x1_0000_0003L, Files.lseek(errno, fd, 0, Files.SEEK_END));
        ok(Files.ftruncate(errno, fd, 7));
        assertEquals(7, stat("f", Files.Statx.STX_SIZE));
    }

    @Test
    void vectorsAreWrittenAndReadInOrder() {
        int fd = create("f");
        long iov = memory(2 * Sockets.Iovec.SIZE);
        Sockets.Iovec.put(iov, text("abc"), 3);
        Sockets.Iovec.put(iov + Sockets.Iovec.SIZE, text("defg"), 4);
        assertEquals(7, Files.writev(errno, fd, iov, 2));
        assertEquals(7, Files.pwritev2(errno, fd, iov, 2, 7, Files.RWF_DSYNC));
        Sockets.Iovec.put(iov, buffer, 6);
        Sockets.Iovec.put(iov + Sockets.Iovec.SIZE, buffer + 10, 4096 - 10);
        assertEquals(7, Files.readv(errno, fd, iov, 2));                                // from 7 on: the position
        assertEquals("abcdef", CStrings.get(buffer, 6));
        assertEquals("g", CStrings.get(buffer + 10, 1));
        assertEquals(14, Files.preadv2(errno, fd, iov, 2, 0, 0));
        long n = Files.preadv2(errno, fd, iov, 2, 0, Files.RWF_NOWAIT);                 // just written: in memory
        assumeTrue(n != -Errno.EOPNOTSUPP, "the file system of " + directory + " has no RWF_NOWAIT");
        assertEquals(14, n);
    }

    @Test
    void pagesJustWrittenAreCached() {
        int fd = create("f");
        ok(Files.ftruncate(errno, fd, 3L * Mapping.PAGE_SIZE));
        long n = Files.cachedPages(errno, fd, 0, 3L * Mapping.PAGE_SIZE, buffer);
        assumeTrue(n != -Errno.ENOSYS && n != -Errno.EPERM, "cachestat: " + Errno.describe((int) -n));
        assertEquals(0, n);
        assertEquals(1, Files.pwrite(errno, fd, buffer, 1, 2L * Mapping.PAGE_SIZE));
        assertEquals(1, Files.cachedPages(errno, fd, 0, 3L * Mapping.PAGE_SIZE, buffer));
        assertEquals(0, Files.cachedPages(errno, fd, 0, 2L * Mapping.PAGE_SIZE, buffer));
        assertEquals(-Errno.EBADF, Files.cachedPages(errno, -1, 0, 1, buffer));
    }

    @Test
    void sendfileMovesAFileIntoASocketFromAnOffset() {
        int file = create("f");
        assertEquals(6, Files.write(errno, file, text("abcdef"), 6));
        ok(Sockets.socketpair(errno, Sockets.AF_UNIX, Sockets.SOCK_STREAM, 0, buffer));
        int near = fd(NativeMemory.getInt(buffer));
        int far = fd(NativeMemory.getInt(buffer + 4));
        NativeMemory.putLong(buffer, 2);
        assertEquals(3, Files.sendfile(errno, near, file, buffer, 3));
        assertEquals(5, NativeMemory.getLong(buffer));
        assertEquals(3, Files.read(errno, far, buffer, 100));
        assertEquals("cde", CStrings.get(buffer, 3));
    }

    @Test
    void spliceMovesAFileIntoAPipe() {
        int file = create("f");
        assertEquals(6, Files.write(errno, file, text("abcdef"), 6));
        int[] pipe = pipe(Files.O_NONBLOCK | Files.O_CLOEXEC);
        NativeMemory.putLong(buffer, 4);
        assertEquals(2, Files.splice(errno, file, buffer, pipe[1], 0, 100, Files.SPLICE_F_MOVE));
        assertEquals(6, NativeMemory.getLong(buffer));
        assertEquals(2, Files.read(errno, pipe[0], buffer, 100));
        assertEquals("ef", CStrings.get(buffer, 2));
        fails(Errno.EAGAIN, Files.read(errno, pipe[0], buffer, 1));
        fails(Errno.EINVAL, Files.splice(errno, file, 0, file, 0, 1, 0));
    }

    @Test
    void descriptorFlagsAreReadAndSet() {
        int[] pipe = pipe(0);
        assertEquals(0, Files.fcntl(errno, pipe[0], Files.F_GETFD, 0));
        ok(Files.fcntl(errno, pipe[0], Files.F_SETFD, Files.FD_CLOEXEC));
        assertEquals(Files.FD_CLOEXEC, Files.fcntl(errno, pipe[0], Files.F_GETFD, 0));
        ok(Files.setNonBlocking(errno, pipe[0], true));
        ok(Files.setNonBlocking(errno, pipe[0], true));
        assertEquals(Files.O_NONBLOCK, Files.fcntl(errno, pipe[0], Files.F_GETFL, 0));
        fails(Errno.EAGAIN, Files.read(errno, pipe[0], buffer, 1));
        ok(Files.setNonBlocking(errno, pipe[0], false));
        assertEquals(0, Files.fcntl(errno, pipe[0], Files.F_GETFL, 0));
        assertEquals(1 << 17, Files.fcntl(errno, pipe[0], Files.F_SETPIPE_SZ, 1 << 17));
        assertEquals(1 << 17, Files.fcntl(errno, pipe[1], Files.F_GETPIPE_SZ, 0));
        int high = fd(Files.fcntl(errno, pipe[0], Files.F_DUPFD_CLOEXEC, 200));
        assertTrue(high >= 200);
    }

    @Test
    void duplicatesShareTheOpenFile() {
        int[] pipe = pipe(Files.O_CLOEXEC);
        int copy = fd(Files.dup(errno, pipe[1]));
        assertEquals(1, Files.write(errno, copy, text("x"), 1));
        assertEquals(1, Files.read(errno, pipe[0], buffer, 9));
        int target = fd(EventFd.create(errno, 0, 0));
        assertEquals(target, Files.dup3(errno, pipe[1], target, Files.O_CLOEXEC));
        assertEquals(2, Files.write(errno, target, text("yz"), 2));
        assertEquals(2, Files.read(errno, pipe[0], buffer, 9));
        fails(Errno.EINVAL, Files.dup3(errno, pipe[1], pipe[1], 0));
    }

    @Test
    void closingTwiceIsAnError() {
        int fd = EventFd.create(errno, 0, 0);
        assertEquals(0, Files.close(errno, fd));
        fails(Errno.EBADF, Files.close(errno, fd));
        int again = EventFd.create(errno, 0, 0);
        assertEquals(0, Files.closeRange(errno, again, again));
        fails(Errno.EBADF, Files.close(errno, again));
    }

    @Test
    void openingSaysWhyItFails() throws Exception {
        create("f");
        fails(Errno.ENOENT, open("nowhere", READ));
        fails(Errno.EEXIST, Files.openat(errno, dir, memory("f"), CREATE, 0600));
        fails(Errno.ENOTDIR, open("f", READ | Files.O_DIRECTORY));
        java.nio.file.Files.createSymbolicLink(directory.resolve("link"), Path.of("f"));
        fails(Errno.ELOOP, open("link", READ | Files.O_NOFOLLOW));
        fd(ok(open("link", READ)));
        fails(Errno.EISDIR, open(".", Files.O_WRONLY));
        fd(ok(open(".", Files.O_RDWR | Files.O_TMPFILE | Files.O_CLOEXEC)));
    }

    @Test
    void openat2KeepsPathsBelowTheirDirectory() throws Exception {
        create("f");
        java.nio.file.Files.createDirectory(directory.resolve("sub"));
        java.nio.file.Files.createSymbolicLink(directory.resolve("out"), Path.of("/etc/passwd"));
        java.nio.file.Files.createSymbolicLink(directory.resolve("in"), Path.of("sub/../f"));
        fd(openat2("f", Files.RESOLVE_BENEATH));
        fd(openat2("sub/../f", Files.RESOLVE_BENEATH));
        fd(openat2("in", Files.RESOLVE_BENEATH));
        fails(Errno.EXDEV, openat2("../" + directory.getFileName() + "/f", Files.RESOLVE_BENEATH));
        fails(Errno.EXDEV, openat2("/etc/passwd", Files.RESOLVE_BENEATH));
        fails(Errno.EXDEV, openat2("out", Files.RESOLVE_BENEATH));
        fails(Errno.ELOOP, openat2("in", Files.RESOLVE_BENEATH | Files.RESOLVE_NO_SYMLINKS));
        fails(Errno.ENOENT, openat2("out", Files.RESOLVE_IN_ROOT));
        java.nio.file.Files.delete(directory.resolve("out"));
        fails(Errno.EINVAL, Files.openat2(errno, dir, memory("f"), READ, 0600, 0));   // a mode without O_CREAT
        int made = fd(Files.openat2(errno, dir, memory("made"), CREATE, 0640, Files.RESOLVE_BENEATH));
        assertEquals(1, Files.write(errno, made, text("x"), 1));
    }

    @Test
    void statxTellsWhatTheJdkTells() throws Exception {
        int fd = create("f");
        assertEquals(5, Files.write(errno, fd, text("hello"), 5));
        Path path = directory.resolve("f");
        java.nio.file.Files.setLastModifiedTime(path, FileTime.from(Instant.ofEpochSecond(1_234_567_890, 123_456_789)));
        assertEquals(5, stat("f", Files.Statx.STX_SIZE));
        assertEquals(Files.S_IFREG, NativeMemory.getShort(buffer + Files.Statx.STX_MODE) & Files.S_IFMT);
        assertEquals(Files.STATX_BASIC_STATS, NativeMemory.getInt(buffer + Files.Statx.STX_MASK) & Files.STATX_BASIC_STATS);
        Map<String, Object> unix = java.nio.file.Files.readAttributes(path, "unix:ino,nlink,uid,gid",
                LinkOption.NOFOLLOW_LINKS);
        assertEquals(unix.get("ino"), NativeMemory.getLong(buffer + Files.Statx.STX_INO));
        assertEquals(unix.get("nlink"), NativeMemory.getInt(buffer + Files.Statx.STX_NLINK));
        assertEquals(unix.get("uid"), NativeMemory.getInt(buffer + Files.Statx.STX_UID));
        assertEquals(unix.get("gid"), NativeMemory.getInt(buffer + Files.Statx.STX_GID));
        long mtime = buffer + Files.Statx.STX_MTIME;
        assertEquals(1_234_567_890, NativeMemory.getLong(mtime + Files.StatxTimestamp.TV_SEC));
        assertEquals(123_456_789, NativeMemory.getInt(mtime + Files.StatxTimestamp.TV_NSEC));
        ok(Files.statx(errno, fd, memory(""), Files.AT_EMPTY_PATH, Files.STATX_SIZE, buffer));
        assertEquals(5, NativeMemory.getLong(buffer + Files.Statx.STX_SIZE));
        fails(Errno.ENOENT, Files.statx(errno, dir, memory("nowhere"), 0, Files.STATX_SIZE, buffer));
    }

    @Test
    void directoriesAreListed() throws Exception {
        create("a");
        ok(Files.mkdirat(errno, dir, memory("longer name of a directory"), 0700));
        ok(Files.symlinkat(errno, memory("a"), dir, memory("l")));
        var found = new TreeMap<String, Byte>();
        int n;
        while ((n = ok(Files.getdents64(errno, dir, buffer, 80))) > 0) {                // little room: several calls
            for (long at = buffer; at < buffer + n; ) {
                String name = CStrings.get(at + Files.Dirent64.D_NAME, 256);
                found.put(name, NativeMemory.getByte(at + Files.Dirent64.D_TYPE));
                assertNotEquals(0, NativeMemory.getLong(at + Files.Dirent64.D_INO));
                at += NativeMemory.getShort(at + Files.Dirent64.D_RECLEN);
            }
        }
        assumeTrue(!found.containsValue(Files.DT_UNKNOWN), "the file system of " + directory + " does not tell types");
        assertEquals(Map.of(".", Files.DT_DIR, "..", Files.DT_DIR, "a", Files.DT_REG, "l", Files.DT_LNK,
                "longer name of a directory", Files.DT_DIR), found);
        fails(Errno.EINVAL, Files.getdents64(errno, fd(open(".", READ)), buffer, 8));
    }

    @Test
    void namesAreMadeMovedAndRemoved() {
        create("a");
        create("b");
        ok(Files.mkdirat(errno, dir, memory("d"), 0755));
        fails(Errno.EEXIST, Files.renameat2(errno, dir, memory("a"), dir, memory("b"), Files.RENAME_NOREPLACE));
        ok(Files.renameat2(errno, dir, memory("a"), dir, memory("c"), 0));
        assertTrue(java.nio.file.Files.exists(directory.resolve("c")));
        ok(Files.symlinkat(errno, memory("../x/y"), dir, memory("l")));
        assertEquals(6, Files.readlinkat(errno, dir, memory("l"), buffer, 100));
        assertEquals("../x/y", CStrings.get(buffer, 6));
        assertEquals(3, Files.readlinkat(errno, dir, memory("l"), buffer, 3));
        fails(Errno.EINVAL, Files.readlinkat(errno, dir, memory("c"), buffer, 100));
        ok(Files.unlinkat(errno, dir, memory("c"), 0));
        fails(Errno.EISDIR, Files.unlinkat(errno, dir, memory("d"), 0));
        ok(Files.unlinkat(errno, dir, memory("d"), Files.AT_REMOVEDIR));
        fails(Errno.ENOENT, Files.unlinkat(errno, dir, memory("c"), 0));
        assertFalse(java.nio.file.Files.exists(directory.resolve("d")));
    }

    @Test
    void aNameWithLettersBeyondAsciiIsTheOneTheJdkSees() throws Exception {
        String name = "grüße";
        assumeTrue(System.getProperty("sun.jnu.encoding").equals("UTF-8"), "the JDK cannot name it in this locale");
        create(name);
        assertTrue(java.nio.file.Files.exists(directory.resolve(name)));
        assertArrayEquals(name.getBytes(StandardCharsets.UTF_8), CStrings.encode(name));
    }

    @Test
    void aFileInMemoryHasNoName() {
        int fd = fd(Files.memfdCreate(errno, memory("shown in /proc"), 1));
        ok(Files.ftruncate(errno, fd, 1 << 20));
        ok(Files.statx(errno, fd, memory(""), Files.AT_EMPTY_PATH, Files.STATX_SIZE | Files.STATX_NLINK, buffer));
        assertEquals(1 << 20, NativeMemory.getLong(buffer + Files.Statx.STX_SIZE));
        assertEquals(0, NativeMemory.getInt(buffer + Files.Statx.STX_NLINK));
    }

    private int create(String name) { return fd(Files.openat(errno, dir, memory(name), CREATE, 0600)); }

    private int open(String name, int flags) { return Files.openat(errno, dir, memory(name), flags, 0600); }

    private int openat2(String name, long resolve) { return Files.openat2(errno, dir, memory(name), READ, 0, resolve); }

    /** Reads one member; mode is 16 bits, all others used here 64. */
    private long stat(String name, long member) {
        ok(Files.statx(errno, dir, memory(name), Files.AT_SYMLINK_NOFOLLOW, Files.STATX_BASIC_STATS, buffer));
        return member == Files.Statx.STX_MODE
                ? NativeMemory.getShort(buffer + member) : NativeMemory.getLong(buffer + member);
    }

    private int[] pipe(int flags) {
        ok(Files.pipe2(errno, buffer, flags));
        return new int[] {fd(NativeMemory.getInt(buffer)), fd(NativeMemory.getInt(buffer + 4))};
    }

    private long text(String text) { return memory(text); }
}
