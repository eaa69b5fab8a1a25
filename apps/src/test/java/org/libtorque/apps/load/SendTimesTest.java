package org.libtorque.apps.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.SplittableRandom;

import org.HdrHistogram.Histogram;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SendTimesTest {
    @ParameterizedTest
    @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void latenciesAreThoseOfAQueueOfSingleRequests(long seed) {
        var random = new SplittableRandom(seed);
        var times = new SendTimes();
        var model = new ArrayDeque<Long>();
        var actual = new Histogram(10_000_000, 3);
        var expected = new Histogram(10_000_000, 3);
        long now = random.nextLong();
        for (int step = 0; step < 2000; step++) {
            now += random.nextInt(1000);
            assertEquals(model.isEmpty(), times.isEmpty());
            if (random.nextBoolean()) {
                int count = 1 + random.nextInt(20);
                times.add(now, count);
                for (int i = 0; i < count; i++) model.add(now);
            } else if (!model.isEmpty()) {
                assertEquals(model.peek(), times.oldest());
                int count = 1 + random.nextInt(model.size());
                boolean counted = random.nextInt(4) > 0;
                times.remove(count, now, counted ? actual : null);
                for (int i = 0; i < count; i++) {
                    long sent = model.poll();
                    if (counted) expected.recordValue(now - sent);
                }
            }
        }
        assertEquals(expected, actual);
        times.clear();
        assertTrue(times.isEmpty());
    }
}
