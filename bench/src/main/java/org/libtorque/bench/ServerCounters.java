package org.libtorque.bench;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;

/**
 * Asks a server for its counters, at {@code /stats}, twice a second, so that their growth can afterwards be told for any
 * window. A server that does not answer with status 200 has none, and is not asked again.
 */
final class ServerCounters implements AutoCloseable {
    private static final long INTERVAL_NANOS = 500_000_000;

    /** One look. */
    record Sample(long nanos, Map<String, Double> counters) {}

    private final int port;
    private final List<Sample> samples = new ArrayList<>();      // guarded by this
    private final Thread thread;
    private volatile boolean closed;

    /** Starts asking the server on {@code port}. */
    ServerCounters(int port) {
        this.port = port;
        boolean any = sample();
        closed = !any;
        thread = Thread.ofPlatform().daemon().name("counters").start(this::sampleUntilClosed);
    }

    private void sampleUntilClosed() {
        while (!closed) {
            LockSupport.parkNanos(INTERVAL_NANOS);
            if (!closed && !sample()) closed = true;
        }
    }

    private boolean sample() {
        try {
            String answer = ServerProcess.get(port, "/stats");
            if (!answer.startsWith("HTTP/1.1 200")) return false;
            Object json = JSON.std.anyFrom(answer.substring(answer.indexOf("\r\n\r\n") + 4));
            synchronized (this) {
                samples.add(new Sample(System.nanoTime(), flatten(json)));
            }
            return true;
        } catch (IOException e) {
            return false;                                        // no answer, or one that is no JSON
        }
    }

    /**
     * Returns the numbers in a JSON value by their names. Where the object itself has none of a name, those of that name
     * in what it contains (a list of vcores, say) are added up.
     */
    static Map<String, Double> flatten(Object json) {
        var sums = new HashMap<String, Double>();
        var own = new HashMap<String, Double>();
        if (json instanceof Map<?, ?> object) {
            for (var entry : object.entrySet()) {
                if (entry.getValue() instanceof Number number) own.put((String) entry.getKey(), number.doubleValue());
                else flatten(entry.getValue()).forEach((name, value) -> sums.merge(name, value, Double::sum));
            }
        } else if (json instanceof Iterable<?> list) {
            for (Object element : list) flatten(element).forEach((name, value) -> sums.merge(name, value, Double::sum));
        }
        sums.putAll(own);
        return sums;
    }

    /** Takes a last look and stops. */
    @Override
    public void close() {
        if (closed) return;
        closed = true;
        LockSupport.unpark(thread);
        sample();
    }

    /** Returns what each counter has grown by per second between the two times; empty if the server has none. */
    synchronized Map<String, Double> ratesBetween(long startNanos, long endNanos) {
        return ratesBetween(samples, startNanos, endNanos);
    }

    static Map<String, Double> ratesBetween(List<Sample> samples, long startNanos, long endNanos) {
        if (samples.size() < 2) return Map.of();
        long start = Math.max(startNanos, samples.getFirst().nanos);
        long end = Math.min(endNanos, samples.getLast().nanos);
        if (end <= start) return Map.of();
        var rates = new TreeMap<String, Double>();
        for (String name : samples.getFirst().counters.keySet()) {
            rates.put(name, (at(samples, end, name) - at(samples, start, name)) * 1e9 / (end - start));
        }
        return rates;
    }

    /** Interpolates between the looks before and after {@code nanos}. */
    private static double at(List<Sample> samples, long nanos, String name) {
        Sample before = samples.getFirst();
        for (Sample after : samples) {
            if (after.nanos >= nanos) {
                double from = before.counters.getOrDefault(name, 0.0);
                double share = after.nanos == before.nanos ? 0 : (double) (nanos - before.nanos) / (after.nanos - before.nanos);
                return from + share * (after.counters.getOrDefault(name, 0.0) - from);
            }
            before = after;
        }
        return before.counters.getOrDefault(name, 0.0);
    }
}
