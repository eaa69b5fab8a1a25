package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.libtorque.Torque;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Vcore;

/** What a scheduler is told. */
class SchedulerTest {
    /** Checks each call, and that what is said about a thread makes sense in the order in which it is said. */
    private static class Recording extends Scheduler {
        final ConcurrentLinkedQueue<Uthread> queue = new ConcurrentLinkedQueue<>();
        final ConcurrentHashMap<Uthread, String> said = new ConcurrentHashMap<>();
        final ConcurrentLinkedQueue<String> wrong = new ConcurrentLinkedQueue<>();
        final AtomicInteger entered = new AtomicInteger();
        final AtomicInteger left = new AtomicInteger();
        final AtomicReference<Object> syscall = new AtomicReference<>();
        volatile FaultAction action = FaultAction.KILL;
        final AtomicReference<Throwable> fault = new AtomicReference<>();

        void say(VcoreContext here, Uthread thread, String what, String... allowedBefore) {
            if (Vcore.current() != here.vcore()) wrong.add(what + " on " + Thread.currentThread() + " for " + here);
            String before = said.put(thread, what);
            if (!List.of(allowedBefore).contains(String.valueOf(before))) wrong.add(what + " after " + before);
        }

        @Override protected boolean schedEntry(VcoreContext here) {
            if (here.current() != null || Uthread.current() != null) wrong.add("schedEntry while " + here.current() + " is mounted");
            Uthread thread = queue.poll();
            if (thread == null) return false;
            say(here, thread, "run", "runnable", "paused");
            here.run(thread);
            return true;
        }

        @Override protected void threadRunnable(VcoreContext here, Uthread thread) {
            say(here, thread, "runnable", "null", "blocked", "syscall");
            queue.add(thread);
            here.wakeIdle();
        }

        @Override protected void threadPaused(VcoreContext here, Uthread thread) {
            say(here, thread, "paused", "run", "fault");
            queue.add(thread);
        }

        @Override protected void threadHasBlocked(VcoreContext here, Uthread thread) { say(here, thread, "blocked", "run"); }

        @Override protected void threadBlockOnSyscall(VcoreContext here, Uthread thread, Uthread.Syscall call) {
            syscall.set(call);
            say(here, thread, "syscall", "run");
        }

        @Override protected FaultAction threadReflectFault(VcoreContext here, Uthread thread, Fault failure) {
            say(here, thread, "fault", "run");
            fault.set(failure.failure());
            return action;
        }

        @Override protected void threadExited(VcoreContext here, Uthread thread) { say(here, thread, "exited", "run"); }

        @Override protected void vcoreLeaving(VcoreContext here) {
            left.incrementAndGet();
            here.wakeIdle();
        }

        @Override protected void vcoreEntered(VcoreContext here) { entered.incrementAndGet(); }
    }

    @Test void everythingIsToldOnceAndInOrder() throws Exception {
        try (Torque torque = Runtimes.open(2)) {
            Recording scheduler = new Recording();
            UthreadBuilder builder = Uthreads.of(torque).builder().scheduler(scheduler);
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                Thread[] next = new Thread[1];
                next[0] = builder.unstarted(() -> {
                    for (int n = 0; n < 100; n++) Uthread.parkNanos(this, n % 3 * 100_000);
                });
                threads.add(next[0]);
                int kind = i;
                threads.add(builder.unstarted(() -> {
                    for (int n = 0; n < 300; n++) { // wakes one who is perhaps just parking
                        LockSupport.unpark(next[0]);
                        if (n % 3 == kind % 3) Thread.yield();
                    }
                }));
            }
            for (Thread thread : threads) thread.start();
            for (Thread thread : threads) Runtimes.join(thread);
            Eventually.await("all exits are told", () -> scheduler.said.values().stream().allMatch("exited"::equals));
            assertEquals(100, scheduler.said.size());
            assertEquals(List.of(), List.copyOf(scheduler.wrong));
            assertTrue(scheduler.entered.get() >= torque.vcores().size()); // more if somebody stood in for a vcore whose thread the machine had no time for
        }
    }

    @Test void aThreadThatWaitsForASystemCallIsToldApart() throws Exception {
        try (Torque torque = Runtimes.open(1)) {
            Recording scheduler = new Recording();
            Uthread.Syscall call = new Uthread.Syscall() {};
            Thread thread = Uthreads.of(torque).builder().scheduler(scheduler).start(() -> Uthread.park(call));
            Eventually.await("it is told", () -> scheduler.syscall.get() == call);
            LockSupport.unpark(thread);
            Runtimes.join(thread);
            assertEquals(List.of(), List.copyOf(scheduler.wrong));
        }
    }

    @Test void aSchedulerThatFailsWhenItIsToldOfAWaitDoesNotLoseTheThread() throws Exception {
        AtomicReference<Throwable> reported = new AtomicReference<>();
        try (Torque torque = Torque.open(Runtimes.options(1).withFailureHandler((where, failure) -> reported.set(failure)))) {
            ArithmeticException failure = new ArithmeticException();
            Recording scheduler = new Recording() {
                @Override protected void threadHasBlocked(VcoreContext here, Uthread thread) {
                    super.threadHasBlocked(here, thread);
                    throw failure;
                }
            };
            Thread thread = Uthreads.of(torque).builder().scheduler(scheduler).start(LockSupport::park);
            Eventually.await("it is told", () -> reported.get() == failure);
            LockSupport.unpark(thread);
            Runtimes.join(thread);
            assertEquals(List.of(), List.copyOf(scheduler.wrong));
        }
    }

    @Test void aFaultIsTheSchedulersToDecide() throws Exception {
        AtomicReference<Throwable> told = new AtomicReference<>();
        try (Torque torque = Torque.open(Runtimes.options(1).withFailureHandler((where, failure) -> told.set(failure)))) {
            Recording scheduler = new Recording();
            UthreadBuilder builder = Uthreads.of(torque).builder().scheduler(scheduler);
            IllegalStateException failure = new IllegalStateException("fault");
            Runtimes.join(builder.start(() -> {
                throw failure;
            }));
            assertSame(failure, scheduler.fault.get());
            assertSame(failure, told.get());

            scheduler.action = FaultAction.RETRY;
            told.set(null);
            AtomicInteger attempts = new AtomicInteger();
            Runtimes.join(builder.start(() -> {
                if (attempts.incrementAndGet() < 3) deepen(0);
            }));
            assertEquals(3, attempts.get());
            assertInstanceOf(StackOverflowError.class, scheduler.fault.get());
            assertNull(told.get());

            scheduler.action = FaultAction.ABORT;
            Runtimes.join(builder.start(() -> {
                throw failure;
            }));
            assertSame(failure, told.get());
            Eventually.await("the runtime stops", torque::isStopping);
            assertEquals(List.of(), List.copyOf(scheduler.wrong));
        }
    }

    private static int deepen(int n) { return deepen(n + 1) + 1; }

    @Test void onlySchedEntryRunsThreads() throws Exception {
        try (Torque torque = Runtimes.open(1)) {
            Recording scheduler = new Recording();
            Uthread self = Runtimes.on(Uthreads.of(torque).builder().scheduler(scheduler), () -> {
                Uthread current = Uthread.current();
                assertThrows(IllegalStateException.class, () -> scheduler.context(0).run(current));
                return current;
            });
            assertThrows(IllegalStateException.class, () -> scheduler.context(0).run(self));
            Uthread other = Runtimes.on(torque, Uthread::current);
            assertThrows(IllegalArgumentException.class, () -> scheduler.context(0).run(other));
            assertThrows(UnsupportedOperationException.class, () -> other.attach(1));
        }
    }

    @Test void aSchedulerServesOneRuntime() {
        Recording scheduler = new Recording();
        try (Torque one = Runtimes.open(1); Torque other = Runtimes.open(1)) {
            Uthreads.of(one).builder().scheduler(scheduler).unstarted(() -> { });
            assertThrows(IllegalStateException.class, () -> Uthreads.of(other).builder().scheduler(scheduler).unstarted(() -> { }));
            assertThrows(IllegalStateException.class, () -> Uthreads.of(one).builder().scheduler(scheduler).color(one.newColor()).unstarted(() -> { }));
        }
    }

    @Test void vcoreEnteredIsToldAgainAfterParking() throws Exception {
        try (Torque torque = Runtimes.openTwo()) {
            Recording scheduler = new Recording();
            UthreadBuilder builder = Uthreads.of(torque).compensation(Duration.ZERO).builder().scheduler(scheduler); // a spare that stands in enters too
            Thread thread = builder.start(() -> {
                while (!Thread.currentThread().isInterrupted()) {
                    builder.start(() -> { });
                    Uthread.parkNanos(this, 1_000_000);
                }
            });
            Eventually.await("both have begun", () -> scheduler.entered.get() == 2);
            torque.requestVcores(1);
            Eventually.await("one is parked", () -> torque.vcores().stream().anyMatch(Vcore::isParked));
            Eventually.await("it has left", () -> scheduler.left.get() > 0);
            torque.requestVcores(2);
            Eventually.await("it has begun again", () -> scheduler.entered.get() > 2);
            thread.interrupt();
            Runtimes.join(thread);
            assertEquals(List.of(), List.copyOf(scheduler.wrong));
        }
    }
}
