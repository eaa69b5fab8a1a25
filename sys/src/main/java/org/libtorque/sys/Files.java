package org.libtorque.sys;

import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;

/**
 * Files, directories, pipes and descriptors in general. Paths are addresses of NUL-terminated strings, made by
 * {@link CStrings}.
 *
 * <p>Every call neither retries nor allocates, and any thread may make it. {@code -EINTR} is an ordinary outcome of those
 * that can block.
 */
public final class Files {
    public static final int O_RDONLY = 0;
    public static final int O_WRONLY = 1;
    public static final int O_RDWR = 2;
    public static final int O_ACCMODE = 3;
    public static final int O_CREAT = 0x40;
    public static final int O_EXCL = 0x80;
    public static final int O_NOCTTY = 0x100;
    public static final int O_TRUNC = 0x200;
    public static final int O_APPEND = 0x400;
    public static final int O_NONBLOCK = 0x800;
    public static final int O_DSYNC = 0x1000;
    public static final int O_NOATIME = 0x40000;
    public static final int O_CLOEXEC = 0x80000;
    public static final int O_SYNC = 0x101000;
    public static final int O_PATH = 0x200000;
    // AArch64 keeps 32-bit Arm's numbers for these.
    public static final int O_DIRECT = oDirect(Abi.ARCHITECTURE);
    public static final int O_LARGEFILE = oLargefile(Abi.ARCHITECTURE);
    public static final int O_DIRECTORY = oDirectory(Abi.ARCHITECTURE);
    public static final int O_NOFOLLOW = oNofollow(Abi.ARCHITECTURE);
    public static final int O_TMPFILE = oTmpfile(Abi.ARCHITECTURE);

    /** In place of a directory's descriptor: relative to the working directory. */
    public static final int AT_FDCWD = -100;
    public static final int AT_SYMLINK_NOFOLLOW = 0x100;
    public static final int AT_REMOVEDIR = 0x200;
    public static final int AT_SYMLINK_FOLLOW = 0x400;
    public static final int AT_NO_AUTOMOUNT = 0x800;
    public static final int AT_EMPTY_PATH = 0x1000;
    public static final int AT_STATX_SYNC_AS_STAT = 0x0000;
    public static final int AT_STATX_FORCE_SYNC = 0x2000;
    public static final int AT_STATX_DONT_SYNC = 0x4000;

    public static final long RESOLVE_NO_XDEV = 0x01;
    public static final long RESOLVE_NO_MAGICLINKS = 0x02;
    public static final long RESOLVE_NO_SYMLINKS = 0x04;
    public static final long RESOLVE_BENEATH = 0x08;
    public static final long RESOLVE_IN_ROOT = 0x10;
    /** Linux 5.12. */
    public static final long RESOLVE_CACHED = 0x20;

    public static final int F_DUPFD = 0;
    public static final int F_GETFD = 1;
    public static final int F_SETFD = 2;
    public static final int F_GETFL = 3;
    public static final int F_SETFL = 4;
    public static final int F_DUPFD_CLOEXEC = 1030;
    public static final int F_SETPIPE_SZ = 1031;
    public static final int F_GETPIPE_SZ = 1032;
    public static final int F_ADD_SEALS = 1033;
    public static final int F_GET_SEALS = 1034;
    public static final int FD_CLOEXEC = 1;

    public static final int RWF_HIPRI = 0x01;
    public static final int RWF_DSYNC = 0x02;
    public static final int RWF_SYNC = 0x04;
    /** Fail with EAGAIN rather than wait for the disk. */
    public static final int RWF_NOWAIT = 0x08;
    public static final int RWF_APPEND = 0x10;

    public static final int SPLICE_F_MOVE = 1;
    public static final int SPLICE_F_NONBLOCK = 2;
    public static final int SPLICE_F_MORE = 4;
    public static final int SPLICE_F_GIFT = 8;

    public static final int RENAME_NOREPLACE = 1;
    public static final int RENAME_EXCHANGE = 2;
    public static final int RENAME_WHITEOUT = 4;

    public static final int POSIX_FADV_NORMAL = 0;
    public static final int POSIX_FADV_RANDOM = 1;
    public static final int POSIX_FADV_SEQUENTIAL = 2;
    public static final int POSIX_FADV_WILLNEED = 3;
    public static final int POSIX_FADV_DONTNEED = 4;
    public static final int POSIX_FADV_NOREUSE = 5;

    public static final int SEEK_SET = 0;
    public static final int SEEK_CUR = 1;
    public static final int SEEK_END = 2;

    public static final int S_IFMT = 0xf000;
    public static final int S_IFSOCK = 0xc000;
    public static final int S_IFLNK = 0xa000;
    public static final int S_IFREG = 0x8000;
    public static final int S_IFBLK = 0x6000;
    public static final int S_IFDIR = 0x4000;
    public static final int S_IFCHR = 0x2000;
    public static final int S_IFIFO = 0x1000;

    public static final int STATX_TYPE = 0x001;
    public static final int STATX_MODE = 0x002;
    public static final int STATX_NLINK = 0x004;
    public static final int STATX_UID = 0x008;
    public static final int STATX_GID = 0x010;
    public static final int STATX_ATIME = 0x020;
    public static final int STATX_MTIME = 0x040;
    public static final int STATX_CTIME = 0x080;
    public static final int STATX_INO = 0x100;
    public static final int STATX_SIZE = 0x200;
    public static final int STATX_BLOCKS = 0x400;
    public static final int STATX_BASIC_STATS = 0x7ff;
    public static final int STATX_BTIME = 0x800;
    /** Linux 5.8. */
    public static final int STATX_MNT_ID = 0x1000;
    /** Linux 6.1. */
    public static final int STATX_DIOALIGN = 0x2000;

    public static final byte DT_UNKNOWN = 0;
    public static final byte DT_FIFO = 1;
    public static final byte DT_CHR = 2;
    public static final byte DT_DIR = 4;
    public static final byte DT_BLK = 6;
    public static final byte DT_REG = 8;
    public static final byte DT_LNK = 10;
    public static final byte DT_SOCK = 12;

    /** struct open_how, for {@link #openat2}. */
    public static final class OpenHow {
        static final StructLayout LAYOUT =
                Layouts.struct("open_how", Layouts.u64("flags"), Layouts.u64("mode"), Layouts.u64("resolve"));
        public static final long SIZE = LAYOUT.byteSize();
        /** 64 bits of {@code O_*}. */
        public static final long FLAGS = Layouts.offset(LAYOUT, "flags");
        /** 64 bits; must be 0 unless a file is created. */
        public static final long MODE = Layouts.offset(LAYOUT, "mode");
        /** 64 bits of {@code RESOLVE_*}. */
        public static final long RESOLVE = Layouts.offset(LAYOUT, "resolve");

        private OpenHow() {}
    }

    /** struct cachestat_range, for {@link #cachedPages}. */
    public static final class CachestatRange {
        static final StructLayout LAYOUT = Layouts.struct("cachestat_range", Layouts.u64("off"), Layouts.u64("len"));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long OFF = Layouts.offset(LAYOUT, "off");
        public static final long LEN = Layouts.offset(LAYOUT, "len");

        private CachestatRange() {}
    }

    /** struct cachestat, for {@link #cachedPages}: counts of pages. */
    public static final class Cachestat {
        static final StructLayout LAYOUT = Layouts.struct("cachestat", Layouts.u64("nr_cache"), Layouts.u64("nr_dirty"),
                Layouts.u64("nr_writeback"), Layouts.u64("nr_evicted"), Layouts.u64("nr_recently_evicted"));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long NR_CACHE = Layouts.offset(LAYOUT, "nr_cache");

        private Cachestat() {}
    }

    /** struct statx_timestamp. */
    public static final class StatxTimestamp {
        static final StructLayout LAYOUT = Layouts.struct("statx_timestamp",
                Layouts.u64("tv_sec"), Layouts.u32("tv_nsec"), Layouts.u32("__reserved"));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long TV_SEC = Layouts.offset(LAYOUT, "tv_sec");
        /** 32 bits. */
        public static final long TV_NSEC = Layouts.offset(LAYOUT, "tv_nsec");

        private StatxTimestamp() {}
    }

    /** struct statx. */
    public static final class Statx {
        static final StructLayout LAYOUT = Layouts.struct("statx",
                Layouts.u32("stx_mask"), Layouts.u32("stx_blksize"), Layouts.u64("stx_attributes"),
                Layouts.u32("stx_nlink"), Layouts.u32("stx_uid"), Layouts.u32("stx_gid"), Layouts.u16("stx_mode"),
                Layouts.u16("__spare0"), Layouts.u64("stx_ino"), Layouts.u64("stx_size"), Layouts.u64("stx_blocks"),
                Layouts.u64("stx_attributes_mask"), timestamp("stx_atime"), timestamp("stx_btime"), timestamp("stx_ctime"),
                timestamp("stx_mtime"), Layouts.u32("stx_rdev_major"), Layouts.u32("stx_rdev_minor"),
                Layouts.u32("stx_dev_major"), Layouts.u32("stx_dev_minor"), Layouts.u64("stx_mnt_id"),
                Layouts.u32("stx_dio_mem_align"), Layouts.u32("stx_dio_offset_align"), Layouts.u64s("__spare3", 12));
        public static final long SIZE = LAYOUT.byteSize();
        /** Which members are filled, bits of {@code STATX_*}. */
        public static final long STX_MASK = Layouts.offset(LAYOUT, "stx_mask");
        public static final long STX_BLKSIZE = Layouts.offset(LAYOUT, "stx_blksize");
        public static final long STX_ATTRIBUTES = Layouts.offset(LAYOUT, "stx_attributes");
        public static final long STX_NLINK = Layouts.offset(LAYOUT, "stx_nlink");
        public static final long STX_UID = Layouts.offset(LAYOUT, "stx_uid");
        public static final long STX_GID = Layouts.offset(LAYOUT, "stx_gid");
        /** 16 bits: {@code S_IF*} and permissions. */
        public static final long STX_MODE = Layouts.offset(LAYOUT, "stx_mode");
        public static final long STX_INO = Layouts.offset(LAYOUT, "stx_ino");
        public static final long STX_SIZE = Layouts.offset(LAYOUT, "stx_size");
        /** In units of 512 bytes. */
        public static final long STX_BLOCKS = Layouts.offset(LAYOUT, "stx_blocks");
        public static final long STX_ATTRIBUTES_MASK = Layouts.offset(LAYOUT, "stx_attributes_mask");
        /** A {@link StatxTimestamp}. */
        public static final long STX_ATIME = Layouts.offset(LAYOUT, "stx_atime");
        /** A {@link StatxTimestamp}. */
        public static final long STX_BTIME = Layouts.offset(LAYOUT, "stx_btime");
        /** A {@link StatxTimestamp}. */
        public static final long STX_CTIME = Layouts.offset(LAYOUT, "stx_ctime");
        /** A {@link StatxTimestamp}. */
        public static final long STX_MTIME = Layouts.offset(LAYOUT, "stx_mtime");
        public static final long STX_RDEV_MAJOR = Layouts.offset(LAYOUT, "stx_rdev_major");
        public static final long STX_RDEV_MINOR = Layouts.offset(LAYOUT, "stx_rdev_minor");
        public static final long STX_DEV_MAJOR = Layouts.offset(LAYOUT, "stx_dev_major");
        public static final long STX_DEV_MINOR = Layouts.offset(LAYOUT, "stx_dev_minor");
        public static final long STX_MNT_ID = Layouts.offset(LAYOUT, "stx_mnt_id");
        public static final long STX_DIO_MEM_ALIGN = Layouts.offset(LAYOUT, "stx_dio_mem_align");
        public static final long STX_DIO_OFFSET_ALIGN = Layouts.offset(LAYOUT, "stx_dio_offset_align");

        private Statx() {}

        private static MemoryLayout timestamp(String name) { return StatxTimestamp.LAYOUT.withName(name); }
    }

    /** struct linux_dirent64: a header, then the name and a NUL; the next one starts {@code d_reclen} bytes on. */
    public static final class Dirent64 {
        static final StructLayout LAYOUT = Layouts.struct("linux_dirent64",
                Layouts.u64("d_ino"), Layouts.u64("d_off"), Layouts.u16("d_reclen"), Layouts.u8("d_type"),
                Layouts.bytes("d_name", 5));
        public static final long D_INO = Layouts.offset(LAYOUT, "d_ino");
        public static final long D_OFF = Layouts.offset(LAYOUT, "d_off");
        /** 16 bits: bytes of this entry. */
        public static final long D_RECLEN = Layouts.offset(LAYOUT, "d_reclen");
        /** 8 bits, one of {@code DT_*}; some file systems always say {@link #DT_UNKNOWN}. */
        public static final long D_TYPE = Layouts.offset(LAYOUT, "d_type");
        public static final long D_NAME = Layouts.offset(LAYOUT, "d_name");

        private Dirent64() {}
    }

    private static final MethodHandle READ = Libc.capturingErrno("read", 3);
    private static final MethodHandle WRITE = Libc.capturingErrno("write", 3);
    private static final MethodHandle PREAD = Libc.capturingErrno("pread", 4);
    private static final MethodHandle PWRITE = Libc.capturingErrno("pwrite", 4);
    private static final MethodHandle READV = Libc.capturingErrno("readv", 3);
    private static final MethodHandle WRITEV = Libc.capturingErrno("writev", 3);
    private static final MethodHandle PREADV2 = Libc.capturingErrno("preadv2", 5);
    private static final MethodHandle PWRITEV2 = Libc.capturingErrno("pwritev2", 5);
    private static final MethodHandle SENDFILE = Libc.capturingErrno("sendfile", 4);
    private static final MethodHandle SPLICE = Libc.capturingErrno("splice", 6);
    private static final MethodHandle OPENAT = Libc.capturingErrno("openat", 4, Linker.Option.firstVariadicArg(3));
    private static final long SYS_OPENAT2 = Abi.Syscall.OPENAT2.number();
    private static final MethodHandle CLOSE = Libc.capturingErrno("close", 1);
    private static final long SYS_CLOSE_RANGE = Abi.Syscall.CLOSE_RANGE.number();
    private static final MethodHandle DUP = Libc.capturingErrno("dup", 1);
    private static final MethodHandle DUP3 = Libc.capturingErrno("dup3", 3);
    private static final MethodHandle PIPE2 = Libc.capturingErrno("pipe2", 2);
    private static final MethodHandle FCNTL = Libc.capturingErrno("fcntl", 3, Linker.Option.firstVariadicArg(2));
    private static final MethodHandle FSYNC = Libc.capturingErrno("fsync", 1);
    private static final MethodHandle FDATASYNC = Libc.capturingErrno("fdatasync", 1);
    private static final MethodHandle FTRUNCATE = Libc.capturingErrno("ftruncate", 2);
    private static final MethodHandle LSEEK = Libc.capturingErrno("lseek", 3);
    private static final long SYS_FADVISE = Abi.Syscall.FADVISE64.number();
    private static final long SYS_CACHESTAT = Abi.Syscall.CACHESTAT.number();
    private static final MethodHandle STATX = Libc.capturingErrno("statx", 5);
    private static final long SYS_GETDENTS64 = Abi.Syscall.GETDENTS64.number();
    private static final MethodHandle UNLINKAT = Libc.capturingErrno("unlinkat", 3);
    private static final MethodHandle RENAMEAT2 = Libc.capturingErrno("renameat2", 5);
    private static final MethodHandle READLINKAT = Libc.capturingErrno("readlinkat", 4);
    private static final MethodHandle SYMLINKAT = Libc.capturingErrno("symlinkat", 3);
    private static final MethodHandle MKDIRAT = Libc.capturingErrno("mkdirat", 3);
    private static final MethodHandle MEMFD_CREATE = Libc.capturingErrno("memfd_create", 2);

    private Files() {}

    static int oDirect(Abi.Architecture architecture) {
        return switch (architecture) { case X86_64 -> 0x4000; case AARCH64 -> 0x10000; };
    }

    static int oLargefile(Abi.Architecture architecture) {
        return switch (architecture) { case X86_64 -> 0x8000; case AARCH64 -> 0x20000; };
    }

    static int oDirectory(Abi.Architecture architecture) {
        return switch (architecture) { case X86_64 -> 0x10000; case AARCH64 -> 0x4000; };
    }

    static int oNofollow(Abi.Architecture architecture) {
        return switch (architecture) { case X86_64 -> 0x20000; case AARCH64 -> 0x8000; };
    }

    static int oTmpfile(Abi.Architecture architecture) { return 0x400000 | oDirectory(architecture); }

    /**
     * Reads from a descriptor.
     *
     * @return bytes read, 0 at the end, or a negated errno: {@code -EAGAIN} nothing there now
     */
    public static long read(ErrnoSlot errno, int fd, long address, long lengthBytes) {
        try {
            long n = (long) READ.invokeExact(errno.segment(), (long) fd, address, lengthBytes);
            return n >= 0 ? n : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Writes to a descriptor.
     *
     * @return bytes written, possibly fewer than asked, or a negated errno: {@code -EAGAIN} no room now, {@code -EPIPE}
     */
    public static long write(ErrnoSlot errno, int fd, long address, long lengthBytes) {
        try {
            long n = (long) WRITE.invokeExact(errno.segment(), (long) fd, address, lengthBytes);
            return n >= 0 ? n : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Reads at {@code offset}, leaving the file position alone; bytes read, 0 at the end, or a negated errno. */
    public static long pread(ErrnoSlot errno, int fd, long address, long lengthBytes, long offset) {
        try {
            long n = (long) PREAD.invokeExact(errno.segment(), (long) fd, address, lengthBytes, offset);
            return n >= 0 ? n : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Writes at {@code offset}, leaving the file position alone; bytes written, or a negated errno. */
    public static long pwrite(ErrnoSlot errno, int fd, long address, long lengthBytes, long offset) {
        try {
            long n = (long) PWRITE.invokeExact(errno.segment(), (long) fd, address, lengthBytes, offset);
            return n >= 0 ? n : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Reads into {@code count} {@link Sockets.Iovec} (at most 1024); returns as {@link #read}. */
    public static long readv(ErrnoSlot errno, int fd, long iovecs, int count) {
        try {
            long n = (long) READV.invokeExact(errno.segment(), (long) fd, iovecs, (long) count);
            return n >= 0 ? n : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Writes from {@code count} {@link Sockets.Iovec} (at most 1024); returns as {@link #write}. */
    public static long writev(ErrnoSlot errno, int fd, long iovecs, int count) {
        try {
            long n = (long) WRITEV.invokeExact(errno.segment(), (long) fd, iovecs, (long) count);
            return n >= 0 ? n : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Reads into several buffers at an offset.
     *
     * @param offset -1 uses and moves the file position
     * @param flags  bits of {@code RWF_*}
     * @return as {@link #read}; with {@link #RWF_NOWAIT}, {@code -EAGAIN} the data is not in memory, and
     *         {@code -EOPNOTSUPP} this file system cannot tell
     */
    public static long preadv2(ErrnoSlot errno, int fd, long iovecs, int count, long offset, int flags) {
        try {
            long n = (long) PREADV2.invokeExact(errno.segment(), (long) fd, iovecs, (long) count, offset, (long) flags);
            return n >= 0 ? n : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Writes from several buffers at an offset; the counterpart of {@link #preadv2}. */
    public static long pwritev2(ErrnoSlot errno, int fd, long iovecs, int count, long offset, int flags) {
        try {
            long n = (long) PWRITEV2.invokeExact(errno.segment(), (long) fd, iovecs, (long) count, offset, (long) flags);
            return n >= 0 ? n : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Sends part of a file without passing it through this process. Blocks on the disk if it must.
     *
     * @param outFd         socket, pipe or file
     * @param inFd          file that can be mapped
     * @param offsetAddress address of the 64-bit offset to start at, which the kernel moves on; 0 uses the file position
     * @return bytes sent, at most 2^31 - 4096, 0 at the end of the file, or a negated errno: {@code -EAGAIN} no room now
     */
    public static long sendfile(ErrnoSlot errno, int outFd, int inFd, long offsetAddress, long lengthBytes) {
        try {
            long n = (long) SENDFILE.invokeExact(errno.segment(), (long) outFd, (long) inFd, offsetAddress, lengthBytes);
            return n >= 0 ? n : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Moves bytes between a pipe and another descriptor.
     *
     * @param inOffsetAddress  address of a 64-bit offset, which the kernel moves on; 0 for a pipe or the file position
     * @param outOffsetAddress likewise
     * @param flags            bits of {@code SPLICE_F_*}
     * @return bytes moved, 0 at the end, or a negated errno: {@code -EAGAIN}, {@code -EINVAL} neither is a pipe
     */
    public static long splice(ErrnoSlot errno, int inFd, long inOffsetAddress, int outFd, long outOffsetAddress,
                              long lengthBytes, int flags) {
        try {
            long n = (long) SPLICE.invokeExact(errno.segment(), (long) inFd, inOffsetAddress, (long) outFd,
                    outOffsetAddress, lengthBytes, (long) flags);
            return n >= 0 ? n : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Opens a file.
     *
     * @param path  address of a NUL-terminated path
     * @param flags bits of {@code O_*}
     * @param mode  permissions of a file that is created
     * @return its descriptor, or a negated errno
     */
    public static int open(ErrnoSlot errno, long path, int flags, int mode) {
        return openat(errno, AT_FDCWD, path, flags, mode);
    }

    /** Opens a file relative to the directory {@code dirFd} or {@link #AT_FDCWD}; returns as {@link #open}. */
    public static int openat(ErrnoSlot errno, int dirFd, long path, int flags, int mode) {
        try {
            int fd = (int) (long) OPENAT.invokeExact(errno.segment(), (long) dirFd, path, (long) flags, (long) mode);
            return fd >= 0 ? fd : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Opens a file with rules for how its path may be resolved. Linux 5.6 and later.
     *
     * @param how address of an {@link OpenHow}
     * @return its descriptor, or a negated errno: {@code -EXDEV} the path leaves the directory (RESOLVE_BENEATH) or the
     *         mount, {@code -ELOOP} a link that is not allowed, {@code -EAGAIN} not decidable (a race with a rename, or
     *         RESOLVE_CACHED), {@code -ENOSYS}, {@code -EINVAL} unknown or superfluous bits
     */
    public static int openat2(ErrnoSlot errno, int dirFd, long path, long how) {
        return (int) Libc.syscall(errno, SYS_OPENAT2, dirFd, path, how, OpenHow.SIZE);
    }

    /** Opens a file as {@link #openat2(ErrnoSlot, int, long, long)}, with the members of {@link OpenHow} by value. */
    public static int openat2(ErrnoSlot errno, int dirFd, long path, int flags, int mode, long resolve) {
        long how = errno.scratch();
        NativeMemory.putLong(how + OpenHow.FLAGS, Integer.toUnsignedLong(flags));
        NativeMemory.putLong(how + OpenHow.MODE, mode);
        NativeMemory.putLong(how + OpenHow.RESOLVE, resolve);
        return openat2(errno, dirFd, path, how);
    }

    /**
     * Closes a descriptor, which is free afterwards whatever is returned: never repeat it.
     *
     * @return 0 or a negated errno: {@code -EBADF} it was not open; {@code -EIO}, {@code -ENOSPC}, {@code -EDQUOT} earlier
     *         writes were lost
     */
    public static int close(ErrnoSlot errno, int fd) {
        try {
            int r = (int) (long) CLOSE.invokeExact(errno.segment(), (long) fd);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Closes all descriptors from {@code first} to {@code last} (-1: to the end); 0 or a negated errno. Linux 5.9. */
    public static int closeRange(ErrnoSlot errno, int first, int last) {
        return (int) Libc.syscall(errno, SYS_CLOSE_RANGE, first, last, 0L);
    }

    /** Duplicates a descriptor, not close-on-exec; the new one or a negated errno. */
    public static int dup(ErrnoSlot errno, int fd) {
        try {
            int copy = (int) (long) DUP.invokeExact(errno.segment(), (long) fd);
            return copy >= 0 ? copy : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Makes {@code newFd} a duplicate of {@code fd}, closing what it was; {@code newFd} or a negated errno. */
    public static int dup3(ErrnoSlot errno, int fd, int newFd, int flags) {
        try {
            int copy = (int) (long) DUP3.invokeExact(errno.segment(), (long) fd, (long) newFd, (long) flags);
            return copy >= 0 ? copy : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Makes a pipe.
     *
     * @param fds   address of two ints, which receive the reading and the writing end
     * @param flags bits of {@link #O_NONBLOCK}, {@link #O_CLOEXEC}, {@link #O_DIRECT}
     * @return 0 or a negated errno
     */
    public static int pipe2(ErrnoSlot errno, long fds, int flags) {
        try {
            int r = (int) (long) PIPE2.invokeExact(errno.segment(), fds, (long) flags);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Reads or changes properties of a descriptor.
     *
     * @param command one of {@code F_*}
     * @param argument what the command takes, or 0
     * @return what the command returns, or a negated errno
     */
    public static int fcntl(ErrnoSlot errno, int fd, int command, long argument) {
        try {
            int r = (int) (long) FCNTL.invokeExact(errno.segment(), (long) fd, (long) command, argument);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Makes reads and writes of a descriptor's open file non-blocking or blocking; 0 or a negated errno. */
    public static int setNonBlocking(ErrnoSlot errno, int fd, boolean nonBlocking) {
        int flags = fcntl(errno, fd, F_GETFL, 0);
        if (flags < 0) return flags;
        int wanted = nonBlocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
        return wanted == flags ? 0 : fcntl(errno, fd, F_SETFL, wanted);
    }

    /** Writes a file's data and properties to its disk; 0 or a negated errno. */
    public static int fsync(ErrnoSlot errno, int fd) {
        try {
            int r = (int) (long) FSYNC.invokeExact(errno.segment(), (long) fd);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Writes a file's data, and what is needed to find it, to its disk; 0 or a negated errno. */
    public static int fdatasync(ErrnoSlot errno, int fd) {
        try {
            int r = (int) (long) FDATASYNC.invokeExact(errno.segment(), (long) fd);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Sets a file's length; 0 or a negated errno. */
    public static int ftruncate(ErrnoSlot errno, int fd, long lengthBytes) {
        try {
            int r = (int) (long) FTRUNCATE.invokeExact(errno.segment(), (long) fd, lengthBytes);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Moves the file position; the new one, or a negated errno: {@code -ESPIPE} it has none. */
    public static long lseek(ErrnoSlot errno, int fd, long offset, int whence) {
        try {
            long position = (long) LSEEK.invokeExact(errno.segment(), (long) fd, offset, (long) whence);
            return position >= 0 ? position : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Says how part of a file will be used.
     *
     * @param lengthBytes 0 means to the end
     * @param advice      one of {@code POSIX_FADV_*}
     * @return 0 or a negated errno
     */
    public static int fadvise(ErrnoSlot errno, int fd, long offset, long lengthBytes, int advice) {
        return (int) Libc.syscall(errno, SYS_FADVISE, fd, offset, lengthBytes, advice);
    }

    /**
     * Counts the pages of part of a file that the page cache holds, those included that are just being read. Walks over them: about 30 ns a page. Linux 6.5.
     *
     * @param lengthBytes not 0, which would mean to the end
     * @param scratch     {@link CachestatRange#SIZE} + {@link Cachestat#SIZE} bytes, overwritten
     * @return a count, or a negated errno: {@code -ENOSYS}; {@code -EPERM} the file is not this user's, nor open for writing (Linux 6.13);
     *         {@code -EOPNOTSUPP} this file system has no such cache
     */
    public static long cachedPages(ErrnoSlot errno, int fd, long offset, long lengthBytes, long scratch) {
        long stat = scratch + CachestatRange.SIZE;
        NativeMemory.putLong(scratch + CachestatRange.OFF, offset);
        NativeMemory.putLong(scratch + CachestatRange.LEN, lengthBytes);
        long result = Libc.syscall(errno, SYS_CACHESTAT, fd, scratch, stat, 0L);
        return result < 0 ? result : NativeMemory.getLong(stat + Cachestat.NR_CACHE);
    }

    /**
     * Reads properties of a file.
     *
     * @param path  address of a NUL-terminated path; empty, with {@link #AT_EMPTY_PATH}, for {@code dirFd} itself
     * @param flags bits of {@code AT_*}
     * @param mask  wanted members, bits of {@code STATX_*}
     * @param statx address of a {@link Statx}, whose {@link Statx#STX_MASK} says what was filled
     * @return 0 or a negated errno
     */
    public static int statx(ErrnoSlot errno, int dirFd, long path, int flags, int mask, long statx) {
        try {
            int r = (int) (long) STATX.invokeExact(errno.segment(), (long) dirFd, path, (long) flags, (long) mask, statx);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Reads entries of a directory.
     *
     * @param entries address of room for {@link Dirent64}s
     * @return bytes filled, 0 at the end, or a negated errno: {@code -EINVAL} no room for one entry, {@code -ENOTDIR}
     */
    public static int getdents64(ErrnoSlot errno, int fd, long entries, int lengthBytes) {
        return (int) Libc.syscall(errno, SYS_GETDENTS64, fd, entries, lengthBytes);
    }

    /** Removes a name, or with {@link #AT_REMOVEDIR} a directory; 0 or a negated errno. */
    public static int unlinkat(ErrnoSlot errno, int dirFd, long path, int flags) {
        try {
            int r = (int) (long) UNLINKAT.invokeExact(errno.segment(), (long) dirFd, path, (long) flags);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Renames a file, flags of {@code RENAME_*}; 0 or a negated errno: {@code -EEXIST} with {@link #RENAME_NOREPLACE}. */
    public static int renameat2(ErrnoSlot errno, int oldDirFd, long oldPath, int newDirFd, long newPath, int flags) {
        try {
            int r = (int) (long) RENAMEAT2.invokeExact(errno.segment(), (long) oldDirFd, oldPath, (long) newDirFd,
                    newPath, (long) flags);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Reads where a symbolic link points to, without a NUL.
     *
     * @return bytes written, which is all there is room for if it was cut, or a negated errno: {@code -EINVAL} not a link
     */
    public static int readlinkat(ErrnoSlot errno, int dirFd, long path, long target, int lengthBytes) {
        try {
            long n = (long) READLINKAT.invokeExact(errno.segment(), (long) dirFd, path, target, (long) lengthBytes);
            return n >= 0 ? (int) n : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Makes a symbolic link at {@code path} that points to {@code target}; 0 or a negated errno. */
    public static int symlinkat(ErrnoSlot errno, long target, int dirFd, long path) {
        try {
            int r = (int) (long) SYMLINKAT.invokeExact(errno.segment(), target, (long) dirFd, path);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Makes a directory; 0 or a negated errno. */
    public static int mkdirat(ErrnoSlot errno, int dirFd, long path, int mode) {
        try {
            int r = (int) (long) MKDIRAT.invokeExact(errno.segment(), (long) dirFd, path, (long) mode);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Makes a file that exists in memory only.
     *
     * @param name  address of a NUL-terminated name, shown in /proc
     * @param flags 1 close-on-exec, 2 allow sealing
     * @return its descriptor, or a negated errno
     */
    public static int memfdCreate(ErrnoSlot errno, long name, int flags) {
        try {
            int fd = (int) (long) MEMFD_CREATE.invokeExact(errno.segment(), name, (long) flags);
            return fd >= 0 ? fd : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }
}
