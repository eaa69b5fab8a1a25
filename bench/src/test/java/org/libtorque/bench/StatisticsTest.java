package org.libtorque.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

final class StatisticsTest {
    @Test
    void medianOfAnOddCountIsTheMiddleOne() {
        assertEquals(new Statistics(3, 1, 9, 3), Statistics.of(List.of(9.0, 1.0, 3.0)));
    }

    @Test
    void medianOfAnEvenCountLiesBetweenTheMiddleTwo() {
        assertEquals(2.5, Statistics.of(List.of(4.0, 1.0, 3.0, 2.0)).median());
    }

    @Test
    void roundsWithoutAFigureAreLeftOut() {
        assertEquals(new Statistics(2, 2, 2, 1), Statistics.of(List.of(Double.NaN, 2.0)));
        assertTrue(Double.isNaN(Statistics.of(List.of()).median()));
    }
}
