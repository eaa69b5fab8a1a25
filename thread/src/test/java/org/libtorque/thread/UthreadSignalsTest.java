package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.libtorque.Torque;
import org.libtorque.event.Registration;
import org.libtorque.event.Signal;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Processes;
import org.libtorque.testkit.Eventually;

class UthreadSignalsTest {
    private static final ThreadLocal<String> OWN = new ThreadLocal<>();

    private final List<Throwable> failures = new CopyOnWriteArrayList<>();
    private Torque torque;
    private Uthreads uthreads;
    private UthreadSignals signals;

    @BeforeEach void open() {
        torque = Torque.open(Runtimes.options(2).withFailureHandler((where, failure) -> failures.add(failure)));
        uthreads = Uthreads.of(torque);
        signals = uthreads.signals();
    }

    @AfterEach void close() {
        torque.close();
        assertEquals(List.of(), failures);
        Eventually.await("nobody is asked for anything any more", () -> !Preemption.somebodyIsAsked());
    }

    private static Object get(CompletableFuture<?> future) throws Exception { return future.get(Eventually.limitSeconds(), java.util.concurrent.TimeUnit.SECONDS); }

    @Test void aThreadThatWaitsIsWokenRunsTheHandlerAndGoesOnWaiting() throws Exception {
        var ran = new CompletableFuture<String>();
        signals.action(Signal.USR1, SignalAction.of(info -> ran.complete(Thread.currentThread().getName() + " " + OWN.get() + " " + info.signal())));
        Semaphore semaphore = new Semaphore(0);
        var through = new AtomicBoolean();
        Thread thread = uthreads.builder().name("waiter").start(() -> {
            OWN.set("local");
            semaphore.acquireUninterruptibly();
            through.set(true);
        });
        Eventually.await("it waits", () -> thread.getState() == Thread.State.WAITING);
        assertTrue(signals.send(thread, Signal.USR1));
        assertEquals("waiter local SIGUSR1", get(ran));
        Eventually.await("it waits again", () -> thread.getState() == Thread.State.WAITING);
        assertFalse(through.get());
        semaphore.release();
        Runtimes.join(thread);
        assertTrue(through.get());
        assertFalse(signals.send(thread, Signal.USR1), "it has ended");
    }

    @Test void aThreadThatSleepsSleepsAsLongAllTheSame() throws Exception {
        var ran = new AtomicInteger();
        signals.action(Signal.USR1, SignalAction.of(info -> ran.incrementAndGet()));
        var took = new AtomicLong();
        Thread thread = uthreads.spawn(() -> {
            long start = System.nanoTime();
            try {
                Uthread.sleep(Duration.ofMillis(300));
            } catch (InterruptedException e) {
                return;
            }
            took.set(System.nanoTime() - start);
        });
        Eventually.await("it sleeps", () -> thread.getState() == Thread.State.WAITING || thread.getState() == Thread.State.TIMED_WAITING);
        signals.send(thread, Signal.USR1);
        Runtimes.join(thread);
        assertEquals(1, ran.get());
        assertTrue(took.get() >= 300_000_000, took + " ns");
    }

    @Test void aThreadThatComputesRunsTheHandlerAtItsNextCheckpoint() throws Exception {
        var ran = new CompletableFuture<Thread>();
        signals.action(Signal.USR1, SignalAction.of(info -> ran.complete(Thread.currentThread())));
        Thread thread = uthreads.spawn(() -> {
            while (!ran.isDone()) Uthread.checkpoint();
        });
        signals.send(thread, Signal.USR1);
        assertSame(thread, get(ran));
        Runtimes.join(thread);
    }

    @Test void aThreadThatYieldsRunsTheHandlerBesideOtherSchedulersToo() throws Exception {
        for (Scheduler scheduler : List.of(new GlobalQueueScheduler(), new PerVcoreScheduler())) {
            var ran = new CompletableFuture<Thread>();
            signals.action(Signal.USR1, SignalAction.of(info -> ran.complete(Thread.currentThread())));
            Thread thread = uthreads.builder().scheduler(scheduler).start(() -> {
                while (!ran.isDone()) Uthread.yield();
            });
            signals.send(thread, Signal.USR1);
            assertSame(thread, get(ran));
            Runtimes.join(thread);
        }
    }

    @Test void aHandlerMayWaitAndYield() throws Exception {
        Mutex mutex = new Mutex();
        var ran = new AtomicInteger();
        signals.action(Signal.USR1, SignalAction.of(info -> {
            Uthread.yield();
            Uthread.sleep(Duration.ofMillis(5));
            mutex.lock();
            ran.incrementAndGet();
            mutex.unlock();
        }));
        Semaphore semaphore = new Semaphore(0);
        Thread thread = uthreads.spawn(semaphore::acquireUninterruptibly);
        Runtimes.on(torque, () -> {
            mutex.lock();
            signals.send(thread, Signal.USR1);
            Uthread.sleep(Duration.ofMillis(20));
            semaphore.release(); // what the thread waits for has come, and it is still in the handler
            mutex.unlock();
            return null;
        });
        Runtimes.join(thread);
        assertEquals(1, ran.get());
    }

    @Test void blockedSignalsStayPendingAndComeInOrderWhenTheyAreNot() throws Exception {
        Signal first = Signal.realTime(0);
        Signal second = Signal.realTime(1);
        List<String> ran = Collections.synchronizedList(new ArrayList<>());
        for (Signal each : List.of(Signal.HUP, Signal.USR1, first, second)) signals.action(each, SignalAction.of(info -> ran.add(info.signal().name() + " " + info.value())));
        var blocked = new CountDownLatch(1);
        var sent = new Semaphore(0);
        List<Set<Signal>> seen = new CopyOnWriteArrayList<>();
        Thread thread = uthreads.spawn(() -> {
            seen.add(signals.block(Set.of(Signal.HUP, Signal.USR1, first, second)));
            blocked.countDown();
            sent.acquireUninterruptibly();
            seen.add(signals.pending());
            assertEquals(List.of(), ran);
            seen.add(signals.unblock(Set.of(Signal.USR1, first, second)));
            ran.add("between");
            signals.blockOnly(Set.of());
            seen.add(signals.pending());
        });
        blocked.await();
        for (int i = 1; i <= 3; i++) {
            signals.send(thread, second, i);
            signals.send(thread, Signal.USR1);
        }
        signals.send(thread, first, Long.MIN_VALUE);
        signals.send(thread, Signal.HUP);
        sent.release();
        Runtimes.join(thread);
        Set<Signal> all = Set.of(Signal.HUP, Signal.USR1, first, second);
        assertEquals(List.of(Set.of(), all, all, Set.of()), seen);
        assertEquals(List.of("USR1 0", "RTMIN " + Long.MIN_VALUE, "RTMIN+1 1", "RTMIN+1 2", "RTMIN+1 3", "between", "HUP 0"), ran);
    }

    @Test void whileAHandlerRunsItsSignalWaitsAndThoseThatItsActionSays() throws Exception {
        List<String> ran = Collections.synchronizedList(new ArrayList<>());
        signals.action(Signal.HUP, SignalAction.of(info -> ran.add("hup")));
        signals.action(Signal.ALRM, SignalAction.of(info -> ran.add("alarm")));
        var again = new AtomicBoolean(true);
        signals.action(Signal.USR1, SignalAction.of(info -> {
            ran.add("begin");
            if (again.getAndSet(false)) signals.send(Thread.currentThread(), Signal.USR1);
            signals.send(Thread.currentThread(), Signal.HUP);
            signals.send(Thread.currentThread(), Signal.ALRM);
            ran.add("end");
        }).withBlocked(Set.of(Signal.HUP)));
        Runtimes.on(torque, () -> signals.send(Thread.currentThread(), Signal.USR1));
        assertEquals(List.of("begin", "alarm", "end", "hup", "begin", "alarm", "end", "hup"), ran);
        ran.clear();
        var depth = new AtomicInteger();
        signals.action(Signal.USR1, SignalAction.of(info -> {
            ran.add("begin " + depth.incrementAndGet());
            if (depth.get() < 3) signals.send(Thread.currentThread(), Signal.USR1);
            ran.add("end " + depth.getAndDecrement());
        }).withNested());
        Runtimes.on(torque, () -> signals.send(Thread.currentThread(), Signal.USR1));
        assertEquals(List.of("begin 1", "begin 2", "begin 3", "end 3", "end 2", "end 1"), ran);
    }

    @Test void anActionMayBeForOnce() throws Exception {
        var ran = new AtomicInteger();
        signals.action(Signal.CHLD, SignalAction.of(info -> ran.incrementAndGet()).withOnce());
        Runtimes.on(torque, () -> {
            signals.send(Thread.currentThread(), Signal.CHLD);
            return signals.send(Thread.currentThread(), Signal.CHLD);
        });
        assertEquals(1, ran.get());
        assertEquals(SignalAction.DEFAULT, signals.action(Signal.CHLD));
    }

    @Test void whatAHandlerThrowsIsReportedAndTheThreadGoesOn() throws Exception {
        signals.action(Signal.USR1, SignalAction.of(info -> { throw new IllegalStateException("thrown on purpose"); }));
        assertEquals("went on", Runtimes.on(torque, () -> {
            signals.send(Thread.currentThread(), Signal.USR1);
            return "went on";
        }));
        Eventually.await("reported", () -> !failures.isEmpty());
        assertEquals("thrown on purpose", failures.removeFirst().getMessage());
    }

    @Test void withoutAnActionASignalIsIgnoredOrStopsTheRuntime() throws Exception {
        Runtimes.on(torque, () -> signals.send(Thread.currentThread(), Signal.CHLD));
        signals.action(Signal.TERM, SignalAction.IGNORE);
        Runtimes.on(torque, () -> signals.send(Thread.currentThread(), Signal.TERM));
        assertFalse(torque.vcores().getFirst().hasStopped());
        Thread waiter = uthreads.spawn(() -> Uthread.park(this));
        Eventually.await("it waits", () -> waiter.getState() == Thread.State.WAITING);
        signals.send(waiter, Signal.USR1);
        Eventually.await("the runtime has stopped", () -> torque.vcores().getFirst().hasStopped());
        assertTrue(failures.removeFirst().getMessage().contains("no action for SIGUSR1"));
    }

    @Test void whatCannotBeSentIsRefusedAndSaidWhy() throws Exception {
        assertThrows(IllegalArgumentException.class, () -> signals.action(Signal.of("KILL"), SignalAction.IGNORE));
        assertThrows(IllegalArgumentException.class, () -> signals.send(Thread.currentThread(), Signal.USR1));
        assertThrows(IllegalStateException.class, () -> signals.block(Set.of(Signal.USR1)));
        var end = new Semaphore(0);
        Thread jdks = Thread.ofVirtual().start(end::acquireUninterruptibly);
        var made = new CompletableFuture<Thread>();
        Thread maker = uthreads.spawn(() -> made.complete(Thread.startVirtualThread(end::acquireUninterruptibly)));
        try (Torque other = Runtimes.open(1)) {
            Thread others = Uthreads.of(other).spawn(end::acquireUninterruptibly);
            for (Thread stranger : List.of(jdks, made.get(), others)) {
                assertTrue(assertThrows(IllegalArgumentException.class, () -> signals.send(stranger, Signal.USR1)).getMessage().contains("no uthread of this runtime"));
            }
            end.release(3);
            Runtimes.join(others);
        }
        Runtimes.join(maker);
        Runtimes.join(jdks);
        Runtimes.join(made.get());
        assertFalse(Preemption.somebodyHasSignals());
        var blocked = new CountDownLatch(1);
        var over = new Semaphore(0);
        var ran = new AtomicInteger();
        signals.action(Signal.realTime(5), SignalAction.of(info -> ran.incrementAndGet()));
        Thread thread = uthreads.spawn(() -> {
            signals.block(Set.of(Signal.realTime(5)));
            blocked.countDown();
            over.acquireUninterruptibly();
            signals.blockOnly(Set.of());
        });
        blocked.await();
        assertThrows(IllegalArgumentException.class, () -> signals.send(thread, Signal.of("STOP")));
        for (int i = 0; i < UthreadSignals.MOST_QUEUED; i++) signals.send(thread, Signal.realTime(5), i);
        assertThrows(RejectedExecutionException.class, () -> signals.send(thread, Signal.realTime(5), 0));
        over.release();
        Runtimes.join(thread);
        assertEquals(UthreadSignals.MOST_QUEUED, ran.get());
    }

    @Test void aSignalToTheProcessRunsItsActionOnAThreadOfItsOwn() throws Exception {
        var ran = new CompletableFuture<String>();
        signals.action(Signal.WINCH, SignalAction.of(info -> {
            Uthread.yield();
            ran.complete(Thread.currentThread().getName() + " " + Thread.currentThread().isVirtual());
        }));
        try (Registration registration = signals.takeFromProcess(Signal.WINCH)) {
            assertTrue(registration.isOpen());
            Processes.kill(ErrnoSlot.current(), Processes.getpid(), Signal.WINCH.number());
            assertEquals("signal WINCH true", get(ran));
        }
    }

    @Test void aThreadGoesOnHoweverOftenItIsSentTheSame() throws Exception {
        var ran = new AtomicInteger();
        Signal queued = Signal.realTime(2);
        signals.action(Signal.USR1, SignalAction.of(info -> { // pending again when it returns, each time
            ran.incrementAndGet();
            signals.send(Thread.currentThread(), Signal.USR1);
        }));
        signals.action(queued, SignalAction.of(info -> {
            ran.incrementAndGet();
            signals.send(Thread.currentThread(), queued, info.value() + 1);
        }));
        var ranAtEnd = new CompletableFuture<Integer>();
        Runtimes.join(uthreads.spawn(() -> {
            signals.send(Thread.currentThread(), Signal.USR1);
            signals.send(Thread.currentThread(), queued, 0);
            for (int i = 0; i < 100; i++) Uthread.checkpoint();
            ranAtEnd.complete(ran.get());
        }));
        assertTrue(ranAtEnd.join() >= 200, ranAtEnd.toString());
    }

    /** Senders of all kinds beside threads that block, wait and end: each value that was taken arrives once, in order, and in the end nobody is waited for. */
    @Test void manySendersLoseNothingHoweverThreadsEnd() throws Exception {
        Signal queued = Signal.realTime(3);
        for (int round = 0; round < 20; round++) {
            List<Long> got = new CopyOnWriteArrayList<>();
            signals.action(queued, SignalAction.of(info -> got.add(info.value())));
            signals.action(Signal.USR1, SignalAction.IGNORE);
            var random = new SplittableRandom(round);
            int ends = random.nextInt(50, 400);
            Thread thread = uthreads.spawn(() -> {
                for (int i = 0; got.size() < ends; i++) {
                    if (i % 7 == 0) signals.block(Set.of(queued));
                    Uthread.parkNanos(this, 50_000);
                    if (i % 7 == 3) signals.unblock(Set.of(queued));
                    Uthread.checkpoint();
                }
            });
            var sent = new AtomicLong();
            List<Thread> senders = new ArrayList<>();
            for (int s = 0; s < 2; s++) {
                senders.add(uthreads.spawn(() -> { while (signals.send(thread, Signal.USR1)) Uthread.yield(); }));
            }
            long taken = 0;
            while (true) {
                try {
                    if (!signals.send(thread, queued, sent.get())) break;
                    sent.incrementAndGet();
                    taken++;
                } catch (RejectedExecutionException full) {
                    Thread.onSpinWait();
                }
            }
            Runtimes.join(thread);
            for (Thread sender : senders) Runtimes.join(sender);
            assertTrue(got.size() >= ends && got.size() <= taken + 1, got.size() + " of " + taken);
            for (int i = 0; i < got.size(); i++) assertEquals(i, got.get(i));
        }
    }
}
