package org.libtorque.apps.load;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

import org.libtorque.Torque;
import org.libtorque.TorqueOptions;
import org.libtorque.apps.cli.CommandException;
import org.libtorque.apps.cli.LoadOptions;
import org.libtorque.event.ConnectOptions;
import org.libtorque.hardware.CpuSet;
import org.libtorque.vcore.Backend;
import org.libtorque.vcore.Balance;

/**
 * The load generator: a closed loop on each of many connections.
 *
 * <p>One request is sent ahead, to see whether there is an answer and what it looks like; every other answer is compared with it. Then
 * all connections are opened and loaded for the warm-up and the measured time. A closed loop waits for answers before it sends more, so a server
 * that stalls is also asked less often: its latencies look better than users would find them who do not wait (coordinated omission).
 */
public final class LoadGenerator {
    /** When stopped, connections have nothing to finish; this is for those whose last bytes the server does not take. */
    private static final Duration DRAIN_TIMEOUT = Duration.ofSeconds(1);
    private static final int MIN_BLOCK_BYTES = 32 * 1024, MAX_BLOCK_BYTES = 256 * 1024;

    private final LoadOptions options;
    private final Torque torque;

    private LoadGenerator(LoadOptions options, Torque torque) {
        this.options = options;
        this.torque = torque;
    }

    /**
     * Loads a server and prints the result: with {@code --json} one JSON object on one line, else some lines of text.
     *
     * @param options what to send, and where
     * @return exit code: 0, or 1 if not a single request succeeded
     * @throws CommandException if there is no connection or no HTTP answer to begin with
     */
    public static int run(LoadOptions options) {
        var result = measure(options);
        if (options.json()) System.out.println(result.toJson());
        else System.out.print(result.toText());
        System.out.flush();
        return result.requests() > 0 ? 0 : 1;
    }

    /** As {@link #run}, without printing the result. */
    static LoadResult measure(LoadOptions options) {
        var request = RequestCopies.of(options, options.pipeline());
        try (var torque = Torque.open(torqueOptions(options, request))) {
            return new LoadGenerator(options, torque).measure(request);
        } catch (UnsupportedOperationException | IllegalArgumentException e) {
            throw new CommandException(e.getMessage(), e); // the backend or a CPU cannot be had
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CommandException("interrupted", e);
        }
    }

    private static TorqueOptions torqueOptions(LoadOptions options, RequestCopies request) {
        // A whole batch of requests should fit one block, since each block is sent by itself.
        long batch = (long) request.requestBytes() * options.pipeline() + 64;
        int block = Math.clamp(Long.highestOneBit(batch - 1) << 1, MIN_BLOCK_BYTES, MAX_BLOCK_BYTES);
        var result = TorqueOptions.defaults()
                .withBackend(switch (options.backend()) {
                    case AUTO -> Backend.AUTO;
                    case EPOLL -> Backend.EPOLL;
                    case IO_URING -> Backend.IO_URING;
                })
                .withBuffers(block, 1L << 30)
                .withBalance(Balance.STATIC) // a lane and its worker share what they count
                .withDrainTimeout(DRAIN_TIMEOUT);
        return options.cpus().isEmpty() ? result : result.withCpus(options.cpus());
    }

    private LoadResult measure(RequestCopies request) throws InterruptedException {
        boolean answersHead = options.method().equals("HEAD");
        var connectOptions = connectOptions();
        var address = new InetSocketAddress(resolve(options.host()), options.port());
        var first = Probe.run(torque, address, connectOptions.getFirst(), options.timeout(), request, answersHead);
        var template = first.bytes() == null ? null : new Template(first.bytes(), options.pipeline());

        announce(first.expectation());
        long start = System.nanoTime() + options.warmup().toNanos();
        var plan = new Plan(address, connectOptions, request, options.pipeline(), options.requestsPerConnection(), options.timeout().toNanos(),
                answersHead, first.expectation(), template, start, start + options.duration().toNanos());
        var workers = startWorkers(plan);
        var clock = new LoadClock(torque, plan, workers, progress(workers));
        clock.start();
        torque.block();
        long stopped = System.nanoTime();
        double cpuSeconds = clock.finish();

        var result = new LoadResult.Builder();
        result.endNanos = stopped - plan.endNanos() < 0 ? stopped : plan.endNanos(); // earlier only if a signal came
        for (var worker : workers) worker.addTo(result);
        return result.build(plan.startNanos(), cpuSeconds);
    }

    private List<ConnectOptions> connectOptions() {
        var common = ConnectOptions.DEFAULT.withTimeout(options.timeout());
        if (options.sources().isEmpty()) return List.of(common);
        var all = new ArrayList<ConnectOptions>();
        for (var source : options.sources()) all.add(common.withLocalAddress(new InetSocketAddress(source, 0)));
        return List.copyOf(all);
    }

    private static InetAddress resolve(String host) {
        try {
            return InetAddress.getByName(host);
        } catch (UnknownHostException e) {
            throw new CommandException("unknown host '" + host + "'", e);
        }
    }

    /** Has one worker for each vcore, with its share of the connections, begin. */
    private List<Worker> startWorkers(Plan plan) {
        int count = Math.min(torque.vcores().size(), options.connections());
        var workers = new ArrayList<Worker>();
        for (int i = 0; i < count; i++) workers.add(null);
        for (int found = 0; found < count; ) { // new colours are at home on one vcore after the other
            var color = torque.newColor();
            int index = color.home().index();
            if (index >= count || workers.get(index) != null) continue;
            workers.set(index, new Worker(torque, plan, color, index));
            found++;
        }
        for (int i = 0; i < options.connections(); i++) {
            var worker = workers.get(i % count);
            worker.add(new Lane(worker));
        }
        for (var worker : workers) torque.post(worker.color(), worker::start);
        return workers;
    }

    private Progress progress(List<Worker> workers) {
        return options.quiet() ? null : new Progress(System.err, Progress.standardErrorIsTerminal(), workers, System.nanoTime());
    }

    private void announce(Expectation expectation) {
        if (options.json()) return;
        var cpus = CpuSet.of(torque.vcores().stream().mapToInt(vcore -> vcore.cpu()).toArray());
        System.out.printf(Locale.ROOT, "%s %s: %,d connections × %,d outstanding, %s on CPU %s%n", options.method(), options.url(),
                options.connections(), options.pipeline(), torque.backend().optionName(), cpus);
        System.out.printf(Locale.ROOT, "first answer: status %d, body of %,d bytes%n", expectation.status(), expectation.bodyBytes());
    }
}
