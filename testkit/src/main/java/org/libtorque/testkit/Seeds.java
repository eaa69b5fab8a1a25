package org.libtorque.testkit;

import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;

/**
 * Seeds for randomised tests: {@code @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")} on a
 * method that takes a {@code long}. The name of a failed invocation says how to repeat it.
 *
 * <p>There are {@code -Dtorque.seeds} of them (20 if not set), from {@code -Dtorque.seed} on (0 if not set), so that
 * a build repeats the last one. A long hunt sets both.
 */
public final class Seeds {
    private Seeds() {}

    /** Returns the seeds with their names, as arguments of a parameterized test. */
    public static Stream<Object[]> forEach() {
        return all().mapToObj(seed -> new Object[] {Named.of("-Dtorque.seed=" + seed, seed)});
    }

    /** Returns the seeds. */
    public static LongStream all() {
        long base = Long.getLong("torque.seed", 0);
        int count = Integer.getInteger("torque.seeds", 20);
        if (count < 1) throw new IllegalArgumentException("torque.seeds=" + count + ": must be at least 1");
        return LongStream.range(0, count).map(i -> base + i);
    }
}
