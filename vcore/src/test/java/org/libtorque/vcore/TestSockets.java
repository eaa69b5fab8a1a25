package org.libtorque.vcore;

import java.lang.foreign.Arena;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import org.libtorque.sys.Errno;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Files;
import org.libtorque.sys.NativeMemory;
import org.libtorque.sys.Poll;
import org.libtorque.sys.SocketAddresses;
import org.libtorque.sys.Sockets;
import org.libtorque.sys.SyscallException;

/** Real sockets and pipes for tests, by descriptor: what stands on the other side of a source. One thread. */
public final class TestSockets implements AutoCloseable {
    private static final int ROOM = 1 << 16;

    private final Arena arena = Arena.ofConfined();
    private final long memory = arena.allocate(ROOM + 256, 64).address();
    private final ErrnoSlot errno = ErrnoSlot.allocate();

    /** Belongs to the calling thread. */
    public TestSockets() {}

    /** Makes two connected non-blocking sockets. */
    public int[] unixPair() {
        check(Sockets.socketpair(errno, Sockets.AF_UNIX, Sockets.SOCK_STREAM | Sockets.SOCK_NONBLOCK | Sockets.SOCK_CLOEXEC, 0, memory));
        return new int[] {NativeMemory.getInt(memory), NativeMemory.getInt(memory + 4)};
    }

    /** Makes two connected non-blocking TCP sockets. */
    public int[] tcpPair() {
        int listener = listener(1);
        int client = connecting(port(listener));
        int server = accept(listener);
        close(listener);
        return new int[] {server, client};
    }

    /** Makes a pipe: its end to read, its end to write. */
    public int[] pipe() {
        check(Files.pipe2(errno, memory, Files.O_NONBLOCK | Files.O_CLOEXEC));
        return new int[] {NativeMemory.getInt(memory), NativeMemory.getInt(memory + 4)};
    }

    /** Makes a non-blocking socket that listens on a free port of the loopback. */
    public int listener(int backlog) {
        int fd = tcp();
        check(Sockets.bind(errno, fd, memory, SocketAddresses.encode(loopback(0), memory)));
        check(Sockets.listen(errno, fd, backlog));
        return fd;
    }

    /** Makes a bound socket that does not listen: who connects there is refused. */
    public int deaf() {
        int fd = tcp();
        check(Sockets.bind(errno, fd, memory, SocketAddresses.encode(loopback(0), memory)));
        return fd;
    }

    public int port(int fd) {
        NativeMemory.putInt(memory, SocketAddresses.MAX_SIZE);
        check(Sockets.getsockname(errno, fd, memory + 16, memory));
        return ((InetSocketAddress) SocketAddresses.decode(memory + 16, NativeMemory.getInt(memory))).getPort();
    }

    /** Makes a non-blocking socket on its way to a port of the loopback. */
    public int connecting(int port) {
        int fd = tcp();
        int result = Sockets.connect(errno, fd, memory, SocketAddresses.encode(loopback(port), memory));
        if (result != -Errno.EINPROGRESS) check(result);
        return fd;
    }

    /** Accepts one that is on its way. */
    public int accept(int listener) {
        int fd;
        do fd = Sockets.accept4(errno, listener, 0, 0, Sockets.SOCK_NONBLOCK | Sockets.SOCK_CLOEXEC);
        while (fd == -Errno.EAGAIN);
        return check(fd);
    }

    private int tcp() {
        return check(Sockets.socket(errno, Sockets.AF_INET, Sockets.SOCK_STREAM | Sockets.SOCK_NONBLOCK | Sockets.SOCK_CLOEXEC, 0));
    }

    private static InetSocketAddress loopback(int port) {
        return new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port);
    }

    /** Writes as much as there is room for; returns how much, or a negated errno. */
    public int write(int fd, byte[] bytes, int offset, int count) {
        int done = 0;
        while (done < count) {
            int n = Math.min(ROOM, count - done);
            NativeMemory.copy(bytes, offset + done, memory, n);
            int written = (int) Files.write(errno, fd, memory, n);
            if (written < 0) return done > 0 && written == -Errno.EAGAIN ? done : written;
            done += written;
        }
        return done;
    }

    /** Writes all, which must fit. */
    public void writeAll(int fd, String text) {
        byte[] bytes = text.getBytes(java.nio.charset.StandardCharsets.ISO_8859_1);
        int n = write(fd, bytes, 0, bytes.length);
        if (n != bytes.length) throw new AssertionError("wrote " + n + " of " + bytes.length);
    }

    /** Sends a byte out of band. */
    public void writeUrgent(int fd, char c) {
        org.libtorque.sys.NativeMemory.putByte(memory, (byte) c);
        check(Sockets.send(errno, fd, memory, 1, Sockets.MSG_OOB));
    }

    /** Reads what is there, up to 64 KiB; null at the end, empty if there is nothing. */
    public byte[] read(int fd) {
        int n = (int) Files.read(errno, fd, memory, ROOM);
        if (n == 0) return null;
        if (n == -Errno.EAGAIN) return new byte[0];
        byte[] bytes = new byte[check(n)];
        NativeMemory.copy(memory, bytes, 0, n);
        return bytes;
    }

    /** Reads what is there; returns its length, 0 at the end, or a negated errno. */
    public int readCount(int fd) { return (int) Files.read(errno, fd, memory, ROOM); }

    public void shutDownOutput(int fd) { check(Sockets.shutdown(errno, fd, Sockets.SHUT_WR)); }

    public void setBuffers(int fd, int sendBytes, int receiveBytes) {
        if (sendBytes > 0) check(Sockets.setsockoptInt(errno, fd, Sockets.SOL_SOCKET, Sockets.SO_SNDBUF, sendBytes));
        if (receiveBytes > 0) check(Sockets.setsockoptInt(errno, fd, Sockets.SOL_SOCKET, Sockets.SO_RCVBUF, receiveBytes));
    }

    /** Closes with a reset. */
    public void reset(int fd) {
        check(Sockets.setLinger(errno, fd, true, 0));
        close(fd);
    }

    public int socketError(int fd) {
        return (int) Sockets.getsockoptInt(errno, fd, Sockets.SOL_SOCKET, Sockets.SO_ERROR);
    }

    public boolean isOpen(int fd) { return Files.fcntl(errno, fd, Files.F_GETFD, 0) >= 0; }

    public boolean isNonBlockingAndCloseOnExec(int fd) {
        return (check(Files.fcntl(errno, fd, Files.F_GETFL, 0)) & Files.O_NONBLOCK) != 0
                && (check(Files.fcntl(errno, fd, Files.F_GETFD, 0)) & Files.FD_CLOEXEC) != 0;
    }

    /** Tells whether poll(2) says one of {@code events} now. */
    public boolean is(int fd, int events) { return (check(Poll.poll(errno, fd, events, 0)) & events) != 0; }

    public void close(int... fds) {
        for (int fd : fds) check(Files.close(errno, fd));
    }

    private static int check(int result) { return SyscallException.check(result, "test", ""); }

    @Override public void close() { arena.close(); }
}
