package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.libtorque.memory.BlockPool;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.ManualClock;

/** Looks by hand, from inside tasks, as the monitor's thread would from outside. */
class MonitorTest {
    private static final long MILLI = 1_000_000;

    private final ManualClock clock = new ManualClock();
    private final Vcore vcore = new Vcore(0, 0, clock::nanoTime, new BlockPool(4096, 1 << 16), 64, (where, failure) -> { throw new AssertionError(failure); });
    private final List<Monitor.Overstay> overstays = new ArrayList<>();
    private final List<Monitor.NeverIdle> neverIdle = new ArrayList<>();
    private final Times times = new Times();
    private final Monitor monitor = new Monitor(List.of(vcore), clock::nanoTime, times, new Monitor.Listener() {
        @Override public void onOverstay(Monitor.Overstay report) { overstays.add(report); }

        @Override public void onNeverIdle(Monitor.NeverIdle report) { neverIdle.add(report); }
    }, Duration.ofMillis(100), Duration.ofSeconds(10));

    /** The thread has its CPU all the time but for what is told to have been taken from it. */
    private final class Times implements ThreadTimes {
        final long began = clock.nanoTime();
        long taken;
        boolean waits;
        boolean unknown;

        @Override public long ranNanos(Vcore of) { return unknown ? -22 : clock.nanoTime() - began - taken; }

        @Override public boolean isRunnable(Vcore of) { return !waits; }
    }

    MonitorTest() { vcore.bind(new FakeQueue()); }

    @AfterEach void end() { vcore.shutDown(0); }

    /** The program's own. */
    private static final class Slow implements Runnable {
        private final Runnable body;

        Slow(Runnable body) { this.body = body; }

        @Override public void run() { body.run(); }
    }

    private Task task(Color color, Runnable body) {
        return new Task(color) {
            @Override protected void run() { body.run(); }

            @Override protected Object subject() { return body; }
        };
    }

    private void lookAfter(long millis) {
        clock.advance(millis * MILLI);
        monitor.look();
    }

    @Test void aTaskThatOverstaysIsReportedOnceWithItsCallbackAndStack() {
        Color color = vcore.newColor();
        task(color, new Slow(() -> {
            monitor.look();
            lookAfter(60);
            assertEquals(List.of(), overstays);
            lookAfter(60);
            lookAfter(500);
        })).post();
        vcore.runOnce(false);
        assertEquals(1, overstays.size());
        Monitor.Overstay report = overstays.getFirst();
        assertEquals(Slow.class.getName(), report.callback());
        assertEquals(Duration.ofMillis(120), report.duration());
        assertEquals(color, report.color());
        assertTrue(report.stack().stream().anyMatch(frame -> frame.getClassName().equals(Slow.class.getName())), report.stack()::toString);
    }

    @Test void timeInWhichTheMonitorItselfStoodStillDoesNotCount() {
        task(vcore.newColor(), () -> {
            monitor.look();
            lookAfter(50);
            lookAfter(100_000);
            assertEquals(List.of(), overstays.stream().filter(report -> report.duration().compareTo(Duration.ofMillis(200)) > 0).toList());
        }).post();
        vcore.runOnce(false);
        assertTrue(overstays.size() <= 1, overstays::toString);
    }

    @Test void timeInWhichTheThreadIsKeptOffItsCpuDoesNotCount() {
        task(vcore.newColor(), () -> {
            monitor.look();
            for (int i = 0; i < 20; i++) {
                times.taken += 50 * MILLI;
                lookAfter(50);
            }
            lookAfter(49);
            assertEquals(List.of(), overstays);
            lookAfter(1);
        }).post();
        vcore.runOnce(false);
        assertEquals(List.of(Duration.ofMillis(1_050)), overstays.stream().map(Monitor.Overstay::duration).toList());
    }

    @Test void whoWaitsForSomethingElseThanACpuIsReportedAlthoughItDoesNotRun() {
        task(vcore.newColor(), () -> {
            times.waits = true;
            monitor.look();
            times.taken += 100 * MILLI;
            lookAfter(50);
            assertEquals(List.of(), overstays);
            lookAfter(50);
        }).post();
        vcore.runOnce(false);
        assertEquals(List.of(Duration.ofMillis(100)), overstays.stream().map(Monitor.Overstay::duration).toList());
    }

    @Test void whereTheKernelDoesNotTellOfTheThreadItsTimeCounts() {
        times.unknown = true;
        task(vcore.newColor(), () -> {
            monitor.look();
            lookAfter(50);
            lookAfter(50);
        }).post();
        vcore.runOnce(false);
        assertEquals(1, overstays.size());
    }

    @Test void eachRunIsReportedAnew() {
        Task slow = task(vcore.newColor(), () -> {
            monitor.look();
            lookAfter(150);
        });
        for (int i = 0; i < 3; i++) {
            slow.post();
            vcore.runOnce(false);
        }
        assertEquals(3, overstays.size());
    }

    @Test void whoIsIdleBetweenLooksIsNotReported() {
        Task quick = task(vcore.newColor(), () -> { });
        for (int i = 0; i < 20; i++) {
            quick.post();
            vcore.runOnce(false);
            lookAfter(90);
        }
        assertEquals(List.of(), overstays);
        assertEquals(List.of(), neverIdle);
    }

    @Test void aColourThatIsNeverIdleIsReportedOnceAMinute() {
        Color color = vcore.newColor();
        Task[] self = new Task[1];
        self[0] = task(color, new Slow(() -> {
            self[0].post();
            lookAfter(5);
        }));
        clock.advance(MILLI);
        self[0].post();
        for (int i = 0; i < 20_000; i++) vcore.runOnce(false); // 100 s
        assertEquals(List.of(), overstays);
        assertTrue(neverIdle.size() >= 2, neverIdle::toString);
        assertEquals(Slow.class.getName(), neverIdle.getFirst().callback());
        assertEquals(color, neverIdle.getFirst().color());
        assertTrue(neverIdle.getFirst().stack().stream().anyMatch(frame -> frame.getClassName().equals(Slow.class.getName())), neverIdle.getFirst()::toString);
        assertTrue(neverIdle.getFirst().duration().compareTo(Duration.ofSeconds(10)) >= 0);
        assertTrue(neverIdle.getFirst().turn().compareTo(Duration.ofMillis(3)) > 0, neverIdle.getFirst()::toString);
    }

    @Test void aColourWithBreaksIsNotReportedHoweverBusy() {
        Task task = task(vcore.newColor(), () -> lookAfter(90));
        for (int i = 0; i < 300; i++) {
            task.post();
            vcore.runOnce(false);
        }
        assertEquals(List.of(), neverIdle);
    }

    @Test void nonsenseIsRefused() {
        var listener = new Monitor.Listener() {
            @Override public void onOverstay(Monitor.Overstay report) { }

            @Override public void onNeverIdle(Monitor.NeverIdle report) { }
        };
        assertThrows(IllegalArgumentException.class, () -> new Monitor(List.of(vcore), clock::nanoTime, listener, Duration.ZERO, Duration.ZERO));
        assertThrows(IllegalArgumentException.class, () -> new Monitor(List.of(vcore), clock::nanoTime, listener, Duration.ofMillis(-1), Duration.ZERO));
    }

    @Test void aThreadLooksByItself() throws Exception {
        var reports = new LinkedBlockingQueue<Monitor.Overstay>();
        var release = new CountDownLatch(1);
        Vcore real = new Vcore(0, 0, Clock.SYSTEM, new BlockPool(4096, 1 << 16), 64, (where, failure) -> { });
        Thread thread = new VcoreThread(real, () -> {
            real.bind(new FakeQueue());
            real.runOnce(false);
            real.shutDown(0);
        });
        task(real.newColor(), new Slow(() -> {
            try {
                release.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        })).post();
        try (var looking = new Monitor(List.of(real), Clock.SYSTEM, new Monitor.Listener() {
            @Override public void onOverstay(Monitor.Overstay report) { reports.add(report); }

            @Override public void onNeverIdle(Monitor.NeverIdle report) { }
        }, Duration.ofMillis(20), Duration.ZERO)) {
            looking.start();
            thread.start();
            Monitor.Overstay report = reports.poll(Eventually.DEFAULT_LIMIT.toSeconds(), TimeUnit.SECONDS);
            assertEquals(Slow.class.getName(), report.callback());
            assertTrue(report.stack().toString().contains("await"), report.stack()::toString);
        } finally {
            release.countDown();
            Eventually.awaitEnd(thread);
        }
    }

    @Test void aListenerThatFailsIsToldOfWhatComesNext() throws InterruptedException {
        var told = new LinkedBlockingQueue<String>();
        var pool = new BlockPool(4096, 1 << 16);
        var busy = new Vcore(0, 0, Clock.SYSTEM, pool, 64, (where, failure) -> { throw new AssertionError(failure); });
        var end = new CountDownLatch(1);
        try (var failing = new Monitor(List.of(busy), Clock.SYSTEM, new Monitor.Listener() {
            @Override public void onOverstay(Monitor.Overstay report) { fail("overstay"); }

            @Override public void onNeverIdle(Monitor.NeverIdle report) { fail("never idle"); }

            private void fail(String kind) {
                told.add(kind);
                throw new IllegalStateException("meant to be logged");
            }
        }, Duration.ofMillis(20), Duration.ofMillis(200))) {
            var thread = new Thread(() -> {
                busy.bind(new FakeQueue());
                task(busy.newColor(), () -> {
                    while (end.getCount() > 0) Thread.onSpinWait();
                }).post();
                busy.runOnce(false);
                busy.shutDown(0);
            });
            thread.start();
            failing.start();
            // Which of both comes first depends on when the monitor looks first: one that comes late enough finds a colour that is never idle, and a task that it has not seen before.
            String first = told.poll(Eventually.limitSeconds(), TimeUnit.SECONDS);
            String next = told.poll(Eventually.limitSeconds(), TimeUnit.SECONDS);
            assertEquals(Set.of("overstay", "never idle"), new HashSet<>(Arrays.asList(first, next)));
            end.countDown();
            thread.join();
        }
    }
}
