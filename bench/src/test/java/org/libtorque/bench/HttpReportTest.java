package org.libtorque.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class HttpReportTest {
    private static final HttpReport REPORT = new HttpReport("kweb", List.of("kweb", "slow", "gone"),
            Map.of("gone", "not installed"), List.of(
                    measured(HttpCase.P1, "kweb", 1, 3.0), measured(HttpCase.P1, "slow", 1, 6.0),
                    measured(HttpCase.P1, "kweb", 2, 4.0), measured(HttpCase.P1, "slow", 2, 5.0),
                    measured(HttpCase.P1, "kweb", 3, 9.0), measured(HttpCase.P1, "slow", 3, 10.0),
                    measured(HttpCase.INDEX, "kweb", 1, 3.3)));

    /** 1,000,000 requests in 5 s. */
    private static Measurement measured(HttpCase load, String peer, int round, double cpuMicros) {
        return new Measurement(load, peer, round,
                new LoadResult(1_000_000, 0, 5, 100_000, 400, 1_234, Double.NaN, 5_000, -1, -1),
                new CpuUse(5, cpuMicros, 12.4, 0.7, 0.02), 2_048);
    }

    @Test
    void ratiosAreFormedWithinARound() {
        Statistics ratios = REPORT.ratios(HttpCase.P1, "kweb", HttpCase.P1, "slow", Measurement::cpuMicros);
        assertEquals(3, ratios.count());
        assertEquals(0.8, ratios.median(), 1e-9);
        assertEquals(0.5, ratios.min(), 1e-9);
        assertEquals(0.9, ratios.max(), 1e-9);
    }

    @Test
    void aTableHasARowPerServerAndTheReasonOfTheAbsentOne() {
        List<String> lines = REPORT.table(HttpCase.P1).lines().toList();
        assertEquals("### p1: 100 connections, 1 request outstanding on each", lines.getFirst());
        assertTrue(lines.get(4).startsWith("| kweb | 200,000 | 4.00 | – | 400 | 1,234 | – |"), lines.get(4));
        assertTrue(lines.get(5).startsWith("| slow | 200,000 | 6.00 | **0.80** (0.50–0.90) | 400 | 1,234 | 1.00 |"),
                lines.get(5));
        assertTrue(lines.get(6).startsWith("| gone | not installed |"), lines.get(6));
        for (String line : lines.subList(2, 7)) {
            assertEquals(columns(lines.get(2)), columns(line), line);
        }
    }

    private static long columns(String row) { return row.chars().filter(c -> c == '|').count(); }

    @Test
    void theIndexIsComparedWithTheServersOwnPlaintext() {
        String table = REPORT.table(HttpCase.INDEX);
        assertTrue(table.contains("**1.10** (1.10–1.10) |"), table);
        assertFalse(table.contains("| slow |"), table);
    }

    @Test
    void churnIsCountedPerConnection() {
        assertEquals(50, measured(HttpCase.CHURN, "kweb", 1, 5).cpuMicros(), 1e-9);
        var unsaid = new Measurement(HttpCase.CHURN, "kweb", 1,
                new LoadResult(1_000, 0, 5, -1, 1, 1, 1, 1, -1, -1), new CpuUse(5, 0.001, 0, 0, 0), 0);
        assertEquals(10, unsaid.cpuMicros(), 1e-9);
    }

    @Test
    void saysWhenOthersDisturbedTheRun() {
        assertNull(REPORT.disturbance());
        var noisy = new Measurement(HttpCase.P1, "kweb", 1, new LoadResult(1, 0, 5, 1, 1, 1, 1, 1, -1, -1),
                new CpuUse(5, 1, 0, 0, 0.5), 0);
        assertTrue(new HttpReport("kweb", List.of("kweb"), Map.of(), List.of(noisy)).disturbance().contains("1 of 1"));
    }

    @Test
    void numbersKeepThreeDigits() {
        assertEquals("0.0812", Markdown.significant(0.08123));
        assertEquals("0.252", Markdown.significant(0.2523));
        assertEquals("3.52", Markdown.significant(3.524));
        assertEquals("50.5", Markdown.significant(50.51));
        assertEquals("1,234", Markdown.significant(1234.4));
        assertEquals("0", Markdown.significant(0));
        assertEquals("–", Markdown.significant(Double.NaN));
    }

    @Test
    void everyRoundIsShown() {
        assertTrue(REPORT.rounds().contains("| p1 | kweb | 3.00 | 4.00 | 9.00 |"), REPORT.rounds());
        assertTrue(REPORT.rounds().contains("| index | kweb | 3.30 | – | – |"), REPORT.rounds());
    }
}
