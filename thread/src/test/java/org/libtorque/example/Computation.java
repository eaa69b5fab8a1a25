package org.libtorque.example;

/** Code that knows nothing of uthreads, in all the shapes that loops have. Tests weave it. */
public final class Computation {
    private static final int[] TABLE = new int[100];

    static {
        for (int i = 0; i < TABLE.length; i++) TABLE[i] = i * i; // not woven: a class initialiser
    }

    private int limit;

    public Computation(int limit) {
        for (int i = 0; i < 3; i++) this.limit += limit;
    }

    /** Nothing to weave. */
    public static int leaf(int a, int b) { return a > b ? a - b : b - a; }

    public long loops(int n) {
        long sum = limit;
        for (int i = 0; i < n; i++) sum += TABLE[i % TABLE.length];
        int i = 0;
        while (true) {
            if (++i > n) break;
            if (i % 3 == 0) continue;
            sum ^= i;
        }
        do {
            sum += switch (i % 3) {
                case 0 -> 1;
                case 1 -> leaf(i, 7);
                default -> -1;
            };
        } while (--i > 0);
        outer:
        for (int a = 0; a < n; a++) {
            for (int b = 0; b < n; b++) {
                if (a * b > 50) continue outer;
                try {
                    if (b == 3) throw new IllegalStateException();
                    sum++;
                } catch (IllegalStateException e) {
                    sum += 2;
                } finally {
                    sum -= 1;
                }
            }
        }
        for (String word : new String[] {"a", "bc"}) sum += word.length();
        return sum;
    }

    public static int recurse(int n) { return n < 2 ? n : recurse(n - 1) + recurse(n - 2); }

    public static double mixed(double x, long[] data) {
        double result = x;
        for (int i = data.length - 1; i >= 0; i--) result += Math.sqrt(data[i] + x * (i & 1));
        Runnable r = () -> {
            for (int i = 0; i < data.length; i++) data[i]++;
        };
        r.run();
        return result + data[0];
    }

    /** Never ends by itself. */
    public static void spin(boolean[] stop) {
        int n = 0;
        while (!stop[0]) n = n * 31 + 7;
        stop[0] = n != 42 || stop[0];
    }
}
