package org.libtorque.bench;

import static org.libtorque.bench.Markdown.NONE;
import static org.libtorque.bench.Markdown.absentRow;
import static org.libtorque.bench.Markdown.count;
import static org.libtorque.bench.Markdown.head;
import static org.libtorque.bench.Markdown.percent;
import static org.libtorque.bench.Markdown.ratio;
import static org.libtorque.bench.Markdown.roundsHead;
import static org.libtorque.bench.Markdown.roundsRow;
import static org.libtorque.bench.Markdown.row;
import static org.libtorque.bench.Markdown.significant;
import static org.libtorque.bench.Markdown.withRange;
import static org.libtorque.bench.Statistics.median;

import java.util.ArrayList;
import java.util.List;
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
    /** Returns the table of one case, with its heading; servers that cannot take the case are left out. */
    String table(HttpCase load) {
        var text = new StringBuilder("### " + load.id + ": " + load.title + "\n\n");
        String unit = load.countsConnections() ? "connection" : "request";
        boolean ownPlaintext = load == HttpCase.INDEX && !of(HttpCase.P1, null).isEmpty();
        var head = new ArrayList<>(List.of("server", "requests/s", "CPU µs/" + unit,
                reference + " CPU ÷ its (min–max)", "p50 µs", "p99 µs", reference + " p99 ÷ its",
                "server busy", "load busy", "others busy", "bottleneck", "switches/s", "RSS MiB", "errors"));
        if (ownPlaintext) head.add("CPU ÷ own /plaintext (min–max)");
        text.append(head(1, head));
        for (String peer : peers) {
            List<Measurement> rounds = of(load, peer);
            if (!rounds.isEmpty()) text.append(row(cells(load, peer, rounds, ownPlaintext)));
            if (absent.containsKey(peer)) text.append(absentRow(peer, absent.get(peer), head.size()));
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
                peer.equals(reference) ? NONE : withRange(ratios(load, reference, load, peer, Measurement::cpuMicros), Markdown::ratio),
                significant(median(rounds, m -> m.result().p50Micros())),
                significant(median(rounds, m -> m.result().p99Micros())),
                peer.equals(reference) ? NONE
                        : ratio(ratios(load, reference, load, peer, m -> m.result().p99Micros()).median()),
                percent(server), percent(client), percent(median(rounds, m -> m.use().othersBusy())),
                CpuUse.bottleneck(server, client),
                count(median(rounds, m -> m.use().switchesPerSecond())),
                count(median(rounds, m -> m.residentKib() / 1024.0)),
                count(errors)));
        if (ownPlaintext) cells.add(withRange(ratios(load, peer, HttpCase.P1, peer, Measurement::cpuMicros), Markdown::ratio));
        return cells;
    }

    /** Says how far others disturbed the run, or returns null if they did not. */
    String disturbance() { return InRound.disturbance(measurements, " from the two sides"); }

    /** Returns every round's CPU cost, for a look at how much they scatter. */
    String rounds() {
        int last = InRound.last(measurements);
        var text = new StringBuilder("### CPU µs of each round\n\n").append(roundsHead(List.of("case", "server"), last));
        for (HttpCase load : HttpCase.values()) {
            for (String peer : peers) {
                List<Measurement> rounds = of(load, peer);
                if (!rounds.isEmpty()) text.append(roundsRow(List.of(load.id, peer), last, rounds, m -> significant(m.cpuMicros())));
            }
        }
        return text.append('\n').toString();
    }

    /** Ratios, round by round, of one figure of one server under one load to that of another. */
    Statistics ratios(HttpCase load, String peer, HttpCase toLoad, String toPeer, ToDoubleFunction<Measurement> figure) {
        return Statistics.ofRatios(of(load, peer), of(toLoad, toPeer), figure);
    }

    private List<Measurement> of(HttpCase load, String peer) {
        return measurements.stream().filter(m -> m.load() == load && (peer == null || m.peer().equals(peer))).toList();
    }
}
