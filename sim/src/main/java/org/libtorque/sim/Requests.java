package org.libtorque.sim;

import java.util.Arrays;

/** Requests that have arrived and not been served: first-in first-out lists, one for each connection, in one array. */
final class Requests {
    static final int NONE = -1;

    /** For each request when it arrived, then what its handler costs (upper half) and the next of its list (lower half). */
    private long[] cells = new long[2 * 1024];
    private int firstFree = NONE;
    private int used;

    /** Makes a request and returns its number. */
    int add(long arrivalNanos, int serviceNanos) {
        int request = firstFree;
        if (request != NONE) {
            firstFree = next(request);
        } else {
            request = used++;
            if (2 * request == cells.length) cells = Arrays.copyOf(cells, 2 * cells.length);
        }
        cells[2 * request] = arrivalNanos;
        cells[2 * request + 1] = (long) serviceNanos << 32 | NONE & 0xFFFF_FFFFL;
        return request;
    }

    void remove(int request) {
        link(request, firstFree);
        firstFree = request;
    }

    long arrivalNanos(int request) { return cells[2 * request]; }

    int serviceNanos(int request) { return (int) (cells[2 * request + 1] >> 32); }

    int next(int request) { return (int) cells[2 * request + 1]; }

    void link(int request, int next) { cells[2 * request + 1] = cells[2 * request + 1] & -1L << 32 | next & 0xFFFF_FFFFL; }
}
