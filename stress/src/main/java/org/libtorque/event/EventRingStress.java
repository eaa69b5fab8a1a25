package org.libtorque.event;

import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * {@link EventRing} and what it is made of: each event is taken once, nobody sleeps on one, and no port waits while there is room.
 *
 * <p>That these tests see what they are for was checked on x86-64 by breaking the ring. Without the fence of {@link Sleepers#wakeOne}, {@code GoingToSleep} reports the lost wake-up;
 * without that of the consumer who has made room, {@code FullRing} reports the port that waits for ever.
 */
public class EventRingStress {
    private static int bit(boolean b) { return b ? 1 : 0; }

    private static int value(Integer item) { return item == null ? 0 : item; }

    /** Two put while one place is left. */
    @JCStressTest
    @Outcome(id = {"1, 0, 1", "0, 1, 2"}, expect = Expect.ACCEPTABLE, desc = "one finds room, and what he put is there")
    @Outcome(expect = Expect.FORBIDDEN, desc = "both or none found room, or something else is there")
    @State public static class TwoPutters {
        private final BoundedQueue<Integer> queue = new BoundedQueue<>(2);

        public TwoPutters() { queue.offer(9); }

        @Actor public void first(III_Result r) { r.r1 = bit(queue.offer(1)); }

        @Actor public void second(III_Result r) { r.r2 = bit(queue.offer(2)); }

        @Arbiter public void end(III_Result r) {
            queue.checkInvariants();
            queue.poll();
            r.r3 = value(queue.poll());
        }
    }

    /** Two take while one item is there. */
    @JCStressTest
    @Outcome(id = {"7, 0", "0, 7"}, expect = Expect.ACCEPTABLE, desc = "one gets it")
    @Outcome(expect = Expect.FORBIDDEN, desc = "both or none get it")
    @State public static class TwoTakers {
        private final BoundedQueue<Integer> queue = new BoundedQueue<>(2);

        public TwoTakers() { queue.offer(7); }

        @Actor public void first(II_Result r) { r.r1 = value(queue.poll()); }

        @Actor public void second(II_Result r) { r.r2 = value(queue.poll()); }
    }

    /** One puts into a full queue while another takes. */
    @JCStressTest
    @Outcome(id = {"0, 1, 2", "1, 1, 2"}, expect = Expect.ACCEPTABLE, desc = "the oldest is taken, and the next is next")
    @Outcome(expect = Expect.FORBIDDEN, desc = "the order is lost, or an item")
    @State public static class PutterAndTaker {
        private final BoundedQueue<Integer> queue = new BoundedQueue<>(2);

        public PutterAndTaker() {
            queue.offer(1);
            queue.offer(2);
        }

        @Actor public void putter(III_Result r) { r.r1 = bit(queue.offer(3)); }

        @Actor public void taker(III_Result r) { r.r2 = value(queue.poll()); }

        @Arbiter public void end(III_Result r) {
            queue.checkInvariants();
            r.r3 = value(queue.poll());
            int last = value(queue.poll());
            if (last != 3 * r.r1) r.r3 = -last;
        }
    }

    /** A consumer goes to sleep while an event comes. */
    @JCStressTest
    @Outcome(id = "0, 0", expect = Expect.ACCEPTABLE, desc = "put before the announcement: the second look sees it")
    @Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "the consumer sleeps and is woken")
    @Outcome(id = "1, 0", expect = Expect.ACCEPTABLE, desc = "both see each other")
    @Outcome(id = "0, 1", expect = Expect.FORBIDDEN, desc = "LOST: the consumer sleeps and nobody wakes it")
    @State public static class GoingToSleep {
        private final BoundedQueue<Integer> queue = new BoundedQueue<>(2);
        private final Sleepers sleepers = new Sleepers();

        @Actor public void bringer(II_Result r) {
            queue.offer(1);
            r.r1 = bit(sleepers.wakeOne());
        }

        @Actor public void consumer(II_Result r) {
            sleepers.announce();
            r.r2 = bit(queue.isEmpty());
        }
    }

    /** A consumer thinks better of it while somebody wakes it: no permit stays for the next one, and nobody stays announced. */
    @JCStressTest
    @Outcome(id = {"0, 0", "1, 0"}, expect = Expect.ACCEPTABLE, desc = "nothing is left")
    @Outcome(expect = Expect.FORBIDDEN, desc = "a permit or an announcement is left")
    @State public static class ThinkingBetter {
        private final Sleepers sleepers = new Sleepers();

        @Actor public void bringer(II_Result r) { r.r1 = bit(sleepers.wakeOne()); }

        @Actor public void consumer() {
            sleepers.announce();
            sleepers.withdraw();
        }

        @Arbiter public void end(II_Result r) { r.r2 = sleepers.pending(); }
    }

    /** Two events come while two consumers sleep: both are woken. */
    @JCStressTest
    @Outcome(id = "1, 1, 2", expect = Expect.ACCEPTABLE, desc = "both are woken")
    @Outcome(expect = Expect.FORBIDDEN, desc = "LOST: one sleeps on")
    @State public static class TwoBringers {
        private final Sleepers sleepers = new Sleepers();

        public TwoBringers() {
            sleepers.announce();
            sleepers.announce();
        }

        @Actor public void first(III_Result r) { r.r1 = bit(sleepers.wakeOne()); }

        @Actor public void second(III_Result r) { r.r2 = bit(sleepers.wakeOne()); }

        @Arbiter public void end(III_Result r) { r.r3 = sleepers.pending(); }
    }

    /** A port finds the ring full while a consumer makes room. */
    @JCStressTest
    @Outcome(id = "1, 0", expect = Expect.ACCEPTABLE, desc = "there was room already")
    @Outcome(id = "0, 1", expect = Expect.ACCEPTABLE, desc = "the port waits and is resumed once")
    @Outcome(id = "0, 0", expect = Expect.FORBIDDEN, desc = "LOST: the port waits for ever")
    @Outcome(expect = Expect.FORBIDDEN, desc = "resumed for nothing, or twice")
    @State public static class FullRing {
        private final EventRing ring = new EventRing(null, 2);
        private final AtomicInteger resumed = new AtomicInteger();
        private final EventRing.Waiter port = () -> {
            resumed.incrementAndGet();
            return true;
        };

        public FullRing() {
            ring.put(null, 1, 1);
            ring.put(null, 2, 1);
        }

        @Actor public void port(II_Result r) {
            if (ring.put(null, 3, 1)) r.r1 = 1;
            else ring.enqueue(port);
        }

        @Actor public void consumer() { ring.poll(new RingEvent[1]); }

        @Arbiter public void end(II_Result r) { r.r2 = resumed.get(); }
    }
}
