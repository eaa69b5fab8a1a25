package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.libtorque.testkit.Eventually;

/** How long who waits at a barrier spins: see {@link BarrierRounds}. */
final class BarrierPatienceTest {
    private static final long MILLISECOND = 1_000_000, MINUTE = 60_000 * MILLISECOND;

    private static int arrive(BarrierRounds rounds) throws InterruptedException, BrokenBarrierException, TimeoutException {
        return rounds.arriveAndAwait(rounds, true, Waiter.NO_DEADLINE);
    }

    /** Has a thread wait; the caller comes {@code nanos} after that has parked, so after it has spun in vain. */
    private static void roundInVain(BarrierRounds rounds, long nanos) throws Exception {
        var failure = new AtomicReference<Throwable>();
        var waiter = new Thread(() -> {
            try {
                arrive(rounds);
            } catch (Throwable t) {
                failure.set(t);
            }
        });
        waiter.start();
        Eventually.await("it has parked", () -> waiter.getState() == Thread.State.WAITING);
        for (long start = System.nanoTime(); System.nanoTime() - start < nanos; ) Thread.onSpinWait();
        assertEquals(0, arrive(rounds));
        waiter.join();
        assertNull(failure.get());
    }

    @Test
    void waitsLongerThanAllSpinningHalvePatienceDownToABound() throws Exception {
        var rounds = new BarrierRounds(2, null, MILLISECOND);
        for (long expected : new long[] {1_000_000, 500_000, 250_000, 125_000, 62_500, 31_250, 31_250}) {
            assertEquals(expected, rounds.patienceNanos());
            roundInVain(rounds, MILLISECOND + 1);
        }
    }

    @Test
    void aWaitThatSpinningInFullWouldHaveCoveredRestoresPatienceAlsoIfItEndedInParking() throws Exception {
        var rounds = new BarrierRounds(2, null, MINUTE);
        rounds.setPatienceNanos(MILLISECOND);
        roundInVain(rounds, 0);
        assertEquals(MINUTE, rounds.patienceNanos());
    }

    @Test
    void aWaitThatEndsWhileSpinningRestoresPatience() throws Exception {
        var rounds = new BarrierRounds(2, null, MINUTE);
        rounds.setPatienceNanos(MINUTE / 2);
        var waiter = new Thread(() -> {
            try {
                arrive(rounds);
            } catch (InterruptedException | BrokenBarrierException | TimeoutException e) {
                Thread.currentThread().interrupt();
            }
        });
        waiter.start();
        Eventually.await("it waits", () -> rounds.arrived() == 1);
        assertEquals(0, arrive(rounds));
        waiter.join();
        assertEquals(MINUTE, rounds.patienceNanos());
    }
}
