package org.libtorque.bench;

import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.libtorque.hardware.CpuSet;
import org.libtorque.hardware.Topology;
import org.libtorque.hardware.Universe;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Look-ups in the scheduling universe of made-up machines: one look-up an operation, for harts drawn at random beforehand.
 * The time must not grow with the number of harts, and {@code -prof gc} must show no byte. The floor is reading the two
 * harts and adding them. {@link #distanceByWalking} is what {@link #distance} would cost by walking up the levels.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 3, jvmArgs = "--enable-native-access=ALL-UNNAMED")
public class UniverseBenchmark {
    /** A power of two; few enough that the questions themselves stay in the first-level cache. */
    private static final int QUESTIONS = 1024;

    /** How many harts the machine has: 2 levels, 4, 6 and 6. */
    @Param({"2", "64", "1024", "4096"})
    public int harts;

    private final int[] first = new int[QUESTIONS];
    private final int[] second = new int[QUESTIONS];
    private final int[] levels = new int[QUESTIONS];
    private Universe universe;
    private int next;

    /** Makes the machine up and draws the questions. */
    @Setup public void prepare() {
        universe = Topology.of(switch (harts) {
            case 2 -> "package:1 core:2 l3:package";
            case 64 -> "node:2 package:1 core:16 hart:2 l2:core l3:package";
            case 1024 -> "node:4 package:2 core:64 hart:2 l2:core l3:core*8 distance:10,20";
            case 4096 -> "node:16 package:2 core:64 hart:2 l2:core l3:core*8 distance:10,20";
            default -> throw new IllegalArgumentException("no machine of " + harts + " harts");
        }).universe();
        if (universe.harts().size() != harts) throw new IllegalStateException(universe.harts().size() + " harts");
        var random = new SplittableRandom(1);
        for (int i = 0; i < QUESTIONS; i++) {
            first[i] = random.nextInt(harts);
            second[i] = random.nextInt(harts);
            levels[i] = random.nextInt(universe.depth());
        }
    }

    private int question() { return next = next + 1 & QUESTIONS - 1; }

    /** What asking costs without an answer. */
    @Benchmark public int floor() {
        int q = question();
        return first[q] + second[q];
    }

    /** The level at which two harts meet. */
    @Benchmark public int distance() {
        int q = question();
        return universe.distance(first[q], second[q]);
    }

    /** The same found without paths, for comparison: walking up the levels until a group holds both. */
    @Benchmark public int distanceByWalking() {
        int q = question();
        int a = first[q], b = second[q], level = 0;
        while (!universe.neighbourhood(a, level).contains(b)) level++;
        return level;
    }

    /** The group of a hart at some level. */
    @Benchmark public CpuSet neighbourhood() {
        int q = question();
        return universe.neighbourhood(first[q], levels[q]);
    }

    /** The smallest neighbourhood of a hart with room for as many harts as are drawn: a step for each level. */
    @Benchmark public CpuSet huddleAround() {
        int q = question();
        return universe.huddleAround(first[q], second[q]);
    }

    /** The next hart in the order for work that shares nothing. */
    @Benchmark public int spreadHart() { return universe.spreadHart(first[question()]); }

    /** The next hart in the order for work that shares memory. */
    @Benchmark public int huddledHart() { return universe.huddledHart(first[question()]); }
}
