package org.libtorque.event;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import org.libtorque.sys.Files;
import org.libtorque.sys.SocketAddresses;
import org.libtorque.sys.Sockets;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Task;

/** An outgoing connection on its way: opens the socket and starts connecting, on the connection's vcore. */
final class Connector extends Task {
    /** Of the colour's home, where this runs. */
    private Loop loop;
    private final SocketAddress address;
    private final ConnectOptions options;
    private final ConnectionHandler handler;
    private final ConnectFailureHandler onFailure;

    Connector(Color color, SocketAddress address, ConnectOptions options, ConnectionHandler handler, ConnectFailureHandler onFailure) {
        super(color);
        runAtHome(true);
        this.address = address;
        this.options = options;
        this.handler = handler;
        this.onFailure = onFailure;
    }

    @Override protected void run() throws Exception {
        int fd;
        loop = Loop.current();
        try {
            if (loop.draining()) throw IoErrors.stopping();
            fd = open();
        } catch (IOException | IllegalArgumentException cause) { // the latter: an address that is unresolved or of an unknown type
            onFailure.onConnectFailed(cause);
            return;
        }
        StreamConnection connection = new StreamConnection(loop, color(), fd);
        connection.connect(SocketAddresses.encode(address, loop.scratch), handler, onFailure, options.timeout().toNanos());
    }

    /** Returns a socket that is ready to be connected. */
    private int open() throws IOException {
        SocketAddress local = options.localAddress();
        int family = SocketAddresses.family(address);
        SocketAddresses.encode(address, loop.scratch); // tried, so that once there is a socket only calls can fail
        if (local != null) SocketAddresses.encode(local, loop.scratch);
        int fd = Sockets.socket(loop.errno, family, Sockets.SOCK_STREAM | Sockets.SOCK_NONBLOCK | Sockets.SOCK_CLOEXEC, 0);
        if (fd < 0) throw IoErrors.of(fd, "socket", "for {}", address);
        if (family != Sockets.AF_UNIX && options.noDelay()) Sockets.setsockoptInt(loop.errno, fd, Sockets.IPPROTO_TCP, Sockets.TCP_NODELAY, 1);
        if (local != null) {
            if (local instanceof InetSocketAddress inet && inet.getPort() == 0) {
                // The port is then chosen when the peer is known, so each peer has all ports to choose from (ip(7)).
                Sockets.setsockoptInt(loop.errno, fd, Sockets.IPPROTO_IP, Sockets.IP_BIND_ADDRESS_NO_PORT, 1);
            }
            int result = Sockets.bind(loop.errno, fd, loop.scratch, SocketAddresses.encode(local, loop.scratch));
            if (result < 0) {
                Files.close(loop.errno, fd);
                throw IoErrors.of(result, "bind", "{}", local);
            }
        }
        return fd;
    }

    /** The vcore has ended before it came to this. */
    @Override protected void dropped() {
        try {
            onFailure.onConnectFailed(IoErrors.stopping());
        } catch (Throwable cause) {
            failed(cause);
        }
    }

    @Override protected void failed(Throwable cause) { color().home().reportFailure("connect to " + address, cause); }
}
