package org.libtorque.bench;

import java.util.Map;

/**
 * One server under one load in one round.
 *
 * @param heavy null where all connections are alike
 * @param light the light ones, or all
 * @param rates growth per second of what the server counts; empty if it tells nothing
 */
record SkewMeasurement(SkewCase load, String peer, int round, Group heavy, Group light, CpuUse use, Map<String, Double> rates) implements InRound {
    @Override public double othersBusy() { return use.othersBusy(); }

    /**
     * What {@code torque load} reports of one group. NaN: it does not say.
     *
     * @param requests   answers in the window
     * @param perSecond  the same per second
     * @param errors     requests that failed
     * @param unserved   connections without an answer for a second or longer
     * @param unanswered requests that were due and had no answer at the end of the window
     * @param p50Micros  latency, in an open loop from when a request was due
     * @param p99Micros  99th percentile
     * @param p999Micros 99.9th percentile
     */
    record Group(long requests, double perSecond, long errors, long unserved, long unanswered, double p50Micros, double p99Micros,
            double p999Micros) {}

    /** CPU seconds per second that requests have asked for. */
    double usefulCpu() {
        double micros = light.perSecond * (load == SkewCase.P1 ? 0 : SkewCase.LIGHT_MICROS);
        if (heavy != null) micros += heavy.perSecond * load.heavyMicros();
        return micros / 1e6;
    }

    /** CPU microseconds of the server per request. */
    double cpuMicros() { return use.serverBusy() * 1e6 / perSecond(); }

    /** How often the server's threads went to sleep, per request. */
    double switchesPerRequest() { return use.switchesPerSecond() / perSecond(); }

    double heavyPerSecond() { return heavy == null ? Double.NaN : heavy.perSecond; }

    long errors() { return light.errors + (heavy == null ? 0 : heavy.errors); }

    /** Growth per second of a counter of the server's, NaN if it has none of that name. */
    double rate(String counter) { return rates.getOrDefault(counter, Double.NaN); }

    private double perSecond() { return light.perSecond + (heavy == null ? 0 : heavy.perSecond); }
}
