package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.libtorque.sys.Handles;
import org.libtorque.testkit.AllocationProbe;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.FieldOffsets;

class OffersTest {
    private static final int POSITION = 2;
    private static final VarHandle LOCK = Handles.field(MethodHandles.lookup(), Offers.class, "lock", long.class);

    private final Scoreboard board = Scoreboard.flat(4);
    private final Offers offers = new Offers(board, POSITION);
    private final RunQueue own = new RunQueue();
    private long ids;

    private Color own(int cost) {
        Color color = new Color(null, ++ids);
        color.cost = cost;
        enter(color);
        return color;
    }

    private void enter(Color color) {
        color.finish = 0;
        RunQueue.stamp(color, null, 0);
        own.add(color, 0);
    }

    private static List<Color> listOf(Color first) {
        List<Color> colors = new ArrayList<>();
        for (Color color = first; color != null; color = color.next) colors.add(color);
        return colors;
    }

    private void check(boolean offering) {
        offers.checkInvariants();
        assertEquals(offering, board.isOffering(POSITION));
        assertEquals(!offering, board.nobodyOffers());
        assertEquals(!offering, offers.first() == RunQueue.NONE);
    }

    @Test void withoutAnOfferThereIsNothingToTake() {
        check(false);
        assertNull(offers.takeFirst(RunQueue.NONE));
        assertNull(offers.steal(10));
        assertEquals(0, offers.offer(own, 10, 0, false, 0));
        check(false);
    }

    @Test void whatIsOfferedIsMarkedUntilItIsTaken() {
        Color color = own(30_000);
        assertEquals(30_000, offers.offer(own, 10, 0, false, 0));
        assertEquals(0, own.size());
        check(true);
        assertEquals(30_000 >> 14, offers.first());
        assertSame(color, offers.takeFirst(RunQueue.NONE));
        check(false);
    }

    @Test void theOwnerTakesFromTheFrontAndTheThiefFromTheEnd() {
        Color light = own(1_000);
        Color middle = own(100_000);
        Color heavy = own(300_000);
        assertEquals(401_000, offers.offer(own, 10, 0, false, 0));
        assertEquals(List.of(heavy), listOf(offers.steal(10)));
        check(true);
        assertSame(light, offers.takeFirst(RunQueue.NONE));
        assertSame(middle, offers.takeFirst(RunQueue.NONE));
        check(false);
    }

    @Test void theOwnerTakesBackOnlyWhatIsBeforeWhatItHas() {
        own(100_000);
        offers.offer(own, 10, 0, false, 0);
        assertNull(offers.takeFirst(100_000 >> 14));
        assertNotNull(offers.takeFirst((100_000 >> 14) + 1));
    }

    @Test void colorsThatMustStayAreNotOffered() {
        Color pinned = own(50_000).pin();
        Color free = own(50_000);
        assertEquals(50_000, offers.offer(own, 10, 0, false, 0));
        assertEquals(1, own.size());
        assertSame(free, offers.steal(10));
        assertSame(pinned, own.pollFirst());
    }

    @Test void aThiefTakesAboutHalfOfTheWork() {
        for (int i = 0; i < 40; i++) own(2_000);
        offers.offer(own, 100, 0, false, 0);
        List<Color> stolen = listOf(offers.steal(100));
        assertEquals(20, stolen.size());
        assertEquals(10, listOf(offers.steal(100)).size());
        assertEquals(3, listOf(offers.steal(3)).size(), "no more than it may");
        for (int i = 0; i < 7; i++) assertNotNull(offers.takeFirst(RunQueue.NONE));
        check(false);
    }

    @Test void aThiefTakesTheOnlyColorThereIs() {
        Color only = own(20_000);
        offers.offer(own, 1, 0, false, 0);
        assertEquals(List.of(only), listOf(offers.steal(1)));
        check(false);
    }

    @Test void noMoreIsOfferedAtOnceThanIsAllowed() {
        for (int i = 0; i < 10; i++) own(1_000);
        assertEquals(4_000, offers.offer(own, 4, 0, false, 0));
        assertEquals(6_000, offers.offer(own, 2, 0, false, 0));
        assertEquals(4, own.size());
    }

    @Test void whoFindsItLockedGoesAwayButTheOwnerThatNeedsItWaits() {
        Color color = own(20_000);
        own(20_000);
        offers.offer(own, 1, 0, false, 0);
        offers.lock = 1; // a thief is inside
        assertNull(offers.steal(1));
        assertEquals(-1, offers.offer(own, 1, 0, false, 0));
        assertEquals(1, own.size());
        var taken = new AtomicReference<Color>();
        var work = new AtomicLong();
        Thread owner = Thread.ofPlatform().start(() -> {
            work.set(offers.offer(own, 1, 0, true, 0)); // before a long turn
            taken.set(offers.takeFirst(RunQueue.NONE));
        });
        Eventually.await("the owner is on its way", () -> owner.getState() == Thread.State.RUNNABLE);
        assertNull(taken.get());
        assertTrue(board.isOffering(POSITION));
        LOCK.setRelease(offers, 0L); // it leaves
        Eventually.awaitEnd(owner);
        assertEquals(40_000, work.get());
        assertSame(color, taken.get());
    }

    /** One owner and two thieves; whoever has a colour gives it back to the owner through an inbox. */
    @Test void everyColorIsInOneHandWhateverTheRace() {
        int colors = 200;
        int rounds = 100_000;
        var inbox = new Inbox();
        var holders = new AtomicIntegerArray(colors);
        var failure = new AtomicReference<Throwable>();
        var stop = new AtomicBoolean();
        var stolen = new AtomicIntegerArray(2);
        for (int i = 0; i < colors; i++) {
            Color color = new Color(null, i);
            color.cost = 1_000 + 700 * i;
            inbox.put(color);
        }
        List<Thread> thieves = new ArrayList<>();
        for (int t = 0; t < 2; t++) {
            int thief = t;
            thieves.add(Thread.ofPlatform().start(() -> {
                try {
                    while (!stop.get()) {
                        for (Color color = offers.steal(8); color != null; ) {
                            Color following = color.next;
                            hold(holders, color);
                            stolen.incrementAndGet(thief);
                            letGo(holders, color);
                            inbox.put(color);
                            color = following;
                        }
                        Thread.yield();
                    }
                } catch (Throwable e) {
                    failure.compareAndSet(null, e);
                }
            }));
        }
        int served = 0;
        for (int i = 0; i < rounds || stolen.get(0) + stolen.get(1) == 0 && failure.get() == null; i++) { // thieves may have had no CPU so far
            for (Color color = inbox.takeAll(); color != null; ) {
                Color following = color.next;
                enter(color);
                color = following;
            }
            if (i % 3 == 0) offers.offer(own, 20, 0, false, 0);
            Color color = i % 2 == 0 ? own.pollFirst() : offers.first() != RunQueue.NONE ? offers.takeFirst(RunQueue.NONE) : null;
            if (color == null) continue;
            hold(holders, color);
            served++;
            letGo(holders, color);
            enter(color);
        }
        stop.set(true);
        thieves.forEach(Eventually::awaitEnd);
        assertNull(failure.get(), () -> failure.get().toString());
        int found = own.size() + listOf(inbox.takeAll()).size();
        while (offers.takeFirst(RunQueue.NONE) != null) found++;
        assertEquals(colors, found, "none lost, none doubled");
        check(false);
        assertTrue(served > 0, "stolen: " + stolen);
    }

    private static void hold(AtomicIntegerArray holders, Color color) { assertEquals(0, holders.getAndIncrement((int) color.id()), color + " has two holders"); }

    private static void letGo(AtomicIntegerArray holders, Color color) { holders.decrementAndGet((int) color.id()); }

    @Test void offeringTakingAndStealingAllocateNothing() {
        Color a = own(10_000);
        Color b = own(20_000);
        AllocationProbe.assertAllocatesNothing(20_000, 10_000, () -> {
            offers.offer(own, 10, 0, false, 0);
            Color stolen = offers.steal(10);
            Color taken = offers.takeFirst(RunQueue.NONE);
            if (stolen != b || taken != a) throw new AssertionError();
            enter(a);
            enter(b);
        });
    }

    @Test void whatOthersLookAtIsApartFromWhatIsTheOwnersAlone() {
        long lock = FieldOffsets.of(Offers.class, "lock");
        for (String name : List.of("queue", "board", "position", "marked")) {
            long distance = Math.abs(FieldOffsets.of(Offers.class, name) - lock);
            assertTrue(distance >= 128, name + " is " + distance + " bytes from the lock");
        }
    }

    @Test void whoMustNotTakeLongOnesTakesShortOnesBeforeThem() {
        own(200_000);
        Color a = own(10_000);
        Color b = own(12_000);
        assertEquals(222_000, offers.offer(own, 10, 0, false, 7_000));
        assertEquals(7_000, offers.busyUntil());
        assertEquals(22_000, offers.backlog());
        assertEquals(List.of(a, b), listOf(offers.steal(10, 100_000)));
        check(true);
        assertNull(offers.steal(10, 100_000));
        check(true);
        assertEquals(200_000, offers.steal(10).cost);
        check(false);
    }
}
