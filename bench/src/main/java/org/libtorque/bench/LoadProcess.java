package org.libtorque.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * One run of {@code torque load} with groups against one server, and what both sides used in its window.
 *
 * @param report what the generator reported, as JSON
 * @param use    what both sides used
 * @param rates  growth per second of what the server counts; empty if it tells nothing
 */
record LoadProcess(Map<?, ?> report, CpuUse use, Map<String, Double> rates) {
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
        try (var counters = new ServerCounters(server.port)) {
            GeneratorRun run = GeneratorRun.of("torque load", command, seconds, server, cpus, scratch, children);
            Map<?, ?> report = SkewExecution.report(run.output());
            long start = SkewExecution.whole(report, "window_start_nanos");
            long end = SkewExecution.whole(report, "window_end_nanos");
            return new LoadProcess(report, run.sampler().between(start, end), counters.ratesBetween(start, end));
        }
    }
}
