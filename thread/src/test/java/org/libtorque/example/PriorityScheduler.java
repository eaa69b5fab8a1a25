package org.libtorque.example;

import java.util.ArrayDeque;
import org.libtorque.thread.Scheduler;
import org.libtorque.thread.Uthread;
import org.libtorque.thread.VcoreContext;

/** Runs what matters most first; of equals, who came first. A thread's priority is what it was given with {@link #prioritise}, and 0 before. */
public final class PriorityScheduler extends Scheduler {
    public static final int LEVELS = 4; // 0, the lowest, to 3

    private final ArrayDeque<Uthread>[] ready = newQueues(); // guarded by this

    /** Sets the calling thread's priority, from its next yield or wait on. */
    public static void prioritise(int level) {
        if (level < 0 || level >= LEVELS) throw new IllegalArgumentException("no level " + level);
        Uthread.current().attach(level);
    }

    private static int levelOf(Uthread thread) { return thread.attachment() instanceof Integer level ? level : 0; }

    @Override protected void threadRunnable(VcoreContext here, Uthread thread) {
        add(thread);
        here.wakeIdle(); // one that has nothing to do may have it
    }

    @Override protected void threadPaused(VcoreContext here, Uthread thread) { add(thread); } // this vcore looks next anyway

    @Override protected boolean schedEntry(VcoreContext here) {
        Uthread thread = takeBest();
        if (thread == null) return false;
        here.run(thread); // until it yields, waits or ends
        return true;
    }

    @Override protected synchronized boolean hasOthers(VcoreContext here) {
        for (ArrayDeque<Uthread> queue : ready) if (!queue.isEmpty()) return true;
        return false;
    }

    private synchronized void add(Uthread thread) { ready[levelOf(thread)].add(thread); }

    private synchronized Uthread takeBest() {
        for (int level = LEVELS - 1; level >= 0; level--) {
            Uthread thread = ready[level].poll();
            if (thread != null) return thread;
        }
        return null;
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static ArrayDeque<Uthread>[] newQueues() {
        ArrayDeque<Uthread>[] queues = new ArrayDeque[LEVELS];
        for (int i = 0; i < LEVELS; i++) queues[i] = new ArrayDeque<>();
        return queues;
    }
}
