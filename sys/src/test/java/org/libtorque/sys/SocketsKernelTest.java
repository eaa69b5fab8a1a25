package org.libtorque.sys;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SocketsKernelTest extends KernelFixture {
    private static final int FLAGS = Sockets.SOCK_NONBLOCK | Sockets.SOCK_CLOEXEC;
    private final long address = memory(SocketAddresses.MAX_SIZE);
    private final long length = memory(4);
    private final long buffer = memory(4096);

    @Test
    void bytesTravelOverTcp() throws Exception { talk(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0)); }

    @Test
    void bytesTravelOverTcpOnIpv6() throws Exception {
        int probe = Sockets.socket(errno, Sockets.AF_INET6, Sockets.SOCK_STREAM, 0);
        assumeTrue(probe >= 0, "no IPv6 in this kernel");
        fd(probe);
        var loopback = new InetSocketAddress(InetAddress.getByName("::1"), 0);
        int bound = Sockets.bind(errno, probe, address, SocketAddresses.encode(loopback, address));
        assumeTrue(bound != -Errno.EADDRNOTAVAIL, "IPv6 is switched off: ::1 is not there");
        talk(loopback);
    }

    @Test
    void bytesTravelOverUnixSockets(@TempDir Path directory) throws Exception {
        talk(UnixDomainSocketAddress.of(directory.resolve("socket")));
        talk(AbstractUnixAddress.of("libtorque-test-" + ProcessHandle.current().pid()));
    }

    /** Listens, connects, sends both ways and closes one direction after the other. */
    private void talk(SocketAddress where) throws Exception {
        int listener = listen(where);
        SocketAddress bound = name(listener);
        int client = fd(Sockets.socket(errno, SocketAddresses.family(where), Sockets.SOCK_STREAM | FLAGS, 0));
        int r = Sockets.connect(errno, client, address, SocketAddresses.encode(bound, address));
        if (r != 0) fails(Errno.EINPROGRESS, r);
        assertEquals(Poll.POLLIN, Poll.poll(errno, listener, Poll.POLLIN, 5_000));

        NativeMemory.putInt(length, SocketAddresses.MAX_SIZE);
        int server = fd(Sockets.accept4(errno, listener, address, length, FLAGS));
        assertEquals(name(client), SocketAddresses.decode(address, NativeMemory.getInt(length)));
        fails(Errno.EAGAIN, Sockets.accept4(errno, listener, 0, 0, FLAGS));
        assertEquals(0, Sockets.getsockoptInt(errno, client, Sockets.SOL_SOCKET, Sockets.SO_ERROR));
        NativeMemory.putInt(length, SocketAddresses.MAX_SIZE);
        ok(Sockets.getpeername(errno, client, address, length));
        assertEquals(bound, SocketAddresses.decode(address, NativeMemory.getInt(length)));

        fails(Errno.EAGAIN, Sockets.recv(errno, server, buffer, 4096, 0));
        assertEquals(5, send(client, "hello"));
        assertEquals("hello", recv(server));
        assertEquals(3, send(server, "bye"));
        assertEquals("bye", recv(client));
        ok(Sockets.shutdown(errno, client, Sockets.SHUT_WR));
        assertEquals(0, Sockets.recv(errno, server, buffer, 4096, Sockets.MSG_WAITALL));
        fails(Errno.EPIPE, Sockets.send(errno, client, buffer, 1, Sockets.MSG_NOSIGNAL));
        assertEquals(4, send(server, "late"));
        assertEquals("late", recv(client));
    }

    @Test
    void sendingStopsWhenTheBuffersAreFull() {
        int[] pair = pair(Sockets.SOCK_STREAM | FLAGS);
        long sent = 0;
        int n;
        while ((n = Sockets.send(errno, pair[0], buffer, 4096, 0)) > 0) sent += n;
        fails(Errno.EAGAIN, n);
        long received = 0;
        while ((n = Sockets.recv(errno, pair[1], buffer, 4096, 0)) > 0) received += n;
        fails(Errno.EAGAIN, n);
        assertEquals(sent, received);
        assertTrue(sent >= 4096);
    }

    @Test
    void aRefusedConnectionSaysSo() throws Exception {
        int listener = fd(Sockets.socket(errno, Sockets.AF_INET, Sockets.SOCK_STREAM, 0));
        ok(Sockets.bind(errno, listener, address, SocketAddresses.encode(loopback(0), address)));
        SocketAddress free = name(listener);                                   // bound, but nobody listens
        int client = fd(Sockets.socket(errno, Sockets.AF_INET, Sockets.SOCK_STREAM, 0));
        fails(Errno.ECONNREFUSED, Sockets.connect(errno, client, address, SocketAddresses.encode(free, address)));
        fails(Errno.ENOTCONN, Sockets.shutdown(errno, client, Sockets.SHUT_WR));
        fails(Errno.ENOTCONN, Sockets.getpeername(errno, client, address, memory(4)));
        int second = fd(Sockets.socket(errno, Sockets.AF_INET, Sockets.SOCK_STREAM, 0));
        fails(Errno.EADDRINUSE, Sockets.bind(errno, second, address, SocketAddresses.encode(free, address)));
    }

    @Test
    void intOptionsKeepWhatTheyAreSetTo() {
        int tcp = fd(Sockets.socket(errno, Sockets.AF_INET, Sockets.SOCK_STREAM, 0));
        int[][] options = {
                {Sockets.SOL_SOCKET, Sockets.SO_REUSEADDR, 1}, {Sockets.SOL_SOCKET, Sockets.SO_REUSEPORT, 1},
                {Sockets.SOL_SOCKET, Sockets.SO_KEEPALIVE, 1}, {Sockets.SOL_SOCKET, Sockets.SO_RCVLOWAT, 3},
                {Sockets.SOL_SOCKET, Sockets.SO_INCOMING_CPU, 0}, {Sockets.SOL_SOCKET, Sockets.SO_ZEROCOPY, 1},
                {Sockets.IPPROTO_TCP, Sockets.TCP_NODELAY, 1}, {Sockets.IPPROTO_TCP, Sockets.TCP_CORK, 1},
                {Sockets.IPPROTO_TCP, Sockets.TCP_KEEPIDLE, 77}, {Sockets.IPPROTO_TCP, Sockets.TCP_KEEPINTVL, 7},
                {Sockets.IPPROTO_TCP, Sockets.TCP_KEEPCNT, 4}, {Sockets.IPPROTO_TCP, Sockets.TCP_USER_TIMEOUT, 12345},
                {Sockets.IPPROTO_TCP, Sockets.TCP_QUICKACK, 1}, {Sockets.IPPROTO_TCP, Sockets.TCP_DEFER_ACCEPT, 1},
                {Sockets.IPPROTO_TCP, Sockets.TCP_NOTSENT_LOWAT, 16384}, {Sockets.IPPROTO_IP, Sockets.IP_TTL, 9},
                {Sockets.IPPROTO_IP, Sockets.IP_TOS, 0x10}, {Sockets.IPPROTO_IP, Sockets.IP_BIND_ADDRESS_NO_PORT, 1}};
        for (int[] option : options) {
            String what = "level " + option[0] + " option " + option[1];
            assertEquals(0, Sockets.setsockoptInt(errno, tcp, option[0], option[1], option[2]), what);
            assertEquals(option[2], Sockets.getsockoptInt(errno, tcp, option[0], option[1]), what);
        }
        ok(Sockets.setsockoptInt(errno, tcp, Sockets.SOL_SOCKET, Sockets.SO_RCVBUF, 65536));
        assertEquals(2 * 65536, Sockets.getsockoptInt(errno, tcp, Sockets.SOL_SOCKET, Sockets.SO_RCVBUF));  // the kernel doubles
        assertEquals(Sockets.SOCK_STREAM, Sockets.getsockoptInt(errno, tcp, Sockets.SOL_SOCKET, Sockets.SO_TYPE));
        assertEquals(Sockets.AF_INET, Sockets.getsockoptInt(errno, tcp, Sockets.SOL_SOCKET, Sockets.SO_DOMAIN));
        assertEquals(Sockets.IPPROTO_TCP, Sockets.getsockoptInt(errno, tcp, Sockets.SOL_SOCKET, Sockets.SO_PROTOCOL));
        assertEquals(0, Sockets.getsockoptInt(errno, tcp, Sockets.SOL_SOCKET, Sockets.SO_ACCEPTCONN));
        fails(Errno.ENOPROTOOPT, Sockets.getsockoptInt(errno, tcp, Sockets.IPPROTO_TCP, 12345));
        fails(Errno.ENOPROTOOPT, Sockets.setsockoptInt(errno, tcp, Sockets.IPPROTO_TCP, 12345, 1));
    }

    @Test
    void aNegativeOptionIsNotTakenForAnErrno() {
        int udp = fd(Sockets.socket(errno, Sockets.AF_INET, Sockets.SOCK_DGRAM, 0));
        long cpu = Sockets.getsockoptInt(errno, udp, Sockets.SOL_SOCKET, Sockets.SO_INCOMING_CPU);
        assertEquals(0xffffffffL, cpu);                                        // none yet: -1
        assertEquals(-1, (int) cpu);
    }

    @Test
    void anIpv6SocketCanServeBothFamilies() throws Exception {
        int fd = Sockets.socket(errno, Sockets.AF_INET6, Sockets.SOCK_STREAM | FLAGS, 0);
        assumeTrue(fd >= 0, "no IPv6 in this kernel");
        fd(fd);
        ok(Sockets.setsockoptInt(errno, fd, Sockets.IPPROTO_IPV6, Sockets.IPV6_V6ONLY, 0));
        var any = new InetSocketAddress(InetAddress.getByName("0.0.0.0"), 0);
        ok(Sockets.bind(errno, fd, address, SocketAddresses.encodeInet6(any, address)));
        ok(Sockets.listen(errno, fd, 8));
        int client = fd(Sockets.socket(errno, Sockets.AF_INET, Sockets.SOCK_STREAM, 0));
        var to = loopback(((InetSocketAddress) name(fd)).getPort());
        ok(Sockets.connect(errno, client, address, SocketAddresses.encode(to, address)));
        NativeMemory.putInt(length, SocketAddresses.MAX_SIZE);
        fd(Sockets.accept4(errno, fd, address, length, 0));
        assertEquals(SocketAddresses.SockaddrIn6.SIZE, NativeMemory.getInt(length));
        assertEquals(name(client), SocketAddresses.decode(address, NativeMemory.getInt(length)));    // mapped, made IPv4
    }

    @Test
    void lingeringForNoTimeResetsTheConnection() throws Exception {
        int[] ends = tcp();
        ok(Sockets.setLinger(errno, ends[0], true, 0));
        NativeMemory.putInt(length, (int) Sockets.Linger.SIZE);
        ok(Sockets.getsockopt(errno, ends[0], Sockets.SOL_SOCKET, Sockets.SO_LINGER, buffer, length));
        assertEquals(1, NativeMemory.getInt(buffer + Sockets.Linger.L_ONOFF));
        assertEquals(0, NativeMemory.getInt(buffer + Sockets.Linger.L_LINGER));
        close(ends[0]);
        fails(Errno.ECONNRESET, Sockets.recv(errno, ends[1], buffer, 1, 0));
    }

    @Test
    void aReceiveTimeoutEndsTheWait() {
        int[] pair = pair(Sockets.SOCK_STREAM);
        NativeMemory.putLong(buffer + Clocks.Timeval.TV_SEC, 0);
        NativeMemory.putLong(buffer + Clocks.Timeval.TV_USEC, 20_000);
        ok(Sockets.setsockopt(errno, pair[0], Sockets.SOL_SOCKET, Sockets.SO_RCVTIMEO, buffer, (int) Clocks.Timeval.SIZE));
        long start = System.nanoTime();
        fails(Errno.EAGAIN, Sockets.recv(errno, pair[0], buffer, 1, 0));
        assertTrue(System.nanoTime() - start >= 15_000_000);
    }

    @Test
    void tcpTellsAboutItsConnection() throws Exception {
        int[] ends = tcp();
        send(ends[0], "hello");
        assertEquals("hello", recv(ends[1]));
        NativeMemory.putInt(length, (int) Sockets.TcpInfo.SIZE);
        ok(Sockets.getsockopt(errno, ends[1], Sockets.IPPROTO_TCP, Sockets.TCP_INFO, buffer, length));
        assertTrue(NativeMemory.getInt(length) > Sockets.TcpInfo.TCPI_TOTAL_RETRANS);
        assertEquals(1, NativeMemory.getByte(buffer + Sockets.TcpInfo.TCPI_STATE));
        assertEquals(5, NativeMemory.getLong(buffer + Sockets.TcpInfo.TCPI_BYTES_RECEIVED));
        assertTrue(NativeMemory.getInt(buffer + Sockets.TcpInfo.TCPI_SND_CWND) > 0);
    }

    @Test
    void datagramsCarryTheirSender() throws Exception {
        int a = udp();
        int b = udp();
        NativeMemory.copy("datagram".getBytes(StandardCharsets.US_ASCII), 0, buffer, 8);
        assertEquals(8, Sockets.sendto(errno, a, buffer, 8, 0, address, SocketAddresses.encode(name(b), address)));
        NativeMemory.putInt(length, SocketAddresses.MAX_SIZE);
        assertEquals(8, Sockets.recvfrom(errno, b, buffer + 100, 4, Sockets.MSG_TRUNC, address, length));   // whole length
        assertEquals(name(a), SocketAddresses.decode(address, NativeMemory.getInt(length)));
        assertEquals("data", text(buffer + 100, 4));
        fails(Errno.EMSGSIZE, Sockets.sendto(errno, a, memory(70_000), 70_000, 0, address,
                SocketAddresses.encode(name(b), address)));
    }

    @Test
    void aDatagramToNobodyIsReportedOnTheNextCall() throws Exception {
        int a = udp();
        int b = udp();
        ok(Sockets.connect(errno, a, address, SocketAddresses.encode(name(b), address)));
        close(b);
        assertEquals(1, Sockets.send(errno, a, buffer, 1, 0));
        fails(Errno.ECONNREFUSED, Sockets.recv(errno, a, buffer, 1, 0));
    }

    @Test
    void messagesAreGatheredAndScattered() {
        int[] pair = pair(Sockets.SOCK_SEQPACKET);
        NativeMemory.copy("abcdef".getBytes(StandardCharsets.US_ASCII), 0, buffer, 6);
        long iov = memory(2 * Sockets.Iovec.SIZE);
        Sockets.Iovec.put(iov, buffer, 2);
        Sockets.Iovec.put(iov + Sockets.Iovec.SIZE, buffer + 3, 3);
        long message = memory(Sockets.Msghdr.SIZE);
        NativeMemory.putLong(message + Sockets.Msghdr.MSG_IOV, iov);
        NativeMemory.putLong(message + Sockets.Msghdr.MSG_IOVLEN, 2);
        assertEquals(5, Sockets.sendmsg(errno, pair[0], message, 0));
        Sockets.Iovec.put(iov, buffer + 100, 1);
        Sockets.Iovec.put(iov + Sockets.Iovec.SIZE, buffer + 200, 2);
        assertEquals(3, Sockets.recvmsg(errno, pair[1], message, 0));
        assertEquals("a", text(buffer + 100, 1));
        assertEquals("bd", text(buffer + 200, 2));
        assertEquals(Sockets.MSG_TRUNC, NativeMemory.getInt(message + Sockets.Msghdr.MSG_FLAGS) & Sockets.MSG_TRUNC);
    }

    @Test
    void descriptorsTravelInControlMessages() {
        int[] pair = pair(Sockets.SOCK_STREAM);
        int counter = fd(EventFd.create(errno, 5, EventFd.EFD_NONBLOCK));
        long iov = memory(Sockets.Iovec.SIZE);
        Sockets.Iovec.put(iov, buffer, 1);
        long control = memory(Sockets.Cmsghdr.space(4));
        NativeMemory.putLong(control + Sockets.Cmsghdr.CMSG_LEN, Sockets.Cmsghdr.SIZE + 4);
        NativeMemory.putInt(control + Sockets.Cmsghdr.CMSG_LEVEL, Sockets.SOL_SOCKET);
        NativeMemory.putInt(control + Sockets.Cmsghdr.CMSG_TYPE, Sockets.SCM_RIGHTS);
        NativeMemory.putInt(control + Sockets.Cmsghdr.SIZE, counter);
        long message = memory(Sockets.Msghdr.SIZE);
        NativeMemory.putLong(message + Sockets.Msghdr.MSG_IOV, iov);
        NativeMemory.putLong(message + Sockets.Msghdr.MSG_IOVLEN, 1);
        NativeMemory.putLong(message + Sockets.Msghdr.MSG_CONTROL, control);
        NativeMemory.putLong(message + Sockets.Msghdr.MSG_CONTROLLEN, Sockets.Cmsghdr.space(4));
        assertEquals(1, Sockets.sendmsg(errno, pair[0], message, 0));
        NativeMemory.fill(control, Sockets.Cmsghdr.space(4), (byte) 0);
        assertEquals(1, Sockets.recvmsg(errno, pair[1], message, Sockets.MSG_CMSG_CLOEXEC));
        assertEquals(Sockets.Cmsghdr.SIZE + 4, NativeMemory.getLong(control + Sockets.Cmsghdr.CMSG_LEN));
        int received = fd(NativeMemory.getInt(control + Sockets.Cmsghdr.SIZE));
        assertEquals(5, EventFd.read(errno, received));
    }

    @Test
    void severalDatagramsGoInOneCall() throws Exception {
        int a = udp();
        int b = udp();
        ok(Sockets.connect(errno, a, address, SocketAddresses.encode(name(b), address)));
        long messages = memory(3 * Sockets.Mmsghdr.SIZE);
        long iovs = memory(3 * Sockets.Iovec.SIZE);
        for (int i = 0; i < 3; i++) {
            long header = messages + i * Sockets.Mmsghdr.SIZE + Sockets.Mmsghdr.MSG_HDR;
            Sockets.Iovec.put(iovs + i * Sockets.Iovec.SIZE, buffer + 100L * i, i + 1);
            NativeMemory.putLong(header + Sockets.Msghdr.MSG_IOV, iovs + i * Sockets.Iovec.SIZE);
            NativeMemory.putLong(header + Sockets.Msghdr.MSG_IOVLEN, 1);
        }
        assertEquals(3, Sockets.sendmmsg(errno, a, messages, 3, 0));
        NativeMemory.fill(messages + Sockets.Mmsghdr.MSG_LEN, 4, (byte) 0);
        assertEquals(3, Sockets.recvmmsg(errno, b, messages, 3, Sockets.MSG_DONTWAIT));
        for (int i = 0; i < 3; i++) {
            assertEquals(i + 1, NativeMemory.getInt(messages + i * Sockets.Mmsghdr.SIZE + Sockets.Mmsghdr.MSG_LEN));
        }
        fails(Errno.EAGAIN, Sockets.recvmmsg(errno, b, messages, 3, Sockets.MSG_DONTWAIT));
    }

    @Test
    void aUnixSocketKnowsWhoIsAtTheOtherEnd() {
        int[] pair = pair(Sockets.SOCK_STREAM);
        NativeMemory.putInt(length, (int) Sockets.Ucred.SIZE);
        ok(Sockets.getsockopt(errno, pair[0], Sockets.SOL_SOCKET, Sockets.SO_PEERCRED, buffer, length));
        assertEquals(Processes.getpid(), NativeMemory.getInt(buffer + Sockets.Ucred.PID));
        assertEquals(Processes.geteuid(), NativeMemory.getInt(buffer + Sockets.Ucred.UID));
        assertInstanceOf(UnixDomainSocketAddress.class, name(pair[0]));
    }

    private int listen(SocketAddress where) {
        int listener = fd(Sockets.socket(errno, SocketAddresses.family(where), Sockets.SOCK_STREAM | FLAGS, 0));
        ok(Sockets.setsockoptInt(errno, listener, Sockets.SOL_SOCKET, Sockets.SO_REUSEADDR, 1));
        ok(Sockets.bind(errno, listener, address, SocketAddresses.encode(where, address)));
        ok(Sockets.listen(errno, listener, Sockets.SOMAXCONN));
        assertEquals(1, Sockets.getsockoptInt(errno, listener, Sockets.SOL_SOCKET, Sockets.SO_ACCEPTCONN));
        return listener;
    }

    private int[] tcp() throws Exception {
        int listener = listen(loopback(0));
        int client = fd(Sockets.socket(errno, Sockets.AF_INET, Sockets.SOCK_STREAM, 0));
        ok(Sockets.connect(errno, client, address, SocketAddresses.encode(name(listener), address)));
        return new int[] {client, fd(Sockets.accept4(errno, listener, 0, 0, 0))};
    }

    private int udp() throws Exception {
        int fd = fd(Sockets.socket(errno, Sockets.AF_INET, Sockets.SOCK_DGRAM | Sockets.SOCK_CLOEXEC, 0));
        ok(Sockets.bind(errno, fd, address, SocketAddresses.encode(loopback(0), address)));
        return fd;
    }

    private int[] pair(int type) {
        ok(Sockets.socketpair(errno, Sockets.AF_UNIX, type, 0, buffer));
        return new int[] {fd(NativeMemory.getInt(buffer)), fd(NativeMemory.getInt(buffer + 4))};
    }

    private SocketAddress name(int fd) {
        NativeMemory.putInt(length, SocketAddresses.MAX_SIZE);
        ok(Sockets.getsockname(errno, fd, address, length));
        return SocketAddresses.decode(address, NativeMemory.getInt(length));
    }

    private int send(int fd, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        NativeMemory.copy(bytes, 0, buffer, bytes.length);
        return Sockets.send(errno, fd, buffer, bytes.length, Sockets.MSG_NOSIGNAL);
    }

    private String recv(int fd) {
        Poll.poll(errno, fd, Poll.POLLIN, 5_000);
        return text(buffer, ok(Sockets.recv(errno, fd, buffer, 4096, 0)));
    }

    private static String text(long address, int length) {
        var bytes = new byte[length];
        NativeMemory.copy(address, bytes, 0, length);
        return new String(bytes, StandardCharsets.US_ASCII);
    }

    private static InetSocketAddress loopback(int port) throws Exception {
        return new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port);
    }
}
