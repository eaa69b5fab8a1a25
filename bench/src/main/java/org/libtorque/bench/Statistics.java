package org.libtorque.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToDoubleFunction;

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

    /** Returns the median of a figure of several measurements. */
    static <T> double median(List<T> measurements, ToDoubleFunction<? super T> figure) {
        return of(measurements.stream().map(figure::applyAsDouble).toList()).median;
    }

    /** Ratios, round by round, of a figure of one of those measured to that of another. */
    static <T extends InRound> Statistics ofRatios(List<T> over, List<T> under, ToDoubleFunction<? super T> figure) {
        var ratios = new ArrayList<Double>();
        for (T dividend : over) {
            for (T divisor : under) {
                if (dividend.round() == divisor.round() && figure.applyAsDouble(divisor) > 0) {
                    ratios.add(figure.applyAsDouble(dividend) / figure.applyAsDouble(divisor));
                }
            }
        }
        return of(ratios);
    }
}
