package org.libtorque.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

final class SkewReportTest {
    private static final SkewReport REPORT = new SkewReport(List.of("kweb-static", "netty-epoll-2"),
            List.of("kweb-static", "kweb-migrate", "netty-epoll-2", "gone"), Map.of("gone", "no | compiler"), List.of(
                    skewed("kweb-static", 1, 4_000, 3_600, 0, Map.of()),
                    skewed("kweb-migrate", 1, 6_000, 360, 0, Map.of("steals", 50.0, "migrations", 2.0)),
                    skewed("kweb-static", 2, 4_000, 3_000, 0, Map.of()),
                    skewed("kweb-migrate", 2, 5_000, 600, 3, Map.of("steals", 70.0, "migrations", 4.0)),
                    skewed("kweb-static", 3, 3_000, 4_000, 1, Map.of()),
                    skewed("kweb-migrate", 3, 6_000, 400, 0, Map.of("steals", 60.0, "migrations", 3.0)),
                    alike("kweb-static", 1, 0.5), alike("kweb-migrate", 1, 0.51)));

    /** Light connections get 10,000 answers a second. The server uses 1.5 CPUs and sleeps 1,000 times a second. */
    private static SkewMeasurement skewed(String peer, int round, double heavy, double lightP99, long unserved, Map<String, Double> rates) {
        return new SkewMeasurement(SkewCase.SKEW8, peer, round, new SkewMeasurement.Group((long) heavy * 5, heavy, 1, 0, 0, 1_500, 2_000, 2_500),
                new SkewMeasurement.Group(50_000, 10_000, 0, unserved, 5, 180, lightP99, 9_000), new CpuUse(5, 7.5, 1_000, 0.4, 0.02), rates);
    }

    private static SkewMeasurement alike(String peer, int round, double cpu) {
        return new SkewMeasurement(SkewCase.BALANCED, peer, round, null, new SkewMeasurement.Group(500_000, 100_000, 0, 0, 0, 600, 900, 1_000),
                new CpuUse(5, cpu * 5, 50_000, 0.9, 0), Map.of());
    }

    @Test
    void usefulCpuIsWhatTheRequestsAskedFor() {
        assertEquals(4_000 * 200e-6 + 10_000 * 5e-6, skewed("x", 1, 4_000, 1, 0, Map.of()).usefulCpu(), 1e-9);
        assertEquals(100_000 * 5e-6, alike("x", 1, 1).usefulCpu(), 1e-9);
        assertEquals(5, alike("x", 1, 0.5).cpuMicros(), 1e-9);
        assertEquals(0.5, alike("x", 1, 0.5).switchesPerRequest(), 1e-9);
        assertEquals(1_000 / 14_000.0, skewed("x", 1, 4_000, 1, 0, Map.of()).switchesPerRequest(), 1e-9);
    }

    @Test
    void ratiosAreFormedWithinARound() {
        Statistics heavy = REPORT.ratios(SkewCase.SKEW8, "kweb-migrate", "kweb-static", SkewMeasurement::heavyPerSecond);
        assertEquals(3, heavy.count());
        assertEquals(1.5, heavy.median(), 1e-9);
        assertEquals(1.25, heavy.min(), 1e-9);
        assertEquals(2, heavy.max(), 1e-9);
        assertEquals(0.1, REPORT.ratios(SkewCase.SKEW8, "kweb-migrate", "kweb-static", m -> m.light().p99Micros()).median(), 1e-9);
    }

    @Test
    void aSkewedCaseShowsBothSidesAndWhatTheServerCounts() {
        List<String> lines = REPORT.tables(SkewCase.SKEW8).lines().toList();
        assertEquals("### skew8: 8 heavy connections, all on one vcore, 200 µs each request, closed loop", lines.getFirst());
        assertEquals("| kweb-static | 4,000 | 10,000 | 180 | 3,600 | 9,000 | 1 | 0 | 0.85 | 0.07 | – | – | 1.50 | 0.40 | 0.02 | 3 |",
                lines.get(4));
        assertEquals("| kweb-migrate | 6,000 | 10,000 | 180 | 400 | 9,000 | 3 | 0 | 1.25 | 0.06 | 3.00 | 60.0 | 1.50 | 0.40 | 0.02 | 3 |",
                lines.get(5));
        assertTrue(lines.get(6).startsWith("| gone | no \\| compiler |"), lines.get(6));
        for (String line : lines.subList(2, 6)) assertEquals(columns(lines.get(2)), columns(line), line);
        assertEquals(columns(lines.get(2)), columns(lines.get(6)) - 1, "an escaped one is none");
        String ratios = lines.subList(8, lines.size()).toString();
        assertTrue(ratios.contains("| kweb-static: heavy/s | kweb-static: light p50 | kweb-static: light p99 |"), ratios);
        assertTrue(ratios.contains("| kweb-migrate | **1.50** (1.25–2.00) | **1.00** (1.00–1.00) | **0.100** (0.100–0.200) |"), ratios);
        assertFalse(ratios.contains("netty-epoll-2:"), "there is nothing to compare with: " + ratios);
    }

    @Test
    void lightRequestsAreComparedWithThoseOfTheSameServerWithoutHeavyOnes() {
        var floor = new SkewMeasurement(SkewCase.FLOOR, "kweb-migrate", 1, new SkewMeasurement.Group(30_000, 6_000, 0, 0, 0, 100, 200, 300),
                new SkewMeasurement.Group(50_000, 10_000, 0, 0, 0, 90, 240, 500), new CpuUse(5, 3, 1_000, 0.4, 0.02), Map.of());
        assertEquals(16_000 * 5e-6, floor.usefulCpu(), 1e-9);
        var report = new SkewReport(List.of("kweb-static"), REPORT.peers(), Map.of(),
                Stream.concat(REPORT.measurements().stream(), Stream.of(floor)).toList());
        String table = report.tables(SkewCase.SKEW8);
        assertTrue(table.contains("| its figure ÷ its own in `floor` | light p50 | light p99 |"), table);
        assertTrue(table.contains("| kweb-migrate | **2.00** (2.00–2.00) | **1.50** (1.50–1.50) |"), table);
        assertFalse(report.tables(SkewCase.FLOOR).contains("`floor`"), "not with itself");
        assertFalse(report.tables(SkewCase.BALANCED).contains("`floor`"), "nobody is light there");
        assertFalse(REPORT.tables(SkewCase.SKEW8).contains("`floor`"), "it was not measured");
    }

    @Test
    void whereAllAreAlikeARequestsCostShows() {
        String table = REPORT.tables(SkewCase.BALANCED);
        assertTrue(table.contains("| kweb-static | 100,000 | 5.00 | 600 | 900 | 1,000 | 0 | 0.50 |"), table);
        assertTrue(table.contains("| kweb-migrate | **1.00** (1.00–1.00) | **1.02** (1.02–1.02) |"), table);
        assertFalse(table.contains("heavy"), table);
    }

    @Test
    void everyRoundIsShown() {
        assertTrue(REPORT.rounds().contains("| skew8 | kweb-migrate | 6,000 · 360 | 5,000 · 600 | 6,000 · 400 |"), REPORT.rounds());
        assertTrue(REPORT.rounds().contains("| balanced | kweb-static | 100,000 · 5.00 | – | – |"), REPORT.rounds());
    }

    @Test
    void saysWhenOthersDisturbedTheRun() {
        assertNull(REPORT.disturbance());
        var noisy = new SkewMeasurement(SkewCase.P1, "x", 1, null, new SkewMeasurement.Group(1, 1, 0, 0, 0, 1, 1, 1),
                new CpuUse(5, 1, 0, 0, 0.5), Map.of());
        assertTrue(new SkewReport(List.of(), List.of("x"), Map.of(), List.of(noisy)).disturbance().contains("1 of 1"));
    }

    private static long columns(String row) { return row.chars().filter(c -> c == '|').count(); }
}
