package org.libtorque.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * One run of a load generator, a process of its own, against one server.
 *
 * @param output     what it wrote
 * @param startNanos when it was started
 * @param endNanos   when it had ended
 * @param sampler    what both sides used meanwhile
 */
record GeneratorRun(String output, long startNanos, long endNanos, ProcessSampler sampler) {
    /** Longer than any generator takes to start, find its connections, and report. */
    private static final double SLACK_SECONDS = 60;

    /**
     * Runs it to its end.
     *
     * @param name    what to call it
     * @param command its command line
     * @param seconds how long the load takes, warm-up included
     * @param cpus    CPUs of both sides
     * @param scratch folder for its output
     * @throws IOException if it failed, with what it said
     */
    static GeneratorRun of(String name, List<String> command, double seconds, ServerProcess server, Set<Integer> cpus, Path scratch, Children children)
            throws IOException, InterruptedException {
        Path output = scratch.resolve("load.out");
        Path errors = scratch.resolve("load.err");
        long start = System.nanoTime();
        Process process = children.start(new ProcessBuilder(command).redirectOutput(output.toFile()).redirectError(errors.toFile()));
        try (var sampler = new ProcessSampler(server.pids(), process.pid(), cpus)) {
            boolean ended = process.waitFor((long) ((seconds + SLACK_SECONDS) * 1000), TimeUnit.MILLISECONDS);
            long end = System.nanoTime();
            if (!ended) throw new IOException(name + " did not end in time");
            String said = Files.readString(output, StandardCharsets.ISO_8859_1);
            if (process.exitValue() != 0) {
                String complaint = Files.readString(errors, StandardCharsets.ISO_8859_1).strip();
                throw new IOException(name + " ended with status " + process.exitValue() + ": "
                        + (complaint.isEmpty() ? said.strip() : complaint).lines().reduce((a, b) -> b).orElse(""));
            }
            return new GeneratorRun(said, start, end, sampler);
        } finally {
            children.stop(process);
        }
    }
}
