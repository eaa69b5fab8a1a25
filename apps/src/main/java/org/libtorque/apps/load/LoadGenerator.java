package org.libtorque.apps.load;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.stream.IntStream;

import org.libtorque.Torque;
import org.libtorque.TorqueOptions;
import org.libtorque.apps.cli.CommandException;
import org.libtorque.apps.cli.LoadGroup;
import org.libtorque.apps.cli.LoadOptions;
import org.libtorque.event.ConnectOptions;
import org.libtorque.event.Connection;
import org.libtorque.hardware.CpuSet;
import org.libtorque.vcore.Backend;
import org.libtorque.vcore.Balance;
import org.libtorque.vcore.Color;

/**
 * The load generator: a closed loop on each of many connections, an open one over all of them, or groups of connections of either kind.
 *
 * <p>One request for each group is sent ahead, to see whether there is an answer and what it looks like; every other answer is compared with it.
 * Connections that are to be served by certain vcores of the server are looked for next, while it has nothing else to do. Then
 * all connections are opened and loaded for the warm-up and the measured time. A closed loop waits for answers before it sends more, so a server
 * that stalls is also asked less often: its latencies look better than users would find them who do not wait (coordinated omission). An
 * open loop has fixed times at which requests are due, and counts from these.
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
        var requests = options.effectiveGroups().stream().map(group -> RequestCopies.of(options, group)).toList();
        try (var torque = Torque.open(torqueOptions(options, requests))) {
            return new LoadGenerator(options, torque).measure(requests);
        } catch (UnsupportedOperationException | IllegalArgumentException e) {
            throw new CommandException(e.getMessage(), e); // the backend or a CPU cannot be had
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CommandException("interrupted", e);
        }
    }

    private static TorqueOptions torqueOptions(LoadOptions options, List<RequestCopies> requests) {
        // A whole batch of requests should fit one block, since each block is sent by itself.
        long batch = 64;
        for (int i = 0; i < requests.size(); i++) {
            batch = Math.max(batch, (long) requests.get(i).requestBytes() * options.effectiveGroups().get(i).pipeline() + 64);
        }
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

    private LoadResult measure(List<RequestCopies> requests) throws InterruptedException {
        boolean answersHead = options.method().equals("HEAD");
        var groups = options.effectiveGroups();
        var connectOptions = connectOptions();
        var address = new InetSocketAddress(resolve(options.host()), options.port());
        var probes = new ArrayList<Probe.Answer>();
        for (var request : requests) probes.add(Probe.run(torque, address, connectOptions.getFirst(), options.timeout(), request, answersHead));
        var homes = homes();
        var placed = place(groups, address, connectOptions, homes);

        announce(groups, probes);
        long begin = System.nanoTime();
        long start = begin + options.warmup().toNanos();
        long end = start + options.duration().toNanos();
        var workers = new ArrayList<List<Worker>>();
        for (int i = 0; i < groups.size(); i++) {
            var group = groups.get(i);
            var first = probes.get(i);
            var template = first.bytes() == null || group.numbers() > 0 ? null : new Template(first.bytes(), group.pipeline());
            var pace = group.isPaced() ? new Pace(begin, group.rate(), group.totalConnections()) : null;
            var turns = group.move().isZero() ? null : new Turns(begin, group.move().toNanos(), group.vcores().size());
            var plan = new Plan(address, connectOptions, requests.get(i), group.pipeline(), group.totalConnections(), options.requestsPerConnection(),
                    options.timeout().toNanos(), answersHead, first.expectation(), template, pace, turns, begin, start, end);
            workers.add(workers(group, plan, homes, placed));
        }
        var all = workers.stream().flatMap(List::stream).toList();
        for (var worker : all) torque.post(worker.color(), worker::start);
        var clock = new LoadClock(torque, start, end, progress(all));
        clock.start();
        torque.block();
        long stopped = System.nanoTime();
        double cpuSeconds = clock.finish();
        for (var worker : all) worker.finish();

        long over = stopped - end < 0 ? stopped : end; // earlier only if a signal came
        var parts = new ArrayList<LoadResult.OfGroup>();
        if (!options.groups().isEmpty()) {
            for (int i = 0; i < groups.size(); i++) {
                var part = result(workers.get(i), over).build(start, 0, groups.get(i).rate(), List.of());
                parts.add(new LoadResult.OfGroup(groups.get(i), placed.unnamed(groups.get(i)), part));
            }
        }
        return result(all, over).build(start, cpuSeconds, groups.stream().mapToLong(LoadGroup::rate).sum(), parts);
    }

    private static LoadResult.Builder result(List<Worker> workers, long endNanos) {
        var result = new LoadResult.Builder();
        result.endNanos = endNanos;
        for (var worker : workers) worker.addTo(result);
        return result;
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

    /** A colour at home on each vcore, in their order. */
    private List<Color> homes() {
        int count = torque.vcores().size();
        var homes = new Color[count];
        for (int found = 0; found < count; ) { // new colours are at home on one vcore after the other
            var color = torque.newColor();
            if (homes[color.home().index()] != null) continue;
            homes[color.home().index()] = color;
            found++;
        }
        return List.of(homes);
    }

    /** The group's places whose connections belong to our vcore {@code home}: one vcore after the other. */
    private static IntStream places(LoadGroup group, int home, int homes) {
        return IntStream.iterate(home, place -> place < group.totalConnections(), place -> place + homes);
    }

    /** The set that a place belongs to; sets are as many as wanted vcores, and each as large as the group says. */
    private static int setOf(LoadGroup group, int place) {
        return place / group.connections();
    }

    /** Looks for connections that are served by the wanted vcores of the server, at the same time on each of our vcores. */
    private Placed place(List<LoadGroup> groups, InetSocketAddress address, List<ConnectOptions> connectOptions, List<Color> homes)
            throws InterruptedException {
        var request = RequestCopies.get(options, "/whoami");
        var searches = new ArrayList<CompletableFuture<Placement.Found>>();
        for (int home = 0; home < homes.size(); home++) {
            var wanted = new TreeMap<Integer, Integer>();
            for (var group : groups) {
                if (group.vcores().isEmpty()) continue;
                places(group, home, homes.size()).forEach(place -> wanted.merge(group.vcores().get(setOf(group, place)), 1, Integer::sum));
            }
            searches.add(wanted.isEmpty() ? CompletableFuture.completedFuture(new Placement.Found(Map.of(), 0))
                    : new Placement(torque, homes.get(home), address, connectOptions, request, options.timeout().toNanos(), wanted).start());
        }
        var found = new ArrayList<Placement.Found>();
        for (var search : searches) {
            try {
                found.add(search.get());
            } catch (ExecutionException e) {
                throw (CommandException) e.getCause(); // nothing else is completed with
            }
        }
        return new Placed(found);
    }

    /** The connections that were looked for, by our vcore. */
    private record Placed(List<Placement.Found> byHome) {
        Connection take(int home, int vcore) {
            return byHome.get(home).connections().get(vcore).remove();
        }

        /** Whether the server names vcores is a matter of the server, so it does for all of the connections or for none. */
        int unnamed(LoadGroup group) {
            return !group.vcores().isEmpty() && byHome.stream().anyMatch(found -> found.unnamed() > 0) ? group.totalConnections() : 0;
        }
    }

    /** One worker for each of our vcores that has a share of the connections. */
    private List<Worker> workers(LoadGroup group, Plan plan, List<Color> homes, Placed placed) {
        var workers = new ArrayList<Worker>();
        for (int i = 0; i < Math.min(homes.size(), group.totalConnections()); i++) {
            int home = i;
            var worker = new Worker(torque, plan, homes.get(home), home);
            places(group, home, homes.size()).forEach(place -> {
                int set = setOf(group, place);
                worker.add(new Lane(worker, place, set, group.vcores().isEmpty() ? null : placed.take(home, group.vcores().get(set))));
            });
            workers.add(worker);
        }
        return workers;
    }

    private Progress progress(List<Worker> workers) {
        return options.quiet() ? null : new Progress(System.err, Progress.standardErrorIsTerminal(), workers, System.nanoTime());
    }

    private void announce(List<LoadGroup> groups, List<Probe.Answer> probes) {
        if (options.json()) return;
        var cpus = CpuSet.of(torque.vcores().stream().mapToInt(vcore -> vcore.cpu()).toArray());
        for (int i = 0; i < groups.size(); i++) {
            var group = groups.get(i);
            var url = options.groups().isEmpty() ? options.url().toString() : group.name() + ", " + options.authority() + group.target();
            System.out.printf(Locale.ROOT, "%s %s: %,d connections × %,d outstanding%s%s, %s on CPU %s%n", options.method(), url,
                    group.totalConnections(), group.pipeline(), group.isPaced() ? String.format(Locale.ROOT, ", %,d/s", group.rate()) : "",
                    group.vcores().isEmpty() ? "" : ", on vcores " + group.vcores() + " of the server", torque.backend().optionName(), cpus);
            var expectation = probes.get(i).expectation();
            System.out.printf(Locale.ROOT, "first answer: status %d, body of %,d bytes%n", expectation.status(), expectation.bodyBytes());
        }
    }
}
