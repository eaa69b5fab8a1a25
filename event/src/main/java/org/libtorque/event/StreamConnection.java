package org.libtorque.event;

import java.lang.foreign.MemorySegment;
import java.net.SocketAddress;
import java.net.SocketOption;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.libtorque.memory.ByteSink;
import org.libtorque.memory.ByteView;
import org.libtorque.memory.raw.RawView;
import org.libtorque.sys.Errno;
import org.libtorque.sys.Files;
import org.libtorque.sys.NativeMemory;
import org.libtorque.sys.Sockets;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.EventQueue;
import org.libtorque.vcore.Task;
import org.libtorque.vcore.Vcore;

/**
 * The one implementation of {@link Connection}.
 *
 * <p><b>States.</b> {@code CONNECTING -connected-> OPEN -close-> CLOSING (output pending) -sent-> [LINGERING -peer's end-> ] ENDED}; any {@code -error,
 * abort, timeout-> [ENDING, on the way home -> ] ENDED}. ENDED is final: the descriptor is the event queue's to close and no callback but the close handler follows.
 *
 * <p><b>Input</b> comes in the queue's input block. What the handler leaves is the <em>carry</em>: small leftovers are copied to a small block, large ones
 * keep the input block itself. New data is received behind the carry, so the handler always sees one contiguous range.
 *
 * <p><b>Output</b> is collected in an {@link Output} and sent at the end of the turn. While more than the high watermark is pending, nothing is read: a peer that sends requests and does not take answers stops itself.
 *
 * <p><b>Where it runs.</b> Its colour may run on any vcore while it is OPEN: receiving, handlers, sending. {@code loop} is of its home, where it is registered
 * ({@link Vcore}); {@code here} is of the vcore that runs it, whose buffers, scratch memory and cursor it uses; blocks go back to where they are from. What
 * needs the home (registering, pausing, waiting for room, timers, the end) sets what is wanted and {@linkplain #goHome goes home}; in all other states it always
 * runs there. Nothing of it is touched but under its colour, with one exception: the home's thread, while nobody holds the colour ({@link #sent}, {@link #abandon}).
 */
final class StreamConnection extends TimedStream implements Connection {
    private static final AtomicLong IDS = new AtomicLong();

    private static final int CONNECTING = 0, OPEN = 1, CLOSING = 2, LINGERING = 3, ENDING = 4, ENDED = 5;

    /** Receives per turn, before other colours get theirs. */
    private static final int READ_BUDGET = 16;
    private static final int READ_BYTES_BUDGET = 256 * 1024;
    static final int DEFAULT_LOW_WATERMARK = 64 * 1024;
    static final int DEFAULT_HIGH_WATERMARK = 256 * 1024;

    private int state;
    /** Read by any thread in {@link #isOpen}; written by the home vcore. */
    private volatile boolean open;

    private ReadHandler readHandler;
    /** Set if it receives when it is asked to. */
    private Handler readableHandler;
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
    /** What was left is to be shown again in a later turn: not before others, and not with what arrives meanwhile, nor after the end. */
    private boolean showAgain;
    private boolean peerEnded;
    /** The runtime drains and the program has no say in it: close once everything that has arrived was shown. */
    private boolean closeWhenRead;

    // Output.
    private final Output output = new Output();
    private boolean aboveHigh;
    private boolean notifyWritable;
    private boolean shutdownWanted;
    private boolean outputShutDown;
    private int failure;
    private int lowWatermark = DEFAULT_LOW_WATERMARK;
    private int highWatermark = DEFAULT_HIGH_WATERMARK;

    /** Not the colour's, which connections can share. */
    private final long id = IDS.incrementAndGet();

    private long lingerNanos;
    /** Why it is ENDING. */
    private Throwable endCause;

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

    StreamConnection(Loop loop, Color color, int fd) { super(loop, color, fd); }

    // -------------------------------------------------------------------------------------------------------------- moving

    /** Whether it need not be at home. */
    private void roam() { runAtHome(state != OPEN); }

    @Override protected boolean canMove() { return state == OPEN; }

    @Override protected void depart() {
        unplaceTimer();
        loop.movedOut(this);
        super.depart();
    }

    @Override protected void arrive() {
        loop = Loop.of(color().home());
        loop.opened(this);
        int result = loop.queue.attach(this);
        if (result < 0) {
            failure = result; // the next turn ends it
            signal(HANG_UP);
        }
        placeTimer();
        if (loop.over()) signal(ABANDON);
        else if (loop.draining()) loop.askSoon(); // when what has arrived in between is known
    }

    // ------------------------------------------------------------------------------------------------------------ life

    /** Says which counter of open connections this one is in, to be taken out of it at the end. */
    void countedBy(AtomicInteger openConnections) { counter = openConnections; }

    /** Takes an accepted socket into service. Ends the connection by itself if that fails. */
    void openAccepted(ConnectionHandler handler, long idle) {
        state = OPEN;
        idleLimit(idle);
        open = true;
        activeAt(loop.vcore.now());
        loop.opened(this);
        Loop at = loop; // when it has been let go it may move
        // The listener's turn, not this connection's. Held before the socket is registered: from then on others may harvest its events, and take the colour.
        boolean entered = Vcore.currentColor() != color();
        if (entered && !at.vcore.enter(color())) throw new AssertionError(this + ": a new colour is held by somebody");
        int result = loop.queue.openStream(this);
        if (result < 0) {
            loop.ended(this);
            state = ENDED;
            open = false;
            Files.close(loop.errno, fd());
            if (counter != null) counter.decrementAndGet();
            loop.vcore.reportFailure(this, IoErrors.ofRegistration(result, fd()));
            if (entered) at.vcore.exit(color());
            return;
        }
        openHandler = handler;
        callOpenHandler();
        if (entered) at.vcore.exit(color());
        if (at.draining()) at.askSoon();
    }

    /** Starts connecting. The address is at {@code loop.scratch}. */
    void connect(int addressLength, ConnectionHandler handler, ConnectFailureHandler onFailure, long timeoutNanos) {
        state = CONNECTING;
        openHandler = handler;
        connectFailureHandler = onFailure;
        activeAt(loop.vcore.now());
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
            connectFailed(IoErrors.ofRegistration(result, fd()));
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
        long error = Sockets.getsockoptInt(here().errno, fd(), Sockets.SOL_SOCKET, Sockets.SO_ERROR);
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
        deadlineIn(0);
        connectFailureHandler = null;
        callOpenHandler();
    }

    private void callOpenHandler() {
        ConnectionHandler handler = openHandler;
        openHandler = null;
        boolean nested = running;
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
        here = Loop.current();
        running = true;
        try {
            if ((bits & SENT) != 0) completed(takeSent());
            if (state == ENDED) return;
            if ((bits & TIME) != 0) timerIsOff();
            if ((bits & RESUME) != 0) {
                redeliver = true;
                showAgain = false;
            }
            if (here == loop) {
                applyWanted();
                if (state < ENDING) placeTimer();
                if (state == ENDING) {
                    Throwable cause = endCause;
                    endCause = null;
                    endHere(cause);
                    return;
                }
                roam();
            }
            if ((bits & ABANDON) != 0) {
                endNow(null);
                return;
            }
            if (state == ENDING) return; // on its way
            if ((bits & TIME) != 0) checkTime();
            if (state == CONNECTING) {
                if ((bits & (WRITABLE | HANG_UP | READABLE)) != 0) finishConnecting();
                else if ((bits & DRAIN) != 0) endNow(IoErrors.stopping());
                if (state != OPEN) return;
                bits |= READABLE;
            }
            if (failure != 0 && state < ENDING) {
                endNow(IoErrors.of(failure, "send", "fd={}", fd()));
                return;
            }
            if ((bits & DRAIN) != 0 && state == OPEN) drainStep();
            if ((bits & (READABLE | RESUME | HANG_UP)) != 0 && state < ENDING) read(bits);
            if (notifyWritable && state == OPEN) {
                notifyWritable = false;
                if (writableHandler != null) writableHandler.on(this);
            }
            if (state < ENDING) flush();
        } finally {
            running = false;
            here = null;
        }
    }

    /** Handles what a callback let out: tells the failure handler and ends this connection. */
    @Override protected void failed(Throwable cause) {
        running = false;
        here = null;
        loop.vcore.reportFailure(this, cause);
        endNow(cause);
    }

    /** Ends the connection now and drops what is pending. */
    void endNow(Throwable cause) {
        if (state >= ENDING) return;
        if (isAtHome()) {
            endHere(cause);
            return;
        }
        state = ENDING;
        open = false;
        endCause = cause;
        here().sink.forget(output);
        goHome(FLUSH);
    }

    private void endHere(Throwable cause) {
        boolean wasConnecting = state == CONNECTING;
        state = ENDED;
        open = false;
        dropTimer();
        loop.sink.forget(output);
        if (!carryShown) releaseCarry();
        output.drop(loop.blocks);
        loop.queue.close(this, false);
        if (counter != null) counter.decrementAndGet();
        loop.ended(this);
        FilePart part = output.endFile();
        if (part != null) tellEnd(part, cause);
        if (wasConnecting) {
            connectFailed(cause != null ? cause : IoErrors.stopping()); // else whoever ends it says why
            return;
        }
        CloseHandler handler = closeHandler;
        readHandler = null;
        readableHandler = null;
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

    private void tellEnd(FilePart part, Throwable cause) {
        part.end(loop.blocks);
        try {
            part.tell(this, cause != null ? cause : new java.io.IOException("the connection was closed"));
        } catch (Throwable again) {
            loop.vcore.reportFailure(this, again);
        }
    }

    /** The runtime is over: ends now, or, which is said by false, when whoever holds its colour has finished with it. At home. */
    boolean abandon() {
        Vcore vcore = loop.vcore;
        if (!vcore.enter(color())) {
            signal(ABANDON);
            return false;
        }
        endHere(null);
        vcore.exit(color());
        return true;
    }

    /** Asks it to come to its end; a second time changes nothing. At home. */
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
        int budget = READ_BUDGET;
        int bytes = READ_BYTES_BUDGET;
        while (true) {
            if (state == LINGERING) {
                discard();
                return;
            }
            if (state != OPEN) return;
            if (readableHandler != null) {
                if (readingPaused) noticeError(bits);
                else readableHandler.on(this);
                return;
            }
            if (peerEnded || readingPaused || readHandler == null) {
                noticeError(bits);
                return;
            }
            if (showAgain && carryLength > 0) return; // RESUME is signalled
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
            if (budget-- == 0 || bytes <= 0 || budget < READ_BUDGET - 1 && here().vcore.shouldYield()) {
                here().vcore.endTurn();
                signal(redeliver ? RESUME : READABLE); // behind the other colours
                return;
            }
            if (redeliver) {
                redeliver = false;
                if (carryLength > 0) {
                    deliverCarry(readHandler);
                    continue;
                }
            }
            int n = receiveOnce(readHandler);
            if (n > 0) {
                bytes -= n;
            } else if (n == EventQueue.WOULD_BLOCK) {
                if (closeWhenRead) close();
                return;
            } else if (n == 0) {
                ended();
                return;
            } else if (n == EventQueue.NO_BUFFERS) {
                retrySoon();
                return;
            } else {
                endNow(IoErrors.of(n, "recv", "fd={}", fd()));
                return;
            }
        }
    }

    private int receiveOnce(ReadHandler handler) throws Exception { return carryLength == 0 ? receiveFresh(handler) : receiveBehindCarry(handler); }

    @Override public int receive(boolean more, ReadHandler handler) throws Exception {
        checkColor();
        if (state != OPEN) return END;
        if (carryLength > 0 && !more) {
            int shown = carryLength;
            deliverCarry(handler);
            return shown;
        }
        if (peerEnded) return END;
        int n = receiveOnce(handler);
        if (n > 0) return n;
        switch (n) {
            case EventQueue.WOULD_BLOCK -> {
                return 0;
            }
            case EventQueue.NO_BUFFERS -> {
                retrySoon();
                return 0;
            }
            case 0 -> {
                peerEnded = true;
                awaitHangUp(); // nothing is received any more, and would tell of a reset
                return END;
            }
            default -> {
                endNow(IoErrors.of(n, "recv", "fd={}", fd()));
                return END;
            }
        }
    }

    private int receiveFresh(ReadHandler handler) throws Exception {
        Loop here = here();
        EventQueue queue = here.queue;
        int n = queue.receive(this);
        if (n <= 0) return n;
        activeAt(here.vcore.now());
        RawView view = here.view;
        long address = queue.inputAddress();
        view.point(address, n);
        boolean left = true;
        try {
            handler.onRead(this, view);
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
            long small = here().smallBlocks.acquire();
            if (small != 0) {
                NativeMemory.copy(input + offset, small, length);
                here().queue.leaveInput(this);
                setCarry(small, Loop.SMALL_BLOCK_BYTES, 0, length);
                return;
            }
        }
        long block = here().queue.keepInput(this);
        setCarry(block, here().blocks.blockBytes(), (int) (input + offset - block), length); // the input need not begin where the block does
    }

    private void setCarry(long block, int capacity, int offset, int length) {
        carryBlock = block;
        carryCapacity = capacity;
        carryOffset = offset;
        carryLength = length;
    }

    private int receiveBehindCarry(ReadHandler handler) throws Exception {
        if (carryOffset + carryLength == carryCapacity && !makeRoom()) return EventQueue.NO_BUFFERS;
        int end = carryOffset + carryLength;
        int n = here().queue.receive(this, carryBlock + end, carryCapacity - end);
        if (n <= 0) return n;
        activeAt(here().vcore.now());
        carryLength += n;
        deliverCarry(handler);
        return n;
    }

    /** Moves the carry to the front of its block or to a larger one. Returns false if there is no block to be had. */
    private boolean makeRoom() {
        if (carryOffset >= carryCapacity / 2) {
            NativeMemory.copy(carryBlock + carryOffset, carryBlock, carryLength);
            carryOffset = 0;
            return true;
        }
        int large = here().blocks.blockBytes();
        if (carryCapacity < large) {
            long block = here().blocks.acquire();
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

    private void deliverCarry(ReadHandler handler) throws Exception {
        RawView view = here().view;
        view.point(carryBlock + carryOffset, carryLength);
        carryShown = true;
        try {
            handler.onRead(this, view);
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
        Loop here = here();
        (carryCapacity == Loop.SMALL_BLOCK_BYTES ? here.smallBlocks : here.blocks).releaseAnywhere(carryBlock);
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
        if (state == OPEN) awaitHangUp(); // nothing is received any more, and would tell of a reset
    }

    private void stallReading() {
        readingStalled = true;
        pauseReceiving(true);
    }

    /** While nothing is read, a reset would go unnoticed: asks the socket. */
    private void noticeError(int bits) {
        if ((bits & HANG_UP) == 0) return;
        long error = Sockets.getsockoptInt(here().errno, fd(), Sockets.SOL_SOCKET, Sockets.SO_ERROR);
        if (error > 0) endNow(IoErrors.of(-(int) error, "recv", "fd={}", fd()));
    }

    private void discard() {
        EventQueue queue = here().queue;
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

    @Override public boolean shouldYield() {
        checkColor();
        return here().vcore.shouldYield();
    }

    @Override public void showAgain() {
        checkColor();
        if (state != OPEN) return;
        showAgain = true;
        here().vcore.endTurn(); // else it would be shown in the same one, before what others wait for
        signal(RESUME);
    }

    @Override public void pauseReading() {
        checkColor();
        if (readingPaused || state != OPEN) return;
        readingPaused = true;
        pauseReceivingAndAwaitHangUp();
    }

    @Override public void resumeReading() {
        checkColor();
        if (!readingPaused || state != OPEN) return;
        readingPaused = false;
        pauseReceiving(false);
        signal(RESUME);
    }

    // ---------------------------------------------------------------------------------------------------------- output

    @Override public ByteSink output() {
        OutputSink sink = here().sink;
        if (!sink.isAt(output)) moveTo(sink);
        return sink;
    }

    private void moveTo(OutputSink sink) {
        checkColor();
        if (state != OPEN) throw new IllegalStateException("the connection is closed");
        if (shutdownWanted) throw new IllegalStateException("output was shut down");
        sink.moveTo(output);
        if (running) return;
        // Written to by another task of its colour: that must leave the cursor before the colour can be elsewhere.
        here().leaveSinkAtEndOfTurn();
        signal(FLUSH);
    }

    @Override public void write(ByteView data) {
        output().put(data, 0, data.length());
        data.consumeAll();
    }

    @Override public void write(byte[] data) { output().put(data); }

    @Override public void write(byte[] data, int offset, int length) { output().put(data, offset, length); }

    @Override public void write(ByteBuffer data) {
        output();
        here().sink.putBuffer(data);
    }

    @Override public void write(MemorySegment data) {
        output();
        here().sink.putSegment(data);
    }

    @Override public void sendFile(OpenFile source, long position, long count, Handler done) {
        if (count < 0) throw new IllegalArgumentException("count " + count);
        sendFile(new FilePart(this, color(), source, position, count, done), position);
    }

    @Override public void sendFile(FileHead head, FileName name, long position, long length, FileSentHandler done) {
        var order = new FilePart.Order(Objects.requireNonNull(name), Objects.requireNonNull(head), Objects.requireNonNull(done));
        sendFile(new FilePart(this, color(), order, position, length), position);
    }

    @Override public void sendFile(byte[] head, FileName name, long position, long length, FileSentHandler done) {
        sendFile((out, file) -> out.put(head), name, position, length, done);
    }

    private void sendFile(FilePart part, long position) {
        checkColor();
        if (state != OPEN) throw new IllegalStateException("the connection is closed");
        if (position < 0) throw new IllegalArgumentException("position " + position);
        if (output.hasFile()) throw new IllegalStateException("a file is being sent; wait until it is done");
        here().sink.leave();
        output.sendFile(part);
        if (!running) signal(FLUSH);
    }

    @Override public boolean cancelFile() {
        checkColor();
        FilePart part = output.file();
        if (part == null || part.hasBegun()) return false;
        output.endFile();
        part.end(here().blocks);
        new Task(color()) { // not from in here: the one who is told may be the one who asks
            @Override protected void run() throws Exception { part.tell(StreamConnection.this, new java.util.concurrent.CancellationException("taken back before anything was sent")); }

            @Override protected void failed(Throwable cause) { StreamConnection.this.failed(cause); }
        }.postSurely();
        signal(FLUSH); // what was written behind it
        return true;
    }

    /** The disk has brought what was waited for. Under the colour, in a task of its own. */
    void fileIsReady() {
        if (state >= ENDING) return;
        activeAt(Loop.current().vcore.now());
        signal(FLUSH);
    }

    @Override long pendingOutput() {
        OutputSink sink = here().sink;
        if (sink.isAt(output)) sink.commit();
        return output.pending();
    }

    @Override public long pendingBytes() {
        checkColor();
        return pendingOutput();
    }

    @Override public boolean isWritable() {
        checkColor();
        if (pendingOutput() < highWatermark) return true;
        aboveHigh = true; // who was told so is told of the change, however soon it comes
        return false;
    }

    @Override public void setWatermarks(int low, int high) {
        checkColor();
        if (low < 0 || high < low) throw new IllegalArgumentException("watermarks must be 0 <= low <= high, not " + low + ", " + high);
        lowWatermark = low;
        highWatermark = Math.max(1, high);
    }

    /** Sends as much as the kernel takes. Leaves the sink. */
    private void flush() throws Exception {
        Loop here = here();
        here.sink.leave(output);
        if (output.pending() >= highWatermark) aboveHigh = true; // noted before the kernel takes it, perhaps all at once
        if (output.isInFlight()) return;
        output.renewBudget();
        while (true) {
            long before = output.taken();
            Output.Outcome outcome = output.send(this, here);
            long sent = output.taken() - before;
            if (sent > 0) progressed(sent);
            if (state >= ENDING) return; // by who has written the head of a file
            switch (outcome) {
                case FILE_SENT -> {
                    FilePart part = output.endFile();
                    part.end(here.blocks);
                    part.tell(this, null);
                    if (state >= ENDING) return;
                    here.sink.leave(output);
                    if (!output.isEmpty() && here.vcore.shouldYield()) { // whoever is told may have any number of files, one after the other
                        signal(FLUSH);
                        return;
                    }
                }
                case ALL_SENT -> {
                    outputDone();
                    return;
                }
                case IN_FLIGHT -> {
                    outputWaits();
                    return;
                }
                case NO_ROOM -> {
                    outputWaits();
                    awaitRoom(true);
                    return;
                }
                case ON_DISK -> {
                    outputDoesNotWait();
                    return;
                }
                case NO_ROOM_FOR_FILE -> {
                    outputWaits();
                    awaitRoom(false);
                    return;
                }
                case BUDGET_SPENT -> {
                    outputWaits();
                    here.vcore.endTurn();
                    signal(FLUSH);
                    return;
                }
                case FAILED -> {
                    endNow(output.failure());
                    return;
                }
            }
        }
    }

    /** The kernel has taken bytes. */
    private void progressed(long bytes) {
        tookBytes(bytes);
        belowLow();
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
            if (!readingPaused) pauseReceiving(false);
            signal(RESUME);
        }
    }

    private void outputDone() {
        outputDoesNotWait();
        belowLow();
        if (shutdownWanted && !outputShutDown) {
            outputShutDown = true;
            Sockets.shutdown(here().errno, fd(), Sockets.SHUT_WR);
        }
        if (state == CLOSING) {
            if (lingerNanos == 0 || peerEnded) {
                endNow(null);
            } else {
                state = LINGERING;
                if (!outputShutDown) Sockets.shutdown(here().errno, fd(), Sockets.SHUT_WR);
                outputShutDown = true;
                deadlineIn(lingerNanos);
                pauseReceiving(false);
                signal(READABLE);
            }
        }
    }

    /** At home, by the event queue. */
    @Override public void sent(int result) {
        if (!loop.vcore.enter(color())) {
            putSent(result);
            return;
        }
        here = loop;
        completed(result);
        here = null;
        loop.vcore.exit(color());
    }

    private void completed(int result) {
        Loop here = here();
        output.completed();
        // Another task of the colour may have written here since, without this one having had its turn: the chain is changed below.
        here.sink.leave(output);
        if (state == ENDED) {
            output.release(here.blocks);
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
        output.taken(result, here.blocks);
        progressed(result);
        if (!output.isEmpty() || state != OPEN || shutdownWanted) signal(FLUSH);
        else outputDoesNotWait();
    }

    @Override public void shutdownOutput() {
        checkColor();
        if (state != OPEN || shutdownWanted) return;
        shutdownWanted = true;
        here().sink.leave(output); // so that writing more is noticed
        if (!running) signal(FLUSH);
    }

    // ------------------------------------------------------------------------------------------------------------- end

    @Override public void close() { close(0); }

    @Override public void closeLingering(Duration limit) { close(Math.max(1, limit.toNanos())); }

    private void close(long linger) {
        if (!isMine()) {
            new ConnectionRequest(this, ConnectionRequest.Kind.CLOSE, null).postSurely();
            return;
        }
        if (state == CONNECTING) {
            endNow(new java.io.IOException("closed while connecting"));
            return;
        }
        if (state != OPEN) return;
        state = CLOSING;
        open = false;
        here().sink.leave(output); // so that writing more is noticed
        lingerNanos = linger;
        releaseCarryLater();
        runAtHome(true); // closing and what comes after is done there
        pauseReceiving(true);
        if (!running || !isAtHome()) signal(FLUSH);
    }

    /** The carry may be on show in the callback that closes; its memory stays mapped and is not written before that returns. */
    private void releaseCarryLater() {
        if (!running) releaseCarry();
    }

    @Override public void abort() {
        if (!isMine()) {
            new ConnectionRequest(this, ConnectionRequest.Kind.ABORT, null).postSurely();
            return;
        }
        if (state >= ENDING) return;
        Sockets.setLinger(here().errno, fd(), true, 0);
        endNow(null);
    }

    @Override public boolean isOpen() { return open; }

    @Override public void execute(Runnable action) { new ConnectionRequest(this, ConnectionRequest.Kind.RUN, action).post(); }

    /** Tells whether it has ended, or is on its way home to do so. */
    boolean hasEnded() { return state >= ENDING; }

    // ------------------------------------------------------------------------------------------------------------ time

    @Override public void setIdleTimeout(Duration timeout) {
        checkColor();
        idleLimit(timeout.toNanos());
        if (!opening) armTimer(); // armed after opening
    }

    @Override public void setWriteProgressTimeout(Duration timeout, int minBytes) {
        checkColor();
        progressLimit(timeout.toNanos(), minBytes);
        if (output.isInFlight() || pendingOutput() > 0) outputWaits();
    }

    @Override public void setDeadline(long nanosFromNow) {
        checkColor();
        if (state == CLOSING || state == LINGERING) return;
        deadlineIn(nanosFromNow);
    }

    @Override void deadlinePassed() {
        switch (state) {
            case LINGERING -> endNow(null);
            case CONNECTING -> timedOut(new ConnectionTimeoutException(ConnectionTimeoutException.Kind.CONNECT, "no answer to the connection request"));
            default -> timedOut(new ConnectionTimeoutException(ConnectionTimeoutException.Kind.DEADLINE, "the deadline passed"));
        }
    }

    @Override void timedOut(ConnectionTimeoutException cause) { endNow(cause); }

    // -------------------------------------------------------------------------------------------------- handlers, the rest

    @Override public Connection onRead(ReadHandler handler) {
        checkColor();
        if (state == ENDED) return this;
        boolean first = readHandler == null && handler != null && !opening;
        readHandler = handler;
        if (first) signal(RESUME); // what came before may have been signalled already
        return this;
    }

    @Override public Connection onReadable(Handler handler) {
        checkColor();
        if (state == ENDED) return this;
        readableHandler = handler;
        if (!opening) signal(RESUME);
        return this;
    }

    @Override public Connection onWritable(Handler handler) {
        checkColor();
        writableHandler = handler;
        return this;
    }

    @Override public Connection onEnd(Handler handler) {
        checkColor();
        endHandler = handler;
        return this;
    }

    @Override public Connection onClose(CloseHandler handler) {
        checkColor();
        closeHandler = handler;
        return this;
    }

    @Override public Connection onDrain(Handler handler) {
        checkColor();
        drainHandler = handler;
        return this;
    }

    @Override public SocketAddress localAddress() {
        checkColor();
        return SocketNames.local(here().errno, fd(), here().scratch);
    }

    @Override public SocketAddress remoteAddress() {
        if (remote == null) {
            checkColor();
            remote = SocketNames.remote(here().errno, fd(), here().scratch);
        }
        return remote;
    }

    @Override public <T> T option(SocketOption<T> option) {
        checkColor();
        return TcpOptions.get(here().errno, fd(), option);
    }

    @Override public <T> Connection setOption(SocketOption<T> option, T value) {
        checkColor();
        TcpOptions.set(here().errno, fd(), option, value);
        return this;
    }

    @Override public Vcore vcore() { return loop.vcore; }

    @Override public long id() { return id; }

    @Override public Object attachment() { return attachment; }

    @Override public Connection attach(Object object) {
        attachment = object;
        return this;
    }

    @Override public String toString() { return "Connection[" + id() + ", fd=" + fd() + "]"; }
}
