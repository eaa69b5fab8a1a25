package org.libtorque.vcore;

/**
 * Something that happens at a time: a node of a {@link TimerWheel}, to be extended or held by what wants to be told.
 * A timer is in at most one wheel, and belongs to the thread of that wheel. It can be scheduled again after it has run.
 *
 * <pre>{@code
 *   IDLE -schedule-> SCHEDULED -schedule-> SCHEDULED (at another time)
 *   SCHEDULED -cancel-> IDLE
 *   SCHEDULED -its time has come, expire-> IDLE, then onExpiry
 * }</pre>
 */
public abstract class Timer {
    // Long names: a subclass in this package inherits them, and they must not hide names of a class around it.

    /** The wheel it is scheduled on, or null. */
    TimerWheel homeWheel;
    /** Neighbours in the circular list of its slot; null unless scheduled. */
    Timer nextTimer, previousTimer;
    /** Index of the list it is in; meaningless unless scheduled. */
    int listIndex;
    /** While due: the round of the wheel in which it became so. While in the heap: its place there. */
    int dueRound;
    /** The tick at which the wheel comes to it: that of the deadline, rounded up; or one or two before, if it is precise. While in the heap: the number of its coming. */
    long dueTick;
    /** The deadline as it was asked for. */
    long deadlineNanos;
    /** Whether the deadline is exact, and not rounded up to a tick. */
    boolean precise;

    /** Creates a timer that is not scheduled. */
    protected Timer() {}

    /**
     * Its time has come. Called in {@link TimerWheel#expire} on the wheel's thread; the timer is no longer scheduled
     * and may schedule itself or any other, or cancel any other. An exception ends that call to {@code expire} and
     * reaches its caller; timers that were due stay due.
     *
     * @param nowNanos the time that {@code expire} was given; not before the deadline
     */
    protected abstract void onExpiry(long nowNanos);

    /**
     * The vcore of its wheel has ended, so its time will not come: for who waits for it. Called once, on that vcore's thread, which runs nothing any more; the timer is not scheduled
     * then. The default does nothing.
     */
    protected void abandoned() {}

    /**
     * Returns the colour whose resident this timer is all there is of, so that it is found when its vcore is parked; null if it belongs to nobody, or to an event source,
     * which takes it along. The default returns null.
     */
    protected Color color() { return null; }

    /** Tells whether it is waiting for its time, or for its turn after that. */
    public final boolean isScheduled() { return homeWheel != null; }

    /** Returns the deadline of the last {@link TimerWheel#schedule}, passed or not; 0 before the first. */
    public final long deadlineNanos() { return deadlineNanos; }
}
