package org.libtorque.bench;

/**
 * What a load generator reports of its measured window. NaN: it does not say.
 *
 * @param requests     answers received
 * @param errors       failed connections, failed requests, unexpected statuses, time-outs and answers cut short
 * @param seconds      length of the window
 * @param connects     connections opened in the window, or -1 where it does not say
 * @param p50Micros    latency that half the requests did not exceed; the others alike
 * @param p99Micros    99th percentile
 * @param p999Micros   99.9th percentile
 * @param maxMicros    the slowest
 * @param startNanos   start of the window as of {@link System#nanoTime()}, or -1 where it does not say
 * @param endNanos     its end, or -1
 */
record LoadResult(long requests, long errors, double seconds, long connects, double p50Micros, double p99Micros,
        double p999Micros, double maxMicros, long startNanos, long endNanos) {

    double requestsPerSecond() { return seconds > 0 ? requests / seconds : 0; }
}
