package org.libtorque.apps.kweb;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.BindException;
import java.net.SocketAddress;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.libtorque.apps.cli.ServeOptions;
import org.libtorque.hardware.CpuSet;
import org.libtorque.sys.Affinity;
import org.libtorque.sys.Clocks;
import org.libtorque.sys.Errno;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Files;
import org.libtorque.sys.NativeMemory;
import org.libtorque.sys.SocketAddresses;
import org.libtorque.sys.Sockets;
import org.libtorque.sys.SyscallException;

/**
 * Mode {@code os}: a platform thread for each connection, with blocking system calls on blocking sockets, and one that accepts. What the others are compared with; so it goes the shortest way, by the same calls
 * as they, and not through the JDK's sockets.
 */
final class OsServer implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger("org.libtorque.kweb");
    /** How often the accepting thread looks whether it is to end, and after it has run out of something. */
    private static final long LOOK_NANOS = 100_000_000;
    private static final long POLL_MILLIS = 10;
    /** For threads that have been cut off to end. */
    private static final long END_MILLIS = 5_000;

    private final Site site;
    private final ServeOptions options;
    private final int fd;
    private final SocketAddress address;
    private final Thread acceptor;
    private final Set<OsSession> sessions = ConcurrentHashMap.newKeySet();
    private volatile boolean draining;

    private OsServer(Site site, int fd, SocketAddress address) {
        this.site = site;
        this.options = site.options;
        this.fd = fd;
        this.address = address;
        acceptor = Thread.ofPlatform().name("kweb-accept").daemon().unstarted(this::accept);
    }

    /** Listens on an address and serves. */
    static OsServer open(SocketAddress wanted, Site site) throws IOException {
        ErrnoSlot errno = ErrnoSlot.current();
        try (Arena arena = Arena.ofConfined()) {
            long memory = arena.allocate(256, 8).address();
            int family = SocketAddresses.family(wanted);
            int fd = check(Sockets.socket(errno, family, Sockets.SOCK_STREAM | Sockets.SOCK_CLOEXEC, 0), "socket");
            try {
                Sockets.setsockoptInt(errno, fd, Sockets.SOL_SOCKET, Sockets.SO_REUSEADDR, 1);
                if (family == Sockets.AF_INET6) Sockets.setsockoptInt(errno, fd, Sockets.IPPROTO_IPV6, Sockets.IPV6_V6ONLY, 0);
                Sockets.setsockoptInt(errno, fd, Sockets.IPPROTO_TCP, Sockets.TCP_NODELAY, 1); // accepted sockets inherit it
                setTimeout(errno, memory, fd, Sockets.SO_RCVTIMEO, LOOK_NANOS);
                check(Sockets.bind(errno, fd, memory, SocketAddresses.encode(wanted, memory)), "bind");
                check(Sockets.listen(errno, fd, site.options.backlog()), "listen");
                MemorySegment length = arena.allocate(4, 4);
                length.set(ValueLayout.JAVA_INT, 0, SocketAddresses.MAX_SIZE);
                check(Sockets.getsockname(errno, fd, memory, length.address()), "getsockname");
                OsServer server = new OsServer(site, fd, SocketAddresses.decode(memory, length.get(ValueLayout.JAVA_INT, 0)));
                server.acceptor.start();
                return server;
            } catch (IOException | RuntimeException e) {
                Files.close(errno, fd);
                throw e;
            }
        }
    }

    private static int check(int result, String call) throws IOException {
        if (result >= 0) return result;
        SyscallException cause = SyscallException.of(result, call, "");
        IOException e = result == -Errno.EADDRINUSE ? new BindException(cause.getMessage()) : new IOException(cause.getMessage());
        e.initCause(cause);
        throw e;
    }

    /** Limits how long calls on a socket wait; 0 for ever. {@code memory}: 16 bytes, overwritten. */
    static void setTimeout(ErrnoSlot errno, long memory, int fd, int option, long nanos) {
        NativeMemory.putLong(memory + Clocks.Timeval.TV_SEC, nanos / 1_000_000_000);
        NativeMemory.putLong(memory + Clocks.Timeval.TV_USEC, nanos % 1_000_000_000 / 1_000);
        Sockets.setsockopt(errno, fd, Sockets.SOL_SOCKET, option, memory, (int) Clocks.Timeval.SIZE);
    }

    SocketAddress address() { return address; }

    boolean isDraining() { return draining; }

    Site site() { return site; }

    // -------------------------------------------------------------------------------------------------------------- accepting

    private void accept() {
        ErrnoSlot errno = ErrnoSlot.current();
        keepToCpus(errno);
        boolean exhausted = false;
        while (true) {
            boolean last = draining; // then connections that the kernel has completed are still accepted
            if (options.maxConnections() > 0 && sessions.size() >= options.maxConnections()) {
                if (last) break;
                pause(POLL_MILLIS);
                continue;
            }
            int accepted = Sockets.accept4(errno, fd, 0, 0, Sockets.SOCK_CLOEXEC);
            if (accepted >= 0) {
                exhausted = false;
                serve(accepted);
                continue;
            }
            switch (-accepted) {
                case Errno.EAGAIN -> { // nobody came
                    if (last) {
                        Files.close(errno, fd);
                        return;
                    }
                }
                case Errno.EMFILE, Errno.ENFILE, Errno.ENOBUFS, Errno.ENOMEM -> {
                    if (!exhausted) LOG.log(System.Logger.Level.WARNING, "accepting pauses: {0}", Errno.describe(-accepted));
                    exhausted = true;
                    pause(LOOK_NANOS / 1_000_000);
                }
                default -> { } // the connection broke before it was accepted, or a signal came
            }
        }
        Files.close(errno, fd);
    }

    /** Threads inherit the mask of the one that starts them. */
    private void keepToCpus(ErrnoSlot errno) {
        CpuSet cpus = options.cpus();
        if (cpus.isEmpty()) return;
        try (Arena arena = Arena.ofConfined()) {
            long[] words = cpus.words();
            MemorySegment mask = arena.allocateFrom(ValueLayout.JAVA_LONG, words);
            SyscallException.check(Affinity.setaffinity(errno, 0, mask.address(), words.length * Long.BYTES), "sched_setaffinity", "cpus={}", cpus);
        }
    }

    private void serve(int accepted) {
        OsSession session = new OsSession(this, accepted);
        sessions.add(session);
        try {
            session.start();
        } catch (OutOfMemoryError e) { // no more threads to be had
            LOG.log(System.Logger.Level.WARNING, "a connection is closed: {0}", e.getMessage());
            session.closeDescriptor();
            ended(session);
        }
    }

    void ended(OsSession session) { sessions.remove(session); }

    private static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // nobody of us does that
        }
    }

    // ---------------------------------------------------------------------------------------------------------------- the end

    /** Stops accepting, lets requests in flight come to their end within the drain timeout, and cuts off what is left. */
    @Override public void close() {
        draining = true;
        long start = System.nanoTime();
        long limit = options.drainTimeout().toNanos();
        long grace = Math.min(limit, Session.DRAIN_GRACE.toNanos());
        try {
            while ((acceptor.isAlive() || !sessions.isEmpty()) && System.nanoTime() - start < limit) {
                if (System.nanoTime() - start >= grace) sessions.forEach(OsSession::endIfIdle);
                Thread.sleep(POLL_MILLIS);
            }
            sessions.forEach(OsSession::cutOff);
            acceptor.join(END_MILLIS);
            long end = System.nanoTime() + END_MILLIS * 1_000_000;
            while (!sessions.isEmpty() && System.nanoTime() - end < 0) {
                sessions.forEach(OsSession::cutOff); // such as were accepted meanwhile
                Thread.sleep(POLL_MILLIS);
            }
        } catch (InterruptedException e) {
            sessions.forEach(OsSession::cutOff);
            Thread.currentThread().interrupt();
        }
    }
}
