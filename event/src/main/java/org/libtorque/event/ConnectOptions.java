package org.libtorque.event;

import java.net.SocketAddress;
import java.time.Duration;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Placement;

/**
 * How to connect. Immutable; each {@code with} method returns a changed copy.
 *
 * @param timeout      how long to wait for the peer; zero leaves it to the kernel (about two minutes)
 * @param localAddress address to connect from, or null for the kernel's choice; port 0 lets the kernel choose one that is free towards this peer
 * @param noDelay      whether small writes are sent at once (TCP_NODELAY)
 * @param placement    on which vcore the connection is to be, if it has a colour of its own
 * @param color        what its callbacks are serialised with; null gives it a colour of its own
 */
public record ConnectOptions(Duration timeout, SocketAddress localAddress, boolean noDelay, Placement placement, Color color) {
    /** Ten seconds, any local address, {@code TCP_NODELAY} on. */
    public static final ConnectOptions DEFAULT = new ConnectOptions(Duration.ofSeconds(10), null, true, Placement.near(), null);

    /** Checks the values. */
    public ConnectOptions {
        if (placement == null) throw new NullPointerException("placement");
        if (timeout.isNegative()) throw new IllegalArgumentException("timeout must not be negative: " + timeout);
    }

    /** Changes the timeout. */
    public ConnectOptions withTimeout(Duration value) { return new ConnectOptions(value, localAddress, noDelay, placement, color); }

    /** Changes the local address. */
    public ConnectOptions withLocalAddress(SocketAddress value) { return new ConnectOptions(timeout, value, noDelay, placement, color); }

    /** Changes whether small writes are sent at once. */
    public ConnectOptions withNoDelay(boolean value) { return new ConnectOptions(timeout, localAddress, value, placement, color); }

    /** Changes on which vcore the connection is to be. */
    public ConnectOptions withPlacement(Placement value) { return new ConnectOptions(timeout, localAddress, noDelay, value, color); }

    /** Has the connection share a colour, at whose home it is then: what has that colour may use it directly. Null gives it its own. */
    public ConnectOptions withColor(Color value) { return new ConnectOptions(timeout, localAddress, noDelay, placement, value); }
}
