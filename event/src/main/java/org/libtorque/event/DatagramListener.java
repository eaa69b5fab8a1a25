package org.libtorque.event;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.net.SocketAddress;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Files;
import org.libtorque.sys.SocketAddresses;
import org.libtorque.sys.Sockets;

/** Receives datagrams for an address, on one vcore or on all; with all, the kernel spreads senders over the vcores by a hash of their address. */
public final class DatagramListener implements Registration {
    private final SocketAddress address;
    private final DatagramEndpoint[] endpoints;
    private volatile boolean open = true;

    private DatagramListener(SocketAddress address, DatagramEndpoint[] endpoints) {
        this.address = address;
        this.endpoints = endpoints;
    }

    static DatagramListener open(Loop[] loops, SocketAddress wanted, DatagramHandler handler) throws IOException {
        int family = SocketAddresses.family(wanted);
        if (family == Sockets.AF_UNIX) throw new IllegalArgumentException("datagrams are for Internet addresses, not " + wanted);
        ErrnoSlot errno = ErrnoSlot.current();
        int[] fds = new int[loops.length];
        int opened = 0;
        SocketAddress settled;
        try (Arena arena = Arena.ofConfined()) {
            long name = arena.allocate(512, 8).address();
            // As for streams: the first without SO_REUSEPORT, so that an address in use is an error.
            fds[0] = ListenSockets.bind(errno, wanted, family, Sockets.SOCK_DGRAM, false, name);
            opened = 1;
            settled = SocketNames.local(errno, fds[0], name);
            if (loops.length > 1) {
                Files.close(errno, fds[0]);
                opened = 0;
                while (opened < fds.length) fds[opened++] = ListenSockets.bind(errno, settled, family, Sockets.SOCK_DGRAM, true, name);
            }
        } catch (IOException | RuntimeException e) {
            for (int i = 0; i < opened; i++) Files.close(errno, fds[i]);
            throw e;
        }
        DatagramEndpoint[] endpoints = new DatagramEndpoint[loops.length];
        for (int i = 0; i < loops.length; i++) endpoints[i] = new DatagramEndpoint(loops[i], loops[i].vcore.newColor(), fds[i], handler);
        for (DatagramEndpoint endpoint : endpoints) HomeTask.start(endpoint.color(), endpoint::start, endpoint::neverStarted); // the runtime may have stopped since it was asked
        return new DatagramListener(settled, endpoints);
    }

    /** Returns the address, with the port that the kernel chose if 0 was asked for. Any thread. */
    public SocketAddress address() { return address; }

    @Override public void close() {
        if (!open) return;
        open = false;
        for (DatagramEndpoint endpoint : endpoints) {
            endpoint.silence();
            new HomeTask(endpoint.color()) {
                @Override protected void run() { endpoint.stop(); }
            }.postSurely();
        }
    }

    @Override public boolean isOpen() { return open; }
}
