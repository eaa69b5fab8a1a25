package org.libtorque.bench.nas;

/** EP, embarrassingly parallel: pairs of Gaussian deviates by the polar method, counted by square annuli. */
final class Ep extends Kernel {
    private static final int BATCH_BITS = 16;
    private static final long SEED = 271_828_183;
    private static final int ANNULI = 10;

    private final int bits;
    private final double expectedX, expectedY;
    private double sumX, sumY;
    private final long[] counts = new long[ANNULI];

    Ep(Size size) {
        bits = switch (size) {
            case S -> 24;
            case W -> 25;
            case A -> 28;
        };
        expectedX = switch (size) {
            case S -> -3.247834652034740e+3;
            case W -> -2.863319731645753e+3;
            case A -> -4.295875165629892e+3;
        };
        expectedY = switch (size) {
            case S -> -6.958407078382297e+3;
            case W -> -6.320053679109499e+3;
            case A -> -1.580732573678431e+4;
        };
    }

    @Override public void prepare(Workers workers) { }

    @Override public void compute(Workers workers) {
        int batches = 1 << bits - BATCH_BITS;
        double[] x = new double[workers.size * STRIDE], y = new double[workers.size * STRIDE];
        long[][] q = new long[workers.size][];
        workers.run(rank -> {
            double sx = 0, sy = 0;
            long[] annuli = new long[ANNULI];
            for (int batch = workers.from(rank, batches); batch < workers.from(rank + 1, batches); batch++) {
                var random = NasRandom.after(SEED, (2L << BATCH_BITS) * batch);
                for (int i = 0; i < 1 << BATCH_BITS; i++) {
                    double u = 2 * random.next() - 1, v = 2 * random.next() - 1;
                    double t = u * u + v * v;
                    if (t > 1) continue;
                    double factor = Math.sqrt(-2 * Math.log(t) / t);
                    u *= factor;
                    v *= factor;
                    annuli[(int) Math.max(Math.abs(u), Math.abs(v))]++;
                    sx += u;
                    sy += v;
                }
            }
            x[rank * STRIDE] = sx;
            y[rank * STRIDE] = sy;
            q[rank] = annuli;
        });
        sumX = sum(x, workers.size);
        sumY = sum(y, workers.size);
        for (long[] annuli : q) {
            for (int i = 0; i < ANNULI; i++) counts[i] += annuli[i];
        }
    }

    @Override public String verify() { return first(compare("the sum of x", sumX, expectedX, 1e-8), compare("the sum of y", sumY, expectedY, 1e-8)); }
}
