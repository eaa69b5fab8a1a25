package org.libtorque.bench;

import java.util.Map;

/**
 * One server on so many CPUs under one load in one round.
 *
 * @param cpus   how many CPUs the server had
 * @param shared whether the load generator ran on one of them
 * @param rates  growth per second of what the server counts; empty if it tells nothing
 */
record ScaleMeasurement(ScaleCase load, String peer, int cpus, boolean shared, int round, SkewMeasurement.Group answers, CpuUse use,
        Map<String, Double> rates) implements InRound {
    @Override public double othersBusy() { return use.othersBusy(); }

    double perSecond() { return answers.perSecond(); }

    /** CPU microseconds of the server per request. */
    double cpuMicros() { return use.serverBusy() * 1e6 / perSecond(); }

    double switchesPerRequest() { return use.switchesPerSecond() / perSecond(); }

    /** CPUs that the generator left for the server. */
    double cpusLeft() { return shared ? cpus - use.loadBusy() : cpus; }

    /** Share of look-ups in the cache that found something, NaN if there were none. */
    double hitShare() {
        double hits = rate("hash_hits");
        double all = hits + rate("hash_misses");
        return all > 0 ? hits / all : Double.NaN;
    }

    /** Growth per second of a counter of the server's, NaN if it has none of that name. */
    double rate(String counter) { return rates.getOrDefault(counter, Double.NaN); }
}
