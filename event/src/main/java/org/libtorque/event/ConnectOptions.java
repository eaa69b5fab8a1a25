package org.libtorque.event;

import java.net.SocketAddress;
import java.time.Duration;

/**
 * How to connect. Immutable; each {@code with} method returns a changed copy.
 *
 * @param timeout      how long to wait for the peer; zero leaves it to the kernel (about two minutes)
 * @param localAddress address to connect from, or null for the kernel's choice; port 0 lets the kernel choose one that is free towards this peer
 * @param noDelay      whether small writes are sent at once (TCP_NODELAY)
 */
public record ConnectOptions(Duration timeout, SocketAddress localAddress, boolean noDelay) {
    /** Ten seconds, any local address, {@code TCP_NODELAY} on. */
    public static final ConnectOptions DEFAULT = new ConnectOptions(Duration.ofSeconds(10), null, true);

    /** Checks the values. */
    public ConnectOptions {
        if (timeout.isNegative()) throw new IllegalArgumentException("timeout must not be negative: " + timeout);
    }

    /** Changes the timeout. */
    public ConnectOptions withTimeout(Duration value) { return new ConnectOptions(value, localAddress, noDelay); }

    /** Changes the local address. */
    public ConnectOptions withLocalAddress(SocketAddress value) { return new ConnectOptions(timeout, value, noDelay); }

    /** Changes whether small writes are sent at once. */
    public ConnectOptions withNoDelay(boolean value) { return new ConnectOptions(timeout, localAddress, value); }
}
