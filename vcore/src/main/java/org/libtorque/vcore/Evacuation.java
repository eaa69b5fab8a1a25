package org.libtorque.vcore;

import java.util.ArrayList;
import java.util.List;

/**
 * Goes through all that waits at a vcore when it is not to wait there: because another takes it over, because it was taken over and goes back, because the
 * vcore is parked, or because it ends.
 * Each takes everything out of the run queue first and puts back what has to stay, so what comes meanwhile is not mistaken for what was there.
 *
 * <p>By the vcore's owner, in no task, or by who has taken its place; {@link #dropInbox} by any thread once the vcore has ended.
 */
final class Evacuation {
    private final Vcore vcore;

    Evacuation(Vcore vcore) { this.vcore = vcore; }

    /** Returns the colours that may run elsewhere, in the order in which they would have run, linked. By whoever has custody. */
    Color surrender() {
        for (Color color = vcore.inbox.takeAll(); color != null; ) {
            Color following = color.next;
            color.next = null;
            color.busyFrom(vcore.now);
            if (color.movingTo == null) vcore.enqueue(color);
            else vcore.inbox.put(color); // its sources are this thread's to move
            color = following;
        }
        Color first = null;
        Color last = null;
        Color staying = null;
        for (Color color; (color = vcore.takeWaiting()) != null; ) {
            color.next = null;
            if (!color.mayRoam()) {
                color.next = staying;
                staying = color;
            } else {
                if (first == null) first = color;
                else last.next = color;
                last = color;
            }
        }
        putBack(staying);
        return first;
    }

    /** Sends colours that wait here and are at home elsewhere to their homes. */
    void handBack() {
        Color mine = null;
        for (Color color; (color = vcore.takeWaiting()) != null; ) {
            if (color.home() == vcore) {
                color.next = mine;
                mine = color;
            } else {
                color.next = null;
                color.home().deliver(color);
            }
        }
        putBack(mine);
    }

    private void putBack(Color colors) {
        while (colors != null) {
            Color following = colors.next;
            colors.next = null;
            vcore.own.add(colors, vcore.virtualNow);
            colors = following;
        }
    }

    /** Sends away what waits here, as far as it may go. For a vcore that is parked. */
    void sendAway() {
        Color waiting = null;
        for (Color color; (color = vcore.takeWaiting()) != null; ) {
            color.next = waiting;
            waiting = color;
        }
        while (waiting != null) {
            Color following = waiting.next;
            waiting.next = null;
            if (!vcore.parking.sendAway(waiting)) vcore.own.add(waiting, vcore.virtualNow);
            waiting = following;
        }
    }

    // ---- at the end

    /** Sends what is left of others' colours to their homes, which wait for what these have still to do. What is at home here ends, which may give the former something to do. */
    void goHome() {
        while (vcore.hasWork() || !vcore.inbox.isEmpty()) {
            dropInbox();
            for (Color color; (color = vcore.takeWaiting()) != null; ) leave(color);
        }
    }

    /** Any thread, once the vcore has ended. */
    void dropInbox() {
        for (Color color = vcore.inbox.takeAll(); color != null; ) {
            Color following = color.next;
            color.next = null;
            leave(color);
            color = following;
        }
    }

    /** By the colour's holder, who lets go of it: a post that comes later finds the vcore stopped, and does the same. */
    private void leave(Color color) {
        if (color.home() != vcore) {
            color.home().deliver(color);
            return;
        }
        do {
            for (Task task; (task = color.poll()) != null; ) {
                task.unmarkQueued();
                try {
                    task.dropped();
                } catch (Throwable failure) {
                    vcore.reportFailure(task, failure);
                }
            }
        } while (!color.letGoIfDone());
    }

    void abandonTimers() {
        List<Timer> left = new ArrayList<>();
        vcore.timers().forEach(left::add);
        for (Timer timer : left) {
            vcore.timers().cancel(timer);
            vcore.tell(timer::abandoned);
        }
    }
}
