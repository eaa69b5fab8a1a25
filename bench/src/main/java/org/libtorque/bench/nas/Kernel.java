package org.libtorque.bench.nas;

import java.util.List;
import java.util.function.Function;

/** One of the NAS kernels in one class of sizes. An object serves one run: {@link #prepare}, {@link #compute}, {@link #verify}. */
public abstract class Kernel {
    /** Longs or doubles from one rank's slot to the next, so that they do not share cache lines. */
    static final int STRIDE = 16;

    /** Sizes that have official verification values here. */
    public enum Size { S, W, A }

    /** A kernel's name, and how to make it. */
    public record Kind(String name, Function<Size, Kernel> make) {}

    /** All kernels. */
    public static final List<Kind> ALL = List.of(new Kind("EP", Ep::new), new Kind("CG", Cg::new), new Kind("IS", Is::new), new Kind("MG", Mg::new), new Kind("FT", Ft::new));

    Kernel() {}

    /** Makes what the kernel works on, and does what the benchmark has done once before time counts. */
    public abstract void prepare(Workers workers);

    /** What the benchmark takes the time of. */
    public abstract void compute(Workers workers);

    /**
     * Compares the result with the official values.
     *
     * @return null if it is right, else what is wrong
     */
    public abstract String verify();

    static double sum(double[] slots, int ranks) {
        double sum = 0;
        for (int rank = 0; rank < ranks; rank++) sum += slots[rank * STRIDE];
        return sum;
    }

    static String compare(String what, double value, double expected, double tolerance) {
        double error = Math.abs((value - expected) / expected);
        return error <= tolerance ? null : what + " is " + value + ", not " + expected;
    }

    static String first(String... complaints) {
        for (String c : complaints) if (c != null) return c;
        return null;
    }
}
