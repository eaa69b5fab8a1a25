package org.libtorque.apps.load;

import java.util.Arrays;

import org.HdrHistogram.Histogram;

/**
 * When the outstanding requests of one connection were sent: a first-in first-out queue of batches, since what is sent in one
 * callback has one time. A ring that grows up to the number of batches that are ever outstanding.
 */
final class SendTimes {
    private long[] times = new long[2];
    private int[] counts = new int[2];
    /** Batches ever put and ever removed; their low bits are places in the ring. */
    private int put;
    private int removed;

    void add(long nanoTime, int count) {
        if (put - removed == times.length) grow();
        int at = put++ & times.length - 1;
        times[at] = nanoTime;
        counts[at] = count;
    }

    private void grow() {
        int old = times.length;
        int first = removed & old - 1;
        var newTimes = new long[2 * old];
        var newCounts = new int[2 * old];
        for (int i = 0; i < old; i++) {
            newTimes[i] = times[first + i & old - 1];
            newCounts[i] = counts[first + i & old - 1];
        }
        times = newTimes;
        counts = newCounts;
        removed = 0;
        put = old;
    }

    /** Time of the oldest outstanding request; there must be one. */
    long oldest() {
        return times[removed & times.length - 1];
    }

    boolean isEmpty() {
        return put == removed;
    }

    /**
     * Removes the oldest {@code count} requests, which must be there, and records how long ago each was sent.
     *
     * @param latencies null if nothing is to be recorded
     */
    void remove(int count, long nanoTime, Histogram latencies) {
        int mask = times.length - 1;
        for (int left = count; left > 0; ) {
            int at = removed & mask;
            int n = Math.min(left, counts[at]);
            // What lies beyond the histogram's range, an hour, is as good as an hour.
            if (latencies != null) latencies.recordValueWithCount(Math.min(nanoTime - times[at], latencies.getHighestTrackableValue()), n);
            if (n == counts[at]) removed++;
            else counts[at] -= n;
            left -= n;
        }
    }

    void clear() {
        put = removed = 0;
    }

    @Override
    public String toString() {
        return "SendTimes[batches=" + (put - removed) + ", counts=" + Arrays.toString(counts) + "]";
    }
}
