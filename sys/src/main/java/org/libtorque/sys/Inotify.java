package org.libtorque.sys;

import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;

/** inotify(7): changes of files and directories behind a descriptor. */
public final class Inotify {
    public static final int IN_NONBLOCK = 0x800;
    public static final int IN_CLOEXEC = 0x80000;

    public static final int IN_ACCESS = 0x001;
    public static final int IN_MODIFY = 0x002;
    public static final int IN_ATTRIB = 0x004;
    public static final int IN_CLOSE_WRITE = 0x008;
    public static final int IN_CLOSE_NOWRITE = 0x010;
    public static final int IN_OPEN = 0x020;
    public static final int IN_MOVED_FROM = 0x040;
    public static final int IN_MOVED_TO = 0x080;
    public static final int IN_CREATE = 0x100;
    public static final int IN_DELETE = 0x200;
    public static final int IN_DELETE_SELF = 0x400;
    public static final int IN_MOVE_SELF = 0x800;
    public static final int IN_CLOSE = IN_CLOSE_WRITE | IN_CLOSE_NOWRITE;
    public static final int IN_MOVE = IN_MOVED_FROM | IN_MOVED_TO;
    public static final int IN_ALL_EVENTS = 0xfff;

    /** Reported without being asked for: the file system went away. */
    public static final int IN_UNMOUNT = 0x2000;
    /** Reported without being asked for, with wd -1: events were lost. */
    public static final int IN_Q_OVERFLOW = 0x4000;
    /** Reported without being asked for: the watch has ended. */
    public static final int IN_IGNORED = 0x8000;
    /** Reported along with others: the subject is a directory. */
    public static final int IN_ISDIR = 0x40000000;

    public static final int IN_ONLYDIR = 0x01000000;
    public static final int IN_DONT_FOLLOW = 0x02000000;
    public static final int IN_EXCL_UNLINK = 0x04000000;
    public static final int IN_MASK_CREATE = 0x10000000;
    public static final int IN_MASK_ADD = 0x20000000;
    public static final int IN_ONESHOT = 0x80000000;

    /** struct inotify_event: a header, then {@code len} bytes of name with NULs at its end. */
    public static final class Event {
        static final StructLayout LAYOUT = Layouts.struct("inotify_event",
                Layouts.u32("wd"), Layouts.u32("mask"), Layouts.u32("cookie"), Layouts.u32("len"));
        /** Bytes of the header. */
        public static final long SIZE = LAYOUT.byteSize();
        public static final long WD = Layouts.offset(LAYOUT, "wd");
        public static final long MASK = Layouts.offset(LAYOUT, "mask");
        /** Ties IN_MOVED_FROM and IN_MOVED_TO of one move together. */
        public static final long COOKIE = Layouts.offset(LAYOUT, "cookie");
        /** Bytes that follow the header. */
        public static final long LEN = Layouts.offset(LAYOUT, "len");
        /** Where the name starts, if there is one. */
        public static final long NAME = SIZE;
        /** Room that holds any one event: a smaller read fails with EINVAL. */
        public static final long MAX_SIZE = SIZE + 256;

        private Event() {}
    }

    private static final MethodHandle INIT1 = Libc.capturingErrno("inotify_init1", 1);
    private static final MethodHandle ADD_WATCH = Libc.capturingErrno("inotify_add_watch", 3);
    private static final MethodHandle RM_WATCH = Libc.capturingErrno("inotify_rm_watch", 2);

    private Inotify() {}

    /**
     * Makes an inotify instance, whose events {@link Files#read} returns.
     *
     * @param flags bits of {@link #IN_NONBLOCK} and {@link #IN_CLOEXEC}
     * @return its descriptor, or a negated errno: {@code -EMFILE} no descriptor is free, or
     *         {@code fs.inotify.max_user_instances} is reached
     */
    public static int init1(ErrnoSlot errno, int flags) {
        try {
            int fd = (int) (long) INIT1.invokeExact(errno.segment(), (long) flags);
            return fd >= 0 ? fd : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Watches a file or directory, or changes what is watched of it.
     *
     * @param path address of a NUL-terminated path
     * @param mask bits of {@code IN_*}
     * @return watch descriptor, the same for the same inode, or a negated errno: {@code -ENOSPC}
     *         {@code fs.inotify.max_user_watches} is reached, {@code -ENOENT}, {@code -EACCES}, {@code -EEXIST} with
     *         {@link #IN_MASK_CREATE}
     */
    public static int addWatch(ErrnoSlot errno, int fd, long path, int mask) {
        try {
            int wd = (int) (long) ADD_WATCH.invokeExact(errno.segment(), (long) fd, path, (long) mask);
            return wd >= 0 ? wd : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Ends a watch, which is reported as {@link #IN_IGNORED}; 0, or a negated errno: {@code -EINVAL} it has ended. */
    public static int rmWatch(ErrnoSlot errno, int fd, int wd) {
        try {
            int r = (int) (long) RM_WATCH.invokeExact(errno.segment(), (long) fd, (long) wd);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }
}
