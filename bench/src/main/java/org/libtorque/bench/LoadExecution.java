package org.libtorque.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** Runs a load generator, pinned, against one server, and tells what both sides used meanwhile. */
final class LoadExecution {
    /** Longer than any generator takes to start, connect and report. */
    private static final double SLACK_SECONDS = 60;

    private final LoadRunner runner;
    private final int serverCpu;
    private final int cpu;
    private final Path scratch;
    private final Children children;

    /**
     * @param serverCpu CPU that the servers are pinned to
     * @param cpu       CPU for the generator
     * @param scratch   folder for its files
     */
    LoadExecution(LoadRunner runner, int serverCpu, int cpu, Path scratch, Children children) {
        this.runner = runner;
        this.serverCpu = serverCpu;
        this.cpu = cpu;
        this.scratch = scratch;
        this.children = children;
    }

    /**
     * Warms the server up and measures it.
     *
     * @throws IOException if the generator failed, with what it said
     */
    Measurement measure(HttpCase load, ServerProcess server, int round, double warmup, double seconds)
            throws IOException, InterruptedException {
        if (!runner.warmsUp() && warmup > 0) run(load, server, 0, warmup);
        Run run = run(load, server, warmup, seconds);
        LoadResult result;
        try {
            result = runner.parse(load, run.output);
        } catch (IllegalArgumentException e) {
            throw new IOException(e.getMessage(), e);
        }
        long end = result.endNanos() >= 0 ? result.endNanos() : run.endNanos;
        long start = result.startNanos() >= 0 ? result.startNanos()
                : runner.warmsUp() ? end - (long) (result.seconds() * 1e9) : run.startNanos;
        return new Measurement(load, server.peer.name(), round, result, run.sampler.between(start, end),
                server.residentKib());
    }

    private record Run(String output, long startNanos, long endNanos, ProcessSampler sampler) {}

    private Run run(HttpCase load, ServerProcess server, double warmup, double seconds)
            throws IOException, InterruptedException {
        Path output = scratch.resolve("load.out");
        Path errors = scratch.resolve("load.err");
        var builder = new ProcessBuilder(
                Commands.pinned(String.valueOf(cpu), runner.command(load, server.port, warmup, seconds, scratch)))
                .redirectOutput(output.toFile()).redirectError(errors.toFile());
        long start = System.nanoTime();
        Process process = children.start(builder);
        try (var sampler = new ProcessSampler(server.pids(), process.pid(), Set.copyOf(List.of(serverCpu, cpu)))) {
            boolean ended = process.waitFor((long) ((warmup + seconds + SLACK_SECONDS) * 1000), TimeUnit.MILLISECONDS);
            long end = System.nanoTime();
            if (!ended) throw new IOException(runner.name() + " did not end in time");
            String said = Files.readString(output, StandardCharsets.ISO_8859_1);
            if (process.exitValue() != 0) {
                String complaint = Files.readString(errors, StandardCharsets.ISO_8859_1).strip();
                throw new IOException(runner.name() + " ended with status " + process.exitValue() + ": "
                        + (complaint.isEmpty() ? said.strip() : complaint).lines().reduce((a, b) -> b).orElse(""));
            }
            return new Run(said, start, end, sampler);
        } finally {
            children.stop(process);
        }
    }
}
