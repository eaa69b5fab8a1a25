package org.libtorque.vcore;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.RejectedExecutionException;
import org.libtorque.sys.Handles;

/**
 * A unit of runnable work: an event callback, a posted continuation, later a uthread that is ready to continue. Each
 * task has a {@link Color}: tasks of one colour never run in parallel, and run in the order they were posted.
 *
 * <p>Any thread may post a task at any time; it need not know where the colour is. From inside a task this is libasync-smp's {@code cpucb}
 * (Zeldovich et al. 2003): the new work runs soon, and near its creator unless its colour is tied to another vcore.
 *
 * <p>A task is an intrusive list node, so posting allocates nothing. The price is that a task object can be queued only once at a time: posting a
 * queued task does nothing, as a second event of a source whose first has not been handled yet needs no second run.
 *
 * <p>{@code IDLE -post-> QUEUED -dequeue-> IDLE, running -post-> QUEUED …}: the mark is set and taken off before the task runs by atomic exchanges. Whoever
 * finds it set has written it anew, and the exchange that takes it off reads that: so it has his data seen by that run, and nothing is lost. A post that may be
 * refused first sets TRYING, and takes that back only if nobody has relied on it meanwhile: {@code IDLE -tryPost-> TRYING -refused-> IDLE},
 * {@code TRYING -post by another-> QUEUED}.
 */
public abstract class Task {
    private static final int IDLE = 0, QUEUED = 1, TRYING = 2;
    private static final VarHandle MARK = Handles.field(MethodHandles.lookup(), "mark", int.class);

    /** Next task of the same colour: the poster's until it is published, the colour's holder's after. */
    Task next;
    /** How many tasks lay in the colour's stack with this one on top; the poster's until it is published. */
    int depth;
    /** Whether the next run must be on the vcore that is the colour's home. Written by the colour's holder, or before the first post. */
    boolean atHome;
    /** Whether this is a {@link SharedTask}. */
    boolean shared;
    private final Color color;
    @SuppressWarnings("unused") private int mark;

    /** @param color what this task is serialised with */
    protected Task(Color color) {
        if (color == null) throw new NullPointerException("a task needs a colour; Torque.defaultColor() serialises with everything that names none");
        this.color = color;
    }

    /** For the mark of a colour that is held. */
    Task() { color = null; }

    /** Returns what this task is serialised with. */
    public final Color color() { return color; }

    /** Marks as queued. Returns false if it was; then the run to come sees what the caller has written. */
    boolean markQueued() { return (int) MARK.getAndSet(this, QUEUED) == IDLE; }

    /** As {@link #markQueued}, by one who may have to take it back. False says nothing: then {@code markQueued} must be asked. */
    boolean markTrying() { return (int) MARK.getOpaque(this) == IDLE && MARK.compareAndSet(this, IDLE, TRYING); }

    /** Takes back {@link #markTrying}. Returns false if somebody has posted meanwhile: he was told that it is queued, and it must be. */
    boolean unmarkTrying() { return MARK.compareAndSet(this, TRYING, IDLE); }

    /**
     * Before it runs. An exchange, not a store: it acquires what those had written who found the mark. Event sources are never marked, having ready bits of their own.
     */
    void unmarkQueued() {
        if ((int) MARK.getOpaque(this) != IDLE) MARK.getAndSet(this, IDLE);
    }

    /**
     * Says whether the next runs must be on the colour's home, because they touch what belongs to that vcore's thread. A colour that runs elsewhere goes home when this
     * task's turn comes. To be called before the task is first posted, or by a task of the same colour.
     *
     * @throws UnsupportedOperationException if this is a {@link SharedTask}, which runs wherever its lane is; pin the colour instead, and its lanes stay there too
     */
    protected final void runAtHome(boolean yes) {
        if (yes && shared) throw new UnsupportedOperationException("a shared task runs wherever its lane is; pin the colour instead");
        atHome = yes;
    }

    /**
     * Posts this task, unless it is queued already. Any thread.
     *
     * @return false if the colour has as many tasks waiting as it may, or its home has stopped: the task has not been taken. From a vcore's thread there is no limit
     */
    public final boolean tryPost() { return Vcore.post(this, true); }

    /**
     * Posts this task, unless it is queued already. Any thread.
     *
     * @throws RejectedExecutionException as {@link #tryPost} returns false
     */
    public final void post() {
        if (!tryPost()) {
            Vcore home = color.home();
            throw new RejectedExecutionException(home.hasStopped() ? home + " has stopped"
                    : "colour " + color.id() + " has " + home.postLimit() + " tasks waiting; it cannot keep up");
        }
    }

    /**
     * Posts this task, unless it is queued already, however many tasks wait. For what must not be lost, such as closing. Any thread.
     *
     * @return false if the colour's home has stopped
     */
    public final boolean postSurely() { return Vcore.post(this, false); }

    /**
     * Does the work. Must not block: whatever else this vcore serves waits meanwhile.
     *
     * @throws Throwable anything; it goes to {@link #failed} and hurts nobody else
     */
    protected abstract void run() throws Throwable;

    /**
     * Will not run, though it was posted: the vcore in whose queue it waited has ended. Called once for each post that was taken and comes to that, by whoever finds out, on any
     * thread and with the colour held, so no other task of the colour runs meanwhile. It must neither block nor throw. The default does nothing.
     */
    protected void dropped() {}

    /** Returns what reports name as the callback that runs: for tasks that run somebody else's code, that. */
    protected Object subject() { return this; }

    /**
     * Called when {@link #run} threw. The default hands the failure to the vcore's {@link FailureHandler}.
     *
     * @param failure what was thrown
     */
    protected void failed(Throwable failure) { color.home().reportFailure(this, failure); }
}
