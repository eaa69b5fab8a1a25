package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.testkit.AllocationProbe;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.FieldOffsets;

class InboxTest {
    private final Inbox inbox = new Inbox();

    private static Color color(long id) { return new Color(null, id); }

    private List<Long> takeAll() {
        List<Long> ids = new ArrayList<>();
        for (Color color = inbox.takeAll(); color != null; color = color.next) ids.add(color.id());
        return ids;
    }

    @Test void aNewInboxIsEmpty() {
        assertTrue(inbox.isEmpty());
        assertNull(inbox.takeAll());
    }

    @Test void colorsComeOutInTheOrderInWhichTheyWentIn() {
        for (int i = 1; i <= 5; i++) inbox.put(color(i));
        assertFalse(inbox.isEmpty());
        assertEquals(List.of(1L, 2L, 3L, 4L, 5L), takeAll());
        assertTrue(inbox.isEmpty());
    }

    @Test void aColorThatIsAloneComesOutWithoutALink() {
        Color color = color(7);
        color.next = color(8); // left from another list
        inbox.put(color);
        assertSame(color, inbox.takeAll());
        assertNull(color.next);
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void behavesAsAQueueThatIsTakenWhole(long seed) {
        var random = new SplittableRandom(seed);
        var model = new ArrayDeque<Long>();
        for (long id = 0; id < 2_000; id++) {
            if (random.nextInt(5) > 0) {
                inbox.put(color(id));
                model.add(id);
            } else {
                assertEquals(List.copyOf(model), takeAll());
                model.clear();
            }
            assertEquals(model.isEmpty(), inbox.isEmpty());
        }
    }

    @Test void everyColorOfManyPostersArrivesOnceAndInItsPostersOrder() {
        int posters = 3;
        int each = 50_000;
        List<Thread> threads = new ArrayList<>();
        for (int p = 0; p < posters; p++) {
            long poster = p;
            threads.add(Thread.ofPlatform().name("poster " + p).start(() -> {
                for (int i = 0; i < each; i++) {
                    Color color = color(poster << 32 | i);
                    color.start = color.id(); // a plain field that is the holder's
                    inbox.put(color);
                }
            }));
        }
        long[] next = new long[posters];
        int[] received = new int[1];
        Eventually.await("all colours have come", () -> {
            for (Color color = inbox.takeAll(); color != null; color = color.next) {
                assertEquals(next[(int) (color.id() >> 32)]++, (int) color.id());
                assertEquals(color.id(), color.start, "what its poster had written");
                received[0]++;
            }
            return received[0] == posters * each;
        });
        threads.forEach(Eventually::awaitEnd);
        assertTrue(inbox.isEmpty());
    }

    @Test void puttingAndTakingAllocateNothing() {
        Color a = color(1);
        Color b = color(2);
        AllocationProbe.assertAllocatesNothing(50_000, 10_000, () -> {
            inbox.put(a);
            inbox.put(b);
            if (inbox.takeAll() != a) throw new AssertionError();
        });
    }

    @Test void theTopHasItsCacheLinesToItself() { FieldOffsets.assertApart(Inbox.class, "top", 120); }
}
