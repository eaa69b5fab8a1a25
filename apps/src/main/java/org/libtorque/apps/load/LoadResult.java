package org.libtorque.apps.load;

import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

import org.HdrHistogram.Histogram;
import org.libtorque.apps.cli.LoadGroup;

/**
 * What was measured within the window, of all vcores together, of one group or of all.
 *
 * @param requests     answers that were complete and like the first one
 * @param failures     requests that failed, and how
 * @param messages     examples of failures
 * @param statuses     complete answers by status code
 * @param latencies    nanoseconds from sending a request to its complete answer, of {@code requests}; in an open loop from when it was due, and
 *                     that of {@code requests} and of {@code openLoop.unanswered}
 * @param firstAnswers nanoseconds from beginning to connect to the first answer, for each connection
 * @param bytes        received, heads included
 * @param connects     connections made
 * @param reconnects   connections that the server closed as it may, between answers
 * @param startNanos   {@link System#nanoTime} at which the window began: the monotonic clock, the same in all processes
 * @param endNanos     and at which it ended
 * @param cpuSeconds   CPU time of this process in the window, user and system
 * @param unserved     connections that went a second or more of the window waiting, without an answer
 * @param openLoop     what only an open loop has; null without one
 * @param groups       the same for each group, in the order of the options; empty if there are none
 */
record LoadResult(long requests, Map<Failure, Long> failures, Map<Failure, List<String>> messages, Map<Integer, Long> statuses,
                  Histogram latencies, Histogram firstAnswers, long bytes, long connects, long reconnects, long startNanos, long endNanos,
                  double cpuSeconds, long unserved, OpenLoop openLoop, List<OfGroup> groups) {
    /**
     * How an open loop kept to its times.
     *
     * @param rate       requests per second that were wanted
     * @param due        requests that were due in the window
     * @param unanswered requests that had been due and had no answer when the window ended, sent or not
     * @param queued     those among them that had not been sent, since their connection waited for other answers
     * @param queueMax   most requests that were due and not sent on any one connection
     */
    record OpenLoop(long rate, long due, long unanswered, long queued, long queueMax) {}

    /**
     * One group.
     *
     * @param group   what it was to do
     * @param unnamed connections of it that were wanted on a vcore and of which the server named none
     * @param result  its part; CPU time is known of all together only, and 0 here
     */
    record OfGroup(LoadGroup group, int unnamed, LoadResult result) {}
    private static final double[] PERCENTILES = {50, 90, 99, 99.9};
    private static final String[] PERCENTILE_KEYS = {"p50", "p90", "p99", "p999"};
    private static final String[] PERCENTILE_NAMES = {"p50", "p90", "p99", "p99.9"};

    /** Where workers add what they counted. */
    static final class Builder {
        long requests;
        final Map<Failure, Long> failures = new EnumMap<>(Failure.class);
        final Map<Failure, List<String>> messages = new EnumMap<>(Failure.class);
        final Map<Integer, Long> statuses = new TreeMap<>();
        final Histogram latencies = new Histogram(Worker.HIGHEST_LATENCY_NANOS, 3);
        final Histogram firstAnswers = new Histogram(Worker.HIGHEST_LATENCY_NANOS, 3);
        long bytes;
        long connects;
        long reconnects;
        long due;
        long unanswered;
        long longestQueue;
        long leftQueued;
        long unservedConnections;
        /** {@link System#nanoTime} at which the window ended. */
        long endNanos;

        LoadResult build(long startNanos, double cpuSeconds) {
            return build(startNanos, cpuSeconds, 0, List.of());
        }

        /** @param rate wanted in an open loop, 0 for a closed loop */
        LoadResult build(long startNanos, double cpuSeconds, long rate, List<OfGroup> groups) {
            var openLoop = rate == 0 ? null : new OpenLoop(rate, due, unanswered, leftQueued, longestQueue);
            return new LoadResult(requests, failures, messages, statuses, latencies, firstAnswers, bytes, connects, reconnects,
                    startNanos, Math.max(startNanos, endNanos), cpuSeconds, unservedConnections, openLoop, List.copyOf(groups));
        }
    }

    /** Length of the window. */
    double seconds() { return (endNanos - startNanos) / 1e9; }

    /** Requests that failed, in whatever way. */
    long errors() {
        return failures.values().stream().mapToLong(Long::longValue).sum();
    }

    double requestsPerSecond() {
        return seconds() > 0 ? requests / seconds() : 0;
    }

    // ---- for programs

    /** One JSON object on one line. Times in it are in the units that their names end with; {@code errors} includes {@code short}. */
    String toJson() {
        var json = new StringBuilder(1024).append('{');
        appendCounts(json, true);
        if (!groups.isEmpty()) {
            json.append(",\"groups\":{");
            var separator = "";
            for (var part : groups) {
                // Neither a group's name nor a path has a quote, backslash or control character.
                json.append(separator).append('"').append(part.group.name()).append("\":{\"path\":\"").append(part.group.target())
                        .append("\",\"connections\":").append(part.group.totalConnections()).append(',');
                if (!part.group.vcores().isEmpty()) json.append("\"unnamed\":").append(part.unnamed).append(',');
                part.result.appendCounts(json, false);
                json.append('}');
                separator = ",";
            }
            json.append('}');
        }
        return json.append('}').toString();
    }

    /** @param all whether it is of the whole process, whose CPU time is known */
    private void appendCounts(StringBuilder json, boolean all) {
        json.append("\"requests\":").append(requests)
                .append(",\"errors\":").append(errors())
                .append(",\"short\":").append(failures.getOrDefault(Failure.SHORT, 0L))
                .append(",\"seconds\":").append(decimal(seconds(), 6))
                .append(",\"window_start_nanos\":").append(startNanos)
                .append(",\"window_end_nanos\":").append(endNanos)
                .append(",\"requests_per_second\":").append(decimal(requestsPerSecond(), 1))
                .append(",\"latency_us\":").append(toJson(latencies))
                .append(",\"connects\":").append(connects)
                .append(",\"reconnects\":").append(reconnects)
                .append(",\"first_answer_us\":").append(toJson(firstAnswers));
        if (all) json.append(",\"cpu_seconds\":").append(decimal(cpuSeconds, 3));
        json.append(",\"bytes\":").append(bytes)
                .append(",\"status\":{");
        var separator = "";
        for (var status : statuses.entrySet()) {
            json.append(separator).append('"').append(status.getKey()).append("\":").append(status.getValue());
            separator = ",";
        }
        json.append("},\"failures\":{");
        separator = "";
        for (var failure : failures.entrySet()) {
            json.append(separator).append('"').append(failure.getKey().key()).append("\":").append(failure.getValue());
            separator = ",";
        }
        json.append("},\"unserved_connections\":").append(unserved);
        if (openLoop != null) {
            json.append(",\"open_loop\":{\"rate\":").append(openLoop.rate).append(",\"due\":").append(openLoop.due)
                    .append(",\"unanswered\":").append(openLoop.unanswered).append(",\"queued\":").append(openLoop.queued)
                    .append(",\"queue_max\":").append(openLoop.queueMax).append('}');
        }
    }

    private static String toJson(Histogram nanos) {
        var json = new StringBuilder("{\"mean\":").append(micros(nanos.getMean()));
        for (int i = 0; i < PERCENTILES.length; i++) {
            json.append(",\"").append(PERCENTILE_KEYS[i]).append("\":").append(micros(nanos.getValueAtPercentile(PERCENTILES[i])));
        }
        return json.append(",\"max\":").append(micros(nanos.getMaxValue())).append('}').toString();
    }

    private static String micros(double nanos) {
        return decimal(nanos / 1000, 3);
    }

    private static String decimal(double value, int digits) {
        return String.format(Locale.ROOT, "%." + digits + "f", value);
    }

    // ---- for people

    /** Some lines of text, each ended. */
    String toText() {
        var text = new StringBuilder(1024);
        line(text, "requests", "%,d in %.2f s: %,.0f/s", requests, seconds(), requestsPerSecond());
        if (latencies.getTotalCount() > 0) line(text, "latency", "%s", toText(latencies));
        for (var part : groups) {
            var result = part.result;
            line(text, part.group.name(), "%,.0f/s  %s", result.requestsPerSecond(), toText(result.latencies));
            result.lateness(text);
            if (result.errors() > 0) line(text, "", "%,d errors", result.errors());
            if (part.unnamed > 0) line(text, "", "%,d connections of which the server named no vcore", part.unnamed);
        }
        if (groups.isEmpty()) lateness(text);
        if (connects > 0 && firstAnswers.getTotalCount() > 0) {
            line(text, "connections", "%,d made, connecting to first answer %s", connects, toText(firstAnswers));
        }
        if (reconnects > 0) line(text, "reconnects", "%,d after the server had closed between answers", reconnects);
        line(text, "received", "%s, %s/s", size(bytes), size(seconds() > 0 ? bytes / seconds() : 0));
        var separator = "";
        var codes = new StringBuilder();
        for (var status : statuses.entrySet()) {
            codes.append(separator).append(String.format(Locale.ROOT, "%d: %,d", status.getKey(), status.getValue()));
            separator = ", ";
        }
        if (!codes.isEmpty()) line(text, "status", "%s", codes);
        line(text, "CPU", "%.2f s of this process%s", cpuSeconds,
                requests == 0 ? "" : String.format(Locale.ROOT, ", %.3f µs per request", cpuSeconds * 1e6 / requests));
        if (failures.isEmpty()) {
            line(text, "errors", "none");
        } else {
            line(text, "errors", "%,d", errors());
            for (var failure : failures.entrySet()) {
                line(text, "", "%,d %s", failure.getValue(), failure.getKey().meaning());
                for (var message : messages.getOrDefault(failure.getKey(), List.of())) line(text, "", "  %s", message);
            }
        }
        return text.toString();
    }

    /** Who or what waited too long, if any did. */
    private void lateness(StringBuilder text) {
        if (openLoop != null) {
            line(text, "", "%,d due (%,d/s wanted), %,d without an answer at the end, %,d of them unsent; at most %,d waited on one connection",
                    openLoop.due, openLoop.rate, openLoop.unanswered, openLoop.queued, openLoop.queueMax);
        }
        if (unserved > 0) line(text, "unserved", "%,d connections had no answer for a second or longer", unserved);
    }

    private static void line(StringBuilder text, String label, String format, Object... values) {
        text.append(String.format("  %-12s", label)).append(String.format(Locale.ROOT, format, values)).append('\n');
    }

    private static String toText(Histogram nanos) {
        var text = new StringBuilder("mean ").append(time(nanos.getMean()));
        for (int i = 0; i < PERCENTILES.length; i++) {
            text.append("  ").append(PERCENTILE_NAMES[i]).append(' ').append(time(nanos.getValueAtPercentile(PERCENTILES[i])));
        }
        return text.append("  max ").append(time(nanos.getMaxValue())).toString();
    }

    private static String time(double nanos) {
        if (nanos < 1e6) return decimal(nanos / 1e3, nanos < 1e5 ? 1 : 0) + " µs";
        return nanos < 1e9 ? decimal(nanos / 1e6, nanos < 1e8 ? 2 : 0) + " ms" : decimal(nanos / 1e9, 2) + " s";
    }

    private static String size(double bytes) {
        if (bytes < 1e3) return decimal(bytes, 0) + " B";
        if (bytes < 1e6) return decimal(bytes / 1e3, 1) + " kB";
        return bytes < 1e9 ? decimal(bytes / 1e6, 1) + " MB" : decimal(bytes / 1e9, 2) + " GB";
    }
}
