package org.libtorque.event;

import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Task;

/**
 * A callback that has its colour with it. Calls are counted; whoever makes the count leave zero posts the task, and each of its runs takes one off, so every call is one run and
 * none allocates.
 */
final class ColorCallback implements Runnable {
    private final AtomicLong calls = new AtomicLong();
    private final Task turn;

    ColorCallback(Color color, Runnable action) {
        turn = new Task(color) {
            @Override protected void run() {
                try {
                    action.run();
                } finally {
                    if (calls.decrementAndGet() > 0) postSurely(); // behind what else waits in the colour
                }
            }
        };
    }

    /** Called by anybody, on any thread. */
    @Override public void run() {
        if (calls.getAndIncrement() == 0 && !turn.postSurely()) throw new RejectedExecutionException(turn.color().home() + " has stopped");
    }
}
