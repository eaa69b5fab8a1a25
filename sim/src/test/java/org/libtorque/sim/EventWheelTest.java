package org.libtorque.sim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Comparator;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class EventWheelTest {
    private record Event(long time, long order, int thing) {}

    @Test void eventsOfOneMomentComeInTheOrderInWhichTheyWereScheduled() {
        var wheel = new EventWheel(4);
        wheel.schedule(2, 70_000); // far: two levels up
        wheel.schedule(0, 70_000);
        wheel.schedule(1, 69_999);
        assertEquals(1, wheel.poll(Long.MAX_VALUE));
        wheel.schedule(3, 70_000); // near: at the lowest level, behind those that came down to it
        assertEquals(2, wheel.poll(Long.MAX_VALUE));
        assertEquals(70_000, wheel.elapsed());
        assertEquals(0, wheel.poll(Long.MAX_VALUE));
        assertEquals(3, wheel.poll(Long.MAX_VALUE));
        assertEquals(-1, wheel.poll(Long.MAX_VALUE));
    }

    @Test void nothingComesAfterTheLimitAndSchedulingGoesOnThere() {
        var wheel = new EventWheel(2);
        wheel.schedule(0, 1_000_000);
        assertEquals(-1, wheel.poll(999_999));
        assertTrue(wheel.elapsed() <= 999_999);
        wheel.schedule(1, 999_999);
        assertEquals(1, wheel.poll(1_000_000));
        assertEquals(0, wheel.poll(1_000_000));
    }

    @Test void thePastAndASecondEventAreRefused() {
        var wheel = new EventWheel(2);
        wheel.schedule(0, 10);
        assertThrows(IllegalStateException.class, () -> wheel.schedule(0, 20));
        assertEquals(0, wheel.poll(Long.MAX_VALUE));
        assertThrows(IllegalStateException.class, () -> wheel.schedule(1, 9));
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void behavesLikeASortedSet(long seed) {
        var random = new RandomStream(RandomStream.state(seed, 0));
        int things = 1 + random.nextInt(200);
        var wheel = new EventWheel(things);
        var model = new TreeSet<Event>(Comparator.comparingLong(Event::time).thenComparingLong(Event::order));
        var pending = new Event[things];
        long now = 0;
        for (int step = 0; step < 20_000; step++) {
            int thing = random.nextInt(things);
            if (random.nextInt(3) == 0 && !model.isEmpty()) {
                long limit = random.nextInt(4) == 0 ? now + random.nextInt(1000) : Long.MAX_VALUE;
                Event first = model.first().time <= limit ? model.pollFirst() : null;
                assertEquals(first == null ? -1 : first.thing, wheel.poll(limit), () -> "step " + now(wheel));
                if (first != null) {
                    assertEquals(first.time, wheel.elapsed());
                    now = first.time;
                    pending[first.thing] = null;
                } else if (limit != Long.MAX_VALUE) {
                    now = limit;
                }
            } else if (pending[thing] == null) {
                long time = now + (long) Traffic.logUniform(random, 1, 1L << random.nextInt(50)) - 1;
                pending[thing] = new Event(time, step, thing);
                model.add(pending[thing]);
                wheel.schedule(thing, time);
            } else if (random.nextInt(2) == 0) {
                assertEquals(pending[thing].time, wheel.timeOf(thing));
                assertTrue(wheel.cancel(thing));
                assertFalse(wheel.cancel(thing));
                model.remove(pending[thing]);
                pending[thing] = null;
            }
            assertEquals(model.size(), wheel.size());
            if (step % 100 == 0) wheel.checkInvariants();
        }
    }

    private static String now(EventWheel wheel) { return "elapsed " + wheel.elapsed(); }
}
