package org.libtorque.bench.nas;

/** FT: a partial differential equation solved by three-dimensional fast Fourier transforms, one forward and one back for each of six steps in time. */
final class Ft extends Kernel {
    private static final double ALPHA = 1e-6;
    private static final int STEPS = 6;
    private static final long SEED = 314_159_265;
    /** Lines that are transformed together where they do not lie in a row, so that whole cache lines are used. */
    private static final int BLOCK = 8;

    private final int nx, ny, nz;
    private final double[][] expected;
    /** Complex numbers, real and imaginary parts alternating; x runs fastest, then y. */
    private final double[] u0, u1;
    private final double[] twiddle;
    private final double[] roots;
    private final double[][] checksums = new double[STEPS][2];

    Ft(Size size) {
        nx = switch (size) {
            case S -> 64;
            case W -> 128;
            case A -> 256;
        };
        ny = nx;
        nz = switch (size) {
            case S -> 64;
            case W -> 32;
            case A -> 128;
        };
        expected = switch (size) {
            case S -> new double[][] {{5.546087004964e+02, 4.845363331978e+02}, {5.546385409189e+02, 4.865304269511e+02}, {5.546148406171e+02, 4.883910722336e+02},
                {5.545423607415e+02, 4.901273169046e+02}, {5.544255039624e+02, 4.917475857993e+02}, {5.542683411902e+02, 4.932597244941e+02}};
            case W -> new double[][] {{5.673612178944e+02, 5.293246849175e+02}, {5.631436885271e+02, 5.282149986629e+02}, {5.594024089970e+02, 5.270996558037e+02},
                {5.560698047020e+02, 5.260027904925e+02}, {5.530898991250e+02, 5.249400845633e+02}, {5.504159734538e+02, 5.239212247086e+02}};
            case A -> new double[][] {{5.046735008193e+02, 5.114047905510e+02}, {5.059412319734e+02, 5.098809666433e+02}, {5.069376896287e+02, 5.098144042213e+02},
                {5.077892868474e+02, 5.101336130759e+02}, {5.085233095391e+02, 5.104914655194e+02}, {5.091487099959e+02, 5.107917842803e+02}};
        };
        int total = nx * ny * nz;
        u0 = new double[2 * total];
        u1 = new double[2 * total];
        twiddle = new double[total];
        int longest = Math.max(nx, Math.max(ny, nz));
        roots = new double[longest]; // cos, sin of half a circle in steps of 2 pi / longest
        for (int i = 0; i < longest / 2; i++) {
            roots[2 * i] = Math.cos(2 * Math.PI * i / longest);
            roots[2 * i + 1] = Math.sin(2 * Math.PI * i / longest);
        }
    }

    /** The benchmark takes the time of this too, after having done everything once. */
    @Override public void prepare(Workers workers) {
        set(workers);
        transform(workers, u1, 1);
    }

    @Override public void compute(Workers workers) {
        set(workers);
        transform(workers, u1, 1);
        workers.run(rank -> {
            int from = 2 * nx * ny * workers.from(rank, nz), end = 2 * nx * ny * workers.from(rank + 1, nz);
            System.arraycopy(u1, from, u0, from, end - from);
        });
        for (int step = 0; step < STEPS; step++) {
            evolve(workers);
            transform(workers, u1, -1);
            double re = 0, im = 0;
            for (int j = 1; j <= 1024; j++) {
                int at = 2 * (j % nx + nx * (3 * j % ny + ny * (5 * j % nz)));
                re += u1[at];
                im += u1[at + 1];
            }
            checksums[step][0] = re / twiddle.length;
            checksums[step][1] = im / twiddle.length;
        }
    }

    @Override public String verify() {
        for (int step = 0; step < STEPS; step++) {
            double[] e = expected[step], c = checksums[step];
            double error = Math.hypot(c[0] - e[0], c[1] - e[1]) / Math.hypot(e[0], e[1]);
            if (!(error <= 1e-12)) return "checksum " + (step + 1) + " is " + c[0] + " " + c[1] + ", not " + e[0] + " " + e[1];
        }
        return null;
    }

    /** Random initial values, and the factors by which they evolve in a step. */
    private void set(Workers workers) {
        workers.run(rank -> {
            int from = workers.from(rank, nz), end = workers.from(rank + 1, nz);
            var random = NasRandom.after(SEED, 2L * nx * ny * from);
            for (int i = 2 * nx * ny * from; i < 2 * nx * ny * end; i++) u1[i] = random.next();
            for (int k = from; k < end; k++) {
                int kk = centred(k, nz);
                for (int j = 0; j < ny; j++) {
                    int jj = centred(j, ny);
                    for (int i = 0; i < nx; i++) {
                        int ii = centred(i, nx);
                        twiddle[i + nx * (j + ny * k)] = Math.exp(-4 * ALPHA * Math.PI * Math.PI * (ii * ii + jj * jj + kk * kk));
                    }
                }
            }
        });
    }

    private static int centred(int i, int n) { return (i + n / 2) % n - n / 2; }

    private void evolve(Workers workers) {
        workers.run(rank -> {
            for (int i = nx * ny * workers.from(rank, nz), end = nx * ny * workers.from(rank + 1, nz); i < end; i++) {
                u1[2 * i] = u0[2 * i] *= twiddle[i];
                u1[2 * i + 1] = u0[2 * i + 1] *= twiddle[i];
            }
        });
    }

    private void transform(Workers workers, double[] u, int sign) {
        workers.run(rank -> {
            double[] a = new double[2 * BLOCK * Math.max(nx, ny)], b = new double[a.length];
            for (int k = workers.from(rank, nz); k < workers.from(rank + 1, nz); k++) {
                for (int j = 0; j < ny; j += BLOCK) lines(u, nx * (j + ny * k), 1, nx, nx, sign, a, b);
                for (int i = 0; i < nx; i += BLOCK) lines(u, i + nx * ny * k, nx, 1, ny, sign, a, b);
            }
        });
        workers.run(rank -> {
            double[] a = new double[2 * BLOCK * nz], b = new double[a.length];
            for (int j = workers.from(rank, ny); j < workers.from(rank + 1, ny); j++) {
                for (int i = 0; i < nx; i += BLOCK) lines(u, i + nx * j, nx * ny, 1, nz, sign, a, b);
            }
        });
    }

    /**
     * Transforms {@value #BLOCK} lines in place.
     *
     * @param start  where the first number of the first line is
     * @param stride from one number of a line to the next
     * @param apart  from one line to the next
     * @param n      numbers in a line
     * @param a      scratch: the lines beside each other, that is, number by number
     */
    private void lines(double[] u, int start, int stride, int apart, int n, int sign, double[] a, double[] b) {
        for (int i = 0; i < n; i++) {
            for (int l = 0; l < BLOCK; l++) {
                int at = 2 * (start + i * stride + l * apart);
                a[2 * (i * BLOCK + l)] = u[at];
                a[2 * (i * BLOCK + l) + 1] = u[at + 1];
            }
        }
        double[] from = a, to = b;
        for (int half = n / 2, groups = 1; half >= 1; half /= 2, groups *= 2) {
            pass(from, to, half, groups, sign);
            double[] other = from;
            from = to;
            to = other;
        }
        for (int i = 0; i < n; i++) {
            for (int l = 0; l < BLOCK; l++) {
                int at = 2 * (start + i * stride + l * apart);
                u[at] = from[2 * (i * BLOCK + l)];
                u[at + 1] = from[2 * (i * BLOCK + l) + 1];
            }
        }
    }

    /** One pass of Stockham's algorithm, which sorts on the way: butterflies of {@code half} pairs in each of so many groups. */
    private void pass(double[] from, double[] to, int half, int groups, int sign) {
        int step = roots.length / 2 / half;
        for (int p = 0; p < half; p++) {
            double c = roots[2 * p * step], s = sign * roots[2 * p * step + 1];
            for (int q = 0; q < groups * BLOCK; q++) {
                int i = 2 * (p * groups * BLOCK + q), j = i + 2 * half * groups * BLOCK, o = 2 * (2 * p * groups * BLOCK + q);
                double re = from[i] - from[j], im = from[i + 1] - from[j + 1];
                to[o] = from[i] + from[j];
                to[o + 1] = from[i + 1] + from[j + 1];
                to[o + 2 * groups * BLOCK] = c * re - s * im;
                to[o + 2 * groups * BLOCK + 1] = c * im + s * re;
            }
        }
    }
}
