package org.libtorque.sys;

import java.lang.invoke.MethodHandle;

/** mmap(2) and its relatives. */
public final class Mapping {
    public static final int PROT_NONE = 0;
    public static final int PROT_READ = 1;
    public static final int PROT_WRITE = 2;
    public static final int PROT_EXEC = 4;

    public static final int MAP_SHARED = 0x01;
    public static final int MAP_PRIVATE = 0x02;
    public static final int MAP_SHARED_VALIDATE = 0x03;
    public static final int MAP_FIXED = 0x10;
    public static final int MAP_ANONYMOUS = 0x20;
    public static final int MAP_LOCKED = 0x2000;
    public static final int MAP_NORESERVE = 0x4000;
    public static final int MAP_POPULATE = 0x8000;
    public static final int MAP_NONBLOCK = 0x10000;
    public static final int MAP_STACK = 0x20000;
    public static final int MAP_HUGETLB = 0x40000;
    public static final int MAP_SYNC = 0x80000;
    public static final int MAP_FIXED_NOREPLACE = 0x100000;
    /** The page size of {@link #MAP_HUGETLB} as its binary logarithm, shifted left by this. */
    public static final int MAP_HUGE_SHIFT = 26;
    public static final int MAP_HUGE_2MB = 21 << MAP_HUGE_SHIFT;
    public static final int MAP_HUGE_1GB = 30 << MAP_HUGE_SHIFT;

    public static final int MADV_NORMAL = 0;
    public static final int MADV_RANDOM = 1;
    public static final int MADV_SEQUENTIAL = 2;
    public static final int MADV_WILLNEED = 3;
    public static final int MADV_DONTNEED = 4;
    public static final int MADV_FREE = 8;
    public static final int MADV_REMOVE = 9;
    public static final int MADV_DONTFORK = 10;
    public static final int MADV_DOFORK = 11;
    public static final int MADV_HUGEPAGE = 14;
    public static final int MADV_NOHUGEPAGE = 15;
    public static final int MADV_DONTDUMP = 16;
    public static final int MADV_DODUMP = 17;
    public static final int MADV_COLD = 20;
    public static final int MADV_PAGEOUT = 21;
    public static final int MADV_POPULATE_READ = 22;
    public static final int MADV_POPULATE_WRITE = 23;
    public static final int MADV_COLLAPSE = 25;

    public static final int MCL_CURRENT = 1;
    public static final int MCL_FUTURE = 2;
    public static final int MCL_ONFAULT = 4;

    private static final long SC_PAGESIZE = 30;

    private static final MethodHandle MMAP = Libc.rare("mmap");
    private static final MethodHandle MUNMAP = Libc.rare("munmap");
    private static final MethodHandle MPROTECT = Libc.rare("mprotect");
    private static final MethodHandle MADVISE = Libc.rare("madvise");
    private static final MethodHandle MLOCK = Libc.rare("mlock");
    private static final MethodHandle MUNLOCK = Libc.rare("munlock");

    /** Bytes of a page: 4 KiB on x86-64; 4, 16 or 64 KiB on AArch64. */
    public static final int PAGE_SIZE = pageSize();

    private Mapping() {}

    /**
     * Maps memory.
     *
     * @param address     wanted start, or 0
     * @param lengthBytes not 0; the kernel rounds it up to pages
     * @param prot        bits of {@code PROT_*}
     * @param flags       {@link #MAP_SHARED} or {@link #MAP_PRIVATE}, and other bits of {@code MAP_*}
     * @param fd          file, or -1 with {@link #MAP_ANONYMOUS}
     * @param offsetBytes start in the file, a multiple of the page size
     * @return the address of the mapping, or a negated errno, the only negative numbers: user addresses are positive
     */
    public static long mmap(ErrnoSlot errno, long address, long lengthBytes, int prot, int flags, int fd,
                            long offsetBytes) {
        try {
            long r = (long) MMAP.invokeExact(errno.segment(), address, lengthBytes, (long) prot, (long) flags,
                    (long) fd, offsetBytes, 0L);
            return r != -1 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Removes mappings; 0 or a negated errno. Whoever touches the range afterwards crashes the process. */
    public static int munmap(ErrnoSlot errno, long address, long lengthBytes) {
        try {
            int r = (int) (long) MUNMAP.invokeExact(errno.segment(), address, lengthBytes, 0L, 0L, 0L, 0L, 0L);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Sets the protection of whole pages to bits of {@code PROT_*}; 0 or a negated errno. */
    public static int mprotect(ErrnoSlot errno, long address, long lengthBytes, int prot) {
        try {
            int r = (int) (long) MPROTECT.invokeExact(errno.segment(), address, lengthBytes, (long) prot, 0L, 0L, 0L, 0L);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Says how whole pages will be used, one of {@code MADV_*}; 0 or a negated errno ({@code -EINVAL} unknown advice). */
    public static int madvise(ErrnoSlot errno, long address, long lengthBytes, int advice) {
        try {
            int r = (int) (long) MADVISE.invokeExact(errno.segment(), address, lengthBytes, (long) advice, 0L, 0L, 0L, 0L);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Keeps pages in memory; 0 or a negated errno: {@code -ENOMEM} or {@code -EPERM} over {@code RLIMIT_MEMLOCK}. */
    public static int mlock(ErrnoSlot errno, long address, long lengthBytes) {
        try {
            int r = (int) (long) MLOCK.invokeExact(errno.segment(), address, lengthBytes, 0L, 0L, 0L, 0L, 0L);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Undoes {@link #mlock}; 0 or a negated errno. */
    public static int munlock(ErrnoSlot errno, long address, long lengthBytes) {
        try {
            int r = (int) (long) MUNLOCK.invokeExact(errno.segment(), address, lengthBytes, 0L, 0L, 0L, 0L, 0L);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    private static int pageSize() {
        try {
            return (int) (long) Libc.rare("sysconf").invokeExact(ErrnoSlot.current().segment(), SC_PAGESIZE,
                    0L, 0L, 0L, 0L, 0L, 0L);
        } catch (Throwable t) { throw Libc.impossible(t); }
    }
}
