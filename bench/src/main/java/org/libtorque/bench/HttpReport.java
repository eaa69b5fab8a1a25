package org.libtorque.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * The results as Markdown: a table per case with medians over the rounds. Ratios are formed within a round, where both
 * servers met the same conditions, and their median and range are shown.
 *
 * @param reference the server whose cost is divided by each other's
 * @param peers     all servers that were asked for, in order
 * @param absent    those that could not take part (any more), and why
 */
record HttpReport(String reference, List<String> peers, Map<String, String> absent, List<Measurement> measurements) {
    private static final String NONE = "–";

    /** Returns the table of one case, with its heading; servers that cannot take the case are left out. */
    String table(HttpCase load) {
        var text = new StringBuilder("### " + load.id + ": " + load.title + "\n\n");
        String unit = load.countsConnections() ? "connection" : "request";
        boolean ownPlaintext = load == HttpCase.INDEX && !of(HttpCase.P1, null).isEmpty();
        var head = new ArrayList<>(List.of("server", "requests/s", "CPU µs/" + unit,
                reference + " CPU ÷ its (min–max)", "p50 µs", "p99 µs", reference + " p99 ÷ its",
                "server busy", "load busy", "others busy", "bottleneck", "switches/s", "RSS MiB", "errors"));
        if (ownPlaintext) head.add("CPU ÷ own /plaintext (min–max)");
        text.append(row(head)).append("|").append(" :-- |").append(" --: |".repeat(head.size() - 1)).append('\n');
        for (String peer : peers) {
            List<Measurement> rounds = of(load, peer);
            if (!rounds.isEmpty()) {
                text.append(row(cells(load, peer, rounds, ownPlaintext)));
            }
            if (absent.containsKey(peer)) {
                text.append("| ").append(peer).append(" | ").append(absent.get(peer).replace("|", "\\|"))
                        .append(" |").append(" |".repeat(head.size() - 2)).append('\n');
            }
        }
        return text.append('\n').toString();
    }

    private List<String> cells(HttpCase load, String peer, List<Measurement> rounds, boolean ownPlaintext) {
        double server = median(rounds, m -> m.use().serverBusy());
        double client = median(rounds, m -> m.use().loadBusy());
        long errors = rounds.stream().mapToLong(m -> m.result().errors()).sum();
        var cells = new ArrayList<>(List.of(peer,
                count(median(rounds, m -> m.result().requestsPerSecond())),
                significant(median(rounds, Measurement::cpuMicros)),
                peer.equals(reference) ? NONE : withRange(ratios(load, reference, load, peer, Measurement::cpuMicros)),
                significant(median(rounds, m -> m.result().p50Micros())),
                significant(median(rounds, m -> m.result().p99Micros())),
                peer.equals(reference) ? NONE
                        : ratio(ratios(load, reference, load, peer, m -> m.result().p99Micros()).median()),
                percent(server), percent(client), percent(median(rounds, m -> m.use().othersBusy())),
                CpuUse.bottleneck(server, client),
                count(median(rounds, m -> m.use().switchesPerSecond())),
                count(median(rounds, m -> m.residentKib() / 1024.0)),
                count(errors)));
        if (ownPlaintext) cells.add(withRange(ratios(load, peer, HttpCase.P1, peer, Measurement::cpuMicros)));
        return cells;
    }

    /** Says how far others disturbed the run, or returns null if they did not. */
    String disturbance() {
        long disturbed = measurements.stream().filter(m -> m.use().othersBusy() > CpuUse.DISTURBED).count();
        return disturbed == 0 ? null : String.format(Locale.ROOT,
                "in %d of %d measurements others took more than %.0f %% of a CPU from the two sides: "
                        + "these figures are disturbed",
                disturbed, measurements.size(), CpuUse.DISTURBED * 100);
    }

    /** Returns every round's CPU cost, for a look at how much they scatter. */
    String rounds() {
        int last = measurements.stream().mapToInt(Measurement::round).max().orElse(0);
        var head = new ArrayList<>(List.of("case", "server"));
        for (int round = 1; round <= last; round++) head.add("round " + round);
        var text = new StringBuilder("### CPU µs of each round\n\n")
                .append(row(head)).append("| :-- | :-- |").append(" --: |".repeat(last)).append('\n');
        for (HttpCase load : HttpCase.values()) {
            for (String peer : peers) {
                List<Measurement> rounds = of(load, peer);
                if (rounds.isEmpty()) continue;
                var cells = new ArrayList<>(List.of(load.id, peer));
                for (int round = 1; round <= last; round++) {
                    int wanted = round;
                    cells.add(significant(rounds.stream().filter(m -> m.round() == wanted)
                            .mapToDouble(Measurement::cpuMicros).findFirst().orElse(Double.NaN)));
                }
                text.append(row(cells));
            }
        }
        return text.append('\n').toString();
    }

    /** Ratios, round by round, of one figure of one server under one load to that of another. */
    Statistics ratios(HttpCase load, String peer, HttpCase toLoad, String toPeer, ToDoubleFunction<Measurement> figure) {
        var ratios = new ArrayList<Double>();
        for (Measurement over : of(load, peer)) {
            for (Measurement under : of(toLoad, toPeer)) {
                if (over.round() == under.round() && figure.applyAsDouble(under) > 0) {
                    ratios.add(figure.applyAsDouble(over) / figure.applyAsDouble(under));
                }
            }
        }
        return Statistics.of(ratios);
    }

    private List<Measurement> of(HttpCase load, String peer) {
        return measurements.stream().filter(m -> m.load() == load && (peer == null || m.peer().equals(peer))).toList();
    }

    private static double median(List<Measurement> rounds, ToDoubleFunction<Measurement> figure) {
        return Statistics.of(rounds.stream().mapToDouble(figure).boxed().toList()).median();
    }

    private static String row(List<String> cells) { return "| " + String.join(" | ", cells) + " |\n"; }

    /** Whole numbers with separators. */
    static String count(double number) {
        return Double.isNaN(number) ? NONE : String.format(Locale.ROOT, "%,.0f", number);
    }

    /** Three significant digits: 0.0812, 3.52, 50.5, 1,234. */
    static String significant(double number) {
        if (Double.isNaN(number)) return NONE;
        double size = Math.abs(number);
        int decimals = size == 0 || size >= 100 ? 0 : Math.min(4, 2 - (int) Math.floor(Math.log10(size)));
        return String.format(Locale.ROOT, "%,." + decimals + "f", number);
    }

    static String ratio(double number) {
        return Double.isNaN(number) ? NONE : String.format(Locale.ROOT, "%.2f", number);
    }

    private static String withRange(Statistics ratios) {
        return ratios.count() == 0 ? NONE
                : "**" + ratio(ratios.median()) + "** (" + ratio(ratios.min()) + "–" + ratio(ratios.max()) + ")";
    }

    private static String percent(double share) { return String.format(Locale.ROOT, "%.0f %%", share * 100); }
}
