package org.libtorque.apps.load;

import org.HdrHistogram.Histogram;

/**
 * When the outstanding requests of one connection began, which is when they were sent or, in an open loop, due: a first-in first-out queue of
 * batches, since what is sent in one callback has one time.
 *
 * <p>The oldest batch stands in fields of its own, which is all that a connection without pipelining ever needs, and one cache line of it; those
 * behind it are in a ring, which grows up to the number of batches that are ever outstanding. The ring is empty while there is no oldest batch.
 */
final class SendTimes {
    private static final long[] NO_TIMES = new long[0];
    private static final int[] NO_COUNTS = new int[0];

    private long oldestTime;
    private int oldestCount;
    /** Batches ever put into the ring and ever taken from it; their low bits are places in it. */
    private int put;
    private int taken;
    private long[] times = NO_TIMES;
    private int[] counts = NO_COUNTS;

    /** Adds {@code count} requests, at least one, that begin at that time. */
    void add(long nanoTime, int count) {
        if (oldestCount == 0) {
            oldestTime = nanoTime;
            oldestCount = count;
            return;
        }
        if (put - taken == times.length) grow();
        int at = put++ & times.length - 1;
        times[at] = nanoTime;
        counts[at] = count;
    }

    private void grow() {
        int old = times.length;
        var newTimes = new long[Math.max(2, 2 * old)];
        var newCounts = new int[newTimes.length];
        for (int i = 0; i < old; i++) {
            int at = taken + i & old - 1;
            newTimes[i] = times[at];
            newCounts[i] = counts[at];
        }
        times = newTimes;
        counts = newCounts;
        taken = 0;
        put = old;
    }

    /** Time of the oldest outstanding request; there must be one. */
    long oldest() {
        return oldestTime;
    }

    boolean isEmpty() {
        return oldestCount == 0;
    }

    /**
     * Removes the oldest {@code count} requests, which must be there, and records how long ago each began.
     *
     * @param latencies null if nothing is to be recorded
     */
    void remove(int count, long nanoTime, Histogram latencies) {
        for (int left = count; left > 0; ) {
            int n = Math.min(left, oldestCount);
            // What lies beyond the histogram's range, an hour, is as good as an hour.
            if (latencies != null) latencies.recordValueWithCount(Math.min(nanoTime - oldestTime, latencies.getHighestTrackableValue()), n);
            left -= n;
            oldestCount -= n;
            if (oldestCount == 0 && put != taken) {
                int at = taken++ & times.length - 1;
                oldestTime = times[at];
                oldestCount = counts[at];
            }
        }
    }

    void clear() {
        oldestCount = 0;
        put = taken = 0;
    }
}
