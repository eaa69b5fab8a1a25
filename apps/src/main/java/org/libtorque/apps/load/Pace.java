package org.libtorque.apps.load;

/**
 * When the requests of an open loop are due: evenly over time and in turn over the connections. Request {@code k} of all is due
 * {@code k / rate} seconds after the beginning, on connection {@code k % connections}. The times depend on nothing that the server does, so a
 * request that has to wait for its connection has waited since it was due. Immutable.
 *
 * @param beginNanos  {@link System#nanoTime} at which the first request is due
 * @param rate        requests per second on all connections together, 1 to 1,000,000,000
 * @param connections connections that take turns
 */
record Pace(long beginNanos, long rate, int connections) {
    Pace {
        if (rate < 1 || rate > 1_000_000_000) throw new IllegalArgumentException("rate " + rate + " is not within 1 to 1,000,000,000");
        if (connections < 1) throw new IllegalArgumentException("connections " + connections);
    }

    /**
     * Time at which a request is due. Rounded down to a nanosecond each time anew, so that no error adds up.
     *
     * @param connection among those that take turns, from 0
     * @param number     of the request on its connection, from 0; in 292 years there are no more of them in all than a {@code long} holds
     */
    long dueNanos(int connection, long number) {
        long k = number * connections + connection;
        // Whole seconds apart, since k * 1e9 overflows within three hours of a million requests a second.
        return beginNanos + k / rate * 1_000_000_000L + k % rate * 1_000_000_000L / rate;
    }
}
