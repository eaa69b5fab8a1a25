package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.testkit.ChildJvm;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.TestProcess;
import org.libtorque.vcore.Color;

/** The wall clock is set: really, as far as that does no harm, and by clocks that are the test's own. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#all")
class ClockSystemTest extends SystemTest {
    private static final long SECOND = 1_000_000_000;

    @Test void theKernelTellsThatTheClockWasSet() throws IOException {
        List<ClockChange> changes = new CopyOnWriteArrayList<>();
        Registration registration = torque().onClockChange(torque().newColor(), changes::add);
        var fired = new AtomicInteger();
        TimerRegistration timer = torque().at(Instant.now().plusSeconds(3_600), fired::incrementAndGet);
        sleep(50);
        assertEquals(List.of(), changes);
        for (int round = 1; round <= 2; round++) {
            nudge();
            int told = round;
            Eventually.await("the handler was told", () -> changes.size() >= told);
        }
        for (ClockChange change : changes) {
            assertTrue(change.wallClockSetBy().abs().compareTo(Duration.ofSeconds(1)) < 0, change::toString);
            assertTrue(change.suspendedFor().compareTo(Duration.ofSeconds(1)) < 0, change::toString);
        }
        registration.close();
        int before = changes.size();
        nudge();
        sleep(50);
        assertEquals(before, changes.size());
        assertTrue(timer.cancel());
        assertEquals(0, fired.get());
    }

    private static void nudge() throws IOException {
        try (TestProcess child = ChildJvm.start(List.of(), List.of(), ClockNudge.class)) {
            int status = child.awaitExit();
            assumeTrue(status != ClockNudge.NOT_HERE, "the wall clock may not be set here: no CAP_SYS_TIME, or a daemon keeps it");
            assertEquals(0, status, () -> child.stderr().toString());
        }
    }

    @Test void timersFollowAClockThatIsSetForthAndBackWhileVcoresRun() {
        var wallOffset = new AtomicLong(1_000_000 * SECOND);
        KernelClocks clocks = clock -> clock == TimerClock.WALL ? System.nanoTime() + wallOffset.get() : clock.nanos();
        try (TorqueRuntime runtime = TorqueRuntime.open(options(), clocks)) {
            var early = new AtomicInteger();
            List<AtomicInteger> calls = new ArrayList<>();
            List<TimerRegistration> timers = new ArrayList<>();
            long start = clocks.nanos(TimerClock.WALL);
            for (int i = 1; i <= 400; i++) {
                Color color = i % 2 == 0 ? runtime.defaultColor() : runtime.newColor(org.libtorque.vcore.Placement.solitary());
                var called = new AtomicInteger();
                calls.add(called);
                long at = start + i * 100 * SECOND;
                TimerOptions options = TimerOptions.at(TimerClock.WALL, at);
                timers.add(runtime.timer(i % 3 == 0 ? options.withPrecision() : options, color, (_, _) -> {
                    if (clocks.nanos(TimerClock.WALL) < at - 1_000 * SECOND) early.incrementAndGet(); // it may be set back by so much just when this is called
                    called.incrementAndGet();
                }));
            }
            for (int step = 1; step <= 20; step++) {
                wallOffset.addAndGet(3_000 * SECOND);
                runtime.clockWatch().pretendChange();
                wallOffset.addAndGet(-1_000 * SECOND);
                runtime.clockWatch().pretendChange();
                int due = Math.min(400, 20 * step);
                Eventually.await(due + " have been called", () -> calls.subList(0, due).stream().allMatch(c -> c.get() == 1));
            }
            assertEquals(0, early.get());
            assertTrue(calls.stream().allMatch(c -> c.get() == 1));
            assertTrue(timers.stream().noneMatch(TimerRegistration::isOpen));
            Eventually.await("nobody is known any more", () -> runtime.clockWatch().timerCount() == 0);
        }
    }

    @Test void aTimerThatIsSetBackWhileItIsDueWaits() {
        var wallOffset = new AtomicLong(1_000_000 * SECOND);
        KernelClocks clocks = clock -> clock == TimerClock.WALL ? System.nanoTime() + wallOffset.get() : clock.nanos();
        try (TorqueRuntime runtime = TorqueRuntime.open(options(), clocks)) {
            AtomicInteger called;
            TimerRegistration timer;
            while (true) {
                var calls = new AtomicInteger();
                called = calls;
                long at = clocks.nanos(TimerClock.WALL) + SECOND / 20;
                timer = runtime.timer(TimerOptions.at(TimerClock.WALL, at), runtime.defaultColor(), (_, _) -> calls.incrementAndGet());
                long before = wallOffset.getAndAdd(-100 * SECOND);
                if (System.nanoTime() + before < at) break; // else this thread was kept from its CPU, and its time may have come
                timer.close();
                wallOffset.set(before);
            }
            sleep(100);
            assertEquals(0, called.get());
            assertTrue(timer.isOpen());
            wallOffset.addAndGet(100 * SECOND);
            runtime.clockWatch().pretendChange();
            AtomicInteger calls = called;
            Eventually.await("it is called", () -> calls.get() == 1);
            assertFalse(timer.isOpen());
        }
    }

    @Test void aHandlerThatFailsIsToldAgain() {
        var calls = new AtomicInteger();
        try (TorqueRuntime runtime = TorqueRuntime.open(options())) {
            Registration registration = runtime.onClockChange(runtime.defaultColor(), change -> {
                calls.incrementAndGet();
                throw new IllegalStateException("mine");
            });
            for (int i = 1; i <= 2; i++) {
                runtime.clockWatch().pretendChange();
                int told = i;
                Eventually.await("it was told", () -> calls.get() >= told && failures.size() >= told);
            }
            assertTrue(registration.isOpen());
        }
        assertEquals(calls.get(), failures.size());
        failures.clear();
    }
}
