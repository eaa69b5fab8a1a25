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
        var text = new StringBuilder("### " + size.id + ", " + (cold ? "on disk" : "in memory") + "\n\n");
        text.append("| server | CPU µs/file | ÷ ").append(reference.id).append(" | files/s |").append(cold ? " longest turn, µs | loop slept, per file |" : "").append('\n');
        text.append("| :-- | --: | --: | --: |").append(cold ? " --: | --: |" : "").append('\n');
        for (SendFileServer server : servers) {
            List<SendFileMeasurement> of = of(server, size, cold);
            if (of.isEmpty()) continue;
            text.append("| ").append(server.id)
                    .append(" | ").append(Markdown.significant(median(of, SendFileMeasurement::cpuMicros)))
                    .append(" | ").append(server == reference ? "–" : ratio(of))
                    .append(" | ").append(Markdown.count(median(of, SendFileMeasurement::filesPerSecond))).append(" |");
            if (cold) {
                text.append(' ').append(Markdown.count(median(of, SendFileMeasurement::longestMicros)))
                        .append(" | ").append(Markdown.significant(median(of, SendFileMeasurement::sleeps))).append(" |");
            }
            text.append('\n');
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
        Statistics s = Statistics.of(ratios);
        if (s.count() == 0) return "–";
        return "**" + Markdown.ratio(s.median()) + "**" + (s.count() > 1 ? " (" + Markdown.ratio(s.min()) + "–" + Markdown.ratio(s.max()) + ")" : "");
    }
}
