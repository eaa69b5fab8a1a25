package org.libtorque.event;

import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.util.Map;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Sockets;
import org.libtorque.sys.SyscallException;

/** Linux's options of TCP sockets beyond {@link StandardSocketOptions}, and how all of them reach the kernel. */
public final class TcpOptions {
    /** Seconds of idleness before keep-alive probes are sent. */
    public static final SocketOption<Integer> TCP_KEEPIDLE = new Option<>("TCP_KEEPIDLE", Integer.class);
    /** Seconds between keep-alive probes. */
    public static final SocketOption<Integer> TCP_KEEPINTVL = new Option<>("TCP_KEEPINTVL", Integer.class);
    /** Keep-alive probes without an answer before the connection is given up. */
    public static final SocketOption<Integer> TCP_KEEPCNT = new Option<>("TCP_KEEPCNT", Integer.class);
    /** Whether acknowledgements are sent at once; the kernel may switch it off again by itself. */
    public static final SocketOption<Boolean> TCP_QUICKACK = new Option<>("TCP_QUICKACK", Boolean.class);
    /** Milliseconds that sent data may stay unacknowledged before the connection is given up; 0 is the system's default. */
    public static final SocketOption<Integer> TCP_USER_TIMEOUT = new Option<>("TCP_USER_TIMEOUT", Integer.class);
    /** Microseconds to poll the device for before sleeping in a receive. */
    public static final SocketOption<Integer> SO_BUSY_POLL = new Option<>("SO_BUSY_POLL", Integer.class);

    private record Option<T>(String name, Class<T> type) implements SocketOption<T> {
        @Override public String toString() { return name; }
    }

    private record Place(int level, int option) {}

    private static final Map<SocketOption<?>, Place> PLACES = Map.ofEntries(
            Map.entry(StandardSocketOptions.TCP_NODELAY, new Place(Sockets.IPPROTO_TCP, Sockets.TCP_NODELAY)),
            Map.entry(StandardSocketOptions.SO_KEEPALIVE, new Place(Sockets.SOL_SOCKET, Sockets.SO_KEEPALIVE)),
            Map.entry(StandardSocketOptions.SO_RCVBUF, new Place(Sockets.SOL_SOCKET, Sockets.SO_RCVBUF)),
            Map.entry(StandardSocketOptions.SO_SNDBUF, new Place(Sockets.SOL_SOCKET, Sockets.SO_SNDBUF)),
            Map.entry(StandardSocketOptions.SO_REUSEADDR, new Place(Sockets.SOL_SOCKET, Sockets.SO_REUSEADDR)),
            Map.entry(StandardSocketOptions.SO_BROADCAST, new Place(Sockets.SOL_SOCKET, Sockets.SO_BROADCAST)),
            Map.entry(TCP_KEEPIDLE, new Place(Sockets.IPPROTO_TCP, Sockets.TCP_KEEPIDLE)),
            Map.entry(TCP_KEEPINTVL, new Place(Sockets.IPPROTO_TCP, Sockets.TCP_KEEPINTVL)),
            Map.entry(TCP_KEEPCNT, new Place(Sockets.IPPROTO_TCP, Sockets.TCP_KEEPCNT)),
            Map.entry(TCP_QUICKACK, new Place(Sockets.IPPROTO_TCP, Sockets.TCP_QUICKACK)),
            Map.entry(TCP_USER_TIMEOUT, new Place(Sockets.IPPROTO_TCP, Sockets.TCP_USER_TIMEOUT)),
            Map.entry(SO_BUSY_POLL, new Place(Sockets.SOL_SOCKET, Sockets.SO_BUSY_POLL)));

    private TcpOptions() {}

    static <T> T get(ErrnoSlot errno, int fd, SocketOption<T> option) {
        Place place = place(option);
        long value = SyscallException.check(Sockets.getsockoptInt(errno, fd, place.level, place.option), "getsockopt", "fd={}, option={}", fd,
                place.option);
        if (option.type() == Boolean.class) return option.type().cast(value != 0);
        return option.type().cast((int) value);
    }

    static <T> void set(ErrnoSlot errno, int fd, SocketOption<T> option, T value) {
        Place place = place(option);
        int number = switch (value) {
            case Boolean b -> b ? 1 : 0;
            case Integer i -> i;
            case null, default -> throw new IllegalArgumentException(option + " takes " + option.type().getSimpleName() + ", not " + value);
        };
        int result = Sockets.setsockoptInt(errno, fd, place.level, place.option, number);
        if (result < 0) throw SyscallException.of(result, "setsockopt", "fd={}, option={}, value={}", fd, option, value);
    }

    private static Place place(SocketOption<?> option) {
        Place place = PLACES.get(option);
        if (place == null) throw new UnsupportedOperationException(option + " is not known here; known: " + PLACES.keySet());
        return place;
    }
}
