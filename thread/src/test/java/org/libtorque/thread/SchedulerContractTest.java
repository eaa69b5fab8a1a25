package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.libtorque.Torque;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.jdk.JdkThreads;

/** What every scheduler must do. */
abstract class SchedulerContractTest {
    abstract Scheduler scheduler();

    /** Whether it takes turns without allocating, once it is warm. */
    boolean allocatesNothing() { return true; }

    @ParameterizedTest @ValueSource(ints = {1, 2})
    void everyThreadComesToItsEnd(int vcores) throws Exception {
        try (Torque torque = Runtimes.open(vcores)) {
            UthreadBuilder builder = Uthreads.of(torque).builder().scheduler(scheduler());
            AtomicInteger steps = new AtomicInteger();
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 400; i++) {
                int kind = i % 4;
                threads.add(builder.start(() -> {
                    for (int n = 0; n < 25; n++) {
                        switch (kind) {
                            case 0 -> Uthread.yield();
                            case 1 -> Uthread.parkNanos(this, 200_000);
                            case 2 -> Thread.yield();
                            default -> {
                                Thread self = Thread.currentThread();
                                if (n % 2 == 0) builder.start(() -> LockSupport.unpark(self));
                                else LockSupport.unpark(self);
                                LockSupport.park();
                            }
                        }
                        steps.incrementAndGet();
                    }
                }));
            }
            for (Thread thread : threads) Runtimes.join(thread);
            assertEquals(400 * 25, steps.get());
            Eventually.await("nobody is left", () -> Uthreads.of(torque).alive() == 0);
        }
    }

    @ParameterizedTest @ValueSource(ints = {1, 2})
    void noWakeUpIsLost(int vcores) throws Exception {
        try (Torque torque = Runtimes.open(vcores)) {
            UthreadBuilder builder = Uthreads.of(torque).builder().scheduler(scheduler());
            int rounds = 20_000;
            AtomicInteger turn = new AtomicInteger();
            Thread[] pair = new Thread[2];
            for (int i = 0; i < 2; i++) {
                int self = i;
                pair[i] = builder.unstarted(() -> {
                    for (int n = 0; n < rounds; n++) {
                        while (turn.get() != self) LockSupport.park(this);
                        turn.set(1 - self);
                        LockSupport.unpark(pair[1 - self]);
                    }
                });
            }
            pair[0].start();
            pair[1].start();
            // And wakers from outside the vcores, for nothing.
            for (int i = 0; i < 200; i++) {
                LockSupport.unpark(pair[i & 1]);
                Thread.sleep(1);
                if (!pair[0].isAlive() && !pair[1].isAlive()) break;
            }
            for (Thread thread : pair) Runtimes.join(thread);
        }
    }

    @Test void threadsRunOnTheVcoresBesideCallbacks() throws Exception {
        try (Torque torque = Runtimes.open(1)) {
            AtomicBoolean stop = new AtomicBoolean();
            Thread spinning = Uthreads.of(torque).builder().scheduler(scheduler()).start(() -> {
                while (!stop.get()) Thread.yield();
            });
            CompletableFuture<Boolean> posted = new CompletableFuture<>();
            torque.post(() -> posted.complete(true));
            assertTrue(posted.get(Eventually.limitSeconds(), TimeUnit.SECONDS));
            CompletableFuture<Boolean> timer = new CompletableFuture<>();
            torque.after(Duration.ofMillis(3), () -> timer.complete(true));
            assertTrue(timer.get(Eventually.limitSeconds(), TimeUnit.SECONDS));
            stop.set(true);
            Runtimes.join(spinning);
        }
    }

    @Test void whatRunsLongLeavesTheOthersToTheOtherVcore() throws Exception {
        try (Torque torque = Runtimes.openTwo()) {
            Uthreads.of(torque).compensation(Duration.ZERO); // the other vcore shall do it
            UthreadBuilder builder = Uthreads.of(torque).builder().scheduler(scheduler());
            int threads = 20;
            CountDownLatch others = new CountDownLatch(threads);
            AtomicReference<String> busy = new AtomicReference<>();
            // The first one starts the others on its vcore and then keeps it until they have all run.
            Thread first = builder.start(() -> {
                busy.set(JdkThreads.carrier().getName());
                for (int i = 0; i < threads; i++) builder.start(others::countDown);
                long deadline = System.nanoTime() + Eventually.scaled(Eventually.DEFAULT_LIMIT).toNanos() / 2;
                while (others.getCount() > 0 && System.nanoTime() - deadline < 0) Thread.onSpinWait();
            });
            Runtimes.join(first);
            assertEquals(0, others.getCount());
            assertNotNull(busy.get());
        }
    }

    @Test void vcoresMayComeAndGo() throws Exception {
        try (Torque torque = Runtimes.open(2)) {
            UthreadBuilder builder = Uthreads.of(torque).builder().scheduler(scheduler());
            AtomicInteger steps = new AtomicInteger();
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                threads.add(builder.start(() -> {
                    for (int n = 0; n < 200; n++) {
                        if (n % 20 == 0) Uthread.parkNanos(this, 500_000);
                        else Thread.yield();
                    }
                    steps.incrementAndGet();
                }));
            }
            for (int i = 0; i < 20; i++) {
                torque.requestVcores(1 + i % 2);
                Thread.sleep(2);
            }
            for (Thread thread : threads) Runtimes.join(thread);
            assertEquals(50, steps.get());
        }
    }

    @Test void yieldReturnsAtOnceIfNobodyElseCanRun() throws Exception {
        try (Torque torque = Runtimes.open(1)) {
            Scheduler scheduler = scheduler();
            UthreadBuilder builder = Uthreads.of(torque).compensation(Duration.ZERO).builder().scheduler(scheduler); // all switches are on one vcore
            long[] switches = new long[2];
            Runtimes.on(builder, () -> {
                switches[0] = scheduler.context(0).switches();
                for (int i = 0; i < 1_000; i++) Uthread.yield();
                switches[1] = scheduler.context(0).switches();
                return null;
            });
            assertTrue(switches[1] - switches[0] < 100, "switched " + (switches[1] - switches[0]) + " times in 1,000 yields");
            Uthreads.of(torque).shortCircuitYield(false);
            Runtimes.on(builder, () -> {
                switches[0] = scheduler.context(0).switches();
                for (int i = 0; i < 1_000; i++) Uthread.yield();
                switches[1] = scheduler.context(0).switches();
                return null;
            });
            assertEquals(1_000, switches[1] - switches[0]);
        }
    }

    private Function<Torque, UthreadBuilder> newThreads() { return torque -> Uthreads.of(torque).builder().scheduler(scheduler()); }

    private Function<Torque, UthreadBuilder> threads() {
        Scheduler scheduler = scheduler();
        return torque -> Uthreads.of(torque).builder().scheduler(scheduler);
    }

    @ParameterizedTest @ValueSource(ints = {0, 1, 2, 3})
    void nobodyIsLostWhenTheRuntimeStops(int round) throws Exception { StopContract.nobodyIsLost(threads(), round); }

    @Test void whoCanRunWhenTheRuntimeStopsIsWaitedFor() throws Exception { StopContract.whoCanRunIsWaitedFor(threads()); }

    @Test void stoppingWithoutClosingLosesNobody() throws Exception { StopContract.stoppingWithoutClosingLosesNobody(threads()); }

    @ParameterizedTest @EnumSource(Fault.Kind.class)
    void afterAFaultWhatWasMendedIsDoneAgain(Fault.Kind what) throws Exception { FaultContract.whatWasMendedIsDoneAgain(newThreads(), what); }

    @ParameterizedTest @EnumSource(Fault.Kind.class)
    void afterAFaultASubstituteStandsIn(Fault.Kind what) throws Exception { FaultContract.aSubstituteStandsIn(newThreads(), what); }

    @ParameterizedTest @EnumSource(Fault.Kind.class)
    void afterAFaultAnActionCanBeRunAgainOrCountAsDone(Fault.Kind what) throws Exception { FaultContract.anActionCanBeRunAgainOrCountAsDone(newThreads(), what); }

    @ParameterizedTest @EnumSource(Fault.Kind.class)
    void whoIsKilledForAFaultEndsAndNobodyElse(Fault.Kind what) throws Exception { FaultContract.whoIsKilledEndsAndNobodyElse(newThreads(), what); }

    @ParameterizedTest @EnumSource(Fault.Kind.class)
    void afterAFaultAbortStopsTheRuntime(Fault.Kind what) throws Exception { FaultContract.abortStopsTheRuntime(newThreads(), what); }

    @Test void whoIsNotDecidedAboutAfterAFaultIsKilled() throws Exception { FaultContract.whoIsNotDecidedAboutIsKilled(newThreads()); }

    @Test void noGuardedOperationReturnsWhatItHasNotRead() throws Exception { FaultContract.noGuardedOperationReturnsWhatItHasNotRead(newThreads()); }

    @Test void whoOutlivesTheRuntimeComesToItsEnd() throws Exception {
        CompletableFuture<String> end = new CompletableFuture<>();
        Thread parked;
        Thread yielding;
        AtomicBoolean stop = new AtomicBoolean();
        try (Torque torque = Runtimes.open(2)) {
            UthreadBuilder builder = Uthreads.of(torque).builder().scheduler(scheduler());
            parked = builder.start(() -> {
                while (!Thread.currentThread().isInterrupted()) LockSupport.park();
                Uthread.yield();
                Thread.yield();
                end.complete(JdkThreads.carrier().getName());
            });
            yielding = builder.start(() -> {
                while (!stop.get()) Thread.yield();
            });
            Eventually.await("it is parked", () -> parked.getState() == Thread.State.WAITING);
        }
        parked.interrupt();
        assertEquals("torque-orphans", end.get(Eventually.limitSeconds(), TimeUnit.SECONDS));
        stop.set(true);
        Runtimes.join(parked);
        Runtimes.join(yielding);
        assertFalse(yielding.isAlive());
    }

    @Test void switchingAllocatesNothing() throws Exception {
        if (allocatesNothing()) SwitchContract.allocatesNothing(threads());
    }
}
