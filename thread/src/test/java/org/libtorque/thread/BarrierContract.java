package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.libtorque.sys.Uninterruptibly;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.FieldOffsets;

/** Behaviours that the JSR-166 tests ask of cyclic barriers, of {@link Barrier} and {@link TreeBarrier}. */
abstract class BarrierContract {
    final Crew.Kind kind;
    private Crew crew;

    BarrierContract(Crew.Kind kind) { this.kind = kind; }

    @AfterAll static void endRuntime() { Crew.endRuntime(); }

    @BeforeEach void open() { crew = new Crew(kind); }

    @AfterEach void close() { crew.close(); }

    @ParameterizedTest @CsvSource({"1, 0", "2, 20000", "3, 0", "7, 5000"})
    void nobodyLeavesARoundBeforeAllHaveCome(int parties, long spinNanos) {
        var actions = new AtomicInteger();
        var barrier = new Barrier(parties, actions::incrementAndGet, spinNanos);
        var came = new AtomicInteger();
        var lasts = new AtomicInteger();
        for (int i = 0; i < parties; i++) {
            crew.start(() -> {
                for (int round = 1; round <= 500; round++) {
                    came.incrementAndGet();
                    if (barrier.await() == 0) lasts.incrementAndGet();
                    assertTrue(came.get() >= round * parties);
                    assertTrue(actions.get() >= round);
                }
            });
        }
        crew.join();
        assertEquals(500, lasts.get());
        assertEquals(500, actions.get());
        assertEquals(0, barrier.waiting());
    }

    @ParameterizedTest @ValueSource(ints = {1, 2, 4, 5, 16, 17, 70})
    void theTreeHoldsAllBackToo(int parties) {
        var actions = new AtomicInteger();
        var barrier = new TreeBarrier(parties, actions::incrementAndGet);
        var came = new AtomicInteger();
        var lasts = new AtomicInteger();
        for (int i = 0; i < parties; i++) {
            int me = i;
            crew.start(() -> {
                for (int round = 1; round <= 100; round++) {
                    came.incrementAndGet();
                    if (barrier.await(me)) lasts.incrementAndGet();
                    assertTrue(came.get() >= round * parties);
                }
            });
        }
        crew.join();
        assertEquals(100, lasts.get());
        assertEquals(100, actions.get());
        assertThrows(IndexOutOfBoundsException.class, () -> barrier.await(parties));
        assertThrows(IndexOutOfBoundsException.class, () -> barrier.await(-1));
    }

    @Test void theOrderOfArrivalIsTold() {
        var barrier = new Barrier(3);
        var sum = new AtomicInteger();
        crew.start(() -> sum.addAndGet(100 * barrier.await()), () -> barrier.waiting() == 1);
        crew.start(() -> sum.addAndGet(10 * barrier.await()), () -> barrier.waiting() == 2);
        crew.start(() -> sum.addAndGet(barrier.await()));
        crew.join();
        assertEquals(210, sum.get());
    }

    @Test void whoIsInterruptedBreaksItForAll() throws Exception {
        var barrier = new Barrier(3);
        Thread first = crew.start(() -> assertThrows(InterruptedException.class, barrier::await), () -> barrier.waiting() == 1);
        crew.start(() -> assertThrows(BrokenBarrierException.class, barrier::await), () -> barrier.waiting() == 2);
        first.interrupt();
        crew.join();
        assertTrue(barrier.isBroken());
        assertThrows(BrokenBarrierException.class, barrier::await);
        assertThrows(BrokenBarrierException.class, () -> barrier.await(1, TimeUnit.DAYS));
        barrier.reset();
        assertFalse(barrier.isBroken());
        crew.start(() -> {
            Thread.currentThread().interrupt();
            assertThrows(InterruptedException.class, barrier::await);
        });
        crew.join();
        assertTrue(barrier.isBroken());
    }

    @Test void whoTimesOutBreaksItForAll() {
        var barrier = new Barrier(3);
        var tree = new TreeBarrier(6);
        crew.start(() -> assertThrows(BrokenBarrierException.class, barrier::await), () -> barrier.waiting() == 1);
        crew.start(() -> assertThrows(BrokenBarrierException.class, () -> tree.await(5)));
        crew.start(() -> {
            long start = System.nanoTime();
            assertThrows(TimeoutException.class, () -> barrier.await(10, TimeUnit.MILLISECONDS));
            assertThrows(TimeoutException.class, () -> tree.await(0, 100, TimeUnit.MILLISECONDS));
            assertTrue(System.nanoTime() - start >= 20_000_000);
            assertThrows(TimeoutException.class, () -> new Barrier(2).awaitNanos(Long.MIN_VALUE));
        });
        crew.join();
        assertTrue(barrier.isBroken());
        assertTrue(tree.isBroken());
        tree.reset();
        for (int i = 0; i < 6; i++) {
            int me = i;
            crew.start(() -> tree.await(me));
        }
        crew.join();
    }

    @Test void resettingSendsThoseAwayWhoWait() {
        var barrier = new Barrier(2);
        crew.start(() -> assertThrows(BrokenBarrierException.class, barrier::await), () -> barrier.waiting() == 1);
        barrier.reset();
        crew.join();
        assertFalse(barrier.isBroken());
        for (int i = 0; i < 2; i++) crew.start(() -> barrier.await(1, TimeUnit.DAYS));
        crew.join();
    }

    @Test void anActionMayResetItsBarrier() {
        var barriers = new Barrier[1];
        var barrier = barriers[0] = new Barrier(2, () -> barriers[0].reset());
        var trees = new TreeBarrier[1];
        var tree = trees[0] = new TreeBarrier(6, () -> trees[0].reset());
        for (int i = 0; i < 2; i++) {
            crew.start(() -> {
                for (int round = 0; round < 10; round++) barrier.await();
            });
        }
        for (int i = 0; i < 6; i++) {
            int me = i;
            crew.start(() -> {
                for (int round = 0; round < 10; round++) tree.await(me);
            });
        }
        crew.join();
        assertFalse(barrier.isBroken());
        assertFalse(tree.isBroken());
    }

    @Test void resettingDoesNotWaitForAnActionAndSendsAwayWhoWaitsForTheRoundBehindIt() {
        var acts = new CountDownLatch(1);
        var mayEnd = new CountDownLatch(1);
        var barrier = new Barrier(1, () -> {
            acts.countDown();
            Uninterruptibly.await(mayEnd::await);
        });
        crew.start(() -> assertEquals(0, barrier.await()), () -> acts.getCount() == 0);
        Thread next = crew.start(() -> assertThrows(BrokenBarrierException.class, barrier::await));
        Eventually.await("it waits for the round behind", () -> next.getState() == Thread.State.WAITING);
        barrier.reset(); // returns, though the action goes on
        assertFalse(barrier.isBroken());
        mayEnd.countDown();
        crew.join();
        crew.start(() -> assertEquals(0, barrier.await()));
        crew.join();
    }

    @Test void anActionThatThrowsBreaksIt() {
        var barrier = new Barrier(2, () -> { throw new ArithmeticException(); });
        crew.start(() -> assertThrows(BrokenBarrierException.class, barrier::await), () -> barrier.waiting() == 1);
        crew.start(() -> assertThrows(ArithmeticException.class, barrier::await));
        crew.join();
        assertTrue(barrier.isBroken());
    }

    @Test void anInterruptDoesNotEndAnUninterruptibleWaitAndStays() throws BrokenBarrierException {
        var barrier = new Barrier(2);
        Thread waiter = crew.start(() -> {
            barrier.awaitUninterruptibly();
            assertTrue(Thread.currentThread().isInterrupted());
        }, () -> barrier.waiting() == 1);
        waiter.interrupt();
        assertEquals(0, barrier.awaitUninterruptibly());
        crew.join();
        assertFalse(barrier.isBroken());
    }

    @Test void moreThreadsThanPartiesShareTheRounds() {
        var barrier = new Barrier(4);
        var through = new AtomicInteger();
        for (int i = 0; i < 32; i++) {
            crew.start(() -> {
                barrier.await();
                through.incrementAndGet();
            });
        }
        crew.join();
        assertEquals(32, through.get());
    }

    @Test void aBarrierForNobodyIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> new Barrier(0));
        assertThrows(IllegalArgumentException.class, () -> new TreeBarrier(0));
    }

    @Test void theWordThatAllLookAtHasItsCacheLinesToItself() { FieldOffsets.assertApart(BarrierRounds.class, "word", 64); }

    @Test void itIsClearThatSpinningEnds() {
        var barrier = new Barrier(2, null, 1_000);
        Thread alone = crew.start(() -> assertThrows(BrokenBarrierException.class, barrier::await), () -> barrier.waiting() == 1);
        Eventually.await("it has parked", () -> alone.getState() == Thread.State.WAITING);
        barrier.reset();
        crew.join();
    }
}
