package org.libtorque.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * The results as Markdown: for each case a row for each server and number of CPUs, with medians over the rounds. Ratios are formed within a round; their
 * median and range are shown.
 *
 * @param peers  servers, in order
 * @param counts numbers of CPUs, ascending; speed-ups are against the first
 */
record ScaleReport(List<String> peers, List<Integer> counts, List<ScaleMeasurement> measurements) {
    private static final String NONE = "–";

    private static final List<String> HEAD = List.of("CPUs", "requests/s", "speed-up", "CPUs left", "÷ CPUs left", "CPU µs/request", "p50 µs", "p99 µs", "cache hits",
            "switches/request", "steals/s", "migrations/s", "server CPU", "load CPU", "others CPU", "errors");

    /** Returns the tables of one case, with their heading. */
    String tables(ScaleCase load) {
        var text = new StringBuilder("### " + load.id + ": " + load.title + "\n\n").append(row("server", HEAD)).append("| :-- |")
                .append(" --: |".repeat(HEAD.size())).append('\n');
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
        text.append(row("its figure ÷ that of " + peers.getFirst(), names)).append("| :-- |").append(" --: |".repeat(names.size())).append('\n');
        for (String peer : peers.subList(1, peers.size())) {
            var cells = new ArrayList<String>();
            for (int cpus : counts) cells.add(withRange(versus(load, peer, cpus, ScaleMeasurement::perSecond)));
            for (int cpus : counts) cells.add(withRange(versus(load, peer, cpus, ScaleMeasurement::cpuMicros)));
            text.append(row(peer, cells));
        }
        return text.append('\n').toString();
    }

    private List<String> cells(ScaleCase load, String peer, int cpus, List<ScaleMeasurement> rounds) {
        double hits = median(rounds, ScaleMeasurement::hitShare);
        boolean base = cpus == counts.getFirst();
        return List.of(String.valueOf(cpus), HttpReport.count(median(rounds, ScaleMeasurement::perSecond)),
                base ? NONE : withRange(speedUp(load, peer, cpus)),
                String.format(Locale.ROOT, "%.2f", median(rounds, ScaleMeasurement::cpusLeft)),
                base ? NONE : HttpReport.ratio(ratios(load, peer, cpus, peer, counts.getFirst(), m -> m.perSecond() / m.cpusLeft()).median()),
                HttpReport.significant(median(rounds, ScaleMeasurement::cpuMicros)),
                HttpReport.significant(median(rounds, m -> m.answers().p50Micros())), HttpReport.significant(median(rounds, m -> m.answers().p99Micros())),
                !load.usesCache() || Double.isNaN(hits) ? NONE : String.format(Locale.ROOT, "%.0f %%", hits * 100),
                HttpReport.ratio(median(rounds, ScaleMeasurement::switchesPerRequest)),
                HttpReport.significant(median(rounds, m -> m.rate("steals"))), HttpReport.significant(median(rounds, m -> m.rate("migrations"))),
                HttpReport.ratio(median(rounds, m -> m.use().serverBusy())), HttpReport.ratio(median(rounds, m -> m.use().loadBusy())),
                HttpReport.ratio(median(rounds, m -> m.use().othersBusy())),
                HttpReport.count(rounds.stream().mapToLong(m -> m.answers().errors()).sum()));
    }

    /** Requests/s of a server on so many CPUs ÷ its own on the fewest. */
    Statistics speedUp(ScaleCase load, String peer, int cpus) { return ratios(load, peer, cpus, peer, counts.getFirst(), ScaleMeasurement::perSecond); }

    /** A server's figure ÷ that of the first server, on as many CPUs. */
    Statistics versus(ScaleCase load, String peer, int cpus, ToDoubleFunction<ScaleMeasurement> figure) {
        return ratios(load, peer, cpus, peers.getFirst(), cpus, figure);
    }

    /** Says how far others disturbed the run, or returns null if they did not. */
    String disturbance() {
        long disturbed = measurements.stream().filter(m -> m.use().othersBusy() > CpuUse.DISTURBED).count();
        return disturbed == 0 ? null : String.format(Locale.ROOT,
                "in %d of %d measurements others took more than %.0f %% of a CPU from the two sides: these figures are disturbed",
                disturbed, measurements.size(), CpuUse.DISTURBED * 100);
    }

    private Statistics ratios(ScaleCase load, String peer, int cpus, String reference, int referenceCpus, ToDoubleFunction<ScaleMeasurement> figure) {
        var ratios = new ArrayList<Double>();
        for (ScaleMeasurement over : of(load, peer, cpus)) {
            for (ScaleMeasurement under : of(load, reference, referenceCpus)) {
                if (over.round() == under.round() && figure.applyAsDouble(under) > 0) ratios.add(figure.applyAsDouble(over) / figure.applyAsDouble(under));
            }
        }
        return Statistics.of(ratios);
    }

    private List<ScaleMeasurement> of(ScaleCase load, String peer, int cpus) {
        return measurements.stream().filter(m -> m.load() == load && m.peer().equals(peer) && m.cpus() == cpus).toList();
    }

    private static double median(List<ScaleMeasurement> rounds, ToDoubleFunction<ScaleMeasurement> figure) {
        return Statistics.of(rounds.stream().map(figure::applyAsDouble).toList()).median();
    }

    private static String withRange(Statistics ratios) {
        return ratios.count() == 0 ? NONE : "**" + HttpReport.ratio(ratios.median()) + "** (" + HttpReport.ratio(ratios.min()) + "–"
                + HttpReport.ratio(ratios.max()) + ")";
    }

    private static String row(String first, List<String> cells) { return "| " + first + " | " + String.join(" | ", cells) + " |\n"; }
}
