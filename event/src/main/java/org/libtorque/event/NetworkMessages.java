package org.libtorque.event;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import org.libtorque.sys.CStrings;
import org.libtorque.sys.NativeMemory;
import org.libtorque.sys.Netlink;
import org.libtorque.sys.Netlink.Ifaddrmsg;
import org.libtorque.sys.Netlink.Ifinfomsg;
import org.libtorque.sys.Netlink.Ndmsg;
import org.libtorque.sys.Netlink.Nlmsghdr;
import org.libtorque.sys.Netlink.Rtattr;
import org.libtorque.sys.Netlink.Rtmsg;
import org.libtorque.sys.Netlink.Rtnexthop;
import org.libtorque.sys.Sockets;

/** Turns messages of rtnetlink(7) into {@link NetworkObject}s. Trusts the kernel with the contents, but never reads beyond a message. */
final class NetworkMessages {
    private NetworkMessages() {}

    /** Returns what a message is about, or null if that is nothing we tell of. */
    static NetworkObject decode(long message) {
        int length = NativeMemory.getInt(message + Nlmsghdr.NLMSG_LEN);
        int type = Short.toUnsignedInt(NativeMemory.getShort(message + Nlmsghdr.NLMSG_TYPE));
        long body = message + Nlmsghdr.SIZE;
        long end = message + length;
        return switch (type) {
            case Netlink.RTM_NEWLINK, Netlink.RTM_DELLINK -> link(body, end);
            case Netlink.RTM_NEWADDR, Netlink.RTM_DELADDR -> address(body, end);
            case Netlink.RTM_NEWROUTE, Netlink.RTM_DELROUTE -> route(body, end);
            case Netlink.RTM_NEWNEIGH, Netlink.RTM_DELNEIGH -> neighbour(body, end);
            default -> null;
        };
    }

    /** Tells whether a message says that something is gone. */
    static boolean isRemoval(int type) { return (type & 3) == 1; } // NEW, DEL, GET, SET, in this order from a multiple of four on

    private static NetworkObject link(long body, long end) {
        if (body + Ifinfomsg.SIZE > end || NativeMemory.getByte(body + Ifinfomsg.IFI_FAMILY) != Sockets.AF_UNSPEC) return null; // bridges tell of their ports by another family
        int flags = NativeMemory.getInt(body + Ifinfomsg.IFI_FLAGS);
        long first = body + Ifinfomsg.SIZE;
        long info = find(first, end, Netlink.IFLA_LINKINFO);
        long driver = info == 0 ? 0 : find(info + Rtattr.SIZE, info + lengthOf(info), Netlink.IFLA_INFO_KIND);
        return new NetworkObject.Link(NativeMemory.getInt(body + Ifinfomsg.IFI_INDEX), text(find(first, end, Netlink.IFLA_IFNAME)), (flags & Netlink.IFF_UP) != 0,
                (flags & Netlink.IFF_RUNNING) != 0, (flags & Netlink.IFF_LOOPBACK) != 0, (int) number(find(first, end, Netlink.IFLA_MTU)),
                hardware(find(first, end, Netlink.IFLA_ADDRESS)), text(driver), (int) number(find(first, end, Netlink.IFLA_MASTER)));
    }

    private static NetworkObject address(long body, long end) {
        if (body + Ifaddrmsg.SIZE > end) return null;
        long first = body + Ifaddrmsg.SIZE;
        InetAddress address = inet(find(first, end, Netlink.IFA_ADDRESS));
        InetAddress local = inet(find(first, end, Netlink.IFA_LOCAL));
        if (address == null && local == null) return null;
        long attribute = find(first, end, Netlink.IFA_FLAGS);
        int flags = attribute != 0 ? (int) number(attribute) : Byte.toUnsignedInt(NativeMemory.getByte(body + Ifaddrmsg.IFA_FLAGS));
        // With both, one is the other end of the link; they are the same where there is no other end.
        InetAddress own = local != null ? local : address;
        InetAddress peer = local != null && address != null && !address.equals(local) ? address : null;
        return new NetworkObject.Address(NativeMemory.getInt(body + Ifaddrmsg.IFA_INDEX), own, Byte.toUnsignedInt(NativeMemory.getByte(body + Ifaddrmsg.IFA_PREFIXLEN)), peer,
                text(find(first, end, Netlink.IFA_LABEL)), (flags & Netlink.IFA_F_TENTATIVE) != 0, (flags & Netlink.IFA_F_DEPRECATED) != 0, (flags & Netlink.IFA_F_PERMANENT) != 0);
    }

    private static NetworkObject route(long body, long end) {
        if (body + Rtmsg.SIZE > end) return null;
        int family = Byte.toUnsignedInt(NativeMemory.getByte(body + Rtmsg.RTM_FAMILY));
        if (family != Sockets.AF_INET && family != Sockets.AF_INET6 || (NativeMemory.getInt(body + Rtmsg.RTM_FLAGS) & Netlink.RTM_F_CLONED) != 0) return null;
        long first = body + Rtmsg.SIZE;
        InetAddress destination = inet(find(first, end, Netlink.RTA_DST));
        if (destination == null) destination = inet(new byte[family == Sockets.AF_INET ? 4 : 16]);
        long table = find(first, end, Netlink.RTA_TABLE);
        return new NetworkObject.Route(destination, Byte.toUnsignedInt(NativeMemory.getByte(body + Rtmsg.RTM_DST_LEN)), hops(first, end),
                table != 0 ? (int) number(table) : Byte.toUnsignedInt(NativeMemory.getByte(body + Rtmsg.RTM_TABLE)), number(find(first, end, Netlink.RTA_PRIORITY)),
                routeType(Byte.toUnsignedInt(NativeMemory.getByte(body + Rtmsg.RTM_TYPE))), Byte.toUnsignedInt(NativeMemory.getByte(body + Rtmsg.RTM_PROTOCOL)),
                Byte.toUnsignedInt(NativeMemory.getByte(body + Rtmsg.RTM_SCOPE)), inet(find(first, end, Netlink.RTA_PREFSRC)), Byte.toUnsignedInt(NativeMemory.getByte(body + Rtmsg.RTM_TOS)));
    }

    private static List<NetworkObject.Hop> hops(long first, long end) {
        long several = find(first, end, Netlink.RTA_MULTIPATH);
        if (several == 0) {
            int link = (int) number(find(first, end, Netlink.RTA_OIF));
            InetAddress gateway = gateway(first, end);
            return link == 0 && gateway == null ? List.of() : List.of(new NetworkObject.Hop(link, gateway, 1));
        }
        List<NetworkObject.Hop> hops = new ArrayList<>();
        long at = several + Rtattr.SIZE;
        long stop = several + lengthOf(several);
        while (at + Rtnexthop.SIZE <= stop) {
            int length = Short.toUnsignedInt(NativeMemory.getShort(at + Rtnexthop.RTNH_LEN));
            if (length < Rtnexthop.SIZE || at + length > stop) break;
            hops.add(new NetworkObject.Hop(NativeMemory.getInt(at + Rtnexthop.RTNH_IFINDEX), gateway(at + Rtnexthop.SIZE, at + length),
                    Byte.toUnsignedInt(NativeMemory.getByte(at + Rtnexthop.RTNH_HOPS)) + 1));
            at += Netlink.align(length);
        }
        return List.copyOf(hops);
    }

    /** An IPv4 route may go by an IPv6 gateway, which is said in another attribute: the family, then the address. */
    private static InetAddress gateway(long first, long end) {
        InetAddress gateway = inet(find(first, end, Netlink.RTA_GATEWAY));
        if (gateway != null) return gateway;
        long via = find(first, end, Netlink.RTA_VIA);
        return via == 0 || lengthOf(via) < Rtattr.SIZE + 2 ? null : inet(bytes(via + Rtattr.SIZE + 2, (int) (lengthOf(via) - Rtattr.SIZE - 2)));
    }

    private static NetworkObject neighbour(long body, long end) {
        if (body + Ndmsg.SIZE > end) return null;
        int family = Byte.toUnsignedInt(NativeMemory.getByte(body + Ndmsg.NDM_FAMILY));
        InetAddress address = inet(find(body + Ndmsg.SIZE, end, Netlink.NDA_DST));
        if (family != Sockets.AF_INET && family != Sockets.AF_INET6 || address == null) return null; // forwarding entries of bridges
        return new NetworkObject.Neighbour(NativeMemory.getInt(body + Ndmsg.NDM_IFINDEX), address, hardware(find(body + Ndmsg.SIZE, end, Netlink.NDA_LLADDR)),
                neighbourState(NativeMemory.getShort(body + Ndmsg.NDM_STATE)));
    }

    private static String neighbourState(int state) {
        return switch (state) {
            case Netlink.NUD_INCOMPLETE -> "incomplete";
            case Netlink.NUD_REACHABLE -> "reachable";
            case Netlink.NUD_STALE -> "stale";
            case Netlink.NUD_DELAY -> "delay";
            case Netlink.NUD_PROBE -> "probe";
            case Netlink.NUD_FAILED -> "failed";
            case Netlink.NUD_NOARP -> "noarp";
            case Netlink.NUD_PERMANENT -> "permanent";
            default -> "none";
        };
    }

    private static String routeType(int type) {
        return switch (type) {
            case Netlink.RTN_UNICAST -> "unicast";
            case Netlink.RTN_LOCAL -> "local";
            case Netlink.RTN_BROADCAST -> "broadcast";
            case Netlink.RTN_ANYCAST -> "anycast";
            case Netlink.RTN_MULTICAST -> "multicast";
            case Netlink.RTN_BLACKHOLE -> "blackhole";
            case Netlink.RTN_UNREACHABLE -> "unreachable";
            case Netlink.RTN_PROHIBIT -> "prohibit";
            default -> Integer.toString(type);
        };
    }

    // ---- attributes

    /** Returns where an attribute begins, or 0. */
    private static long find(long first, long end, int type) {
        for (long at = first; at + Rtattr.SIZE <= end; ) {
            int length = lengthOf(at);
            if (length < Rtattr.SIZE || at + length > end) return 0;
            if ((NativeMemory.getShort(at + Rtattr.RTA_TYPE) & 0x3FFF) == type) return at;
            at += Netlink.align(length);
        }
        return 0;
    }

    private static int lengthOf(long attribute) { return Short.toUnsignedInt(NativeMemory.getShort(attribute + Rtattr.RTA_LEN)); }

    private static long number(long attribute) {
        return attribute == 0 || lengthOf(attribute) < Rtattr.SIZE + 4 ? 0 : Integer.toUnsignedLong(NativeMemory.getInt(attribute + Rtattr.SIZE));
    }

    private static String text(long attribute) { return attribute == 0 ? "" : CStrings.get(attribute + Rtattr.SIZE, (int) (lengthOf(attribute) - Rtattr.SIZE)); }

    private static byte[] bytes(long address, int length) {
        byte[] bytes = new byte[length];
        NativeMemory.copy(address, bytes, 0, length);
        return bytes;
    }

    private static InetAddress inet(long attribute) { return attribute == 0 ? null : inet(bytes(attribute + Rtattr.SIZE, (int) (lengthOf(attribute) - Rtattr.SIZE))); }

    private static InetAddress inet(byte[] bytes) {
        try {
            return bytes.length == 4 || bytes.length == 16 ? InetAddress.getByAddress(bytes) : null;
        } catch (UnknownHostException e) {
            throw new AssertionError(e); // only for other lengths
        }
    }

    private static String hardware(long attribute) {
        if (attribute == 0) return "";
        byte[] bytes = bytes(attribute + Rtattr.SIZE, (int) (lengthOf(attribute) - Rtattr.SIZE));
        var text = new StringBuilder(3 * bytes.length);
        for (byte b : bytes) text.append(text.isEmpty() ? "" : ":").append(Character.forDigit(b >> 4 & 15, 16)).append(Character.forDigit(b & 15, 16));
        return text.toString();
    }
}
