package org.libtorque.thread;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketOption;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ByteChannel;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import org.libtorque.Torque;
import org.libtorque.event.ConnectOptions;
import org.libtorque.event.Connection;
import org.libtorque.event.ConnectionTimeoutException;
import org.libtorque.event.OpenFile;
import org.libtorque.memory.ByteView;
import org.libtorque.memory.OutOfBuffersException;
import org.libtorque.memory.raw.RawView;
import org.libtorque.sys.NativeMemory;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Vcore;

/**
 * A connected TCP or Unix stream socket in blocking style: calls try without waiting first, and then park the calling thread until the event. It is a {@link Connection} that
 * receives when it is asked to, so it drains, moves, and ends as connections do.
 *
 * <p><b>Who calls, at what cost.</b> A uthread that has the socket's {@linkplain #color colour} reads and writes directly, where it runs, without a post, a lock, or an allocation:
 * the thread that {@link TorqueServerSocket#serve} starts for a connection, one that was spawned with {@code color()}, or the one that called {@link #connect}. Any other thread,
 * platform threads included, may call every method too; each attempt is then posted to the colour and waited for: about two posts and two switches of threads.
 * Callbacks must not call what may wait, and are told so if it would.
 *
 * <p><b>Reading</b> returns what there is, at least one byte; -1 when the peer has ended its direction. What nobody reads stays with the kernel but for a few blocks, so that a
 * peer cannot fill this process's memory.
 *
 * <p><b>Writing</b> returns when all bytes are with the connection's output, and waits as long as that holds {@value #HIGH_WATERMARK} bytes which the kernel has not taken. They
 * leave together when the thread next waits, yields, or ends: several small writes cost one system call. A thread that goes on computing has them sent by {@link #flush}, which
 * waits until the kernel has them. A failure to send shows in the next call.
 *
 * <p><b>Time limits.</b> {@link #readTimeout} and {@link #writeTimeout} bound one call; {@link SocketTimeoutException} says that one has passed, and the socket can be used as
 * before. They use the vcore's timer wheel: never early, late by up to about a millisecond.
 *
 * <p><b>Interrupts and closing</b> are those of {@link java.nio.channels.InterruptibleChannel}: a thread that is interrupted while it waits, or begins to wait with its interrupt status set,
 * closes the socket and gets a {@link ClosedByInterruptException}, its status remaining set; a call that need not wait does not look. {@link #close} by another thread wakes who waits
 * with an {@link AsynchronousCloseException}. Later calls throw {@link ClosedChannelException}. Any other failure is a {@link SocketException} that says what happened and has the cause.
 *
 * <p><b>When the runtime stops</b>, sockets work on until the drain deadline, which cuts them off. But an accepted socket's read that finds nothing for
 * {@link #DRAIN_GRACE} then returns -1, as if the peer had ended, so that servers come to their end; see {@link #endInputWhenStopping}.
 *
 * <p>Several threads may read or write at a time; a call's bytes are then not kept together if it has to wait in between.
 */
public final class TorqueSocket implements ByteChannel {
    /** Bytes that may wait for the kernel before a write does. */
    public static final int HIGH_WATERMARK = 256 * 1024;
    /** How long accepted sockets wait for input after the runtime has begun to stop. */
    public static final Duration DRAIN_GRACE = Duration.ofMillis(200);
    private static final int LOW_WATERMARK = 64 * 1024;
    /** Most bytes that one attempt writes: as many may be above the high watermark. */
    private static final int SLICE = 64 * 1024;
    /** A closed socket is cut off when its peer takes none of what is left for so long. */
    private static final Duration CLOSE_LIMIT = Duration.ofMinutes(1);
    private static final long NEVER = Long.MAX_VALUE;

    private final Connection connection;
    private final Color color;
    private volatile boolean closed;
    private volatile long readTimeoutNanos;
    private volatile long writeTimeoutNanos;

    // Under the colour.
    private final Waiters readers = new Waiters();
    private final Waiters writers = new Waiters();
    private final Inbound inbound = new Inbound();
    private final RawView outbound = new RawView();
    /** The connection has ended, and why: null for the runtime's end, unless we closed it. */
    private boolean ended;
    private Throwable cause;
    private boolean inputShut;
    private boolean outputShut;
    /** When the runtime began to stop. */
    private boolean draining;
    private long drainStart;
    /** How long input may be waited for from then on; {@link #NEVER} as long as it lasts. */
    private long graceNanos;

    /**
     * Takes a connection that has just been opened, in its open handler.
     *
     * @param graceNanos how long input is waited for when the runtime stops
     */
    TorqueSocket(Connection connection, long graceNanos) {
        this.connection = connection;
        this.color = connection.color();
        this.graceNanos = graceNanos;
        connection.setWatermarks(LOW_WATERMARK, HIGH_WATERMARK);
        connection.onReadable(c -> readers.runAll()).onWritable(c -> writers.wakeAll()).onDrain(c -> drain()).onClose(this::ended);
    }

    private void drain() {
        draining = true;
        drainStart = System.nanoTime();
        readers.wakeAll();
    }

    private void ended(Connection c, Throwable why) {
        ended = true;
        cause = why;
        readers.wakeAll();
        writers.wakeAll();
    }

    // ------------------------------------------------------------------------------------------------------------ connecting

    /** Connects, with {@link ConnectOptions#DEFAULT}; see {@link #connect(Torque, SocketAddress, ConnectOptions)}. */
    public static TorqueSocket connect(Torque torque, SocketAddress address) throws IOException { return connect(torque, address, ConnectOptions.DEFAULT); }

    /**
     * Connects. If a uthread of this runtime calls and the options name no colour, the socket gets the thread's, so that the thread uses it directly.
     *
     * @param options timeout, local address, colour, and so on
     * @throws SocketTimeoutException     if the peer has not answered within the timeout
     * @throws java.net.ConnectException  if it refuses or cannot be reached
     * @throws ClosedByInterruptException if the thread is interrupted before or meanwhile
     * @throws IOException                if something else fails
     */
    public static TorqueSocket connect(Torque torque, SocketAddress address, ConnectOptions options) throws IOException {
        mayWait();
        if (Thread.currentThread().isInterrupted()) throw new ClosedByInterruptException();
        Color mine = Vcore.currentColor();
        if (options.color() == null && mine != null && torque.vcores().contains(mine.home())) options = options.withColor(mine);
        Connecting connecting = new Connecting();
        try {
            torque.connect(address, options, connecting::opened, connecting::failed);
        } catch (java.util.concurrent.RejectedExecutionException | IllegalStateException e) {
            throw asSocketException("cannot connect to " + address, e);
        }
        return connecting.await(address);
    }

    /** A connection on its way; handed over by whoever is second of the one who waits and the one who brings it. */
    private static final class Connecting {
        private final Thread caller = Thread.currentThread();
        private TorqueSocket socket;
        private Throwable failure;
        private boolean abandoned;
        private volatile boolean done;

        void opened(Connection connection) {
            TorqueSocket made = new TorqueSocket(connection, NEVER);
            synchronized (this) {
                if (!abandoned) socket = made;
            }
            if (socket == null) connection.abort();
            finish();
        }

        void failed(Throwable why) {
            failure = why;
            finish();
        }

        private void finish() {
            done = true;
            LockSupport.unpark(caller);
        }

        TorqueSocket await(SocketAddress address) throws IOException {
            while (!done) {
                Uthread.park(this);
                if (caller.isInterrupted()) {
                    synchronized (this) {
                        abandoned = true;
                    }
                    if (socket != null) socket.abort();
                    throw new ClosedByInterruptException();
                }
            }
            if (failure == null) return socket;
            switch (failure) {
                case ConnectionTimeoutException e -> {
                    SocketTimeoutException timeout = new SocketTimeoutException("connect to " + address + ": " + e.getMessage());
                    timeout.initCause(e);
                    throw timeout;
                }
                case java.net.ConnectException e -> {
                    java.net.ConnectException refused = new java.net.ConnectException("connect to " + address + ": " + e.getMessage());
                    refused.initCause(e);
                    throw refused;
                }
                default -> throw asSocketException("connect to " + address, failure);
            }
        }
    }

    // --------------------------------------------------------------------------------------------------------------- waiting

    /** Tells whether the calling thread has the socket's colour, and so may touch the connection. */
    private boolean isMine() { return Vcore.currentColor() == color; }

    private static void mayWait() {
        if (Thread.currentThread() instanceof org.libtorque.vcore.VcoreThread) {
            throw new IllegalStateException("callbacks must not wait: call this in a thread (Torque.spawn)");
        }
    }

    /**
     * Waits until it is worth another attempt, or throws.
     *
     * @param waiters  among whom the calling thread is
     * @param ticket   what they gave it
     * @param deadline when the call is to end; {@link #NEVER}
     * @return false if the time is up
     */
    private boolean parkFor(Waiters waiters, int ticket, long deadline) throws IOException {
        mayWait();
        if (Thread.currentThread().isInterrupted()) throw interrupted();
        if (!waiters.hasCalled(ticket)) {
            if (deadline == NEVER) Uthread.park(this);
            else Uthread.parkUntil(this, deadline);
        }
        if (Thread.currentThread().isInterrupted()) throw interrupted();
        return deadline == NEVER || deadline - System.nanoTime() > 0;
    }

    private ClosedByInterruptException interrupted() {
        close();
        return new ClosedByInterruptException();
    }

    private static long deadlineOf(long timeoutNanos) { return timeoutNanos == 0 ? NEVER : System.nanoTime() + timeoutNanos; }

    /** When a read is to give up, timeout or not: not {@link #NEVER} if the runtime stops and input is not waited for any longer. */
    private long inputDeadline(long deadline) {
        if (!draining || graceNanos == NEVER) return deadline;
        long end = drainStart + graceNanos;
        return deadline == NEVER || end - deadline < 0 ? end : deadline;
    }

    private boolean isInputOver() { return draining && graceNanos != NEVER && System.nanoTime() - drainStart - graceNanos >= 0; }

    /** Under the colour. */
    private void checkOpen(boolean waited) throws IOException {
        if (closed) throw waited ? new AsynchronousCloseException() : new ClosedChannelException();
        if (ended) throw failure();
    }

    private IOException failure() {
        return switch (cause) {
            case null -> ColorCall.stopped();
            case ConnectionTimeoutException e -> asSocketException("closed", e);
            default -> asSocketException("the connection broke", cause);
        };
    }

    private static SocketException asSocketException(String what, Throwable why) {
        SocketException e = new SocketException(what + ": " + why.getMessage());
        e.initCause(why);
        return e;
    }

    // --------------------------------------------------------------------------------------------------------------- reading

    /** Copies what has arrived to where a read wants it. */
    private static final class Inbound implements Connection.ReadHandler {
        /** An array or, if it is null, a native segment. */
        private byte[] array;
        private MemorySegment segment;
        /** Where in it. */
        private long at;
        private int room;
        private int count;

        @Override public void onRead(Connection connection, ByteView data) {
            int n = count = Math.min(room, data.length());
            if (array != null) data.copyTo(0, array, (int) at, n);
            else if (isChecked(segment)) NativeMemory.copy(RawView.addressOf(data), segment, at, n);
            else NativeMemory.copy(RawView.addressOf(data), segment.address() + at, n);
            data.consume(n);
        }
    }

    /** Under the colour: reads what there is. Returns 0 if there is nothing now, -1 if there will be nothing. */
    private int tryRead(byte[] array, MemorySegment segment, long at, int room, boolean waited) throws IOException {
        checkOpen(waited);
        if (inputShut) return -1;
        inbound.array = array;
        inbound.segment = segment;
        inbound.at = at;
        inbound.room = room;
        int n = receive(false, inbound);
        inbound.array = null;
        inbound.segment = null;
        return n > 0 ? inbound.count : n;
    }

    /** Under the colour. Returns 0 also if the connection is just ending: then why is known soon, and readers are woken. */
    private int receive(boolean more, Connection.ReadHandler handler) throws IOException {
        try {
            int n = connection.receive(more, handler);
            if (n != Connection.END || connection.isOpen()) return n;
            if (ended) throw failure();
            return 0;
        } catch (IOException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IOException(e); // what a handler threw
        }
    }

    private int read(byte[] array, MemorySegment segment, long at, int room) throws IOException {
        if (room == 0) return 0;
        long timeout = readTimeoutNanos;
        long deadline = 0;
        for (boolean waited = false; ; waited = true) {
            int ticket;
            if (isMine()) { // asked anew each time: it is not any more when the runtime has stopped
                int n = tryRead(array, segment, at, room, waited);
                if (n != 0) return n;
                ticket = readers.add(Thread.currentThread());
            } else {
                Elsewhere attempt = tryReadElsewhere(array, segment, at, room, waited);
                if (attempt.count != 0) return attempt.count;
                ticket = attempt.ticket;
            }
            if (!waited) deadline = deadlineOf(timeout);
            if (!awaitInput(ticket, deadline)) return -1;
        }
    }

    /** What came of an attempt that was made for a thread of another colour: bytes, or 0, and then its ticket. */
    private record Elsewhere(int count, int ticket) {}

    private Elsewhere tryReadElsewhere(byte[] array, MemorySegment segment, long at, int room, boolean waited) throws IOException {
        Thread caller = Thread.currentThread();
        return under(() -> {
            int n = tryRead(array, segment, at, room, waited);
            return new Elsewhere(n, n == 0 ? readers.add(caller) : 0);
        });
    }

    /** Returns false if input is not to be waited for any longer, since the runtime stops. */
    private boolean awaitInput(int ticket, long deadline) throws IOException {
        if (parkFor(readers, ticket, inputDeadline(deadline))) return true;
        if (isInputOver()) return false;
        if (deadline != NEVER && deadline - System.nanoTime() <= 0) throw new SocketTimeoutException("nothing to read for " + Duration.ofNanos(readTimeoutNanos));
        return true;
    }

    /** Reads into a whole array; see {@link #read(byte[], int, int)}. */
    public int read(byte[] target) throws IOException { return read(target, 0, target.length); }

    /**
     * Reads what there is, at least one byte, waiting for it if need be.
     *
     * @return bytes read, 0 if {@code length} is 0, -1 if there will be none
     * @throws SocketTimeoutException if nothing came within the {@link #readTimeout}
     * @throws IOException            if the socket is closed or broken
     */
    public int read(byte[] target, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, target.length);
        return read(target, null, offset, length);
    }

    /**
     * Reads into a whole segment, of native memory or over a byte array; see {@link #read(byte[], int, int)}. At most 2 GiB.
     *
     * @throws IllegalStateException if its arena is closed, before or meanwhile
     */
    public int read(MemorySegment target) throws IOException {
        if (target.isReadOnly()) throw new IllegalArgumentException("the segment is read-only");
        byte[] array = arrayOf(target);
        return read(array, target, array == null ? 0 : target.address(), (int) Math.min(target.byteSize(), Integer.MAX_VALUE));
    }

    /** Reads into what remains of a buffer, and advances it; see {@link #read(byte[], int, int)}. */
    @Override public int read(ByteBuffer target) throws IOException {
        if (target.isReadOnly()) throw new ReadOnlyBufferException();
        int n = target.hasArray() ? read(target.array(), null, (long) target.arrayOffset() + target.position(), target.remaining()) : read(MemorySegment.ofBuffer(target));
        if (n > 0) target.position(target.position() + n);
        return n;
    }

    /** Returns the array under a heap segment, null for a native one, of which it checks that the caller may use it. The address of a heap segment counts from its array's start. */
    private static byte[] arrayOf(MemorySegment segment) {
        if (segment.isNative()) {
            // The bytes may be reached by another thread, and by their address: see isChecked.
            if (!segment.scope().isAlive()) throw new IllegalStateException("the segment's arena is closed");
            if (!segment.isAccessibleBy(Thread.currentThread())) throw new WrongThreadException("the segment belongs to another thread");
            return null;
        }
        if (segment.heapBase().orElse(null) instanceof byte[] array) return array;
        throw new IllegalArgumentException("segments must be of native memory or over a byte array that may be written: " + segment);
    }

    /**
     * Tells whether a native segment is to be reached as such, so that its arena cannot be closed under the copying; if it has been while the call waited, that throws. If not, the segment
     * belongs to the one thread that could close it, for which this one does what it asked for and waits for.
     */
    private static boolean isChecked(MemorySegment segment) { return segment.isAccessibleBy(Thread.currentThread()); }

    /**
     * Shows what there is without copying it, waiting for it if need be. For threads of the socket's colour.
     *
     * @param more    whether what the handler left the last time is to be shown with something new behind it only; else it is shown at once
     * @param handler called once, on this thread, before this returns; what it leaves is kept, up to one buffer block. It must not wait
     * @return false if there will be nothing more: the peer has ended its direction
     * @throws SocketTimeoutException if nothing came within the {@link #readTimeout}
     * @throws IOException            if the socket is closed or broken, or what the handler threw, if not unchecked, as its cause
     * @throws IllegalStateException  if the calling thread has another colour
     */
    public boolean read(boolean more, Connection.ReadHandler handler) throws IOException {
        long timeout = readTimeoutNanos;
        long deadline = 0;
        for (boolean waited = false; ; waited = true) {
            checkMine();
            checkOpen(waited);
            int n = inputShut ? -1 : receive(more, handler);
            if (n != 0) return n > 0;
            if (!waited) deadline = deadlineOf(timeout);
            if (!awaitInput(readers.add(Thread.currentThread()), deadline)) return false;
        }
    }

    private void checkMine() throws IOException {
        if (isMine()) return;
        if (color.home().hasStopped()) throw ColorCall.stopped();
        throw new IllegalStateException(this + " belongs to its colour: call from a thread that has it");
    }

    // --------------------------------------------------------------------------------------------------------------- writing

    /** Under the colour: writes as much as may wait for the kernel. Returns 0 if nothing can be written now. */
    private int tryWrite(byte[] array, MemorySegment segment, long at, int length, boolean waited) throws IOException {
        checkOpen(waited);
        if (outputShut) throw new SocketException("output was shut down");
        if (!connection.isOpen()) return 0; // it is just ending; writers are woken when it is known why
        if (!connection.isWritable()) return 0;
        int n = Math.min(length, SLICE);
        try {
            if (array != null) {
                connection.write(array, (int) at, n);
            } else if (isChecked(segment)) {
                connection.output().put(segment, at, n);
            } else {
                outbound.point(segment.address() + at, n);
                connection.write(outbound);
            }
        } catch (OutOfBuffersException e) {
            connection.abort(); // what has been put cannot be taken back
            throw asSocketException("no memory for output", e);
        }
        return n;
    }

    private void write(byte[] array, MemorySegment segment, long at, long length) throws IOException {
        long timeout = writeTimeoutNanos;
        long deadline = 0;
        boolean waited = false;
        long left = length;
        while (left > 0) {
            int part = (int) Math.min(left, SLICE);
            int n;
            int ticket = 0;
            if (isMine()) {
                n = tryWrite(array, segment, at, part, waited);
                if (n == 0) ticket = writers.add(Thread.currentThread());
            } else {
                Elsewhere attempt = tryWriteElsewhere(array, segment, at, part, waited);
                n = attempt.count;
                ticket = attempt.ticket;
            }
            at += n;
            left -= n;
            if (n > 0) continue;
            if (!waited) deadline = deadlineOf(timeout);
            waited = true;
            if (!parkFor(writers, ticket, deadline)) {
                SocketTimeoutException e = new SocketTimeoutException("the peer takes nothing for " + Duration.ofNanos(timeout));
                e.bytesTransferred = (int) Math.min(length - left, Integer.MAX_VALUE);
                throw e;
            }
        }
    }

    private Elsewhere tryWriteElsewhere(byte[] array, MemorySegment segment, long at, int length, boolean waited) throws IOException {
        Thread caller = Thread.currentThread();
        return under(() -> {
            int n = tryWrite(array, segment, at, length, waited);
            return new Elsewhere(n, n == 0 ? writers.add(caller) : 0);
        });
    }

    /** Writes a whole array; see {@link #write(byte[], int, int)}. */
    public void write(byte[] source) throws IOException { write(source, 0, source.length); }

    /**
     * Writes all of it, waiting for room if need be.
     *
     * @throws SocketTimeoutException if there was no room within the {@link #writeTimeout}; {@link InterruptedIOException#bytesTransferred} says how much was written
     * @throws IOException            if the socket is closed or broken
     */
    public void write(byte[] source, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, source.length);
        write(source, null, offset, length);
    }

    /**
     * Writes a whole segment, of native memory or over a byte array; see {@link #write(byte[], int, int)}.
     *
     * @throws IllegalStateException if its arena is closed, before or meanwhile; part of it may have been written then
     */
    public void write(MemorySegment source) throws IOException {
        byte[] array = arrayOf(source);
        write(array, source, array == null ? 0 : source.address(), source.byteSize());
    }

    /** Writes all that remains of a buffer, and advances it; see {@link #write(byte[], int, int)}. If that fails, the buffer stays as it was. Returns how much that was. */
    @Override public int write(ByteBuffer source) throws IOException {
        int length = source.remaining();
        if (source.hasArray()) {
            write(source.array(), null, (long) source.arrayOffset() + source.position(), length);
        } else if (source.isDirect()) {
            write(MemorySegment.ofBuffer(source));
        } else { // read-only, over an array that must not be seen
            byte[] copy = new byte[length];
            source.get(source.position(), copy);
            write(copy);
        }
        source.position(source.position() + length);
        return length;
    }

    /** Waits until less than {@link #HIGH_WATERMARK} bytes wait for the kernel, or the write timeout has passed: for who puts output to the {@link #connection}, which never waits. */
    public void awaitRoom() throws IOException { awaitOutput("awaitRoom", connection::isWritable); }

    /** Waits until the kernel has all that was written, or the write timeout has passed. Not needed before waiting for something else: what is written leaves then. */
    public void flush() throws IOException {
        try {
            awaitOutput("flush", () -> {
                connection.setWatermarks(0, 1); // so that writers are told when nothing is left
                return connection.isWritable();
            });
        } finally {
            if (!closed) {
                under(() -> {
                    if (!ended) connection.setWatermarks(LOW_WATERMARK, HIGH_WATERMARK);
                    return null;
                });
            }
        }
    }

    /**
     * Sends bytes of a file without copying them through this process, and waits until the kernel has them.
     *
     * @param position first byte
     * @param count    how many bytes; if the file turns out shorter, the connection is broken, since the peer has been promised more
     * @throws IOException           if the socket is closed or broken, or the peer takes nothing within the {@link #writeTimeout}: then the socket is closed too, since part of the file
     *                               may have been sent
     * @throws IllegalStateException if another file is being sent
     */
    public void sendFile(OpenFile file, long position, long count) throws IOException {
        boolean[] sent = new boolean[1];
        boolean finished = false;
        try {
            awaitOutput("sendFile", new ColorCall.Body<>() {
                private boolean begun;

                @Override public Boolean run() {
                    if (!begun) {
                        connection.sendFile(file, position, count, c -> {
                            sent[0] = true;
                            writers.wakeAll();
                        });
                        begun = true;
                    }
                    return sent[0];
                }
            });
            finished = true;
        } finally {
            if (!finished) {
                closed = true;
                under(() -> { // waits, so that the caller may close the file
                    connection.abort();
                    return null;
                });
            }
        }
    }

    /** Waits until a body, which is run under the colour whenever writers are woken, returns true. */
    private void awaitOutput(String what, ColorCall.Body<Boolean> body) throws IOException {
        long timeout = writeTimeoutNanos;
        long deadline = 0;
        Thread caller = Thread.currentThread();
        for (boolean waited = false; ; waited = true) {
            boolean again = waited;
            Elsewhere attempt = under(() -> {
                checkOpen(again);
                if (outputShut) throw new SocketException("output was shut down");
                boolean done = connection.isOpen() && body.run();
                return new Elsewhere(done ? 1 : 0, done ? 0 : writers.add(caller));
            });
            if (attempt.count != 0) return;
            if (!waited) deadline = deadlineOf(timeout);
            if (!parkFor(writers, attempt.ticket, deadline)) throw new SocketTimeoutException(what + ": the peer takes nothing for " + Duration.ofNanos(timeout));
        }
    }

    // --------------------------------------------------------------------------------------------------------- under the colour

    /** Runs a body under the colour, at once if the calling thread has it. */
    private <T> T under(ColorCall.Body<T> body) throws IOException {
        try {
            if (isMine()) return body.run();
            mayWait();
            return ColorCall.call(color, body);
        } catch (IOException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new AssertionError(e); // none of ours throws others
        }
    }

    /** Ends this side's direction behind what was written; the peer reads the end then. Reading goes on. */
    public void shutdownOutput() throws IOException {
        under(() -> {
            checkOpen(false);
            if (!outputShut) connection.shutdownOutput();
            outputShut = true;
            writers.wakeAll();
            return null;
        });
    }

    /** Has reads return -1 from now on, also those that wait. What the peer still sends is not read, and stops it in time. */
    public void shutdownInput() throws IOException {
        under(() -> {
            checkOpen(false);
            inputShut = true;
            readers.wakeAll();
            return null;
        });
    }

    // ------------------------------------------------------------------------------------------------------------------- end

    /**
     * Closes; what was written is sent first, in the background, and cut off when the peer takes nothing of it for a minute. Who waits gets an {@link AsynchronousCloseException}.
     * A second call does nothing. Any thread, callbacks included.
     */
    @Override public void close() { close(Duration.ZERO); }

    /**
     * As {@link #close}, but half-closes first and, in the background, reads and discards for up to {@code limit} until the peer closes too: to be used when the peer may still be
     * sending, since closing with data unread resets the connection, and the reset may overtake the answer.
     */
    public void closeLingering(Duration limit) { close(limit); }

    private void close(Duration linger) {
        if (closed) return;
        closed = true;
        end(() -> {
            if (connection.isOpen() && connection.pendingBytes() > 0) connection.setWriteProgressTimeout(CLOSE_LIMIT, 1);
            if (linger.isZero()) connection.close();
            else connection.closeLingering(linger);
        });
    }

    /** Closes with a reset, and drops what has not been sent. Any thread, callbacks included. */
    public void abort() {
        closed = true;
        end(connection::abort);
    }

    private void end(Runnable how) {
        if (isMine()) {
            how.run();
            readers.wakeAll();
            writers.wakeAll();
            return;
        }
        // If the runtime has stopped, the connection has ended with it.
        new org.libtorque.vcore.Task(color) {
            @Override protected void run() {
                how.run();
                readers.wakeAll();
                writers.wakeAll();
            }
        }.postSurely();
    }

    /** Tells whether nobody has closed it. Any thread. */
    @Override public boolean isOpen() { return !closed; }

    // ---------------------------------------------------------------------------------------------------------- what it is like

    /** Limits how long one read waits, from now on; zero for no limit, which is the default. Any thread. Returns this. */
    public TorqueSocket readTimeout(Duration limit) {
        readTimeoutNanos = Parker.limitOf(limit);
        return this;
    }

    /** Limits how long one write, {@link #flush} or {@link #sendFile} waits, from now on; zero for no limit, which is the default. Any thread. Returns this. */
    public TorqueSocket writeTimeout(Duration limit) {
        writeTimeoutNanos = Parker.limitOf(limit);
        return this;
    }

    /**
     * Says for how long reads still wait for input when the runtime has begun to stop; then they return -1, as if the peer had ended. Null: as long as it lasts, until the drain
     * deadline, which is the default of sockets that were {@linkplain #connect connected}; that of accepted ones is {@link #DRAIN_GRACE}. To be called by threads of the
     * socket's colour. Returns this.
     */
    public TorqueSocket endInputWhenStopping(Duration grace) {
        if (!isMine()) throw new IllegalStateException(this + " belongs to its colour: call from a thread that has it");
        graceNanos = grace == null ? NEVER : Parker.limitOf(grace);
        return this;
    }

    /** Tells whether the runtime has begun to stop. To be asked under the socket's colour. */
    public boolean isStopping() { return draining; }

    /** Returns the connection, for threads of the socket's colour. Its handlers and watermarks are this socket's. */
    public Connection connection() { return connection; }

    /** Returns the colour: threads that have it use this socket directly. Any thread. */
    public Color color() { return color; }

    /** Returns the address of this side. Asks the kernel. */
    public SocketAddress localAddress() throws IOException { return under(connection::localAddress); }

    /** Returns the address of the peer. */
    public SocketAddress remoteAddress() throws IOException { return under(connection::remoteAddress); }

    /** Returns a socket option, of {@link java.net.StandardSocketOptions} or {@link org.libtorque.event.TcpOptions}. */
    public <T> T option(SocketOption<T> option) throws IOException {
        return under(() -> {
            checkOpen(false);
            return connection.option(option);
        });
    }

    /** Sets a socket option, of {@link java.net.StandardSocketOptions} or {@link org.libtorque.event.TcpOptions}. Returns this. */
    public <T> TorqueSocket setOption(SocketOption<T> option, T value) throws IOException {
        under(() -> {
            checkOpen(false);
            return connection.setOption(option, value);
        });
        return this;
    }

    /** Returns a view of the input as a stream; closing it closes the socket. For one thread at a time. */
    public InputStream inputStream() { return new Input(); }

    /** Returns a view of the output as a stream; closing it closes the socket. Its {@link OutputStream#flush} does nothing, as with the JDK's sockets: what is written leaves when the thread waits. */
    public OutputStream outputStream() { return new Output(); }

    private final class Input extends InputStream {
        private final byte[] one = new byte[1];

        @Override public int read() throws IOException { return TorqueSocket.this.read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF; }

        @Override public int read(byte[] target, int offset, int length) throws IOException { return TorqueSocket.this.read(target, offset, length); }

        @Override public void close() { TorqueSocket.this.close(); }
    }

    private final class Output extends OutputStream {
        private final byte[] one = new byte[1];

        @Override public void write(int value) throws IOException {
            one[0] = (byte) value;
            TorqueSocket.this.write(one, 0, 1);
        }

        @Override public void write(byte[] source, int offset, int length) throws IOException { TorqueSocket.this.write(source, offset, length); }

        @Override public void close() { TorqueSocket.this.close(); }
    }

    @Override public String toString() { return "TorqueSocket[" + connection.id() + "]"; }
}
