package org.libtorque.bench;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/** Counts times of up to minutes in buckets that are 1/32 of a power of two wide, so a figure is good to 3 %. Any thread counts. */
final class LatenessHistogram {
    private static final int SUB_BITS = 5;
    private static final int SUB = 1 << SUB_BITS;

    private final AtomicLongArray counts = new AtomicLongArray((Long.SIZE - SUB_BITS) * SUB);
    private final AtomicLong max = new AtomicLong();
    private final AtomicLong early = new AtomicLong();
    private final AtomicLong total = new AtomicLong();

    /** Counts a time; a negative one is early. */
    void add(long nanos) {
        total.incrementAndGet();
        if (nanos < 0) early.incrementAndGet();
        long counted = Math.max(0, nanos);
        counts.incrementAndGet(bucket(counted));
        max.accumulateAndGet(counted, Math::max);
    }

    static int bucket(long nanos) {
        if (nanos < SUB) return (int) nanos;
        int exponent = Long.SIZE - 1 - Long.numberOfLeadingZeros(nanos) - SUB_BITS;
        return (exponent + 1) * SUB + (int) (nanos >>> exponent) - SUB;
    }

    /** Returns the end of a bucket. */
    static long upperBound(int bucket) {
        if (bucket < SUB) return bucket;
        int exponent = bucket / SUB - 1;
        return ((long) (bucket % SUB + SUB) + 1 << exponent) - 1;
    }

    /** Returns what so many of all are not above, to the bucket; NaN if nothing was counted. */
    double quantile(double fraction) {
        long wanted = (long) Math.ceil(fraction * total.get());
        if (total.get() == 0) return Double.NaN;
        long seen = 0;
        for (int i = 0; i < counts.length(); i++) {
            seen += counts.get(i);
            if (seen >= wanted) return Math.min(upperBound(i), max.get());
        }
        return max.get();
    }

    long max() { return max.get(); }

    long early() { return early.get(); }

    long count() { return total.get(); }
}
