package org.libtorque.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * One run of {@code torque load} with groups against one server, and what both sides used in its window.
 *
 * @param report what the generator reported, as JSON
 * @param use    what both sides used
 * @param rates  growth per second of what the server counts; empty if it tells nothing
 */
record LoadProcess(Map<?, ?> report, CpuUse use, Map<String, Double> rates) {
    /** Longer than it takes to start, to find connections, and to report. */
    private static final double SLACK_SECONDS = 60;

    /**
     * Runs it.
     *
     * @param command its command line
     * @param seconds how long the load takes, warm-up included
     * @param cpus    CPUs of both sides
     * @param scratch folder for its output
     * @throws IOException if the generator failed, with what it said
     */
    static LoadProcess run(List<String> command, double seconds, ServerProcess server, Set<Integer> cpus, Path scratch, Children children)
            throws IOException, InterruptedException {
        Path output = scratch.resolve("load.out");
        Path errors = scratch.resolve("load.err");
        Process process = children.start(new ProcessBuilder(command).redirectOutput(output.toFile()).redirectError(errors.toFile()));
        try (var sampler = new ProcessSampler(server.pids(), process.pid(), cpus);
                var counters = new ServerCounters(server.port)) {
            if (!process.waitFor((long) ((seconds + SLACK_SECONDS) * 1000), TimeUnit.MILLISECONDS)) {
                throw new IOException("torque load did not end in time");
            }
            String said = Files.readString(output, StandardCharsets.UTF_8);
            if (process.exitValue() != 0) {
                String complaint = Files.readString(errors, StandardCharsets.UTF_8).strip();
                throw new IOException("torque load ended with status " + process.exitValue() + ": "
                        + (complaint.isEmpty() ? said.strip() : complaint).lines().reduce((a, b) -> b).orElse(""));
            }
            Map<?, ?> report = SkewExecution.report(said);
            long start = SkewExecution.whole(report, "window_start_nanos");
            long end = SkewExecution.whole(report, "window_end_nanos");
            return new LoadProcess(report, sampler.between(start, end), counters.ratesBetween(start, end));
        } finally {
            children.stop(process);
        }
    }
}
