package org.libtorque.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * The results of {@link ColorsBench} as Markdown: for each number of CPUs and amount of work a table of medians over the rounds. Ratios are formed within a round, where all
 * met the same conditions; their median and range are shown.
 *
 * @param references peers with whose rate the others' are compared
 * @param peers      all that were asked for, in order
 */
record ColorsReport(List<String> references, List<String> peers, List<Entry> entries) {
    private static final String NONE = "–";

    /** A measurement, and of whom. */
    record Entry(String peer, int cpus, int round, ChainMeasurement figures) {}

    /** Returns the table of one case, with its heading. */
    String table(int cpus, double workNanos) {
        var text = new StringBuilder(String.format(Locale.ROOT, "### %s on %d %s%n%n", work(workNanos), cpus, cpus == 1 ? "CPU" : "CPUs"));
        var head = new ArrayList<>(List.of("peer", "tasks/s"));
        for (String reference : references) head.add("÷ " + reference);
        head.addAll(List.of("CPU ns/task", "of it its own", "CPU s/s", "useful CPU s/s", "slowest chain ÷ mean", "steals/s", "others CPU"));
        text.append(row(head)).append("| :-- |").append(" --: |".repeat(head.size() - 1)).append('\n');
        for (String peer : peers) {
            List<Entry> rounds = of(peer, cpus, workNanos);
            if (rounds.isEmpty()) continue;
            var cells = new ArrayList<>(List.of(peer, HttpReport.count(median(rounds, ChainMeasurement::tasksPerSecond))));
            for (String reference : references) cells.add(peer.equals(reference) ? NONE : withRange(ratios(peer, reference, cpus, workNanos)));
            cells.addAll(List.of(
                    HttpReport.significant(median(rounds, ChainMeasurement::cpuNanos)),
                    HttpReport.significant(median(rounds, ChainMeasurement::ownNanos)),
                    HttpReport.ratio(median(rounds, ChainMeasurement::busy)),
                    workNanos == 0 ? NONE : HttpReport.ratio(median(rounds, ChainMeasurement::usefulCpu)),
                    HttpReport.ratio(median(rounds, ChainMeasurement::slowest)),
                    HttpReport.significant(median(rounds, m -> m.rate("steals"))),
                    HttpReport.ratio(median(rounds, ChainMeasurement::othersBusy))));
            text.append(row(cells));
        }
        return text.append('\n').toString();
    }

    /** Returns every round's rate, for a look at how much they scatter. */
    String rounds() {
        int last = entries.stream().mapToInt(Entry::round).max().orElse(0);
        var head = new ArrayList<>(List.of("case", "peer"));
        for (int round = 1; round <= last; round++) head.add("round " + round);
        var text = new StringBuilder("### Million tasks/s of each round\n\n").append(row(head)).append("| :-- | :-- |").append(" --: |".repeat(last)).append('\n');
        for (int cpus : entries.stream().map(Entry::cpus).distinct().toList()) {
            for (double workNanos : entries.stream().map(e -> e.figures.workNanos()).distinct().toList()) {
                for (String peer : peers) {
                    List<Entry> own = of(peer, cpus, workNanos);
                    if (own.isEmpty()) continue;
                    var cells = new ArrayList<>(List.of(work(workNanos) + ", " + cpus, peer));
                    for (int round = 1; round <= last; round++) {
                        int wanted = round;
                        cells.add(HttpReport.significant(own.stream().filter(e -> e.round == wanted)
                                .mapToDouble(e -> e.figures.tasksPerSecond() / 1e6).findFirst().orElse(Double.NaN)));
                    }
                    text.append(row(cells));
                }
            }
        }
        return text.append('\n').toString();
    }

    /** Says how far others disturbed the run, or returns null if they did not. */
    String disturbance() {
        long disturbed = entries.stream().filter(e -> e.figures.othersBusy() > CpuUse.DISTURBED).count();
        return disturbed == 0 ? null : String.format(Locale.ROOT, "in %d of %d measurements others took more than %.0f %% of a CPU: these figures are disturbed",
                disturbed, entries.size(), CpuUse.DISTURBED * 100);
    }

    /** Rates of one peer divided by those of another, round by round. */
    Statistics ratios(String peer, String reference, int cpus, double workNanos) {
        var ratios = new ArrayList<Double>();
        for (Entry over : of(peer, cpus, workNanos)) {
            for (Entry under : of(reference, cpus, workNanos)) {
                if (over.round == under.round && under.figures.tasks() > 0) ratios.add(over.figures.tasksPerSecond() / under.figures.tasksPerSecond());
            }
        }
        return Statistics.of(ratios);
    }

    private List<Entry> of(String peer, int cpus, double workNanos) {
        return entries.stream().filter(e -> e.peer.equals(peer) && e.cpus == cpus && e.figures.workNanos() == workNanos).toList();
    }

    private static double median(List<Entry> rounds, ToDoubleFunction<ChainMeasurement> figure) {
        return Statistics.of(rounds.stream().map(e -> figure.applyAsDouble(e.figures)).toList()).median();
    }

    private static String work(double nanos) { return nanos == 0 ? "no work" : String.format(Locale.ROOT, "%s µs", number(nanos / 1e3)); }

    private static String number(double number) { return number == Math.rint(number) ? String.valueOf((long) number) : String.valueOf(number); }

    private static String withRange(Statistics ratios) {
        return ratios.count() == 0 ? NONE : "**" + HttpReport.ratio(ratios.median()) + "** (" + HttpReport.ratio(ratios.min()) + "–"
                + HttpReport.ratio(ratios.max()) + ")";
    }

    private static String row(List<String> cells) { return "| " + String.join(" | ", cells) + " |\n"; }
}
