package org.libtorque.bench;

/**
 * One server under one load in one round.
 *
 * @param residentKib memory of the server's processes at the end of the window
 */
record Measurement(HttpCase load, String peer, int round, LoadResult result, CpuUse use, long residentKib) implements InRound {
    @Override public double othersBusy() { return use.othersBusy(); }

    /** CPU microseconds of the server per request, or per connection where the case counts these. */
    double cpuMicros() {
        double count = !load.countsConnections() ? result.requests()
                : result.connects() > 0 ? result.connects()
                : (double) result.requests() / load.requestsPerConnection;
        return count > 0 ? use.serverCpuSeconds() * 1e6 / count : Double.NaN;
    }
}
