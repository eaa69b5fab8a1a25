package org.libtorque.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/** Runs a load generator, pinned, against one server, and tells what both sides used meanwhile. */
final class LoadExecution {
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
        GeneratorRun run = run(load, server, warmup, seconds);
        LoadResult result;
        try {
            result = runner.parse(load, run.output());
        } catch (IllegalArgumentException e) {
            throw new IOException(e.getMessage(), e);
        }
        long end = result.endNanos() >= 0 ? result.endNanos() : run.endNanos();
        long start = result.startNanos() >= 0 ? result.startNanos()
                : runner.warmsUp() ? end - (long) (result.seconds() * 1e9) : run.startNanos();
        return new Measurement(load, server.peer.name(), round, result, run.sampler().between(start, end),
                server.residentKib());
    }

    private GeneratorRun run(HttpCase load, ServerProcess server, double warmup, double seconds) throws IOException, InterruptedException {
        return GeneratorRun.of(runner.name(), Commands.pinned(String.valueOf(cpu), runner.command(load, server.port, warmup, seconds, scratch)), warmup + seconds, server,
                Set.copyOf(List.of(serverCpu, cpu)), scratch, children);
    }
}
