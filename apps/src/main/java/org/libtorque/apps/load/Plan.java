package org.libtorque.apps.load;

import java.net.SocketAddress;
import java.util.List;

import org.libtorque.event.ConnectOptions;

/**
 * What all connections of a group have in common. Immutable, shared by all vcores.
 *
 * @param address              of the server
 * @param connectOptions       used in turn, one for each source address
 * @param request              what to send
 * @param pipeline             most requests outstanding on one connection
 * @param lanes                how many connections there are in all
 * @param perConnection        requests after which a connection is closed, 0 for no limit
 * @param timeoutNanos         what an answer may take, 0 for any time
 * @param answersHead          whether the method is HEAD
 * @param expectation          the first answer
 * @param firstTemplate        its bytes, null if they are not to be learned
 * @param pace                 when requests are due, null in a closed loop
 * @param turns                when which connections are busy, null if all are all the time
 * @param beginNanos           {@link System#nanoTime} at which the load begins
 * @param startNanos           from which on is counted
 * @param endNanos             and until which
 */
record Plan(SocketAddress address, List<ConnectOptions> connectOptions, RequestCopies request, int pipeline, int lanes, long perConnection,
            long timeoutNanos, boolean answersHead, Expectation expectation, Template firstTemplate, Pace pace, Turns turns,
            long beginNanos, long startNanos, long endNanos) {}
