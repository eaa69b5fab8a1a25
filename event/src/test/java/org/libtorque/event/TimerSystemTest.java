package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Balance;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Vcore;

/** Timers, posted actions and colours. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#all")
class TimerSystemTest extends SystemTest {
    @Test void anActionRunsOnceAfterItsDelayAndNeverEarly() {
        var early = new AtomicInteger();
        var runs = new AtomicInteger();
        for (int millis : new int[] {0, 1, 5, 20, 50}) {
            long start = System.nanoTime();
            torque().after(Duration.ofMillis(millis), () -> {
                if (System.nanoTime() - start < millis * 1_000_000L) early.incrementAndGet();
                runs.incrementAndGet();
            });
        }
        Eventually.await("all have run", () -> runs.get() == 5);
        sleep(20);
        assertEquals(5, runs.get());
        assertEquals(0, early.get());
    }

    /** Of timers that are armed by a vcore which stops for longer than they are apart, several may be due when it looks first. A busy machine has vcores stop; not each time. */
    @Test void delaysOfAnyOrderRunInTheOrderOfTheirTimes() {
        List<Integer> order = List.of();
        for (int attempt = 0; attempt < 50; attempt++) {
            var told = new CopyOnWriteArrayList<Integer>();
            var late = new AtomicInteger();
            onVcore(() -> { // by one clock reading
                long now = TimerClock.MONOTONIC.nanos();
                for (int millis : new int[] {40, 10, 30, 20}) {
                    long at = now + millis * 1_000_000L;
                    torque().timer(TimerOptions.at(TimerClock.MONOTONIC, at), (_, _) -> {
                        if (TimerClock.MONOTONIC.nanos() - at >= 10_000_000) late.incrementAndGet();
                        told.add(millis);
                    });
                }
                return null;
            });
            Eventually.await("all have run", () -> told.size() == 4);
            order = told;
            if (late.get() == 0 || order.equals(List.of(10, 20, 30, 40))) break;
        }
        assertEquals(List.of(10, 20, 30, 40), order);
    }

    @Test void aPeriodicActionRunsAgainAndAgainWithoutDrift() {
        var runs = new AtomicInteger();
        long start = System.nanoTime();
        Registration every = torque().every(Duration.ofMillis(10), runs::incrementAndGet);
        Eventually.await("it has run ten times", () -> runs.get() >= 10);
        long took = System.nanoTime() - start;
        assertTrue(took >= 99_000_000, "took " + took);
        every.close();
        int after = onVcore(runs::get);
        sleep(40);
        assertEquals(after, runs.get());
        assertFalse(every.isOpen());
    }

    @Test void runsThatASlowActionMissesAreLeftOut() {
        var runs = new AtomicInteger();
        long start = System.nanoTime();
        torque().every(Duration.ofMillis(5), () -> {
            runs.incrementAndGet();
            sleep(30);
        });
        sleep(200);
        int seen = runs.get();
        long room = (System.nanoTime() - start) / 30_000_000 + 1;
        assertTrue(seen <= room, seen + " runs where there was time for " + room);
        Eventually.await("it goes on", () -> runs.get() >= 3);
        stop();
    }

    @Test void aTimerCanBeCancelledFromAnywhereAndFromItself() throws Exception {
        var runs = new AtomicInteger();
        Color held = torque().newColor();
        CountDownLatch release = hold(held); // so that it is open still, however late this thread comes
        Registration once = torque().after(Duration.ofMillis(20), held, runs::incrementAndGet);
        assertTrue(once.isOpen());
        once.close();
        once.close();
        assertFalse(once.isOpen());
        release.countDown();
        Registration[] every = new Registration[1];
        var self = new AtomicInteger();
        var set = new CountDownLatch(1);
        every[0] = torque().every(Duration.ofMillis(2), () -> {
            try {
                set.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            if (self.incrementAndGet() == 3) every[0].close();
        });
        set.countDown();
        Eventually.await("three runs", () -> self.get() == 3);
        sleep(50);
        assertEquals(3, self.get());
        assertEquals(0, runs.get());
        Registration done = torque().after(Duration.ZERO, () -> { });
        Eventually.await("one that has run is not open", () -> !done.isOpen());
    }

    @Test void anExceptionInAPeriodicActionIsReportedAndItGoesOn() {
        var runs = new AtomicInteger();
        Registration every = torque().every(Duration.ofMillis(3), () -> {
            if (runs.incrementAndGet() == 2) throw new IllegalStateException("second");
        });
        Eventually.await("it goes on", () -> runs.get() > 3);
        assertEquals("second", takeFailure().getMessage());
        every.close();
    }

    @Test void timesAreChecked() {
        assertThrows(IllegalArgumentException.class, () -> torque().after(Duration.ofMillis(-1), () -> { }));
        assertThrows(IllegalArgumentException.class, () -> torque().every(Duration.ZERO, () -> { }));
        assertThrows(IllegalArgumentException.class, () -> torque().every(Duration.ofMillis(-5), () -> { }));
    }

    @Test void aTimerRunsUnderItsColor() {
        Color color = torque().newColor();
        var under = new CompletableFuture<Color>();
        torque().after(Duration.ofMillis(1), color, () -> under.complete(Vcore.currentColor()));
        assertSame(color, get(under));
    }

    @Test void manyTimersAtOnceAllFire() {
        var fired = new AtomicInteger();
        var cancelled = new ArrayList<Registration>();
        for (int i = 0; i < 2_000; i++) {
            Registration timer = torque().after(Duration.ofMillis(10 + i % 30), i % 2 == 0 ? torque().defaultColor() : torque().newColor(),
                    fired::incrementAndGet);
            if (i % 4 == 3) cancelled.add(timer);
        }
        for (Registration timer : cancelled) timer.close();
        Eventually.await("all others have fired", () -> fired.get() >= 1_500);
        sleep(60);
        assertTrue(fired.get() <= 2_000);
    }

    // ------------------------------------------------------------------------------------------------------------- posting

    @Test void whatOneThreadPostsUnderOneColorRunsInThatOrder() {
        List<Color> colors = List.of(torque().newColor(), torque().newColor(), torque().defaultColor());
        int posters = 3;
        int each = 1_000;
        List<List<List<Integer>>> seen = new ArrayList<>(); // by colour, by poster
        for (Color _ : colors) {
            List<List<Integer>> lists = new ArrayList<>();
            for (int p = 0; p < posters; p++) lists.add(new ArrayList<>());
            seen.add(lists);
        }
        var done = new AtomicInteger();
        List<Thread> threads = new ArrayList<>();
        for (int p = 0; p < posters; p++) {
            int poster = p;
            threads.add(start("poster " + p, () -> {
                for (int i = 0; i < each; i++) {
                    int number = i;
                    for (int c = 0; c < colors.size(); c++) {
                        int color = c;
                        while (true) {
                            try {
                                torque().post(colors.get(c), () -> {
                                    seen.get(color).get(poster).add(number); // guarded by the colour
                                    done.incrementAndGet();
                                });
                                break;
                            } catch (RejectedExecutionException full) {
                                Thread.sleep(1);
                            }
                        }
                    }
                }
            }, failures));
        }
        for (Thread thread : threads) Eventually.awaitEnd(thread);
        Eventually.await("all have run", () -> done.get() == posters * each * colors.size());
        for (List<List<Integer>> color : seen) {
            for (List<Integer> numbers : color) {
                assertEquals(each, numbers.size());
                for (int i = 0; i < each; i++) assertEquals(i, numbers.get(i));
            }
        }
    }

    @Test void aColorSerialisesAndTheDefaultColorIsOne() {
        var inside = new AtomicInteger();
        var overlaps = new AtomicInteger();
        var runs = new AtomicInteger();
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 3; t++) {
            threads.add(start("poster " + t, () -> {
                for (int i = 0; i < 300; i++) {
                    torque().post(() -> {
                        if (inside.getAndIncrement() != 0) overlaps.incrementAndGet();
                        Thread.onSpinWait();
                        inside.decrementAndGet();
                        runs.incrementAndGet();
                    });
                }
            }, failures));
        }
        for (Thread thread : threads) Eventually.awaitEnd(thread);
        Eventually.await("all have run", () -> runs.get() == 900);
        assertEquals(0, overlaps.get());
    }

    @Test void colorsOfDifferentVcoresRunInParallel() {
        if (setup.vcores() < 2) return;
        var meeting = new CountDownLatch(2);
        for (Vcore vcore : torque().vcores()) {
            torque().post(vcore.newColor(), () -> {
                meeting.countDown();
                try {
                    meeting.await();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            });
        }
        Eventually.await("both were inside at the same time", () -> meeting.getCount() == 0);
    }

    @Test void newColorsAreSpreadFromOutsideAndStayFromInside() {
        open(options().withBalance(Balance.STATIC)); // else who seems to be busy is passed over, and the default colour may run elsewhere
        Set<Integer> homes = ConcurrentHashMap.newKeySet();
        for (int i = 0; i < 10; i++) homes.add(torque().newColor().home().index());
        assertEquals(setup.vcores(), homes.size());
        assertNotSame(torque().newColor(), torque().newColor());
        assertSame(torque().vcores().getFirst(), onVcore(() -> torque().newColor().home()));
    }

    @Test void aFullColourRefusesAndNothingThatWasTakenIsLost() {
        open(options().withPostLimit(16));
        var release = new CountDownLatch(1);
        var ran = new AtomicLong();
        var runs = new CompletableFuture<Boolean>();
        torque().post(() -> {
            runs.complete(true);
            try {
                release.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        get(runs); // and so has been taken
        long taken = 0;
        try {
            while (taken < 1_000) {
                torque().post(ran::incrementAndGet);
                taken++;
            }
            throw new AssertionError("never full");
        } catch (RejectedExecutionException full) {
            assertTrue(full.getMessage().contains("has 16 tasks waiting"), full.getMessage());
        } finally {
            release.countDown();
        }
        assertEquals(16, taken);
        Eventually.await("all that were taken have run", () -> ran.get() == 16);
    }

    @Test void whatAnActionThrowsIsReportedAndTheRestRuns() {
        var ran = new AtomicInteger();
        torque().post(() -> { throw new IllegalStateException("mine"); });
        torque().post(ran::incrementAndGet);
        Eventually.await("the next has run", () -> ran.get() == 1);
        assertEquals("mine", takeFailure().getMessage());
    }

    // ---- callbacks that have their colour with them

    @Test void aColouredCallbackRunsOncePerCallAndNeverInParallelWithItsColour() throws Exception {
        var inside = new java.util.concurrent.atomic.AtomicInteger();
        var ran = new AtomicLong();
        var overlaps = new AtomicLong();
        Runnable body = () -> {
            if (inside.getAndIncrement() != 0) overlaps.incrementAndGet();
            ran.incrementAndGet();
            inside.decrementAndGet();
        };
        var color = torque().newColor();
        Runnable first = torque().callback(color, body);
        Runnable second = torque().callback(color, body);
        Thread[] callers = new Thread[3];
        for (int t = 0; t < callers.length; t++) {
            callers[t] = Thread.ofPlatform().start(() -> {
                for (int i = 0; i < 5_000; i++) (i % 2 == 0 ? first : second).run();
            });
        }
        for (Thread caller : callers) caller.join();
        Eventually.await("every call has run", () -> ran.get() == 15_000);
        assertEquals(0, overlaps.get());
    }

    @Test void callsOfColouredCallbacksAreInLineWithAllElseThatIsPosted() {
        Color color = torque().newColor();
        List<String> ran = new CopyOnWriteArrayList<>();
        Runnable a = torque().callback(color, () -> ran.add("a"));
        Runnable b = torque().callback(color, () -> ran.add("b"));
        for (int round = 0; round < 3; round++) { // also with tasks that were used before
            ran.clear();
            torque().post(color, () -> {
                a.run();
                a.run();
                b.run();
                torque().post(color, () -> ran.add("post"));
                a.run();
            });
            Eventually.await("all have run", () -> ran.size() == 5);
            assertEquals(List.of("a", "a", "b", "post", "a"), ran);
        }
    }

    @Test void aColouredCallbackThatThrowsIsReportedAndRunsAgain() {
        var ran = new AtomicLong();
        Runnable callback = torque().callback(torque().newColor(), () -> {
            if (ran.incrementAndGet() == 1) throw new IllegalStateException("mine");
        });
        callback.run();
        callback.run();
        Eventually.await("both calls have run", () -> ran.get() == 2);
        assertEquals("mine", takeFailure().getMessage());
    }
}
