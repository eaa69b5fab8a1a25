package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.libtorque.Torque;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.StallMeter;
import org.libtorque.vcore.Vcore;

/** What becomes of threads when their runtime stops, whoever schedules them. */
final class StopContract {
    private StopContract() {}

    /** Threads of all sorts, some of which are started while the runtime stops. */
    static void nobodyIsLost(Function<Torque, UthreadBuilder> kind, int round) throws Exception {
        AtomicInteger ended = new AtomicInteger();
        AtomicBoolean interrupted = new AtomicBoolean();
        AtomicBoolean wake = new AtomicBoolean();
        List<Thread> threads = Collections.synchronizedList(new ArrayList<>());
        Thread starter;
        Uthreads uthreads;
        try (Torque torque = Torque.open(Runtimes.options(2).withDrainTimeout(Duration.ofSeconds(1)))) {
            uthreads = Uthreads.of(torque);
            UthreadBuilder builder = kind.apply(torque);
            starter = Thread.ofPlatform().start(() -> {
                try {
                    for (int i = 0; i < 20_000; i++) {
                        int sort = i % 5;
                        threads.add(builder.start(() -> {
                            live(sort, wake);
                            if (Thread.interrupted()) interrupted.set(true);
                            ended.incrementAndGet();
                        }));
                        if (i % 50 == 0) LockSupport.parkNanos(100_000);
                    }
                } catch (RejectedExecutionException e) {
                    // the runtime has stopped
                }
            });
            Eventually.await("some have been started", () -> threads.size() > 20);
            LockSupport.parkNanos(round * 300_000L);
        }
        wake.set(true);
        Eventually.awaitEnd(starter);
        for (Thread thread : threads) {
            LockSupport.unpark(thread);
            Runtimes.join(thread);
        }
        assertEquals(threads.size(), ended.get());
        assertFalse(interrupted.get(), "somebody was interrupted");
        Eventually.await("nobody is counted as alive", () -> uthreads.alive() == 0);
    }

    private static void live(int sort, AtomicBoolean wake) {
        try {
            switch (sort) {
                case 0 -> {
                    for (int n = 0; n < 100; n++) Thread.yield();
                }
                case 1 -> {
                    while (!wake.get()) LockSupport.park();
                }
                case 2 -> Uthread.sleep(Duration.ofMillis(200)); // beyond the end, on the wheel of a vcore
                case 3 -> Thread.sleep(20);
                default -> {
                    Thread self = Thread.currentThread();
                    AtomicBoolean told = new AtomicBoolean();
                    Thread.startVirtualThread(() -> { // inherits the scheduler
                        told.set(true);
                        LockSupport.unpark(self);
                    });
                    while (!told.get()) Uthread.parkNanos(self, 3_600_000_000_000L);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** A thread that can run is waited for, for some time, and has its vcore meanwhile. */
    static void whoCanRunIsWaitedFor(Function<Torque, UthreadBuilder> kind) throws Exception {
        // For some seconds, which the machine may take away.
        StallMeter.retryIfStalled(Duration.ofMillis(500), () -> whoCanRunIsWaitedForOnce(kind), () -> { });
    }

    private static void whoCanRunIsWaitedForOnce(Function<Torque, UthreadBuilder> kind) {
        AtomicBoolean atWork = new AtomicBoolean();
        AtomicInteger turns = new AtomicInteger();
        try (Torque torque = Runtimes.open(1)) {
            kind.apply(torque).start(() -> {
                while (!torque.isStopping()) Thread.yield();
                while (turns.getAndIncrement() < 50) Thread.yield();
                atWork.set(Vcore.peek() != null);
            });
        }
        assertTrue(atWork.get(), "close() returned after " + turns + " turns, or the vcore was gone");
    }

    /** A stop that nobody waits for ends in the same way. */
    static void stoppingWithoutClosingLosesNobody(Function<Torque, UthreadBuilder> kind) throws Exception {
        Torque torque = Torque.open(Runtimes.options(2).withDrainTimeout(Duration.ofSeconds(1)));
        AtomicBoolean stop = new AtomicBoolean();
        try {
            List<Thread> threads = new ArrayList<>();
            UthreadBuilder builder = kind.apply(torque);
            for (int i = 0; i < 10; i++) {
                threads.add(builder.start(() -> {
                    while (!stop.get()) Thread.yield();
                }));
            }
            torque.stop();
            Eventually.await("the vcores have ended", () -> torque.vcores().stream().allMatch(Vcore::hasStopped));
            stop.set(true);
            for (Thread thread : threads) Runtimes.join(thread);
        } finally {
            stop.set(true);
            torque.close();
        }
    }
}
