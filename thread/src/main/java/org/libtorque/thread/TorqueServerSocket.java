package org.libtorque.thread;

import java.io.Closeable;
import java.io.IOException;
import java.net.SocketAddress;
import java.net.SocketTimeoutException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.libtorque.Torque;
import org.libtorque.event.Connection;
import org.libtorque.event.ListenOptions;
import org.libtorque.event.Listener;
import org.libtorque.vcore.VcoreThread;

/**
 * Accepts connections in blocking style. All vcores accept ({@link Listener}), each what its own socket gets, and {@link #accept} returns them in the order in which they came; when
 * {@value #MAX_READY} wait for that, vcores stop accepting until half of them have been taken, and connections wait in the kernel's backlog.
 *
 * <p>A socket that was accepted has a colour of its own and is at home on the vcore that accepted it. The thread that serves it should have that colour:
 *
 * <pre>{@code
 *   try (var server = TorqueServerSocket.bind(torque, address)) {
 *       while (true) {
 *           TorqueSocket socket = server.accept();
 *           torque.spawn(socket.color(), () -> serve(socket));
 *       }
 *   }
 * }</pre>
 *
 * {@link #serve} does the same with no thread that accepts, and so with nothing that all connections go through.
 *
 * <p>Any thread may call any method; callbacks must not wait. Interrupts and closing are as with {@link TorqueSocket}; when the runtime stops, who waits gets an {@link
 * AsynchronousCloseException}.
 */
public final class TorqueServerSocket implements Closeable {
    /** Sockets that may wait to be taken. */
    public static final int MAX_READY = 1024;
    /** How long a socket is read on behind its handler. */
    private static final Duration LINGER = Duration.ofSeconds(1);

    private final ConcurrentLinkedQueue<TorqueSocket> ready = new ConcurrentLinkedQueue<>();
    private final AtomicInteger readyCount = new AtomicInteger();
    private final ConcurrentLinkedQueue<Thread> waiting = new ConcurrentLinkedQueue<>();
    /** Set when it is known; connections may come before. */
    private volatile Listener listener;
    private volatile boolean closed;
    private volatile long timeoutNanos;

    private TorqueServerSocket() {}

    /** Serves a connection. */
    @FunctionalInterface
    public interface Handler {
        /**
         * Called on a uthread of the socket's colour. When it returns, the socket is closed, lingering for a second unless the peer has ended.
         *
         * @throws Exception anything; goes to the failure handler unless the connection has ended, and resets the connection
         */
        void serve(TorqueSocket socket) throws Exception;
    }

    /** Listens, with {@link ListenOptions#DEFAULT}. */
    public static TorqueServerSocket bind(Torque torque, SocketAddress address) throws IOException { return bind(torque, address, ListenOptions.DEFAULT); }

    /**
     * Listens on an address.
     *
     * @throws IOException if the address is in use, may not be used, or descriptors are out
     */
    public static TorqueServerSocket bind(Torque torque, SocketAddress address, ListenOptions options) throws IOException {
        TorqueServerSocket server = new TorqueServerSocket();
        server.listener = torque.listen(address, options, server::opened);
        server.listener.onClose(server::ended);
        return server;
    }

    /**
     * Listens, and starts a uthread for each connection, with the connection's colour, on the vcore that accepts it. Limits and colours are those of the options.
     *
     * @throws IOException                   if the address is in use, may not be used, or descriptors are out
     * @throws UnsupportedOperationException if uthreads cannot have colours here ({@link Uthreads#problem})
     */
    public static Listener serve(Torque torque, SocketAddress address, ListenOptions options, Handler handler) throws IOException {
        Uthreads uthreads = Uthreads.of(torque);
        if (uthreads.problem() != null) throw new UnsupportedOperationException("threads cannot be given a colour here: " + uthreads.problem());
        return torque.listen(address, options, connection -> {
            TorqueSocket socket = new TorqueSocket(connection, TorqueSocket.DRAIN_GRACE.toNanos());
            try {
                uthreads.spawn(connection.color(), () -> run(socket, handler, connection));
            } catch (RejectedExecutionException e) {
                connection.abort(); // the runtime has stopped
            }
        });
    }

    private static void run(TorqueSocket socket, Handler handler, Connection connection) {
        try {
            handler.serve(socket);
            socket.closeLingering(LINGER); // the peer may still be sending, and a reset would overtake the answer
        } catch (Throwable e) {
            boolean broken = !connection.isOpen();
            socket.abort();
            if (e instanceof Error || !(broken && e instanceof IOException)) connection.vcore().reportFailure(handler, e);
        }
    }

    private void opened(Connection connection) {
        TorqueSocket socket = new TorqueSocket(connection, TorqueSocket.DRAIN_GRACE.toNanos());
        ready.add(socket);
        if (readyCount.incrementAndGet() >= MAX_READY) {
            hold(true);
            if (readyCount.get() <= MAX_READY / 2) hold(false); // they have been taken meanwhile, and nobody would go on with it
        }
        if (closed) closeReady();
        wakeOne();
    }

    private void hold(boolean yes) {
        Listener of = listener;
        if (of != null) of.hold(yes);
    }

    private void wakeOne() {
        Thread thread = waiting.poll();
        if (thread != null) LockSupport.unpark(thread);
    }

    /** Limits how long one {@link #accept} waits, from now on; zero for no limit, which is the default. Returns this. */
    public TorqueServerSocket acceptTimeout(Duration limit) {
        timeoutNanos = Parker.limitOf(limit);
        return this;
    }

    /**
     * Returns the next connection, waiting for it if need be.
     *
     * @throws SocketTimeoutException     if none came within the timeout
     * @throws ClosedByInterruptException if the thread is interrupted while it waits, or begins to wait with its interrupt status set; this is closed then
     * @throws AsynchronousCloseException if this is closed meanwhile, or the runtime begins to stop
     * @throws ClosedChannelException     if it was before
     */
    public TorqueSocket accept() throws IOException {
        Thread self = Thread.currentThread();
        long timeout = timeoutNanos;
        long deadline = timeout == 0 ? 0 : System.nanoTime() + timeout;
        for (boolean waited = false; ; waited = true) {
            TorqueSocket socket = take();
            if (socket != null) return socket;
            if (closed) throw waited ? new AsynchronousCloseException() : new ClosedChannelException();
            if (self instanceof VcoreThread) throw new IllegalStateException("callbacks must not wait: call this in a thread (Torque.spawn)");
            if (self.isInterrupted()) {
                close();
                throw new ClosedByInterruptException();
            }
            if (timeout != 0 && deadline - System.nanoTime() <= 0) throw new SocketTimeoutException("no connection for " + Duration.ofNanos(timeout));
            waiting.add(self);
            // Whoever brings one, or the end, after this look finds us among those who wait.
            if (ready.isEmpty() && !closed) {
                if (timeout == 0) Uthread.park(this);
                else Uthread.parkUntil(this, deadline);
            }
            // If it was taken off, that was for us alone; if we leave with something else, another one is to be woken for it.
            if (!waiting.remove(self) && !ready.isEmpty()) wakeOne();
        }
    }

    private TorqueSocket take() {
        TorqueSocket socket = ready.poll();
        if (socket != null && readyCount.decrementAndGet() == MAX_READY / 2) hold(false);
        return socket;
    }

    /** Returns the address, with the port that the kernel chose if 0 was asked for. */
    public SocketAddress localAddress() { return listener.address(); }

    /** Returns how many of its connections are open. */
    public int connections() { return listener.connections(); }

    /** Stops listening, closes what nobody has taken, and wakes who waits. */
    @Override public void close() { listener.close(); }

    private void ended() {
        closed = true;
        closeReady();
        for (Thread thread; (thread = waiting.poll()) != null; ) LockSupport.unpark(thread);
    }

    private void closeReady() {
        for (TorqueSocket socket; (socket = take()) != null; ) socket.close();
    }

    /** Tells whether it still listens. */
    public boolean isOpen() { return !closed; }

    @Override public String toString() { return "TorqueServerSocket[" + listener.address() + "]"; }
}
