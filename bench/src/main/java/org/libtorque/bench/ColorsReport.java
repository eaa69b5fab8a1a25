package org.libtorque.bench;

import static org.libtorque.bench.Markdown.NONE;
import static org.libtorque.bench.Markdown.count;
import static org.libtorque.bench.Markdown.head;
import static org.libtorque.bench.Markdown.plain;
import static org.libtorque.bench.Markdown.ratio;
import static org.libtorque.bench.Markdown.roundsHead;
import static org.libtorque.bench.Markdown.roundsRow;
import static org.libtorque.bench.Markdown.row;
import static org.libtorque.bench.Markdown.significant;
import static org.libtorque.bench.Markdown.withRange;
import static org.libtorque.bench.Statistics.median;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * The results of {@link ColorsBench} as Markdown: for each number of CPUs and amount of work a table of medians over the rounds. Ratios are formed within a round, where all
 * met the same conditions; their median and range are shown.
 *
 * @param references peers with whose rate the others' are compared
 * @param peers      all that were asked for, in order
 */
record ColorsReport(List<String> references, List<String> peers, List<Entry> entries) {
    /** A measurement, and of whom. */
    record Entry(String peer, int cpus, int round, ChainMeasurement figures) implements InRound {
        @Override public double othersBusy() { return figures.othersBusy(); }
    }

    /** Returns the table of one case, with its heading. */
    String table(int cpus, double workNanos) {
        var text = new StringBuilder(String.format(Locale.ROOT, "### %s on %d %s%n%n", work(workNanos), cpus, cpus == 1 ? "CPU" : "CPUs"));
        var head = new ArrayList<>(List.of("peer", "tasks/s"));
        for (String reference : references) head.add("÷ " + reference);
        head.addAll(List.of("CPU ns/task", "of it its own", "CPU s/s", "useful CPU s/s", "slowest chain ÷ mean", "steals/s", "others CPU"));
        text.append(head(1, head));
        for (String peer : peers) {
            List<Entry> rounds = of(peer, cpus, workNanos);
            if (rounds.isEmpty()) continue;
            var cells = new ArrayList<>(List.of(peer, count(median(rounds, e -> e.figures.tasksPerSecond()))));
            for (String reference : references) cells.add(peer.equals(reference) ? NONE : withRange(ratios(peer, reference, cpus, workNanos), Markdown::ratio));
            cells.addAll(List.of(
                    significant(median(rounds, e -> e.figures.cpuNanos())),
                    significant(median(rounds, e -> e.figures.ownNanos())),
                    ratio(median(rounds, e -> e.figures.busy())),
                    workNanos == 0 ? NONE : ratio(median(rounds, e -> e.figures.usefulCpu())),
                    ratio(median(rounds, e -> e.figures.slowest())),
                    significant(median(rounds, e -> e.figures.rate("steals"))),
                    ratio(median(rounds, e -> e.figures.othersBusy()))));
            text.append(row(cells));
        }
        return text.append('\n').toString();
    }

    /** Returns every round's rate, for a look at how much they scatter. */
    String rounds() {
        int last = InRound.last(entries);
        var text = new StringBuilder("### Million tasks/s of each round\n\n").append(roundsHead(List.of("case", "peer"), last));
        for (int cpus : entries.stream().map(Entry::cpus).distinct().toList()) {
            for (double workNanos : entries.stream().map(e -> e.figures.workNanos()).distinct().toList()) {
                for (String peer : peers) {
                    List<Entry> own = of(peer, cpus, workNanos);
                    if (own.isEmpty()) continue;
                    text.append(roundsRow(List.of(work(workNanos) + ", " + cpus, peer), last, own, e -> significant(e.figures.tasksPerSecond() / 1e6)));
                }
            }
        }
        return text.append('\n').toString();
    }

    /** Says how far others disturbed the run, or returns null if they did not. */
    String disturbance() { return InRound.disturbance(entries, ""); }

    /** Rates of one peer divided by those of another, round by round. */
    Statistics ratios(String peer, String reference, int cpus, double workNanos) {
        return Statistics.ofRatios(of(peer, cpus, workNanos), of(reference, cpus, workNanos), e -> e.figures.tasksPerSecond());
    }

    private List<Entry> of(String peer, int cpus, double workNanos) {
        return entries.stream().filter(e -> e.peer.equals(peer) && e.cpus == cpus && e.figures.workNanos() == workNanos).toList();
    }

    private static String work(double nanos) { return nanos == 0 ? "no work" : plain(nanos / 1e3) + " µs"; }
}
