package org.libtorque.thread;

import java.util.ArrayList;
import java.util.List;
import org.libtorque.memory.BlockPool;
import org.libtorque.testkit.ManualClock;
import org.libtorque.vcore.IdleQueue;
import org.libtorque.vcore.Vcore;

/** A vcore without a kernel, whose loop and clock the test turns. The thread that makes it owns it, until it says otherwise by {@link Vcore#switchTo}. */
final class PlayedVcore implements AutoCloseable {
    final ManualClock clock = new ManualClock();
    final List<Throwable> failures = new ArrayList<>();
    final Vcore vcore = new Vcore(0, 0, clock::nanoTime, new BlockPool(4096, 4096), 1_000, (where, failure) -> failures.add(failure));

    PlayedVcore() { vcore.bind(new IdleQueue()); }

    /** Turns the loop until it finds nothing to do. */
    void settle() {
        while (vcore.runOnce(false) > 0) { }
    }

    /** Lets time pass, and what happens meanwhile happen. */
    void pass(long nanos) {
        clock.advance(nanos);
        settle();
    }

    @Override public void close() {
        Vcore.switchTo(vcore);
        vcore.shutDown(0);
    }
}
