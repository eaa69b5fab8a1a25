package org.libtorque.thread;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.libtorque.sys.Handles;

/**
 * A lock for a few instructions in vcore context, where blocking is forbidden: test-and-test-and-set with exponential backoff (Anderson 1990). Whoever waits, spins. Neither fair nor
 * recursive, and it does not know its holder; the smallest there is. If the kernel takes the CPU away from the holder, all who wait spin until it comes back: see
 * {@link PdrLock}. Under contention of more than a few vcores {@link McsLock} disturbs less.
 *
 * <p>Memory order: taking it acquires, giving it up releases. Nothing allocates. A uthread may use it if it does nothing that parks in between.
 */
public final class SpinLock {
    private static final int MAX_PAUSES = 256;
    private static final VarHandle HELD = Handles.field(MethodHandles.lookup(), "held", int.class);

    private int held;

    /** Makes a lock that is free. */
    public SpinLock() {}

    /** Takes the lock; spins while it is held. */
    public void lock() {
        int pauses = 1;
        while (!tryLock()) {
            for (int i = 0; i < pauses; i++) Thread.onSpinWait();
            if (pauses < MAX_PAUSES) pauses <<= 1;
        }
    }

    /** Takes the lock if it is free. */
    public boolean tryLock() { return (int) HELD.getOpaque(this) == 0 && HELD.compareAndSet(this, 0, 1); }

    /**
     * Gives the lock up.
     *
     * @throws IllegalMonitorStateException if nobody holds it
     */
    public void unlock() {
        if (held == 0) throw new IllegalMonitorStateException("unlocked twice");
        HELD.setRelease(this, 0);
    }

    /** Tells whether somebody holds it; out of date as soon as it is read. */
    public boolean isLocked() { return (int) HELD.getOpaque(this) != 0; }
}
