package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.testkit.AllocationProbe;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Vcore;

/** That timers allocate nothing; as {@link ColorTimerTest}, but in a JVM of its own: what other tests have taught the compiler can make a turn's system call allocate. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#all")
class ColorTimerAllocationTest extends PlayedTest {
    private static final long TICK = 1 << 20;

    @Test void underItsColourArmingAndCancellingPostsNothingAndAllocatesNothing() {
        ColorTimer coarse = played.timer(TimerOptions.UNARMED, color, (_, _) -> { throw new AssertionError("fired"); });
        ColorTimer precise = played.timer(TimerOptions.UNARMED.withPrecision(), color, (_, _) -> { throw new AssertionError("fired"); });
        Duration[] delays = {Duration.ofMillis(5), Duration.ofSeconds(5), Duration.ofMillis(1), Duration.ofHours(5)};
        long[] counted = new long[1];
        played.run(color, () -> {
            long before = played.posted();
            AllocationProbe.assertAllocatesNothing(20_000, 1_000, () -> {
                for (Duration delay : delays) {
                    coarse.rearm(delay);
                    precise.rearm(delay);
                }
                if (!coarse.cancel() | !precise.cancel()) throw new AssertionError();
            });
            counted[0] = played.posted() - before;
        });
        assertEquals(0, counted[0]);
        assertEquals(0, played.scheduled());
    }

    @Test void firingAndArmingAgainAllocatesNothing() {
        long[] calls = new long[1];
        for (int i = 0; i < 8; i++) {
            TimerOptions every = TimerOptions.every(Duration.ofNanos(700_000 + 10_000 * i));
            if (i % 4 == 3) every = every.withClock(TimerClock.WALL);
            Duration soon = Duration.ofMillis(3);
            Color own = played.vcores[i % setup.vcores()].newColor();
            ColorTimer once = played.timer(TimerOptions.UNARMED.withPrecision(), own, (_, n) -> calls[0] += n);
            played.timer(i % 2 == 0 ? every.withPrecision() : every, i % 3 == 0 ? own : color, (_, n) -> { // under the other's colour, or not
                calls[0] += n;
                if (calls[0] % 3 != 0) once.rearm(soon);
                else once.cancel();
            });
        }
        AllocationProbe.assertAllocatesNothing(20_000, 1_000, () -> {
            played.clock.advance(TICK / 2);
            for (Vcore vcore : played.vcores) {
                Vcore.switchTo(vcore); // without being nobody in between, since that makes an entry of a thread-local anew
                vcore.runOnce(false);
            }
        });
        Vcore.switchTo(null);
        assertTrue(calls[0] > 20_000, "calls: " + calls[0]);
    }

    @Test void callingAColouredCallbackAllocatesNothing() {
        long[] calls = new long[1];
        Runnable callback = new ColorCallback(color, () -> calls[0]++);
        Vcore.switchTo(played.vcores[0]);
        AllocationProbe.assertAllocatesNothing(20_000, 1_000, () -> {
            for (int i = 0; i < 20; i++) callback.run();
            played.vcores[0].runOnce(false);
        });
        Vcore.switchTo(null);
        assertTrue(calls[0] > 20_000, calls[0] + " calls");
    }
}
