package org.libtorque.event;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.libtorque.sys.Affinity;
import org.libtorque.sys.Handles;

/**
 * A lock for a few instructions, of whatever callbacks and uthreads do to what all vcores share. Who waits spins, and then gives its CPU to other platform threads: the holder may have lost its own.
 *
 * <p>Why not a monitor or a lock of {@code java.util.concurrent}: a uthread that finds one taken leaves its vcore, wherever it is. In the middle of a read handler the vcore then serves other
 * connections out of the same input block, view and output cursor, and the handler goes on with theirs. A native call does not let it leave.
 *
 * <p>Not reentrant. Any thread.
 */
final class BriefLock {
    private static final int SPINS = 200;
    private static final VarHandle HELD = Handles.field(MethodHandles.lookup(), "held", boolean.class);

    @SuppressWarnings("unused") private boolean held;

    void lock() {
        for (int i = 0; (boolean) HELD.getOpaque(this) || !HELD.compareAndSet(this, false, true); i++) {
            if (i < SPINS) Thread.onSpinWait();
            else Affinity.yieldCpu();
        }
    }

    /** By the holder. */
    void unlock() { HELD.setRelease(this, false); }
}
