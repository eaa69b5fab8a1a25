package org.libtorque.bench;

import static org.libtorque.bench.Markdown.absentRow;
import static org.libtorque.bench.Markdown.count;
import static org.libtorque.bench.Markdown.formatted;
import static org.libtorque.bench.Markdown.head;
import static org.libtorque.bench.Markdown.row;
import static org.libtorque.bench.Markdown.significant;
import static org.libtorque.bench.Markdown.withRange;

import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * The results as Markdown: for each server what small requests wait without files and next to them, as medians over the rounds, and the ratio of the two, within rounds.
 *
 * @param peers  all servers that were asked for, in order
 * @param absent those that could not take part (any more), and why
 */
record ColdReport(List<String> peers, Map<String, String> absent, List<ColdMeasurement> measurements) {
    private static final List<String> COLUMNS = List.of("p50 µs alone", "p50 µs with files", "p99 µs alone", "p99 µs with files", "p99 with ÷ alone", "small/s with files",
            "unanswered", "files/s", "file p99 ms", "read from disk", "server CPU", "errors");

    String table() {
        var text = new StringBuilder(head("server", COLUMNS));
        for (String peer : peers) {
            List<ColdMeasurement> alone = of(peer, false);
            List<ColdMeasurement> with = of(peer, true);
            if (!alone.isEmpty() || !with.isEmpty()) {
                text.append(row(peer, List.of(
                        significant(median(alone, m -> m.small().p50Micros())), significant(median(with, m -> m.small().p50Micros())),
                        significant(median(alone, m -> m.small().p99Micros())), significant(median(with, m -> m.small().p99Micros())),
                        withRange(Statistics.ofRatios(with, alone, m -> m.small().p99Micros()), Markdown::ratio),
                        count(median(with, m -> m.small().perSecond())), count(median(with, m -> m.small().unanswered())),
                        count(median(with, m -> m.files().perSecond())), significant(median(with, m -> m.files().p99Micros() / 1e3)),
                        Markdown.percent(median(with, ColdMeasurement::fromDisk)), formatted("%.2f", median(with, m -> m.use().serverBusy())),
                        count(alone.stream().mapToLong(ColdMeasurement::errors).sum() + with.stream().mapToLong(ColdMeasurement::errors).sum()))));
            }
            if (absent.containsKey(peer)) text.append(absentRow(peer, absent.get(peer), 1 + COLUMNS.size()));
        }
        return text.append('\n').toString();
    }

    private static double median(List<ColdMeasurement> rounds, ToDoubleFunction<ColdMeasurement> figure) { return Statistics.median(rounds, figure); }

    private List<ColdMeasurement> of(String peer, boolean files) { return measurements.stream().filter(m -> m.peer().equals(peer) && m.hasFiles() == files).toList(); }

    /** Says how far others disturbed the run, or returns null if they did not. */
    String disturbance() { return InRound.disturbance(measurements, " from the two sides"); }
}
