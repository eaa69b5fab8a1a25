package org.libtorque.event;

import java.io.IOException;
import org.libtorque.sys.CStrings;
import org.libtorque.sys.Errno;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Files;
import org.libtorque.sys.Inotify;
import org.libtorque.sys.NativeMemory;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.EventSource;

/**
 * Tells one vcore of changes to the entries of directories (inotify(7)): for caches that must not serve what is no longer so.
 *
 * <p>The kernel queues a change before the call that made it returns, and the event queue reports sources in the order in which they became ready. So a
 * request that was sent because of a change is handled after the change has been reported to this vcore.
 *
 * <p>It is for that vcore's own data, so it does not move: while the vcore is parked, it wakes up for what this reports, and for that alone.
 *
 * <p>What is written through a memory mapping is not reported, and of a file with several names only changes by the name in a watched directory are.
 */
public final class DirectoryWatcher implements Registration {
    /** Told of changes, under the watcher's colour. Must not block. */
    public interface Handler {
        /**
         * @param watch     of which directory, as {@link #watch} returned it
         * @param name      the entry that was created, deleted, renamed, written or given other attributes; or null: the directory itself was moved, deleted
         *                  or changed
         * @param directory whether the entry is a directory
         */
        void onChange(int watch, String name, boolean directory);

        /** Changes were lost, because there were too many at once: anything may have changed. */
        void onLost();
    }

    private static final int MASK = Inotify.IN_CREATE | Inotify.IN_DELETE | Inotify.IN_MOVE | Inotify.IN_MODIFY | Inotify.IN_ATTRIB
            | Inotify.IN_DELETE_SELF | Inotify.IN_MOVE_SELF | Inotify.IN_ONLYDIR;
    private static final int BUFFER_BYTES = Loop.SMALL_BLOCK_BYTES;

    private static final System.Logger LOG = System.getLogger("org.libtorque");

    private final Source source;
    private boolean open = true;
    private boolean saidFull;

    private DirectoryWatcher(Source source) { this.source = source; }

    /** Makes an inotify instance, non-blocking. Returns its descriptor. */
    static int openInotify(ErrnoSlot errno) throws IOException {
        int fd = Inotify.init1(errno, Inotify.IN_NONBLOCK | Inotify.IN_CLOEXEC);
        if (fd >= 0) return fd;
        throw new IOException("inotify_init1: " + Errno.describe(-fd) + (fd == -Errno.EMFILE ? "; descriptors or fs.inotify.max_user_instances are used up" : ""));
    }

    /** Opens a watcher on the calling vcore. */
    static DirectoryWatcher open(Loop loop, Handler handler) throws IOException {
        loop.checkCurrent("a directory watcher");
        int fd = openInotify(loop.errno);
        Source source = new Source(loop, loop.vcore.newColor(), fd, handler);
        int result = loop.queue.watch(source, EventSource.READABLE);
        if (result < 0) {
            Files.close(loop.errno, fd);
            throw IoErrors.ofRegistration(result, fd);
        }
        DirectoryWatcher watcher = new DirectoryWatcher(source);
        source.owner = watcher;
        loop.add(source.membership);
        return watcher;
    }

    /**
     * Watches a directory below a root. On its vcore. The directory is found as {@link FileRoot#open(byte[], int, boolean)} finds files without following
     * links, wherever the root itself may have been moved, so what is watched is what is served.
     *
     * @param path   bytes of the path relative to the root; none is the root itself
     * @param length how many of them
     * @return a number for the directory, the same if it is watched already; or -1 if it is none, there is a link on the way, or the kernel watches no
     *         more ({@code fs.inotify.max_user_watches}, which is logged once)
     */
    public int watch(FileRoot root, byte[] path, int length) {
        source.loop.checkCurrent(this);
        ErrnoSlot errno = source.loop.errno;
        int place = root.openPlace(path, length);
        if (place < 0) return -1;
        try (var arena = java.lang.foreign.Arena.ofConfined()) {
            int watch = Inotify.addWatch(errno, source.fd(), CStrings.allocate("/proc/self/fd/" + place, arena), MASK);
            if (watch == -Errno.ENOSPC && !saidFull) {
                saidFull = true;
                LOG.log(System.Logger.Level.WARNING, "no more directories can be watched: raise fs.inotify.max_user_watches");
            }
            return Math.max(-1, watch);
        } finally {
            Files.close(errno, place);
        }
    }

    /**
     * Reports now what the kernel has queued, if anything is known to be or {@code always}: what the caller is about to look at may have changed, and the watcher's own turn
     * may come later. On its vcore, in any colour.
     *
     * @param always ask the kernel even if it has not told of anything, for one whose news came another way than through this vcore's event queue
     */
    public void catchUp(boolean always) {
        source.loop.checkCurrent(this);
        if (open && (always || source.hasNews())) source.report();
    }

    @Override public void close() {
        source.loop.checkCurrent(this);
        source.end();
    }

    @Override public boolean isOpen() { return open; }

    private static final class Source extends EventSource {
        final Loop loop;
        final Handler handler;
        private final int descriptor;
        DirectoryWatcher owner;

        final LoopSource membership = new LoopSource() {
            @Override void drain() { }

            @Override void endNow() { end(); }
        };

        Source(Loop loop, Color color, int fd, Handler handler) {
            super(color, fd);
            this.loop = loop;
            this.handler = handler;
            descriptor = fd;
        }

        /** As {@link PathSource}'s: an inotify instance. */
        @Override protected boolean waitsWhenClosed() { return true; }

        @Override protected void closeElsewhere() { loop.files.closeLater(descriptor); }

        void end() {
            if (!owner.open) return;
            owner.open = false;
            loop.remove(membership);
            loop.queue.close(this, false);
        }

        boolean hasNews() { return isSignalled(); }

        @Override protected void run() throws Exception {
            takeReady();
            read();
        }

        void report() {
            try {
                read();
            } catch (Throwable cause) {
                failed(cause);
            }
        }

        private void read() throws Exception {
            ErrnoSlot errno = loop.errno;
            while (owner.open) {
                long n = Files.read(errno, fd(), loop.scratch, BUFFER_BYTES);
                if (n == -Errno.EAGAIN) return;
                if (n == -Errno.EINTR) continue;
                if (n <= 0) throw IoErrors.of(n, "read", "fd={}", fd());
                for (long at = loop.scratch, end = at + n; at < end; ) at = report(at);
            }
        }

        private long report(long event) {
            int watch = NativeMemory.getInt(event + Inotify.Event.WD);
            int mask = NativeMemory.getInt(event + Inotify.Event.MASK);
            int length = NativeMemory.getInt(event + Inotify.Event.LEN);
            if ((mask & Inotify.IN_Q_OVERFLOW) != 0) {
                handler.onLost();
            } else {
                String name = length == 0 ? null : CStrings.get(event + Inotify.Event.NAME, length);
                handler.onChange(watch, name, (mask & Inotify.IN_ISDIR) != 0);
            }
            return event + Inotify.Event.NAME + length;
        }

        @Override protected void failed(Throwable cause) {
            loop.vcore.reportFailure(owner, cause);
            handler.onLost();
        }
    }
}
