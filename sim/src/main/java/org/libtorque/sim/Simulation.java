package org.libtorque.sim;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.function.Function;
import org.HdrHistogram.Histogram;
import org.libtorque.vcore.Balance;

/**
 * One run: a machine, its clients, and one policy. Everything happens on the calling thread, in the order of virtual time: a request
 * arrives, a hart goes on, a CPU is taken away or given back. Ties are resolved by who asked first, so a run depends on nothing
 * but its scenario.
 */
final class Simulation {
    private static final long MAX_WAIT_NANOS = 1_000_000_000_000L;
    /** Sooner than in reality, since a run is shorter than what it stands for. */
    static final long SAMPLE_NANOS = 20_000_000;

    final Scenario scenario;
    final Costs costs;
    final Distances distances;
    final EventWheel wheel;
    final Hart[] harts;
    final Model model;
    /** The present. */
    long now;
    /** The hart that runs, or null. */
    Hart current;

    private final Traffic traffic;
    private final Connection[] connections;
    private final Requests requests = new Requests();
    private final RandomStream random = new RandomStream(0);
    private final RandomStream bursts;
    private final int firstLoss, burst, sample;
    private final long start, end;
    private final Histogram[] waits;
    private final long[] served;
    private long events;
    private Throwable failure;
    /** No more requests come. */
    private boolean quiet;
    /** If not null, costs vary at random, and every one of them lets others go on: a search for interleavings, not a measurement. */
    final RandomStream jitter;

    Simulation(Scenario scenario) {
        this(scenario, new Traffic(scenario), null, simulation -> switch (scenario.policy()) {
            case IDEAL -> new IdealModel(simulation);
            case NETTY -> new StaticModel(simulation);
            case SHARED -> new SharedModel(simulation);
            case RANDOM -> new RandomModel(simulation);
            case STATIC -> new VcoreModel(simulation, Balance.STATIC);
            case STEAL -> new VcoreModel(simulation, Balance.STEAL);
            case MIGRATE -> new VcoreModel(simulation, Balance.MIGRATE);
        });
    }

    Simulation(Scenario scenario, Traffic traffic, RandomStream jitter, Function<Simulation, Model> maker) {
        this.scenario = scenario;
        this.traffic = traffic;
        this.jitter = jitter;
        costs = scenario.costs();
        distances = new Distances(scenario.topology());
        int hartCount = distances.hartCount();
        int count = traffic.home.length;
        firstLoss = hartCount + count;
        burst = firstLoss + hartCount;
        sample = burst + 1;
        wheel = new EventWheel(sample + 1);
        start = scenario.nanos() / 10;
        end = start + scenario.nanos();
        bursts = new RandomStream(RandomStream.state(scenario.seed(), -2));
        waits = new Histogram[traffic.kinds.length];
        for (int i = 0; i < waits.length; i++) waits[i] = new Histogram(MAX_WAIT_NANOS, 2);
        served = new long[waits.length];
        harts = new Hart[hartCount];
        for (int i = 0; i < hartCount; i++) harts[i] = new Hart(i, this);
        model = maker.apply(this);
        connections = new Connection[count];
        for (int i = 0; i < count; i++) {
            connections[i] = new Connection(i, traffic.kind[i], harts[traffic.home[i]], RandomStream.state(scenario.seed(), i));
            model.open(connections[i]);
        }
    }

    Result run() {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        long began = threads.getCurrentThreadCpuTime();
        begin();
        runUntil(end, Long.MAX_VALUE);
        model.end();
        now = end;
        throwFailure();
        model.collect();
        return Results.of(this, threads.getCurrentThreadCpuTime() - began);
    }

    /**
     * Runs, then lets no more requests come and gives all CPUs back, and runs on until nothing is left to happen.
     *
     * @param mostEvents when to give up
     */
    void runUntilQuiet(long mostEvents) {
        begin();
        runUntil(end, mostEvents);
        now = end;
        quiet = true;
        for (Connection connection : connections) wheel.cancel(harts.length + connection.id);
        wheel.cancel(burst);
        wheel.cancel(sample);
        for (int i = 0; i < harts.length; i++) {
            wheel.cancel(firstLoss + i);
            if (harts[i].isLost()) harts[i].giveBack();
        }
        runUntil(Long.MAX_VALUE, mostEvents);
        model.end();
        throwFailure();
        if (wheel.size() > 0) throw new IllegalStateException("does not come to rest: " + events + " events, time " + now);
    }

    private void runUntil(long limit, long mostEvents) {
        int hartCount = harts.length;
        for (int thing; failure == null && events < mostEvents && (thing = wheel.poll(limit)) >= 0; events++) {
            now = wheel.elapsed();
            if (thing < hartCount) resume(harts[thing]);
            else if (thing < firstLoss) arrive(connections[thing - hartCount]);
            else if (thing < burst) toggleLoss(thing - firstLoss);
            else if (thing == burst) arriveInBurst();
            else sample();
        }
    }

    private void throwFailure() {
        if (failure != null) throw new IllegalStateException("seed " + scenario.seed() + ": " + failure, failure);
    }

    private void begin() {
        for (Hart hart : harts) {
            hart.body = body(hart);
            wheel.schedule(hart.id, 0);
        }
        for (Connection connection : connections) {
            int id = connection.id;
            random.state = connection.random;
            boolean atOnce = traffic.kinds[connection.kind].closed() && traffic.gapNanos[id] == 0;
            long first = atOnce ? 1 + random.nextInt(100_000) : traffic.nextArrival(id, 0, random);
            connection.random = random.state;
            wheel.schedule(harts.length + id, first);
        }
        if (traffic.lossEvery > 0) {
            wheel.schedule(sample, SAMPLE_NANOS);
            for (int i = traffic.lossFrom; i < harts.length; i += traffic.lossEvery) {
                random.state = RandomStream.state(scenario.seed(), -4 - i);
                wheel.schedule(firstLoss + i, 1 + random.nextLong(traffic.lossPeriodNanos));
            }
        }
        if (traffic.burstGapNanos > 0) scheduleBurst();
    }

    private void resume(Hart hart) {
        current = hart;
        model.enter(hart);
        hart.resume();
        while (hart.body.isDone() && failure == null) {
            hart.body = body(hart);
            hart.body.resume();
        }
        model.leave(hart);
        current = null;
    }

    private Coroutine body(Hart hart) {
        return new Coroutine(() -> {
            try {
                model.loop(hart);
            } catch (Throwable e) {
                fail(e);
            }
        });
    }

    /** Ends the run: something has gone wrong. */
    void fail(Throwable reason) {
        if (failure == null) failure = reason;
    }

    // -------------------------------------------------------------------------------------------------------------- clients

    private void arrive(Connection connection) {
        random.state = connection.random;
        add(connection);
        if (!traffic.kinds[connection.kind].closed()) {
            wheel.schedule(harts.length + connection.id, traffic.nextArrival(connection.id, now, random));
        }
        connection.random = random.state;
        model.arrived(connection);
    }

    /** Adds a request; the connection's random numbers are in {@code random}. */
    private void add(Connection connection) {
        int request = requests.add(now, traffic.kinds[connection.kind].draw(random));
        if (connection.firstRequest == Requests.NONE) connection.firstRequest = request;
        else requests.link(connection.lastRequest, request);
        connection.lastRequest = request;
        if (now >= start) connection.arrived++;
    }

    private void scheduleBurst() { wheel.schedule(burst, now + 1 + (long) (traffic.burstGapNanos * bursts.nextExponential())); }

    private void arriveInBurst() {
        int hart = bursts.nextInt(harts.length);
        for (int i = hart; i < connections.length; i += harts.length) { // those whose home it was at the start
            Connection connection = connections[i];
            if (traffic.kinds[connection.kind].closed()) wheel.cancel(harts.length + connection.id); // it thinks no longer, and asks again when it has all answers
            random.state = connection.random;
            for (int n = traffic.burstRequests; n > 0; n--) add(connection);
            connection.random = random.state;
            model.arrived(connection);
        }
        scheduleBurst();
    }

    /** As a real runtime does now and then: what the kernel counts of harts that others have had. */
    private void sample() {
        model.sampled();
        wheel.schedule(sample, now + SAMPLE_NANOS);
    }

    private void toggleLoss(int hart) {
        if (harts[hart].isLost()) {
            harts[hart].giveBack();
            wheel.schedule(firstLoss + hart, now + traffic.lossPeriodNanos - traffic.lossNanos);
        } else {
            harts[hart].lose();
            wheel.schedule(firstLoss + hart, now + traffic.lossNanos);
        }
    }

    // -------------------------------------------------------------------------------------------------------------- serving

    /**
     * Serves requests of a connection on the hart that runs, one after the other, taking the time that they cost.
     *
     * @return whether some are left
     */
    boolean serve(Hart hart, Connection connection, int most) {
        for (int n = most; n > 0; n--) {
            if (n < most && model.shouldYield(hart)) break;
            int request = connection.firstRequest;
            if (request == Requests.NONE) return false;
            if (!model.isFree()) hart.charge(distance(connection, hart));
            if (hart.local() >= start) waits[connection.kind].recordValue(Math.min(MAX_WAIT_NANOS, hart.local() - requests.arrivalNanos(request)));
            connection.firstRequest = requests.next(request);
            hart.charge(costs.requestNanos() + requests.serviceNanos(request));
            requests.remove(request);
            hart.settle();
            if (now >= start) {
                connection.served++;
                served[connection.kind]++;
            }
            if (traffic.kinds[connection.kind].closed() && !quiet && !connection.hasRequests()) askAgain(connection);
        }
        return connection.hasRequests();
    }

    /** Returns when the first request that waits at a connection has come. */
    long firstArrival(Connection connection) { return requests.arrivalNanos(connection.firstRequest); }

    /** What a request brings along to the hart that serves it: from the one that its packets have interrupted what the kernel has just written, the rest from where it was last. */
    private long distance(Connection connection, Hart hart) {
        Hart last = connection.last, packets = connection.interrupted;
        long lines = packets == hart ? 0 : costs.packetLines() * distances.lineNanos(packets.id, hart.id);
        if (last == hart) return lines;
        connection.last = hart;
        int others = packets == hart ? costs.stateLines() : costs.stateLines() - costs.packetLines();
        return lines + costs.takeNanos() + others * distances.lineNanos(last.id, hart.id);
    }

    private void askAgain(Connection connection) {
        double think = traffic.gapNanos[connection.id];
        long at = now + costs.roundTripNanos();
        if (think > 0) {
            random.state = connection.random;
            at = traffic.nextArrival(connection.id, at, random);
            connection.random = random.state;
        }
        wheel.schedule(harts.length + connection.id, at);
    }

    // -------------------------------------------------------------------------------------------------------------- results

    long eventCount() { return events; }

    Traffic traffic() { return traffic; }

    Connection[] connections() { return connections; }

    long served(int kind) { return served[kind]; }

    /** Returns the waiting times of a kind, with those that wait still: that they have waited so far. */
    Histogram waits(int kind) {
        Histogram all = waits[kind].copy();
        for (Connection connection : connections) {
            if (connection.kind != kind) continue;
            for (int r = connection.firstRequest; r != Requests.NONE; r = requests.next(r)) {
                if (requests.arrivalNanos(r) >= start) all.recordValue(Math.min(MAX_WAIT_NANOS, end - requests.arrivalNanos(r)));
            }
        }
        return all;
    }
}
