package org.libtorque.event;

import org.libtorque.vcore.Color;
import org.libtorque.vcore.Resident;
import org.libtorque.vcore.Timer;

/** A one-shot or periodic timer of the facade: runs an action under a colour. */
final class TimerRegistration extends Resident implements Registration {
    private final Runnable action;
    private final long periodNanos;
    private final Timer timer;
    private volatile boolean open = true;
    /** Whether the timer was running when its colour left its home. */
    private boolean scheduled;

    /** @param periodNanos 0 for one-shot */
    TimerRegistration(Color color, Runnable action, long periodNanos) {
        super(color);
        this.action = action;
        this.periodNanos = periodNanos;
        this.timer = new Timer() {
            @Override protected void onExpiry(long nowNanos) { expired(nowNanos); }

            @Override protected Color color() { return color; }
        };
    }

    /** Posts the start to the home vcore. Returns false if that has stopped. */
    boolean startAfter(long delayNanos) {
        Color color = color();
        long due = color.home().clock().nanoTime() + delayNanos;
        return new HomeTask(color) {
            @Override protected void run() {
                if (!open) return;
                settle();
                color.home().timers().schedule(timer, due);
            }
        }.postSurely();
    }

    private void expired(long nowNanos) {
        if (!open) return;
        if (periodNanos > 0) {
            // From the due time, so that the period does not drift; periods that a slow action has missed are skipped.
            long next = timer.deadlineNanos() + periodNanos;
            if (next - nowNanos <= 0) next += (nowNanos - next) / periodNanos * periodNanos + periodNanos;
            color().home().timers().schedule(timer, next);
        }
        postSurely();
    }

    @Override protected void run() {
        if (!open) return;
        if (periodNanos == 0) {
            open = false;
            unsettle();
        }
        action.run();
    }

    @Override public void close() {
        if (!open) return;
        open = false;
        new HomeTask(color()) {
            @Override protected void run() {
                color().home().timers().cancel(timer);
                unsettle();
            }
        }.postSurely();
    }

    // ---- moving: the timer leaves one wheel for another

    @Override protected boolean canMove() { return true; }

    @Override protected void depart() {
        scheduled = timer.isScheduled();
        color().home().timers().cancel(timer);
        departed();
    }

    @Override protected void arrive() {
        if (scheduled && open) color().home().timers().schedule(timer, timer.deadlineNanos());
    }

    @Override public boolean isOpen() { return open; }
}
