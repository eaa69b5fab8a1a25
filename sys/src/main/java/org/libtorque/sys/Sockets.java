package org.libtorque.sys;

import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;

/**
 * Sockets. Constants keep the kernel's spelling; addresses are made and read by {@link SocketAddresses}.
 *
 * <p>Every call neither retries nor allocates, and any thread may make it. {@code -EINTR} is an ordinary outcome of the
 * ones that can block, and {@code -EAGAIN} of those on a non-blocking socket or with {@link #MSG_DONTWAIT}.
 */
public final class Sockets {
    public static final int AF_UNSPEC = 0;
    public static final int AF_UNIX = 1;
    public static final int AF_INET = 2;
    public static final int AF_INET6 = 10;
    public static final int AF_NETLINK = 16;
    public static final int AF_PACKET = 17;
    public static final int AF_VSOCK = 40;

    public static final int SOCK_STREAM = 1;
    public static final int SOCK_DGRAM = 2;
    public static final int SOCK_RAW = 3;
    public static final int SOCK_SEQPACKET = 5;
    public static final int SOCK_NONBLOCK = 0x800;
    public static final int SOCK_CLOEXEC = 0x80000;

    public static final int SHUT_RD = 0;
    public static final int SHUT_WR = 1;
    public static final int SHUT_RDWR = 2;

    /** The default of {@code net.core.somaxconn}, to which the kernel lowers a larger backlog. */
    public static final int SOMAXCONN = 4096;

    public static final int MSG_OOB = 0x01;
    public static final int MSG_PEEK = 0x02;
    public static final int MSG_DONTROUTE = 0x04;
    public static final int MSG_CTRUNC = 0x08;
    public static final int MSG_TRUNC = 0x20;
    public static final int MSG_DONTWAIT = 0x40;
    public static final int MSG_EOR = 0x80;
    public static final int MSG_WAITALL = 0x100;
    public static final int MSG_CONFIRM = 0x800;
    public static final int MSG_ERRQUEUE = 0x2000;
    public static final int MSG_NOSIGNAL = 0x4000;
    public static final int MSG_MORE = 0x8000;
    public static final int MSG_WAITFORONE = 0x10000;
    public static final int MSG_BATCH = 0x40000;
    public static final int MSG_ZEROCOPY = 0x4000000;
    public static final int MSG_FASTOPEN = 0x20000000;
    public static final int MSG_CMSG_CLOEXEC = 0x40000000;

    public static final int SOL_SOCKET = 1;
    public static final int SO_DEBUG = 1;
    public static final int SO_REUSEADDR = 2;
    public static final int SO_TYPE = 3;
    public static final int SO_ERROR = 4;
    public static final int SO_DONTROUTE = 5;
    public static final int SO_BROADCAST = 6;
    public static final int SO_SNDBUF = 7;
    public static final int SO_RCVBUF = 8;
    public static final int SO_KEEPALIVE = 9;
    public static final int SO_OOBINLINE = 10;
    public static final int SO_PRIORITY = 12;
    public static final int SO_LINGER = 13;
    public static final int SO_REUSEPORT = 15;
    public static final int SO_PASSCRED = 16;
    public static final int SO_PEERCRED = 17;
    public static final int SO_RCVLOWAT = 18;
    public static final int SO_SNDLOWAT = 19;
    /** Takes a {@link Clocks.Timeval}. */
    public static final int SO_RCVTIMEO = 20;
    /** Takes a {@link Clocks.Timeval}. */
    public static final int SO_SNDTIMEO = 21;
    public static final int SO_BINDTODEVICE = 25;
    public static final int SO_ACCEPTCONN = 30;
    public static final int SO_SNDBUFFORCE = 32;
    public static final int SO_RCVBUFFORCE = 33;
    public static final int SO_MARK = 36;
    public static final int SO_PROTOCOL = 38;
    public static final int SO_DOMAIN = 39;
    public static final int SO_BUSY_POLL = 46;
    public static final int SO_MAX_PACING_RATE = 47;
    public static final int SO_INCOMING_CPU = 49;
    public static final int SO_ATTACH_REUSEPORT_CBPF = 51;
    public static final int SO_ATTACH_REUSEPORT_EBPF = 52;
    public static final int SO_INCOMING_NAPI_ID = 56;
    public static final int SO_COOKIE = 57;
    public static final int SO_ZEROCOPY = 60;
    public static final int SO_DETACH_REUSEPORT_BPF = 68;
    public static final int SO_PREFER_BUSY_POLL = 69;
    public static final int SO_BUSY_POLL_BUDGET = 70;

    public static final int IPPROTO_IP = 0;
    public static final int IPPROTO_ICMP = 1;
    public static final int IPPROTO_TCP = 6;
    public static final int IPPROTO_UDP = 17;
    public static final int IPPROTO_IPV6 = 41;

    public static final int TCP_NODELAY = 1;
    public static final int TCP_MAXSEG = 2;
    public static final int TCP_CORK = 3;
    public static final int TCP_KEEPIDLE = 4;
    public static final int TCP_KEEPINTVL = 5;
    public static final int TCP_KEEPCNT = 6;
    public static final int TCP_SYNCNT = 7;
    public static final int TCP_LINGER2 = 8;
    public static final int TCP_DEFER_ACCEPT = 9;
    public static final int TCP_WINDOW_CLAMP = 10;
    public static final int TCP_INFO = 11;
    public static final int TCP_QUICKACK = 12;
    public static final int TCP_CONGESTION = 13;
    public static final int TCP_USER_TIMEOUT = 18;
    public static final int TCP_FASTOPEN = 23;
    public static final int TCP_NOTSENT_LOWAT = 25;
    public static final int TCP_FASTOPEN_CONNECT = 30;
    public static final int TCP_INQ = 36;

    public static final int UDP_CORK = 1;
    public static final int UDP_SEGMENT = 103;
    public static final int UDP_GRO = 104;

    public static final int IP_TOS = 1;
    public static final int IP_TTL = 2;
    public static final int IP_PKTINFO = 8;
    public static final int IP_RECVERR = 11;
    public static final int IP_FREEBIND = 15;
    public static final int IP_TRANSPARENT = 19;
    public static final int IP_BIND_ADDRESS_NO_PORT = 24;
    public static final int IP_MULTICAST_IF = 32;
    public static final int IP_MULTICAST_TTL = 33;
    public static final int IP_MULTICAST_LOOP = 34;
    public static final int IP_ADD_MEMBERSHIP = 35;
    public static final int IP_DROP_MEMBERSHIP = 36;

    public static final int IPV6_UNICAST_HOPS = 16;
    public static final int IPV6_MULTICAST_IF = 17;
    public static final int IPV6_MULTICAST_HOPS = 18;
    public static final int IPV6_MULTICAST_LOOP = 19;
    public static final int IPV6_ADD_MEMBERSHIP = 20;
    public static final int IPV6_DROP_MEMBERSHIP = 21;
    public static final int IPV6_V6ONLY = 26;
    public static final int IPV6_RECVPKTINFO = 49;
    public static final int IPV6_PKTINFO = 50;
    public static final int IPV6_TCLASS = 67;

    /** Control messages of Unix sockets, at level {@link #SOL_SOCKET}. */
    public static final int SCM_RIGHTS = 1;
    public static final int SCM_CREDENTIALS = 2;

    /** struct iovec. */
    public static final class Iovec {
        static final StructLayout LAYOUT = Layouts.struct("iovec", Layouts.u64("iov_base"), Layouts.u64("iov_len"));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long IOV_BASE = Layouts.offset(LAYOUT, "iov_base");
        public static final long IOV_LEN = Layouts.offset(LAYOUT, "iov_len");

        private Iovec() {}

        /** Writes one iovec at {@code address}. */
        public static void put(long address, long base, long lengthBytes) {
            NativeMemory.putLong(address + IOV_BASE, base);
            NativeMemory.putLong(address + IOV_LEN, lengthBytes);
        }
    }

    /** struct msghdr. */
    public static final class Msghdr {
        static final StructLayout LAYOUT = Layouts.struct("msghdr",
                Layouts.u64("msg_name"), Layouts.u32("msg_namelen"), Layouts.u64("msg_iov"), Layouts.u64("msg_iovlen"),
                Layouts.u64("msg_control"), Layouts.u64("msg_controllen"), Layouts.u32("msg_flags"));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long MSG_NAME = Layouts.offset(LAYOUT, "msg_name");
        /** 32 bits. */
        public static final long MSG_NAMELEN = Layouts.offset(LAYOUT, "msg_namelen");
        public static final long MSG_IOV = Layouts.offset(LAYOUT, "msg_iov");
        /** 64 bits. */
        public static final long MSG_IOVLEN = Layouts.offset(LAYOUT, "msg_iovlen");
        public static final long MSG_CONTROL = Layouts.offset(LAYOUT, "msg_control");
        /** 64 bits. */
        public static final long MSG_CONTROLLEN = Layouts.offset(LAYOUT, "msg_controllen");
        /** 32 bits. */
        public static final long MSG_FLAGS = Layouts.offset(LAYOUT, "msg_flags");

        private Msghdr() {}
    }

    /** struct mmsghdr: a msghdr and the length of its message. */
    public static final class Mmsghdr {
        static final StructLayout LAYOUT =
                Layouts.struct("mmsghdr", Msghdr.LAYOUT.withName("msg_hdr"), Layouts.u32("msg_len"));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long MSG_HDR = Layouts.offset(LAYOUT, "msg_hdr");
        /** 32 bits, written by the kernel. */
        public static final long MSG_LEN = Layouts.offset(LAYOUT, "msg_len");

        private Mmsghdr() {}
    }

    /** struct cmsghdr; data follows at {@link #SIZE}, the next header at the next multiple of 8. */
    public static final class Cmsghdr {
        static final StructLayout LAYOUT = Layouts.struct("cmsghdr",
                Layouts.u64("cmsg_len"), Layouts.u32("cmsg_level"), Layouts.u32("cmsg_type"));
        public static final long SIZE = LAYOUT.byteSize();
        /** 64 bits: header and data, without padding. */
        public static final long CMSG_LEN = Layouts.offset(LAYOUT, "cmsg_len");
        public static final long CMSG_LEVEL = Layouts.offset(LAYOUT, "cmsg_level");
        public static final long CMSG_TYPE = Layouts.offset(LAYOUT, "cmsg_type");

        private Cmsghdr() {}

        /** Bytes of control buffer that a message with {@code dataBytes} of data takes, as CMSG_SPACE. */
        public static long space(long dataBytes) { return SIZE + ((dataBytes + 7) & -8L); }
    }

    /** struct linger, for {@link #SO_LINGER}. */
    public static final class Linger {
        static final StructLayout LAYOUT = Layouts.struct("linger", Layouts.u32("l_onoff"), Layouts.u32("l_linger"));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long L_ONOFF = Layouts.offset(LAYOUT, "l_onoff");
        /** Seconds. */
        public static final long L_LINGER = Layouts.offset(LAYOUT, "l_linger");

        private Linger() {}
    }

    /** struct ucred, for {@link #SO_PEERCRED}. */
    public static final class Ucred {
        static final StructLayout LAYOUT =
                Layouts.struct("ucred", Layouts.u32("pid"), Layouts.u32("uid"), Layouts.u32("gid"));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long PID = Layouts.offset(LAYOUT, "pid");
        public static final long UID = Layouts.offset(LAYOUT, "uid");
        public static final long GID = Layouts.offset(LAYOUT, "gid");

        private Ucred() {}
    }

    /**
     * struct tcp_info of linux/tcp.h, for {@link #TCP_INFO}, as of Linux 6.1: later kernels append to it, earlier ones
     * fill less, and the length that getsockopt returns says how much is there. Times are microseconds unless they say
     * otherwise.
     */
    public static final class TcpInfo {
        static final StructLayout LAYOUT = Layouts.struct("tcp_info",
                Layouts.u8("tcpi_state"), Layouts.u8("tcpi_ca_state"), Layouts.u8("tcpi_retransmits"),
                Layouts.u8("tcpi_probes"), Layouts.u8("tcpi_backoff"), Layouts.u8("tcpi_options"),
                Layouts.u8("tcpi_wscale"), Layouts.u8("tcpi_bits"),
                Layouts.u32("tcpi_rto"), Layouts.u32("tcpi_ato"), Layouts.u32("tcpi_snd_mss"),
                Layouts.u32("tcpi_rcv_mss"), Layouts.u32("tcpi_unacked"), Layouts.u32("tcpi_sacked"),
                Layouts.u32("tcpi_lost"), Layouts.u32("tcpi_retrans"), Layouts.u32("tcpi_fackets"),
                Layouts.u32("tcpi_last_data_sent"), Layouts.u32("tcpi_last_ack_sent"),
                Layouts.u32("tcpi_last_data_recv"), Layouts.u32("tcpi_last_ack_recv"),
                Layouts.u32("tcpi_pmtu"), Layouts.u32("tcpi_rcv_ssthresh"), Layouts.u32("tcpi_rtt"),
                Layouts.u32("tcpi_rttvar"), Layouts.u32("tcpi_snd_ssthresh"), Layouts.u32("tcpi_snd_cwnd"),
                Layouts.u32("tcpi_advmss"), Layouts.u32("tcpi_reordering"), Layouts.u32("tcpi_rcv_rtt"),
                Layouts.u32("tcpi_rcv_space"), Layouts.u32("tcpi_total_retrans"),
                Layouts.u64("tcpi_pacing_rate"), Layouts.u64("tcpi_max_pacing_rate"), Layouts.u64("tcpi_bytes_acked"),
                Layouts.u64("tcpi_bytes_received"), Layouts.u32("tcpi_segs_out"), Layouts.u32("tcpi_segs_in"),
                Layouts.u32("tcpi_notsent_bytes"), Layouts.u32("tcpi_min_rtt"), Layouts.u32("tcpi_data_segs_in"),
                Layouts.u32("tcpi_data_segs_out"), Layouts.u64("tcpi_delivery_rate"), Layouts.u64("tcpi_busy_time"),
                Layouts.u64("tcpi_rwnd_limited"), Layouts.u64("tcpi_sndbuf_limited"), Layouts.u32("tcpi_delivered"),
                Layouts.u32("tcpi_delivered_ce"), Layouts.u64("tcpi_bytes_sent"), Layouts.u64("tcpi_bytes_retrans"),
                Layouts.u32("tcpi_dsack_dups"), Layouts.u32("tcpi_reord_seen"), Layouts.u32("tcpi_rcv_ooopack"),
                Layouts.u32("tcpi_snd_wnd"));
        public static final long SIZE = LAYOUT.byteSize();
        /** One byte: 1 ESTABLISHED, 2 SYN_SENT … 10 LISTEN, 11 CLOSING. */
        public static final long TCPI_STATE = Layouts.offset(LAYOUT, "tcpi_state");
        public static final long TCPI_RETRANSMITS = Layouts.offset(LAYOUT, "tcpi_retransmits");
        public static final long TCPI_RTO = Layouts.offset(LAYOUT, "tcpi_rto");
        public static final long TCPI_SND_MSS = Layouts.offset(LAYOUT, "tcpi_snd_mss");
        public static final long TCPI_RCV_MSS = Layouts.offset(LAYOUT, "tcpi_rcv_mss");
        /** Segments; of a listening socket, connections waiting to be accepted. */
        public static final long TCPI_UNACKED = Layouts.offset(LAYOUT, "tcpi_unacked");
        /** Segments; of a listening socket, its backlog. */
        public static final long TCPI_SACKED = Layouts.offset(LAYOUT, "tcpi_sacked");
        public static final long TCPI_LOST = Layouts.offset(LAYOUT, "tcpi_lost");
        /** Milliseconds ago. */
        public static final long TCPI_LAST_DATA_SENT = Layouts.offset(LAYOUT, "tcpi_last_data_sent");
        /** Milliseconds ago. */
        public static final long TCPI_LAST_DATA_RECV = Layouts.offset(LAYOUT, "tcpi_last_data_recv");
        /** Milliseconds ago. */
        public static final long TCPI_LAST_ACK_RECV = Layouts.offset(LAYOUT, "tcpi_last_ack_recv");
        public static final long TCPI_RTT = Layouts.offset(LAYOUT, "tcpi_rtt");
        public static final long TCPI_RTTVAR = Layouts.offset(LAYOUT, "tcpi_rttvar");
        public static final long TCPI_SND_CWND = Layouts.offset(LAYOUT, "tcpi_snd_cwnd");
        public static final long TCPI_TOTAL_RETRANS = Layouts.offset(LAYOUT, "tcpi_total_retrans");
        public static final long TCPI_BYTES_ACKED = Layouts.offset(LAYOUT, "tcpi_bytes_acked");
        public static final long TCPI_BYTES_RECEIVED = Layouts.offset(LAYOUT, "tcpi_bytes_received");
        public static final long TCPI_NOTSENT_BYTES = Layouts.offset(LAYOUT, "tcpi_notsent_bytes");
        public static final long TCPI_MIN_RTT = Layouts.offset(LAYOUT, "tcpi_min_rtt");
        public static final long TCPI_DELIVERY_RATE = Layouts.offset(LAYOUT, "tcpi_delivery_rate");
        public static final long TCPI_BYTES_SENT = Layouts.offset(LAYOUT, "tcpi_bytes_sent");
        public static final long TCPI_BYTES_RETRANS = Layouts.offset(LAYOUT, "tcpi_bytes_retrans");
        public static final long TCPI_SND_WND = Layouts.offset(LAYOUT, "tcpi_snd_wnd");

        private TcpInfo() {}

        /**
         * Asks how many bytes the peer's kernel has acknowledged since the connection was made.
         *
         * @param memory {@link #SIZE} + 4 bytes, 8-byte aligned, overwritten
         * @return the number; -1 if the kernel does not tell, as of sockets that are not of TCP
         */
        public static long bytesAcked(ErrnoSlot errno, int fd, long memory) {
            long length = memory + SIZE;
            NativeMemory.putInt(length, (int) SIZE);
            int result = getsockopt(errno, fd, IPPROTO_TCP, TCP_INFO, memory, length);
            return result < 0 || NativeMemory.getInt(length) < TCPI_BYTES_ACKED + 8 ? -1 : NativeMemory.getLong(memory + TCPI_BYTES_ACKED);
        }
    }

    private static final MethodHandle SEND = Libc.capturingErrno("send", 4);
    private static final MethodHandle RECV = Libc.capturingErrno("recv", 4);
    private static final MethodHandle SENDTO = Libc.capturingErrno("sendto", 6);
    private static final MethodHandle RECVFROM = Libc.capturingErrno("recvfrom", 6);
    private static final MethodHandle SENDMSG = Libc.capturingErrno("sendmsg", 3);
    private static final MethodHandle RECVMSG = Libc.capturingErrno("recvmsg", 3);
    private static final MethodHandle SENDMMSG = Libc.capturingErrno("sendmmsg", 4);
    private static final MethodHandle RECVMMSG = Libc.capturingErrno("recvmmsg", 5);
    private static final MethodHandle ACCEPT4 = Libc.capturingErrno("accept4", 4);
    private static final MethodHandle SOCKET = Libc.capturingErrno("socket", 3);
    private static final MethodHandle SOCKETPAIR = Libc.capturingErrno("socketpair", 4);
    private static final MethodHandle BIND = Libc.capturingErrno("bind", 3);
    private static final MethodHandle CONNECT = Libc.capturingErrno("connect", 3);
    private static final MethodHandle LISTEN = Libc.capturingErrno("listen", 2);
    private static final MethodHandle SHUTDOWN = Libc.capturingErrno("shutdown", 2);
    private static final MethodHandle GETSOCKNAME = Libc.capturingErrno("getsockname", 3);
    private static final MethodHandle GETPEERNAME = Libc.capturingErrno("getpeername", 3);
    private static final MethodHandle GETSOCKOPT = Libc.capturingErrno("getsockopt", 5);
    private static final MethodHandle SETSOCKOPT = Libc.capturingErrno("setsockopt", 5);

    private Sockets() {}

    /**
     * Sends bytes on a connected socket.
     *
     * @param lengthBytes not negative
     * @param flags       bits of {@code MSG_*}; {@link #MSG_NOSIGNAL} is not implied (the JVM ignores SIGPIPE)
     * @return bytes taken, possibly fewer than asked, or a negated errno: {@code -EAGAIN} the send buffer is full,
     *         {@code -EPIPE} shut down or closed by the peer, {@code -ECONNRESET}, {@code -ENOTCONN}
     */
    public static int send(ErrnoSlot errno, int fd, long address, int lengthBytes, int flags) {
        try {
            long n = (long) SEND.invokeExact(errno.segment(), (long) fd, address, (long) lengthBytes, (long) flags);
            return n >= 0 ? (int) n : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Receives bytes.
     *
     * @param lengthBytes room at {@code address}, not negative
     * @param flags       bits of {@code MSG_*}
     * @return bytes received, 0 at the end of a stream, or a negated errno: {@code -EAGAIN} nothing there now,
     *         {@code -ECONNRESET}, {@code -ETIMEDOUT}, {@code -ENOTCONN}
     */
    public static int recv(ErrnoSlot errno, int fd, long address, int lengthBytes, int flags) {
        try {
            long n = (long) RECV.invokeExact(errno.segment(), (long) fd, address, (long) lengthBytes, (long) flags);
            return n >= 0 ? (int) n : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Sends one datagram.
     *
     * @param to       address of a socket address, or 0 on a connected socket
     * @param toLength its length in bytes
     * @return bytes sent, or a negated errno: {@code -EAGAIN} the send buffer is full, {@code -EMSGSIZE} too long for
     *         one datagram, {@code -ECONNREFUSED} an earlier one was refused
     */
    public static int sendto(ErrnoSlot errno, int fd, long address, int lengthBytes, int flags, long to, int toLength) {
        try {
            long n = (long) SENDTO.invokeExact(errno.segment(), (long) fd, address, (long) lengthBytes,
                    (long) flags, to, (long) toLength);
            return n >= 0 ? (int) n : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Receives one datagram and its sender.
     *
     * @param from              address of room for a socket address, or 0
     * @param fromLengthAddress address of 32 bits: in, the bytes of that room; out, the length of the address
     * @return bytes received (with {@link #MSG_TRUNC}, the datagram's length even if it did not fit), or a negated errno
     */
    public static int recvfrom(ErrnoSlot errno, int fd, long address, int lengthBytes, int flags,
                               long from, long fromLengthAddress) {
        try {
            long n = (long) RECVFROM.invokeExact(errno.segment(), (long) fd, address, (long) lengthBytes,
                    (long) flags, from, fromLengthAddress);
            return n >= 0 ? (int) n : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Sends what the {@link Msghdr} at {@code message} describes. Returns as {@link #send} and {@link #sendto}. */
    public static int sendmsg(ErrnoSlot errno, int fd, long message, int flags) {
        try {
            long n = (long) SENDMSG.invokeExact(errno.segment(), (long) fd, message, (long) flags);
            return n >= 0 ? (int) n : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Receives as the {@link Msghdr} at {@code message} says, and updates it. Returns as {@link #recv}. */
    public static int recvmsg(ErrnoSlot errno, int fd, long message, int flags) {
        try {
            long n = (long) RECVMSG.invokeExact(errno.segment(), (long) fd, message, (long) flags);
            return n >= 0 ? (int) n : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Sends several datagrams.
     *
     * @param messages address of {@code count} {@link Mmsghdr}; the kernel writes the length of each one sent
     * @return datagrams sent, at least 1, or a negated errno if the first one failed
     */
    public static int sendmmsg(ErrnoSlot errno, int fd, long messages, int count, int flags) {
        try {
            int n = (int) (long) SENDMMSG.invokeExact(errno.segment(), (long) fd, messages, (long) count, (long) flags);
            return n >= 0 ? n : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Receives several datagrams, without a timeout: use {@link #MSG_DONTWAIT} or {@link #MSG_WAITFORONE}.
     *
     * @param messages address of {@code count} {@link Mmsghdr}; the kernel writes the length of each one received
     * @return datagrams received, at least 1, or a negated errno if the first one failed
     */
    public static int recvmmsg(ErrnoSlot errno, int fd, long messages, int count, int flags) {
        try {
            int n = (int) (long) RECVMMSG.invokeExact(errno.segment(), (long) fd, messages, (long) count,
                    (long) flags, 0L);
            return n >= 0 ? n : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Takes a connection from a listening socket.
     *
     * @param peer              address of room for the peer's address, or 0
     * @param peerLengthAddress address of 32 bits: in, the bytes of that room; out, the length of the address; or 0
     * @param flags             bits of {@link #SOCK_NONBLOCK} and {@link #SOCK_CLOEXEC}
     * @return its descriptor, or a negated errno: {@code -EAGAIN} none is waiting; {@code -EMFILE}, {@code -ENFILE},
     *         {@code -ENOBUFS}, {@code -ENOMEM} out of a resource, and the connection keeps waiting;
     *         {@code -ECONNABORTED} and network errors of a connection that died while it waited
     */
    public static int accept4(ErrnoSlot errno, int fd, long peer, long peerLengthAddress, int flags) {
        try {
            int connection = (int) (long) ACCEPT4.invokeExact(errno.segment(), (long) fd, peer, peerLengthAddress,
                    (long) flags);
            return connection >= 0 ? connection : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Makes a socket.
     *
     * @param domain   one of {@code AF_*}
     * @param type     one of {@code SOCK_*}, with {@link #SOCK_NONBLOCK} and {@link #SOCK_CLOEXEC} if wanted
     * @param protocol 0 for the usual one
     * @return its descriptor, or a negated errno: {@code -EAFNOSUPPORT}, {@code -EMFILE}, {@code -ENFILE}
     */
    public static int socket(ErrnoSlot errno, int domain, int type, int protocol) {
        try {
            int fd = (int) (long) SOCKET.invokeExact(errno.segment(), (long) domain, (long) type, (long) protocol);
            return fd >= 0 ? fd : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Makes two sockets connected to each other.
     *
     * @param pair address of two ints, which receive the descriptors
     * @return 0 or a negated errno
     */
    public static int socketpair(ErrnoSlot errno, int domain, int type, int protocol, long pair) {
        try {
            int r = (int) (long) SOCKETPAIR.invokeExact(errno.segment(), (long) domain, (long) type,
                    (long) protocol, pair);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Binds a socket; 0 or a negated errno: {@code -EADDRINUSE}, {@code -EADDRNOTAVAIL}, {@code -EACCES} a low port. */
    public static int bind(ErrnoSlot errno, int fd, long address, int lengthBytes) {
        try {
            int r = (int) (long) BIND.invokeExact(errno.segment(), (long) fd, address, (long) lengthBytes);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Connects a socket.
     *
     * @return 0, or a negated errno: {@code -EINPROGRESS} under way (wait until writable, then read {@link #SO_ERROR}),
     *         {@code -EAGAIN} no local port is free or, for Unix sockets, the listener's backlog is full
     */
    public static int connect(ErrnoSlot errno, int fd, long address, int lengthBytes) {
        try {
            int r = (int) (long) CONNECT.invokeExact(errno.segment(), (long) fd, address, (long) lengthBytes);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Makes a socket accept connections; 0 or a negated errno: {@code -EADDRINUSE} another one listens there. */
    public static int listen(ErrnoSlot errno, int fd, int backlog) {
        try {
            int r = (int) (long) LISTEN.invokeExact(errno.segment(), (long) fd, (long) backlog);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Shuts down one or both directions, {@code SHUT_*}; 0 or a negated errno: {@code -ENOTCONN} the peer is gone. */
    public static int shutdown(ErrnoSlot errno, int fd, int how) {
        try {
            int r = (int) (long) SHUTDOWN.invokeExact(errno.segment(), (long) fd, (long) how);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Reads the local address.
     *
     * @param address       of room for it
     * @param lengthAddress address of 32 bits: in, the bytes of that room; out, the length of the address
     * @return 0 or a negated errno
     */
    public static int getsockname(ErrnoSlot errno, int fd, long address, long lengthAddress) {
        try {
            int r = (int) (long) GETSOCKNAME.invokeExact(errno.segment(), (long) fd, address, lengthAddress);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Reads the peer's address, as {@link #getsockname}; {@code -ENOTCONN} there is no peer, or no more. */
    public static int getpeername(ErrnoSlot errno, int fd, long address, long lengthAddress) {
        try {
            int r = (int) (long) GETPEERNAME.invokeExact(errno.segment(), (long) fd, address, lengthAddress);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Reads an option.
     *
     * @param value         address of room for it
     * @param lengthAddress address of 32 bits: in, the bytes of that room; out, those written
     * @return 0 or a negated errno: {@code -ENOPROTOOPT} there is no such option
     */
    public static int getsockopt(ErrnoSlot errno, int fd, int level, int option, long value, long lengthAddress) {
        try {
            int r = (int) (long) GETSOCKOPT.invokeExact(errno.segment(), (long) fd, (long) level, (long) option,
                    value, lengthAddress);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /** Sets an option; 0 or a negated errno: {@code -ENOPROTOOPT} no such option, {@code -EINVAL} not this value. */
    public static int setsockopt(ErrnoSlot errno, int fd, int level, int option, long value, int lengthBytes) {
        try {
            int r = (int) (long) SETSOCKOPT.invokeExact(errno.segment(), (long) fd, (long) level, (long) option,
                    value, (long) lengthBytes);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Reads an option that is an int.
     *
     * @return its value as an unsigned 32-bit number, which the caller casts to int, or a negated errno
     */
    public static long getsockoptInt(ErrnoSlot errno, int fd, int level, int option) {
        long value = errno.scratch();
        NativeMemory.putInt(value, 0);
        NativeMemory.putInt(value + 4, 4);
        int r = getsockopt(errno, fd, level, option, value, value + 4);
        return r >= 0 ? Integer.toUnsignedLong(NativeMemory.getInt(value)) : r;
    }

    /** Sets an option that is an int; 0 or a negated errno, as {@link #setsockopt}. */
    public static int setsockoptInt(ErrnoSlot errno, int fd, int level, int option, int value) {
        long address = errno.scratch();
        NativeMemory.putInt(address, value);
        return setsockopt(errno, fd, level, option, address, 4);
    }

    /**
     * Sets {@link #SO_LINGER}: what close does with bytes not sent yet. On with 0 seconds resets the connection.
     *
     * @return 0 or a negated errno
     */
    public static int setLinger(ErrnoSlot errno, int fd, boolean on, int seconds) {
        long linger = errno.scratch();
        NativeMemory.putInt(linger + Linger.L_ONOFF, on ? 1 : 0);
        NativeMemory.putInt(linger + Linger.L_LINGER, seconds);
        return setsockopt(errno, fd, SOL_SOCKET, SO_LINGER, linger, (int) Linger.SIZE);
    }
}
