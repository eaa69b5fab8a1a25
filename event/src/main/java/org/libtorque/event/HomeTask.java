package org.libtorque.event;

import org.libtorque.vcore.Color;
import org.libtorque.vcore.Task;

/** A task that touches what belongs to its colour's home, and so runs there. */
abstract class HomeTask extends Task {
    HomeTask(Color color) {
        super(color);
        runAtHome(true);
    }
}
