package org.libtorque.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * wrk on one thread. It parses every answer, so one CPU of it saturates before a fast server does; its latencies are
 * corrected for coordinated omission, and it reports none worth having for pipelined requests.
 */
final class WrkLoad implements LoadRunner {
    private static final Pattern REQUESTS = Pattern.compile("(\\d+) requests in ([\\d.]+[a-z]+),");
    private static final Pattern PERCENTILE = Pattern.compile("(?m)^\\s+(\\d+)%\\s+([\\d.]+[a-z]+)$");
    private static final Pattern LATENCY = Pattern.compile("(?m)^\\s+Latency\\s+\\S+\\s+\\S+\\s+([\\d.]+[a-z]+)\\s");
    private static final Pattern SOCKET_ERRORS =
            Pattern.compile("Socket errors: connect (\\d+), read (\\d+), write (\\d+), timeout (\\d+)");
    private static final Pattern STATUS_ERRORS = Pattern.compile("Non-2xx or 3xx responses: (\\d+)");

    @Override
    public String name() { return "wrk"; }

    @Override
    public String obstacle(HttpCase load) {
        return load.requestsPerConnection > 0
                ? "wrk cannot close a connection after so many requests, nor choose source addresses" : null;
    }

    @Override
    public boolean warmsUp() { return false; }

    @Override
    public List<String> command(HttpCase load, int port, double warmup, double seconds, Path scratch)
            throws IOException {
        Path script = scratch.resolve("wrk-" + load.id + "-" + port + ".lua");
        String request = new RequestHead(load.path, port).text().replace("\r\n", "\\r\\n");
        Files.writeString(script, "local batch = string.rep(\"" + request + "\", " + load.depth + ")\n"
                + "request = function() return batch end\n");
        long whole = Math.max(1, Math.round(seconds));           // wrk takes no fractions
        return List.of("wrk", "--threads", "1", "--connections", String.valueOf(load.connections),
                "--duration", whole + "s", "--latency", "--script", script.toString(),
                "http://127.0.0.1:" + port + load.path);
    }

    @Override
    public LoadResult parse(HttpCase load, String output) {
        Matcher requests = REQUESTS.matcher(output);
        if (!requests.find()) throw new IllegalArgumentException("wrk reported nothing: " + output.strip());
        double p50 = Double.NaN;
        double p99 = Double.NaN;
        double max = Double.NaN;
        if (load.depth == 1) {
            for (Matcher m = PERCENTILE.matcher(output); m.find();) {
                if (m.group(1).equals("50")) p50 = micros(m.group(2));
                if (m.group(1).equals("99")) p99 = micros(m.group(2));
            }
            Matcher latency = LATENCY.matcher(output);
            if (latency.find()) max = micros(latency.group(1));
        }
        long errors = 0;
        Matcher sockets = SOCKET_ERRORS.matcher(output);
        if (sockets.find()) for (int i = 1; i <= 4; i++) errors += Long.parseLong(sockets.group(i));
        Matcher statuses = STATUS_ERRORS.matcher(output);
        if (statuses.find()) errors += Long.parseLong(statuses.group(1));
        return new LoadResult(Long.parseLong(requests.group(1)), errors, micros(requests.group(2)) / 1e6, -1,
                p50, p99, Double.NaN, max, -1, -1);
    }

    /** Reads wrk's times: {@code 355.00us}, {@code 1.79ms}, {@code 2.00s}, {@code 1.50m}, {@code 1.00h}. */
    static double micros(String time) {
        int unit = time.length();
        while (unit > 0 && Character.isLetter(time.charAt(unit - 1))) unit--;
        double number = Double.parseDouble(time.substring(0, unit));
        return switch (time.substring(unit)) {
            case "us" -> number;
            case "ms" -> number * 1e3;
            case "s" -> number * 1e6;
            case "m" -> number * 60e6;
            case "h" -> number * 3600e6;
            default -> throw new IllegalArgumentException("not a time of wrk's: " + time);
        };
    }
}
