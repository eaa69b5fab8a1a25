package org.libtorque.event;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.libtorque.sys.Errno;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.NativeMemory;
import org.libtorque.sys.Netlink;
import org.libtorque.sys.Netlink.Nlmsghdr;
import org.libtorque.sys.Netlink.SockaddrNl;
import org.libtorque.sys.Sockets;
import org.libtorque.vcore.Color;

/**
 * What the network consists of, and how it changes: one rtnetlink(7) socket.
 *
 * <p><b>The picture.</b> What has been told is kept, so that only real changes are told (the kernel repeats itself), and so that after a loss the differences can be. It follows three
 * streams that the kernel puts into one socket in the order in which things happened: the answer to a question for everything of a kind (a <em>dump</em>), notifications, and,
 * in the place of what it had no room for, {@code ENOBUFS}.
 *
 * <p><b>A dump is a mark and sweep.</b> While it runs, everything that it or a notification speaks of is marked. When it is done, what was not marked is gone. That holds with changes
 * in the middle: what went after the dump had spoken of it is notified later in the stream; what came after it had passed is notified too. If the kernel says that the
 * dump was inconsistent (NLM_F_DUMP_INTR), or something is lost meanwhile, it begins anew.
 *
 * <p><b>When one is made.</b> At the beginning, of all kinds, one after the other, for a socket answers one question at a time. After a loss. And of routes, when a link went down or
 * lost an address: the kernel removes IPv4 routes that need it without a word; also when a route is announced as replacing another and it is not clear which.
 */
final class NetworkSource extends KernelSource {
    /** The kernel answers dumps in pieces of up to 32 KiB if the reader has so much room. */
    private static final int BUFFER_BYTES = 32 << 10;
    private static final int NAME_BYTES = 16;
    private static final int BUDGET = 16;
    private static final int MAX_DUMP_RETRIES = 20;

    private final NetworkHandler handler;
    private final Set<NetworkObject.Kind> kinds;
    private final Arena arena = Arena.ofShared(); // opened by whoever registers
    private final long buffer = arena.allocate(BUFFER_BYTES + NAME_BYTES + 8, 16).address();
    private final long name = buffer + BUFFER_BYTES;
    private final Map<NetworkObject.Kind, Map<Object, NetworkObject>> picture = new java.util.EnumMap<>(NetworkObject.Kind.class);
    /** Kinds to be asked for, the present one included. */
    private final EnumSet<NetworkObject.Kind> wanted = EnumSet.noneOf(NetworkObject.Kind.class);
    /** The kind whose dump is running, or null; and what it or a notification has spoken of meanwhile. */
    private NetworkObject.Kind dumping;
    private final Set<Object> marked = new HashSet<>();
    private boolean inconsistent;
    private int retries;
    private int sequence;
    /** Whether everything has been told for the first time. */
    private boolean complete;
    private boolean tellCompletion = true;

    private NetworkSource(Color color, int fd, Set<NetworkObject.Kind> kinds, NetworkHandler handler) {
        super(color, fd, READABLE);
        this.handler = handler;
        this.kinds = EnumSet.copyOf(kinds);
        for (NetworkObject.Kind kind : this.kinds) picture.put(kind, new LinkedHashMap<>());
    }

    /** See {@link org.libtorque.Torque#onNetwork(Set, Color, NetworkHandler)}. */
    static NetworkSource open(Set<NetworkObject.Kind> kinds, Color color, NetworkHandler handler) throws IOException { return open(kinds, color, handler, 0); }

    /** @param receiveBuffer bytes that the kernel may keep for us, 0 for its default; for tests of losses */
    static NetworkSource open(Set<NetworkObject.Kind> kinds, Color color, NetworkHandler handler, int receiveBuffer) throws IOException {
        if (kinds.isEmpty()) throw new IllegalArgumentException("no kind of network object is asked for");
        int groups = 0;
        for (NetworkObject.Kind kind : kinds) groups |= groupsOf(kind);
        ErrnoSlot errno = ErrnoSlot.current();
        int fd = Netlink.open(errno, groups);
        if (fd < 0) throw IoErrors.of(fd, "socket", "AF_NETLINK, NETLINK_ROUTE, groups={}", groups);
        if (receiveBuffer > 0) Sockets.setsockoptInt(errno, fd, Sockets.SOL_SOCKET, Sockets.SO_RCVBUF, receiveBuffer);
        NetworkSource source = new NetworkSource(color, fd, kinds, handler);
        source.register();
        return source;
    }

    private static int groupsOf(NetworkObject.Kind kind) {
        return switch (kind) {
            case LINK -> Netlink.RTMGRP_LINK;
            case ADDRESS -> Netlink.RTMGRP_IPV4_IFADDR | Netlink.RTMGRP_IPV6_IFADDR;
            // Routes go with links and addresses, silently.
            case ROUTE -> Netlink.RTMGRP_IPV4_ROUTE | Netlink.RTMGRP_IPV6_ROUTE | Netlink.RTMGRP_LINK | Netlink.RTMGRP_IPV4_IFADDR | Netlink.RTMGRP_IPV6_IFADDR;
            case NEIGHBOUR -> Netlink.RTMGRP_NEIGH;
        };
    }

    private static int dumpOf(NetworkObject.Kind kind) {
        return switch (kind) {
            case LINK -> Netlink.RTM_GETLINK;
            case ADDRESS -> Netlink.RTM_GETADDR;
            case ROUTE -> Netlink.RTM_GETROUTE;
            case NEIGHBOUR -> Netlink.RTM_GETNEIGH;
        };
    }

    @Override void started() {
        wanted.addAll(kinds);
        signal(READABLE);
    }

    @Override void released() { loop().files.closeLater(arena); }

    @Override protected void run() throws Exception {
        takeReady();
        ErrnoSlot errno = loop().errno;
        for (int budget = BUDGET; isOpen() && budget > 0; budget--) {
            if (RingPort.holds(handler, this)) return;
            NativeMemory.putInt(name + NAME_BYTES, NAME_BYTES);
            int n = Sockets.recvfrom(errno, fd(), buffer, BUFFER_BYTES, Sockets.MSG_TRUNC, name, name + NAME_BYTES);
            if (n == -Errno.EAGAIN) {
                // Not before: the answer begins at once, and needs room in the socket.
                if (dumping != null || wanted.isEmpty()) return;
                beginDump(errno);
                continue;
            }
            if (n == -Errno.EINTR) continue;
            if (n == -Errno.ENOBUFS || n > BUFFER_BYTES) {
                lost();
                continue;
            }
            if (n < 0) {
                fail(IoErrors.of(n, "recvfrom", "fd={}", fd()));
                return;
            }
            if (NativeMemory.getInt(name + SockaddrNl.NL_PID) == 0) takeAll(buffer, n); // anything else is another process's doing
        }
        if (isOpen()) signal(READABLE); // behind the other colours
    }

    private void beginDump(ErrnoSlot errno) {
        NetworkObject.Kind kind = wanted.iterator().next();
        int result = Netlink.dump(errno, fd(), dumpOf(kind), ++sequence);
        if (result < 0) {
            fail(IoErrors.of(result, "send", "fd={}, RTM_GET {}", fd(), kind));
            return;
        }
        dumping = kind;
        inconsistent = false;
        marked.clear();
    }

    /** More has happened than the kernel kept. */
    private void lost() throws Exception {
        boolean first = complete && !tellCompletion;
        wanted.addAll(kinds);
        inconsistent = true; // the present dump, if any, is not to be believed
        tellCompletion = true;
        if (first) handler.onLost();
    }

    private void takeAll(long at, int length) throws Exception {
        long end = at + length;
        Exception thrown = null;
        while (isOpen() && at + Nlmsghdr.SIZE <= end) {
            int size = NativeMemory.getInt(at + Nlmsghdr.NLMSG_LEN);
            if (size < Nlmsghdr.SIZE || at + size > end) break;
            try {
                take(at);
            } catch (Exception e) { // the handler's: the rest of the messages is not to be lost for that
                if (thrown == null) thrown = e;
                else thrown.addSuppressed(e);
            }
            at += Netlink.align(size);
        }
        if (thrown != null) throw thrown;
    }

    private void take(long message) throws Exception {
        int type = Short.toUnsignedInt(NativeMemory.getShort(message + Nlmsghdr.NLMSG_TYPE));
        int flags = Short.toUnsignedInt(NativeMemory.getShort(message + Nlmsghdr.NLMSG_FLAGS));
        boolean ofDump = dumping != null && NativeMemory.getInt(message + Nlmsghdr.NLMSG_SEQ) == sequence;
        if (ofDump && (flags & Netlink.NLM_F_DUMP_INTR) != 0) inconsistent = true;
        switch (type) {
            case Netlink.NLMSG_DONE -> {
                if (ofDump) dumped();
            }
            case Netlink.NLMSG_ERROR -> {
                int error = NativeMemory.getInt(message + Nlmsghdr.SIZE);
                if (!ofDump || error == 0 || error == -Errno.ENOBUFS) return; // without room for the beginning of the answer, it comes as there is room
                inconsistent = true;
                if (retries >= MAX_DUMP_RETRIES || error != -Errno.EBUSY && error != -Errno.EINTR && error != -Errno.EAGAIN) {
                    fail(IoErrors.of(error, "rtnetlink", "dump of {}", dumping));
                    return;
                }
                dumped();
            }
            case Netlink.NLMSG_OVERRUN -> lost();
            default -> {
                NetworkObject object = NetworkMessages.decode(message);
                if (object != null) take(object, type, flags, ofDump && (flags & Netlink.NLM_F_MULTI) != 0);
            }
        }
    }

    private void take(NetworkObject object, int type, int flags, boolean ofDump) throws Exception {
        boolean removal = NetworkMessages.isRemoval(type);
        watchForSilentRemovals(object, removal);
        Map<Object, NetworkObject> known = picture.get(object.kind());
        if (known == null) return; // asked for because of the routes
        Object key = object.key();
        if (removal) {
            NetworkObject before = known.remove(key);
            if (before != null) tell(NetworkChange.What.REMOVED, before, null);
            return;
        }
        if (dumping == object.kind()) marked.add(key);
        if (!ofDump && object instanceof NetworkObject.Route route && (flags & Netlink.NLM_F_REPLACE) != 0) {
            replaced(route, known);
            return;
        }
        NetworkObject before = known.put(key, object);
        if (before == null) tell(complete ? NetworkChange.What.ADDED : NetworkChange.What.FOUND, object, null);
        else if (!before.equals(object)) tell(NetworkChange.What.CHANGED, object, before);
    }

    /** A route takes another's place. If there are several that it could be, the kernel is asked. */
    private void replaced(NetworkObject.Route route, Map<Object, NetworkObject> known) throws Exception {
        List<NetworkObject.Route> candidates = new ArrayList<>();
        for (NetworkObject other : known.values()) {
            if (((NetworkObject.Route) other).place().equals(route.place())) candidates.add((NetworkObject.Route) other);
        }
        if (candidates.size() > 1) wanted.add(NetworkObject.Kind.ROUTE);
        NetworkObject.Route before = candidates.size() == 1 ? candidates.getFirst() : null;
        if (before != null) known.remove(before.key());
        known.put(route.key(), route);
        if (before == null) tell(complete ? NetworkChange.What.ADDED : NetworkChange.What.FOUND, route, null);
        else if (!before.equals(route)) tell(NetworkChange.What.CHANGED, route, before);
    }

    private void watchForSilentRemovals(NetworkObject object, boolean removal) {
        if (!complete || !kinds.contains(NetworkObject.Kind.ROUTE)) return;
        boolean maybe = object instanceof NetworkObject.Address && removal || object instanceof NetworkObject.Link link && (removal || !link.up());
        if (maybe) askAgain(NetworkObject.Kind.ROUTE);
    }

    /** Has a kind asked for, and once more if its dump has begun already. */
    private void askAgain(NetworkObject.Kind kind) {
        wanted.add(kind);
        if (dumping == kind) inconsistent = true;
    }

    /** A dump has ended. */
    private void dumped() throws Exception {
        NetworkObject.Kind kind = dumping;
        dumping = null;
        if (inconsistent && ++retries <= MAX_DUMP_RETRIES) return; // still wanted
        retries = 0;
        wanted.remove(kind);
        List<NetworkObject> gone = new ArrayList<>();
        picture.get(kind).forEach((key, object) -> {
            if (!marked.contains(key)) gone.add(object);
        });
        marked.clear();
        boolean all = wanted.isEmpty();
        boolean tells = all && tellCompletion;
        if (all) {
            complete = true;
            tellCompletion = false;
        }
        Exception thrown = null;
        for (NetworkObject object : gone) {
            picture.get(kind).remove(object.key());
            try {
                tell(NetworkChange.What.REMOVED, object, null);
            } catch (Exception e) {
                if (thrown == null) thrown = e;
            }
        }
        if (tells && isOpen()) handler.onComplete();
        if (thrown != null) throw thrown;
    }

    private void tell(NetworkChange.What what, NetworkObject object, NetworkObject before) throws Exception {
        if (isOpen()) handler.onChange(new NetworkChange(what, object, before));
    }

    @Override public String toString() { return "Registration[network " + kinds + "]"; }
}
