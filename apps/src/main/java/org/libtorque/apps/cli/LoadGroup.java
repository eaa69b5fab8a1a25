package org.libtorque.apps.cli;

import java.time.Duration;
import java.util.List;

/**
 * Connections of {@code torque load} that are treated alike.
 *
 * @param name        for the results; empty if there is but one group, which nobody named
 * @param connections connections held open at once, or, where {@code vcores} names several, on each of them; at least 1
 * @param target      what the request line asks for: path and query, percent-encoded
 * @param rate        requests per second of all of them together, in an open loop; 0 for a closed loop
 * @param pipeline    most requests outstanding on one connection, at least 1
 * @param vcores      the server's vcores that are to serve them; empty for those that come
 * @param move        how long the connections of one vcore are busy before it is the next one's turn; zero for all at the same time
 * @param numbers     how many numbers the first asterisk of {@code target} stands for, in turn; 0 if it stands for itself
 */
public record LoadGroup(String name, int connections, String target, long rate, int pipeline, List<Integer> vcores, Duration move, int numbers) {
    /** Copies {@code vcores}. */
    public LoadGroup {
        vcores = List.copyOf(vcores);
    }

    /** A group whose requests all ask for the same. */
    public LoadGroup(String name, int connections, String target, long rate, int pipeline, List<Integer> vcores, Duration move) {
        this(name, connections, target, rate, pipeline, vcores, move, 0);
    }

    /** Connections in all. */
    public int totalConnections() {
        return connections * Math.max(1, vcores.size());
    }

    /** Whether requests are sent when they are due, however long the answers take. */
    public boolean isPaced() {
        return rate > 0;
    }
}
