package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.libtorque.Torque;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Color;

/** Callbacks that run whom they wake: when they do, and when the thread has to wait for its turn. On one vcore. */
@Timeout(300)
class UnparkInsideTest {
    private final List<String> log = new CopyOnWriteArrayList<>();
    private Torque torque;
    private Color color;

    @BeforeEach void open() {
        torque = Runtimes.open(1);
        Uthreads.of(torque).compensation(Duration.ZERO); // who stands in would run threads beside callbacks
        color = torque.newColor();
    }

    @AfterEach void close() { torque.close(); }

    /** Starts a thread that parks once, and waits until it does. */
    private Thread parked(Color of, Runnable then) throws Exception {
        Thread thread = torque.spawn(of, () -> {
            LockSupport.park();
            then.run();
        });
        Eventually.await("it is parked", () -> thread.getState() == Thread.State.WAITING);
        return thread;
    }

    /** Runs a callback of the colour and waits for its end. */
    private void callback(Runnable body) throws Exception {
        CompletableFuture<Void> done = new CompletableFuture<>();
        torque.post(color, () -> {
            try {
                body.run();
                log.add("callback ends");
                done.complete(null);
            } catch (Throwable e) {
                done.completeExceptionally(e);
            }
        });
        done.get(Eventually.scaled(Eventually.DEFAULT_LIMIT).toMillis(), TimeUnit.MILLISECONDS);
    }

    @Test void aThreadOfTheColourHasRunWhenItsWakerGoesOn() throws Exception {
        Thread thread = parked(color, () -> log.add("thread"));
        callback(() -> ColoredUthread.unparkInside(thread));
        Runtimes.join(thread);
        assertEquals(List.of("thread", "callback ends"), log);
    }

    @Test void aThreadThatWaitsAnewGivesItsWakerTheVcoreBack() throws Exception {
        Thread thread = parked(color, () -> {
            log.add("first");
            LockSupport.park();
            log.add("second");
        });
        callback(() -> ColoredUthread.unparkInside(thread));
        Eventually.await("it is parked", () -> thread.getState() == Thread.State.WAITING);
        callback(() -> ColoredUthread.unparkInside(thread));
        Runtimes.join(thread);
        assertEquals(List.of("first", "callback ends", "second", "callback ends"), log);
    }

    @Test void whatWaitsInTheColourRunsBeforeTheThread() throws Exception {
        Thread thread = parked(color, () -> log.add("thread"));
        callback(() -> {
            torque.post(color, () -> log.add("posted before"));
            ColoredUthread.unparkInside(thread);
        });
        Runtimes.join(thread);
        assertEquals(List.of("callback ends", "posted before", "thread"), log);
    }

    @Test void aThreadOfAnotherColourWaitsForItsTurn() throws Exception {
        Thread thread = parked(torque.newColor(), () -> log.add("thread"));
        callback(() -> ColoredUthread.unparkInside(thread));
        Runtimes.join(thread);
        assertEquals(List.of("callback ends", "thread"), log);
    }

    @Test void aThreadThatYieldsGoesOnBehindWhatWaits() throws Exception {
        Thread thread = parked(color, () -> {
            log.add("first");
            torque.post(color, () -> log.add("other"));
            Uthread.yield();
            log.add("second");
        });
        callback(() -> ColoredUthread.unparkInside(thread));
        Runtimes.join(thread);
        assertEquals(List.of("first", "callback ends", "other", "second"), log);
    }

    @Test void aThreadThatIsNotParkedYetDoesNotPark() throws Exception {
        CompletableFuture<Thread> started = new CompletableFuture<>();
        callback(() -> {
            Thread thread = torque.spawn(color, () -> {
                LockSupport.park();
                log.add("thread");
            });
            ColoredUthread.unparkInside(thread);
            started.complete(thread);
        });
        Runtimes.join(started.join());
        assertEquals(List.of("callback ends", "thread"), log);
    }

    @Test void aPlatformThreadIsWoken() throws Exception {
        Thread thread = Thread.ofPlatform().start(LockSupport::park);
        Eventually.await("it is parked", () -> thread.getState() == Thread.State.WAITING);
        callback(() -> ColoredUthread.unparkInside(thread));
        Runtimes.join(thread);
    }

    @Test void aUthreadThatWakesAnotherGoesOnFirst() throws Exception {
        Thread thread = parked(color, () -> log.add("woken"));
        Thread waker = torque.spawn(color, () -> {
            ColoredUthread.unparkInside(thread);
            log.add("waker");
        });
        Runtimes.join(waker);
        Runtimes.join(thread);
        assertEquals(List.of("waker", "woken"), log);
    }
}
