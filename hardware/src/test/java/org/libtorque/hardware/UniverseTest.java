package org.libtorque.hardware;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.libtorque.testkit.AllocationProbe;

class UniverseTest {
    private static final String BIG = "node:2 package:2 core:4 hart:2 l2:core l3:core*2 distance:10,20";

    private static List<String> names(String spec) {
        return Topology.of(spec).universe().levels().stream().map(l -> String.join("=", l.names())).toList();
    }

    @Test void levelsRunFromHartsToTheMachineAndThoseThatCoincideAreOne() {
        assertEquals(List.of("hart", "core=L2", "L3", "package", "node", "nodes at 20=machine"), names(BIG));
        assertEquals(List.of("hart=core=package=node=machine"), names("core:1"));
    }

    @Test void groupsThatAreBuiltAlikeAreOneClass() {
        var levels = Topology.of("package:2 core:4,2 hart:2 l2:core").universe().levels();
        assertEquals(List.of(1, 1), levels.stream().filter(l -> l.names().contains("package")).findFirst().orElseThrow()
                .classes().stream().map(Universe.GroupClass::count).toList());
        assertEquals(List.of("L2 1M"), levels.get(1).classes().getFirst().hardware());
        assertEquals(6, levels.get(1).classes().getFirst().count());
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void distanceIsTheLowestLevelAtWhichGroupsMeet(long seed) {
        Topology t = Topology.of(randomSpec(new SplittableRandom(seed)));
        Universe u = t.universe();
        int[] harts = u.harts().toArray();
        for (int a : harts) {
            for (int b : harts) {
                int level = 0;
                while (!u.neighbourhood(a, level).contains(b)) level++;
                assertEquals(level, u.distance(a, b), () -> "between " + a + " and " + b + " of " + t);
            }
        }
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void levelsNestAndCoverEveryHartOnce(long seed) {
        Universe u = Topology.of(randomSpec(new SplittableRandom(seed))).universe();
        List<CpuSet> finer = u.levels().getFirst().groups();
        assertEquals(u.harts().size(), finer.size());
        for (Universe.Level level : u.levels()) {
            assertEquals(u.harts().size(), level.groups().stream().mapToInt(CpuSet::size).sum());
            assertEquals(u.harts(), level.groups().stream().reduce(CpuSet.of(), CpuSet::or));
            for (CpuSet group : finer) assertTrue(level.groups().stream().anyMatch(group::isSubsetOf));
            assertEquals(level.groups().size(), level.classes().stream().mapToInt(Universe.GroupClass::count).sum());
            finer = level.groups();
        }
        assertEquals(List.of(u.harts()), u.levels().getLast().groups());
    }

    private static String randomSpec(SplittableRandom random) {
        String[] caches = {"", " l2:core*2", " l3:package", " l2:core l3:core*3"};
        return "node:" + random.nextInt(1, 4) + " package:" + random.nextInt(1, 3) + " core:" + random.nextInt(1, 6) + ","
                + random.nextInt(1, 6) + " hart:" + random.nextInt(1, 4) + caches[random.nextInt(caches.length)]
                + (random.nextBoolean() ? " distance:10,20" : "") + (random.nextBoolean() ? " numbering:linux" : "");
    }

    @Test void spreadTakesNodesThenPackagesThenCoresAndSecondHartsLast() {
        Universe u = Topology.of("node:2 package:2 core:2 hart:2").universe();
        // nodes 0-7 and 8-15, packages of 4 CPUs, cores of 2
        assertArrayEquals(new int[] {0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15}, u.spread(u.harts()));
        assertArrayEquals(new int[] {0, 4, 1, 5}, u.spread(CpuSet.of(0, 1, 4, 5)));
    }

    @Test void huddleKeepsNeighboursTogether() {
        Universe u = Topology.of("node:2 core:2 hart:2 numbering:linux").universe();
        assertArrayEquals(new int[] {0, 4, 1, 5, 2, 6, 3, 7}, u.huddle(u.harts()));
        assertArrayEquals(new int[] {4, 2, 7}, u.huddle(CpuSet.of(2, 4, 7)));
        assertEquals(CpuSet.of(0, 4), u.huddleAround(0, 2));
        assertEquals(CpuSet.of(0, 1, 4, 5), u.huddleAround(4, 3));
    }

    @Test void ordersAreThoseOfTheHartsAskedForAndOfNoOthers() {
        Universe u = Topology.of("node:2 core:2 hart:2").universe();
        assertArrayEquals(new int[] {0, 4, 1}, u.spread(CpuSet.of(0, 1, 4, 99)));
        // as many numbers as there are harts, and yet not the harts
        assertArrayEquals(new int[] {0, 1, 2, 3, 4, 5, 6}, u.huddle(CpuSet.of(0, 1, 2, 3, 4, 5, 6, 99)));
        assertArrayEquals(new int[0], u.spread(CpuSet.of(8, 9)));
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void aPositionNamesTheHartThatTheWholeOrderHasThere(long seed) {
        Universe u = Topology.of(randomSpec(new SplittableRandom(seed))).universe();
        int[] spread = u.spread(u.harts()), huddled = u.huddle(u.harts());
        for (int i = 0; i < u.harts().size(); i++) {
            assertEquals(spread[i], u.spreadHart(i));
            assertEquals(huddled[i], u.huddledHart(i));
        }
    }

    @Test void nodesThatReachEachOtherAtOneCostAreALevel() {
        Topology t = Topology.of("node:4 core:2 distances:10,16,40,40;16,10,40,40;40,40,10,16;40,40,16,10");
        Universe u = t.universe();
        assertEquals(CpuSet.parseList("0-3"), u.neighbourhood(0, 2));
        assertEquals(List.of("hart=core", "node", "nodes at 16", "package=nodes at 40=machine"),
                u.levels().stream().map(l -> String.join("=", l.names())).toList());
    }

    @ParameterizedTest @ValueSource(strings = {"core:2", "node:2 core:16 hart:2", "node:8 package:2 core:32 hart:2 l3:core*8",
        "node:16 package:2 core:64 hart:2 l2:core l3:core*8 distance:10,20"})
    void lookUpsAllocateNothing(String spec) {
        Universe u = Topology.of(spec).universe();
        int[] harts = u.harts().toArray();
        var sum = new int[1];
        AllocationProbe.assertAllocatesNothing(2_000, 2_000, () -> {
            for (int i = 0; i < 64; i++) {
                int a = harts[i * 7 % harts.length], b = harts[(i * 31 + 5) % harts.length];
                sum[0] += u.distance(a, b) + u.neighbourhood(a, 0).nextSetBit(0) + u.huddleAround(b, i).size()
                        + u.spreadHart(i % harts.length) + u.huddledHart(i % harts.length);
            }
        });
        assertTrue(sum[0] >= 0);
    }

    @Test void fourThousandHartsAreLaidOutInASecond() {
        long took = Long.MAX_VALUE;
        for (int attempt = 0; attempt < 10 && took > 5_000_000_000L; attempt++) { // one that nobody disturbs
            long start = System.nanoTime();
            layOutFourThousandHarts();
            took = System.nanoTime() - start;
        }
        assertTrue(took <= 5_000_000_000L, "took " + took / 1_000_000 + " ms");
    }

    private static void layOutFourThousandHarts() {
        Universe u = Topology.of("node:16 package:2 core:64 hart:2 l2:core l3:core*8 distance:10,20").universe();
        assertEquals(4096, u.harts().size());
        assertEquals(u.levels().size() - 1, u.distance(0, 4095));
        assertEquals(4096, Arrays.stream(u.spread(u.harts())).distinct().count());
    }
}
