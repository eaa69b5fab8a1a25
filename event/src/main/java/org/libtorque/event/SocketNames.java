package org.libtorque.event;

import java.net.SocketAddress;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.NativeMemory;
import org.libtorque.sys.SocketAddresses;
import org.libtorque.sys.Sockets;

/** The addresses of both ends of a socket. Allocates. */
final class SocketNames {
    private SocketNames() {}

    /** @param scratch 256 bytes, overwritten */
    static SocketAddress local(ErrnoSlot errno, int fd, long scratch) {
        NativeMemory.putInt(scratch, SocketAddresses.MAX_SIZE);
        int result = Sockets.getsockname(errno, fd, scratch + 16, scratch);
        return result < 0 ? null : SocketAddresses.decode(scratch + 16, NativeMemory.getInt(scratch));
    }

    /** @param scratch 256 bytes, overwritten */
    static SocketAddress remote(ErrnoSlot errno, int fd, long scratch) {
        NativeMemory.putInt(scratch, SocketAddresses.MAX_SIZE);
        int result = Sockets.getpeername(errno, fd, scratch + 16, scratch);
        return result < 0 ? null : SocketAddresses.decode(scratch + 16, NativeMemory.getInt(scratch));
    }
}
