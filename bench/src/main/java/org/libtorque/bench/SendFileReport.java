package org.libtorque.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** Tables of what sending files costs. */
final class SendFileReport {
    private final SendFileServer reference;
    private final List<SendFileServer> servers;
    private final List<SendFileMeasurement> all;

    SendFileReport(SendFileServer reference, List<SendFileServer> servers, List<SendFileMeasurement> all) {
        this.reference = reference;
        this.servers = servers;
        this.all = all;
    }

    /** Returns the table of one size, in memory or on disk; empty if nothing was measured. */
    String table(SendFileCase size, boolean cold) {
        if (all.stream().noneMatch(m -> m.size() == size && m.cold() == cold)) return "";
        var columns = new ArrayList<>(List.of("CPU µs/file", "÷ " + reference.id, "files/s"));
        if (cold) columns.addAll(List.of("longest turn, µs", "sleeps/file"));
        var text = new StringBuilder("### " + size.id + ", " + (cold ? "on disk" : "in memory") + "\n\n").append(Markdown.head("server", columns));
        for (SendFileServer server : servers) {
            List<SendFileMeasurement> of = of(server, size, cold);
            if (of.isEmpty()) continue;
            var cells = new ArrayList<>(List.of(Markdown.significant(median(of, SendFileMeasurement::cpuMicros)), server == reference ? Markdown.NONE : ratio(of),
                    Markdown.count(median(of, SendFileMeasurement::filesPerSecond))));
            if (cold) {
                cells.add(Markdown.count(median(of, SendFileMeasurement::longestMicros)));
                cells.add(Markdown.ratio(median(of, SendFileMeasurement::sleeps)));
            }
            text.append(Markdown.row(server.id, cells));
        }
        return text.append('\n').toString();
    }

    private List<SendFileMeasurement> of(SendFileServer server, SendFileCase size, boolean cold) {
        return all.stream().filter(m -> m.server() == server && m.size() == size && m.cold() == cold).toList();
    }

    private static double median(List<SendFileMeasurement> of, ToDoubleFunction<SendFileMeasurement> figure) {
        return Statistics.of(of.stream().map(figure::applyAsDouble).toList()).median();
    }

    /** Ratios within rounds: what disturbs the machine meets both. */
    private String ratio(List<SendFileMeasurement> of) {
        var ratios = new ArrayList<Double>();
        for (SendFileMeasurement m : of) {
            for (SendFileMeasurement r : of(reference, m.size(), m.cold())) if (r.round() == m.round()) ratios.add(m.cpuMicros() / r.cpuMicros());
        }
        return Markdown.withRange(Statistics.of(ratios), Markdown::ratio);
    }
}
