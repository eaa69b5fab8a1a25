package org.libtorque.bench.loops;

import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** Loops that take about a tenth of a second each as they are. They know nothing of checkpoints; an agent weaves these in. */
public enum TightLoop {
    /** Adds up an array in the first-level cache: the compiler vectorises it. */
    SUM {
        @Override public long run() {
            int[] numbers = new int[4096];
            for (int i = 0; i < numbers.length; i++) numbers[i] = i;
            long sum = 0;
            for (int round = 0; round < 200_000; round++) {
                numbers[round % numbers.length]++;
                sum += sum(numbers);
            }
            return sum;
        }

        private static int sum(int[] numbers) {
            int sum = 0;
            for (int i = 0; i < numbers.length; i++) sum += numbers[i];
            return sum;
        }
    },
    /** Adds a multiple of one array to another: vectorised, and bound by memory bandwidth of the cache. */
    AXPY {
        @Override public long run() {
            double[] x = new double[1024];
            double[] y = new double[1024];
            for (int i = 0; i < x.length; i++) x[i] = i;
            for (int round = 0; round < 400_000; round++) axpy(1.0 / (round + 1), x, y);
            return Double.doubleToRawLongBits(y[y.length - 1]);
        }

        private static void axpy(double a, double[] x, double[] y) {
            for (int i = 0; i < x.length; i++) y[i] += a * x[i];
        }
    },
    /** Numbers each of which depends on the one before: nothing to vectorise or unroll. */
    CHAIN {
        @Override public long run() {
            long x = 1;
            for (long i = 0; i < 60_000_000; i++) {
                x ^= x << 13;
                x ^= x >>> 7;
                x ^= x << 17;
            }
            return x;
        }
    },
    /** Looks for a byte that is not there. */
    SEARCH {
        @Override public long run() {
            byte[] text = new byte[8192];
            long found = 0;
            for (int round = 0; round < 40_000; round++) {
                text[round % text.length] = 1;
                found += indexOf(text, (byte) 2);
            }
            return found;
        }

        private static int indexOf(byte[] text, byte wanted) {
            for (int i = 0; i < text.length; i++) if (text[i] == wanted) return i;
            return -1;
        }
    },
    /** Fibonacci numbers by their definition: nothing but calls. */
    CALLS {
        @Override public long run() { return fibonacci(36); }

        private static int fibonacci(int n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }
    };

    /** Runs it, and returns something that depends on all that it has computed; always the same. */
    public abstract long run();

    /** Returns its name as users write it. */
    public String id() { return name().toLowerCase(Locale.ROOT); }

    /** Returns the names of all. */
    public static List<String> ids() { return Stream.of(values()).map(TightLoop::id).toList(); }

    /** Returns the one of that name. */
    public static TightLoop byId(String id) { return valueOf(id.toUpperCase(Locale.ROOT)); }
}
