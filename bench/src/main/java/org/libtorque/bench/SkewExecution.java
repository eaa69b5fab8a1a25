package org.libtorque.bench;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
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
    /**
     * Warms the server up and measures it.
     *
     * @throws IOException if the generator failed, with what it said
     */
    SkewMeasurement measure(SkewCase load, ServerProcess server, int round, double warmup, double seconds)
            throws IOException, InterruptedException {
        LoadProcess run = LoadProcess.run(command(load, server.port, warmup, seconds), warmup + seconds, server, allCpus(), scratch, children);
        return new SkewMeasurement(load, server.peer.name(), round, load.skewed ? group(run.report(), SkewCase.HEAVY) : null,
                group(run.report(), SkewCase.LIGHT), run.use(), run.rates());
    }

    List<String> command(SkewCase load, int port, double warmup, double seconds) {
        return command(prefix, port, load.groups(lightRate, together), warmup, seconds, loadCpus);
    }

    /**
     * Returns the command that puts a load on a server.
     *
     * @param prefix   as above
     * @param groups   of connections, as {@code torque load} takes them
     * @param loadCpus CPUs of the generator
     */
    static List<String> command(List<String> prefix, int port, List<String> groups, double warmup, double seconds, List<Integer> loadCpus) {
        var command = new ArrayList<>(prefix);
        command.add("http://127.0.0.1:" + port + "/plaintext");
        for (String group : groups) command.addAll(List.of("--group", group));
        command.addAll(List.of("--warmup", Math.round(warmup * 1000) + "ms", "--duration", Math.round(seconds * 1000) + "ms"));
        for (RequestHead.Field field : new RequestHead("/plaintext", port).fields()) command.addAll(List.of("--header", field.toString()));
        command.addAll(List.of("--quiet", "--json"));
        return Commands.pinned(CpuList.of(loadCpus), command);
    }

    private Set<Integer> allCpus() { return Stream.concat(cpus.stream(), loadCpus.stream()).collect(Collectors.toSet()); }

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

    static long whole(Map<?, ?> object, String key) throws IOException {
        if (object.get(key) instanceof Number number) return number.longValue();
        throw new IOException("torque load's report lacks " + key);
    }

    private static double number(Map<?, ?> object, String key) {
        return object.get(key) instanceof Number number ? number.doubleValue() : Double.NaN;
    }
}
