package org.libtorque.bench;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Puts skewed loads on servers with {@code torque load}, whose groups of connections it needs.
 *
 * @param prefix    the command up to and including {@code load}
 * @param cpus      CPUs of the servers
 * @param loadCpus  CPUs of the generator
 * @param lightRate requests per second of all light connections together
 * @param together  whether light connections are to be on the vcores of the heavy ones
 * @param scratch   folder for the generator's output
 */
record SkewExecution(List<String> prefix, List<Integer> cpus, List<Integer> loadCpus, int lightRate, boolean together, Path scratch,
        Children children) {
    /** Longer than it takes to start, to find connections, and to report. */
    private static final double SLACK_SECONDS = 60;

    /**
     * Warms the server up and measures it.
     *
     * @throws IOException if the generator failed, with what it said
     */
    SkewMeasurement measure(SkewCase load, ServerProcess server, int round, double warmup, double seconds)
            throws IOException, InterruptedException {
        Path output = scratch.resolve("load.out");
        Path errors = scratch.resolve("load.err");
        Process process = children.start(new ProcessBuilder(command(load, server.port, warmup, seconds))
                .redirectOutput(output.toFile()).redirectError(errors.toFile()));
        try (var sampler = new ProcessSampler(server.pids(), process.pid(), allCpus());
                var counters = new ServerCounters(server.port)) {
            if (!process.waitFor((long) ((warmup + seconds + SLACK_SECONDS) * 1000), TimeUnit.MILLISECONDS)) {
                throw new IOException("torque load did not end in time");
            }
            String said = Files.readString(output, StandardCharsets.UTF_8);
            if (process.exitValue() != 0) {
                String complaint = Files.readString(errors, StandardCharsets.UTF_8).strip();
                throw new IOException("torque load ended with status " + process.exitValue() + ": "
                        + (complaint.isEmpty() ? said.strip() : complaint).lines().reduce((a, b) -> b).orElse(""));
            }
            return parse(load, server.peer.name(), round, said, sampler, counters);
        } finally {
            children.stop(process);
        }
    }

    List<String> command(SkewCase load, int port, double warmup, double seconds) {
        var command = new ArrayList<>(prefix);
        command.add("http://127.0.0.1:" + port + "/plaintext");
        for (String group : load.groups(lightRate, together)) command.addAll(List.of("--group", group));
        command.addAll(List.of("--warmup", Math.round(warmup * 1000) + "ms", "--duration", Math.round(seconds * 1000) + "ms"));
        for (RequestHead.Field field : new RequestHead("/plaintext", port).fields()) command.addAll(List.of("--header", field.toString()));
        command.addAll(List.of("--quiet", "--json"));
        return Commands.pinned(String.join(",", loadCpus.stream().map(String::valueOf).toList()), command);
    }

    private Set<Integer> allCpus() { return Stream.concat(cpus.stream(), loadCpus.stream()).collect(Collectors.toSet()); }

    private static SkewMeasurement parse(SkewCase load, String peer, int round, String output, ProcessSampler sampler,
            ServerCounters counters) throws IOException {
        Map<?, ?> report = report(output);
        long start = whole(report, "window_start_nanos");
        long end = whole(report, "window_end_nanos");
        return new SkewMeasurement(load, peer, round, load.skewed ? group(report, SkewCase.HEAVY) : null, group(report, SkewCase.LIGHT),
                sampler.between(start, end), counters.ratesBetween(start, end));
    }

    /** The report is one object on the last line. */
    static Map<?, ?> report(String output) throws IOException {
        String last = output.lines().filter(line -> line.startsWith("{")).reduce((a, b) -> b)
                .orElseThrow(() -> new IOException("torque load reported nothing: " + output.strip()));
        return JSON.std.mapFrom(last);
    }

    static SkewMeasurement.Group group(Map<?, ?> report, String name) throws IOException {
        if (!(report.get("groups") instanceof Map<?, ?> groups) || !(groups.get(name) instanceof Map<?, ?> group)
                || !(group.get("latency_us") instanceof Map<?, ?> latency)) {
            throw new IOException("torque load did not report group " + name);
        }
        long unanswered = group.get("open_loop") instanceof Map<?, ?> openLoop ? whole(openLoop, "unanswered") : 0;
        return new SkewMeasurement.Group(whole(group, "requests"), number(group, "requests_per_second"), whole(group, "errors"),
                whole(group, "unserved_connections"), unanswered, number(latency, "p50"), number(latency, "p99"), number(latency, "p999"));
    }

    private static long whole(Map<?, ?> object, String key) throws IOException {
        if (object.get(key) instanceof Number number) return number.longValue();
        throw new IOException("torque load's report lacks " + key);
    }

    private static double number(Map<?, ?> object, String key) {
        return object.get(key) instanceof Number number ? number.doubleValue() : Double.NaN;
    }
}
