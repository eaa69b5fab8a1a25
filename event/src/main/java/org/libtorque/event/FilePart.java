package org.libtorque.event;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import org.libtorque.memory.BlockPool;
import org.libtorque.sys.Errno;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Files;
import org.libtorque.sys.Mapping;
import org.libtorque.sys.Sockets;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.FileCall;
import org.libtorque.vcore.StreamSource;
import org.libtorque.vcore.Task;

/**
 * Part of a file on its way to a socket: of one that its owner has opened, or of a name, which is then opened, sent behind a head that is made of what was found, and closed
 * (E. Polyakov's one-shot send file, kevent 2006).
 *
 * <pre>{@code
 *   a name:   NAMED -opened-> HEAD -sent-> BODY -all sent, failed-> OVER
 *                   -cannot be opened, or is not what was promised-> OVER, nothing having been sent
 *   a file:   BODY
 *   NAMED, HEAD, BODY -the disk would have to be waited for-> the same, and ON DISK -done-> the same
 * }</pre>
 *
 * <p><b>Nobody waits for a disk on a vcore.</b> A name is opened here if the kernel can without waiting (openat2(2) with {@code RESOLVE_CACHED}). Bytes are sent here by sendfile(2)
 * if they are in memory: cachestat(2) counts their pages, {@link #WINDOW_BYTES} at a time, and reading the last one with {@code RWF_NOWAIT} tells whether the disk has brought it.
 * Where there is no cachestat, one byte in each {@link #STEP_BYTES} is tried. Otherwise the next window is read, and what was read thrown away: in memory it stays. By the event
 * queue, if that reads files (io_uring has a read go on when the disk has brought the page, without a thread that waits); else by a thread of the {@link FilePool}, {@link #FETCH_BYTES}
 * at a time. Neither touches the socket. A name whose directories are not in memory is opened by a thread of the pool. Then sending goes on here.
 *
 * <p>Reading, rather than asking for it (fadvise(2), readahead(2)) and waiting: the kernel then takes memory in large pieces, and finds them again more cheaply; it saves more than
 * the copy costs, which goes into a piece of memory that is in the cache. It reads ahead by itself.
 *
 * <p><b>One packet.</b> A head is sent with {@code MSG_MORE} when the body follows; a body that has room behind its head in the same block is read there, and both go in one call.
 *
 * <p>The runner's, under the connection's colour, except while ON DISK: then the thread of the pool reads what says what to do, writes the outcome and posts {@link #ready}.
 */
final class FilePart extends FilePool.Job {
    /** What a head and a body are made of and who is told; of one-shot sending. */
    record Order(FileName name, Connection.FileHead head, Connection.FileSentHandler done) {}

    private static final int NAMED = 0, HEAD = 1, BODY = 2, OVER = 3;
    /** Looked for in memory at a time: what one sendfile usually gets rid of. */
    static final int WINDOW_BYTES = 256 << 10;
    /** Read into memory by a thread of the pool at a time. */
    static final int FETCH_BYTES = 1 << 20;
    private static final int STEP_BYTES = 64 << 10;
    /** Bodies up to this are copied behind their head rather than sent by another call: with more, copying costs more than the call. */
    private static final int SMALL_BYTES = 8 << 10;
    /** What the pool does: nothing; opens and asks; reads into memory. */
    private static final int NOTHING = 0, OPEN = 1, FETCH = 2;
    /** The kernel knows no cachestat, or does not tell us. */
    private static volatile boolean cachestatWorks = true;
    /** Tests have the pool read even where the event queue can. */
    static volatile boolean queueReads = true;

    private final StreamConnection connection;
    private final Order order;
    private final Connection.Handler whenSent;
    private int stage;
    private OpenFile file;
    private long position;
    /** Bytes that have still to be sent; -1 as long as it is to be all, and that is not known. */
    private long left;
    private long sent;
    /** What goes before the file, and perhaps what of it fits behind. */
    private Output head;
    /** All before this was in memory when last looked at. */
    private long inMemoryUntil;
    private Throwable failure;
    /** It has failed with something of it sent, or promised. */
    private boolean promised;
    /** Bytes of the file that were put behind the head. */
    private long behindHead;
    private boolean writingHead;
    /** Nobody wants it any more; if it is on disk, what comes of that is only to be cleared away. */
    private boolean abandoned;

    // With the pool.
    private int work;
    private AsyncFiles files;
    private boolean ran;
    private OpenFile justOpened;
    private int outcome;
    /** How many bytes behind position have been read. */
    private long fetched;
    private Read read;
    private final Task ready;

    /** Where bytes go that are read only so that they are in memory; nobody looks at them, so any number of reads may write here at the same time. */
    private static final class Discarded {
        static final long ADDRESS = Arena.global().allocate(WINDOW_BYTES, Mapping.PAGE_SIZE).address();
    }

    /** A read of the next window by an event queue. */
    private final class Read extends FileCall {
        void submit(Loop here) {
            prepare(Kind.READ, file.fd());
            memory(Discarded.ADDRESS, (int) Math.min(left, WINDOW_BYTES));
            offset(position);
            here.queue.submit(this);
        }

        @Override protected void completed(int result) {
            if (result == -Errno.EAGAIN || result == -Errno.EOPNOTSUPP || result == -Errno.EINTR) files.pool().submit(FilePart.this, true); // what the ring will not do
            else haveRead(result);
        }
    }

    /** Sends part of a file of the caller's. */
    FilePart(StreamConnection connection, Color color, OpenFile file, long position, long count, Connection.Handler whenSent) {
        this(connection, color, null, whenSent, BODY, position, count);
        this.file = file;
    }

    /** Sends part of the file of a name, to its end if {@code count} is negative. */
    FilePart(StreamConnection connection, Color color, Order order, long position, long count) {
        this(connection, color, order, null, NAMED, position, count);
    }

    private FilePart(StreamConnection connection, Color color, Order order, Connection.Handler whenSent, int stage, long position, long count) {
        this.connection = connection;
        this.order = order;
        this.whenSent = whenSent;
        this.stage = stage;
        this.position = position;
        left = count;
        inMemoryUntil = position;
        ready = new Task(color) {
            @Override protected void run() { back(); }
        };
    }

    /** Returns how many bytes are to be sent, as far as that is known. */
    long pending() { return Math.max(0, left) + (head == null ? 0 : head.chained); }

    /** Returns what has gone wrong, null if nothing. */
    Throwable failure() { return failure; }

    /** Tells whether the peer may have seen something of it. */
    boolean hasBegun() { return stage == BODY || stage == HEAD; }

    // ------------------------------------------------------------------------------------------------------------------- sending

    /**
     * Sends bytes, at most {@code budget} of the file, and tells the output that this is part of how many.
     *
     * @return null if there may be more to send now
     */
    Output.Outcome send(StreamSource socket, Loop here, int budget, Output of) {
        if (work != NOTHING) return Output.Outcome.ON_DISK;
        return switch (stage) {
            case NAMED -> open(here);
            case HEAD -> sendHead(socket, here, of);
            // Told in the turn in which the last byte goes, whatever the budget: the peer, who has it, may ask for the next one at once.
            case BODY -> left == 0 ? over(null) : budget <= 0 ? Output.Outcome.BUDGET_SPENT : sendBody(socket, here, budget, of);
            default -> failure == null || !promised ? Output.Outcome.FILE_SENT : Output.Outcome.FAILED;
        };
    }

    private Output.Outcome over(Throwable why) {
        stage = OVER;
        failure = why;
        return Output.Outcome.FILE_SENT;
    }

    /** It cannot go on, and something of it has been sent, or promised. */
    private Output.Outcome failed(Throwable why) {
        stage = OVER;
        promised = true;
        failure = why;
        return Output.Outcome.FAILED;
    }

    private Output.Outcome waitForDisk(Loop here, int what) {
        files = here.files;
        work = what;
        ran = false;
        if (what == FETCH && queueReads && here.queue.takes(FileCall.Kind.READ)) {
            if (read == null) read = new Read();
            read.submit(here);
        } else {
            files.pool().submit(this, true);
        }
        return Output.Outcome.ON_DISK;
    }

    // ---- a name

    private Output.Outcome open(Loop here) {
        if (outcome == 0 && justOpened == null) {
            try {
                justOpened = FileRoot.open(order.name, false);
                if (justOpened == null) return waitForDisk(here, OPEN);
            } catch (FileOpenException e) {
                outcome = e.errno();
            }
        }
        if (justOpened == null) return over(failureToOpen());
        file = justOpened;
        justOpened = null;
        Throwable wrong = notAsPromised();
        if (wrong != null) return over(wrong);
        wrong = writeHead(here);
        if (wrong != null) return abandoned ? failed(wrong) : over(wrong);
        stage = HEAD;
        readBehindHead(here);
        return null;
    }

    /** Has the head written. Returns what went wrong. */
    private Throwable writeHead(Loop here) {
        head = new Output();
        here.sink.moveTo(head);
        writingHead = true;
        Throwable wrong = null;
        try {
            order.head.write(here.sink, file);
        } catch (Throwable e) {
            wrong = e;
        }
        writingHead = false;
        if (wrong == null && abandoned) wrong = new IOException("the connection was ended while the head was written");
        if (wrong == null) {
            here.sink.leave(head);
        } else {
            here.sink.forget(head);
            head.release(here.blocks);
        }
        return wrong;
    }

    private Throwable failureToOpen() {
        String name = order.name.toString();
        String reason = "openat2: " + Errno.describe(outcome);
        return switch (outcome) {
            case Errno.ENOENT -> new NoSuchFileException(name, null, reason);
            case Errno.EACCES, Errno.EPERM -> new AccessDeniedException(name, null, reason);
            default -> new FileSystemException(name, null, reason);
        };
    }

    /** Looks whether it is a file with the bytes that are wanted. */
    private Throwable notAsPromised() {
        if (!file.isRegular()) return new FileSystemException(order.name.toString(), null, "not a regular file");
        long there = file.size() - position;
        if (left < 0) left = there;
        if (there < 0 || left > there) {
            return new EOFException(order.name + " has " + file.size() + " bytes; " + (left < 0 ? "" : left + " were wanted, ") + "from position " + position);
        }
        return null;
    }

    /** A body that fits in the same block as its head, and is in memory, is read there. */
    private void readBehindHead(Loop here) {
        if (left == 0 || left > SMALL_BYTES || file.isBlind()) return;
        long block = head.tail;
        int end = block == 0 ? 0 : OutputSink.endOf(block);
        if (block == 0 || here.blocks.blockBytes() - end < left) return;
        Sockets.Iovec.put(here.scratch, block + end, left);
        long n = Files.preadv2(here.errno, file.fd(), here.scratch, 1, position, Files.RWF_NOWAIT);
        if (n == -Errno.EOPNOTSUPP) file.blind();
        if (n != left) return; // not in memory, or it has been cut: that will show
        OutputSink.extend(block, (int) n);
        head.chained += n;
        position += n;
        left = 0;
        behindHead = n;
    }

    private Output.Outcome sendHead(StreamSource socket, Loop here, Output of) {
        while (head.chained > 0) {
            int n = (int) Math.min(head.chained, OutputSink.endOf(head.head) - head.offset);
            if (n > 0) {
                int flags = Sockets.MSG_NOSIGNAL | Sockets.MSG_DONTWAIT | (n < head.chained || left > 0 ? Sockets.MSG_MORE : 0);
                int result;
                do result = Sockets.send(here.errno, socket.fd(), head.head + head.offset, n, flags);
                while (result == -Errno.EINTR);
                if (result == -Errno.EAGAIN) return Output.Outcome.NO_ROOM_FOR_FILE;
                if (result < 0) return failed(IoErrors.of(result, "send", "fd={}", socket.fd()));
                head.taken(result, here.blocks);
                of.count(result);
                sent = Math.max(0, behindHead - head.chained);
            } else {
                head.releaseHead(here.blocks);
            }
        }
        head.release(here.blocks);
        stage = BODY;
        return null;
    }

    // ---- the bytes

    private Output.Outcome sendBody(StreamSource socket, Loop here, int budget, Output of) {
        if (outcome < 0) return failed(IoErrors.of(outcome, "pread", "{}", order == null ? "fd=" + file.fd() : order.name));
        if (position >= inMemoryUntil && !isInMemory(here)) {
            if (!file.uses().use()) return failed(new java.nio.channels.ClosedChannelException());
            return waitForDisk(here, FETCH);
        }
        long result = file.sendTo(here.errno, here.scratch, socket.fd(), position, Math.min(Math.min(left, budget), inMemoryUntil - position));
        if (result > 0) {
            position += result;
            left -= result;
            sent += result;
            of.count(result);
            return null;
        }
        if (result == -Errno.EINTR) return null;
        if (result == -Errno.EAGAIN) return Output.Outcome.NO_ROOM_FOR_FILE;
        return failed(result == 0 ? new EOFException("the file shrank while it was sent: " + left + " bytes are missing")
                : IoErrors.of((int) result, "sendfile", "fd={}", socket.fd()));
    }

    /** Looks for the bytes that come next, and notes how far they are there. */
    private boolean isInMemory(Loop here) {
        long length = Math.min(left, WINDOW_BYTES);
        if (!isHere(here, length)) return false;
        inMemoryUntil = position + length;
        return true;
    }

    private boolean isHere(Loop here, long length) {
        long page = Mapping.PAGE_SIZE;
        long pages = (position + length - 1) / page - position / page + 1;
        if (cachestatWorks && (pages > 1 || file.isBlind())) {
            long cached = Files.cachedPages(here.errno, file.fd(), position, length, here.scratch);
            if (cached >= 0) {
                // Counted are also those that the disk is still to bring; where that cannot be asked, it is taken to have brought them.
                return cached >= pages && (file.isBlind() || canRead(here, position + length - 1) || file.isBlind());
            }
            if (cached == -Errno.ENOSYS) cachestatWorks = false;
        }
        for (long at = position; at < position + length - 1; at += STEP_BYTES) if (!canRead(here, at)) return false;
        return canRead(here, position + length - 1);
    }

    /** Tells whether a byte can be had without waiting, or is behind the end. */
    private boolean canRead(Loop here, long at) {
        if (file.isBlind()) return false;
        Sockets.Iovec.put(here.scratch, here.scratch + Sockets.Iovec.SIZE, 1);
        long n = Files.preadv2(here.errno, file.fd(), here.scratch, 1, at, Files.RWF_NOWAIT);
        if (n == -Errno.EOPNOTSUPP) file.blind();
        return n >= 0;
    }

    // ------------------------------------------------------------------------------------------------------------------ the pool

    @Override void run() {
        ran = true;
        if (work == OPEN) {
            try {
                justOpened = FileRoot.open(order.name, true);
                fetch(justOpened, position, left < 0 ? WINDOW_BYTES : Math.min(left, WINDOW_BYTES));
            } catch (FileOpenException e) {
                outcome = e.errno();
            }
        } else {
            haveRead(fetch(file, position, Math.min(left, FETCH_BYTES)));
            return;
        }
        if (!ready.postSurely()) dropped();
    }

    /** Takes the outcome of reading: bytes, 0 behind the end, or a negated errno. */
    private void haveRead(int result) {
        ran = true;
        fetched = Math.max(0, result);
        outcome = Math.min(0, files.faults().result(FileCall.Kind.READ, result));
        file.uses().done();
        if (!ready.postSurely()) dropped();
    }

    /** Reads bytes into memory, waiting for them. Returns how many there are, or a negated errno if there is none. */
    private static int fetch(OpenFile file, long from, long length) {
        ErrnoSlot errno = ErrnoSlot.current();
        if (!file.isRegular()) return (int) length;
        Files.fadvise(errno, file.fd(), 0, 0, Files.POSIX_FADV_SEQUENTIAL); // twice as much is read ahead
        long at = from;
        while (at < from + length) {
            long n = Files.pread(errno, file.fd(), Discarded.ADDRESS, (int) Math.min(WINDOW_BYTES, from + length - at), at);
            if (n == -Errno.EINTR) continue;
            if (n < 0 && at == from) return (int) n;
            if (n <= 0) break;
            at += n;
        }
        return (int) (at - from);
    }

    /** Under the colour: it has come from the disk. */
    private void back() {
        boolean wasFetch = work == FETCH;
        work = NOTHING;
        if (abandoned) {
            clear();
            return;
        }
        // Behind the end of a file that was cut sendfile finds nothing either, and that is how it shows.
        if (wasFetch && outcome == 0) inMemoryUntil = position + (fetched > 0 ? Math.min(left, fetched) : left);
        connection.fileIsReady();
    }

    /** Nobody will be told: the runtime has ended. */
    @Override void dropped() {
        if (work == FETCH && !ran) file.uses().done();
        work = NOTHING;
        clear();
    }

    // --------------------------------------------------------------------------------------------------------------------- the end

    /** Tells the one who asked; to be called once, after sending is over, or when it is given up. */
    void tell(Connection c, Throwable why) throws Exception {
        if (whenSent != null) {
            if (why == null) whenSent.on(c);
            return;
        }
        order.done.onSent(c, sent, failure != null ? failure : why);
    }

    /** Lets go of all that it has, except what the pool is using. */
    void end(BlockPool blocks) {
        abandoned = true;
        stage = OVER;
        if (head != null && !writingHead) head.release(blocks);
        if (work == NOTHING) clear();
    }

    private void clear() {
        if (justOpened != null) justOpened.close();
        justOpened = null;
        if (order != null && file != null) file.close();
        if (order != null) file = null;
    }
}
