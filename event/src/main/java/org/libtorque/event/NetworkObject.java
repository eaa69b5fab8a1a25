package org.libtorque.event;

import java.net.InetAddress;
import java.util.List;
import org.libtorque.sys.Netlink;

/** Something of the network that the kernel tells of, as of one moment. Two are equal if all that is told is. */
public sealed interface NetworkObject {
    /** What identifies it among those of its kind: a change keeps that, and changes the rest. */
    Object key();

    /** Returns the number of the link that it is of, or 0 if it has none. */
    int link();

    /** The kinds, in the order in which they are first told. */
    enum Kind {
        /** Of a {@link Link}. */
        LINK,
        /** Of an {@link Address}. */
        ADDRESS,
        /** Of a {@link Route}. */
        ROUTE,
        /** Of a {@link Neighbour}. */
        NEIGHBOUR
    }

    /** Returns which kind it is. */
    Kind kind();

    /**
     * A network interface.
     *
     * @param index    its number
     * @param name     such as {@code eth0}
     * @param up       whether the administrator has it up
     * @param running  whether it can carry packets: it is up and has a carrier
     * @param loopback whether it leads back here
     * @param mtu      the longest packet, in bytes
     * @param hardware its hardware address as {@code 02:42:…}; empty if it has none
     * @param driver   the kind that made it, such as {@code veth}, {@code bridge}, {@code dummy}; empty for real devices
     * @param master   number of the link that it is part of, such as a bridge; 0 for none
     */
    record Link(int index, String name, boolean up, boolean running, boolean loopback, int mtu, String hardware, String driver, int master) implements NetworkObject {
        @Override public Object key() { return index; }

        @Override public int link() { return index; }

        @Override public Kind kind() { return Kind.LINK; }
    }

    /**
     * An address of a link.
     *
     * @param link         number of the link
     * @param address      the address
     * @param prefixLength bits of it that name the network
     * @param peer         the other end of a point-to-point link, or null
     * @param label        a name that IPv4 addresses may have; empty otherwise
     * @param tentative    IPv6: whether it may not be used yet, because another host may have it
     * @param deprecated   whether it should not be used for anything new
     * @param permanent    whether it has no end of life
     */
    record Address(int link, InetAddress address, int prefixLength, InetAddress peer, String label, boolean tentative, boolean deprecated, boolean permanent) implements NetworkObject {
        @Override public Object key() { return List.of(link, address, prefixLength); }

        @Override public Kind kind() { return Kind.ADDRESS; }
    }

    /**
     * One way of a route.
     *
     * @param link    number of the link; 0 for none
     * @param gateway the host to send to; null: the destination itself
     * @param weight  share among the ways of a route, from 1
     */
    record Hop(int link, InetAddress gateway, int weight) {}

    /**
     * A route.
     *
     * @param destination  the network; all zeros with length 0 for the default route
     * @param prefixLength bits of the destination that count
     * @param hops         where to; none for routes that throw away or refuse
     * @param table        254 is the main one, 255 has this host's own addresses
     * @param priority     the smaller, the better; 0 for none said
     * @param type         {@code unicast}, {@code local}, {@code blackhole}, … or a number
     * @param protocol     who made it: 2 the kernel, 3 at boot, 4 an administrator, others routing daemons
     * @param scope        0 anywhere, 253 the link, 254 this host
     * @param source       the address to send from, or null
     * @param tos          IPv4: for which type of service; 0 for all
     */
    record Route(InetAddress destination, int prefixLength, List<Hop> hops, int table, long priority, String type, int protocol, int scope, InetAddress source, int tos)
            implements NetworkObject {
        /** With the ways: there may be several routes to the same place, and the kernel tells them apart by nothing else. */
        @Override public Object key() { return List.of(destination, prefixLength, table, priority, tos, type, hops); }

        /** What a route replaces that is announced as replacing. */
        Object place() { return List.of(destination, prefixLength, table, priority, tos); }

        @Override public int link() { return hops.isEmpty() ? 0 : hops.getFirst().link; }

        /** Tells whether it is one for packets to other hosts, in the main table. */
        public boolean isMain() { return table == Netlink.RT_TABLE_MAIN; }

        @Override public Kind kind() { return Kind.ROUTE; }
    }

    /**
     * What is known of another host on a link.
     *
     * @param link     number of the link
     * @param address  the host
     * @param hardware its hardware address as {@code 02:42:…}; empty if that is not known
     * @param state    {@code reachable}, {@code stale}, {@code failed}, {@code permanent}, …
     */
    record Neighbour(int link, InetAddress address, String hardware, String state) implements NetworkObject {
        @Override public Object key() { return List.of(link, address); }

        @Override public Kind kind() { return Kind.NEIGHBOUR; }
    }
}
