package org.libtorque.sim;

import java.util.ArrayList;
import org.HdrHistogram.Histogram;

/** Makes the figures of a {@link Result} out of what a simulation has counted. */
final class Results {
    private Results() {}

    static Result of(Simulation simulation, long cpuNanos) {
        Scenario scenario = simulation.scenario;
        double seconds = scenario.nanos() * 1e-9, all = simulation.now * 1e-9;
        Traffic traffic = simulation.traffic();
        var kinds = new ArrayList<Result.Waiting>();
        double throughput = 0;
        for (int kind = 0; kind < traffic.kinds.length; kind++) {
            Histogram waits = simulation.waits(kind);
            double rate = simulation.served(kind) / seconds;
            throughput += rate;
            kinds.add(new Result.Waiting(traffic.kinds[kind].name(), rate, waits.getValueAtPercentile(50), waits.getValueAtPercentile(99),
                    waits.getValueAtPercentile(99.9), waits.getMaxValue()));
        }
        long busy = 0, wakeUps = 0;
        for (Hart hart : simulation.harts) {
            busy += hart.busyNanos - Math.max(0, hart.local() - simulation.now); // not what lies behind the end
            wakeUps += hart.wakeUps;
        }
        Model model = simulation.model;
        return new Result(scenario, simulation.connections().length, throughput, kinds, (double) busy / simulation.now / simulation.harts.length,
                model.taken / all, model.migrations / all, model.messages / all, wakeUps / all, fairness(simulation), simulation.eventCount(), cpuNanos);
    }

    /** Jain, Chiu, Hawe 1984: 1 if all get the same share of what they ask for, 1/n if one gets everything. */
    private static double fairness(Simulation simulation) {
        Traffic traffic = simulation.traffic();
        var means = new double[traffic.kinds.length];
        var counts = new int[means.length];
        for (Connection connection : simulation.connections()) {
            means[connection.kind] += connection.served;
            counts[connection.kind]++;
        }
        for (int i = 0; i < means.length; i++) means[i] /= Math.max(1, counts[i]);
        double sum = 0, squares = 0;
        int n = 0;
        for (Connection connection : simulation.connections()) {
            double asked = traffic.kinds[connection.kind].closed() ? means[connection.kind] : connection.arrived;
            if (asked == 0) continue;
            double share = connection.served / asked;
            sum += share;
            squares += share * share;
            n++;
        }
        return squares == 0 ? 1 : sum * sum / (n * squares);
    }
}
