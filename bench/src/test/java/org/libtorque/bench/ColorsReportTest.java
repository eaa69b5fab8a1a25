package org.libtorque.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class ColorsReportTest {
    private static final ColorsReport REPORT = new ColorsReport(List.of("static", "shared-queue"), List.of("static", "steal", "shared-queue", "netty"), List.of(
            entry("static", 2, 1, 1_000, 1_000_000), entry("steal", 2, 1, 1_000, 900_000), entry("shared-queue", 2, 1, 1_000, 250_000),
            entry("static", 2, 2, 1_000, 2_000_000), entry("steal", 2, 2, 1_000, 2_200_000), entry("shared-queue", 2, 2, 1_000, 500_000),
            entry("static", 2, 3, 1_000, 1_000_000), entry("steal", 2, 3, 1_000, 1_000_000), entry("shared-queue", 2, 3, 1_000, 200_000),
            entry("static", 1, 1, 0, 5_000_000)));

    /** A window of half a second, both CPUs busy. */
    private static ColorsReport.Entry entry(String peer, int cpus, int round, double work, long perSecond) {
        return new ColorsReport.Entry(peer, cpus, round, new ChainMeasurement(work, 0.5, perSecond / 2, 0.9, 0.5 * cpus, 0.01,
                peer.equals("steal") ? Map.of("steals", 10L) : Map.of()));
    }

    @Test
    void aMeasurementIsTheDifferenceOfTwoLooks() {
        ChainMeasurement m = ChainMeasurement.between(1_000, 0.5, new long[] {10, 20, 30}, new long[] {110, 170, 80}, 0.0006, -0.01,
                Map.of("steals", 5L), Map.of("steals", 9L, "wakes", 2L));
        assertEquals(300, m.tasks());
        assertEquals(600, m.tasksPerSecond(), 1e-9);
        assertEquals(0.5, m.slowest(), 1e-9, "50 where the mean is 100");
        assertEquals(2_000, m.cpuNanos(), 1e-9);
        assertEquals(1_000, m.ownNanos(), 1e-9);
        assertEquals(600e-6, m.usefulCpu(), 1e-12);
        assertEquals(0.0012, m.busy(), 1e-12);
        assertEquals(0, m.othersBusy(), "a rounding of ticks is not less than nothing");
        assertEquals(8, m.rate("steals"), 1e-9);
        assertEquals(4, m.rate("wakes"), 1e-9);
        assertTrue(Double.isNaN(m.rate("moves")));
    }

    @Test
    void whereNothingRanNothingIsCostedAndAllStarve() {
        ChainMeasurement m = ChainMeasurement.between(0, 1, new long[] {3, 4}, new long[] {3, 4}, 0.5, 0, Map.of(), Map.of());
        assertEquals(0, m.tasks());
        assertEquals(0, m.slowest());
        assertTrue(Double.isNaN(m.cpuNanos()));
    }

    @Test
    void aLineOfFiguresIsReadAsItWasWritten() {
        var m = new ChainMeasurement(1_000, 0.5000123, 123_456_789_012L, 0.75, 0.9, 0.02, Map.of("steals", 7L, "turns", 1L));
        assertEquals(m, ChainMeasurement.ofLine(m.toLine()));
        var plain = new ChainMeasurement(0, 1, 5, 0, 1e-5, 0, Map.of());
        assertEquals(plain, ChainMeasurement.ofLine(plain.toLine() + "\n"));
        assertThrows(IllegalArgumentException.class, () -> ChainMeasurement.ofLine("WARNING: what is this"));
        assertThrows(IllegalArgumentException.class, () -> ChainMeasurement.ofLine("work_ns=1 seconds=2"));
        assertThrows(IllegalArgumentException.class, () -> ChainMeasurement.ofLine(""));
    }

    @Test
    void ratiosAreFormedWithinARound() {
        Statistics steal = REPORT.ratios("steal", "static", 2, 1_000);
        assertEquals(3, steal.count());
        assertEquals(1.0, steal.median(), 1e-9);
        assertEquals(0.9, steal.min(), 1e-9);
        assertEquals(1.1, steal.max(), 1e-9);
        assertEquals(0, REPORT.ratios("steal", "static", 1, 0).count());
    }

    @Test
    void aTableHasMediansAndRatios() {
        List<String> lines = REPORT.table(2, 1_000).lines().toList();
        assertEquals("### 1 µs on 2 CPUs", lines.getFirst());
        assertEquals("| static | 1,000,000 | – | **4.00** (4.00–5.00) | 2,000 | 1,000 | 2.00 | 1.00 | 0.90 | – | 0.02 |", lines.get(4));
        assertEquals("| steal | 1,000,000 | **1.00** (0.90–1.10) | **4.40** (3.60–5.00) | 2,000 | 1,000 | 2.00 | 1.00 | 0.90 | 20.0 | 0.02 |", lines.get(5));
        assertEquals("| shared-queue | 250,000 | **0.25** (0.20–0.25) | – | 8,000 | 7,000 | 2.00 | 0.25 | 0.90 | – | 0.02 |", lines.get(6));
        for (String line : lines.subList(2, 7)) assertEquals(columns(lines.get(2)), columns(line), line);
        assertFalse(REPORT.table(2, 1_000).contains("netty"), "nothing was measured of it");
    }

    @Test
    void whereCallbacksBurnNothingAllIsTheirOwn() {
        List<String> lines = REPORT.table(1, 0).lines().toList();
        assertEquals("### no work on 1 CPU", lines.getFirst());
        assertEquals("| static | 5,000,000 | – | – | 200 | 200 | 1.00 | – | 0.90 | – | 0.02 |", lines.get(4));
    }

    @Test
    void everyRoundIsShown() {
        assertTrue(REPORT.rounds().contains("| 1 µs, 2 | steal | 0.900 | 2.20 | 1.00 |"), REPORT.rounds());
        assertTrue(REPORT.rounds().contains("| no work, 1 | static | 5.00 | – | – |"), REPORT.rounds());
    }

    @Test
    void saysWhenOthersDisturbedTheRun() {
        assertNull(REPORT.disturbance());
        var noisy = new ColorsReport.Entry("static", 1, 1, new ChainMeasurement(0, 0.5, 1, 1, 0.5, 0.1, Map.of()));
        assertTrue(new ColorsReport(List.of(), List.of("static"), List.of(noisy)).disturbance().startsWith("in 1 of 1 measurements"));
    }

    private static long columns(String row) { return row.chars().filter(c -> c == '|').count(); }
}
