package org.libtorque.event;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.RejectedExecutionException;
import org.libtorque.sys.Handles;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Task;

/**
 * A callback that has its colour with it. Each call posts a task of its own, so that calls are in line with all else that is posted to the colour. A task that has begun to run is free
 * for a later call: as long as no more than {@link #MAX_FREE} calls wait at a time, only the first of them allocate.
 *
 * <p><em>Rejected:</em> one task and a count of calls, of which each run takes one off. It never allocates, but its second call would run behind what was posted after it.
 */
final class ColorCallback implements Runnable {
    private static final int MAX_FREE = 64;
    private static final VarHandle FREE = Handles.field(MethodHandles.lookup(), "free", Turn.class);

    private final Color color;
    private final Runnable action;
    /**
     * Tasks that are in no queue, a list. Who calls takes it whole, by an exchange, so that nobody can have put anything back in between and be overlooked, and puts back all but one;
     * who finds that others did something meanwhile leaves his part to the collector.
     */
    @SuppressWarnings("unused") private Turn free;

    ColorCallback(Color color, Runnable action) {
        this.color = color;
        this.action = action;
    }

    /** One call. */
    private final class Turn extends Task {
        Turn nextFree;
        /** How many are in the list behind this one. */
        int behind;

        Turn() { super(color); }

        @Override protected void run() {
            giveBack(this);
            action.run();
        }

        @Override protected Object subject() { return action; }
    }

    /** Called by anybody, on any thread. */
    @Override public void run() {
        if (!take().postSurely()) throw new RejectedExecutionException(color.home() + " has stopped");
    }

    private Turn take() {
        Turn first = (Turn) FREE.getAndSet(this, null);
        if (first == null) return new Turn();
        Turn rest = first.nextFree;
        first.nextFree = null;
        if (rest != null) FREE.compareAndSet(this, null, rest);
        return first;
    }

    private void giveBack(Turn turn) {
        Turn top = (Turn) FREE.getAcquire(this);
        int behind = top == null ? 0 : top.behind + 1; // of another time if top was taken meanwhile; then the exchange below fails, or it is back
        if (behind >= MAX_FREE) return;
        turn.nextFree = top;
        turn.behind = behind;
        FREE.compareAndSet(this, top, turn);
    }
}
