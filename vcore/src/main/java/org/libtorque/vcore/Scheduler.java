package org.libtorque.vcore;

/**
 * Decides what a vcore runs next: parlib's second-level scheduler, reduced to what callbacks need. All methods are
 * called in vcore context by the vcore's own thread; none may block or allocate.
 */
public interface Scheduler {
    /** Takes a task that has become runnable; it is not queued anywhere. */
    void taskReady(Task task);

    /** Tells whether {@link #schedEntry} would find something to run. */
    boolean hasWork();

    /**
     * Runs tasks.
     *
     * @param budget how many at most
     * @return how many ran
     */
    int schedEntry(int budget);
}
