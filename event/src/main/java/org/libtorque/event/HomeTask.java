package org.libtorque.event;

import org.libtorque.vcore.Color;
import org.libtorque.vcore.Task;

/** A task that touches what belongs to its colour's home, and so runs there. */
abstract class HomeTask extends Task {
    HomeTask(Color color) {
        super(color);
        runAtHome(true);
    }

    /**
     * Has something started at its colour's home, or given back if that has ended, or ends before it comes to it. Any thread.
     *
     * @param giveBack called once if it is not going to be started, perhaps on another thread; must neither block nor throw
     * @return false if the home has ended
     */
    static boolean start(Color color, Runnable start, Runnable giveBack) {
        boolean posted = new HomeTask(color) {
            @Override protected void run() { start.run(); }

            @Override protected void dropped() { giveBack.run(); }

            @Override protected Object subject() { return start; }
        }.postSurely();
        if (!posted) giveBack.run();
        return posted;
    }
}
