package org.libtorque.bench.nas;

/** The generator of all NAS kernels: x(k+1) = a · x(k) mod 2^46. Its numbers are x · 2^-46, exact as doubles. */
final class NasRandom {
    static final long A = 1_220_703_125; // 5^13
    private static final long MASK = (1L << 46) - 1;
    private static final double SCALE = 1.0 / (1L << 46);

    private long x;

    NasRandom(long seed) { x = seed; }

    /** Returns the generator that has drawn so many numbers already. */
    static NasRandom after(long seed, long numbers) {
        var random = new NasRandom(seed);
        random.x = times(seed, power(numbers));
        return random;
    }

    double next() {
        x = times(x, A);
        return x * SCALE;
    }

    private static long times(long a, long b) { return a * b & MASK; } // 2^46 divides 2^64: what overflows does not matter

    private static long power(long exponent) {
        long result = 1;
        long square = A;
        for (long e = exponent; e != 0; e >>>= 1) {
            if ((e & 1) != 0) result = times(result, square);
            square = times(square, square);
        }
        return result;
    }
}
