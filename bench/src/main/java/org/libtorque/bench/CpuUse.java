package org.libtorque.bench;

/**
 * CPU used in a window.
 *
 * @param seconds           length of the window
 * @param serverCpuSeconds  user and system time of the server's processes
 * @param switchesPerSecond voluntary context switches of the server's threads
 * @param loadBusy          CPU seconds per second of the load generator
 * @param othersBusy        CPU seconds per second that others took from the CPUs of both sides, the host included
 */
record CpuUse(double seconds, double serverCpuSeconds, double switchesPerSecond, double loadBusy, double othersBusy) {
    /** A side this busy has no CPU left; the rest is the sampling's and the scheduler's error. */
    static final double SATURATED = 0.95;

    /** Beyond this much of others' work, caches and queues are no longer the two sides' own. */
    static final double DISTURBED = 0.1;

    /** CPU seconds per second of the server. */
    double serverBusy() { return seconds > 0 ? serverCpuSeconds / seconds : 0; }

    /** Names the side that had no CPU left. */
    static String bottleneck(double serverBusy, double loadBusy) {
        boolean server = serverBusy >= SATURATED;
        boolean load = loadBusy >= SATURATED;
        return server && load ? "both" : server ? "server" : load ? "load" : "neither";
    }
}
