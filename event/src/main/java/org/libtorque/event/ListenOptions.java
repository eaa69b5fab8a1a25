package org.libtorque.event;

import java.time.Duration;
import java.util.function.Supplier;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Placement;

/**
 * How to listen. Immutable; each {@code with} method returns a changed copy.
 *
 * @param backlog            connections that the kernel keeps until they are accepted; it caps this at {@code net.core.somaxconn}
 * @param maxConnections     connections of this listener that may be open at a time on all vcores together; more wait in the backlog. 0: no limit but
 *                           the descriptors'
 * @param noDelay            whether small writes are sent at once (TCP_NODELAY)
 * @param receiveBufferBytes SO_RCVBUF, 0 for the system's default
 * @param sendBufferBytes    SO_SNDBUF, 0 for the system's default
 * @param idleTimeout        idle limit that every connection starts with; zero for none
 * @param colors             asked, on the vcore that accepts, for the colour of each connection, at whose home it is then served; null gives each a colour of its own
 * @param placement          which vcores accept and serve: all, those near a group, or one. A colour for all connections has a place of its own
 */
public record ListenOptions(int backlog, int maxConnections, boolean noDelay, int receiveBufferBytes, int sendBufferBytes, Duration idleTimeout,
                            Supplier<Color> colors, Placement placement) {
    /** A backlog of 4,096, no limits, {@code TCP_NODELAY} on. */
    public static final ListenOptions DEFAULT = new ListenOptions(4096, 0, true, 0, 0, Duration.ZERO, null, Placement.near());

    /** Checks the values. */
    public ListenOptions {
        if (backlog < 1) throw new IllegalArgumentException("backlog must be at least 1, not " + backlog);
        if (maxConnections < 0) throw new IllegalArgumentException("maxConnections must not be negative: " + maxConnections);
        if (receiveBufferBytes < 0 || sendBufferBytes < 0) throw new IllegalArgumentException("buffer sizes must not be negative");
        if (placement == null) throw new NullPointerException("placement");
        if (idleTimeout.isNegative()) throw new IllegalArgumentException("idleTimeout must not be negative: " + idleTimeout);
    }

    /** Changes the backlog. */
    public ListenOptions withBacklog(int value) {
        return new ListenOptions(value, maxConnections, noDelay, receiveBufferBytes, sendBufferBytes, idleTimeout, colors, placement);
    }

    /** Changes the limit on connections. */
    public ListenOptions withMaxConnections(int value) {
        return new ListenOptions(backlog, value, noDelay, receiveBufferBytes, sendBufferBytes, idleTimeout, colors, placement);
    }

    /** Changes whether small writes are sent at once. */
    public ListenOptions withNoDelay(boolean value) {
        return new ListenOptions(backlog, maxConnections, value, receiveBufferBytes, sendBufferBytes, idleTimeout, colors, placement);
    }

    /** Changes the kernel's buffer sizes in bytes. */
    public ListenOptions withBuffers(int receiveBytes, int sendBytes) {
        return new ListenOptions(backlog, maxConnections, noDelay, receiveBytes, sendBytes, idleTimeout, colors, placement);
    }

    /** Changes the idle limit. */
    public ListenOptions withIdleTimeout(Duration value) {
        return new ListenOptions(backlog, maxConnections, noDelay, receiveBufferBytes, sendBufferBytes, value, colors, placement);
    }

    /** Has all connections share a colour: their callbacks never run in parallel, wherever they run. Null gives each its own. */
    public ListenOptions withColor(Color value) { return withColors(value == null ? null : () -> value); }

    /** Says what chooses the colour of each connection: it is called on the vcore that accepts, and must not block. Null gives each its own. */
    public ListenOptions withColors(Supplier<Color> value) {
        return new ListenOptions(backlog, maxConnections, noDelay, receiveBufferBytes, sendBufferBytes, idleTimeout, value, placement);
    }

    /** Changes which vcores accept and serve: {@link Placement#communal} those near the group, {@link Placement#on} that one, anything else all. */
    public ListenOptions withPlacement(Placement value) {
        return new ListenOptions(backlog, maxConnections, noDelay, receiveBufferBytes, sendBufferBytes, idleTimeout, colors, value);
    }
}
