package org.libtorque.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.libtorque.bench.NasReport.Turn;

final class NasReportTest {
    private static Turn turn(String workload, String peer, int round, int turn, Double... millis) {
        return new Turn(workload, peer, round, turn, List.of(millis).stream().map(ms -> ms / 1e3).toList());
    }

    @Test
    void ratiosAreFormedWithinTurnsSoThatASlowSpellOfTheMachineMeetsBoth() {
        // Twice as slow from turn 2 on, and a peer that always takes 1.1 as long as the other.
        var report = new NasReport(List.of("ours", "theirs"), List.of(
                turn("IS.S", "ours", 1, 1, 11.0), turn("IS.S", "ours", 1, 2, 22.0), turn("IS.S", "ours", 1, 3, 22.0),
                turn("IS.S", "theirs", 1, 1, 10.0), turn("IS.S", "theirs", 1, 2, 20.0), turn("IS.S", "theirs", 1, 3, 20.0)));
        assertEquals("""
                | median, ms | ours | theirs | ours ÷ best other |
                | :-- | --: | --: | --: |
                | IS.S | 22.000 | 20.000 | **1.10** (1.10–1.10) |
                """, report.medians());
    }

    @Test
    void theBestOtherIsThatOfEachRound() {
        var report = new NasReport(List.of("ours", "a", "b"), List.of(
                turn("MG.W", "ours", 1, 1, 6.0), turn("MG.W", "a", 1, 1, 4.0), turn("MG.W", "b", 1, 1, 5.0),
                turn("MG.W", "ours", 2, 1, 6.0), turn("MG.W", "a", 2, 1, 8.0), turn("MG.W", "b", 2, 1, 5.0)));
        assertEquals("""
                | median, ms | ours | a | b | ours ÷ best other |
                | :-- | --: | --: | --: | --: |
                | MG.W | 6.000 | 6.000 | 5.000 | **1.35** (1.20–1.50) |
                """, report.medians());
    }

    @Test
    void mediansDoNotHideWhatTheFastestComputationsDo() {
        var turns = List.of(turn("IS.S", "ours", 1, 1, 0.2, 1.4, 1.6), turn("IS.S", "theirs", 1, 1, 0.3, 0.25, 0.7),
                turn("CG.S", "ours", 1, 1, 8.0), turn("CG.S", "theirs", 1, 1, 16.0));
        var report = new NasReport(List.of("ours", "theirs"), turns);
        assertEquals("""
                | median, ms | ours | theirs | ours ÷ best other |
                | :-- | --: | --: | --: |
                | IS.S | 1.400 | 0.300 | **4.67** (4.67–4.67) |
                | CG.S | 8.000 | 16.000 | **0.50** (0.50–0.50) |
                """, report.medians());
        assertEquals("""
                | best, ms | ours | theirs | ours ÷ best other |
                | :-- | --: | --: | --: |
                | IS.S | 0.200 | 0.250 | **0.80** (0.80–0.80) |
                | CG.S | 8.000 | 16.000 | **0.50** (0.50–0.50) |
                """, report.bests());
    }

    @Test
    void onePeerAloneIsComparedWithNobody() {
        assertEquals("""
                | best, ms | ours |
                | :-- | --: |
                | EP.S | 5.000 |
                """, new NasReport(List.of("ours"), List.of(turn("EP.S", "ours", 1, 1, 5.0))).bests());
    }
}
