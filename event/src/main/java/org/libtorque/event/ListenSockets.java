package org.libtorque.event;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.net.SocketAddress;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Files;
import org.libtorque.sys.SocketAddresses;
import org.libtorque.sys.Sockets;

/** Opens the sockets of listeners and datagram sources: one for each vcore. */
final class ListenSockets {
    private ListenSockets() {}

    /** Returns {@code count} listening sockets for one address. On failure none is left open. */
    static int[] open(SocketAddress address, ListenOptions options, int count) throws IOException {
        int family = SocketAddresses.family(address);
        boolean unix = family == Sockets.AF_UNIX;
        ErrnoSlot errno = ErrnoSlot.current();
        int[] fds = new int[count];
        int opened = 0;
        try (Arena arena = Arena.ofConfined()) {
            long name = arena.allocate(256, 8).address();
            // A socket without SO_REUSEPORT first: it settles the port, and fails if anybody else has it, which a member of a
            // group would not (another process of the same user could be joined by mistake, and would get half of the connections).
            fds[0] = bind(errno, address, family, Sockets.SOCK_STREAM, false, name);
            opened = 1;
            SocketAddress settled = SocketNames.local(errno, fds[0], name);
            if (count > 1 && !unix) {
                // It becomes the first member of the group only now. It listens before the others join: two may be bound, but only one group may listen.
                Sockets.setsockoptInt(errno, fds[0], Sockets.SOL_SOCKET, Sockets.SO_REUSEPORT, 1);
                listen(errno, fds[0], options, family, address);
                while (opened < count) {
                    fds[opened++] = bind(errno, settled, family, Sockets.SOCK_STREAM, true, name);
                    listen(errno, fds[opened - 1], options, family, address);
                }
                return fds;
            }
            if (count > 1 && unix) {
                while (opened < count) {
                    int copy = Files.fcntl(errno, fds[0], Files.F_DUPFD_CLOEXEC, 0);
                    if (copy < 0) throw IoErrors.of(copy, "fcntl", "fd={}, F_DUPFD_CLOEXEC", fds[0]);
                    fds[opened++] = copy;
                }
            }
            listen(errno, fds[0], options, family, address);
            return fds;
        } catch (IOException | RuntimeException e) {
            for (int i = 0; i < opened; i++) Files.close(errno, fds[i]);
            throw e;
        }
    }

    private static void listen(ErrnoSlot errno, int fd, ListenOptions options, int family, SocketAddress address) throws IOException {
        if (family != Sockets.AF_UNIX && options.noDelay()) {
            Sockets.setsockoptInt(errno, fd, Sockets.IPPROTO_TCP, Sockets.TCP_NODELAY, 1); // accepted sockets inherit it
        }
        if (options.receiveBufferBytes() > 0) Sockets.setsockoptInt(errno, fd, Sockets.SOL_SOCKET, Sockets.SO_RCVBUF, options.receiveBufferBytes());
        if (options.sendBufferBytes() > 0) Sockets.setsockoptInt(errno, fd, Sockets.SOL_SOCKET, Sockets.SO_SNDBUF, options.sendBufferBytes());
        int result = Sockets.listen(errno, fd, options.backlog());
        if (result < 0) throw IoErrors.of(result, "listen", "{}", address);
    }

    /** Returns a bound non-blocking socket. {@code name}: 256 bytes, overwritten. */
    static int bind(ErrnoSlot errno, SocketAddress address, int family, int type, boolean reusePort, long name) throws IOException {
        int fd = Sockets.socket(errno, family, type | Sockets.SOCK_NONBLOCK | Sockets.SOCK_CLOEXEC, 0);
        if (fd < 0) throw IoErrors.of(fd, "socket", "for {}", address);
        if (family != Sockets.AF_UNIX && type == Sockets.SOCK_STREAM) {
            Sockets.setsockoptInt(errno, fd, Sockets.SOL_SOCKET, Sockets.SO_REUSEADDR, 1); // else connections in TIME_WAIT forbid a restart
        }
        if (reusePort) Sockets.setsockoptInt(errno, fd, Sockets.SOL_SOCKET, Sockets.SO_REUSEPORT, 1);
        // "::" means IPv4 too, whatever net.ipv6.bindv6only says; for other addresses this is of no effect.
        if (family == Sockets.AF_INET6) Sockets.setsockoptInt(errno, fd, Sockets.IPPROTO_IPV6, Sockets.IPV6_V6ONLY, 0);
        int result = Sockets.bind(errno, fd, name, SocketAddresses.encode(address, name));
        if (result < 0) {
            Files.close(errno, fd);
            throw IoErrors.of(result, "bind", "{}", address);
        }
        return fd;
    }
}
