package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.libtorque.Torque;
import org.libtorque.hardware.CpuSet;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Balance;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Task;
import org.libtorque.vcore.Vcore;
import org.libtorque.vcore.VcoreThread;
import org.libtorque.vcore.jdk.JdkThreads;

class UthreadSystemTest {
    @ParameterizedTest @ValueSource(ints = {1, 2})
    void aUthreadRunsOnAVcoreAndKnowsWhere(int vcores) throws Exception {
        try (Torque torque = Runtimes.open(vcores)) {
            assertNull(Uthreads.of(torque).problem());
            Runtimes.on(torque, () -> {
                assertTrue(Thread.currentThread().isVirtual());
                VcoreThread carrier = assertInstanceOf(VcoreThread.class, JdkThreads.carrier());
                Vcore here = Vcore.current();
                assertSame(carrier.vcore(), here);
                assertTrue(torque.vcores().contains(here));
                assertTrue(here.isCurrent());
                assertNotNull(Vcore.currentColor());
                assertSame(Thread.currentThread(), Uthread.current().thread());
                return null;
            });
        }
    }

    @ParameterizedTest @ValueSource(ints = {1, 2})
    void aBarrierThatAUthreadMakesSpinsIfThereIsAVcoreForEachParty(int vcores) throws Exception {
        int cpus = CpuSet.allowed().size();
        try (Torque torque = Runtimes.open(vcores)) {
            Runtimes.on(torque, () -> {
                assertEquals(Math.min(vcores, cpus), Cpus.here());
                assertEquals(vcores <= cpus, Barrier.defaultSpinNanos(vcores) > 0);
                assertEquals(0, Barrier.defaultSpinNanos(vcores + 1));
                return null;
            });
        }
        assertEquals(cpus, Cpus.here());
    }

    @Test void elsewhereThereIsNoCurrentUthread() throws Exception {
        try (Torque torque = Runtimes.open(1)) {
            assertNull(Uthread.current());
            CompletableFuture<Uthread> inCallback = new CompletableFuture<>();
            torque.post(() -> inCallback.complete(Uthread.current()));
            assertNull(inCallback.get(Eventually.limitSeconds(), TimeUnit.SECONDS));
            CompletableFuture<Object> inOther = new CompletableFuture<>();
            Thread.ofVirtual().start(() -> inOther.complete(Uthread.current() == null && Vcore.current() == null));
            assertEquals(true, inOther.get(Eventually.limitSeconds(), TimeUnit.SECONDS));
        }
    }

    @Test void theFacadeSpawns() throws Exception {
        try (Torque torque = Runtimes.open(2)) {
            Color color = torque.newColor();
            CompletableFuture<Color> ran = new CompletableFuture<>();
            Thread thread = torque.spawn(color, () -> ran.complete(Vcore.currentColor()));
            assertSame(color, ran.get(Eventually.limitSeconds(), TimeUnit.SECONDS));
            Runtimes.join(thread);
            Runtimes.join(torque.spawn(() -> { }));
            assertEquals(2, Uthreads.of(torque).started());
            Eventually.await("both are known to have ended", () -> Uthreads.of(torque).alive() == 0);
        }
    }

    @Test void aThreadThatWaitsGivesItsVcoreBack() throws Exception {
        try (Torque torque = Runtimes.open(1)) {
            AtomicReference<Thread> waiter = new AtomicReference<>();
            Thread thread = torque.spawn(() -> {
                waiter.set(Thread.currentThread());
                LockSupport.park();
            });
            Eventually.await("it is parked", () -> waiter.get() != null && thread.getState() == Thread.State.WAITING);
            CompletableFuture<Boolean> ran = new CompletableFuture<>();
            torque.post(() -> ran.complete(true));
            assertTrue(ran.get(Eventually.limitSeconds(), TimeUnit.SECONDS));
            Runtimes.join(torque.spawn(() -> LockSupport.unpark(waiter.get())));
            Runtimes.join(thread);
        }
    }

    @ParameterizedTest @ValueSource(ints = {1, 2})
    void aColourIsNeverInParallelWithItself(int vcores) throws Exception {
        try (Torque torque = Runtimes.open(vcores)) {
            Color color = torque.newColor();
            AtomicInteger inside = new AtomicInteger();
            AtomicInteger broken = new AtomicInteger();
            int[] unsynchronised = new int[1];
            Runnable brief = () -> {
                if (inside.incrementAndGet() != 1) broken.incrementAndGet();
                unsynchronised[0]++;
                inside.decrementAndGet();
            };
            int threads = 8;
            int rounds = 500;
            List<Thread> started = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                int kind = i % 4;
                started.add(torque.spawn(color, () -> {
                    for (int n = 0; n < rounds; n++) {
                        brief.run();
                        switch (kind) {
                            case 0 -> Thread.yield();
                            case 1 -> Uthread.parkNanos(this, 1_000);
                            case 2 -> torque.post(color, brief);
                            default -> Uthread.yield();
                        }
                    }
                }));
            }
            for (Thread thread : started) Runtimes.join(thread);
            int posted = threads / 4 * rounds;
            CountDownLatch last = new CountDownLatch(1);
            torque.post(color, last::countDown);
            assertTrue(last.await(Eventually.limitSeconds(), TimeUnit.SECONDS));
            assertEquals(0, broken.get());
            assertEquals(threads * rounds + posted, unsynchronised[0]);
        }
    }

    @Test void whileAThreadWaitsItsColourDoesOtherThings() throws Exception {
        try (Torque torque = Runtimes.open(1)) {
            Color color = torque.newColor();
            List<String> seen = new ArrayList<>(); // of that colour: needs no lock
            Thread thread = torque.spawn(color, () -> {
                seen.add("before");
                Thread self = Thread.currentThread();
                torque.post(color, () -> {
                    seen.add("callback");
                    LockSupport.unpark(self);
                });
                while (seen.size() < 2) LockSupport.park();
                seen.add("after");
            });
            Runtimes.join(thread);
            assertEquals(List.of("before", "callback", "after"), seen);
        }
    }

    /**
     * Turns are shared out by time, so on a machine that takes the CPU away now and then, who happens to run at that time has had more of it and gets fewer turns for a while. Here time is
     * the test's, and every turn takes as long.
     */
    @Test void yieldLetsEverybodyElseRun() throws Exception {
        int threads = 5;
        int rounds = 2_000;
        int[] turns = new int[threads];
        int[] worst = new int[1];
        try (Torque torque = Runtimes.open(1); PlayedVcore play = new PlayedVcore()) {
            List<Thread> all = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                int self = i;
                Uthread uthread = new Uthread(Uthreads.of(torque));
                Thread thread = JdkThreads.builder(new ColoredUthread(uthread, play.vcore.newColor(), false)).unstarted(() -> {
                    for (int n = 0; n < rounds; n++) {
                        play.clock.advance(1_000);
                        int before = turns[self]++;
                        worst[0] = Math.max(worst[0], before + 1 - Arrays.stream(turns).min().getAsInt());
                        if (n % 2 == 0) Thread.yield();
                        else Uthread.yield();
                    }
                    turns[self] = Integer.MAX_VALUE;
                });
                uthread.thread(thread);
                all.add(thread);
            }
            AtomicReference<Throwable> failure = new AtomicReference<>();
            Thread carrier = new VcoreThread(play.vcore, () -> {
                for (Thread thread : all) thread.start();
                play.settle();
            });
            carrier.setUncaughtExceptionHandler((thread, e) -> failure.set(e));
            carrier.start();
            Runtimes.join(carrier);
            assertNull(failure.get());
            assertEquals(List.of(), play.failures);
            for (Thread thread : all) assertFalse(thread.isAlive());
        }
        assertEquals(1, worst[0], "somebody was " + worst[0] + " turns ahead of somebody else");
    }

    @Test void whoYieldsForEverDoesNotHoldUpTheLoop() throws Exception {
        try (Torque torque = Runtimes.open(1)) {
            AtomicInteger stop = new AtomicInteger();
            Thread thread = torque.spawn(() -> {
                while (stop.get() == 0) Uthread.yield();
            });
            CompletableFuture<Boolean> timer = new CompletableFuture<>();
            torque.after(Duration.ofMillis(5), () -> timer.complete(true));
            assertTrue(timer.get(Eventually.limitSeconds(), TimeUnit.SECONDS));
            stop.set(1);
            Runtimes.join(thread);
        }
    }

    @ParameterizedTest @ValueSource(ints = {1, 2})
    void sleepIsNeverShort(int vcores) throws Exception {
        try (Torque torque = Runtimes.open(vcores)) {
            List<Thread> threads = new ArrayList<>();
            AtomicInteger tooShort = new AtomicInteger();
            for (int i = 0; i < 50; i++) {
                long millis = i % 7;
                threads.add(torque.spawn(() -> {
                    for (int n = 0; n < 5; n++) {
                        long before = System.nanoTime();
                        try {
                            Uthread.sleep(Duration.ofMillis(millis));
                        } catch (InterruptedException e) {
                            tooShort.incrementAndGet();
                        }
                        if (System.nanoTime() - before < millis * 1_000_000) tooShort.incrementAndGet();
                    }
                }));
            }
            for (Thread thread : threads) Runtimes.join(thread);
            assertEquals(0, tooShort.get());
        }
    }

    @Test void anInterruptEndsASleep() throws Exception {
        try (Torque torque = Runtimes.open(1)) {
            CompletableFuture<Boolean> status = new CompletableFuture<>();
            Thread thread = torque.spawn(() -> {
                try {
                    Uthread.sleep(Duration.ofDays(365_000));
                } catch (InterruptedException e) {
                    status.complete(Thread.currentThread().isInterrupted());
                }
            });
            Eventually.await("it sleeps", () -> thread.getState() == Thread.State.WAITING);
            thread.interrupt();
            assertFalse(status.get(Eventually.limitSeconds(), TimeUnit.SECONDS));
        }
    }

    @Test void aTimerLeftBehindIsCancelledWhereItIs() throws Exception {
        try (Torque torque = Runtimes.openTwo()) {
            AtomicInteger woken = new AtomicInteger();
            Thread thread = torque.spawn(() -> {
                ParkTimer timer = new ParkTimer(Thread.currentThread());
                Vcore here = Vcore.current();
                timer.arm(here, System.nanoTime() + Duration.ofHours(1).toNanos());
                Vcore other = torque.vcores().get(1 - here.index());
                if (timer.disarm(other)) woken.set(-100); // as if it had gone on there
                else woken.incrementAndGet();
                Eventually.await("its vcore has taken it off its wheel", () -> !timer.isScheduled());
            });
            // The thread above keeps its vcore, so the task that cancels must find it free: the await polls, and parks in between.
            Runtimes.join(thread);
            assertEquals(1, woken.get());
        }
    }

    @ParameterizedTest @ValueSource(ints = {1, 2})
    void whatTheJdkHasForWaitingWorks(int vcores) throws Exception {
        try (Torque torque = Runtimes.open(vcores)) {
            int rounds = 200;
            ArrayBlockingQueue<Integer> queue = new ArrayBlockingQueue<>(2);
            ReentrantLock lock = new ReentrantLock();
            Object monitor = new Object();
            int[] guarded = new int[2];
            long[] sum = new long[1];
            List<Thread> threads = new ArrayList<>();
            threads.add(torque.spawn(() -> {
                for (int i = 0; i < rounds; i++) uninterrupted(() -> queue.put(1));
            }));
            threads.add(torque.spawn(() -> {
                for (int i = 0; i < rounds; i++) uninterrupted(() -> sum[0] += queue.take());
            }));
            for (int t = 0; t < 4; t++) {
                threads.add(torque.spawn(() -> {
                    for (int i = 0; i < rounds; i++) {
                        lock.lock();
                        try {
                            guarded[0]++;
                            if (i % 50 == 0) Thread.yield();
                        } finally {
                            lock.unlock();
                        }
                        synchronized (monitor) {
                            guarded[1]++;
                            if (i % 50 == 0) Thread.yield(); // holding it: the others are taken off their vcore
                        }
                    }
                }));
            }
            CompletableFuture<Long> slept = new CompletableFuture<>();
            threads.add(torque.spawn(() -> uninterrupted(() -> {
                long before = System.nanoTime();
                Thread.sleep(5);
                synchronized (monitor) { monitor.wait(5); }
                slept.complete(System.nanoTime() - before);
            })));
            for (Thread thread : threads) Runtimes.join(thread);
            assertEquals(rounds, sum[0]);
            assertEquals(4 * rounds, guarded[0]);
            assertEquals(4 * rounds, guarded[1]);
            assertTrue(slept.get() >= 10_000_000);
        }
    }

    @Test void blockingSocketsOfTheJdkWork() throws Exception {
        try (Torque torque = Runtimes.open(1); ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            Thread serving = torque.spawn(() -> uninterrupted(() -> {
                try (Socket peer = server.accept()) {
                    peer.getOutputStream().write(peer.getInputStream().read() + 1);
                }
            }));
            // Client and server wait for each other on one vcore.
            int answer = Runtimes.on(torque, () -> {
                try (Socket socket = new Socket(server.getInetAddress(), server.getLocalPort())) {
                    socket.getOutputStream().write(41);
                    return socket.getInputStream().read();
                }
            });
            assertEquals(42, answer);
            Runtimes.join(serving);
        }
    }

    @Test void threadsThatAUthreadMakesRunOnTheVcoresToo() throws Exception {
        try (Torque torque = Runtimes.open(2)) {
            Color color = torque.newColor();
            Runtimes.on(Uthreads.of(torque).builder().color(color), () -> {
                CompletableFuture<Color> childs = new CompletableFuture<>();
                Thread.startVirtualThread(() -> {
                    Thread.yield();
                    assertSame(Thread.currentThread(), Uthread.current().thread());
                    childs.complete(Vcore.currentColor());
                });
                assertSame(color, childs.get(Eventually.limitSeconds(), TimeUnit.SECONDS));
                return null;
            });
            Runtimes.on(torque, () -> {
                Color own = Vcore.currentColor();
                CompletableFuture<Color> childs = new CompletableFuture<>();
                CompletableFuture<Uthread> before = new CompletableFuture<>();
                CompletableFuture<Uthread> after = new CompletableFuture<>();
                Thread.startVirtualThread(() -> {
                    before.complete(Uthread.current());
                    try {
                        Uthread.sleep(Duration.ofMillis(2));
                    } catch (InterruptedException e) {
                        after.completeExceptionally(e);
                    }
                    after.complete(Uthread.current());
                    childs.complete(Vcore.currentColor());
                });
                assertNotSame(own, childs.get(Eventually.limitSeconds(), TimeUnit.SECONDS));
                assertSame(before.get(), after.get());
                return null;
            });
        }
    }

    @Test void anExecutorRunsEachTaskOnAThread() throws Exception {
        try (Torque torque = Runtimes.open(2)) {
            List<Future<String>> results = new ArrayList<>();
            try (var executor = Uthreads.of(torque).compensation(Duration.ZERO).executor()) { // else a spare may stand in
                for (int i = 0; i < 100; i++) {
                    results.add(executor.submit(() -> {
                        Uthread.sleep(Duration.ofMillis(1));
                        return JdkThreads.carrier().getName();
                    }));
                }
            }
            for (Future<String> result : results) {
                assertTrue(result.isDone());
                assertTrue(result.get().startsWith("torque-vcore-"), result.get());
            }
        }
    }

    @Test void namesAreAsAskedFor() throws Exception {
        try (Torque torque = Runtimes.open(1)) {
            Uthreads uthreads = Uthreads.of(torque);
            assertEquals("one", uthreads.builder().name("one").unstarted(() -> { }).getName());
            UthreadBuilder counted = uthreads.builder().name("worker-", 7);
            assertEquals("worker-7", counted.unstarted(() -> { }).getName());
            assertEquals("worker-8", counted.unstarted(() -> { }).getName());
            var factory = counted.factory();
            assertEquals("worker-9", factory.newThread(() -> { }).getName());
            assertEquals("worker-10", factory.newThread(() -> { }).getName());
            assertEquals("", uthreads.newThread(() -> { }).getName());
        }
    }

    private static void waitForInterrupt() {
        while (!Thread.currentThread().isInterrupted()) LockSupport.park();
    }

    @Test void whatAThreadLetsOutGoesToTheFailureHandler() throws Exception {
        AtomicReference<Object> where = new AtomicReference<>();
        AtomicReference<Throwable> what = new AtomicReference<>();
        try (Torque torque = Torque.open(Runtimes.options(1).withFailureHandler((at, failure) -> {
            where.set(at);
            what.set(failure);
        }))) {
            Thread thread = torque.spawn(() -> {
                throw new IllegalStateException("let out");
            });
            Runtimes.join(thread);
            assertSame(thread, where.get());
            assertEquals("let out", what.get().getMessage());
            AtomicReference<Throwable> own = new AtomicReference<>();
            Runtimes.join(Uthreads.of(torque).builder().uncaughtExceptionHandler((t, e) -> own.set(e)).start(() -> {
                throw new IllegalStateException("also");
            }));
            assertEquals("also", own.get().getMessage());
            assertEquals("let out", what.get().getMessage());
        }
    }

    private static final Function<Torque, UthreadBuilder> OWN_COLORS = torque -> Uthreads.of(torque).builder();

    private static final Function<Torque, UthreadBuilder> ONE_COLOR = torque -> Uthreads.of(torque).builder().color(torque.newColor());

    @ParameterizedTest @ValueSource(ints = {0, 1, 2, 3})
    void nobodyIsLostWhenTheRuntimeStops(int round) throws Exception {
        StopContract.nobodyIsLost(OWN_COLORS, round);
        StopContract.nobodyIsLost(ONE_COLOR, round);
    }

    @Test void whoCanRunWhenTheRuntimeStopsIsWaitedFor() throws Exception {
        StopContract.whoCanRunIsWaitedFor(OWN_COLORS);
        StopContract.whoCanRunIsWaitedFor(ONE_COLOR);
    }

    @Test void stoppingWithoutClosingLosesNobody() throws Exception {
        StopContract.stoppingWithoutClosingLosesNobody(OWN_COLORS);
        StopContract.stoppingWithoutClosingLosesNobody(ONE_COLOR);
    }

    @Test void aColourIsNotInParallelWithItselfWhenTheRuntimeStops() throws Exception {
        for (int round = 0; round < 5; round++) {
            AtomicInteger inside = new AtomicInteger();
            AtomicInteger collisions = new AtomicInteger();
            AtomicInteger entered = new AtomicInteger();
            Runnable enter = () -> {
                if (inside.incrementAndGet() != 1) collisions.incrementAndGet();
                for (int i = 0; i < 200; i++) Thread.onSpinWait();
                entered.incrementAndGet();
                inside.decrementAndGet();
            };
            List<Thread> threads = new ArrayList<>();
            AtomicBoolean stop = new AtomicBoolean();
            try (Torque torque = Runtimes.open(2)) {
                Color color = torque.newColor();
                for (int i = 0; i < 6; i++) {
                    threads.add(torque.spawn(color, () -> {
                        while (!stop.get()) {
                            enter.run();
                            Thread.yield();
                        }
                    }));
                }
                for (int i = 0; i < 4; i++) { // callbacks that go on for as long as the colour's home does
                    new Task(color) {
                        @Override protected void run() {
                            enter.run();
                            tryPost();
                        }
                    }.post();
                }
                Eventually.await("all are at it", () -> entered.get() > 100);
            }
            int atTheEnd = entered.get();
            Eventually.await("they go on elsewhere", () -> entered.get() > atTheEnd + 100);
            stop.set(true);
            for (Thread thread : threads) Runtimes.join(thread);
            assertEquals(0, collisions.get());
        }
    }

    @Test void whoOutlivesTheRuntimeComesToItsEnd() throws Exception {
        Thread thread;
        CompletableFuture<String> end = new CompletableFuture<>();
        Uthreads uthreads;
        try (Torque torque = Runtimes.open(1)) {
            uthreads = Uthreads.of(torque);
            thread = torque.spawn(() -> {
                waitForInterrupt();
                Uthread.yield();
                Uthread.parkNanos(this, 1_000_000);
                end.complete(JdkThreads.carrier().getName());
            });
            Eventually.await("it is parked", () -> thread.getState() == Thread.State.WAITING);
        }
        thread.interrupt();
        assertEquals("torque-orphans", end.get(Eventually.limitSeconds(), TimeUnit.SECONDS));
        Runtimes.join(thread);
        assertThrows(RejectedExecutionException.class, () -> uthreads.spawn(() -> { }));
    }

    @Test void aCallbackMaySpawnAndAThreadMayPost() throws Exception {
        try (Torque torque = Runtimes.open(2)) {
            CompletableFuture<Integer> result = new CompletableFuture<>();
            torque.post(() -> torque.spawn(() -> torque.post(() -> torque.spawn(() -> result.complete(7)))));
            assertEquals(7, result.get(Eventually.limitSeconds(), TimeUnit.SECONDS));
        }
    }

    @Test void withoutBalancingTheyWorkToo() throws Exception {
        try (Torque torque = Torque.open(Runtimes.options(2).withBalance(Balance.STATIC))) {
            AtomicInteger ran = new AtomicInteger();
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                threads.add(torque.spawn(() -> {
                    for (int n = 0; n < 10; n++) Thread.yield();
                    ran.incrementAndGet();
                }));
            }
            for (Thread thread : threads) Runtimes.join(thread);
            assertEquals(100, ran.get());
        }
    }

    @Test void switchingAllocatesNothing() throws Exception { SwitchContract.allocatesNothing(OWN_COLORS); }

    interface Interruptible {
        void run() throws Exception;
    }

    private static void uninterrupted(Interruptible action) {
        try {
            action.run();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
