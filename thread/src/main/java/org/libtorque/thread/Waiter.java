package org.libtorque.thread;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.libtorque.sys.Handles;

/**
 * A thread that waits for a synchroniser: made when it has to block, in one {@link WaiterList} at a time, gone when it goes on.
 *
 * <pre>{@code
 *   WAITING -grant-> GRANTED           it has got what it waited for, and is in no list any more
 *   WAITING -wake->  WOKEN -rest-> WAITING
 *                    WOKEN -grant-> GRANTED    it shall try again; it keeps its place
 * }</pre>
 *
 * <p><b>Sharing.</b> {@code state} is written under the {@link Guard} of the synchroniser, by anybody, and read by the waiter without it. Everything else is guarded, but for
 * {@code thread}, which never changes, and {@code interrupted}, which is the waiter's own.
 *
 * <p><b>No wake-up is lost.</b> Whoever leaves WAITING stores the state and then unparks; the waiter looks at the state before each park. An unpark that comes before the park makes
 * it return at once ({@link java.util.concurrent.locks.LockSupport}), and orders the store before the waiter's next look.
 */
final class Waiter {
    static final int WAITING = 0, WOKEN = 1, GRANTED = 2;

    /** Outcomes of {@link #await}. */
    static final int READY = 0, TIMED_OUT = 1, INTERRUPTED = 2;

    /** For {@link #await}: there is no deadline. Another deadline with that value is moved by a nanosecond. */
    static final long NO_DEADLINE = Long.MIN_VALUE;

    private static final VarHandle STATE = Handles.field(MethodHandles.lookup(), "state", int.class);

    final Thread thread = Parker.mayBlock();
    Waiter next, previous;
    /** The list that it is in, or null. */
    WaiterList list;
    /** What it waits for: permits, or a futex's word. What it means is the synchroniser's matter. */
    int count;
    Object key, part;
    long address;
    /** How many times another was served while this one was the first. */
    int passed;
    private int state;
    private boolean interrupted;

    /** Returns when a wait of so many nanoseconds ends; any number will do. */
    static long deadline(long nanos) {
        long d = System.nanoTime() + Math.clamp(nanos, 0, Long.MAX_VALUE >> 1); // within 2^62 of the present, or it could not be compared with it
        return d == NO_DEADLINE ? d + 1 : d;
    }

    int state() { return (int) STATE.getOpaque(this); }

    /** Under the guard. {@code newState} other than WAITING must be followed by an unpark, unless WOKEN was. */
    void state(int newState) { STATE.setRelease(this, newState); }

    /**
     * Blocks the calling thread, whose waiter this is, until it is WOKEN or GRANTED.
     *
     * @param blocker       what tools shall name as the reason
     * @param interruptible whether an interrupt ends the wait; then the interrupt is taken. If not, it is remembered for {@link #restoreInterrupt}
     * @param deadlineNanos when to give up, or {@link #NO_DEADLINE}
     * @return READY, TIMED_OUT or INTERRUPTED. The latter two only say what the waiter saw: under the guard it may turn out to have been granted meanwhile
     */
    int await(Object blocker, boolean interruptible, long deadlineNanos) {
        for (;;) {
            if ((int) STATE.getAcquire(this) != WAITING) return READY; // pairs with state(int)
            if (Thread.interrupted()) {
                if (interruptible) return INTERRUPTED;
                interrupted = true;
            }
            if (deadlineNanos == NO_DEADLINE) {
                Parker.park(blocker);
            } else {
                long left = deadlineNanos - System.nanoTime();
                if (left <= 0) return TIMED_OUT;
                Parker.parkNanos(blocker, left);
            }
        }
    }

    /** Tells whether a wait that an interrupt and a deadline may end has ended as it should; throws if it was the interrupt. */
    static boolean succeeded(int outcome) throws InterruptedException {
        if (outcome == INTERRUPTED) throw new InterruptedException();
        return outcome == READY;
    }

    /** Remembers an interrupt that came too late to end the wait. */
    void interrupted() { interrupted = true; }

    /** At the end of a wait: interrupts the calling thread again if it was meanwhile. */
    void restoreInterrupt() {
        if (interrupted) Thread.currentThread().interrupt();
    }
}
