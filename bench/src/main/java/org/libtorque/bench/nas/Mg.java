package org.libtorque.bench.nas;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** MG: four V-cycles of a multigrid solver for the Poisson equation on a periodic cube. */
final class Mg extends Kernel {
    private static final double[] A = {-8.0 / 3, 0, 1.0 / 6, 1.0 / 12}, C = {-3.0 / 8, 1.0 / 32, -1.0 / 64};
    private static final int ITERATIONS = 4;
    private static final int CHARGES = 10;
    private static final long SEED = 314_159_265;

    /** A cube of n³ cells with a shell of cells that repeat those of the other side. */
    private static final class Grid {
        final int n, m;
        final double[] cells;

        Grid(int n) {
            this.n = n;
            m = n + 2;
            cells = new double[m * m * m];
        }

        int at(int i3, int i2) { return (i3 * m + i2) * m; }
    }

    private final int levels;
    private final double expected;
    /** By level, from 1: the solution and the residual. */
    private final Grid[] u, r;
    private final Grid v;
    private double norm;

    Mg(Size size) {
        levels = switch (size) {
            case S -> 5;
            case W -> 7;
            case A -> 8;
        };
        expected = switch (size) {
            case S -> 0.5307707005734e-04;
            case W -> 0.6467329375339e-05;
            case A -> 0.2433365309069e-05;
        };
        u = new Grid[levels + 1];
        r = new Grid[levels + 1];
        for (int k = 1; k <= levels; k++) {
            u[k] = new Grid(1 << k);
            r[k] = new Grid(1 << k);
        }
        v = new Grid(1 << levels);
    }

    @Override public void prepare(Workers workers) {
        charge(workers);
        zero(workers, u[levels]);
        residual(workers, u[levels], v, r[levels]);
        cycle(workers);
        residual(workers, u[levels], v, r[levels]);
        zero(workers, u[levels]);
    }

    @Override public void compute(Workers workers) {
        residual(workers, u[levels], v, r[levels]);
        for (int i = 0; i < ITERATIONS; i++) {
            cycle(workers);
            residual(workers, u[levels], v, r[levels]);
        }
        norm = norm(workers, r[levels]);
    }

    @Override public String verify() { return compare("the norm of the residual", norm, expected, 1e-8); }

    private void cycle(Workers workers) {
        for (int k = levels; k > 1; k--) restrict(workers, r[k], r[k - 1]);
        zero(workers, u[1]);
        smooth(workers, r[1], u[1]);
        for (int k = 2; k < levels; k++) {
            zero(workers, u[k]);
            interpolate(workers, u[k - 1], u[k]);
            residual(workers, u[k], r[k], r[k]);
            smooth(workers, r[k], u[k]);
        }
        interpolate(workers, u[levels - 1], u[levels]);
        residual(workers, u[levels], v, r[levels]);
        smooth(workers, r[levels], u[levels]);
    }

    /** The ten largest random numbers become +1, the ten smallest -1, all others 0. */
    private void charge(Workers workers) {
        int n = v.n;
        record Cell(double value, int index) {}
        Comparator<Cell> order = Comparator.comparingDouble(Cell::value);
        List<List<Cell>> found = new ArrayList<>();
        for (int rank = 0; rank < workers.size; rank++) found.add(null);
        workers.run(rank -> {
            var low = new java.util.PriorityQueue<>(order.reversed());
            var high = new java.util.PriorityQueue<>(order);
            int from = workers.from(rank, n), end = workers.from(rank + 1, n);
            var random = NasRandom.after(SEED, (long) n * n * from);
            for (int i3 = from + 1; i3 <= end; i3++) {
                for (int i2 = 1; i2 <= n; i2++) {
                    int row = v.at(i3, i2);
                    for (int i1 = 1; i1 <= n; i1++) {
                        double x = random.next();
                        if (low.size() < CHARGES || x < low.peek().value) {
                            low.add(new Cell(x, row + i1));
                            if (low.size() > CHARGES) low.poll();
                        }
                        if (high.size() < CHARGES || x > high.peek().value) {
                            high.add(new Cell(x, row + i1));
                            if (high.size() > CHARGES) high.poll();
                        }
                    }
                }
            }
            var cells = new ArrayList<Cell>(low);
            cells.addAll(high);
            found.set(rank, cells);
        });
        zero(workers, v);
        List<Cell> sorted = found.stream().flatMap(List::stream).distinct().sorted(order).toList();
        for (int i = 0; i < CHARGES; i++) {
            v.cells[sorted.get(i).index] = -1;
            v.cells[sorted.get(sorted.size() - 1 - i).index] = 1;
        }
        wrap(workers, v);
    }

    private static void zero(Workers workers, Grid g) {
        workers.run(rank -> java.util.Arrays.fill(g.cells, g.at(workers.from(rank, g.m), 0), g.at(workers.from(rank + 1, g.m), 0), 0));
    }

    /** Repeats the outer cells in the shell of the other side. */
    private static void wrap(Workers workers, Grid g) {
        int n = g.n, m = g.m;
        double[] a = g.cells;
        workers.run(rank -> {
            for (int i3 = workers.from(rank, n) + 1; i3 <= workers.from(rank + 1, n); i3++) {
                for (int i2 = 1; i2 <= n; i2++) {
                    int row = g.at(i3, i2);
                    a[row] = a[row + n];
                    a[row + n + 1] = a[row + 1];
                }
                System.arraycopy(a, g.at(i3, n), a, g.at(i3, 0), m);
                System.arraycopy(a, g.at(i3, 1), a, g.at(i3, n + 1), m);
            }
        });
        workers.run(rank -> { // rows of the two outer planes
            for (int i2 = workers.from(rank, m); i2 < workers.from(rank + 1, m); i2++) {
                System.arraycopy(a, g.at(n, i2), a, g.at(0, i2), m);
                System.arraycopy(a, g.at(1, i2), a, g.at(n + 1, i2), m);
            }
        });
    }

    /** {@code res = rhs - A u}. */
    private static void residual(Workers workers, Grid ug, Grid rhs, Grid res) {
        int n = ug.n, m = ug.m;
        double[] a = ug.cells, b = rhs.cells, c = res.cells;
        workers.run(rank -> {
            double[] u1 = new double[m], u2 = new double[m];
            for (int i3 = workers.from(rank, n) + 1; i3 <= workers.from(rank + 1, n); i3++) {
                for (int i2 = 1; i2 <= n; i2++) {
                    neighbours(ug, i3, i2, u1, u2);
                    int row = ug.at(i3, i2);
                    for (int i1 = 1; i1 <= n; i1++) {
                        c[row + i1] = b[row + i1] - A[0] * a[row + i1] - A[2] * (u2[i1] + u1[i1 - 1] + u1[i1 + 1]) - A[3] * (u2[i1 - 1] + u2[i1 + 1]);
                    }
                }
            }
        });
        wrap(workers, res);
    }

    /** {@code u += C r}. */
    private static void smooth(Workers workers, Grid rg, Grid ug) {
        int n = ug.n, m = ug.m;
        double[] a = rg.cells, b = ug.cells;
        workers.run(rank -> {
            double[] r1 = new double[m], r2 = new double[m];
            for (int i3 = workers.from(rank, n) + 1; i3 <= workers.from(rank + 1, n); i3++) {
                for (int i2 = 1; i2 <= n; i2++) {
                    neighbours(rg, i3, i2, r1, r2);
                    int row = rg.at(i3, i2);
                    for (int i1 = 1; i1 <= n; i1++) {
                        b[row + i1] += C[0] * a[row + i1] + C[1] * (a[row + i1 - 1] + a[row + i1 + 1] + r1[i1]) + C[2] * (r2[i1] + r1[i1 - 1] + r1[i1 + 1]);
                    }
                }
            }
        });
        wrap(workers, ug);
    }

    /** For each cell of a row the sum of the four that share a face with it in other rows, and of the four that share an edge. */
    private static void neighbours(Grid g, int i3, int i2, double[] faces, double[] edges) {
        double[] a = g.cells;
        int south = g.at(i3, i2 - 1), north = g.at(i3, i2 + 1), below = g.at(i3 - 1, i2), above = g.at(i3 + 1, i2);
        int belowSouth = g.at(i3 - 1, i2 - 1), belowNorth = g.at(i3 - 1, i2 + 1), aboveSouth = g.at(i3 + 1, i2 - 1), aboveNorth = g.at(i3 + 1, i2 + 1);
        for (int i1 = 0; i1 < g.m; i1++) {
            faces[i1] = a[south + i1] + a[north + i1] + a[below + i1] + a[above + i1];
            edges[i1] = a[belowSouth + i1] + a[belowNorth + i1] + a[aboveSouth + i1] + a[aboveNorth + i1];
        }
    }

    /** From a fine grid to the next coarser one: weighted averages of 27 cells. */
    private static void restrict(Workers workers, Grid fine, Grid coarse) {
        int n = coarse.n;
        double[] a = fine.cells, b = coarse.cells;
        workers.run(rank -> {
            double[] faces = new double[fine.m], edges = new double[fine.m];
            for (int j3 = workers.from(rank, n) + 1; j3 <= workers.from(rank + 1, n); j3++) {
                for (int j2 = 1; j2 <= n; j2++) {
                    neighbours(fine, 2 * j3, 2 * j2, faces, edges);
                    int from = fine.at(2 * j3, 2 * j2), to = coarse.at(j3, j2);
                    for (int j1 = 1; j1 <= n; j1++) {
                        int i1 = 2 * j1;
                        b[to + j1] = 0.5 * a[from + i1] + 0.25 * (a[from + i1 - 1] + a[from + i1 + 1] + faces[i1])
                                + 0.125 * (faces[i1 - 1] + faces[i1 + 1] + edges[i1]) + 0.0625 * (edges[i1 - 1] + edges[i1 + 1]);
                    }
                }
            }
        });
        wrap(workers, coarse);
    }

    /** Adds a coarse grid to the next finer one, linearly in between. */
    private static void interpolate(Workers workers, Grid coarse, Grid fine) {
        int planes = coarse.m - 1, m = coarse.m;
        double[] z = coarse.cells, a = fine.cells;
        workers.run(rank -> {
            double[] z1 = new double[m], z2 = new double[m], z3 = new double[m];
            for (int i3 = workers.from(rank, planes); i3 < workers.from(rank + 1, planes); i3++) {
                for (int i2 = 0; i2 < m - 1; i2++) {
                    int here = coarse.at(i3, i2), north = coarse.at(i3, i2 + 1), above = coarse.at(i3 + 1, i2), both = coarse.at(i3 + 1, i2 + 1);
                    for (int i1 = 0; i1 < m; i1++) {
                        z1[i1] = z[north + i1] + z[here + i1];
                        z2[i1] = z[above + i1] + z[here + i1];
                        z3[i1] = z[both + i1] + z[above + i1] + z1[i1];
                    }
                    int t00 = fine.at(2 * i3, 2 * i2), t01 = fine.at(2 * i3, 2 * i2 + 1), t10 = fine.at(2 * i3 + 1, 2 * i2), t11 = fine.at(2 * i3 + 1, 2 * i2 + 1);
                    for (int i1 = 0; i1 < m - 1; i1++) {
                        int k = 2 * i1;
                        a[t00 + k] += z[here + i1];
                        a[t00 + k + 1] += 0.5 * (z[here + i1 + 1] + z[here + i1]);
                        a[t01 + k] += 0.5 * z1[i1];
                        a[t01 + k + 1] += 0.25 * (z1[i1] + z1[i1 + 1]);
                        a[t10 + k] += 0.5 * z2[i1];
                        a[t10 + k + 1] += 0.25 * (z2[i1] + z2[i1 + 1]);
                        a[t11 + k] += 0.25 * z3[i1];
                        a[t11 + k + 1] += 0.125 * (z3[i1] + z3[i1 + 1]);
                    }
                }
            }
        });
    }

    private static double norm(Workers workers, Grid g) {
        int n = g.n;
        double[] sums = new double[workers.size * STRIDE];
        workers.run(rank -> {
            double s = 0;
            for (int i3 = workers.from(rank, n) + 1; i3 <= workers.from(rank + 1, n); i3++) {
                for (int i2 = 1; i2 <= n; i2++) {
                    int row = g.at(i3, i2);
                    for (int i1 = 1; i1 <= n; i1++) s += g.cells[row + i1] * g.cells[row + i1];
                }
            }
            sums[rank * STRIDE] = s;
        });
        return Math.sqrt(sum(sums, workers.size) / ((double) n * n * n));
    }
}
