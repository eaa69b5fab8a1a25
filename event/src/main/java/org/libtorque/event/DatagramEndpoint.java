package org.libtorque.event;

import java.lang.foreign.Arena;
import java.net.SocketAddress;
import org.libtorque.memory.ByteView;
import org.libtorque.memory.raw.RawView;
import org.libtorque.sys.Errno;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Files;
import org.libtorque.sys.NativeMemory;
import org.libtorque.sys.SocketAddresses;
import org.libtorque.sys.Sockets;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.EventSource;
import org.libtorque.vcore.Vcore;

/**
 * A UDP socket of one vcore. Callbacks run under its colour; methods belong there too, unless they say otherwise. Receiving and answering allocate nothing
 * on the Java heap. While its vcore is parked, another one serves it.
 */
public final class DatagramEndpoint {
    /** The largest datagram that can be received; what is longer is cut off and reported by {@link #isTruncated}. */
    public static final int MAX_BYTES = 65_535;

    private static final int BUDGET = 64;
    private static final int NAME_BYTES = SocketAddresses.MAX_SIZE;

    private final Source source;

    DatagramEndpoint(Loop loop, Color color, int fd, DatagramHandler handler) { source = new Source(loop, color, fd, handler); }

    void start() { source.start(); }

    void stop() { source.end(); }

    /** Nothing is told any more; {@link #stop} comes. Any thread. */
    void silence() { source.silent = true; }

    /** Its vcore has ended before it was started there. Any thread, once. */
    void neverStarted() { Files.close(ErrnoSlot.current(), source.fd()); }

    Loop loop() { return source.loop; }

    Color color() { return source.color(); }

    /** Returns the address it is bound to. Allocates. */
    public SocketAddress localAddress() {
        source.loop.checkCurrent(this);
        return SocketNames.local(source.loop.errno, source.fd(), source.loop.scratch);
    }

    /** Returns who sent the datagram that the handler is looking at. Allocates. */
    public SocketAddress sender() {
        source.checkInCallback();
        return SocketAddresses.decode(source.nameAddress, source.nameLength);
    }

    /** Tells whether the datagram that the handler is looking at was longer than {@link #MAX_BYTES} and has lost its end. */
    public boolean isTruncated() {
        source.checkInCallback();
        return source.truncated;
    }

    /**
     * Sends a view's bytes to the sender of the datagram that the handler is looking at. Consumes nothing.
     *
     * @return false if the kernel has no room now: the datagram was not sent, as UDP may lose any
     */
    public boolean reply(ByteView data) {
        source.checkInCallback();
        return source.send(RawView.addressOf(data), data.length(), source.nameAddress, source.nameLength);
    }

    /**
     * Sends bytes to an address. Allocates.
     *
     * @return false if the kernel has no room now: the datagram was not sent, as UDP may lose any
     */
    public boolean send(byte[] data, SocketAddress to) {
        source.loop.checkCurrent(this);
        if (data.length > MAX_BYTES) throw new IllegalArgumentException("a datagram holds at most " + MAX_BYTES + " bytes, not " + data.length);
        try (var arena = Arena.ofConfined()) {
            long memory = arena.allocate(NAME_BYTES + Math.max(1, data.length), 8).address();
            int nameLength = SocketAddresses.encode(to, memory);
            NativeMemory.copy(data, 0, memory + NAME_BYTES, data.length);
            return source.send(memory + NAME_BYTES, data.length, memory, nameLength);
        }
    }

    private final class Source extends EventSource {
        /** Of the home. */
        private Loop loop;
        /** The vcore that it is for. */
        private final Vcore seat;
        private final DatagramHandler handler;
        private final RawView view = new RawView();
        private final Arena arena = Arena.ofShared(); // opened by whoever binds
        private final long memory;
        private final long nameAddress;
        private int nameLength;
        private boolean truncated;
        private boolean inCallback;
        private boolean open;
        /** Written by whoever closes, read by the runner. */
        private volatile boolean silent;

        private final LoopSource membership = new LoopSource() {
            @Override void drain() { end(); }

            @Override void endNow() { end(); }
        };

        Source(Loop loop, Color color, int fd, DatagramHandler handler) {
            super(color, fd);
            this.loop = loop;
            this.seat = loop.vcore;
            this.handler = handler;
            // The name's length, the name, then room for the largest datagram and one byte, by which a longer one is known.
            memory = arena.allocate(16 + NAME_BYTES + MAX_BYTES + 1, 16).address();
            nameAddress = memory + 16;
        }

        void start() {
            int result = loop.queue.watch(this, READABLE);
            if (result < 0) {
                Files.close(loop.errno, fd());
                loop.vcore.reportFailure(DatagramEndpoint.this, IoErrors.ofRegistration(result, fd()));
                return;
            }
            open = true;
            loop.add(membership);
            seat.seat(color());
            if (loop.draining()) end();
        }

        // ---- moving

        @Override protected boolean canMove() { return open; }

        @Override protected void depart() {
            loop.remove(membership);
            super.depart();
        }

        @Override protected void arrive() {
            loop = Loop.of(color().home());
            if (!loop.attach(this, membership, DatagramEndpoint.this) || loop.draining()) end();
        }

        void end() {
            if (!open) return;
            open = false;
            loop.remove(membership);
            seat.unseat(color());
            loop.queue.close(this, false);
            loop.files.closeLater(arena);
        }

        void checkInCallback() {
            loop.checkCurrent(DatagramEndpoint.this);
            if (!inCallback) throw new IllegalStateException("only while the handler looks at a datagram");
        }

        @Override protected void run() throws Exception {
            takeReady();
            for (int budget = BUDGET; open && !silent && budget > 0; budget--) {
                long data = nameAddress + NAME_BYTES;
                NativeMemory.putInt(memory, NAME_BYTES);
                int n = Sockets.recvfrom(loop.errno, fd(), data, MAX_BYTES + 1, 0, nameAddress, memory);
                if (n == -Errno.EAGAIN) return;
                if (n == -Errno.EINTR || n == -Errno.ECONNREFUSED) continue; // refused: an ICMP answer to something sent earlier
                if (n < 0) throw IoErrors.of(n, "recvfrom", "fd={}", fd());
                nameLength = NativeMemory.getInt(memory);
                truncated = n > MAX_BYTES;
                view.point(data, Math.min(n, MAX_BYTES));
                inCallback = true;
                try {
                    handler.onDatagram(DatagramEndpoint.this, view);
                } finally {
                    inCallback = false;
                }
            }
            if (open) signal(READABLE); // behind the other colours
        }

        /** A handler's failure loses its datagram, not the socket. */
        @Override protected void failed(Throwable cause) {
            loop.vcore.reportFailure(DatagramEndpoint.this, cause);
            if (open) signal(READABLE);
        }

        boolean send(long address, int length, long name, int nameBytes) {
            int n;
            do n = Sockets.sendto(loop.errno, fd(), address, length, Sockets.MSG_NOSIGNAL, name, nameBytes);
            while (n == -Errno.EINTR);
            if (n == -Errno.EAGAIN || n == -Errno.ENOBUFS) return false;
            if (n < 0) throw new java.io.UncheckedIOException(IoErrors.of(n, "sendto", "fd={}, length={}", fd(), length));
            return true;
        }
    }
}
