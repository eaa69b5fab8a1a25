package org.libtorque.bench.nas;

import java.util.Arrays;

/** IS, integer sort: ranks of keys that are nearly normal, ten times, by counting. */
final class Is extends Kernel {
    private static final int ITERATIONS = 10;
    private static final long SEED = 314_159_265;

    private final Size size;
    private final int keyCount, maxKey;
    private final int[] testIndex, testRank;
    private final int[] keys;
    /** For each rank, how many of its keys have which value. */
    private int[][] histograms;
    /** For each value, how many keys are at most that. */
    private final int[] upTo;
    private String complaint;

    Is(Size size) {
        this.size = size;
        keyCount = 1 << switch (size) {
            case S -> 16;
            case W -> 20;
            case A -> 23;
        };
        maxKey = 1 << switch (size) {
            case S -> 11;
            case W -> 16;
            case A -> 19;
        };
        testIndex = switch (size) {
            case S -> new int[] {48427, 17148, 23627, 62548, 4431};
            case W -> new int[] {357773, 934767, 875723, 898999, 404505};
            case A -> new int[] {2112377, 662041, 5336171, 3642833, 4250760};
        };
        testRank = switch (size) {
            case S -> new int[] {0, 18, 346, 64917, 65463};
            case W -> new int[] {1249, 11698, 1039987, 1043896, 1048018};
            case A -> new int[] {104, 17523, 123928, 8288932, 8388264};
        };
        keys = new int[keyCount];
        upTo = new int[maxKey];
    }

    @Override public void prepare(Workers workers) {
        histograms = new int[workers.size][];
        workers.run(rank -> {
            histograms[rank] = new int[maxKey];
            int from = workers.from(rank, keyCount);
            var random = NasRandom.after(SEED, 4L * from);
            int quarter = maxKey / 4;
            for (int i = from; i < workers.from(rank + 1, keyCount); i++) {
                double x = random.next();
                x += random.next();
                x += random.next();
                x += random.next();
                keys[i] = (int) (quarter * x);
            }
        });
        rank(workers, 1);
        complaint = null;
    }

    @Override public void compute(Workers workers) {
        for (int i = 1; i <= ITERATIONS; i++) rank(workers, i);
    }

    private void rank(Workers workers, int iteration) {
        keys[iteration] = iteration;
        keys[iteration + ITERATIONS] = maxKey - iteration;
        int[] tested = new int[testIndex.length];
        for (int i = 0; i < tested.length; i++) tested[i] = keys[testIndex[i]];
        int[] totals = new int[workers.size * STRIDE];
        workers.run(rank -> {
            int[] counts = histograms[rank];
            Arrays.fill(counts, 0);
            for (int i = workers.from(rank, keyCount), end = workers.from(rank + 1, keyCount); i < end; i++) counts[keys[i]]++;
        });
        workers.run(rank -> {
            int sum = 0;
            for (int k = workers.from(rank, maxKey), end = workers.from(rank + 1, maxKey); k < end; k++) {
                for (int[] counts : histograms) sum += counts[k];
                upTo[k] = sum;
            }
            totals[rank * STRIDE] = sum;
        });
        workers.run(rank -> {
            int before = 0;
            for (int r = 0; r < rank; r++) before += totals[r * STRIDE];
            if (before == 0) return;
            for (int k = workers.from(rank, maxKey), end = workers.from(rank + 1, maxKey); k < end; k++) upTo[k] += before;
        });
        for (int i = 0; i < tested.length; i++) {
            int key = tested[i];
            if (key <= 0 || key >= keyCount) continue;
            int expected = testRank[i] + offset(i, iteration);
            if (upTo[key - 1] != expected) complaint = "in iteration " + iteration + " the rank of test key " + i + " is " + upTo[key - 1] + ", not " + expected;
        }
    }

    /** How the rank of a test key moves, since each iteration changes two keys. */
    private int offset(int test, int iteration) {
        return switch (size) {
            case S -> test <= 2 ? iteration : -iteration;
            case W -> test < 2 ? iteration - 2 : -iteration;
            case A -> test <= 2 ? iteration - 1 : 1 - iteration;
        };
    }

    /** The full verification too: puts the keys where their ranks say and looks whether that is in order. */
    @Override public String verify() {
        if (complaint != null) return complaint;
        int[] next = upTo.clone();
        int[] sorted = new int[keyCount];
        for (int key : keys) sorted[--next[key]] = key;
        for (int i = 1; i < keyCount; i++) if (sorted[i - 1] > sorted[i]) return "keys " + (i - 1) + " and " + i + " are out of order";
        return null;
    }
}
