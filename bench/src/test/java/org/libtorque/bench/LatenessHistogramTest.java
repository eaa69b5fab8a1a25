package org.libtorque.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class LatenessHistogramTest {
    @Test void aTimeIsInTheBucketThatEndsNoFurtherThanAThirtySecondAbove() {
        var random = new SplittableRandom(1);
        for (int i = 0; i < 100_000; i++) {
            long nanos = random.nextLong(1L << random.nextInt(1, 62));
            int bucket = LatenessHistogram.bucket(nanos);
            long end = LatenessHistogram.upperBound(bucket);
            assertTrue(end >= nanos && end - nanos <= nanos / 32 + 1, nanos + " in the bucket up to " + end);
            assertTrue(bucket == 0 || LatenessHistogram.upperBound(bucket - 1) < nanos, nanos + " is in an earlier bucket");
        }
    }

    @Test void quantilesAreThoseOfTheSortedTimesToThreePercent() {
        var histogram = new LatenessHistogram();
        var random = new SplittableRandom(2);
        long[] times = random.longs(10_000, -1_000, 10_000_000).toArray();
        for (long time : times) histogram.add(time);
        Arrays.sort(times);
        for (double fraction : new double[] {0.5, 0.9, 0.99, 0.999, 1}) {
            long exact = times[(int) Math.ceil(fraction * times.length) - 1];
            assertEquals(exact, histogram.quantile(fraction), exact / 32.0 + 1);
        }
        assertEquals(times[times.length - 1], histogram.max());
        assertEquals(Arrays.stream(times).filter(t -> t < 0).count(), histogram.early());
        assertEquals(10_000, histogram.count());
        assertTrue(Double.isNaN(new LatenessHistogram().quantile(0.5)));
    }
}
