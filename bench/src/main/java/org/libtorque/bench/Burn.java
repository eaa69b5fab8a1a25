package org.libtorque.bench;

/**
 * Burns CPU time in amounts far below what a clock could measure: a chain of multiplications, each waiting for the one before, which touches no memory. The shift in
 * between keeps the compiler from shortening it: of a linear congruence alone, it makes one step of many.
 */
final class Burn {
    private static final int MULTIPLIER = 1_664_525, INCREMENT = 1_013_904_223, SHIFT = 15;
    private static final int WARM_UPS = 2_000, TRIALS = 2_000, TRIAL_STEPS = 4_000;

    /** Written so that the trials have a use. */
    @SuppressWarnings("unused") private static volatile int result;

    private Burn() {}

    /** Takes so many steps from {@code seed}; the result must be used for something. None cost nothing. */
    static int spin(int steps, int seed) {
        int x = seed;
        for (int i = 0; i < steps; i++) x = (x ^ x >>> SHIFT) * MULTIPLIER + INCREMENT;
        return x;
    }

    /** Returns how long a step takes when nobody disturbs: the best of many short trials, in nanoseconds. Takes some tens of milliseconds. */
    static double stepNanos() {
        int x = 1;
        for (int i = 0; i < WARM_UPS; i++) x = spin(TRIAL_STEPS, x);
        long best = Long.MAX_VALUE;
        for (int i = 0; i < TRIALS; i++) {
            long start = System.nanoTime();
            x = spin(TRIAL_STEPS, x);
            best = Math.min(best, System.nanoTime() - start);
        }
        result = x;
        return (double) best / TRIAL_STEPS;
    }
}
