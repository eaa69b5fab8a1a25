package org.libtorque.thread;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.libtorque.sys.Handles;

/**
 * Keeps others out of a synchroniser's waiting list for the few instructions that it takes to change it: a word that is tested and set. Nobody blocks, parks or calls foreign code
 * while holding it, and a virtual thread is not descheduled in between. What remains is that the kernel takes the holder's CPU away: so who spins in vain for
 * {@value #SPINS} rounds gives his own CPU, or the uthread its vcore, to others.
 *
 * <p>Memory order: taking it acquires, letting go releases. In uthread context, as in vcore context, it may be held over nothing but list operations.
 */
final class Guard {
    private static final int SPINS = 128;
    private static final VarHandle HELD = Handles.field(MethodHandles.lookup(), "held", int.class);

    private int held;

    void lock() {
        if (!HELD.weakCompareAndSetAcquire(this, 0, 1)) lockSlowly();
    }

    private void lockSlowly() {
        for (int spins = 1; ; spins++) {
            if ((int) HELD.getOpaque(this) == 0 && HELD.weakCompareAndSetAcquire(this, 0, 1)) return;
            if (spins % SPINS == 0) Thread.yield();
            else Thread.onSpinWait();
        }
    }

    void unlock() {
        assert held == 1;
        HELD.setRelease(this, 0);
    }
}
