package org.libtorque.bench;

import java.util.Arrays;
import java.util.List;

/** Median and range of a few figures, one per round. Empty: all three are NaN. */
record Statistics(double median, double min, double max, int count) {
    /** Leaves out what was not measured (NaN). */
    static Statistics of(List<Double> figures) {
        double[] sorted = figures.stream().mapToDouble(Double::doubleValue).filter(f -> !Double.isNaN(f)).toArray();
        if (sorted.length == 0) return new Statistics(Double.NaN, Double.NaN, Double.NaN, 0);
        Arrays.sort(sorted);
        int middle = sorted.length / 2;
        double median = sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new Statistics(median, sorted[0], sorted[sorted.length - 1], sorted.length);
    }
}
