package org.libtorque.event;

import java.lang.foreign.MemorySegment;
import java.net.SocketAddress;
import java.net.SocketOption;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.libtorque.memory.BlockPool;
import org.libtorque.memory.ByteSink;
import org.libtorque.memory.ByteView;
import org.libtorque.memory.raw.RawView;
import org.libtorque.sys.Errno;
import org.libtorque.sys.Files;
import org.libtorque.sys.NativeMemory;
import org.libtorque.sys.Sockets;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.EventQueue;
import org.libtorque.vcore.StreamSource;
import org.libtorque.vcore.Task;
import org.libtorque.vcore.Timer;
import org.libtorque.vcore.Vcore;

/**
 * The one implementation of {@link Connection}.
 *
 * <p><b>States.</b> {@code CONNECTING -connected-> OPEN -close-> CLOSING (output pending) -sent-> [LINGERING -peer's end-> ] ENDED}; any {@code -error,
 * abort, timeout-> ENDED}. ENDED is final: the descriptor is the event queue's to close and no callback but the close handler follows.
 *
 * <p><b>Input</b> comes in the queue's input block. What the handler leaves is the <em>carry</em>: small leftovers are copied to a small block, large ones
 * keep the input block itself. New data is received behind the carry, so the handler always sees one contiguous range.
 *
 * <p><b>Output</b> is a chain of blocks ({@link OutputSink}), sent from the head. {@code sending} means that the kernel holds bytes of the head block; they
 * may be followed by more in the same block, but the block is not released before the kernel is done, even if the connection has ended.
 *
 * <p>While more than the high watermark is pending, nothing is read: a peer that sends requests and does not take answers stops itself.
 *
 * <p>Everything runs on the home vcore's thread.
 */
final class StreamConnection extends StreamSource implements Connection {
    private static final int DRAIN = 8, TIME = 16, RESUME = 32, FLUSH = 64;

    private static final int CONNECTING = 0, OPEN = 1, CLOSING = 2, LINGERING = 3, ENDED = 4;

    /** Receives per turn, before other colours get theirs. */
    private static final int READ_BUDGET = 16;
    private static final int READ_BYTES_BUDGET = 256 * 1024;
    /** Bytes of a file sent per turn. */
    private static final int FILE_BUDGET = 1 << 20;
    private static final long BUFFER_RETRY_NANOS = 5_000_000;
    static final int DEFAULT_LOW_WATERMARK = 64 * 1024;
    static final int DEFAULT_HIGH_WATERMARK = 256 * 1024;

    private final Loop loop;
    private int state;
    /** Read by any thread in {@link #isOpen}; written by the home vcore. */
    private volatile boolean open;

    private ReadHandler readHandler;
    private Handler writableHandler;
    private Handler endHandler;
    private Handler drainHandler;
    private CloseHandler closeHandler;
    private ConnectionHandler openHandler;
    private ConnectFailureHandler connectFailureHandler;
    private Object attachment;

    // Input. The carry is carryLength bytes at carryBlock + carryOffset.
    private long carryBlock;
    private int carryCapacity;
    private int carryOffset;
    private int carryLength;
    private boolean readingPaused;
    private boolean readingStalled;
    private boolean redeliver;
    private boolean peerEnded;
    /** The runtime drains and the program has no say in it: close once everything that has arrived was shown. */
    private boolean closeWhenRead;

    // Output. outHead, outOffset: the next byte to send; outPending: bytes in the chain that the kernel has not taken.
    long outHead;
    long outTail;
    int outOffset;
    long outPending;
    private boolean sending;
    private boolean aboveHigh;
    private boolean notifyWritable;
    private boolean shutdownWanted;
    private boolean outputShutDown;
    private int failure;
    private int lowWatermark = DEFAULT_LOW_WATERMARK;
    private int highWatermark = DEFAULT_HIGH_WATERMARK;
    private PendingFile file;

    // Time. A limit of 0 is none; one lazy timer stands at or before the earliest.
    private final ConnectionTimer timer = new ConnectionTimer(this);
    private long lastActivity;
    private long idleNanos;
    private long progressNanos;
    private int progressMinBytes;
    private long progressDeadline;
    private long progressBytes;
    /** Bytes that the peer's kernel had acknowledged when we last asked; -1 if we did not since the last progress that we saw by ourselves. */
    private long acknowledged = -1;
    private long deadline;
    private boolean deadlineSet;
    private boolean progressSet;
    private boolean bufferRetry;
    private long lingerNanos;

    private boolean drainAsked;
    private boolean running;
    private boolean opening;
    /** The carry is on show: who ends the connection meanwhile leaves it to {@link #deliverCarry} to release it. */
    private boolean carryShown;
    private SocketAddress remote;
    private AtomicInteger counter;

    /** Neighbours in the loop's list. */
    StreamConnection nextOpen;
    StreamConnection previousOpen;

    StreamConnection(Loop loop, Color color, int fd) {
        super(color, fd);
        this.loop = loop;
    }

    /** The part of a file that is to be sent. */
    private static final class PendingFile {
        final OpenFile file;
        long position;
        long left;
        /** Bytes of the chain that go before it. */
        long outBefore;
        final Handler done;

        PendingFile(OpenFile file, long position, long left, long outBefore, Handler done) {
            this.file = file;
            this.position = position;
            this.left = left;
            this.outBefore = outBefore;
            this.done = done;
        }
    }

    private static final class ConnectionTimer extends Timer {
        private final StreamConnection connection;

        ConnectionTimer(StreamConnection connection) { this.connection = connection; }

        @Override protected void onExpiry(long nowNanos) { connection.signal(TIME); } // the rest happens under the colour
    }

    // ------------------------------------------------------------------------------------------------------------ life

    /** Says which counter of open connections this one is in, to be taken out of it at the end. */
    void countedBy(AtomicInteger openConnections) { counter = openConnections; }

    /** Takes an accepted socket into service. Ends the connection by itself if that fails. */
    void openAccepted(ConnectionHandler handler, long idle) {
        state = OPEN;
        idleNanos = idle;
        open = true;
        lastActivity = loop.vcore.now();
        loop.opened(this);
        int result = loop.queue.openStream(this);
        if (result < 0) {
            loop.ended(this);
            state = ENDED;
            open = false;
            Files.close(loop.errno, fd());
            if (counter != null) counter.decrementAndGet();
            loop.vcore.reportFailure(this, IoErrors.of(result, "epoll_ctl", "op=ADD, fd={}", fd()));
            return;
        }
        openHandler = handler;
        callOpenHandler();
        if (loop.draining()) loop.askSoon();
    }

    /** Starts connecting. The address is at {@code loop.scratch}. */
    void connect(int addressLength, ConnectionHandler handler, ConnectFailureHandler onFailure, long timeoutNanos) {
        state = CONNECTING;
        openHandler = handler;
        connectFailureHandler = onFailure;
        lastActivity = loop.vcore.now();
        int result;
        do result = Sockets.connect(loop.errno, fd(), loop.scratch, addressLength);
        while (result == -Errno.EINTR);
        if (result < 0 && result != -Errno.EINPROGRESS) {
            Files.close(loop.errno, fd());
            state = ENDED;
            connectFailed(IoErrors.of(result, "connect", "fd={}", fd()));
            return;
        }
        loop.opened(this);
        result = loop.queue.openConnecting(this);
        if (result < 0) {
            loop.ended(this);
            Files.close(loop.errno, fd());
            state = ENDED;
            connectFailed(IoErrors.of(result, "epoll_ctl", "op=ADD, fd={}", fd()));
            return;
        }
        if (timeoutNanos > 0) setDeadline(timeoutNanos);
    }

    private void connectFailed(Throwable cause) {
        ConnectFailureHandler handler = connectFailureHandler;
        connectFailureHandler = null;
        openHandler = null;
        if (handler == null) {
            loop.vcore.reportFailure(this, cause);
            return;
        }
        try {
            handler.onConnectFailed(cause);
        } catch (Throwable again) {
            loop.vcore.reportFailure(this, again);
        }
    }

    private void finishConnecting() {
        long error = Sockets.getsockoptInt(loop.errno, fd(), Sockets.SOL_SOCKET, Sockets.SO_ERROR);
        if (error != 0) {
            endNow(IoErrors.of(error > 0 ? -(int) error : (int) error, "connect", "fd={}", fd()));
            return;
        }
        int result = loop.queue.connected(this);
        if (result < 0) {
            endNow(IoErrors.of(result, "connect", "fd={}", fd()));
            return;
        }
        state = OPEN;
        open = true;
        deadlineSet = false;
        connectFailureHandler = null;
        callOpenHandler();
    }

    private void callOpenHandler() {
        ConnectionHandler handler = openHandler;
        openHandler = null;
        boolean nested = running; // an accepted connection is opened within its listener's turn, not its own
        running = opening = true;
        try {
            handler.onOpen(this);
            opening = false;
            if (state != ENDED) {
                armTimer();
                flush();
            }
        } catch (Throwable cause) {
            failed(cause);
        } finally {
            opening = false;
            running = nested;
        }
    }

    @Override protected void run() throws Exception {
        int bits = takeReady();
        if (state == ENDED) return;
        running = true;
        try {
            if ((bits & TIME) != 0) checkTime();
            if (state == CONNECTING) {
                if ((bits & (WRITABLE | HANG_UP | READABLE)) != 0) finishConnecting();
                else if ((bits & DRAIN) != 0) endNow(new java.io.IOException("the runtime is stopping"));
                if (state != OPEN) return;
                bits |= READABLE;
            }
            if (failure != 0 && state != ENDED) {
                endNow(IoErrors.of(failure, "send", "fd={}", fd()));
                return;
            }
            if ((bits & DRAIN) != 0 && state == OPEN) drainStep();
            if ((bits & (READABLE | RESUME | HANG_UP)) != 0 && state != ENDED) read(bits);
            if (notifyWritable && state == OPEN) {
                notifyWritable = false;
                if (writableHandler != null) writableHandler.on(this);
            }
            if (state != ENDED) flush();
        } finally {
            running = false;
        }
    }

    /** Handles what a callback let out: tells the failure handler and ends this connection. */
    @Override protected void failed(Throwable cause) {
        running = false;
        loop.vcore.reportFailure(this, cause);
        endNow(cause);
    }

    /** Ends the connection now and drops what is pending. */
    void endNow(Throwable cause) {
        if (state == ENDED) return;
        boolean wasConnecting = state == CONNECTING;
        state = ENDED;
        open = false;
        loop.vcore.timers().cancel(timer);
        if (loop.sink.isAt(this)) loop.sink.forget();
        if (!carryShown) releaseCarry();
        if (!sending) releaseOutput();
        file = null;
        loop.queue.close(this, false);
        if (counter != null) counter.decrementAndGet();
        loop.ended(this);
        if (wasConnecting) {
            connectFailed(cause);
            return;
        }
        CloseHandler handler = closeHandler;
        readHandler = null;
        writableHandler = endHandler = drainHandler = null;
        closeHandler = null;
        if (handler != null) {
            try {
                handler.onClose(this, cause);
            } catch (Throwable again) {
                loop.vcore.reportFailure(this, again);
            }
        }
    }

    /** Asks it to come to its end; a second time changes nothing. */
    void drain() {
        if (drainAsked) return;
        drainAsked = true;
        signal(DRAIN);
    }

    private void drainStep() throws Exception {
        // What has arrived is shown, and what that makes is sent, before the end.
        if (drainHandler != null) {
            read(READABLE);
            if (state == OPEN && drainHandler != null) drainHandler.on(this);
            return;
        }
        closeWhenRead = true;
        if (readingPaused || readHandler == null) close();
        else read(READABLE);
    }

    // ----------------------------------------------------------------------------------------------------------- input

    private void read(int bits) throws Exception {
        if ((bits & RESUME) != 0) redeliver = true;
        int budget = READ_BUDGET;
        int bytes = READ_BYTES_BUDGET;
        while (true) {
            if (state == LINGERING) {
                discard();
                return;
            }
            if (state != OPEN) return;
            if (peerEnded || readingPaused || readHandler == null) {
                noticeError(bits);
                return;
            }
            if (pendingOutput() >= highWatermark) {
                // Answers wait already: ask for no more requests before some of them have gone.
                flush();
                if (state != OPEN) return;
                if (pendingOutput() >= highWatermark) {
                    stallReading();
                    noticeError(bits);
                    return;
                }
                redeliver = true; // the handler may have left something because of what was pending
            }
            if (budget-- == 0 || bytes <= 0) {
                signal(redeliver ? RESUME : READABLE); // behind the other colours
                return;
            }
            if (redeliver) {
                redeliver = false;
                if (carryLength > 0) {
                    deliverCarry();
                    continue;
                }
            }
            int n = carryLength == 0 ? receiveFresh() : receiveBehindCarry();
            if (n > 0) {
                bytes -= n;
            } else if (n == EventQueue.WOULD_BLOCK) {
                if (closeWhenRead) close();
                return;
            } else if (n == 0) {
                ended();
                return;
            } else if (n == EventQueue.NO_BUFFERS) {
                bufferRetry = true;
                armTimerAt(loop.vcore.now() + BUFFER_RETRY_NANOS);
                return;
            } else {
                endNow(IoErrors.of(n, "recv", "fd={}", fd()));
                return;
            }
        }
    }

    private int receiveFresh() throws Exception {
        EventQueue queue = loop.queue;
        int n = queue.receive(this);
        if (n <= 0) return n;
        lastActivity = loop.vcore.now();
        RawView view = loop.view;
        long address = queue.inputAddress();
        view.point(address, n);
        boolean left = true;
        try {
            readHandler.onRead(this, view);
            left = view.length() > 0 && state == OPEN;
        } catch (Throwable cause) {
            left = false;
            throw cause;
        } finally {
            if (!left) queue.leaveInput(this);
        }
        if (left) startCarry(address, (int) (view.address() - address), view.length());
        return n;
    }

    /** Keeps {@code length} bytes at {@code offset} of the queue's input block. */
    private void startCarry(long input, int offset, int length) {
        if (length <= Loop.SMALL_BLOCK_BYTES / 2) {
            long small = loop.smallBlocks.acquire();
            if (small != 0) {
                NativeMemory.copy(input + offset, small, length);
                loop.queue.leaveInput(this);
                setCarry(small, Loop.SMALL_BLOCK_BYTES, 0, length);
                return;
            }
        }
        long block = loop.queue.keepInput(this);
        setCarry(block, loop.blocks.blockBytes(), (int) (input + offset - block), length); // the input need not begin where the block does
    }

    private void setCarry(long block, int capacity, int offset, int length) {
        carryBlock = block;
        carryCapacity = capacity;
        carryOffset = offset;
        carryLength = length;
    }

    private int receiveBehindCarry() throws Exception {
        if (carryOffset + carryLength == carryCapacity && !makeRoom()) return EventQueue.NO_BUFFERS;
        int end = carryOffset + carryLength;
        int n = loop.queue.receive(this, carryBlock + end, carryCapacity - end);
        if (n <= 0) return n;
        lastActivity = loop.vcore.now();
        carryLength += n;
        deliverCarry();
        return n;
    }

    /** Moves the carry to the front of its block or to a larger one. Returns false if there is no block to be had. */
    private boolean makeRoom() {
        if (carryOffset >= carryCapacity / 2) {
            NativeMemory.copy(carryBlock + carryOffset, carryBlock, carryLength);
            carryOffset = 0;
            return true;
        }
        int large = loop.blocks.blockBytes();
        if (carryCapacity < large) {
            long block = loop.blocks.acquire();
            if (block == 0) return false;
            int length = carryLength;
            NativeMemory.copy(carryBlock + carryOffset, block, length);
            releaseCarry();
            setCarry(block, large, 0, length);
            return true;
        }
        if (carryOffset > 0) {
            NativeMemory.copy(carryBlock + carryOffset, carryBlock, carryLength);
            carryOffset = 0;
            return true;
        }
        throw new ReadBufferFullException(carryLength);
    }

    private void deliverCarry() throws Exception {
        RawView view = loop.view;
        view.point(carryBlock + carryOffset, carryLength);
        carryShown = true;
        try {
            readHandler.onRead(this, view);
        } finally {
            carryShown = false;
            if (state == ENDED) releaseCarry();
        }
        if (state != OPEN) return; // closing: the carry is of no interest any more
        carryOffset += view.consumed();
        carryLength = view.length();
        if (carryLength == 0) releaseCarry();
    }

    private void releaseCarry() {
        if (carryBlock == 0) return;
        BlockPool pool = carryCapacity == Loop.SMALL_BLOCK_BYTES ? loop.smallBlocks : loop.blocks;
        pool.release(carryBlock);
        carryBlock = 0;
        carryLength = carryOffset = carryCapacity = 0;
    }

    private void ended() throws Exception {
        peerEnded = true;
        releaseCarry(); // an incomplete message that nobody will complete
        if (endHandler == null) {
            close();
            return;
        }
        endHandler.on(this);
        if (state == OPEN) loop.queue.awaitHangUp(this); // nothing is received any more, and would tell of a reset
    }

    private void stallReading() {
        readingStalled = true;
        loop.queue.pauseReceiving(this, true);
    }

    /** While nothing is read, a reset would go unnoticed: asks the socket. */
    private void noticeError(int bits) {
        if ((bits & HANG_UP) == 0) return;
        long error = Sockets.getsockoptInt(loop.errno, fd(), Sockets.SOL_SOCKET, Sockets.SO_ERROR);
        if (error > 0) endNow(IoErrors.of(-(int) error, "recv", "fd={}", fd()));
    }

    private void discard() {
        EventQueue queue = loop.queue;
        for (int budget = READ_BUDGET; budget > 0; budget--) {
            int n = queue.receive(this);
            if (n > 0) {
                queue.leaveInput(this);
            } else if (n == EventQueue.WOULD_BLOCK || n == EventQueue.NO_BUFFERS) {
                return;
            } else {
                endNow(null);
                return;
            }
        }
        signal(READABLE);
    }

    @Override public void pauseReading() {
        loop.checkCurrent(this);
        if (readingPaused || state != OPEN) return;
        readingPaused = true;
        loop.queue.pauseReceiving(this, true);
        loop.queue.awaitHangUp(this); // a peer that resets must not stay unnoticed until somebody reads again
    }

    @Override public void resumeReading() {
        loop.checkCurrent(this);
        if (!readingPaused || state != OPEN) return;
        readingPaused = false;
        loop.queue.pauseReceiving(this, false);
        signal(RESUME);
    }

    // ---------------------------------------------------------------------------------------------------------- output

    @Override public ByteSink output() {
        OutputSink sink = loop.sink;
        if (!sink.isAt(this)) moveSinkHere();
        return sink;
    }

    private void moveSinkHere() {
        loop.checkCurrent(this);
        if (state != OPEN) throw new IllegalStateException("the connection is closed");
        if (shutdownWanted) throw new IllegalStateException("output was shut down");
        loop.sink.moveTo(this);
        if (!running) signal(FLUSH); // written to from another source's callback
    }

    @Override public void write(ByteView data) {
        output().put(data, 0, data.length());
        data.consumeAll();
    }

    @Override public void write(byte[] data) { output().put(data); }

    @Override public void write(byte[] data, int offset, int length) { output().put(data, offset, length); }

    @Override public void write(ByteBuffer data) {
        if (data.hasArray()) {
            output().put(data.array(), data.arrayOffset() + data.position(), data.remaining());
            data.position(data.limit());
        } else {
            write(MemorySegment.ofBuffer(data));
            data.position(data.limit());
        }
    }

    @Override public void write(MemorySegment data) {
        ByteSink sink = output();
        long length = data.byteSize();
        if (data.isNative()) {
            // The bytes are read by their address, which is not checked as access to a segment is.
            if (!data.scope().isAlive()) throw new IllegalStateException("the segment's arena is closed");
            if (!data.isAccessibleBy(Thread.currentThread())) throw new WrongThreadException("the segment belongs to another thread");
            for (long at = 0; at < length; ) {
                int n = (int) Math.min(length - at, Integer.MAX_VALUE);
                loop.sink.putMemory(data.address() + at, n);
                at += n;
            }
        } else {
            sink.put(data.toArray(java.lang.foreign.ValueLayout.JAVA_BYTE));
        }
    }

    @Override public void sendFile(OpenFile source, long position, long count, Handler done) {
        loop.checkCurrent(this);
        if (state != OPEN) throw new IllegalStateException("the connection is closed");
        if (file != null) throw new IllegalStateException("a file is being sent; wait until it is done");
        if (position < 0 || count < 0) throw new IllegalArgumentException("position " + position + ", count " + count);
        loop.sink.leave();
        file = new PendingFile(source, position, count, outPending, done);
        if (!running) signal(FLUSH);
    }

    private long pendingOutput() {
        if (loop.sink.isAt(this)) loop.sink.commit();
        return file == null ? outPending : outPending + file.left;
    }

    @Override public long pendingBytes() {
        loop.checkCurrent(this);
        return pendingOutput();
    }

    @Override public boolean isWritable() {
        loop.checkCurrent(this);
        if (pendingOutput() < highWatermark) return true;
        aboveHigh = true; // who was told so is told of the change, however soon it comes
        return false;
    }

    @Override public void setWatermarks(int low, int high) {
        loop.checkCurrent(this);
        if (low < 0 || high < low) throw new IllegalArgumentException("watermarks must be 0 <= low <= high, not " + low + ", " + high);
        lowWatermark = low;
        highWatermark = Math.max(1, high);
    }

    /** Sends as much as the kernel takes. Leaves the sink. */
    private void flush() throws Exception {
        if (loop.sink.isAt(this)) loop.sink.leave();
        if (pendingOutput() >= highWatermark) aboveHigh = true; // noted before the kernel takes it, perhaps all at once
        if (sending) return;
        int fileBudget = FILE_BUDGET;
        while (true) {
            PendingFile pending = file;
            long sendable = pending == null ? outPending : pending.outBefore;
            if (sendable > 0) {
                int n = (int) Math.min(sendable, OutputSink.endOf(outHead) - outOffset);
                if (n == 0) {
                    releaseHead();
                    continue;
                }
                int result = loop.queue.send(this, outHead + outOffset, n);
                if (result > 0) {
                    taken(result);
                    continue;
                }
                if (result == EventQueue.PENDING) sending = true;
                if (result == EventQueue.PENDING || result == EventQueue.WOULD_BLOCK) {
                    outputWaits();
                    return;
                }
                endNow(IoErrors.of(result, "send", "fd={}", fd()));
                return;
            }
            if (pending == null) break;
            if (pending.left == 0) {
                file = null;
                pending.done.on(this);
                if (state == ENDED) return;
                if (loop.sink.isAt(this)) loop.sink.leave();
                continue;
            }
            if (fileBudget <= 0) {
                outputWaits();
                signal(FLUSH);
                return;
            }
            long result = pending.file.sendTo(loop.errno, loop.scratch, fd(), pending.position, Math.min(pending.left, fileBudget));
            if (result > 0) {
                fileBudget -= (int) result;
                pending.position += result;
                pending.left -= result;
                progressed(result);
                lastActivity = loop.vcore.now();
            } else if (result == -Errno.EAGAIN) {
                loop.queue.awaitWritable(this);
                outputWaits();
                return;
            } else if (result == 0) {
                endNow(new java.io.EOFException("the file shrank while it was sent: " + pending.left + " bytes are missing"));
                return;
            } else if (result != -Errno.EINTR) {
                endNow(IoErrors.of((int) result, "sendfile", "fd={}", fd()));
                return;
            }
        }
        outputDone();
    }

    /** The kernel has taken {@code n} bytes of the chain. */
    private void taken(int n) {
        lastActivity = loop.vcore.now();
        outOffset += n;
        outPending -= n;
        if (file != null) file.outBefore -= n;
        if (outPending == 0) releaseOutput();
        progressed(n);
    }

    private void releaseHead() {
        long block = outHead;
        outHead = OutputSink.nextOf(block);
        outOffset = OutputSink.HEADER_BYTES;
        loop.blocks.release(block);
    }

    private void releaseOutput() {
        for (long block = outHead; block != 0; ) {
            long following = OutputSink.nextOf(block);
            loop.blocks.release(block);
            block = following;
        }
        outHead = outTail = 0;
        outPending = 0;
    }

    private void outputWaits() {
        if (progressNanos > 0 && !progressSet) {
            progressSet = true;
            progressBytes = 0;
            progressDeadline = loop.vcore.now() + progressNanos;
            armTimerAt(progressDeadline);
        }
    }

    private void progressed(long bytes) {
        belowLow();
        if (!progressSet) return;
        progressBytes += bytes;
        if (progressBytes >= progressMinBytes) {
            progressBytes = 0;
            acknowledged = -1;
            progressDeadline = loop.vcore.now() + progressNanos; // the timer, if early, looks again
        }
    }

    private void belowLow() {
        if (!aboveHigh && !readingStalled) return;
        if (pendingOutput() > lowWatermark) return;
        if (aboveHigh) {
            aboveHigh = false;
            notifyWritable = true;
            signal(FLUSH);
        }
        if (readingStalled) {
            readingStalled = false;
            if (!readingPaused) loop.queue.pauseReceiving(this, false);
            signal(RESUME);
        }
    }

    private void outputDone() {
        progressSet = false;
        belowLow();
        if (shutdownWanted && !outputShutDown) {
            outputShutDown = true;
            Sockets.shutdown(loop.errno, fd(), Sockets.SHUT_WR);
        }
        if (state == CLOSING) {
            if (lingerNanos == 0 || peerEnded) {
                endNow(null);
            } else {
                state = LINGERING;
                if (!outputShutDown) Sockets.shutdown(loop.errno, fd(), Sockets.SHUT_WR);
                outputShutDown = true;
                setDeadline0(lingerNanos);
                loop.queue.pauseReceiving(this, false);
                signal(READABLE);
            }
        }
    }

    @Override public void sent(int result) {
        sending = false;
        // Another colour may have written here since, without this one having had its turn: the chain is changed below.
        if (loop.sink.isAt(this)) loop.sink.leave();
        if (state == ENDED) {
            releaseOutput();
            return;
        }
        if (result < 0) {
            if (result == -Errno.EAGAIN || result == -Errno.EINTR) {
                signal(FLUSH);
            } else {
                failure = result;
                signal(HANG_UP);
            }
            return;
        }
        taken(result);
        belowLow();
        if (outPending > 0 || file != null || state != OPEN || shutdownWanted) signal(FLUSH);
        else progressSet = false;
    }

    @Override public void shutdownOutput() {
        loop.checkCurrent(this);
        if (state != OPEN || shutdownWanted) return;
        shutdownWanted = true;
        if (loop.sink.isAt(this)) loop.sink.leave(); // so that writing more is noticed
        if (!running) signal(FLUSH);
    }

    // ------------------------------------------------------------------------------------------------------------- end

    @Override public void close() { close(0); }

    @Override public void closeLingering(Duration limit) { close(Math.max(1, limit.toNanos())); }

    private void close(long linger) {
        if (!loop.vcore.isCurrent()) {
            new Request(this, Request.CLOSE, null).postSurely();
            return;
        }
        if (state == CONNECTING) {
            endNow(new java.io.IOException("closed while connecting"));
            return;
        }
        if (state != OPEN) return;
        state = CLOSING;
        open = false;
        if (loop.sink.isAt(this)) loop.sink.leave(); // so that writing more is noticed
        lingerNanos = linger;
        releaseCarryLater();
        loop.queue.pauseReceiving(this, true);
        if (!running) signal(FLUSH);
    }

    /** The carry may be on show in the callback that closes; its memory stays mapped and is not written before that returns. */
    private void releaseCarryLater() {
        if (!running) releaseCarry();
    }

    @Override public void abort() {
        if (!loop.vcore.isCurrent()) {
            new Request(this, Request.ABORT, null).postSurely();
            return;
        }
        if (state == ENDED) return;
        Sockets.setLinger(loop.errno, fd(), true, 0);
        endNow(null);
    }

    @Override public boolean isOpen() { return open; }

    @Override public void execute(Runnable action) {
        Request request = new Request(this, Request.RUN, action);
        request.post();
    }

    /** Something that another thread asks of a connection. */
    private static final class Request extends Task {
        static final int CLOSE = 0, ABORT = 1, RUN = 2;
        private final StreamConnection connection;
        private final int kind;
        private final Runnable action;

        Request(StreamConnection connection, int kind, Runnable action) {
            super(connection.color());
            runAtHome(true);
            this.connection = connection;
            this.kind = kind;
            this.action = action;
        }

        @Override protected void run() {
            switch (kind) {
                case CLOSE -> connection.close();
                case ABORT -> connection.abort();
                default -> {
                    if (connection.state != ENDED) action.run();
                }
            }
        }

        @Override protected void failed(Throwable cause) { connection.failed(cause); }
    }

    // ------------------------------------------------------------------------------------------------------------ time

    @Override public void setIdleTimeout(Duration timeout) {
        loop.checkCurrent(this);
        idleNanos = timeout.toNanos();
        if (!opening) armTimer(); // armed after opening
    }

    @Override public void setWriteProgressTimeout(Duration timeout, int minBytes) {
        loop.checkCurrent(this);
        progressNanos = timeout.toNanos();
        progressMinBytes = minBytes;
        progressSet = false;
        if (sending || pendingOutput() > 0) outputWaits();
    }

    @Override public void setDeadline(long nanosFromNow) {
        loop.checkCurrent(this);
        if (state == CLOSING || state == LINGERING) return;
        setDeadline0(nanosFromNow);
    }

    private void setDeadline0(long nanosFromNow) {
        deadlineSet = nanosFromNow != 0;
        if (deadlineSet) {
            deadline = loop.vcore.now() + nanosFromNow;
            armTimerAt(deadline);
        }
    }

    private void armTimer() {
        if (idleNanos > 0) armTimerAt(lastActivity + idleNanos);
    }

    private void armTimerAt(long when) {
        if (timer.isScheduled() && timer.deadlineNanos() - when <= 0) return; // it stands early enough, and looks again then
        loop.vcore.timers().schedule(timer, when);
    }

    private void checkTime() {
        long now = loop.vcore.now();
        if (bufferRetry) {
            bufferRetry = false;
            signal(READABLE);
        }
        if (deadlineSet && now - deadline >= 0) {
            if (state == LINGERING) {
                endNow(null);
            } else {
                endNow(new ConnectionTimeoutException(
                        state == CONNECTING ? ConnectionTimeoutException.Kind.CONNECT : ConnectionTimeoutException.Kind.DEADLINE,
                        state == CONNECTING ? "no answer to the connection request" : "the deadline passed"));
            }
            return;
        }
        if (progressSet && now - progressDeadline >= 0 && peerTook(progressMinBytes)) {
            progressBytes = 0;
            progressDeadline = now + progressNanos;
            lastActivity = now;
        }
        if (idleNanos > 0 && now - lastActivity >= idleNanos && pendingOutput() > 0 && peerTook(1)) lastActivity = now;
        if (progressSet && now - progressDeadline >= 0) {
            endNow(new ConnectionTimeoutException(ConnectionTimeoutException.Kind.WRITE_PROGRESS,
                    "the peer took " + progressBytes + " bytes in " + Duration.ofNanos(progressNanos) + ", with " + pendingOutput() + " pending"));
            return;
        }
        if (idleNanos > 0 && now - lastActivity >= idleNanos) {
            endNow(new ConnectionTimeoutException(ConnectionTimeoutException.Kind.IDLE,
                    "idle for " + Duration.ofNanos(idleNanos)));
            return;
        }
        if (deadlineSet) armTimerAt(deadline);
        if (progressSet) armTimerAt(progressDeadline);
        armTimer();
    }

    /**
     * Tells whether the peer has acknowledged so many bytes since the last look; the first look only remembers, and says yes. The kernel asks for more output
     * only when a third of its send buffer is free, which grows to megabytes: a slow peer can take bytes all the time and the socket still be full for minutes.
     */
    private boolean peerTook(long minBytes) {
        long info = loop.scratch;
        long length = info + Sockets.TcpInfo.SIZE;
        NativeMemory.putInt(length, (int) Sockets.TcpInfo.SIZE);
        int result = Sockets.getsockopt(loop.errno, fd(), Sockets.IPPROTO_TCP, Sockets.TCP_INFO, info, length);
        if (result < 0 || NativeMemory.getInt(length) < Sockets.TcpInfo.TCPI_BYTES_ACKED + 8) return false; // a Unix socket: its buffer does not grow
        long before = acknowledged;
        acknowledged = NativeMemory.getLong(info + Sockets.TcpInfo.TCPI_BYTES_ACKED);
        return before < 0 || acknowledged - before >= minBytes;
    }

    // -------------------------------------------------------------------------------------------------- handlers, the rest

    @Override public Connection onRead(ReadHandler handler) {
        loop.checkCurrent(this);
        if (state == ENDED) return this;
        boolean first = readHandler == null && handler != null && !opening;
        readHandler = handler;
        if (first) signal(RESUME); // what came before may have been signalled already
        return this;
    }

    @Override public Connection onWritable(Handler handler) {
        loop.checkCurrent(this);
        writableHandler = handler;
        return this;
    }

    @Override public Connection onEnd(Handler handler) {
        loop.checkCurrent(this);
        endHandler = handler;
        return this;
    }

    @Override public Connection onClose(CloseHandler handler) {
        loop.checkCurrent(this);
        closeHandler = handler;
        return this;
    }

    @Override public Connection onDrain(Handler handler) {
        loop.checkCurrent(this);
        drainHandler = handler;
        return this;
    }

    @Override public SocketAddress localAddress() {
        loop.checkCurrent(this);
        return SocketNames.local(loop.errno, fd(), loop.scratch);
    }

    @Override public SocketAddress remoteAddress() {
        if (remote == null) {
            loop.checkCurrent(this);
            remote = SocketNames.remote(loop.errno, fd(), loop.scratch);
        }
        return remote;
    }

    @Override public <T> T option(SocketOption<T> option) {
        loop.checkCurrent(this);
        return TcpOptions.get(loop.errno, fd(), option);
    }

    @Override public <T> Connection setOption(SocketOption<T> option, T value) {
        loop.checkCurrent(this);
        TcpOptions.set(loop.errno, fd(), option, value);
        return this;
    }

    @Override public Vcore vcore() { return loop.vcore; }

    @Override public long id() { return color().id(); }

    @Override public Object attachment() { return attachment; }

    @Override public Connection attach(Object object) {
        attachment = object;
        return this;
    }

    @Override public String toString() { return "Connection[" + id() + ", fd=" + fd() + "]"; }
}
