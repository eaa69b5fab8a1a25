package org.libtorque.bench;

import static org.libtorque.bench.Markdown.NONE;
import static org.libtorque.bench.Markdown.absentRow;
import static org.libtorque.bench.Markdown.count;
import static org.libtorque.bench.Markdown.formatted;
import static org.libtorque.bench.Markdown.head;
import static org.libtorque.bench.Markdown.roundsHead;
import static org.libtorque.bench.Markdown.roundsRow;
import static org.libtorque.bench.Markdown.row;
import static org.libtorque.bench.Markdown.significant;
import static org.libtorque.bench.Markdown.withRange;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;

/**
 * The results as Markdown: for each case a table of medians over the rounds, and one of ratios to the references. Ratios
 * are formed within a round, where both servers met the same conditions; their median and range are shown.
 *
 * @param references servers that the others are compared with
 * @param peers      all servers that were asked for, in order
 * @param absent     those that could not take part (any more), and why
 */
record SkewReport(List<String> references, List<String> peers, Map<String, String> absent, List<SkewMeasurement> measurements) {
    private record Column(String name, ToDoubleFunction<List<SkewMeasurement>> figure, String format) {
        String cell(List<SkewMeasurement> rounds) {
            double value = figure.applyAsDouble(rounds);
            return format.isEmpty() ? significant(value) : formatted(format, value);
        }
    }

    private static Column median(String name, String format, ToDoubleFunction<SkewMeasurement> figure) {
        return new Column(name, rounds -> Statistics.median(rounds, figure), format);
    }

    private static Column most(String name, ToDoubleFunction<SkewMeasurement> figure) {
        return new Column(name, rounds -> rounds.stream().mapToDouble(figure).max().orElse(Double.NaN), "%,.0f");
    }

    private static final List<Column> COMMON = List.of(
            median("switches/request", "%.2f", SkewMeasurement::switchesPerRequest),
            median("migrations/s", "", m -> m.rate("migrations")),
            median("steals/s", "", m -> m.rate("steals")),
            median("server CPU", "%.2f", m -> m.use().serverBusy()),
            median("load CPU", "%.2f", m -> m.use().loadBusy()),
            median("others CPU", "%.2f", m -> m.use().othersBusy()),
            new Column("errors", rounds -> rounds.stream().mapToLong(SkewMeasurement::errors).sum(), "%,.0f"));

    private static final List<Column> SKEWED = Stream.concat(Stream.of(
            median("heavy/s", "%,.0f", SkewMeasurement::heavyPerSecond),
            median("light/s", "%,.0f", m -> m.light().perSecond()),
            median("light p50 µs", "", m -> m.light().p50Micros()),
            median("p99 µs", "", m -> m.light().p99Micros()),
            median("p99.9 µs", "", m -> m.light().p999Micros()),
            most("light unserved", m -> m.light().unserved()),
            most("heavy unserved", m -> m.heavy().unserved()),
            median("useful CPU s/s", "%.2f", SkewMeasurement::usefulCpu)), COMMON.stream()).toList();

    private static final List<Column> ALIKE = Stream.concat(Stream.of(
            median("requests/s", "%,.0f", m -> m.light().perSecond()),
            median("CPU µs/request", "", SkewMeasurement::cpuMicros),
            median("p50 µs", "", m -> m.light().p50Micros()),
            median("p99 µs", "", m -> m.light().p99Micros()),
            median("p99.9 µs", "", m -> m.light().p999Micros()),
            most("unserved", m -> m.light().unserved())), COMMON.stream()).toList();

    private record Ratio(String name, ToDoubleFunction<SkewMeasurement> figure) {}

    private static final List<Ratio> SKEWED_RATIOS = List.of(
            new Ratio("heavy/s", SkewMeasurement::heavyPerSecond),
            new Ratio("light p50", m -> m.light().p50Micros()),
            new Ratio("light p99", m -> m.light().p99Micros()));

    private static final List<Ratio> ALIKE_RATIOS = List.of(
            new Ratio("requests/s", m -> m.light().perSecond()),
            new Ratio("CPU/request", SkewMeasurement::cpuMicros));

    /** Returns both tables of one case, with their heading. */
    String tables(SkewCase load) {
        var text = new StringBuilder("### " + load.id + ": " + load.title + "\n\n");
        List<Column> columns = load.skewed ? SKEWED : ALIKE;
        text.append(head("server", columns.stream().map(Column::name).toList()));
        for (String peer : peers) {
            List<SkewMeasurement> rounds = of(load, peer);
            if (!rounds.isEmpty()) text.append(row(peer, columns.stream().map(column -> column.cell(rounds)).toList()));
            if (absent.containsKey(peer)) text.append(absentRow(peer, absent.get(peer), 1 + columns.size()));
        }
        text.append('\n').append(aboveFloor(load));
        List<Ratio> ratios = load.skewed ? SKEWED_RATIOS : ALIKE_RATIOS;
        List<String> present = references.stream().filter(reference -> !of(load, reference).isEmpty()).toList();
        if (present.isEmpty()) return text.toString();
        text.append(head("its figure ÷ that of",
                present.stream().flatMap(reference -> ratios.stream().map(ratio -> reference + ": " + ratio.name)).toList()));
        for (String peer : peers) {
            if (of(load, peer).isEmpty()) continue;
            var cells = new ArrayList<String>();
            for (String reference : present) {
                for (Ratio ratio : ratios) {
                    cells.add(peer.equals(reference) ? NONE : withRange(ratios(load, peer, reference, ratio.figure), Markdown::significant));
                }
            }
            text.append(row(peer, cells));
        }
        return text.append('\n').toString();
    }

    /** Returns how much longer than without heavy requests the light ones wait, as far as that was measured: the rest is the machine's and the generator's. */
    private String aboveFloor(SkewCase load) {
        if (!load.skewed || load == SkewCase.FLOOR) return "";
        var text = new StringBuilder();
        for (String peer : peers) {
            Statistics p50 = aboveFloor(load, peer, m -> m.light().p50Micros()), p99 = aboveFloor(load, peer, m -> m.light().p99Micros());
            if (p99.count() > 0) text.append(row(peer, List.of(withRange(p50, Markdown::significant), withRange(p99, Markdown::significant))));
        }
        return text.isEmpty() ? "" : head("its figure ÷ its own in `floor`", List.of("light p50", "light p99")) + text + '\n';
    }

    private Statistics aboveFloor(SkewCase load, String peer, ToDoubleFunction<SkewMeasurement> figure) {
        return Statistics.ofRatios(of(load, peer), of(SkewCase.FLOOR, peer), figure);
    }

    /** Returns the main figure of every round, for a look at how much they scatter. */
    String rounds() {
        int last = InRound.last(measurements);
        var text = new StringBuilder("### Each round: heavy/s · light p99 µs, or requests/s · CPU µs/request\n\n")
                .append(roundsHead(List.of("case", "server"), last));
        for (SkewCase load : SkewCase.values()) {
            for (String peer : peers) {
                List<SkewMeasurement> rounds = of(load, peer);
                if (rounds.isEmpty()) continue;
                text.append(roundsRow(List.of(load.id, peer), last, rounds, m -> load.skewed
                        ? count(m.heavyPerSecond()) + " · " + significant(m.light().p99Micros())
                        : count(m.light().perSecond()) + " · " + significant(m.cpuMicros())));
            }
        }
        return text.append('\n').toString();
    }

    /** Says how far others disturbed the run, or returns null if they did not. */
    String disturbance() { return InRound.disturbance(measurements, " from the two sides"); }

    Statistics ratios(SkewCase load, String peer, String reference, ToDoubleFunction<SkewMeasurement> figure) {
        return Statistics.ofRatios(of(load, peer), of(load, reference), figure);
    }

    private List<SkewMeasurement> of(SkewCase load, String peer) {
        return measurements.stream().filter(m -> m.load() == load && m.peer().equals(peer)).toList();
    }
}
