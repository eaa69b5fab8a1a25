package org.libtorque.bench;

import static org.libtorque.bench.Markdown.head;
import static org.libtorque.bench.Markdown.row;
import static org.libtorque.bench.Markdown.withRange;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The tables of {@link NasBench}: milliseconds of each peer, and the first peer's ratio to the best of the others, formed within rounds.
 *
 * @param peers their names, at least one
 * @param turns what was measured, by all peers in all turns
 */
record NasReport(List<String> peers, List<Turn> turns) {
    /**
     * What one peer computed in one turn.
     *
     * @param workload a kernel and its class, as in CG.S
     * @param round    from 1: each has JVMs of its own
     * @param turn     from 1 in each round
     * @param seconds  of each computation, at least one
     */
    record Turn(String workload, String peer, int round, int turn, List<Double> seconds) {
        double median() { return Statistics.of(seconds).median(); }

        double best() { return Statistics.of(seconds).min(); }
    }

    /** Medians of computations, then of turns, then of rounds; ratios within turns. */
    String medians() { return table("median, ms", turns -> Statistics.median(turns, Turn::median), NasReport::medianOfRatios); }

    /** The fastest computations of rounds, and the medians of these; ratios within rounds. */
    String bests() { return table("best, ms", NasReport::best, (over, under) -> best(over) / best(under)); }

    private static double best(List<Turn> turns) { return turns.stream().mapToDouble(Turn::best).min().orElse(Double.NaN); }

    private static double medianOfRatios(List<Turn> over, List<Turn> under) {
        var divisors = under.stream().collect(Collectors.toMap(Turn::turn, Turn::median));
        return Statistics.median(over, turn -> turn.median() / divisors.get(turn.turn));
    }

    private interface Ratio {
        double of(List<Turn> over, List<Turn> under);
    }

    private String table(String what, Function<List<Turn>, Double> figure, Ratio ratio) {
        var columns = new ArrayList<>(peers);
        String first = peers.getFirst();
        List<String> others = peers.subList(1, peers.size());
        if (!others.isEmpty()) columns.add(first + " ÷ best other");
        StringBuilder table = new StringBuilder(head(what, columns));
        for (String workload : turns.stream().map(Turn::workload).distinct().toList()) {
            List<Integer> rounds = turns.stream().filter(t -> t.workload.equals(workload)).map(Turn::round).distinct().toList();
            var cells = new ArrayList<String>();
            for (String peer : peers) cells.add(String.format(Locale.ROOT, "%.3f", 1e3 * Statistics.median(rounds, round -> figure.apply(of(workload, peer, round)))));
            if (!others.isEmpty()) {
                cells.add(withRange(Statistics.of(rounds.stream().map(round -> {
                    String best = others.stream().min(Comparator.comparing(peer -> figure.apply(of(workload, peer, round)))).orElseThrow();
                    return ratio.of(of(workload, first, round), of(workload, best, round));
                }).toList()), Markdown::ratio));
            }
            table.append(row(workload, cells));
        }
        return table.toString();
    }

    private List<Turn> of(String workload, String peer, int round) {
        return turns.stream().filter(t -> t.round == round && t.peer.equals(peer) && t.workload.equals(workload)).toList();
    }
}
