package org.libtorque.apps.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.testkit.ManualClock;

class PaceTest {
    @Test
    void requestsAreDueEvenlyAndOnOneConnectionAfterTheOther() {
        var pace = new Pace(1000, 10_000, 4);
        for (int k = 0; k < 12; k++) assertEquals(1000 + k * 100_000L, pace.dueNanos(k % 4, k / 4));
    }

    @ParameterizedTest
    @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void noErrorAddsUp(long seed) {
        var random = new SplittableRandom(seed);
        for (int i = 0; i < 1000; i++) {
            long rate = 1 + (long) Math.pow(1e9, random.nextDouble()) % 1_000_000_000;
            int connections = 1 + random.nextInt(100_000);
            int connection = random.nextInt(connections);
            long number = random.nextLong(Long.MAX_VALUE / 1_000_000_000 * Math.min(rate, 1_000_000) / connections); // up to 292 years
            var exact = BigInteger.valueOf(number).multiply(BigInteger.valueOf(connections)).add(BigInteger.valueOf(connection))
                    .multiply(BigInteger.valueOf(1_000_000_000)).divide(BigInteger.valueOf(rate));
            assertEquals(exact.longValueExact(), new Pace(0, rate, connections).dueNanos(connection, number), "rate " + rate + ", " + connections);
        }
    }

    @Test
    void ratesOutsideWhatAClockTellsApartAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> new Pace(0, 0, 1));
        assertThrows(IllegalArgumentException.class, () -> new Pace(0, 1_000_000_001, 1));
        assertThrows(IllegalArgumentException.class, () -> new Pace(0, 1, 0));
    }

    @Test
    void setsTakeTurnsForTheSameTimeEach() {
        var turns = new Turns(-50, 100, 3);
        for (int now = -500; now < 1000; now++) {
            int active = now < -50 ? 0 : (now + 50) / 100 % 3;
            for (int set = 0; set < 3; set++) assertEquals(set == active, turns.isActive(set, now), set + " at " + now);
        }
    }

    /** Remembers what it was told. */
    private record Recorder(int place, List<long[]> told) implements Pacer.Sender {
        @Override
        public void due(long dueNanos, long now) {
            told.add(new long[] {place, dueNanos, now});
        }
    }

    @ParameterizedTest
    @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void everyRequestIsReleasedOnceInOrderAndNeverEarly(long seed) {
        var random = new SplittableRandom(seed);
        var clock = new ManualClock(random.nextLong(1L << 40));
        int connections = 1 + random.nextInt(20);
        int step = 1 + random.nextInt(connections); // this worker has every step-th of them
        long rate = 1 + random.nextInt(50_000);
        var pace = new Pace(clock.nanoTime(), rate, connections);
        var told = new ArrayList<long[]>();
        var senders = new ArrayList<Recorder>();
        for (int place = random.nextInt(step); place < connections; place += step) senders.add(new Recorder(place, told));
        if (senders.isEmpty()) return;
        var pacer = new Pacer(pace, senders);
        for (int i = 0; i < 200; i++) {
            int before = told.size();
            long now = clock.nanoTime();
            long next = pacer.release(now);
            assertTrue(next - now > 0);
            for (var each : told.subList(before, told.size())) {
                assertTrue(each[1] <= now, "early");
                assertEquals(now, each[2]);
            }
            int n = told.size();
            assertEquals(pace.dueNanos(senders.get(n % senders.size()).place(), n / senders.size()), next, "what is due next");
            clock.advance(random.nextInt(4) == 0 ? random.nextLong(1_000_000_000L / rate * 50 + 1) : next - now); // late now and then
        }
        assertFalse(told.isEmpty());
        for (int n = 0; n < told.size(); n++) {
            int place = senders.get(n % senders.size()).place();
            assertEquals(place, told.get(n)[0]);
            assertEquals(pace.dueNanos(place, n / senders.size()), told.get(n)[1], "request " + n);
        }
    }
}
