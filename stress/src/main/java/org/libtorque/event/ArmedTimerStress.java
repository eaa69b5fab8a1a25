package org.libtorque.event;

import org.libtorque.vcore.TimerWheel;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.III_Result;

/** {@link ArmedTimer}: answers are exact, and somebody looks in time, or at all, whoever arms and cancels meanwhile. */
public class ArmedTimerStress {
    private static final long NOW = 1L << 50, TICK = 1L << 40; // a wheel of few levels is soon made
    private static final long PASSED = NOW - 5 * TICK, SOON = NOW + 10 * TICK, LATER = NOW + 100 * TICK;

    /** A timer with a wheel of its own, to which the actor named 'home' belongs. */
    static class Probe extends ArmedTimer {
        final TimerWheel wheel = new TimerWheel(PASSED - TICK, TICK);
        /** Whether a task was posted: by the home, and by the other actor. */
        boolean told, posted;

        @Override TimerWheel wheel() { return wheel; }

        @Override long onWheel(long deadline) { return deadline; }

        @Override long nextLook(long deadline, long nowNanos) { return UNARMED; }

        @Override void tell() { told = true; }

        @Override boolean isPrecise() { return false; }

        /** What the home does when the colour has a task of this timer's. */
        void run() {
            long word = when();
            if (isArmed(word) && word <= NOW) claim(word, UNARMED);
            keepLook();
        }

        /** As ColorTimer.rearm from any thread. */
        boolean rearm(long deadline) {
            boolean was = isArmed(arm(deadline));
            if (mustLook(deadline)) posted = true;
            return was;
        }

        /** As ColorTimer.cancel from any thread. */
        boolean cancelElsewhere() {
            if (!callOff()) return false;
            if (!isOffWheel()) posted = true;
            return true;
        }

        void turnWheel() { wheel.expire(NOW, 10); }

        /** Tells whether the deadline is looked at in time, or a task is on its way that sees to that; or, there being none, that the wheel is empty or a task empties it. */
        int isLookedAfter() {
            if (told || posted) return 1;
            long word = when();
            if (!isArmed(word)) return wheel.size() == 0 ? 1 : 0;
            return isScheduled() && wheel.nextDeadlineNanos() - (word + TICK) <= 0 ? 1 : 0;
        }
    }

    /** A probe that is on the wheel for a deadline. */
    private static Probe armed(long deadline) {
        var probe = new Probe();
        probe.arm(deadline);
        probe.keepLook();
        return probe;
    }

    /** The handler is about to be called while somebody calls it off. */
    @JCStressTest
    @Outcome(id = {"1, 0", "0, 1"}, expect = Expect.ACCEPTABLE, desc = "one of them")
    @Outcome(expect = Expect.FORBIDDEN, desc = "called though called off, or neither")
    @State public static class ClaimAndCancel {
        private final Probe timer = armed(PASSED);
        private final long word = timer.when();

        @Actor public void run(II_Result r) { r.r1 = timer.claim(word, ArmedTimer.UNARMED) ? 1 : 0; }

        @Actor public void other(II_Result r) { r.r2 = timer.callOff() ? 1 : 0; }
    }

    /** The handler is about to be called while somebody arms anew. */
    @JCStressTest
    @Outcome(id = {"1, 0", "0, 1"}, expect = Expect.ACCEPTABLE, desc = "called, or called off and put off")
    @Outcome(expect = Expect.FORBIDDEN, desc = "called though called off, or neither")
    @State public static class ClaimAndRearm {
        private final Probe timer = armed(PASSED);
        private final long word = timer.when();

        @Actor public void run(II_Result r) { r.r1 = timer.claim(word, ArmedTimer.UNARMED) ? 1 : 0; }

        @Actor public void other(II_Result r) { r.r2 = timer.rearm(LATER) ? 1 : 0; }
    }

    /** Two call off. */
    @JCStressTest
    @Outcome(id = {"1, 0", "0, 1"}, expect = Expect.ACCEPTABLE, desc = "one of them has done it")
    @Outcome(expect = Expect.FORBIDDEN, desc = "both, or none")
    @State public static class TwoCancel {
        private final Probe timer = armed(LATER);

        @Actor public void first(II_Result r) { r.r1 = timer.callOff() ? 1 : 0; }

        @Actor public void second(II_Result r) { r.r2 = ArmedTimer.isArmed(timer.end()) ? 1 : 0; }
    }

    /** The wheel comes to a timer that has been put off, while it is armed for an earlier time. */
    @JCStressTest
    @Outcome(id = "1, 1, 1", expect = Expect.ACCEPTABLE, desc = "looked after")
    @Outcome(expect = Expect.FORBIDDEN, desc = "LOST: nobody looks in time")
    @State public static class WheelMovesOnAndRearm {
        private final Probe timer = armed(PASSED);

        public WheelMovesOnAndRearm() { timer.rearm(LATER); }

        @Actor public void home(III_Result r) {
            timer.turnWheel();
            r.r1 = 1;
        }

        @Actor public void other(III_Result r) { r.r2 = timer.rearm(SOON) ? 1 : 0; }

        @Arbiter public void after(III_Result r) { r.r3 = timer.isLookedAfter(); }
    }

    /** The wheel comes to a timer that is armed for later just then. */
    @JCStressTest
    @Outcome(id = "1, 1, 1", expect = Expect.ACCEPTABLE, desc = "looked after")
    @Outcome(expect = Expect.FORBIDDEN, desc = "LOST: nobody looks in time")
    @State public static class WheelComesAndRearm {
        private final Probe timer = armed(PASSED);

        @Actor public void home(III_Result r) {
            timer.turnWheel();
            r.r1 = 1;
        }

        @Actor public void other(III_Result r) { r.r2 = timer.rearm(SOON) ? 1 : 0; }

        @Arbiter public void after(III_Result r) { r.r3 = timer.isLookedAfter(); }
    }

    /** The wheel comes to a timer that was put off, while it is called off. */
    @JCStressTest
    @Outcome(id = "1, 1, 1", expect = Expect.ACCEPTABLE, desc = "off the wheel, or a task takes it off")
    @Outcome(expect = Expect.FORBIDDEN, desc = "LEFT: it stays on the wheel, and with its colour")
    @State public static class WheelMovesOnAndCancel {
        private final Probe timer = armed(PASSED);

        public WheelMovesOnAndCancel() { timer.rearm(LATER); }

        @Actor public void home(III_Result r) {
            timer.turnWheel();
            r.r1 = 1;
        }

        @Actor public void other(III_Result r) { r.r2 = timer.cancelElsewhere() ? 1 : 0; }

        @Arbiter public void after(III_Result r) { r.r3 = timer.isLookedAfter(); }
    }

    /** What was called off is taken off the wheel while it is armed anew for a time at which the wheel would have looked. */
    @JCStressTest
    @Outcome(id = "1, 0, 1", expect = Expect.ACCEPTABLE, desc = "looked after")
    @Outcome(expect = Expect.FORBIDDEN, desc = "LOST: nobody looks in time")
    @State public static class LeavingAndRearm {
        private final Probe timer = armed(SOON);

        public LeavingAndRearm() { timer.callOff(); }

        @Actor public void home(III_Result r) {
            timer.run();
            r.r1 = 1;
        }

        @Actor public void other(III_Result r) { r.r2 = timer.rearm(LATER) ? 1 : 0; }

        @Arbiter public void after(III_Result r) { r.r3 = timer.isLookedAfter(); }
    }

    /** What was armed elsewhere is put on the wheel while it is called off again. */
    @JCStressTest
    @Outcome(id = "1, 1, 1", expect = Expect.ACCEPTABLE, desc = "off the wheel, or a task takes it off")
    @Outcome(expect = Expect.FORBIDDEN, desc = "LEFT: it stays on the wheel, and with its colour")
    @State public static class EnteringAndCancel {
        private final Probe timer = new Probe();

        public EnteringAndCancel() { timer.arm(LATER); }

        @Actor public void home(III_Result r) {
            timer.run();
            r.r1 = 1;
        }

        @Actor public void other(III_Result r) { r.r2 = timer.cancelElsewhere() ? 1 : 0; }

        @Arbiter public void after(III_Result r) { r.r3 = timer.isLookedAfter(); }
    }

    /** A look is put forward while the timer is armed for an even earlier time. */
    @JCStressTest
    @Outcome(id = "1, 1, 1", expect = Expect.ACCEPTABLE, desc = "looked after")
    @Outcome(expect = Expect.FORBIDDEN, desc = "LOST: nobody looks in time")
    @State public static class PuttingForwardAndRearm {
        private final Probe timer = armed(LATER);

        public PuttingForwardAndRearm() { timer.arm(SOON + 20 * TICK); }

        @Actor public void home(III_Result r) {
            timer.run();
            r.r1 = 1;
        }

        @Actor public void other(III_Result r) { r.r2 = timer.rearm(SOON) ? 1 : 0; }

        @Arbiter public void after(III_Result r) { r.r3 = timer.isLookedAfter(); }
    }

    /** Armed under the colour at home while somebody arms for an earlier time. */
    @JCStressTest
    @Outcome(id = {"0, 1, 1", "1, 0, 1"}, expect = Expect.ACCEPTABLE, desc = "looked after; who came second called off the other")
    @Outcome(expect = Expect.FORBIDDEN, desc = "LOST: nobody looks in time")
    @State public static class ArmingAtHomeAndRearm {
        private final Probe timer = new Probe();

        @Actor public void home(III_Result r) { r.r1 = ArmedTimer.isArmed(timer.armAtHome(LATER)) ? 1 : 0; }

        @Actor public void other(III_Result r) { r.r2 = timer.rearm(SOON) ? 1 : 0; }

        @Arbiter public void after(III_Result r) { r.r3 = timer.isLookedAfter(); }
    }

    /** Armed under the colour at home while somebody cancels. */
    @JCStressTest
    @Outcome(id = {"0, 0, 1", "0, 1, 1"}, expect = Expect.ACCEPTABLE, desc = "looked after, or off the wheel, or a task takes it off")
    @Outcome(expect = Expect.FORBIDDEN, desc = "LEFT: it stays on the wheel, and with its colour")
    @State public static class ArmingAtHomeAndCancel {
        private final Probe timer = new Probe();

        @Actor public void home(III_Result r) { r.r1 = ArmedTimer.isArmed(timer.armAtHome(LATER)) ? 1 : 0; }

        @Actor public void other(III_Result r) { r.r2 = timer.cancelElsewhere() ? 1 : 0; }

        @Arbiter public void after(III_Result r) { r.r3 = timer.isLookedAfter(); }
    }

    /** Cancelled under the colour at home while somebody arms for a time at which the wheel would have looked. */
    @JCStressTest
    @Outcome(id = {"1, 0, 1", "1, 1, 1"}, expect = Expect.ACCEPTABLE, desc = "looked after")
    @Outcome(expect = Expect.FORBIDDEN, desc = "LOST: nobody looks in time")
    @State public static class CancellingAtHomeAndRearm {
        private final Probe timer = armed(SOON);

        @Actor public void home(III_Result r) { r.r1 = timer.cancelAtHome() ? 1 : 0; }

        @Actor public void other(III_Result r) { r.r2 = timer.rearm(LATER) ? 1 : 0; }

        @Arbiter public void after(III_Result r) { r.r3 = timer.isLookedAfter(); }
    }

    /** Cancelled under the colour at home and elsewhere. */
    @JCStressTest
    @Outcome(id = {"1, 0, 1", "0, 1, 1"}, expect = Expect.ACCEPTABLE, desc = "one of them has done it")
    @Outcome(expect = Expect.FORBIDDEN, desc = "both, or none, or it stays on the wheel")
    @State public static class CancellingAtHomeAndCancel {
        private final Probe timer = armed(SOON);

        @Actor public void home(III_Result r) { r.r1 = timer.cancelAtHome() ? 1 : 0; }

        @Actor public void other(III_Result r) { r.r2 = timer.cancelElsewhere() ? 1 : 0; }

        @Arbiter public void after(III_Result r) { r.r3 = timer.isLookedAfter(); }
    }
}
