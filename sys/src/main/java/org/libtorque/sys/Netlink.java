package org.libtorque.sys;

import java.lang.foreign.StructLayout;

/** netlink(7) and rtnetlink(7): sockets by which the kernel tells of links, addresses, routes and neighbours. Numbers are in native byte order. */
public final class Netlink {
    public static final int NETLINK_ROUTE = 0;
    public static final int SOL_NETLINK = 270;
    public static final int NETLINK_ADD_MEMBERSHIP = 1;

    /** Multicast groups as bits of {@link SockaddrNl#NL_GROUPS}. */
    public static final int RTMGRP_LINK = 1, RTMGRP_NEIGH = 4, RTMGRP_IPV4_IFADDR = 0x10, RTMGRP_IPV4_ROUTE = 0x40, RTMGRP_IPV6_IFADDR = 0x100, RTMGRP_IPV6_ROUTE = 0x400;

    public static final int NLMSG_NOOP = 1, NLMSG_ERROR = 2, NLMSG_DONE = 3, NLMSG_OVERRUN = 4;
    public static final int NLM_F_REQUEST = 1, NLM_F_MULTI = 2, NLM_F_ACK = 4, NLM_F_DUMP_INTR = 0x10, NLM_F_REPLACE = 0x100, NLM_F_DUMP = 0x300;

    public static final int RTM_NEWLINK = 16, RTM_DELLINK = 17, RTM_GETLINK = 18, RTM_NEWADDR = 20, RTM_DELADDR = 21, RTM_GETADDR = 22;
    public static final int RTM_NEWROUTE = 24, RTM_DELROUTE = 25, RTM_GETROUTE = 26, RTM_NEWNEIGH = 28, RTM_DELNEIGH = 29, RTM_GETNEIGH = 30;

    public static final int IFLA_ADDRESS = 1, IFLA_IFNAME = 3, IFLA_MTU = 4, IFLA_LINK = 5, IFLA_MASTER = 10, IFLA_OPERSTATE = 16, IFLA_LINKINFO = 18, IFLA_INFO_KIND = 1;
    public static final int IFF_UP = 1, IFF_LOOPBACK = 8, IFF_POINTOPOINT = 0x10, IFF_RUNNING = 0x40;

    public static final int IFA_ADDRESS = 1, IFA_LOCAL = 2, IFA_LABEL = 3, IFA_BROADCAST = 4, IFA_FLAGS = 8;
    public static final int IFA_F_SECONDARY = 1, IFA_F_DADFAILED = 8, IFA_F_DEPRECATED = 0x20, IFA_F_TENTATIVE = 0x40, IFA_F_PERMANENT = 0x80;

    public static final int RTA_DST = 1, RTA_SRC = 2, RTA_OIF = 4, RTA_GATEWAY = 5, RTA_PRIORITY = 6, RTA_PREFSRC = 7, RTA_MULTIPATH = 9, RTA_TABLE = 15, RTA_VIA = 18;
    public static final int RTM_F_CLONED = 0x200;
    public static final int RT_TABLE_MAIN = 254, RT_TABLE_LOCAL = 255;
    public static final int RTN_UNICAST = 1, RTN_LOCAL = 2, RTN_BROADCAST = 3, RTN_ANYCAST = 4, RTN_MULTICAST = 5, RTN_BLACKHOLE = 6, RTN_UNREACHABLE = 7, RTN_PROHIBIT = 8;

    public static final int NDA_DST = 1, NDA_LLADDR = 2;
    public static final int NUD_INCOMPLETE = 1, NUD_REACHABLE = 2, NUD_STALE = 4, NUD_DELAY = 8, NUD_PROBE = 0x10, NUD_FAILED = 0x20, NUD_NOARP = 0x40, NUD_PERMANENT = 0x80;

    /** Messages and attributes begin at multiples of this. */
    public static final int ALIGNTO = 4;

    /** struct sockaddr_nl. */
    public static final class SockaddrNl {
        static final StructLayout LAYOUT = Layouts.struct("sockaddr_nl", Layouts.u16("nl_family"), Layouts.u16("nl_pad"), Layouts.u32("nl_pid"), Layouts.u32("nl_groups"));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long NL_FAMILY = Layouts.offset(LAYOUT, "nl_family");
        /** The socket's number; 0 is the kernel. */
        public static final long NL_PID = Layouts.offset(LAYOUT, "nl_pid");
        public static final long NL_GROUPS = Layouts.offset(LAYOUT, "nl_groups");

        private SockaddrNl() {}
    }

    /** struct nlmsghdr. */
    public static final class Nlmsghdr {
        static final StructLayout LAYOUT = Layouts.struct("nlmsghdr", Layouts.u32("nlmsg_len"), Layouts.u16("nlmsg_type"), Layouts.u16("nlmsg_flags"), Layouts.u32("nlmsg_seq"),
                Layouts.u32("nlmsg_pid"));
        public static final long SIZE = LAYOUT.byteSize();
        /** Bytes of the message, this header included. */
        public static final long NLMSG_LEN = Layouts.offset(LAYOUT, "nlmsg_len");
        public static final long NLMSG_TYPE = Layouts.offset(LAYOUT, "nlmsg_type");
        public static final long NLMSG_FLAGS = Layouts.offset(LAYOUT, "nlmsg_flags");
        public static final long NLMSG_SEQ = Layouts.offset(LAYOUT, "nlmsg_seq");
        public static final long NLMSG_PID = Layouts.offset(LAYOUT, "nlmsg_pid");

        private Nlmsghdr() {}
    }

    /** struct rtattr: a header, then the value. */
    public static final class Rtattr {
        static final StructLayout LAYOUT = Layouts.struct("rtattr", Layouts.u16("rta_len"), Layouts.u16("rta_type"));
        public static final long SIZE = LAYOUT.byteSize();
        /** Bytes, this header included. */
        public static final long RTA_LEN = Layouts.offset(LAYOUT, "rta_len");
        /** The two highest bits are flags. */
        public static final long RTA_TYPE = Layouts.offset(LAYOUT, "rta_type");

        private Rtattr() {}
    }

    /** struct ifinfomsg, of links. */
    public static final class Ifinfomsg {
        static final StructLayout LAYOUT = Layouts.struct("ifinfomsg", Layouts.u8("ifi_family"), Layouts.u8("__ifi_pad"), Layouts.u16("ifi_type"), Layouts.u32("ifi_index"),
                Layouts.u32("ifi_flags"), Layouts.u32("ifi_change"));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long IFI_FAMILY = Layouts.offset(LAYOUT, "ifi_family");
        public static final long IFI_TYPE = Layouts.offset(LAYOUT, "ifi_type");
        public static final long IFI_INDEX = Layouts.offset(LAYOUT, "ifi_index");
        public static final long IFI_FLAGS = Layouts.offset(LAYOUT, "ifi_flags");

        private Ifinfomsg() {}
    }

    /** struct ifaddrmsg, of addresses. */
    public static final class Ifaddrmsg {
        static final StructLayout LAYOUT = Layouts.struct("ifaddrmsg", Layouts.u8("ifa_family"), Layouts.u8("ifa_prefixlen"), Layouts.u8("ifa_flags"), Layouts.u8("ifa_scope"),
                Layouts.u32("ifa_index"));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long IFA_FAMILY = Layouts.offset(LAYOUT, "ifa_family");
        public static final long IFA_PREFIXLEN = Layouts.offset(LAYOUT, "ifa_prefixlen");
        /** The lower 8 bits; all 32 are an attribute. */
        public static final long IFA_FLAGS = Layouts.offset(LAYOUT, "ifa_flags");
        public static final long IFA_INDEX = Layouts.offset(LAYOUT, "ifa_index");

        private Ifaddrmsg() {}
    }

    /** struct rtmsg, of routes. */
    public static final class Rtmsg {
        static final StructLayout LAYOUT = Layouts.struct("rtmsg", Layouts.u8("rtm_family"), Layouts.u8("rtm_dst_len"), Layouts.u8("rtm_src_len"), Layouts.u8("rtm_tos"),
                Layouts.u8("rtm_table"), Layouts.u8("rtm_protocol"), Layouts.u8("rtm_scope"), Layouts.u8("rtm_type"), Layouts.u32("rtm_flags"));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long RTM_FAMILY = Layouts.offset(LAYOUT, "rtm_family");
        public static final long RTM_DST_LEN = Layouts.offset(LAYOUT, "rtm_dst_len");
        public static final long RTM_TOS = Layouts.offset(LAYOUT, "rtm_tos");
        public static final long RTM_TABLE = Layouts.offset(LAYOUT, "rtm_table");
        public static final long RTM_PROTOCOL = Layouts.offset(LAYOUT, "rtm_protocol");
        public static final long RTM_SCOPE = Layouts.offset(LAYOUT, "rtm_scope");
        public static final long RTM_TYPE = Layouts.offset(LAYOUT, "rtm_type");
        public static final long RTM_FLAGS = Layouts.offset(LAYOUT, "rtm_flags");

        private Rtmsg() {}
    }

    /** struct rtnexthop: one way of a route that has several; a header, then attributes. */
    public static final class Rtnexthop {
        static final StructLayout LAYOUT = Layouts.struct("rtnexthop", Layouts.u16("rtnh_len"), Layouts.u8("rtnh_flags"), Layouts.u8("rtnh_hops"), Layouts.u32("rtnh_ifindex"));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long RTNH_LEN = Layouts.offset(LAYOUT, "rtnh_len");
        /** The weight less one. */
        public static final long RTNH_HOPS = Layouts.offset(LAYOUT, "rtnh_hops");
        public static final long RTNH_IFINDEX = Layouts.offset(LAYOUT, "rtnh_ifindex");

        private Rtnexthop() {}
    }

    /** struct ndmsg, of neighbours. */
    public static final class Ndmsg {
        static final StructLayout LAYOUT = Layouts.struct("ndmsg", Layouts.u8("ndm_family"), Layouts.u8("ndm_pad1"), Layouts.u16("ndm_pad2"), Layouts.u32("ndm_ifindex"),
                Layouts.u16("ndm_state"), Layouts.u8("ndm_flags"), Layouts.u8("ndm_type"));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long NDM_FAMILY = Layouts.offset(LAYOUT, "ndm_family");
        public static final long NDM_IFINDEX = Layouts.offset(LAYOUT, "ndm_ifindex");
        public static final long NDM_STATE = Layouts.offset(LAYOUT, "ndm_state");

        private Ndmsg() {}
    }

    private Netlink() {}

    /** Rounds a length up to where the next message or attribute begins. */
    public static int align(int length) { return length + ALIGNTO - 1 & -ALIGNTO; }

    /**
     * Opens a socket that gets messages of groups. It belongs to the network namespace of the calling thread.
     *
     * @param groups bits of {@code RTMGRP_*}
     * @return a descriptor, non-blocking and close-on-exec, or a negated errno
     */
    public static int open(ErrnoSlot errno, int groups) {
        int fd = Sockets.socket(errno, Sockets.AF_NETLINK, Sockets.SOCK_RAW | Sockets.SOCK_NONBLOCK | Sockets.SOCK_CLOEXEC, NETLINK_ROUTE);
        if (fd < 0) return fd;
        long name = errno.scratch();
        NativeMemory.fill(name, SockaddrNl.SIZE, (byte) 0);
        NativeMemory.putShort(name + SockaddrNl.NL_FAMILY, (short) Sockets.AF_NETLINK);
        NativeMemory.putInt(name + SockaddrNl.NL_GROUPS, groups);
        int result = Sockets.bind(errno, fd, name, (int) SockaddrNl.SIZE);
        if (result == 0) return fd;
        Files.close(errno, fd);
        return result;
    }

    /**
     * Asks for everything of a kind.
     *
     * @param type     one of {@code RTM_GET*}
     * @param sequence comes back in each message of the answer
     * @return 0 or a negated errno
     */
    public static int dump(ErrnoSlot errno, int fd, int type, int sequence) {
        long message = errno.scratch();
        int length = (int) (Nlmsghdr.SIZE + Ifinfomsg.SIZE); // what follows the header is, for each type, at most as long, and may be longer
        NativeMemory.fill(message, length, (byte) 0);
        NativeMemory.putInt(message + Nlmsghdr.NLMSG_LEN, length);
        NativeMemory.putShort(message + Nlmsghdr.NLMSG_TYPE, (short) type);
        NativeMemory.putShort(message + Nlmsghdr.NLMSG_FLAGS, (short) (NLM_F_REQUEST | NLM_F_DUMP));
        NativeMemory.putInt(message + Nlmsghdr.NLMSG_SEQ, sequence);
        int n = Sockets.send(errno, fd, message, length, 0);
        return n < 0 ? n : 0;
    }
}
