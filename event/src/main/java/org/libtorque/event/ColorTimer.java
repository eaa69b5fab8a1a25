package org.libtorque.event;

import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Resident;
import org.libtorque.vcore.TimerWheel;
import org.libtorque.vcore.Vcore;

/**
 * A timer of the facade. What decides is the word of its {@link ArmedTimer}, where states and memory order are explained; this adds what acts on it, under the colour: a
 * task, {@link Turn}. What arming and cancelling need lies in one object, the wheel's node included: with a million timers that are cancelled at random, each further one would be
 * a cache miss, and one more of the TLB, as collections of garbage part what was made together.
 *
 * <p>{@link #run} looks at the word: if a deadline has passed it claims it and calls the handler; then it sees to it that the wheel of its colour's home looks again in time, or
 * lets go of it. It is posted by the wheel, and by whoever has armed the timer for a time at which nobody looks, or has cancelled it; and it does not matter who it was. Having
 * its own task, it needs no other, and any number of posts before it runs are one. A run away from home that finds something to do with the wheel posts itself home.
 *
 * <p>{@code settled}, with its task a resident of the colour, exactly when it may be on the wheel, so it goes along when the colour moves. It settles at home, before it is put on
 * the wheel; it may be unsettled away from home only when {@link ArmedTimer#isOffWheel} says that the home's thread is not about to put it there.
 */
final class ColorTimer extends ArmedTimer implements TimerRegistration {
    private final Color color;
    private final TimerHandler handler;
    private final TimerClock clock;
    private final long periodNanos;
    private final KernelClocks clocks;
    /** Whom to tell that it goes by a clock that can change; null if it does not. */
    private final ClockWatch watch;
    private final Turn turn;
    private final boolean precise;
    /** Whether {@code turn} is a resident of the colour. The colour's holder's. */
    private boolean settled;

    /** What is posted, and moves with the colour. Arming and cancelling at home touch it only to settle it and to let go of it. */
    private static final class Turn extends Resident {
        private final ColorTimer timer;

        Turn(ColorTimer timer) {
            super(timer.color);
            this.timer = timer;
        }

        void enter() { settle(); }

        void leave() { unsettle(); }

        void atHome(boolean yes) { runAtHome(yes); }

        @Override protected void run() throws Exception { timer.run(); }

        @Override protected void failed(Throwable failure) { color().home().reportFailure(this, failure); }

        @Override protected Object subject() { return timer.handler; }

        @Override protected boolean canMove() { return true; }

        @Override protected void depart() {
            timer.leaveWheel();
            departed();
        }

        @Override protected void arrive() {
            if (!timer.keepLook()) timer.leave();
        }

        @Override public String toString() { return timer.toString(); }
    }

    private ColorTimer(TimerOptions options, Color color, TimerHandler handler, KernelClocks clocks, ClockWatch watch) {
        this.color = color;
        this.handler = Objects.requireNonNull(handler);
        this.clock = options.clock();
        this.precise = options.precise();
        this.periodNanos = options.periodNanos();
        this.clocks = clocks;
        this.watch = watch;
        turn = new Turn(this);
    }

    /**
     * Makes a timer.
     *
     * @param watch must have been opened before, if the options' clock is one that can change
     * @throws RejectedExecutionException if the colour's vcore has stopped
     */
    static ColorTimer start(TimerOptions options, Color color, TimerHandler handler, KernelClocks clocks, ClockWatch watch) {
        var timer = new ColorTimer(options, color, handler, clocks, watch);
        if (options.start() == TimerOptions.Start.NONE) return timer;
        long deadline = options.start() == TimerOptions.Start.TIME ? timer.limited(options.nanos()) : timer.afterNow(options.nanos());
        if (timer.isHeldAtHome()) {
            timer.settleAndArm(deadline);
            return timer;
        }
        timer.arm(deadline);
        timer.turn.atHome(true); // where the wheel is that it is to go to
        if (!timer.lookInTime()) throw new RejectedExecutionException(color.home() + " has stopped");
        return timer;
    }

    // ---- clocks

    private long ownNow() { return clock == TimerClock.MONOTONIC ? color.home().clock().nanoTime() : clocks.nanos(clock); }

    /** Returns a time of its clock as the vcores' clock has it, as things are now. */
    private long monotonic(long deadline) { return color.home().clock().nanoTime() + (deadline - clocks.nanos(clock)); }

    /** Returns for how long a deadline has passed; negative if it has not. */
    private long overdue(long deadline, Vcore here) {
        if (clock != TimerClock.MONOTONIC) return clocks.nanos(clock) - deadline;
        long passed = here.now() - deadline;
        return passed >= 0 ? passed : here.clock().nanoTime() - deadline; // who has told may be ahead of this vcore's turn
    }

    // ---- any thread

    @Override public boolean rearm(Duration delay) { return armFor(afterNow(TimerOptions.delayNanos(delay))); }

    @Override public boolean rearm(Instant time) {
        if (clock != TimerClock.WALL) throw new IllegalStateException("this timer goes by " + clock + ", not by the wall clock");
        return armFor(limited(TimerClock.wallNanos(time)));
    }

    @Override public boolean rearmAt(long nanos) { return armFor(limited(nanos)); }

    private long afterNow(long delayNanos) { return armable(ownNow() + delayNanos); }

    /** Returns a time of its clock from which what that shows can be subtracted. The monotonic one begins with the machine, so 146 years either way are enough. */
    private long limited(long nanos) {
        return clock == TimerClock.MONOTONIC ? Math.clamp(nanos, -TimerOptions.MAX_NANOS, TimerOptions.MAX_NANOS) : Math.clamp(nanos, 0, Long.MAX_VALUE);
    }

    private boolean armFor(long deadline) {
        boolean here = isHeldAtHome();
        long before = here ? settleAndArm(deadline) : arm(deadline);
        if (before == CLOSED) return false;
        if (!here) lookInTime();
        return isArmed(before);
    }

    private long settleAndArm(long deadline) {
        if (watch != null) watch.add(this); // before the clock is looked at: if that is set after, it is told
        settle();
        long before = armAtHome(deadline);
        if (before == CLOSED) leave();
        return before;
    }

    /** Sees to it that somebody looks at what has just been armed. Returns false if the runtime has stopped. */
    private boolean lookInTime() {
        if (watch != null) watch.add(this); // before the clock is looked at, as above
        long word = when();
        return !isArmed(word) || !mustLook(onWheel(word)) || turn.postSurely();
    }

    @Override public boolean cancel() {
        if (isHeldAtHome()) {
            boolean done = cancelAtHome();
            if (done) leave();
            else stayOrLeave(); // somebody else has cancelled it, and may have left the rest to us
            return done;
        }
        boolean done = callOff();
        if (done) tidy();
        return done;
    }

    @Override public void close() {
        if (!isArmed(end())) return;
        if (isHeldAtHome()) stayOrLeave();
        else tidy();
    }

    /** It has been called off elsewhere: has it taken off the wheel, so that nobody knows it any more. */
    private void tidy() {
        if (!isOffWheel() || watch != null) turn.postSurely();
    }

    /** Tells whether the calling thread is the home's and runs the colour. */
    private boolean isHeldAtHome() {
        Vcore here = Vcore.current();
        return here != null && here == color.home() && Vcore.currentColor() == color();
    }

    @Override public boolean isOpen() { return isArmed(when()) && !color.home().hasStopped(); }

    @Override public TimerClock clock() { return clock; }

    // ---- the colour's

    private void run() throws Exception {
        Vcore here = Vcore.current();
        while (true) {
            long deadline = when();
            long passed;
            if (!isArmed(deadline) || (passed = overdue(deadline, here)) < 0) break;
            long expirations = periodNanos == 0 ? 1 : passed / periodNanos + 1;
            long next = periodNanos == 0 ? UNARMED : armable(deadline + expirations * periodNanos);
            if (!claim(deadline, next)) continue; // called off, or armed anew
            try {
                handler.onTimer(this, expirations);
            } finally {
                lookAgain(here);
            }
            return;
        }
        lookAgain(here);
    }

    private void lookAgain(Vcore here) {
        if (here == color.home()) {
            turn.atHome(false);
            stayOrLeave();
            return;
        }
        long word = when();
        if (isArmed(word) ? mustLook(onWheel(word)) : !isOffWheel()) {
            turn.atHome(true);
            turn.postSurely();
        } else if (!isArmed(word)) {
            leave();
        }
    }

    private void stayOrLeave() {
        settle();
        if (!keepLook()) leave();
    }

    private void settle() {
        if (settled) return;
        settled = true;
        turn.enter();
    }

    /** Nobody needs to know it any more: it is not armed, and off the wheel. */
    private void leave() {
        if (settled) {
            settled = false;
            turn.leave();
        }
        if (watch == null) return;
        watch.remove(this);
        if (isArmed(when())) watch.add(this); // armed meanwhile, and perhaps added before it was removed
    }

    /** The clock may have been set, or stood still: has it look at it again. Any thread. */
    void lookAtClock() { turn.postSurely(); }

    // ---- the node of the wheel

    @Override TimerWheel wheel() { return color.home().timers(); }

    @Override long onWheel(long deadline) { return clock == TimerClock.MONOTONIC ? deadline : monotonic(deadline); }

    @Override long nextLook(long deadline, long nowNanos) {
        if (periodNanos == 0) return UNARMED;
        long at = onWheel(deadline);
        return at + ((nowNanos - at) / periodNanos + 1) * periodNanos;
    }

    @Override void tell() { turn.postSurely(); }

    @Override boolean isPrecise() { return precise; }

    @Override public Color color() { return color; }

    @Override public String toString() {
        return "Timer[" + clock + (periodNanos == 0 ? "" : ", every " + Duration.ofNanos(periodNanos)) + (isArmed(when()) ? ", armed" : "") + "]";
    }
}
