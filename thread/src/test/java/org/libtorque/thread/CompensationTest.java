package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.libtorque.Torque;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Clock;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Monitor;
import org.libtorque.vcore.Vcore;

class CompensationTest {
    /** Keeps its vcore until told, and does nothing that gives it back. */
    private static final class Hog {
        final AtomicBoolean stop = new AtomicBoolean();
        final CountDownLatch runs = new CountDownLatch(1);
        final Thread thread;
        /** Where it runs: it may also begin on the spare, if that stands in because the machine had no time for the vcore's thread. */
        volatile Vcore vcore;

        Hog(UthreadBuilder builder) throws InterruptedException {
            thread = builder.name("hog").start(() -> {
                vcore = Vcore.peek();
                runs.countDown();
                long deadline = System.nanoTime() + 5 * Eventually.scaled(Eventually.DEFAULT_LIMIT).toNanos(); // if the test fails
                while (!stop.get() && System.nanoTime() - deadline < 0) Thread.onSpinWait();
            });
            assertTrue(runs.await(Eventually.limitSeconds(), TimeUnit.SECONDS));
        }

        void end() throws InterruptedException {
            stop.set(true);
            Runtimes.join(thread);
        }
    }

    /** Keeps what the monitor says. */
    private static final class Reports implements Monitor.Listener {
        final List<Monitor.Overstay> overstays = new CopyOnWriteArrayList<>();
        final List<Monitor.NeverIdle> neverIdle = new CopyOnWriteArrayList<>();

        @Override public void onOverstay(Monitor.Overstay report) { overstays.add(report); }

        @Override public void onNeverIdle(Monitor.NeverIdle report) { neverIdle.add(report); }
    }

    private static boolean isOfTheHog(List<StackTraceElement> stack) { return stack.stream().anyMatch(frame -> frame.getClassName().equals(Hog.class.getName())); }

    @Test void theMonitorShowsTheStackOfTheThreadThatIsMountedAndLeavesToCompensationWhatThatReports() throws Exception {
        try (Torque torque = Torque.open(Runtimes.options(1).withOverstay(Duration.ZERO))) {
            Uthreads uthreads = Uthreads.of(torque);
            for (boolean compensated : new boolean[] {false, true}) {
                uthreads.compensation(compensated ? Compensation.DEFAULT_BOUND : Duration.ZERO);
                Reports reports = new Reports();
                Hog hog = new Hog(uthreads.builder());
                List<Vcore> where = List.of(hog.vcore);
                try (var monitor = new Monitor(where, Clock.SYSTEM, reports, Duration.ofMillis(20), Duration.ofMillis(40))) {
                    monitor.start();
                    Eventually.await("the colour is reported", () -> reports.neverIdle.stream().anyMatch(r -> isOfTheHog(r.stack())));
                    if (!compensated) Eventually.await("the thread is reported", () -> reports.overstays.stream().anyMatch(r -> isOfTheHog(r.stack())));
                }
                if (compensated) assertEquals(List.of(), reports.overstays);
                hog.end();
            }
        }
    }

    @Test void whatWaitsBehindAHogIsDoneByAnother() throws Exception {
        try (Torque torque = Runtimes.open(1)) {
            Uthreads uthreads = Uthreads.of(torque);
            CompletableFuture<Boolean> timer = new CompletableFuture<>();
            CompletableFuture<Boolean> slept = new CompletableFuture<>();
            torque.spawn(() -> {
                try {
                    Uthread.sleep(Duration.ofMillis(100));
                    slept.complete(true);
                } catch (InterruptedException e) {
                    slept.completeExceptionally(e);
                }
            });
            Color color = torque.newColor();
            torque.post(color, () -> { });
            Hog hog = new Hog(uthreads.builder());
            torque.after(Duration.ofMillis(5), () -> timer.complete(true));
            CompletableFuture<Thread> callback = new CompletableFuture<>();
            torque.post(color, () -> callback.complete(Thread.currentThread()));
            CompletableFuture<Vcore> other = new CompletableFuture<>();
            torque.spawn(() -> {
                Thread.yield();
                Uthread.parkNanos(this, 1_000_000);
                other.complete(Vcore.current());
            });
            assertTrue(callback.get(Eventually.limitSeconds(), TimeUnit.SECONDS) != null);
            assertTrue(slept.get(Eventually.limitSeconds(), TimeUnit.SECONDS));
            assertTrue(other.get(Eventually.limitSeconds(), TimeUnit.SECONDS) != hog.vcore);
            assertEquals(torque.vcores().getFirst().cpu(), other.get().cpu());
            assertTrue(uthreads.compensations() >= 1);
            hog.end();
            // And afterwards the vcore does it itself again, the timer that had to be started there included.
            assertTrue(timer.get(Eventually.limitSeconds(), TimeUnit.SECONDS));
            Eventually.await("the vcore runs threads itself again", () -> {
                try {
                    return Runtimes.on(torque, Vcore::current) == torque.vcores().getFirst();
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            });
        }
    }

    @ParameterizedTest @ValueSource(strings = {"queues", "queues without stealing", "global"})
    void schedulersGoOnAsWell(String kind) throws Exception {
        try (Torque torque = Runtimes.open(1)) {
            Scheduler scheduler = kind.equals("global") ? new GlobalQueueScheduler() : new PerVcoreScheduler().stealing(kind.equals("queues"));
            UthreadBuilder builder = Uthreads.of(torque).builder().scheduler(scheduler);
            AtomicInteger steps = new AtomicInteger();
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 10; i++) threads.add(builder.start(() -> {
                for (int n = 0; n < 2_000_000 && !Thread.currentThread().isInterrupted(); n++) {
                    if (n % 100 == 0) Uthread.parkNanos(this, 100_000);
                    else Thread.yield();
                    steps.incrementAndGet();
                }
            }));
            for (int round = 0; round < 3; round++) {
                Hog hog = new Hog(builder);
                int before = steps.get();
                Eventually.await("the others go on", () -> steps.get() > before + 1_000);
                CompletableFuture<Boolean> fresh = new CompletableFuture<>();
                builder.start(() -> fresh.complete(true));
                assertTrue(fresh.get(Eventually.limitSeconds(), TimeUnit.SECONDS));
                hog.end();
                int after = steps.get();
                Eventually.await("the others go on afterwards", () -> steps.get() > after + 1_000);
            }
            for (Thread thread : threads) thread.interrupt();
            for (Thread thread : threads) Runtimes.join(thread);
            assertTrue(Uthreads.of(torque).compensations() >= 1); // a hog may also begin on the spare, while that still stands in
        }
    }

    @Test void coloursStayExclusiveMeanwhile() throws Exception {
        try (Torque torque = Runtimes.open(2)) {
            Color color = torque.newColor();
            AtomicInteger inside = new AtomicInteger();
            AtomicInteger broken = new AtomicInteger();
            int[] sum = new int[1];
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                threads.add(torque.spawn(color, () -> {
                    for (int n = 0; n < 300; n++) {
                        if (inside.incrementAndGet() != 1) broken.incrementAndGet();
                        sum[0]++;
                        inside.decrementAndGet();
                        if (n % 3 == 0) Uthread.parkNanos(this, 50_000);
                        else Thread.yield();
                    }
                }));
            }
            // Hogs that come and go: of some milliseconds, around the bound.
            Uthreads.of(torque).compensation(Duration.ofMillis(2));
            for (int i = 0; i < 30; i++) {
                long until = i % 5;
                threads.add(torque.spawn(() -> {
                    long end = System.nanoTime() + until * 1_500_000;
                    while (System.nanoTime() - end < 0) {
                        Thread peer = threads.getFirst();
                        LockSupport.unpark(peer); // comes back into code of ours all the time
                    }
                }));
                Thread.sleep(3);
            }
            for (Thread thread : threads) Runtimes.join(thread);
            assertEquals(0, broken.get());
            assertEquals(20 * 300, sum[0]);
        }
    }

    @Test void asManyHogsAsThereAreVcoresAreStoodInForAndNoMore() throws Exception {
        try (Torque torque = Runtimes.open(1)) {
            Uthreads uthreads = Uthreads.of(torque).compensation(Duration.ofMillis(5));
            Hog first = new Hog(uthreads.builder());
            Hog second = new Hog(uthreads.builder()); // on the spare
            CountDownLatch third = new CountDownLatch(1);
            uthreads.spawn(third::countDown);
            assertEquals(false, third.await(300, TimeUnit.MILLISECONDS), "there is one spare, and it has a hog");
            assertEquals(1, uthreads.compensations());
            second.end();
            assertTrue(third.await(Eventually.limitSeconds(), TimeUnit.SECONDS));
            first.end();
        }
    }

    @Test void withoutABoundNobodyStandsIn() throws Exception {
        try (Torque torque = Runtimes.open(1)) {
            Uthreads uthreads = Uthreads.of(torque).compensation(Duration.ZERO);
            Hog hog = new Hog(uthreads.builder());
            CountDownLatch other = new CountDownLatch(1);
            uthreads.spawn(other::countDown);
            assertEquals(false, other.await(300, TimeUnit.MILLISECONDS));
            assertEquals(0, uthreads.compensations());
            uthreads.compensation(Duration.ofMillis(2));
            assertTrue(other.await(Eventually.limitSeconds(), TimeUnit.SECONDS));
            hog.end();
        }
    }

    @Test void aRuntimeEndsWhileSomebodyStandsIn() throws Exception {
        Hog hog;
        Thread stopper;
        try (Torque torque = Runtimes.open(2)) {
            Uthreads uthreads = Uthreads.of(torque).compensation(Duration.ofMillis(2));
            hog = new Hog(uthreads.builder());
            for (int i = 0; i < 20; i++) uthreads.spawn(() -> Uthread.parkNanos(this, 30_000_000));
            Eventually.await("somebody stands in", () -> uthreads.compensations() > 0);
            Hog ending = hog;
            stopper = Thread.ofPlatform().start(() -> {
                LockSupport.parkNanos(50_000_000);
                ending.stop.set(true);
            });
        }
        Runtimes.join(hog.thread);
        stopper.join();
    }
}
