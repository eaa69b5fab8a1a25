package org.libtorque.event;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.libtorque.sys.CStrings;
import org.libtorque.sys.Errno;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Files;
import org.libtorque.sys.Inotify;
import org.libtorque.sys.NativeMemory;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Timer;

/**
 * Changes below a path: one inotify(7) instance, a watch for each directory, and a picture of what was told.
 *
 * <p><b>No gap.</b> A directory is opened, what was opened is watched, and then it is listed through the same descriptor. What comes before the listing is listed, what comes after the
 * watch is reported, and what is both is in the picture already when its report is read, and passed over. So a directory that is made and filled before it could be watched is told
 * whole. A report may be older than the listing; it then makes the picture wrong for as long as the reports behind it in the queue take to come, and they set it right: for
 * each entry, what is told last is what is.
 *
 * <p><b>Renames</b> are two reports with one cookie. The kernel makes both while it holds both directories locked, so nothing happens to either name in between; but other
 * reports may stand between them, and the second may come a moment after the first was read. A first one that has been waiting for {@link #PAIRING_NANOS}, or whose
 * name is given again, has no second one: the entry was moved out of what is watched. A watch follows its directory wherever it is moved. Two names that change places
 * (RENAME_EXCHANGE) are reported as a rename there and one back, just as if the one in between had been overwritten; so after such a pair both directories are listed again.
 *
 * <p><b>Watches and names.</b> A directory is opened by name, and by then the name may lead nowhere, or to another directory. If nowhere, a rename of it or of one above it is still to
 * be read: then it is tried again. If to another one, the kernel gives a number that some watch here has already, or will have: two names with one number tell that the older
 * one is out of date, and what that is in is listed again. A watch that ends, of a directory whose deletion was not reported before, tells the same. The same may happen to a rename
 * that is read after a listing has found another one under the old name: a file is then known by its kind not to be the directory that was renamed, and whether a renamed directory is what
 * its watch tells of is looked at.
 *
 * <p><b>Overflow</b> is told; then every directory is watched again and listed again, and the differences between picture and listing are told.
 *
 * <p>Listing is done on the vcore, in slices between which others get their turn: what a slice finds of one entry is true then, so a change in between does no harm.
 */
final class PathSource extends KernelSource {
    private static final int ENTRY_EVENTS = Inotify.IN_CREATE | Inotify.IN_DELETE | Inotify.IN_MOVE | Inotify.IN_MODIFY | Inotify.IN_CLOSE_WRITE | Inotify.IN_ATTRIB;
    /** Not of files that have lost the name by which they would be reported: it may be another's. */
    private static final int MASK = ENTRY_EVENTS | Inotify.IN_EXCL_UNLINK | Inotify.IN_ONLYDIR;
    private static final int ROOT_MASK = MASK | Inotify.IN_DELETE_SELF | Inotify.IN_MOVE_SELF;
    private static final int BUFFER_BYTES = 16 << 10;
    private static final int READ_BUDGET = 8;
    /** Entries listed between two looks at the clock. */
    private static final int SLICE_ENTRIES = 32;
    /** How long the second half of a rename is waited for. The kernel makes the two one right after the other. */
    private static final long PAIRING_NANOS = 20_000_000;

    /** An entry of a directory that is watched, and if it is a directory itself, what is in it. */
    private static final class Entry {
        String name;
        Entry parent;
        final boolean directory;
        /** What a listing saw; 0 for an entry that was reported and has not been listed. Tells whether it is another one, or was modified. */
        long inode;
        long born;
        long size;
        long modified;
        /** Number of the watch, or -1: no directory, or not watched. */
        int watch = -1;
        /** Entries by name; null if it is not watched. */
        Map<String, Entry> entries;
        boolean waitsForListing;
        /** Whether what waits is only a look whether the watch is still of the directory that has this name. */
        boolean onlyCheck;
        boolean leaves;

        Entry(String name, Entry parent, boolean directory) {
            this.name = name;
            this.parent = parent;
            this.directory = directory;
        }

        boolean wasSeen() { return inode != 0; }

        boolean is(DirectoryReader seen) { return inode == seen.inode() && born == seen.born(); }

        void note(DirectoryReader seen) {
            inode = seen.inode();
            born = seen.born();
            size = seen.size();
            modified = seen.modified();
        }
    }

    /** The first half of a rename. */
    private record Leaving(Entry entry, long deadlineNanos) {}

    private final Path asked;
    private final Path rootPath;
    private final PathScope scope;
    /** With {@link PathScope#NAME}: the only name that counts. */
    private final String onlyName;
    private final PathHandler handler;
    private final Arena arena = Arena.ofShared(); // opened by whoever registers
    private final long buffer = arena.allocate(BUFFER_BYTES, 16).address();
    private final DirectoryReader reader = new DirectoryReader(arena.allocate(DirectoryReader.MEMORY_BYTES, 16).address());
    private final Entry root = new Entry("", null, true);
    private final Map<Integer, Entry> byWatch = new HashMap<>();
    private final Map<Integer, Leaving> leaving = new LinkedHashMap<>();
    /** Directories to be listed, the one that is just being listed, and the names that were seen in it. */
    private final ArrayDeque<Entry> unlisted = new ArrayDeque<>();
    private Entry listing;
    private final Set<String> seen = new HashSet<>();
    /** Directories whose names led nowhere. */
    private final Set<Entry> unreached = new HashSet<>();
    /** The rename that was read last, if something was overwritten: what was renamed, whence, and when that was read. */
    private Entry overwriting;
    private Entry overwritingFrom;
    private String overwritingName;
    private long overwritingNanos;
    private boolean lost;
    /** Everything has been told for the first time. */
    private boolean complete;
    private boolean tellCompletion = true;
    private boolean saidFull;
    private boolean saidUnspeakable;

    private final Timer pairing = new Timer() {
        @Override protected void onExpiry(long nowNanos) { signal(READABLE); }
    };

    private PathSource(Color color, int fd, Path asked, PathScope scope, PathHandler handler) {
        super(color, fd, READABLE);
        this.asked = asked;
        this.scope = scope;
        this.handler = handler;
        Path name = asked.getFileName();
        if (scope == PathScope.NAME && (name == null || name.toString().isEmpty() || name.toString().equals(".") || name.toString().equals(".."))) {
            throw new IllegalArgumentException("'" + asked + "' ends in no name that could be watched");
        }
        this.onlyName = scope == PathScope.NAME ? name.toString() : null;
        Path parent = asked.getParent();
        this.rootPath = scope != PathScope.NAME ? asked : parent != null ? parent : Path.of("");
    }

    /** See {@link org.libtorque.Torque#onPath(Path, PathScope, Color, PathHandler)}. */
    static PathSource open(Path path, PathScope scope, Color color, PathHandler handler) throws IOException {
        ErrnoSlot errno = ErrnoSlot.current();
        int fd = DirectoryWatcher.openInotify(errno);
        PathSource source = null;
        boolean handedOver = false;
        try {
            source = new PathSource(color, fd, path, scope, handler);
            source.watchRoot(errno);
            handedOver = true;
        } finally {
            if (!handedOver) {
                Files.close(errno, fd);
                if (source != null) source.arena.close();
            }
        }
        source.register();
        return source;
    }

    private void watchRoot(ErrnoSlot errno) throws IOException {
        int watch = openAndWatch(errno, root);
        reader.close(errno);
        if (watch < 0) {
            throw switch (-watch) {
                case Errno.ENOENT -> new NoSuchFileException(rootPath.toString());
                case Errno.ENOTDIR -> new NotDirectoryException(rootPath.toString());
                case Errno.EACCES -> new java.nio.file.AccessDeniedException(rootPath.toString());
                default -> new IOException(whyNot(rootPath, watch));
            };
        }
        root.watch = watch;
        root.entries = new HashMap<>();
        byWatch.put(watch, root);
    }

    /** Opens a directory in the reader, and watches what was opened. Returns the number of the watch, or a negated errno. */
    private int openAndWatch(ErrnoSlot errno, Entry directory) {
        int result = reader.open(errno, pathOf(directory), directory == root);
        return result < 0 ? result : Inotify.addWatch(errno, fd(), reader.place(), directory == root ? ROOT_MASK : MASK);
    }

    private static String whyNot(Path path, int error) {
        return "'" + path + "' cannot be watched: " + Errno.describe(-error) + (error == -Errno.ENOSPC ? "; the user has as many watches as fs.inotify.max_user_watches allows: raise it" : "");
    }

    @Override void started() {
        wantListing(root);
        signal(READABLE);
    }

    /** For a grace period of the kernel's (SRCU) that ends the last reports: 9 ms. */
    @Override protected boolean waitsWhenClosed() { return true; }

    @Override void released() {
        listing = null;
        if (pairing.isScheduled()) loop().vcore.timers().cancel(pairing);
        reader.close(ErrnoSlot.current());
        loop().files.closeLater(arena);
    }

    @Override protected boolean canMove() { return super.canMove() && !pairing.isScheduled(); }

    // ---- the loop

    @Override protected void run() throws Exception {
        takeReady();
        Loop loop = loop();
        for (int budget = READ_BUDGET; isOpen(); ) {
            if (RingPort.holds(handler, this)) return;
            long n = budget-- > 0 ? Files.read(loop.errno, fd(), buffer, BUFFER_BYTES) : -Errno.EBUSY;
            if (n == -Errno.EBUSY) {
                signal(READABLE); // behind the other colours
                return;
            }
            if (n == -Errno.EINTR) continue;
            if (n == -Errno.EAGAIN) break;
            if (n <= 0) {
                fail(IoErrors.of(n, "read", "fd={}", fd()));
                return;
            }
            for (long at = buffer, end = at + n; at < end && isOpen(); ) at = take(at);
        }
        if (!isOpen()) return;
        endLeaving(loop.vcore.clock().nanoTime());
        if (isOpen() && lost) beginAnew();
        while (isOpen() && (listing != null || !unlisted.isEmpty())) {
            if (RingPort.holds(handler, this)) return;
            if (loop.vcore.shouldYield()) {
                signal(READABLE);
                return;
            }
            if (listing != null) listSome();
            else startListing(unlisted.poll());
        }
        if (isOpen() && tellCompletion) {
            complete = true;
            tellCompletion = false;
            call(handler::onComplete);
        }
        if (isOpen() && !leaving.isEmpty() && !pairing.isScheduled()) loop.vcore.timers().schedule(pairing, leaving.values().iterator().next().deadlineNanos);
    }

    private long take(long event) {
        int watch = NativeMemory.getInt(event + Inotify.Event.WD);
        int mask = NativeMemory.getInt(event + Inotify.Event.MASK);
        int cookie = NativeMemory.getInt(event + Inotify.Event.COOKIE);
        int length = NativeMemory.getInt(event + Inotify.Event.LEN);
        long next = event + Inotify.Event.NAME + length;
        if ((mask & Inotify.IN_Q_OVERFLOW) != 0) {
            lost = true;
            return next;
        }
        Entry directory = byWatch.get(watch);
        if (directory == null) return next; // its watch was given up, and this was under way
        if (directory == root && (mask & (Inotify.IN_DELETE_SELF | Inotify.IN_MOVE_SELF | Inotify.IN_UNMOUNT)) != 0) {
            rootGone();
        } else if ((mask & Inotify.IN_IGNORED) != 0) {
            watchEnded(directory);
        } else if (length > 0) {
            String name = CStrings.get(event + Inotify.Event.NAME, length);
            if (counts(name)) take(directory, name, mask, cookie);
        }
        return next;
    }

    private boolean counts(String name) {
        if (onlyName != null) return onlyName.equals(name);
        for (int i = 0; i < name.length(); i++) {
            if (name.charAt(i) >= 0x80) return isSpeakable(name);
        }
        return true;
    }

    /** A name that is not of the encoding that the JVM runs with can neither be told nor opened. */
    private boolean isSpeakable(String name) {
        try {
            Path.of(name);
            if (name.indexOf('\uFFFD') < 0) return true; // how bytes that are no character are decoded
        } catch (InvalidPathException e) {
            // said below
        }
        if (!saidUnspeakable) {
            saidUnspeakable = true;
            color().home().reportFailure(this, new IOException("'" + name + "' below '" + asked + "' is not told of, nor what is in it: its name is not in the encoding of this JVM, "
                    + System.getProperty("sun.jnu.encoding") + " (said once); run it in a locale such as C.UTF-8"));
        }
        return false;
    }

    private void take(Entry directory, String name, int mask, int cookie) {
        boolean isDirectory = (mask & Inotify.IN_ISDIR) != 0;
        Entry entry = directory.entries.get(name);
        switch (mask & ENTRY_EVENTS) {
            case Inotify.IN_CREATE -> came(directory, name, isDirectory, false);
            case Inotify.IN_MOVED_TO -> {
                Leaving first = leaving.remove(cookie);
                if (first == null) {
                    came(directory, name, isDirectory, true);
                } else {
                    first.entry.leaves = false;
                    renamed(first.entry, directory, name);
                }
            }
            case Inotify.IN_MOVED_FROM -> {
                if (entry == null || entry.directory != isDirectory) return; // a listing was quicker, and has found another one under the name
                forgetLeaving(entry);
                entry.leaves = true;
                leaving.put(cookie, new Leaving(entry, loop().vcore.clock().nanoTime() + PAIRING_NANOS));
            }
            case Inotify.IN_DELETE -> {
                if (entry != null) gone(entry);
            }
            case Inotify.IN_MODIFY -> told(PathChange.What.MODIFIED, entry);
            case Inotify.IN_CLOSE_WRITE -> told(PathChange.What.WRITTEN, entry);
            case Inotify.IN_ATTRIB -> {
                told(PathChange.What.ATTRIBUTES, entry);
                if (entry != null && entry.watch < 0) wantListing(entry); // it may be readable now
            }
            default -> { }
        }
    }

    private void told(PathChange.What what, Entry entry) {
        if (entry != null) tell(what, entry, null);
    }

    // ---- the picture

    /** Something has a name now that it had not. */
    private void came(Entry directory, String name, boolean isDirectory, boolean moved) {
        Entry known = directory.entries.get(name);
        if (known != null) {
            // If what it was has gone, that is reported first; so a listing was quicker. Except that nothing says what is overwritten by a move.
            if (known.directory == isDirectory && !known.leaves && !(moved && isAnother(known))) return;
            gone(known);
        }
        if (isOpen()) add(directory, name, isDirectory);
    }

    private boolean isAnother(Entry known) { return !known.wasSeen() || reader.look(loop().errno, pathOf(known)) < 0 || !known.is(reader); }

    private Entry add(Entry directory, String name, boolean isDirectory) {
        Entry entry = new Entry(name, directory, isDirectory);
        directory.entries.put(name, entry);
        tell(complete ? PathChange.What.CREATED : PathChange.What.FOUND, entry, null);
        wantListing(entry);
        return entry;
    }

    private void renamed(Entry entry, Entry directory, String name) {
        if (!isCurrent(entry)) { // it has gone meanwhile, as a listing found
            came(directory, name, entry.directory, true);
            return;
        }
        if (isIn(directory, entry)) { // as a listing saw it, which is newer than this report: what there is now is listed once more
            Entry parent = entry.parent;
            gone(entry);
            if (isOpen()) wantListing(parent);
            return;
        }
        Entry target = directory.entries.get(name);
        if (target == entry) return;
        long now = loop().vcore.clock().nanoTime();
        boolean back = entry == overwriting && directory == overwritingFrom && name.equals(overwritingName) && now - overwritingNanos < PAIRING_NANOS;
        overwriting = null;
        if (back) { // perhaps they have changed places, and perhaps not
            Entry other = entry.parent;
            gone(entry);
            if (target != null && isCurrent(target)) gone(target);
            if (!isOpen()) return;
            wantListing(directory);
            wantListing(other);
            return;
        }
        if (target != null) {
            gone(target);
            if (!isOpen()) return;
            if (!isCurrent(entry)) { // the picture had it in what it replaces
                add(directory, name, entry.directory);
                return;
            }
            overwriting = entry;
            overwritingFrom = entry.parent;
            overwritingName = entry.name;
            overwritingNanos = now;
        }
        Path from = pathOf(entry);
        entry.parent.entries.remove(entry.name);
        entry.parent = directory;
        entry.name = name;
        directory.entries.put(name, entry);
        tell(PathChange.What.RENAMED, entry, from);
        if (entry.watch < 0) wantListing(entry);
        else wantCheck(entry); // what a listing has found under the old name may not be what was renamed, and be out of reach by now
        for (Entry waiting : unreached) wantListing(waiting);
        unreached.clear();
    }

    /** What is in a directory goes first. */
    private void gone(Entry entry) {
        if (entry.entries != null) {
            for (Entry inside : List.copyOf(entry.entries.values())) gone(inside);
        }
        unwatch(entry);
        forgetLeaving(entry);
        unreached.remove(entry);
        if (listing == entry) endListing();
        if (entry.parent.entries != null && entry.parent.entries.get(entry.name) == entry) entry.parent.entries.remove(entry.name);
        tell(PathChange.What.DELETED, entry, null);
        entry.entries = null;
    }

    private void unwatch(Entry entry) {
        if (entry.watch < 0) return;
        byWatch.remove(entry.watch);
        Inotify.rmWatch(loop().errno, fd(), entry.watch); // has ended already if the directory was deleted; goes on if it was moved away
        entry.watch = -1;
    }

    private void forgetLeaving(Entry entry) {
        if (!entry.leaves) return;
        entry.leaves = false;
        leaving.values().removeIf(l -> l.entry == entry);
    }

    /** A directory has gone whose name was not reported to have gone: it is called otherwise here than in truth. */
    private void watchEnded(Entry directory) {
        byWatch.remove(directory.watch);
        directory.watch = -1;
        if (directory == root) rootGone();
        else wantListing(directory.parent);
    }

    private void rootGone() {
        for (Entry inside : List.copyOf(root.entries.values())) gone(inside);
        if (scope != PathScope.NAME && isOpen()) call(() -> handler.onChange(new PathChange(PathChange.What.DELETED, rootPath, null, true)));
        close();
    }

    private void endLeaving(long now) {
        while (!leaving.isEmpty() && isOpen()) {
            Leaving first = leaving.values().iterator().next();
            if (first.deadlineNanos - now > 0) return;
            gone(first.entry);
        }
    }

    // ---- watching and listing

    private void wantListing(Entry directory) {
        if (!directory.directory || scope != PathScope.TREE && directory != root) return;
        directory.onlyCheck = false;
        if (directory.waitsForListing) return;
        directory.waitsForListing = true;
        unlisted.add(directory);
    }

    private void wantCheck(Entry directory) {
        if (directory.waitsForListing) return;
        wantListing(directory);
        directory.onlyCheck = directory.waitsForListing;
    }

    private void startListing(Entry directory) {
        directory.waitsForListing = false;
        if (!isCurrent(directory)) return;
        ErrnoSlot errno = loop().errno;
        int watch = openAndWatch(errno, directory);
        if (watch < 0) {
            reader.close(errno);
            notWatched(directory, watch);
            return;
        }
        if (directory == root && watch != root.watch) { // another one has its name
            reader.close(errno);
            rootGone();
            return;
        }
        boolean asItWas = directory.watch == watch;
        if (asItWas ? directory.onlyCheck : !takeWatch(directory, watch)) {
            if (isOpen()) reader.close(errno);
            return;
        }
        seen.clear();
        listing = directory;
    }

    /** Gives the number of a watch to the directory that is open in the reader. Returns false if it is not to be listed. */
    private boolean takeWatch(Entry directory, int watch) {
        Entry other = byWatch.get(watch);
        if (other != null) {
            // Mounted twice, it has two names for as long as that lasts. One watch cannot tell under which, so it goes on telling under the first.
            if (isOpenDirectory(other)) return false;
            other.watch = -1; // it is called otherwise by now, or is another directory
            wantListing(other == root ? root : other.parent);
        }
        boolean another = directory.watch >= 0;
        unwatch(directory);
        directory.watch = watch;
        byWatch.put(watch, directory);
        if (directory.entries == null) directory.entries = new HashMap<>();
        if (another) {
            for (Entry inside : List.copyOf(directory.entries.values())) gone(inside);
        }
        return isOpen();
    }

    private boolean isOpenDirectory(Entry entry) {
        ErrnoSlot errno = loop().errno;
        if (reader.look(errno, ".") < 0) return false;
        long inode = reader.inode();
        long born = reader.born();
        return reader.look(errno, pathOf(entry).resolve(".")) == 0 && reader.inode() == inode && reader.born() == born;
    }

    private void notWatched(Entry directory, int error) {
        if (error == -Errno.ENOENT || error == -Errno.ENOTDIR || error == -Errno.ELOOP) {
            if (directory == root || !rootIsInPlace()) rootGone(); // such as when a directory above it was renamed, which is not reported
            else unreached.add(directory);
            return;
        }
        // A part is not watched, which must not be silent.
        if (error == -Errno.ENOSPC && saidFull) return;
        saidFull |= error == -Errno.ENOSPC;
        color().home().reportFailure(this, new IOException(whyNot(pathOf(directory), error) + (error == -Errno.ENOSPC ? " (said once)" : "")));
    }

    private boolean rootIsInPlace() {
        int watch = openAndWatch(loop().errno, root);
        reader.close(loop().errno);
        return watch == root.watch;
    }

    /** Compares some names of the directory with the picture, and tells the differences. */
    private void listSome() {
        Entry directory = listing;
        ErrnoSlot errno = loop().errno;
        try {
            if (onlyName != null) {
                listed(directory, onlyName);
            } else {
                for (int i = 0; i < SLICE_ENTRIES && listing == directory; i++) {
                    String name = reader.next(errno);
                    if (name == null) break;
                    if (counts(name)) listed(directory, name);
                    if (i == SLICE_ENTRIES - 1) return;
                }
            }
        } catch (IOException e) {
            color().home().reportFailure(this, e);
            endListing();
            return;
        }
        if (listing != directory) return; // it has gone, or this was closed
        for (Entry known : List.copyOf(directory.entries.values())) {
            if (seen.contains(known.name) || known.leaves) continue;
            if (reader.look(errno, known.name) == -Errno.ENOENT) gone(known); // else it has come meanwhile
            if (listing != directory) return;
        }
        endListing();
    }

    private void endListing() {
        listing = null;
        seen.clear();
        if (isOpen()) reader.close(loop().errno);
    }

    private void listed(Entry directory, String name) {
        if (reader.look(loop().errno, name) < 0) return; // gone since
        seen.add(name);
        boolean isDirectory = reader.isDirectory();
        Entry known = directory.entries.get(name);
        if (known != null && (known.directory != isDirectory || known.leaves || known.wasSeen() && !known.is(reader))) {
            gone(known);
            if (listing != directory) return;
            known = null;
        }
        if (known == null) {
            Entry entry = new Entry(name, directory, isDirectory);
            entry.note(reader);
            directory.entries.put(name, entry);
            tell(complete ? PathChange.What.CREATED : PathChange.What.FOUND, entry, null);
            wantListing(entry);
        } else if (!tellCompletion || !complete) { // not after a loss: reports tell what else there is
            if (known.watch < 0) wantListing(known);
        } else {
            boolean modified = !isDirectory && (!known.wasSeen() || known.size != reader.size() || known.modified != reader.modified());
            known.note(reader);
            wantListing(known);
            if (modified) tell(PathChange.What.MODIFIED, known, null);
        }
    }

    private void beginAnew() {
        lost = false;
        endListing();
        unreached.clear();
        overwriting = null;
        for (Leaving l : leaving.values()) l.entry.leaves = false;
        leaving.clear(); // the second halves may be among what was lost; the listings tell
        boolean told = complete && !tellCompletion;
        tellCompletion = true;
        if (told) call(handler::onLost);
        if (isOpen()) wantListing(root);
    }

    /** Tells whether an entry is still in the picture. */
    private boolean isCurrent(Entry entry) {
        for (Entry e = entry; e != root; e = e.parent) {
            if (e.parent.entries == null || e.parent.entries.get(e.name) != e) return false;
        }
        return true;
    }

    /** Tells whether the picture has {@code inner} in {@code outer}, or they are the same. */
    private static boolean isIn(Entry inner, Entry outer) {
        for (Entry e = inner; e != null; e = e.parent) {
            if (e == outer) return true;
        }
        return false;
    }

    private Path pathOf(Entry entry) { return entry == root ? rootPath : pathOf(entry.parent).resolve(entry.name); }

    // ---- telling

    private interface Call {
        void run() throws Exception;
    }

    /** A handler's failure concerns that one call: what else the kernel has reported must get into the picture all the same. */
    private void call(Call call) {
        try {
            call.run();
        } catch (Exception e) {
            color().home().reportFailure(this, e);
        }
    }

    private void tell(PathChange.What what, Entry entry, Path from) {
        if (!isOpen()) return;
        Path path = onlyName != null ? asked : pathOf(entry);
        call(() -> handler.onChange(new PathChange(what, path, from, entry.directory)));
    }

    @Override public String toString() { return "Registration[" + asked + "]"; }
}
