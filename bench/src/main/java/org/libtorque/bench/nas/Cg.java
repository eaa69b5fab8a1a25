package org.libtorque.bench.nas;

import java.util.Arrays;

/** CG: the smallest eigenvalue of a large sparse matrix by inverse iteration, with 25 steps of conjugate gradients in each. */
final class Cg extends Kernel {
    private static final int STEPS = 25;
    private static final double RCOND = 0.1;
    private static final long SEED = 314_159_265;

    private final int n, nonzeros, iterations = 15;
    private final double shift, expected;
    private int[] rowStart, columns;
    private double[] values;
    private final double[] x, z, p, q, r;
    /** Partial sums of ranks; three in turn, so that one can be filled while another is still read. */
    private double[] sums, sums2;
    private double zeta;

    Cg(Size size) {
        n = switch (size) {
            case S -> 1_400;
            case W -> 7_000;
            case A -> 14_000;
        };
        nonzeros = switch (size) {
            case S -> 7;
            case W -> 8;
            case A -> 11;
        };
        shift = switch (size) {
            case S -> 10;
            case W -> 12;
            case A -> 20;
        };
        expected = switch (size) {
            case S -> 8.5971775078648;
            case W -> 10.362595087124;
            case A -> 17.130235054029;
        };
        x = new double[n];
        z = new double[n];
        p = new double[n];
        q = new double[n];
        r = new double[n];
    }

    @Override public void prepare(Workers workers) {
        sums = new double[workers.size * STRIDE];
        sums2 = new double[workers.size * STRIDE];
        makeMatrix();
        Arrays.fill(x, 1);
        iterate(workers);
        Arrays.fill(x, 1);
        zeta = 0;
    }

    @Override public void compute(Workers workers) {
        for (int i = 0; i < iterations; i++) iterate(workers);
    }

    private void iterate(Workers workers) {
        conjugateGradients(workers);
        workers.run(rank -> {
            double xz = 0, zz = 0;
            for (int j = workers.from(rank, n), end = workers.from(rank + 1, n); j < end; j++) {
                xz += x[j] * z[j];
                zz += z[j] * z[j];
            }
            sums[rank * STRIDE] = xz;
            sums2[rank * STRIDE] = zz;
        });
        zeta = shift + 1 / sum(sums, workers.size);
        double scale = 1 / Math.sqrt(sum(sums2, workers.size));
        workers.run(rank -> {
            for (int j = workers.from(rank, n), end = workers.from(rank + 1, n); j < end; j++) x[j] = scale * z[j];
        });
    }

    private void conjugateGradients(Workers workers) {
        workers.run(rank -> {
            double s = 0;
            for (int j = workers.from(rank, n), end = workers.from(rank + 1, n); j < end; j++) {
                z[j] = 0;
                r[j] = p[j] = x[j];
                s += x[j] * x[j];
            }
            sums[rank * STRIDE] = s;
        });
        double rho = sum(sums, workers.size);
        for (int step = 0; step < STEPS; step++) {
            workers.run(rank -> sums[rank * STRIDE] = multiply(p, q, workers.from(rank, n), workers.from(rank + 1, n)));
            double alpha = rho / sum(sums, workers.size);
            workers.run(rank -> {
                double s = 0;
                for (int j = workers.from(rank, n), end = workers.from(rank + 1, n); j < end; j++) {
                    z[j] += alpha * p[j];
                    double rj = r[j] - alpha * q[j];
                    r[j] = rj;
                    s += rj * rj;
                }
                sums2[rank * STRIDE] = s;
            });
            double before = rho;
            rho = sum(sums2, workers.size);
            double beta = rho / before;
            workers.run(rank -> {
                for (int j = workers.from(rank, n), end = workers.from(rank + 1, n); j < end; j++) p[j] = r[j] + beta * p[j];
            });
        }
        // The benchmark also takes the norm of the residual, and has it printed.
        workers.run(rank -> multiply(z, r, workers.from(rank, n), workers.from(rank + 1, n)));
    }

    /** Rows of {@code to} = A · {@code by}; returns their scalar product with {@code by}. */
    private double multiply(double[] by, double[] to, int from, int end) {
        int[] start = rowStart, column = columns;
        double[] value = values;
        double product = 0;
        for (int j = from; j < end; j++) {
            double s = 0;
            for (int k = start[j], last = start[j + 1]; k < last; k++) s += value[k] * by[column[k]];
            to[j] = s;
            product += by[j] * s;
        }
        return product;
    }

    @Override public String verify() { return compare("zeta", zeta, expected, 1e-10); }

    // ---------------------------------------------------------------------------------------------------------------- the matrix

    /** The sum of n outer products of sparse random vectors, weighted by a geometric sequence, and (rcond - shift) on the diagonal. */
    private void makeMatrix() {
        var random = new NasRandom(SEED);
        random.next();
        int[][] where = new int[n][];
        double[][] what = new double[n][];
        int powerOfTwo = Integer.highestOneBit(n - 1) << 1;
        int[] uses = new int[n + 1];
        for (int i = 0; i < n; i++) {
            sparseVector(random, powerOfTwo, i, where, what);
            for (int j : where[i]) uses[j + 1]++;
        }
        for (int j = 0; j < n; j++) uses[j + 1] += uses[j];
        int[] next = Arrays.copyOf(uses, n);
        int[] users = new int[uses[n]]; // for each row, the vectors that have something there, in their order
        for (int i = 0; i < n; i++) for (int j : where[i]) users[next[j]++] = i;
        double[] weights = new double[n];
        double ratio = Math.pow(RCOND, 1.0 / n);
        double weight = 1;
        for (int i = 0; i < n; i++, weight *= ratio) weights[i] = weight;

        rowStart = new int[n + 1];
        columns = new int[n * (nonzeros + 1)];
        values = new double[columns.length];
        double[] row = new double[n];
        boolean[] used = new boolean[n];
        int[] touched = new int[n];
        int count = 0;
        for (int j = 0; j < n; j++) {
            int width = 0;
            for (int u = uses[j]; u < uses[j + 1]; u++) {
                int i = users[u];
                double scale = weights[i] * what[i][indexOf(where[i], j)];
                for (int k = 0; k < where[i].length; k++) {
                    int column = where[i][k];
                    double v = what[i][k] * scale;
                    if (column == j && j == i) v += RCOND - shift;
                    if (!used[column]) {
                        used[column] = true;
                        touched[width++] = column;
                    }
                    row[column] += v;
                }
            }
            Arrays.sort(touched, 0, width);
            if (count + width > columns.length) {
                columns = Arrays.copyOf(columns, 2 * (count + width));
                values = Arrays.copyOf(values, columns.length);
            }
            for (int t = 0; t < width; t++) {
                int column = touched[t];
                columns[count] = column;
                values[count++] = row[column];
                row[column] = 0;
                used[column] = false;
            }
            rowStart[j + 1] = count;
        }
    }

    /** A vector of random numbers at random places, and 0.5 at place {@code i}. */
    private void sparseVector(NasRandom random, int powerOfTwo, int i, int[][] where, double[][] what) {
        int[] places = new int[nonzeros + 1];
        double[] numbers = new double[nonzeros + 1];
        int count = 0;
        while (count < nonzeros) {
            double number = random.next();
            int place = (int) (powerOfTwo * random.next());
            if (place >= n || indexOf(Arrays.copyOf(places, count), place) >= 0) continue;
            places[count] = place;
            numbers[count++] = number;
        }
        int at = indexOf(Arrays.copyOf(places, count), i);
        if (at < 0) {
            at = count++;
            places[at] = i;
        }
        numbers[at] = 0.5;
        where[i] = Arrays.copyOf(places, count);
        what[i] = Arrays.copyOf(numbers, count);
    }

    private static int indexOf(int[] in, int what) {
        for (int i = 0; i < in.length; i++) if (in[i] == what) return i;
        return -1;
    }
}
