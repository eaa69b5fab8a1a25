package org.libtorque.vcore;

/**
 * A unit of runnable work: an event callback, a posted continuation, later a uthread that is ready to continue. Each
 * task has a {@link Color}: tasks of one colour never run in parallel, and run in the order they were made ready.
 *
 * <p>A task is an intrusive list node, so making one ready allocates nothing. The price is that a task object can be
 * queued only once at a time: {@link Vcore#ready} on a queued task does nothing, as a second event of a source whose
 * first has not been handled yet needs no second run.
 *
 * <p>{@code IDLE -ready-> QUEUED -dequeue-> IDLE, running -ready-> QUEUED …}: the mark is taken off before the task
 * runs, so work that arrives while it runs queues it again and nothing is lost.
 */
public abstract class Task {
    /** Next task of the same colour; guarded by the colour's vcore. */
    Task next;
    /** Whether this task is in its colour's queue; guarded by the colour's vcore. */
    boolean queued;
    private final Color color;

    /** @param color what this task is serialised with */
    protected Task(Color color) {
        if (color == null) throw new NullPointerException("a task needs a colour; Torque.defaultColor() serialises with everything that names none");
        this.color = color;
    }

    /** Returns what this task is serialised with. */
    public final Color color() { return color; }

    /**
     * Does the work, on the colour's vcore. Must not block: whatever else this vcore serves waits meanwhile.
     *
     * @throws Throwable anything; it goes to {@link #failed} and hurts nobody else
     */
    protected abstract void run() throws Throwable;

    /**
     * Called when {@link #run} threw. The default hands the failure to the vcore's {@link FailureHandler}.
     *
     * @param failure what was thrown
     */
    protected void failed(Throwable failure) { color.home().reportFailure(this, failure); }
}
