package org.libtorque.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.libtorque.apps.cli.LoadOptions;

final class ScaleReportTest {
    private static final Map<String, Double> HALF_KNOWN = Map.of("hash_hits", 500.0, "hash_misses", 500.0, "steals", 3.0, "migrations", 1.0);
    private static final ScaleReport REPORT = new ScaleReport(List.of("kweb-static", "kweb-migrate"), List.of(1, 2), List.of(
            one("kweb-static", 1, 1, 10_000), one("kweb-migrate", 1, 1, 10_000), one("kweb-static", 2, 1, 15_000), one("kweb-migrate", 2, 1, 16_000),
            one("kweb-static", 1, 2, 8_000), one("kweb-migrate", 1, 2, 9_000), one("kweb-static", 2, 2, 16_000), one("kweb-migrate", 2, 2, 15_300)));

    /** The generator uses 0.4 CPU, which it shares with a server of two; that uses all that is left. */
    private static ScaleMeasurement one(String peer, int cpus, int round, double perSecond) {
        boolean shared = cpus == 2;
        return new ScaleMeasurement(ScaleCase.HASH_MISS, peer, cpus, shared, round, new SkewMeasurement.Group((long) perSecond * 4, perSecond, 0, 0, 0, 100, 900, 2_000),
                new CpuUse(4, 4 * (shared ? 1.6 : 1), perSecond / 4, 0.4, 0.01), HALF_KNOWN);
    }

    @Test
    void speedUpsAreFormedWithinARound() {
        Statistics speedUp = REPORT.speedUp(ScaleCase.HASH_MISS, "kweb-static", 2);
        assertEquals(2, speedUp.count());
        assertEquals(1.5, speedUp.min(), 1e-9);
        assertEquals(2.0, speedUp.max(), 1e-9);
        assertEquals(16_000 / 15_000.0, REPORT.versus(ScaleCase.HASH_MISS, "kweb-migrate", 2, ScaleMeasurement::perSecond).max(), 1e-9);
    }

    @Test
    void whatTheGeneratorTakesFromTheServersCpusIsTakenOff() {
        assertEquals(1.6, one("x", 2, 1, 1).cpusLeft(), 1e-9);
        assertEquals(1, one("x", 1, 1, 1).cpusLeft(), 1e-9);
        assertEquals(160, one("x", 2, 1, 10_000).cpuMicros(), 1e-9);
        assertEquals(0.5, one("x", 1, 1, 1).hitShare(), 1e-9);
    }

    @Test
    void theTableHasARowForEachNumberOfCpus() {
        List<String> lines = REPORT.tables(ScaleCase.HASH_MISS).lines().toList();
        assertTrue(lines.getFirst().startsWith("### hash-miss: 64 connections"), lines.getFirst());
        assertEquals("| kweb-static | 1 | 9,000 | – | 1.00 | – | 113 | 100 | 900 | 50 % | 0.25 | 3.00 | 1.00 | 1.00 | 0.40 | 0.01 | 0 |", lines.get(4));
        assertEquals("| kweb-static | 2 | 15,500 | **1.75** (1.50–2.00) | 1.60 | 1.09 | 103 | 100 | 900 | 50 % | 0.25 | 3.00 | 1.00 | 1.60 | 0.40 | 0.01 | 0 |", lines.get(5));
        for (String line : lines.subList(2, 8)) assertEquals(columns(lines.get(2)), columns(line), line);
        assertTrue(lines.get(9).startsWith("| its figure ÷ that of kweb-static | requests/s on 1 | requests/s on 2 | CPU/request on 1"), lines.get(9));
        assertTrue(lines.get(11).startsWith("| kweb-migrate | **1.06** (1.00–1.13) | **1.01** (0.96–1.07) |"), lines.get(11));
        assertEquals(columns(lines.get(9)), columns(lines.get(11)));
    }

    @Test
    void saysWhenOthersDisturbedTheRun() {
        assertNull(REPORT.disturbance());
        var noisy = new ScaleMeasurement(ScaleCase.CIPHER, "x", 1, false, 1, new SkewMeasurement.Group(1, 1, 0, 0, 0, 1, 1, 1), new CpuUse(5, 1, 0, 0, 0.5), Map.of());
        assertTrue(new ScaleReport(List.of("x"), List.of(1), List.of(noisy)).disturbance().contains("1 of 1"));
    }

    @Test
    void cpusAreDoubledUntilThereAreNoMore() {
        assertEquals(List.of(1), ScaleBench.defaultCounts(1));
        assertEquals(List.of(1, 2), ScaleBench.defaultCounts(2));
        assertEquals(List.of(1, 2, 4, 6), ScaleBench.defaultCounts(6));
        assertEquals(List.of(1, 2, 4, 8, 16), ScaleBench.defaultCounts(16));
    }

    @ParameterizedTest
    @EnumSource(ScaleCase.class)
    void everyCaseIsAClosedLoopThatTheGeneratorUnderstands(ScaleCase load) {
        var group = LoadOptions.parse("http://127.0.0.1:1/plaintext", "--group", load.group()).groups().getFirst();
        assertEquals(ScaleCase.GROUP, group.name());
        assertEquals(load.connections, group.connections());
        assertEquals(load == ScaleCase.HASH_HIT ? 48 : load == ScaleCase.HASH_MISS ? 1_000_000_000 : 0, group.numbers());
        assertTrue(!group.isPaced() && load == ScaleCase.byId(load.id));
    }

    private static long columns(String row) { return row.chars().filter(c -> c == '|').count(); }
}
