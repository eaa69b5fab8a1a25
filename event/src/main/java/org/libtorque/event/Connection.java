package org.libtorque.event;

import java.lang.foreign.MemorySegment;
import java.net.SocketAddress;
import java.net.SocketOption;
import java.nio.ByteBuffer;
import java.time.Duration;
import org.libtorque.memory.ByteSink;
import org.libtorque.memory.ByteView;
import org.libtorque.memory.OutOfBuffersException;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Vcore;

/**
 * A connected TCP or Unix stream socket.
 *
 * <p><b>Threads.</b> Callbacks run under the connection's colour: never two at a time, in the order of what happened, each perhaps on another vcore
 * ({@link org.libtorque.vcore.Balance}). All methods belong to tasks of that colour and say so with an {@link IllegalStateException} otherwise, except those that are
 * documented for any thread: {@link #close}, {@link #abort}, {@link #execute}, {@link #isOpen}, and the getters of what never changes. Connections that are to
 * write to each other share a colour ({@link ListenOptions#withColor}). With {@link org.libtorque.vcore.Balance#STATIC} any task on the connection's vcore will do.
 *
 * <p><b>Reading.</b> {@link ReadHandler} gets a view of everything that has arrived and is not yet consumed. What it leaves is shown again with
 * what comes next, up to one buffer block (32 KiB unless configured); a handler that leaves a full block has its connection closed with a
 * {@link ReadBufferFullException}.
 *
 * <p><b>Writing</b> never blocks and never sends part of it only: bytes are copied to the connection's output and leave together when the
 * callback returns, in one system call or as one operation of the vcore's batch. When more than the high watermark is pending,
 * {@link #isWritable} turns false; a well-behaved program then stops producing until {@link #onWritable}. Nothing is refused before the
 * vcore's buffer memory is used up; then writing throws {@link OutOfBuffersException}.
 *
 * <p><b>End.</b> {@link #close} sends what is pending first. An exception from a callback goes to the runtime's failure handler and closes
 * this connection at once; {@link CloseHandler} hears of every end exactly once.
 */
public sealed interface Connection permits StreamConnection {
    /** Called with what has arrived. */
    @FunctionalInterface
    interface ReadHandler {
        /**
         * @param connection where it arrived
         * @param data       what is there, at least one byte; valid until this returns. {@linkplain ByteView#consume Consume} what has been dealt
         *                   with
         * @throws Exception anything; closes the connection
         */
        void onRead(Connection connection, ByteView data) throws Exception;
    }

    /** Called when something has happened to a connection. */
    @FunctionalInterface
    interface Handler {
        /**
         * @param connection which
         * @throws Exception anything; closes the connection
         */
        void on(Connection connection) throws Exception;
    }

    /** Called once when a connection has ended. */
    @FunctionalInterface
    interface CloseHandler {
        /**
         * @param connection which; its descriptor is gone
         * @param cause      null if either side closed in an orderly way; a {@link ConnectionTimeoutException}, the I/O error, or what a
         *                   callback threw
         * @throws Exception anything; goes to the failure handler
         */
        void onClose(Connection connection, Throwable cause) throws Exception;
    }

    /** Says who is told of data. Until a handler is set, nothing is read. Returns this. */
    Connection onRead(ReadHandler handler);

    /**
     * Says who is told that something may be there to {@link #receive}, instead of being shown it ({@link #onRead}): for who receives when he wants to. Told once: what has been
     * told of must be received until there is nothing. While {@linkplain #pauseReading reading is paused}, a reset ends the connection, and nothing else is told. What nobody receives stays with the kernel but for a few blocks. The peer's end is told in the same way, and closes
     * nothing; {@link #onEnd} is not called. Returns this.
     */
    Connection onReadable(Handler handler);

    /**
     * Receives, without waiting, and shows what there is. To be called if {@link #onReadable} is set.
     *
     * @param more    whether to receive more although something was left the last time, which is then shown in front of it; else that is shown by itself, if there is any
     * @param handler called with what there is, once at most, in the course of this call; what it leaves is kept. It must not wait
     * @return bytes received or, if some that were left have been shown, shown; 0 if there is nothing now; {@link #END} if there will never be more, because the peer has ended its
     *         direction or the connection is closed
     * @throws Exception                what the handler throws
     * @throws ReadBufferFullException  if more is asked for and a whole block was left
     */
    int receive(boolean more, ReadHandler handler) throws Exception;

    /** There will never be more to {@link #receive}. */
    int END = -1;

    /** Says who is told when pending output has fallen to the low watermark after having been above the high one. Returns this. */
    Connection onWritable(Handler handler);

    /**
     * Says who is told that the peer has ended its direction. All data has been shown before. Without a handler the connection is closed once
     * pending output is sent. Returns this.
     */
    Connection onEnd(Handler handler);

    /** Says who is told when the connection has ended. Returns this. */
    Connection onClose(CloseHandler handler);

    /**
     * Says who is told that the runtime is stopping and wants the connection to come to its end: it should finish what it is doing and
     * {@link #close}. Without a handler, what has already arrived is read and answered and then the connection is closed. Whoever is still open
     * at the drain deadline is cut off. Returns this.
     */
    Connection onDrain(Handler handler);

    // ---- output

    /**
     * Returns the cursor at the end of this connection's output; valid until the callback returns. A vcore has one for all its connections: after writing to
     * another one, ask again.
     */
    ByteSink output();

    /** Writes and consumes a whole view. */
    void write(ByteView data);

    /** Writes a whole array. */
    void write(byte[] data);

    /** Writes {@code length} bytes of an array. */
    void write(byte[] data, int offset, int length);

    /** Writes the remaining bytes of a buffer and advances it. */
    void write(ByteBuffer data);

    /** Writes a whole segment. */
    void write(MemorySegment data);

    /**
     * Sends bytes of a file behind what is pending, without copying them through this process (sendfile(2)), and without waiting for the disk on a vcore. The file stays the caller's and must
     * stay open until {@code done} or the end of the connection; one file at a time.
     *
     * @param position first byte
     * @param count    how many bytes; if the file turns out shorter, the connection is closed with an error, since the peer has been promised more
     * @param done     called when all of it is with the kernel
     * @throws IllegalStateException if another file is pending
     */
    void sendFile(OpenFile file, long position, long count, Handler done);

    /** Writes what goes before a file, knowing the file. */
    @FunctionalInterface
    interface FileHead {
        /**
         * @param out  the cursor at the end of what goes before the file
         * @param file open for this sending: its size and times are those of what will be sent
         * @throws Exception anything: nothing is sent then, and {@link FileSentHandler} gets it
         */
        void write(ByteSink out, OpenFile file) throws Exception;
    }

    /** Told of the end of a one-shot sending. */
    @FunctionalInterface
    interface FileSentHandler {
        /**
         * @param connection where; if something went wrong after the first byte, it has ended
         * @param sent       bytes of the file that the kernel has taken, without the head
         * @param failure    null if that is all. With nothing sent: why the file could not be had ({@link java.nio.file.NoSuchFileException} and the like; {@link java.io.EOFException}
         *                   if it has not as many bytes as were asked for; {@link java.util.concurrent.CancellationException}), what writing the head threw; the connection goes on. Else why
         *                   sending came to its end, of which {@link CloseHandler} is told after
         * @throws Exception anything; closes the connection
         */
        void onSent(Connection connection, long sent, Throwable failure) throws Exception;
    }

    /**
     * Sends a file by its name, as one request: opens it, sends a head and then bytes of it behind what is pending, closes it, and says how it went, once. Nothing of this waits for the
     * disk on a vcore. Nothing is sent before the file is open and known to have the bytes: until then the connection can still say something else instead. If the file is cut
     * while it is sent, or cannot be read, the connection is closed, since the peer has been promised more. One file at a time, as with {@link #sendFile(OpenFile, long, long, Handler)}.
     *
     * @param head     what goes before the file
     * @param name     which; its {@link FileRoot}, if it has one, must stay open until {@code done}
     * @param position first byte
     * @param length   how many bytes; negative for all to the end
     * @param done     told of the end; never from in here
     * @throws IllegalStateException if another file is pending
     */
    void sendFile(FileHead head, FileName name, long position, long length, FileSentHandler done);

    /** Sends a file by its name behind a head that is known beforehand; see {@link #sendFile(FileHead, FileName, long, long, FileSentHandler)}. */
    void sendFile(byte[] head, FileName name, long position, long length, FileSentHandler done);

    /**
     * Takes back a one-shot sending that has not begun: its file is still to be opened. Its handler is told, with a {@link java.util.concurrent.CancellationException}.
     *
     * @return false if there is none, or something of it may have been sent: then only {@link #abort} ends it
     */
    boolean cancelFile();

    /** Returns how many bytes wait to be taken by the kernel, those of a pending file included. */
    long pendingBytes();

    /** Tells whether less than the high watermark is pending. */
    boolean isWritable();

    /**
     * Sets the watermarks in bytes.
     *
     * @throws IllegalArgumentException unless {@code 0 <= low <= high}
     */
    void setWatermarks(int low, int high);

    // ---- input

    /** Stops showing data; what arrives stays in the kernel, which slows the peer down. */
    void pauseReading();

    /** Goes on showing data, first what was left unconsumed. The handler is called from the loop, not from in here. */
    void resumeReading();

    // ---- time

    /** Closes the connection with a {@link ConnectionTimeoutException} when no byte has come or gone for this long. Zero: never. */
    void setIdleTimeout(Duration timeout);

    /**
     * Closes the connection with a {@link ConnectionTimeoutException} when output is pending and the peer has not taken {@code minBytes} of it within
     * {@code timeout}. What counts is what the peer's kernel acknowledges, so that a slow peer is not taken for a stuck one; since the kernel is asked only
     * when the time is up, a stuck one can stay for twice as long. Zero: never.
     */
    void setWriteProgressTimeout(Duration timeout, int minBytes);

    /**
     * Sets an absolute limit for something that the program waits for, such as the rest of a message: unless cleared or set again, the
     * connection is closed with a {@link ConnectionTimeoutException} that far from now. Cheap enough to be set for each message.
     *
     * @param nanosFromNow 0 clears it
     */
    void setDeadline(long nanosFromNow);

    // ---- end

    /** Sends what is pending, then closes. Nothing more is read or shown. Any thread; a second call does nothing. */
    void close();

    /**
     * As {@link #close}, but half-closes first and reads and discards for up to {@code limit} until the peer closes too. To be used when the peer
     * may still be sending: closing with data unread resets the connection, and the reset may overtake the answer (RFC 9112, 9.6).
     */
    void closeLingering(Duration limit);

    /** Closes at once with a reset and drops what is pending. Any thread. */
    void abort();

    /** Sends what is pending, then ends this side's direction; reading goes on. */
    void shutdownOutput();

    /** Tells whether neither {@link #close} nor {@link #abort} has been called and no end has been seen. Any thread. */
    boolean isOpen();

    // ---- the rest

    /** Runs a piece of code under this connection's colour, from any thread; dropped if the connection has ended by then. Allocates. */
    void execute(Runnable action);

    /** Returns the address of this side. Allocates and asks the kernel. */
    SocketAddress localAddress();

    /** Returns the address of the peer. Allocates and asks the kernel the first time; later, also after the end, remembers. */
    SocketAddress remoteAddress();

    /** Returns a socket option, of {@link java.net.StandardSocketOptions} or {@link TcpOptions}. */
    <T> T option(SocketOption<T> option);

    /** Sets a socket option, of {@link java.net.StandardSocketOptions} or {@link TcpOptions}. Returns this. */
    <T> Connection setOption(SocketOption<T> option, T value);

    /**
     * Tells whether the running callback has had its share of time: one that goes through a backlog, such as pipelined requests, should then leave the rest and
     * {@linkplain #showAgain ask to see it again}. Reads the clock.
     */
    boolean shouldYield();

    /** Has what the read handler leaves shown again in a later turn, behind what others wait for, even if nothing more arrives. */
    void showAgain();

    /** Returns the vcore that is home to this connection: at which it is registered, though perhaps not where its callbacks run. Any thread. */
    Vcore vcore();

    /** Returns the colour of this connection's callbacks. Any thread. */
    Color color();

    /** Returns a number that no other connection of this runtime has. Any thread. */
    long id();

    /** Returns what {@link #attach} was given. */
    Object attachment();

    /** Keeps an object for the program. Returns this. */
    Connection attach(Object attachment);
}
