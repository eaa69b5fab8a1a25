package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.libtorque.Torque;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Vcore;

class PerVcoreSchedulerTest extends SchedulerContractTest {
    @Override Scheduler scheduler() { return new PerVcoreScheduler(); }

    @Test void aVcoreWithoutWorkStealsHalfOfWhatAnotherHas() throws Exception {
        try (Torque torque = Runtimes.openTwo()) {
            Uthreads.of(torque).compensation(Duration.ZERO);
            PerVcoreScheduler scheduler = new PerVcoreScheduler();
            UthreadBuilder builder = Uthreads.of(torque).builder().scheduler(scheduler);
            CountDownLatch ran = new CountDownLatch(40);
            Thread first = builder.affinity(0).start(() -> {
                int here = Vcore.peek().index(); // it may have been stolen itself
                // The other one is held until all are there: else it takes the first ones one by one, as they come.
                AtomicBoolean held = new AtomicBoolean();
                CountDownLatch release = new CountDownLatch(1);
                torque.post(torque.vcores().get(1 - here).newColor().pin(), () -> {
                    held.set(true);
                    awaitQuietly(release);
                });
                while (!held.get()) Thread.onSpinWait();
                for (int i = 0; i < 40; i++) builder.affinity(here).start(ran::countDown);
                release.countDown();
                long deadline = System.nanoTime() + Eventually.scaled(Eventually.DEFAULT_LIMIT).toNanos() / 2;
                while (ran.getCount() > 0 && System.nanoTime() - deadline < 0) Thread.onSpinWait();
            });
            Runtimes.join(first);
            assertEquals(0, ran.getCount());
            assertTrue(scheduler.stolen() >= 40, "stole " + scheduler.stolen());
            assertTrue(scheduler.steals() < 40, scheduler.steals() + " times");
        }
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test void withoutStealingEverybodyStaysWhereHeWasPlaced() throws Exception {
        try (Torque torque = Runtimes.openTwo()) {
            Uthreads.of(torque).compensation(Duration.ZERO);
            PerVcoreScheduler scheduler = new PerVcoreScheduler().stealing(false).plannedVcores(2);
            UthreadBuilder builder = Uthreads.of(torque).builder().scheduler(scheduler);
            ConcurrentHashMap<Integer, Integer> placed = new ConcurrentHashMap<>();
            AtomicBoolean moved = new AtomicBoolean();
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                threads.add(builder.start(() -> {
                    int at = Vcore.current().index();
                    placed.merge(at, 1, Integer::sum);
                    for (int n = 0; n < 100; n++) {
                        if (n % 10 == 0) Uthread.parkNanos(this, 10_000);
                        else Thread.yield();
                        if (Vcore.current().index() != at) moved.set(true);
                    }
                }));
            }
            for (Thread thread : threads) Runtimes.join(thread);
            assertEquals(10, placed.get(0));
            assertEquals(10, placed.get(1));
            assertEquals(false, moved.get());
            assertEquals(0, scheduler.stolen());
        }
    }

    @Test void affinityIsKept() throws Exception {
        try (Torque torque = Runtimes.openTwo()) {
            Uthreads.of(torque).compensation(Duration.ZERO);
            PerVcoreScheduler scheduler = new PerVcoreScheduler().stealing(false);
            for (int at : new int[] {1, 0, 1, 1}) {
                int where = Runtimes.on(Uthreads.of(torque).builder().scheduler(scheduler).affinity(at), () -> Vcore.current().index());
                assertEquals(at, where);
            }
        }
    }

    @Test void vcoresAreAskedForAndGivenBack() throws Exception {
        try (Torque torque = Runtimes.openTwo()) {
            assertEquals(1, torque.requestVcores(1));
            Uthreads.of(torque).compensation(Duration.ZERO);
            PerVcoreScheduler scheduler = new PerVcoreScheduler().automaticVcores(true);
            UthreadBuilder builder = Uthreads.of(torque).builder().scheduler(scheduler);
            long resumes = torque.roster().resumes();
            behindALongOne(builder, 2, () -> { });
            assertTrue(torque.roster().resumes() > resumes, "asked for"); // and again, where it had been given back before the second thread was started
            Eventually.await("a vcore is given back", () -> torque.roster().working() == 1);
        }
    }

    @Test void aVcoreThatRunsALongThreadIsNotTakenForIdle() throws Exception {
        try (Torque torque = Runtimes.openTwo()) {
            assertEquals(1, torque.requestVcores(1));
            Uthreads.of(torque).compensation(Duration.ZERO);
            PerVcoreScheduler scheduler = new PerVcoreScheduler().automaticVcores(true);
            UthreadBuilder builder = Uthreads.of(torque).builder().scheduler(scheduler);
            Runtimes.join(builder.start(() -> { }));
            Eventually.await("one is idle", () -> scheduler.isIdle(0) || scheduler.isIdle(1));
            behindALongOne(builder, 1, () -> assertFalse(scheduler.isIdle(Vcore.peek().index())));
        }
    }

    @Test void whatIsQueuedWhileAVcoreGivesItselfBackIsRun() throws Exception {
        try (Torque torque = Runtimes.openTwo()) {
            Uthreads.of(torque).compensation(Duration.ZERO);
            UthreadBuilder builder = Uthreads.of(torque).builder().scheduler(new PerVcoreScheduler().automaticVcores(true));
            SplittableRandom random = new SplittableRandom(1);
            long patience = PerVcoreScheduler.patience().toNanos();
            for (int round = 0; round < 60; round++) {
                LockSupport.parkNanos(patience - 500_000 + random.nextLong(1_500_000)); // about when the second one goes
                int behind = 1 + round % 3;
                behindALongOne(builder, behind, () -> { });
            }
        }
    }

    @Test void whatIsQueuedWhileTheProgramParksAVcoreIsRun() throws Exception {
        try (Torque torque = Runtimes.openTwo()) {
            Uthreads.of(torque).compensation(Duration.ZERO);
            UthreadBuilder builder = Uthreads.of(torque).builder().scheduler(new PerVcoreScheduler().automaticVcores(true));
            SplittableRandom random = new SplittableRandom(2);
            for (int round = 0; round < 200; round++) {
                if (round % 2 == 0) torque.requestVcores(2);
                torque.requestVcores(1);
                if (round % 4 > 1) LockSupport.parkNanos(random.nextLong(100_000));
                behindALongOne(builder, 1 + round % 3, () -> { });
            }
        }
    }

    /** Has a thread start others and then keep its vcore until they have run. */
    private static void behindALongOne(UthreadBuilder builder, int others, Runnable check) throws Exception {
        AtomicBoolean stop = new AtomicBoolean();
        CountDownLatch ran = new CountDownLatch(others);
        CompletableFuture<Void> checked = new CompletableFuture<>();
        Thread busy = builder.start(() -> {
            try {
                check.run();
                checked.complete(null);
            } catch (Throwable e) {
                checked.completeExceptionally(e);
            }
            for (int i = 0; i < others; i++) builder.start(ran::countDown);
            while (!stop.get()) Thread.onSpinWait();
        });
        try {
            assertTrue(ran.await(Eventually.limitSeconds(), TimeUnit.SECONDS), "nobody ran what waits behind a long one");
        } finally {
            stop.set(true); // or the runtime could not be closed
        }
        Runtimes.join(busy);
        checked.get(Eventually.limitSeconds(), TimeUnit.SECONDS);
    }
}
