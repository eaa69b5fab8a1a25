package org.libtorque.bench;

import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * ApacheBench, which the kevent paper (2006) used: a fixed number of requests, each on a connection of its own, with so many connections at a time. It has one thread and an HTTP/1.0 request of
 * its own, and saturates long before a fast server does.
 */
final class AbLoad implements LoadRunner {
    private static final int REQUESTS_PER_PLACE = 10;
    private static final Pattern COMPLETE = Pattern.compile("(?m)^Complete requests:\\s+(\\d+)$");
    private static final Pattern FAILED = Pattern.compile("(?m)^Failed requests:\\s+(\\d+)$");
    private static final Pattern STATUSES = Pattern.compile("(?m)^Non-2xx responses:\\s+(\\d+)$");
    private static final Pattern SECONDS = Pattern.compile("(?m)^Time taken for tests:\\s+([\\d.]+) seconds$");
    private static final Pattern PERCENTILE = Pattern.compile("(?m)^\\s+(\\d+)%\\s+(\\d+)(?: \\(longest request\\))?$");

    @Override public String name() { return "ab"; }

    @Override public String obstacle(HttpCase load) { return load == HttpCase.KEVENT ? null : "of these loads, ab makes only kevent"; }

    @Override public boolean warmsUp() { return false; }

    @Override public List<String> command(HttpCase load, int port, double warmup, double seconds, Path scratch) {
        return List.of("ab", "-q", "-r", "-c", String.valueOf(load.connections), "-n", String.valueOf(REQUESTS_PER_PLACE * load.connections),
                "http://127.0.0.1:" + port + load.path);
    }

    @Override public LoadResult parse(HttpCase load, String output) {
        long complete = number(COMPLETE, output);
        Matcher seconds = SECONDS.matcher(output);
        if (complete < 0 || !seconds.find()) throw new IllegalArgumentException("ab reported nothing: " + output.strip());
        double p50 = Double.NaN;
        double p99 = Double.NaN;
        double max = Double.NaN;
        for (Matcher m = PERCENTILE.matcher(output); m.find();) {
            double micros = Double.parseDouble(m.group(2)) * 1e3;
            switch (m.group(1)) {
                case "50" -> p50 = micros;
                case "99" -> p99 = micros;
                case "100" -> max = micros;
                default -> { }
            }
        }
        long errors = Math.max(0, number(FAILED, output)) + Math.max(0, number(STATUSES, output));
        return new LoadResult(complete, errors, Double.parseDouble(seconds.group(1)), complete, p50, p99, Double.NaN, max, -1, -1);
    }

    /** Returns -1 if there is no such line. */
    private static long number(Pattern line, String output) {
        Matcher m = line.matcher(output);
        return m.find() ? Long.parseLong(m.group(1)) : -1;
    }
}
