package org.libtorque.bench;

import static org.libtorque.bench.Markdown.NONE;
import static org.libtorque.bench.Markdown.count;
import static org.libtorque.bench.Markdown.head;
import static org.libtorque.bench.Markdown.percent;
import static org.libtorque.bench.Markdown.ratio;
import static org.libtorque.bench.Markdown.row;
import static org.libtorque.bench.Markdown.significant;
import static org.libtorque.bench.Markdown.withRange;
import static org.libtorque.bench.Statistics.median;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * The results as Markdown: for each case a row for each server and number of CPUs, with medians over the rounds. Ratios are formed within a round; their
 * median and range are shown.
 *
 * @param peers  servers, in order
 * @param counts numbers of CPUs, ascending; speed-ups are against the first
 */
record ScaleReport(List<String> peers, List<Integer> counts, List<ScaleMeasurement> measurements) {
    private static final List<String> HEAD = List.of("CPUs", "requests/s", "speed-up", "CPUs left", "÷ CPUs left", "CPU µs/request", "p50 µs", "p99 µs", "cache hits",
            "switches/request", "steals/s", "migrations/s", "server CPU", "load CPU", "others CPU", "errors");

    /** Returns the tables of one case, with their heading. */
    String tables(ScaleCase load) {
        var text = new StringBuilder("### " + load.id + ": " + load.title + "\n\n").append(head("server", HEAD));
        for (String peer : peers) {
            for (int cpus : counts) {
                List<ScaleMeasurement> rounds = of(load, peer, cpus);
                if (!rounds.isEmpty()) text.append(row(peer, cells(load, peer, cpus, rounds)));
            }
        }
        text.append('\n');
        if (peers.size() < 2) return text.toString();
        var names = new ArrayList<String>();
        for (int cpus : counts) names.add("requests/s on " + cpus);
        for (int cpus : counts) names.add("CPU/request on " + cpus);
        text.append(head("its figure ÷ that of " + peers.getFirst(), names));
        for (String peer : peers.subList(1, peers.size())) {
            var cells = new ArrayList<String>();
            for (int cpus : counts) cells.add(withRange(versus(load, peer, cpus, ScaleMeasurement::perSecond), Markdown::ratio));
            for (int cpus : counts) cells.add(withRange(versus(load, peer, cpus, ScaleMeasurement::cpuMicros), Markdown::ratio));
            text.append(row(peer, cells));
        }
        return text.append('\n').toString();
    }

    private List<String> cells(ScaleCase load, String peer, int cpus, List<ScaleMeasurement> rounds) {
        double hits = median(rounds, ScaleMeasurement::hitShare);
        boolean base = cpus == counts.getFirst();
        return List.of(String.valueOf(cpus), count(median(rounds, ScaleMeasurement::perSecond)),
                base ? NONE : withRange(speedUp(load, peer, cpus), Markdown::ratio),
                ratio(median(rounds, ScaleMeasurement::cpusLeft)),
                base ? NONE : ratio(ratios(load, peer, cpus, peer, counts.getFirst(), m -> m.perSecond() / m.cpusLeft()).median()),
                significant(median(rounds, ScaleMeasurement::cpuMicros)),
                significant(median(rounds, m -> m.answers().p50Micros())), significant(median(rounds, m -> m.answers().p99Micros())),
                load.usesCache() ? percent(hits) : NONE,
                ratio(median(rounds, ScaleMeasurement::switchesPerRequest)),
                significant(median(rounds, m -> m.rate("steals"))), significant(median(rounds, m -> m.rate("migrations"))),
                ratio(median(rounds, m -> m.use().serverBusy())), ratio(median(rounds, m -> m.use().loadBusy())),
                ratio(median(rounds, m -> m.use().othersBusy())),
                count(rounds.stream().mapToLong(m -> m.answers().errors()).sum()));
    }

    /** Requests/s of a server on so many CPUs ÷ its own on the fewest. */
    Statistics speedUp(ScaleCase load, String peer, int cpus) { return ratios(load, peer, cpus, peer, counts.getFirst(), ScaleMeasurement::perSecond); }

    /** A server's figure ÷ that of the first server, on as many CPUs. */
    Statistics versus(ScaleCase load, String peer, int cpus, ToDoubleFunction<ScaleMeasurement> figure) {
        return ratios(load, peer, cpus, peers.getFirst(), cpus, figure);
    }

    /** Says how far others disturbed the run, or returns null if they did not. */
    String disturbance() { return InRound.disturbance(measurements, " from the two sides"); }

    private Statistics ratios(ScaleCase load, String peer, int cpus, String reference, int referenceCpus, ToDoubleFunction<ScaleMeasurement> figure) {
        return Statistics.ofRatios(of(load, peer, cpus), of(load, reference, referenceCpus), figure);
    }

    private List<ScaleMeasurement> of(ScaleCase load, String peer, int cpus) {
        return measurements.stream().filter(m -> m.load() == load && m.peer().equals(peer) && m.cpus() == cpus).toList();
    }
}
