package org.libtorque.apps.kweb;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.libtorque.apps.cli.ServeOptions;
import org.libtorque.apps.http.HttpLimits;
import org.libtorque.memory.ByteSink;
import org.libtorque.memory.raw.RawSink;
import org.libtorque.memory.raw.RawView;
import org.libtorque.sys.Errno;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Files;
import org.libtorque.sys.NativeMemory;
import org.libtorque.sys.Poll;
import org.libtorque.sys.SocketAddresses;
import org.libtorque.sys.Sockets;
import org.libtorque.vcore.Color;

/**
 * A session in a platform thread, which waits in the kernel: mode {@code os}. Time limits are the socket's (SO_RCVTIMEO, SO_SNDTIMEO): where one has passed, the peer is asked after. A thread that computes
 * looks now and then what its peer does meanwhile.
 */
final class OsSession extends Session {
    private static final int INPUT_BYTES = 32 * 1024;
    private static final int OUTPUT_BYTES = 32 * 1024;
    /** For addresses, what a lingering peer still sends, and {@link Sockets.TcpInfo#bytesAcked}. */
    private static final int SCRATCH_BYTES = 512;
    private static final int FILE_BYTES = 64 * 1024;
    /** How long to compute between two looks at the peer: a look takes about a microsecond. */
    private static final long SLICE_NANOS = 5_000_000;
    private static final AtomicLong NUMBERS = new AtomicLong();

    private final OsServer server;
    private final long number = NUMBERS.incrementAndGet();
    private final Thread thread;
    private final Steps steps = new Steps();
    /** -1 once closed; changed under this object's lock, so that nobody shuts down what has become another's. */
    private int fd;
    private volatile boolean idle;
    private volatile boolean cutOff;

    // The thread's.
    private ErrnoSlot errno;
    private long scratch;
    private Output output;
    private SocketAddress peer;
    private long deadline;
    private boolean deadlineSet;
    private long idleNanos;
    private long receiveTimeout = -1;
    /** Bytes that the peer had acknowledged when its progress was last looked at; -1 if that was not since the kernel last had room. */
    private long acknowledged = -1;
    /** When the present slice of a computation began. */
    private long sliceStart;
    /** The part of a file that is to be sent next, or null. */
    private SendingFile toSend;

    OsSession(OsServer server, int fd) {
        super(null); // made by the thread
        this.server = server;
        this.fd = fd;
        thread = Thread.ofPlatform().name("kweb-" + number).daemon().unstarted(this::run);
    }

    void start() { thread.start(); }

    // ---------------------------------------------------------------------------------------------------------- from elsewhere

    private synchronized void shutDown(int how) {
        if (fd >= 0) Sockets.shutdown(ErrnoSlot.current(), fd, how);
    }

    /** Ends the input of a connection that is between two requests. */
    void endIfIdle() {
        if (idle) shutDown(Sockets.SHUT_RD);
    }

    /** Ends it. */
    void cutOff() {
        cutOff = true;
        shutDown(Sockets.SHUT_RDWR);
        thread.interrupt();
    }

    synchronized void closeDescriptor() {
        if (fd >= 0) Files.close(ErrnoSlot.current(), fd);
        fd = -1;
    }

    // ---------------------------------------------------------------------------------------------------------------- the loop

    /** A call on the socket has failed: it is of no use any more. */
    private static final class BrokenException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        BrokenException(String message) { super(message, null, false, false); }
    }

    private void run() {
        try (Arena arena = Arena.ofConfined()) {
            errno = ErrnoSlot.current();
            site = VcoreSite.ofThread(server.site());
            int capacity = site.site.options.maxHeaderBytes() >= INPUT_BYTES ? HttpLimits.MAX_HEAD_BYTES + 1 : INPUT_BYTES;
            scratch = arena.allocate(SCRATCH_BYTES, 8).address();
            output = new Output(arena.allocate(OUTPUT_BYTES, 64).address());
            peer = remoteName();
            idleNanos = site.site.options.idleTimeout().toNanos();
            OsServer.setTimeout(errno, scratch, fd, Sockets.SO_SNDTIMEO, site.progressTimeoutNanos);
            begin();
            serve(arena.allocate(capacity, 64).address(), capacity);
        } catch (BrokenException e) {
            // the peer is gone, or too slow
        } catch (IOException | RuntimeException e) {
            if (!cutOff) server.site().torque.vcores().getFirst().reportFailure(this, e);
        } finally {
            gone();
            closeDescriptor();
            server.ended(this);
        }
    }

    private void serve(long input, int capacity) throws IOException {
        RawView view = new RawView();
        int start = 0;
        int end = 0;
        while (state != CLOSED) {
            if (start == end) {
                start = end = 0;
            } else if (end == capacity) {
                if (start == 0) throw new BrokenException("a message that does not fit");
                NativeMemory.copy(input + start, input, end - start);
                end -= start;
                start = 0;
            }
            int n = receive(input + end, capacity - end);
            if (n == 0) {
                if (server.isDraining()) close();
                else ended();
                return;
            }
            end += n;
            int left;
            do {
                left = end - start;
                view.point(input + start, left);
                handle(view);
                start += view.consumed();
                finishAnswer();
            } while (start < end && end - start < left && state != CLOSED && !needsMore);
            output.flush();
        }
    }

    private int receive(long address, int room) {
        idle = isIdle();
        while (true) {
            long limit = idleNanos;
            if (deadlineSet) {
                long left = Math.max(1, deadline - System.nanoTime());
                limit = limit == 0 ? left : Math.min(limit, left);
            }
            if (limit != receiveTimeout) {
                receiveTimeout = limit;
                OsServer.setTimeout(errno, scratch, fd, Sockets.SO_RCVTIMEO, limit == 0 ? 0 : Math.max(limit, 1_000));
            }
            int n = Sockets.recv(errno, fd, address, room, 0);
            if (n >= 0) {
                idle = false;
                return n;
            }
            if (n != -Errno.EINTR) throw new BrokenException(n == -Errno.EAGAIN ? "too slow" : Errno.describe(-n));
        }
    }

    private void send(long address, int length) {
        for (int sent = 0; sent < length; ) {
            int n = Sockets.send(errno, fd, address + sent, length - sent, Sockets.MSG_NOSIGNAL);
            if (n > 0) {
                sent += n;
                if (n >= ServeOptions.PROGRESS_BYTES || sent == length) acknowledged = -1;
                else checkProgress(); // it has waited to the end of the time limit, or a signal came
            } else if (n == -Errno.EAGAIN) {
                checkProgress();
            } else if (n != -Errno.EINTR) {
                throw new BrokenException(Errno.describe(-n));
            }
        }
    }

    /**
     * The socket has had no room for as long as the progress timeout: ends the connection unless the peer has taken bytes since the last look; the first look only remembers. The kernel wakes who sends
     * only when a third of its buffer is free, which grows to megabytes: a slow peer can take bytes all the time and the socket be full.
     */
    private void checkProgress() {
        long before = acknowledged;
        acknowledged = Sockets.TcpInfo.bytesAcked(errno, fd, scratch);
        if (acknowledged < 0 || before >= 0 && acknowledged - before < ServeOptions.PROGRESS_BYTES) throw new BrokenException("the peer takes nothing");
    }

    /** Does what the last answer has left to be done, and waits for it. */
    private void finishAnswer() throws IOException {
        while (toSend != null || state == WAITING) {
            output.flush();
            SendingFile part = toSend;
            if (part != null) {
                toSend = null;
                sendNow(part);
                part.sent();
                continue;
            }
            Runnable step = steps.await();
            if (step == null) throw new BrokenException("interrupted");
            lookAtPeer();
            sliceStart = System.nanoTime();
            step.run();
        }
    }

    /** Before more is done for an answer: notices that the peer has reset the connection, and that it has ended its direction and nothing that it has sent is left to be read. */
    private void lookAtPeer() {
        int happened = Poll.poll(errno, fd, Poll.POLLRDHUP, 0);
        if (happened <= 0) return;
        if ((happened & (Poll.POLLERR | Poll.POLLHUP)) != 0) throw new BrokenException("the peer is gone");
        if (!isHeldBack() && Sockets.recv(errno, fd, scratch, 1, Sockets.MSG_PEEK | Sockets.MSG_DONTWAIT) == 0) ended();
    }

    private void sendNow(SendingFile part) throws IOException {
        long position = part.position();
        long left = part.count();
        byte[] bytes = new byte[(int) Math.min(FILE_BYTES, left)];
        while (left > 0) {
            int n = part.file().read(position, bytes, 0, (int) Math.min(bytes.length, left));
            if (n == 0) throw new BrokenException("the file shrank while it was sent");
            output.put(bytes, 0, n);
            position += n;
            left -= n;
        }
    }

    /** What is to be sent: one block, sent when it is full. */
    private final class Output extends RawSink {
        private final long block;

        Output(long block) {
            this.block = block;
            position = block;
            limit = block + OUTPUT_BYTES;
        }

        void flush() {
            int length = (int) (position - block);
            position = block;
            if (length > 0) send(block, length);
        }

        @Override protected void nextBlock() { flush(); }

        @Override protected void ensure(int count) { flush(); }
    }

    // ------------------------------------------------------------------------------------------------------------ the session

    @Override ByteSink output() { return output; }

    @Override boolean isWritable() { return true; }

    @Override public boolean shouldYield() { return System.nanoTime() - sliceStart >= SLICE_NANOS; }

    @Override void handleAgain() { } // what is left is looked at next in any case

    @Override void holdInput(boolean yes) { } // nobody reads meanwhile

    @Override void setDeadline(long nanosFromNow) {
        deadlineSet = nanosFromNow != 0;
        deadline = System.nanoTime() + nanosFromNow;
    }

    @Override void setIdleTimeout(Duration limit) { idleNanos = limit.toNanos(); }

    @Override void closeConnection(Duration linger) {
        output.flush();
        if (linger.isZero()) return;
        Sockets.shutdown(errno, fd, Sockets.SHUT_WR);
        idle = false;
        setIdleTimeout(linger);
        setDeadline(linger.toNanos());
        long end = deadline;
        try {
            while (System.nanoTime() - end < 0 && receive(scratch, 256) > 0) { }
        } catch (BrokenException e) {
            // the peer is gone, or the time is up
        }
    }

    @Override void sendFile(SendingFile part) { toSend = part; }

    @Override public void execute(Runnable step) { steps.put(step); }

    @Override boolean isDraining() { return server.isDraining(); }

    @Override void closeSoonIfIdle() { } // the server ends the input

    @Override boolean isAway() { return false; }

    @Override Color color() { return site.site.torque.defaultColor(); }

    @Override SocketAddress remoteAddress() { return peer; }

    private SocketAddress remoteName() {
        NativeMemory.putInt(scratch, SocketAddresses.MAX_SIZE);
        int result = Sockets.getpeername(errno, fd, scratch + 16, scratch);
        return result < 0 ? null : SocketAddresses.decode(scratch + 16, NativeMemory.getInt(scratch));
    }

    @Override long id() { return number; }

    @Override String whoami() { return "{\"thread\":" + thread.threadId() + ",\"connection\":" + number + "}\n"; }
}
