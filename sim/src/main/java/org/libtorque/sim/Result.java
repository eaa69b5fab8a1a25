package org.libtorque.sim;

import java.util.List;

/**
 * What came of a simulation. Rates are per second of virtual time, counted after the run has settled; waiting is from a request's
 * arrival to the beginning of its handler, in nanoseconds, within 1 %.
 *
 * @param scenario    what was simulated
 * @param connections how many connections there were
 * @param throughput  requests served per second
 * @param kinds       waiting times of each kind of connection; one if all are alike
 * @param utilisation share of the harts' time spent working, moving and waiting for locks included
 * @param steals      pieces of work that a hart took from another or was given by it, per second
 * @param migrations  connections that moved to another hart's event queue, per second
 * @param messages    wake-up calls of one hart to another, and posts to inboxes, per second
 * @param wakeUps     times that a hart that waited went on, per second
 * @param fairness    Jain's index over the connections, of requests served to requests sent (closed loop: to the mean of the kind)
 * @param events      simulated events, since the start
 * @param cpuNanos    CPU time that the simulation took: the one figure that is not repeatable
 */
public record Result(Scenario scenario, int connections, double throughput, List<Waiting> kinds, double utilisation, double steals,
                     double migrations, double messages, double wakeUps, double fairness, long events, long cpuNanos) {
    /** Copies the list. */
    public Result {
        kinds = List.copyOf(kinds);
    }

    /**
     * Waiting times.
     *
     * @param kind       {@code light}, {@code heavy}, or {@code all}
     * @param throughput requests served per second
     * @param p50        median
     * @param p99        99th percentile
     * @param p999       99.9th percentile
     * @param max        the longest
     */
    public record Waiting(String kind, double throughput, long p50, long p99, long p999, long max) {}
}
