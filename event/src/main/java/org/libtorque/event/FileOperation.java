package org.libtorque.event;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.StandardOpenOption;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import org.libtorque.sys.Errno;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Files;
import org.libtorque.sys.Handles;
import org.libtorque.sys.NativeMemory;
import org.libtorque.sys.Sockets;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.FileCall;
import org.libtorque.vcore.FileCall.Kind;
import org.libtorque.vcore.Task;

/**
 * Something that is done to a file without holding a vcore: one at a time, again and again. Reading and writing with one that is used again allocate nothing.
 *
 * <pre>{@code
 *   FileOperation operation = torque.files().operation(color);
 *   operation.open(FileName.of(path), opened -> {
 *       AsyncFile file = opened.file();                           // throws what went wrong
 *       operation.read(file, buffer, 0, read -> {
 *           long n = read.count();                                // 0: the end
 *           …
 *           file.close();
 *       });
 *   }, StandardOpenOption.READ);
 * }</pre>
 *
 * <p><b>Outcome.</b> The handler is called exactly once, as a task of the operation's colour, wherever that is by then, and never from inside the call that starts it. {@link #count},
 * {@link #file} and {@link #status} return what came of it or throw an {@link IOException} with the path and the errno's name; {@link #errno} tells without. After {@link #cancel}
 * the outcome is {@code ECANCELED}, or the true one if that came first. Only if the runtime stops meanwhile is nobody told; what was just opened is closed then.
 *
 * <p><b>Memory</b> given to an operation is the kernel's until the handler is called: not to be freed, nor its arena closed, nor touched.
 *
 * <p><b>Order.</b> Operations under way at the same time are in no order, on one file either: what is to come after another is started by its handler. {@link #sync} concerns
 * writes that are done when it starts.
 *
 * <p><b>Threads.</b> Any thread may start one, if it is idle; it is the caller's to see that nobody else does. From a vcore it starts at once, elsewhere through its colour, in the
 * order of posting.
 *
 * <p><b>By what.</b> With io_uring through the ring of the vcore that starts it. With epoll a read of what is in memory is done then and there (preadv2(2) with {@code RWF_NOWAIT}),
 * and so is opening what the kernel has in its cache of names; everything else goes to the runtime's {@link FilePool}. When too many wait for that, the outcome is {@code EAGAIN}.
 */
public final class FileOperation {
    private static final int IDLE = 0, BUSY = 1;
    private static final VarHandle STATE = Handles.field(MethodHandles.lookup(), "state", int.class);
    private static final VarHandle QUEUED_FOR = Handles.field(MethodHandles.lookup(), WaitingJob.class, "queuedFor", int.class);
    private static final int WRONG_KIND = Integer.MIN_VALUE;
    private static final int MAX_RETRIES = 100;
    private static final int DEFAULT_MODE = 0666;

    private enum What { OPEN, CLOSE, READ, WRITE, SYNC, TRUNCATE, STATUS, RENAME, DELETE, DELETE_DIRECTORY, MAKE_DIRECTORY, LIST }

    /** What the call under way is for: the operation itself, or finding the directories of names below a root first. */
    private enum Stage { ITSELF, FIRST_DIRECTORY, SECOND_DIRECTORY, PLACE }

    private final AsyncFiles files;
    private final Color color;
    private final Turn turn;
    private final Call call = new Call();
    /** Replaced when it is withdrawn from the pool, whose queue has the old one until its turn comes. */
    private volatile WaitingJob job = new WaitingJob();
    @SuppressWarnings("unused") private int state;
    /** Counts uses, from 1; written by who has made it busy. */
    private volatile int use;
    /** The use that was cancelled: a cancellation that comes late meets no other. */
    private volatile int cancelledUse;

    // From being started to being done these belong to whoever carries it out; then to its colour, until it is started again.
    private What what;
    private Stage stage;
    private FileHandler handler;
    private Object attachment;
    private AsyncFile file;
    private FileBuffer fixed;
    private FileName name;
    private FileName second;
    private int mode;
    private long memory;
    /** What is kept open for it. */
    private boolean usesFile, usesFirstRoot, usesSecondRoot, usesBuffer;
    private int firstDirectory = -1;
    private int secondDirectory = -1;
    private int retries;
    private int done;
    private boolean writable;
    /** Whether it may wait however many wait already. */
    private boolean urgent;
    /** The queue that has the call, if one has. */
    private volatile Loop submittedTo;
    private int result;
    private FileStatus status;
    private AsyncFile opened;
    private Runnable onDropped;

    FileOperation(AsyncFiles files, Color color) {
        this.files = files;
        this.color = color;
        this.turn = new Turn(color);
    }

    /** Returns what its handler is serialised with. Any thread. */
    public Color color() { return color; }

    /** Returns what {@link #attach} was given. */
    public Object attachment() { return attachment; }

    /** Keeps an object for the program. Returns this. */
    public FileOperation attach(Object object) {
        attachment = object;
        return this;
    }

    // -------------------------------------------------------------------------------------------------------------- what to do

    /** Opens a file; one that is made gets all permissions but execution, less the process's umask. See {@link #open(FileName, int, FileHandler, OpenOption...)}. */
    public void open(FileName path, FileHandler whenDone, OpenOption... options) { open(path, DEFAULT_MODE, whenDone, options); }

    /**
     * Opens a file. Not for pipes and sockets, which are no files to wait for: {@link org.libtorque.Torque#watch}.
     *
     * @param permissions of a file that is made
     * @param options     {@link StandardOpenOption}s but for DELETE_ON_CLOSE, {@link LinkOption#NOFOLLOW_LINKS}; none is READ. With APPEND, writes go to the end whatever their position
     */
    public void open(FileName path, int permissions, FileHandler whenDone, OpenOption... options) {
        int flags = flags(options);
        begin(What.OPEN, null, whenDone);
        name = path;
        mode = permissions;
        writable = (flags & Files.O_ACCMODE) != Files.O_RDONLY;
        startWithNames(flags);
    }

    private static int flags(OpenOption[] options) {
        boolean read = false;
        boolean write = false;
        int flags = Files.O_CLOEXEC | Files.O_NOCTTY | Files.O_NONBLOCK; // the last so that a pipe is not waited for; to files it means nothing
        for (OpenOption option : options) {
            if (option == LinkOption.NOFOLLOW_LINKS) {
                flags |= Files.O_NOFOLLOW;
                continue;
            }
            if (!(option instanceof StandardOpenOption standard)) throw new UnsupportedOperationException("option " + option);
            switch (standard) {
                case READ -> read = true;
                case WRITE -> write = true;
                case APPEND -> {
                    write = true;
                    flags |= Files.O_APPEND;
                }
                case TRUNCATE_EXISTING -> flags |= Files.O_TRUNC;
                case CREATE -> flags |= Files.O_CREAT;
                case CREATE_NEW -> flags |= Files.O_CREAT | Files.O_EXCL;
                case SYNC -> flags |= Files.O_SYNC;
                case DSYNC -> flags |= Files.O_DSYNC;
                case SPARSE -> { } // all are
                case DELETE_ON_CLOSE -> throw new UnsupportedOperationException("option " + option);
            }
        }
        if (write) return flags | (read ? Files.O_RDWR : Files.O_WRONLY);
        int ofWriting = Files.O_TRUNC | Files.O_CREAT;
        if ((flags & ofWriting) != 0) throw new IllegalArgumentException("making or truncating a file needs WRITE");
        return flags | Files.O_RDONLY;
    }

    /** Opens a directory, for listing and as a root. */
    void openDirectory(FileName path, FileHandler whenDone, boolean followLinks) {
        begin(What.OPEN, null, whenDone);
        name = path;
        mode = 0;
        writable = false;
        startWithNames(Files.O_RDONLY | Files.O_DIRECTORY | Files.O_CLOEXEC | (followLinks ? 0 : Files.O_NOFOLLOW));
    }

    /**
     * Reads at a position into a segment of native memory.
     *
     * <p>The {@link #count} is smaller than the segment at the end of the file, and where the kernel could not give more at once (never more than 2 GiB less 4 KiB); 0 is the end.
     */
    public void read(AsyncFile from, MemorySegment target, long position, FileHandler whenDone) {
        checkMemory(target);
        if (target.isReadOnly()) throw new IllegalArgumentException("the segment is read-only");
        transfer(What.READ, Kind.READ, from, target.address(), target.byteSize(), position, whenDone);
        start();
    }

    /** Writes a segment of native memory at a position. The {@link #count} is smaller than the segment only if there was no room for more. */
    public void write(AsyncFile to, MemorySegment source, long position, FileHandler whenDone) {
        checkMemory(source);
        transfer(What.WRITE, Kind.WRITE, to, source.address(), source.byteSize(), position, whenDone);
        start();
    }

    /** Reads at a position into several segments, one after the other; at most 512. See {@link #read(AsyncFile, MemorySegment, long, FileHandler)}. */
    public void read(AsyncFile from, MemorySegment[] targets, long position, FileHandler whenDone) {
        for (MemorySegment target : targets) if (target.isReadOnly()) throw new IllegalArgumentException("a segment is read-only");
        vector(What.READ, Kind.READV, from, targets, position, whenDone);
    }

    /** Writes several segments, one after the other, at a position; at most 512. The {@link #count} is smaller if there was no room, or the kernel did not take more at once. */
    public void write(AsyncFile to, MemorySegment[] sources, long position, FileHandler whenDone) { vector(What.WRITE, Kind.WRITEV, to, sources, position, whenDone); }

    /** Reads at a position into part of a buffer that the kernel knows. See {@link #read(AsyncFile, MemorySegment, long, FileHandler)}. */
    public void read(AsyncFile from, FileBuffer target, long offset, int length, long position, FileHandler whenDone) {
        fixed(What.READ, Kind.READ_FIXED, from, target, offset, length, position, whenDone);
    }

    /** Writes part of a buffer that the kernel knows at a position. See {@link #write(AsyncFile, MemorySegment, long, FileHandler)}. */
    public void write(AsyncFile to, FileBuffer source, long offset, int length, long position, FileHandler whenDone) {
        fixed(What.WRITE, Kind.WRITE_FIXED, to, source, offset, length, position, whenDone);
    }

    private void fixed(What task, Kind kind, AsyncFile of, FileBuffer buffer, long offset, int length, long position, FileHandler whenDone) {
        Objects.checkFromIndexSize(offset, length, buffer.byteSize());
        if (!buffer.uses().use()) throw new IllegalStateException("the buffer is closed");
        try {
            transfer(task, kind, of, buffer.address() + offset, length, position, whenDone);
        } catch (RuntimeException e) {
            buffer.uses().done();
            throw e;
        }
        fixed = buffer;
        usesBuffer = true;
        call.number(buffer.number());
        start();
    }

    private static void checkMemory(MemorySegment segment) {
        if (!segment.isNative()) throw new IllegalArgumentException("the kernel cannot have memory of the Java heap; the segment must be native");
        // Checked when it starts; that it stays so until the end is the caller's to see to.
        if (!segment.scope().isAlive()) throw new IllegalStateException("the segment's arena is closed");
    }

    private static void checkPosition(long position) {
        if (position < 0) throw new IllegalArgumentException("position " + position);
    }

    private void transfer(What task, Kind kind, AsyncFile of, long address, long length, long position, FileHandler whenDone) {
        checkPosition(position);
        begin(task, of, whenDone);
        call.set(kind, of.fd(), address, (int) Math.min(length, Integer.MAX_VALUE - 4095), position);
    }

    private void vector(What task, Kind kind, AsyncFile of, MemorySegment[] parts, long position, FileHandler whenDone) {
        checkPosition(position);
        if (parts.length > FileMemory.MAX_PARTS) throw new IllegalArgumentException(parts.length + " segments; at most " + FileMemory.MAX_PARTS);
        for (MemorySegment part : parts) checkMemory(part);
        begin(task, of, whenDone);
        memory = files.memory().acquire();
        for (int i = 0; i < parts.length; i++) Sockets.Iovec.put(memory + i * Sockets.Iovec.SIZE, parts[i].address(), parts[i].byteSize());
        call.set(kind, of.fd(), memory, parts.length, position);
        start();
    }

    /** Waits until what was written is on the disk: with {@code metadata} times and the like too (fsync(2)), else only what is needed to read it again (fdatasync(2)). */
    public void sync(AsyncFile of, boolean metadata, FileHandler whenDone) {
        begin(What.SYNC, of, whenDone);
        call.set(metadata ? Kind.SYNC : Kind.DATA_SYNC, of.fd(), 0, 0, 0);
        start();
    }

    /** Makes a file so many bytes long: cuts it, or adds zeros. */
    public void truncate(AsyncFile of, long length, FileHandler whenDone) {
        if (length < 0) throw new IllegalArgumentException("length " + length);
        begin(What.TRUNCATE, of, whenDone);
        call.set(Kind.TRUNCATE, of.fd(), 0, 0, length);
        start();
    }

    /** Asks what an open file is: {@link #status}. */
    public void status(AsyncFile of, FileHandler whenDone) {
        begin(What.STATUS, of, whenDone);
        memory = files.memory().acquire();
        statusOf(of.fd());
        start();
    }

    /** Asks what a name stands for: {@link #status}. */
    public void status(FileName of, boolean followLinks, FileHandler whenDone) {
        begin(What.STATUS, null, whenDone);
        name = of;
        startWithNames(followLinks ? 0 : Files.AT_SYMLINK_NOFOLLOW);
    }

    /** Gives a file another name, in place of what has that now. */
    public void rename(FileName from, FileName to, FileHandler whenDone) {
        begin(What.RENAME, null, whenDone);
        name = from;
        second = to;
        startWithNames(0);
    }

    /** Removes a name that is no directory's. */
    public void delete(FileName path, FileHandler whenDone) {
        begin(What.DELETE, null, whenDone);
        name = path;
        startWithNames(0);
    }

    /** Removes an empty directory. */
    public void deleteDirectory(FileName path, FileHandler whenDone) {
        begin(What.DELETE_DIRECTORY, null, whenDone);
        name = path;
        startWithNames(Files.AT_REMOVEDIR);
    }

    /** Makes a directory, with permissions less the process's umask. */
    public void makeDirectory(FileName path, int permissions, FileHandler whenDone) {
        begin(What.MAKE_DIRECTORY, null, whenDone);
        name = path;
        mode = permissions;
        startWithNames(0);
    }

    /**
     * Closes a file and tells what the file system had to say: errors of earlier writes come to light here on some. As {@link AsyncFile#close}, it is closed behind the operations in
     * flight; only if there are none is the outcome known, else it is 0.
     */
    public void close(AsyncFile of, FileHandler whenDone) {
        begin(What.CLOSE, null, whenDone);
        file = of;
        urgent = true;
        start();
    }

    /** Reads directory entries into memory of the caller's. */
    void list(AsyncFile of, long address, int length, FileHandler whenDone) {
        begin(What.LIST, of, whenDone);
        call.set(Kind.LIST, of.fd(), address, length, 0);
        start();
    }

    /** Says what is to happen if nobody can be told of the end. */
    void onDropped(Runnable action) { onDropped = action; }

    // ------------------------------------------------------------------------------------------------------------------- starting

    private void begin(What task, AsyncFile of, FileHandler whenDone) {
        Objects.requireNonNull(whenDone);
        if (!STATE.compareAndSet(this, IDLE, BUSY)) throw new IllegalStateException(this + " is in flight");
        what = task;
        stage = Stage.ITSELF;
        handler = whenDone;
        file = of;
        fixed = null;
        name = second = null;
        opened = null;
        status = null;
        urgent = false;
        result = done = retries = 0;
        use++;
    }

    private void start() {
        Loop here = files.here();
        if (here != null) {
            startOn(here);
            return;
        }
        turn.starts = true;
        if (turn.postSurely()) return;
        turn.starts = false;
        drop();
        throw new RejectedExecutionException(color.home() + " has stopped");
    }

    private void startOn(Loop here) {
        if (what == What.CLOSE) {
            startClosing(here);
        } else if (file == null || (usesFile = file.uses().use())) {
            go(here);
        } else {
            finish(-Errno.EBADF);
        }
    }

    /** Takes the last use of the file, if it can be had, so that close(2) is this operation's. */
    private void startClosing(Loop here) {
        if (!file.uses().closeAlone()) {
            finish(file.uses().close() ? 0 : -Errno.EBADF);
            return;
        }
        call.set(Kind.CLOSE, file.fd(), 0, 0, 0);
        go(here);
    }

    /** Prepares names, and the first call: below a root, operations that have no RESOLVE_BENEATH of their own get the directory first. */
    private void startWithNames(int flags) {
        FileRoot root = name.root();
        memory = files.memory().acquire();
        if (!useRoots()) {
            finish(-Errno.EBADF);
            return;
        }
        boolean namesIt = what == What.OPEN || what == What.STATUS;
        if (!namesIt && (root != null && !name.endsWithName() || second != null && second.root() != null && !second.endsWithName())) {
            finish(-Errno.EINVAL); // unlink("..") and the like
            return;
        }
        NativeMemory.putInt(memory + FileMemory.STATX - 8, flags); // kept for the call that needs them
        if (what == What.OPEN) {
            name.put(memory + FileMemory.FIRST);
            openAs(root, flags, (flags & Files.O_CREAT) != 0 ? mode : 0);
        } else if (what == What.STATUS && root != null) {
            stage = Stage.PLACE;
            name.put(memory + FileMemory.FIRST);
            openAs(root, Files.O_PATH | Files.O_CLOEXEC | (flags != 0 ? Files.O_NOFOLLOW : 0), 0);
        } else {
            afterFirst();
        }
        start();
    }

    private boolean useRoots() {
        usesFirstRoot = name.root() != null && name.root().uses().use();
        usesSecondRoot = second != null && second.root() != null && second.root().uses().use();
        return usesFirstRoot == (name.root() != null) && usesSecondRoot == (second != null && second.root() != null);
    }

    private void openAs(FileRoot root, int flags, int permissions) {
        long how = memory + FileMemory.HOW;
        NativeMemory.putLong(how + Files.OpenHow.FLAGS, Integer.toUnsignedLong(flags));
        NativeMemory.putLong(how + Files.OpenHow.MODE, permissions);
        NativeMemory.putLong(how + Files.OpenHow.RESOLVE, root == null ? 0 : Files.RESOLVE_BENEATH | Files.RESOLVE_NO_MAGICLINKS);
        call.set(Kind.OPEN, root == null ? Files.AT_FDCWD : root.fd(), memory + FileMemory.FIRST, 0, 0);
        call.second(how);
    }

    private void openDirectoryOf(FileName of) {
        of.putDirectory(memory + FileMemory.FIRST);
        openAs(of.root(), Files.O_PATH | Files.O_DIRECTORY | Files.O_CLOEXEC, 0);
    }

    /** The first name's directory is still to be found, if it must be. */
    private void afterFirst() {
        if (name.root() != null && name.hasDirectory()) {
            stage = Stage.FIRST_DIRECTORY;
            openDirectoryOf(name);
        } else {
            afterSecond();
        }
    }

    private void afterSecond() {
        if (second != null && second.root() != null && second.hasDirectory()) {
            stage = Stage.SECOND_DIRECTORY;
            openDirectoryOf(second);
        } else {
            itself();
        }
    }

    /** All directories are found. */
    private void itself() {
        stage = Stage.ITSELF;
        int flags = NativeMemory.getInt(memory + FileMemory.STATX - 8);
        int directory = putName(name, firstDirectory, memory + FileMemory.FIRST);
        switch (what) {
            case STATUS -> {
                call.set(Kind.STATUS, directory, memory + FileMemory.FIRST, Files.STATX_BASIC_STATS | Files.STATX_BTIME, 0);
                call.withFlags(flags);
                call.second(memory + FileMemory.STATX);
            }
            case RENAME -> {
                int other = putName(second, secondDirectory, memory + FileMemory.SECOND);
                call.set(Kind.RENAME, directory, memory + FileMemory.FIRST, 0, 0);
                call.other(other, memory + FileMemory.SECOND);
            }
            case DELETE, DELETE_DIRECTORY -> {
                call.set(Kind.UNLINK, directory, memory + FileMemory.FIRST, 0, 0);
                call.withFlags(flags);
            }
            case MAKE_DIRECTORY -> call.set(Kind.MAKE_DIRECTORY, directory, memory + FileMemory.FIRST, mode, 0);
            default -> throw new IllegalStateException(what.toString());
        }
    }

    private static int putName(FileName name, int directory, long address) {
        if (name.root() == null) {
            name.put(address);
            return Files.AT_FDCWD;
        }
        name.putLastPart(address);
        return directory >= 0 ? directory : name.root().fd();
    }

    private void statusOf(int fd) {
        NativeMemory.putByte(memory + FileMemory.FIRST, (byte) 0);
        call.set(Kind.STATUS, fd, memory + FileMemory.FIRST, Files.STATX_BASIC_STATS | Files.STATX_BTIME, 0);
        call.withFlags(Files.AT_EMPTY_PATH);
        call.second(memory + FileMemory.STATX);
    }

    // ---------------------------------------------------------------------------------------------------------------- carrying out

    /** Has the call made that is prepared, and those after it; on a vcore. */
    private void go(Loop here) {
        while (true) {
            if (isToBeCancelled()) {
                finish(-Errno.ECANCELED);
                return;
            }
            if (here.queue.takes(call.kind())) {
                if (fixed != null) fixed.register(here);
                submittedTo = here;
                here.queue.submit(call);
                return;
            }
            int r = tryWithoutWaiting(here);
            if (r == WRONG_KIND) {
                submitToPool(urgent);
                return;
            }
            if (!advance(r)) {
                finish(result);
                return;
            }
        }
    }

    /** Has a thread of the pool carry it out. What comes after may be this operation's next use, of another thread: nothing then belongs to it. */
    private void submitToPool(boolean surely) {
        int mine = use;
        WaitingJob waiting = job;
        waiting.queuedFor = mine;
        if (!files.pool().submit(waiting, surely)) {
            if (waiting.claim(mine)) finish(-Errno.EAGAIN);
        } else if (cancelledUse == mine) {
            withdraw(mine); // by who cancelled before there was anything to withdraw. Of its write and look, and these, one sees the other (Dekker)
        }
    }

    /** Ends a use at once if it waits for a thread of the pool, and is to be cancelled. Any thread. */
    private void withdraw(int current) {
        if (what == What.CLOSE || !job.claim(current)) return;
        job = new WaitingJob();
        finish(-Errno.ECANCELED);
    }

    private boolean isToBeCancelled() { return what != What.CLOSE && (cancelledUse == use || usesFile && !file.isOpen()); }

    /**
     * Makes the call if the kernel can without waiting. Returns its outcome, or WRONG_KIND if it would have to wait.
     *
     * <p>One method, of more than 325 bytes of code, so that the compiler does not put it into its callers: at the end of a long chain of inlined calls it gives up before it has seen through a
     * downcall, which then allocates 40 bytes (a view of the errno).
     */
    private int tryWithoutWaiting(Loop here) {
        Kind kind = call.kind();
        if (kind == Kind.OPEN) {
            long resolve = call.address2() + Files.OpenHow.RESOLVE;
            int making = Files.O_CREAT | Files.O_TRUNC;
            if (!FileRoot.cachedLookups || (NativeMemory.getInt(call.address2() + Files.OpenHow.FLAGS) & making) != 0) return WRONG_KIND;
            long before = NativeMemory.getLong(resolve);
            NativeMemory.putLong(resolve, before | Files.RESOLVE_CACHED);
            int fd = Files.openat2(here.errno, call.fd(), call.address(), call.address2());
            NativeMemory.putLong(resolve, before);
            return fd == -Errno.EAGAIN ? WRONG_KIND : fd;
        }
        if (kind != Kind.READ && kind != Kind.READ_FIXED && kind != Kind.READV || file.isBlind()) return WRONG_KIND;
        long vectors = here.scratch;
        int count = 1;
        long wanted = call.length();
        if (kind == Kind.READV) {
            vectors = call.address();
            count = call.length();
            wanted = 0;
            for (int i = 0; i < count; i++) wanted += NativeMemory.getLong(vectors + i * Sockets.Iovec.SIZE + Sockets.Iovec.IOV_LEN);
        } else {
            Sockets.Iovec.put(vectors, call.address(), wanted);
        }
        long n = Files.preadv2(here.errno, call.fd(), vectors, count, call.offset(), Files.RWF_NOWAIT);
        if (n == -Errno.EOPNOTSUPP) file.blind();
        if (n == -Errno.EAGAIN || n == -Errno.EOPNOTSUPP || n == -Errno.EINTR) return WRONG_KIND;
        if (n > 0 && n < wanted && n < Integer.MAX_VALUE - 4095) {
            // The end of the file, or of what is in memory: then all of it is read by who may wait.
            Sockets.Iovec.put(here.scratch, here.scratch + Sockets.Iovec.SIZE, 1);
            if (Files.preadv2(here.errno, call.fd(), here.scratch, 1, call.offset() + n, Files.RWF_NOWAIT) != 0) return WRONG_KIND;
        }
        return (int) n;
    }

    /** A queue has completed the call; on its thread. */
    private void completed(int r) {
        Loop here = submittedTo;
        submittedTo = null;
        // What the kernel will not do this way (a file system that cannot, a name that changes under its hands) is for who may wait.
        if (r == -Errno.EAGAIN || r == -Errno.EOPNOTSUPP) {
            submitToPool(true);
            return;
        }
        if (r == -Errno.EINTR && cancelledUse == use) r = -Errno.ECANCELED;
        if (advance(r)) go(here);
        else finish(result);
    }

    /** Takes the outcome of a call. Returns whether another one is prepared; if not, {@link #result} is set. */
    private boolean advance(int r) {
        r = files.faults().result(call.kind(), r);
        switch (stage) {
            case FIRST_DIRECTORY -> {
                if (r < 0) break;
                firstDirectory = r;
                afterSecond();
                return true;
            }
            case SECOND_DIRECTORY -> {
                if (r < 0) break;
                secondDirectory = r;
                itself();
                return true;
            }
            case PLACE -> {
                if (r < 0) break;
                firstDirectory = r;
                stage = Stage.ITSELF;
                statusOf(r);
                return true;
            }
            case ITSELF -> {
                if (what == What.WRITE && call.kind() != Kind.WRITEV && r > 0 && r < call.length()) {
                    done += r;
                    call.skip(r);
                    return true;
                }
            }
        }
        if (r == -Errno.EAGAIN && call.kind() == Kind.OPEN && ++retries < MAX_RETRIES) return true; // a rename raced with "..": undecided
        result = r < 0 && done > 0 ? done : r + done;
        return false;
    }

    /** It is over: lets go of what it used, and has the handler called. Any thread that carries it out. */
    private void finish(int outcome) {
        result = outcome;
        if (outcome >= 0) {
            if (what == What.OPEN) opened = new AsyncFile(files, name.toString(), outcome, writable);
            else if (what == What.STATUS) status = FileStatus.at(memory + FileMemory.STATX);
        }
        release();
        turn.starts = false;
        if (!turn.postSurely()) dropOutcome();
    }

    private void release() {
        if (memory != 0) {
            files.memory().release(memory);
            memory = 0;
        }
        ErrnoSlot errno = null;
        if (firstDirectory >= 0 || secondDirectory >= 0) errno = ErrnoSlot.current();
        if (firstDirectory >= 0) Files.close(errno, firstDirectory);
        if (secondDirectory >= 0) Files.close(errno, secondDirectory);
        firstDirectory = secondDirectory = -1;
        if (usesFirstRoot) name.root().uses().done();
        if (usesSecondRoot) second.root().uses().done();
        if (usesBuffer) fixed.uses().done();
        if (usesFile) file.uses().done();
        usesFirstRoot = usesSecondRoot = usesBuffer = usesFile = false;
    }

    /** It has not been started and never will be. */
    private void drop() {
        if (what == What.CLOSE) file.uses().close();
        release();
        dropOutcome();
    }

    private void dropOutcome() {
        if (opened != null) opened.close();
        STATE.setRelease(this, IDLE);
        if (onDropped != null) onDropped.run();
    }

    // ----------------------------------------------------------------------------------------------------------------- the outcome

    private void deliver() throws Exception {
        FileHandler told = handler;
        handler = null;
        STATE.setRelease(this, IDLE);
        told.onDone(this);
    }

    /** Returns how many bytes were read or written; 0 for what does not count any. */
    public int count() throws IOException {
        check();
        return what == What.READ || what == What.WRITE || what == What.LIST ? result : 0;
    }

    /**
     * Returns the file that was opened, the caller's to close.
     *
     * @throws IllegalStateException if opening was not what it did
     */
    public AsyncFile file() throws IOException {
        check();
        if (opened == null) throw new IllegalStateException("nothing was opened");
        return opened;
    }

    /**
     * Returns what the kernel said of the file.
     *
     * @throws IllegalStateException if nothing was asked
     */
    public FileStatus status() throws IOException {
        check();
        if (status == null) throw new IllegalStateException("no status was asked for");
        return status;
    }

    /** Throws what went wrong; does nothing if nothing did. */
    public void check() throws IOException {
        IOException failure = failure();
        if (failure != null) throw failure;
    }

    /** Returns the errno, 0 if all went well. */
    public int errno() { return result < 0 ? -result : 0; }

    /** Tells whether it was {@linkplain #cancel cancelled}, or its file closed, before it was carried out. */
    public boolean isCancelled() { return result == -Errno.ECANCELED; }

    /** Returns what went wrong, with the path, the call and the errno's name; null if nothing did. The JDK's exceptions where it has one for the case. */
    public IOException failure() {
        if (result >= 0) return null;
        String path = name != null ? name.toString() : file != null ? file.toString() : null;
        String other = second != null ? second.toString() : null;
        String reason = reason();
        return switch (-result) {
            case Errno.ENOENT -> new NoSuchFileException(path, other, reason);
            case Errno.EEXIST -> new FileAlreadyExistsException(path, other, reason);
            case Errno.EACCES, Errno.EPERM -> new AccessDeniedException(path, other, reason);
            default -> new FileSystemException(path, other, reason);
        };
    }

    private String reason() {
        String made = call.kind() == null ? "" : call.kind().call() + ": ";
        return switch (-result) {
            case Errno.ECANCELED -> made + Errno.describe(-result) + ", before it was carried out";
            case Errno.EAGAIN -> made + Errno.describe(-result) + ": " + files.pool().maxWaiting() + " operations wait for a thread already (TorqueOptions.withFileThreads)";
            default -> made + Errno.describe(-result);
        };
    }

    /**
     * Asks that it end early. The handler is called all the same. What waits for its turn ends as cancelled, soon; what the kernel is carrying out ends as soon as the kernel lets go of it,
     * which for disks is when it is done. Any thread; does nothing if it is not in flight.
     */
    public void cancel() {
        int current = use;
        if ((int) STATE.getAcquire(this) != BUSY) return;
        cancelledUse = current;
        Loop where = submittedTo;
        if (where == null) {
            withdraw(current);
            return;
        }
        new Task(files.errands(where)) {
            @Override protected void run() {
                if (use == current && submittedTo == where) where.queue.cancel(call);
            }
        }.postSurely();
    }

    /** Tells whether it is under way. Any thread. */
    public boolean isInFlight() { return (int) STATE.getAcquire(this) == BUSY; }

    @Override public String toString() { return "FileOperation[" + (what == null ? "idle" : what) + (name != null ? ", " + name : file != null ? ", " + file : "") + "]"; }

    /** What runs under the colour: the start, if it was asked for elsewhere, and the end. */
    private final class Turn extends Task {
        /** Written before it is posted. */
        private boolean starts;

        Turn(Color color) { super(color); }

        @Override protected void run() throws Exception {
            if (starts) {
                starts = false;
                startOn(Loop.current());
            } else {
                deliver();
            }
        }

        @Override protected Object subject() { return handler == null ? FileOperation.this : handler; }

        @Override protected void failed(Throwable failure) { color().home().reportFailure(FileOperation.this, failure); }
    }

    private final class Call extends FileCall {
        void set(Kind kind, int fd, long address, int length, long offset) {
            prepare(kind, fd);
            memory(address, length);
            offset(offset);
        }

        void number(int registered) { buffer(registered); }

        void withFlags(int bits) { flags(bits); }

        void second(long address) { second(0, address); }

        void other(int directory, long address) { second(directory, address); }

        void skip(int bytes) {
            memory(address() + bytes, length() - bytes);
            offset(offset() + bytes);
        }

        @Override protected void completed(int r) { FileOperation.this.completed(r); }
    }

    /** It waits for, and is carried out by, a thread of the pool. */
    private final class WaitingJob extends FilePool.Job {
        /** The use for which it is in the pool's queue; 0 when it has been claimed: by the thread that carries it out, or by who cancels. */
        private volatile int queuedFor;

        boolean claim(int expected) { return expected != 0 && QUEUED_FOR.compareAndSet(this, expected, 0); }

        @Override void run() {
            if (!claim(queuedFor)) return;
            do {
                if (isToBeCancelled()) {
                    finish(-Errno.ECANCELED);
                    return;
                }
                int r = call.perform();
                if (call.kind() == Kind.LIST && r > 0) DirectoryEntry.findTypes(call.fd(), call.address(), r);
                if (!advance(r)) break;
            } while (true);
            finish(result);
        }

        @Override void dropped() {
            if (!claim(queuedFor)) return;
            if (what == What.CLOSE) Files.close(ErrnoSlot.current(), call.fd());
            release();
            dropOutcome();
        }
    }
}
