package org.libtorque.sim;

/**
 * The connections of a workload, and what comes over them. Made from the scenario alone; the policy has no part in it.
 *
 * <p>Each connection is of a kind, which says what its requests cost. Open loop: requests of a connection are a Poisson process.
 * Closed loop: a client sends the next one a while after its answer.
 */
final class Traffic {
    /** What requests of one kind cost: {@code longNanos} in so many of a million, otherwise a fixed part and an exponential one. */
    record Kind(String name, boolean closed, int fixedNanos, int variableNanos, int longNanos, int longPerMillion) {
        double meanNanos() { return longPerMillion * 1e-6 * longNanos + (1 - longPerMillion * 1e-6) * (fixedNanos + variableNanos); }

        int draw(RandomStream random) {
            if (longPerMillion > 0 && random.nextInt(1_000_000) < longPerMillion) return longNanos;
            return (int) Math.min(Integer.MAX_VALUE, fixedNanos + (variableNanos == 0 ? 0 : (long) (variableNanos * random.nextExponential())));
        }
    }

    private static final int TYPICAL_NANOS = 10_000, LIGHT_NANOS = 5_000, HEAVY_NANOS = 200_000, LONG_NANOS = 1_000_000;
    private static final int HEAVY_PER_HART = 4, LIGHT_PER_HART = 28;
    private static final double LIGHT_PER_HART_AND_NANO = 5_000e-9;
    /** No connection may ask for more of a hart than this: a connection is served by one hart at a time, whatever the policy. */
    private static final double MAX_SHARE = 0.4;
    private static final double HOT = 2.5;

    final Kind[] kinds;
    /** For each connection its kind, its hart, and the mean time between two requests (closed loop: that the client thinks), 0 for none. */
    final byte[] kind;
    final int[] home;
    final double[] gapNanos;

    /** Harts are divided into so many groups, of which one is hot in each phase; 0 if there are no phases. */
    private int phaseGroups;
    private double hot = 1, cold = 1;
    private final int harts;
    static final long PHASE_NANOS = 10_000_000;

    /** Mean time between two bursts on the whole machine, 0 for none, and how many requests each connection of the hart gets. */
    double burstGapNanos;
    int burstRequests;

    /** Every so many harts one is taken away now and then, beginning with this one; 0 for none. */
    int lossEvery, lossFrom;
    long lossNanos = 4_000_000, lossPeriodNanos = 20_000_000;

    Traffic(Scenario scenario) {
        harts = scenario.hartCount();
        boolean closed = scenario.closed();
        Kind typical = scenario.workload() == Workload.SLOW ? new Kind("all", closed, LIGHT_NANOS / 2, LIGHT_NANOS / 2, LONG_NANOS, 10_000)
                : new Kind("all", closed, TYPICAL_NANOS / 2, TYPICAL_NANOS / 2, 0, 0);
        boolean heavy = scenario.workload() == Workload.FAT || scenario.workload() == Workload.LONE;
        if (heavy) {
            kinds = new Kind[] {new Kind("light", closed, LIGHT_NANOS, 0, 0, 0), new Kind("heavy", true, HEAVY_NANOS, 0, 0, 0)};
        } else {
            kinds = new Kind[] {typical};
        }
        int perHart = heavy ? HEAVY_PER_HART + LIGHT_PER_HART : scenario.connectionsPerHart();
        int count = scenario.workload() == Workload.LONE ? (1 + 2 * LIGHT_PER_HART) * ((harts + 1) / 2) : perHart * harts;
        kind = new byte[count];
        home = new int[count];
        gapNanos = new double[count];
        for (int i = 0; i < count; i++) home[i] = i % harts;
        double cost = typical.meanNanos() + scenario.costs().requestNanos() + scenario.costs().eventNanos();
        double even = cost * perHart / scenario.load();
        for (int i = 0; i < count; i++) gapNanos[i] = even;
        switch (scenario.workload()) {
            case BALANCED, SLOW -> { }
            case ZIPF -> zipf(scenario, cost);
            case FAT -> fat();
            case LONE -> lone();
            case BURSTS -> {
                burstRequests = 4;
                burstGapNanos = 2 * cost * burstRequests * perHart / scenario.load() / harts;
                for (int i = 0; i < count; i++) gapNanos[i] *= 2;
            }
            case PHASES -> {
                phaseGroups = Math.min(4, harts);
                hot = phaseGroups == 1 ? 1 : Math.min(HOT, 0.8 * phaseGroups);
                cold = phaseGroups == 1 ? 1 : (phaseGroups - hot) / (phaseGroups - 1);
            }
            case CPU_LOSS -> lossEvery = 8;
        }
        if (closed) {
            for (int i = 0; i < count; i++) { // the answer takes part of the time
                if (!kinds[kind[i]].closed || gapNanos[i] == 0) continue;
                gapNanos[i] = Math.max(0, gapNanos[i] - cost - scenario.costs().roundTripNanos());
            }
        }
    }

    /**
     * Makes traffic up: a few connections of one kind, often crowded on few harts, of any rate and cost, and perhaps with CPUs taken away.
     *
     * @param harts  how many harts there are
     * @param nanos  how long it lasts
     * @param random what it is made from
     */
    Traffic(int harts, long nanos, RandomStream random) {
        this.harts = harts;
        boolean closed = random.nextInt(3) == 0;
        double requests = logUniform(random, 20, 4_000);
        int mean = (int) (nanos / requests * harts * logUniform(random, 0.02, 0.6)); // costs vary by 3 in the mean: from idle to overloaded
        kinds = new Kind[] {new Kind("all", closed, mean / 2, mean / 2, 20 * mean, random.nextBoolean() ? 0 : 50_000)};
        int count = 1 + random.nextInt(4 * harts + 4);
        kind = new byte[count];
        home = new int[count];
        gapNanos = new double[count];
        int crowded = random.nextBoolean() ? 1 : 1 + random.nextInt(harts);
        for (int i = 0; i < count; i++) {
            home[i] = random.nextInt(crowded);
            gapNanos[i] = nanos / requests * count * logUniform(random, 0.1, 10);
        }
        if (random.nextInt(3) == 0) {
            lossEvery = 1 + random.nextInt(harts);
            lossPeriodNanos = (long) logUniform(random, 100_000, 10_000_000);
            lossNanos = 1 + random.nextLong(lossPeriodNanos - 1);
        }
    }

    /** Returns a number whose logarithm is uniform. */
    static double logUniform(RandomStream random, double low, double high) { return low * StrictMath.pow(high / low, random.nextDouble()); }

    /** Rates by rank, cut off at {@link #MAX_SHARE} of a hart; the rest is shared out among the others in proportion. */
    private void zipf(Scenario scenario, double cost) {
        int count = home.length;
        var share = new double[count];
        double wanted = scenario.load() * harts;
        int capped = 0;
        double sum = 0;
        for (int rank = 0; rank < count; rank++) sum += 1.0 / (rank + 1);
        while (capped < count) {
            double unit = (wanted - capped * MAX_SHARE) / sum;
            if (unit / (capped + 1) <= MAX_SHARE) {
                for (int rank = 0; rank < count; rank++) share[rank] = rank < capped ? MAX_SHARE : unit / (rank + 1);
                break;
            }
            sum -= 1.0 / (capped + 1);
            share[capped++] = MAX_SHARE;
        }
        var random = new RandomStream(RandomStream.state(scenario.seed(), -1));
        for (int i = count - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            double other = share[j];
            share[j] = share[i];
            share[i] = other;
        }
        for (int i = 0; i < count; i++) gapNanos[i] = cost / share[i];
    }

    /** The first {@code LIGHT_PER_HART * harts} connections are light, one on each hart in turn; the others heavy, on every second hart. */
    private void fat() {
        int light = LIGHT_PER_HART * harts;
        for (int i = 0; i < home.length; i++) {
            boolean isLight = i < light;
            kind[i] = (byte) (isLight ? 0 : 1);
            gapNanos[i] = isLight ? LIGHT_PER_HART / LIGHT_PER_HART_AND_NANO : 0;
            if (!isLight) home[i] = Math.min(harts - 1, (i - light) % ((harts + 1) / 2) * 2);
        }
    }

    /** On every second hart a heavy connection and the light ones of two harts; each of the others shares its CPU. */
    private void lone() {
        int crowded = (harts + 1) / 2;
        for (int i = 0; i < home.length; i++) {
            boolean isLight = i >= crowded;
            kind[i] = (byte) (isLight ? 0 : 1);
            gapNanos[i] = isLight ? LIGHT_PER_HART / LIGHT_PER_HART_AND_NANO : 0;
            home[i] = i % crowded * 2;
        }
        lossEvery = 2;
        lossFrom = 1;
        lossNanos = 30_000;
        lossPeriodNanos = 75_000;
    }

    /** Returns when a connection's next request comes after {@code time}: exponential gaps, begun anew at the end of a phase. */
    long nextArrival(int connection, long time, RandomStream random) {
        double mean = gapNanos[connection];
        if (phaseGroups == 0) return time + 1 + (long) (mean * random.nextExponential());
        int group = (int) ((long) home[connection] * phaseGroups / harts);
        for (;;) {
            long phase = time / PHASE_NANOS;
            double rate = phase % phaseGroups == group ? hot : cold;
            long next = time + 1 + (long) (mean / rate * random.nextExponential());
            long end = (phase + 1) * PHASE_NANOS;
            if (next < end) return next;
            time = end; // memoryless: what is left of the gap is exponential again
        }
    }
}
