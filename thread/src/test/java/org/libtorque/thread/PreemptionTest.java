package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.libtorque.Torque;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Color;

class PreemptionTest {
    /** Ends also if the test has failed and nobody says so. */
    private static boolean mayGoOn(AtomicBoolean stop, long since) { return !stop.get() && System.nanoTime() - since < 60_000_000_000L; }

    private static Supplier<UthreadBuilder> builders(Torque torque, String scheduler) {
        Scheduler instance = scheduler.equals("queues") ? new PerVcoreScheduler() : scheduler.equals("global") ? new GlobalQueueScheduler() : null;
        return () -> instance == null ? Uthreads.of(torque).builder() : Uthreads.of(torque).builder().scheduler(instance);
    }

    @ParameterizedTest @ValueSource(strings = {"colours", "queues", "global"})
    void aThreadThatComputesIsPreemptedAtItsCheckpoints(String scheduler) throws Exception {
        try (Torque torque = Runtimes.open(1)) {
            Supplier<UthreadBuilder> builders = builders(torque, scheduler);
            Uthreads.of(torque).compensation(Duration.ZERO).schedulingPeriod(Duration.ofMillis(1));
            AtomicBoolean stop = new AtomicBoolean();
            Thread computing = builders.get().start(() -> {
                long begin = System.nanoTime();
                while (mayGoOn(stop, begin)) Uthread.checkpoint();
            });
            for (int i = 0; i < 5; i++) {
                CompletableFuture<Boolean> other = new CompletableFuture<>();
                builders.get().start(() -> other.complete(true));
                assertTrue(other.get(Eventually.limitSeconds(), TimeUnit.SECONDS));
            }
            stop.set(true);
            Runtimes.join(computing);
        }
    }

    @Test void whatHasItsColourIsLetIn() throws Exception {
        try (Torque torque = Runtimes.open(1)) {
            Uthreads.of(torque).compensation(Duration.ZERO).schedulingPeriod(Duration.ofMillis(1));
            AtomicBoolean stop = new AtomicBoolean();
            Color color = torque.newColor();
            Thread computing = torque.spawn(color, () -> {
                long begin = System.nanoTime();
                while (mayGoOn(stop, begin)) Uthread.checkpoint();
            });
            CompletableFuture<Boolean> callback = new CompletableFuture<>();
            torque.post(color, () -> callback.complete(true));
            assertTrue(callback.get(Eventually.limitSeconds(), TimeUnit.SECONDS));
            stop.set(true);
            Runtimes.join(computing);
        }
    }

    @Test void withoutAPeriodNobodyIs() throws Exception {
        try (Torque torque = Runtimes.open(1)) {
            AtomicBoolean stop = new AtomicBoolean();
            Uthreads uthreads = Uthreads.of(torque).compensation(Duration.ZERO).schedulingPeriod(Duration.ofMillis(1)).schedulingPeriod(Duration.ZERO);
            assertEquals(Duration.ZERO, uthreads.schedulingPeriod());
            Eventually.await("nothing is asked", () -> !Preemption.somebodyIsAsked());
            CountDownLatch computes = new CountDownLatch(1);
            Thread computing = uthreads.spawn(() -> {
                computes.countDown();
                long begin = System.nanoTime();
                while (mayGoOn(stop, begin)) Uthread.checkpoint();
            });
            assertTrue(computes.await(Eventually.limitSeconds(), TimeUnit.SECONDS));
            CompletableFuture<Boolean> other = new CompletableFuture<>();
            uthreads.spawn(() -> other.complete(true));
            assertThrows(TimeoutException.class, () -> other.get(200, TimeUnit.MILLISECONDS));
            uthreads.schedulingPeriod(Duration.ofMillis(1)); // while it computes
            assertTrue(other.get(Eventually.limitSeconds(), TimeUnit.SECONDS));
            stop.set(true);
            Runtimes.join(computing);
        }
    }

    @Test void aCheckpointElsewhereDoesNothing() throws ExecutionException, InterruptedException {
        try (Torque torque = Runtimes.open(1)) {
            Uthreads.of(torque).compensation(Duration.ZERO).schedulingPeriod(Duration.ofMillis(1));
            AtomicBoolean stop = new AtomicBoolean();
            Thread busy = torque.spawn(() -> {
                long begin = System.nanoTime();
                while (mayGoOn(stop, begin)) Thread.onSpinWait();
            });
            Eventually.await("the busy one is asked", Preemption::somebodyIsAsked);
            Uthread.checkpoint();
            assertTrue(Preemption.somebodyIsAsked());
            stop.set(true);
            Runtimes.join(busy);
            Eventually.await("what was asked of it is taken back", () -> !Preemption.somebodyIsAsked());
        }
        assertFalse(Preemption.somebodyIsAsked());
    }

    @Test void aPeriodIsNotNegative() {
        try (Torque torque = Runtimes.open(1)) {
            assertThrows(IllegalArgumentException.class, () -> Uthreads.of(torque).schedulingPeriod(Duration.ofMillis(-1)));
        }
    }
}
