package org.libtorque.bench;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * {@code torque load}, the project's own closed-loop generator. Its {@code --json} report is one object on the last line
 * of its output. Where that has {@code window_start_nanos} and {@code window_end_nanos} (monotonic clock), the server's
 * CPU time is taken between the two; otherwise over the last {@code seconds} before the report.
 *
 * @param prefix the command up to and including {@code load}
 */
record TorqueLoad(List<String> prefix) implements LoadRunner {
    @Override
    public String name() { return "torque load"; }

    @Override
    public String obstacle(HttpCase load) { return load == HttpCase.KEVENT ? "it is the load that ab makes: --load ab" : null; }

    @Override
    public boolean warmsUp() { return true; }

    @Override
    public List<String> command(HttpCase load, int port, double warmup, double seconds, Path scratch) {
        var command = new ArrayList<>(prefix);
        command.addAll(List.of("http://127.0.0.1:" + port + load.path,
                "--connections", String.valueOf(load.connections),
                "--pipeline", String.valueOf(load.depth),
                "--warmup", millis(warmup),
                "--duration", millis(seconds)));
        if (load.requestsPerConnection > 0) {
            command.addAll(List.of("--requests-per-connection", String.valueOf(load.requestsPerConnection)));
        }
        if (load.sourceAddresses > 1) {
            command.addAll(List.of("--sources", IntStream.rangeClosed(1, load.sourceAddresses)
                    .mapToObj(host -> "127.0.0." + host).collect(Collectors.joining(","))));
        }
        for (RequestHead.Field field : new RequestHead(load.path, port).fields()) {
            command.addAll(List.of("--header", field.toString()));
        }
        command.addAll(List.of("--quiet", "--json"));
        return command;
    }

    @Override
    public LoadResult parse(HttpCase load, String output) {
        String last = output.lines().filter(line -> line.startsWith("{")).reduce((a, b) -> b)
                .orElseThrow(() -> new IllegalArgumentException("torque load reported nothing: " + output.strip()));
        Map<String, Object> report;
        try {
            report = JSON.std.mapFrom(last);
        } catch (IOException e) {
            throw new IllegalArgumentException("not a report of torque load: " + last, e);
        }
        Map<?, ?> latency = report.get("latency_us") instanceof Map<?, ?> map ? map : Map.of();
        if (!(report.get("requests") instanceof Number) || !(report.get("seconds") instanceof Number)) {
            throw new IllegalArgumentException("torque load's report lacks requests or seconds: " + last);
        }
        return new LoadResult(
                whole(report, "requests", 0),
                whole(report, "errors", 0) + whole(report, "short", 0),
                number(report, "seconds", 0),
                whole(report, "connects", -1),
                number(latency, "p50", Double.NaN),
                number(latency, "p99", Double.NaN),
                number(latency, "p999", Double.NaN),
                number(latency, "max", Double.NaN),
                whole(report, "window_start_nanos", -1),
                whole(report, "window_end_nanos", -1));
    }

    private static String millis(double seconds) { return Math.round(seconds * 1000) + "ms"; }

    private static long whole(Map<?, ?> object, String key, long otherwise) {
        return object.get(key) instanceof Number number ? number.longValue() : otherwise;
    }

    private static double number(Map<?, ?> object, String key, double otherwise) {
        return object.get(key) instanceof Number number ? number.doubleValue() : otherwise;
    }
}
