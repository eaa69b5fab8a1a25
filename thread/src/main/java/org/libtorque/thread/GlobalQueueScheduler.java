package org.libtorque.thread;

/**
 * One queue for all vcores, first come, first served: the simplest scheduler that uses every vcore, and the fairest. All vcores contend for its one lock, so it is for few of them,
 * or for threads that run for microseconds and more between switches.
 */
public final class GlobalQueueScheduler extends Scheduler {
    private final ThreadQueue queue = new ThreadQueue();

    /** Makes one that serves no runtime yet. */
    public GlobalQueueScheduler() {}

    @Override protected boolean schedEntry(VcoreContext here) {
        Uthread thread = queue.poll();
        if (thread == null) return false;
        here.run(thread);
        return true;
    }

    @Override protected void threadRunnable(VcoreContext here, Uthread thread) {
        queue.add(thread);
        if (maxVcores() > 1) here.wakeIdle();
    }

    @Override protected void threadPaused(VcoreContext here, Uthread thread) { queue.add(thread); } // this vcore looks next: nobody need be woken

    @Override protected boolean hasOthers(VcoreContext here) { return queue.size() > 0; }

    @Override public String toString() { return "global queue"; }
}
