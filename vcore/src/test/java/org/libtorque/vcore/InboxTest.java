package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.libtorque.testkit.AllocationProbe;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.FieldOffsets;

class InboxTest {
    @ParameterizedTest @ValueSource(ints = {Integer.MIN_VALUE, -2, 0, 1, 3, 6, 1000})
    void aCapacityThatIsNoPowerOfTwoAboveOneIsRefused(int capacity) {
        assertThrows(IllegalArgumentException.class, () -> new Inbox<>(capacity));
    }

    @Test void messagesComeOutInTheOrderInWhichTheyWentIn() {
        var inbox = new Inbox<String>(4);
        assertTrue(inbox.offer("a"));
        assertTrue(inbox.offer("b"));
        assertEquals("a", inbox.poll());
        assertTrue(inbox.offer("c"));
        assertEquals("b", inbox.poll());
        assertEquals("c", inbox.poll());
        assertNull(inbox.poll());
        inbox.checkInvariants();
    }

    @Test void aFullInboxRefusesAndTakesAgainAfterAPoll() {
        var inbox = new Inbox<Integer>(2);
        assertTrue(inbox.offer(1));
        assertTrue(inbox.offer(2));
        assertFalse(inbox.offer(3));
        assertEquals(2, inbox.size());
        assertEquals(1, inbox.poll());
        assertTrue(inbox.offer(3));
        assertFalse(inbox.offer(4));
        assertEquals(2, inbox.poll());
        assertEquals(3, inbox.poll());
        assertTrue(inbox.isEmpty());
        inbox.checkInvariants();
    }

    @Test void nullIsRefusedSinceItMeansNothingThere() {
        var inbox = new Inbox<Object>(2);
        assertThrows(NullPointerException.class, () -> inbox.offer(null));
        assertEquals(0, inbox.size());
    }

    @Test void aMessageTakenIsNoLongerReachableFromTheInbox() {
        var inbox = new Inbox<Object>(2);
        inbox.offer(new Object());
        inbox.poll();
        for (Object item : inbox.items) assertNull(item);
    }

    @Test void pollReturnsNullWhileAPostIsHalfDone() {
        var inbox = new Inbox<String>(4);
        inbox.tail++; // a poster that has claimed position 0 and not yet filled it
        assertTrue(inbox.offer("behind"));
        assertNull(inbox.poll());
        assertTrue(inbox.isEmpty());
        assertEquals(2, inbox.size());
        inbox.items[0] = "slow"; // it goes on
        inbox.seq[0] = 1;
        assertEquals("slow", inbox.poll());
        assertEquals("behind", inbox.poll());
        inbox.checkInvariants();
    }

    @Test void brokenInvariantsAreFound() {
        var inbox = new Inbox<String>(4);
        inbox.tail = 5;
        assertThrows(AssertionError.class, inbox::checkInvariants);
        var other = new Inbox<String>(4);
        other.items[2] = "forgotten";
        assertThrows(AssertionError.class, other::checkInvariants);
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void behavesAsABoundedQueueWhateverTheOrderOfCalls(long seed) {
        var random = new SplittableRandom(seed);
        int capacity = 2 << random.nextInt(5);
        var inbox = new Inbox<Integer>(capacity);
        var model = new ArrayDeque<Integer>();
        for (int i = 0; i < 2_000; i++) {
            Integer item = i;
            if (random.nextInt(100) < (i / 500 % 2 == 0 ? 60 : 40)) {
                boolean room = model.size() < capacity;
                assertEquals(room, inbox.offer(item));
                if (room) model.add(item);
            } else {
                assertSame(model.poll(), inbox.poll());
            }
            assertEquals(model.size(), inbox.size());
            assertEquals(model.isEmpty(), inbox.isEmpty());
            inbox.checkInvariants();
        }
    }

    @Test void everyMessageOfManyPostersArrivesOnceAndInItsPostersOrder() {
        int posters = 3;
        int each = 50_000;
        var inbox = new Inbox<long[]>(64);
        List<Thread> threads = new ArrayList<>();
        for (int p = 0; p < posters; p++) {
            int poster = p;
            threads.add(Thread.ofPlatform().name("poster " + p).start(() -> {
                for (int i = 0; i < each; i++) {
                    var message = new long[] {poster, i};
                    while (!inbox.offer(message)) Thread.yield();
                }
            }));
        }
        long[] next = new long[posters];
        var received = new int[1];
        Eventually.await("all messages have come", () -> {
            for (long[] message; (message = inbox.poll()) != null; received[0]++) {
                assertEquals(next[(int) message[0]]++, message[1]);
            }
            return received[0] == posters * each;
        });
        threads.forEach(Eventually::awaitEnd);
        assertTrue(inbox.isEmpty());
        inbox.checkInvariants();
    }

    @Test void postingAndTakingAllocateNothing() {
        var inbox = new Inbox<Object>(8);
        var message = new Object();
        AllocationProbe.assertAllocatesNothing(50_000, 10_000, () -> {
            inbox.offer(message);
            inbox.offer(message);
            inbox.poll();
            if (!inbox.isEmpty()) inbox.poll();
        });
    }

    @Test void headAndTailHaveTheirCacheLinesToThemselves() {
        FieldOffsets.assertApart(Inbox.class, "tail", 128);
        FieldOffsets.assertApart(Inbox.class, "head", 128);
    }
}
