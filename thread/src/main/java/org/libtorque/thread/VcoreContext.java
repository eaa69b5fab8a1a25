package org.libtorque.thread;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.libtorque.sys.Handles;
import org.libtorque.vcore.Task;
import org.libtorque.vcore.Vcore;
import org.libtorque.vcore.VcoreThread;

/**
 * One vcore as one {@link Scheduler} sees it. Its methods are for that scheduler's callbacks, on that vcore, unless they say otherwise.
 *
 * <p>A scheduler's turn on a vcore is a task of a pinned colour, so it shares the vcore with callbacks by the rules of colours, and is posted when there is something to run:
 *
 * <pre>{@code
 *   IDLE (marked, nothing to run) -wakeIdle, threadRunnable-> posted -> TURN: schedEntry, again and again -time is up-> posted
 *                                                                            -nothing found-> marked idle, looks once more -> IDLE
 * }</pre>
 *
 * <p><b>Nothing that can run is forgotten.</b> Who puts a thread where others find it fences and looks for somebody idle; who finds nothing marks himself idle, fences and looks again.
 * Full fences are totally ordered, so one of the two sees what the other has done. The argument needs three things more:
 * <ul>
 * <li>The mark says that the vcore will look when it is woken, and soon. So a turn begins by taking it off: a vcore that was posted for other reasons and runs a long thread would
 *     swallow the wake-up of one who has time.
 * <li>Every vcore that works is marked, or its turn is posted or goes on. Both ways into being parked end in {@link #leave}, which takes the mark off; every way out posts the turn, also if
 *     the vcore itself has not noticed that it was parked ({@link Vcore#onParking}).
 * <li>One that was woken and is parked before it looks passes that on, in {@link Scheduler#vcoreLeaving}.
 * <li>Threads that become runnable outside the vcores are in a stack until the vcore that they were sent to has told the scheduler. If it runs a long thread, that takes long; so who pushes
 *     one there wakes somebody idle as well, and who is about to be idle looks at all stacks.
 * </ul>
 */
public final class VcoreContext {
    /** How long a turn lasts, at least: it ends with the first switch after. */
    public static final long TURN_NANOS = 50_000;
    /** Switches between two looks at the clock, at most. */
    private static final int MAX_UNTIMED = 16;
    private static final VarHandle ARRIVED = Handles.field(MethodHandles.lookup(), "arrived", ScheduledUthread.class);

    private final Scheduler scheduler;
    private final Vcore vcore;
    private final Turn turn;
    /** Threads that became runnable outside the vcores, the last one first. Any thread pushes, the vcore takes all. */
    @SuppressWarnings("unused") private ScheduledUthread arrived;

    private volatile boolean away;
    /** Set by the vcore when it has been resumed, though it may not have left. */
    private boolean resumed;

    // ---- the vcore's
    private boolean inTurn;
    private boolean left = true;
    private ScheduledUthread current;
    private long switches;
    private boolean orphaning;

    /** A turn of the scheduler. */
    private final class Turn extends Task {
        Turn() { super(vcore.newColor().pin()); }

        @Override protected void run() { enter(); }

        @Override protected void dropped() { scheduler.callOthers(index()); } // this vcore has ended, others may not have

        @Override protected Object subject() { return current != null ? current : scheduler; }
    }

    VcoreContext(Scheduler scheduler, Vcore vcore) {
        this.scheduler = scheduler;
        this.vcore = vcore;
        turn = new Turn();
    }

    /** Returns the vcore. Any thread. */
    public Vcore vcore() { return vcore; }

    /** Returns its number among the runtime's vcores, from 0. Any thread. */
    public int index() { return vcore.index(); }

    /** Returns the thread that is mounted at the moment; null if none of this scheduler is. */
    public Uthread current() { return current; }

    /** Returns how many threads it has run, each time counted, since the start. */
    public long switches() { return switches; }

    /** Tells whether the vcore should take nothing on: it is parked, or about to be; or a thread keeps it and another one stands in for it. Any thread. */
    public boolean isParked() { return away || vcore.isParked(); }

    /** Tells whether it is neither parked nor has ended. Any thread. */
    boolean isAtWork() { return !isParked() && !vcore.hasStopped(); }

    /** Says whether somebody stands in for it, or, of one that stands in for others, whether it has not to. */
    void away(boolean yes) { away = yes; }

    /** Tells whether it has found nothing to run, and sleeps or does other things. Any thread; out of date soon. */
    public boolean isIdle() { return scheduler.isIdle(index()); }

    /** Has one of the other vcores that are idle look for something to run, if any is. To be called after it was put where they find it. Returns whether one was. */
    public boolean wakeIdle() { return scheduler.wakeIdle(index()); }

    /** Has this vcore make a scheduling decision soon. Any thread. */
    public void wake() {
        scheduler.clearIdle(index());
        enterSoon();
    }

    boolean enterSoon() { return turn.postSurely(); }

    /** The vcore has been parked, or resumed, or both. In vcore context. */
    void parkingChanged() {
        if (!isParked()) resumed = true;
        enterSoon();
    }

    // ---- a turn

    private void enter() {
        if (isParked()) {
            leave();
            return;
        }
        inTurn = true;
        try {
            if (scheduler.isIdle(index())) scheduler.clearIdle(index());
            if (left || resumed) {
                left = false;
                resumed = false;
                scheduler.vcoreEntered(this);
            }
            long begin = vcore.clock().nanoTime();
            int untimed = 1;
            int toGo = untimed;
            while (true) {
                if (ARRIVED.getOpaque(this) != null) takeArrived();
                if (!scheduler.schedEntry(this) && goIdle()) return;
                if (--toGo > 0) continue;
                long used = vcore.clock().nanoTime() - begin;
                if (used >= TURN_NANOS) {
                    turn.postSurely(); // behind what callbacks have to do
                    return;
                }
                toGo = untimed = used * 2 < TURN_NANOS ? Math.min(2 * untimed, MAX_UNTIMED) : 1;
            }
        } finally {
            inTurn = false;
        }
    }

    /** Marks this vcore idle and looks once more. Returns whether there is nothing. */
    private boolean goIdle() {
        scheduler.setIdle(index());
        VarHandle.fullFence(); // StoreLoad: the mark before the look; partner in Scheduler.wakeIdle
        if (!takeStranded() && !scheduler.schedEntry(this)) return true;
        scheduler.clearIdle(index());
        return false;
    }

    /** By the vcore, or whoever has it in custody. */
    void leave() {
        left = true;
        scheduler.clearIdle(index());
        for (ScheduledUthread thread = takeAll(); thread != null; ) {
            ScheduledUthread following = thread.next;
            thread.next = null;
            scheduler.runnable(thread, Thread.currentThread()); // as this vcore is parked, to another one
            thread = following;
        }
        scheduler.vcoreLeaving(this);
        if (!isParked()) turn.postSurely(); // it has come back meanwhile
    }

    // ---- becoming runnable

    /** From anywhere. */
    void arrive(ScheduledUthread thread) {
        while (true) {
            ScheduledUthread top = (ScheduledUthread) ARRIVED.getOpaque(this);
            thread.next = top;
            if (ARRIVED.weakCompareAndSetRelease(this, top, thread)) break; // pairs with the exchange in takeAll
        }
        boolean wasIdle = scheduler.clearIdle(index()); // before the post, as it may be idle anew right after
        if (turn.postSurely()) { // an exchange that orders: whoever takes the mark off sees the thread
            if (!wasIdle) scheduler.callOthers(index()); // it runs something, perhaps for long
            return;
        }
        for (ScheduledUthread u = takeAll(); u != null; ) { // the vcore has stopped, and orphan() may have looked before
            ScheduledUthread following = u.next;
            u.next = null;
            u.orphan();
            u = following;
        }
    }

    /** Tells whether threads have come that the scheduler has not been told of. Any thread. */
    boolean hasArrived() { return ARRIVED.getOpaque(this) != null; }

    /** In the order of their coming. */
    private ScheduledUthread takeAll() {
        ScheduledUthread first = null;
        for (ScheduledUthread thread = (ScheduledUthread) ARRIVED.getAndSet(this, null); thread != null; ) {
            ScheduledUthread older = thread.next;
            thread.next = first;
            first = thread;
            thread = older;
        }
        return first;
    }

    private void takeArrived() { tellRunnable(takeAll()); }

    private void tellRunnable(ScheduledUthread first) {
        for (ScheduledUthread thread = first; thread != null; ) {
            ScheduledUthread following = thread.next;
            thread.next = null;
            scheduler.threadRunnable(this, thread);
            thread = following;
        }
    }

    /** Tells the scheduler of threads that have arrived at any vcore, which may be long in coming for them. Returns whether there were any. */
    private boolean takeStranded() {
        boolean found = false;
        for (VcoreContext context : scheduler.contexts()) {
            if (context == null || !context.hasArrived()) continue;
            tellRunnable(context.takeAll());
            found = true;
        }
        return found;
    }

    /** On this vcore. */
    void becameRunnable(ScheduledUthread thread) {
        try {
            scheduler.threadRunnable(this, thread);
        } catch (Throwable failure) { // who calls has only unparked somebody
            vcore.reportFailure(scheduler, failure);
        }
        if (!inTurn) turn.postSurely();
    }

    // ---- running

    /**
     * Runs a thread until it yields, waits or ends, which the scheduler is told before this returns. Only in {@link Scheduler#schedEntry}.
     *
     * @param thread runnable, of this scheduler, and taken from wherever the scheduler kept it
     * @throws IllegalStateException    if it is not runnable, or this is not the place
     * @throws IllegalArgumentException if it is another scheduler's
     */
    public void run(Uthread thread) {
        if (!(thread instanceof ScheduledUthread u) || u.scheduler() != scheduler) throw new IllegalArgumentException(thread + " is not this scheduler's");
        if (orphaning) {
            u.orphan();
            return;
        }
        if (!inTurn || current != null || !(Thread.currentThread() instanceof VcoreThread carrier)) throw new IllegalStateException("only schedEntry can run a thread, one at a time");
        u.begin();
        switches++;
        current = u;
        carrier.mounted(u);
        vcore.lend();
        try {
            u.continuation.run();
        } finally {
            vcore.reclaim();
            current = null;
            carrier.mounted(null);
        }
        if (u.hasYielded()) {
            Fault fault = u.takeFault();
            if (fault != null) reflect(u, fault);
            scheduler.threadPaused(this, u);
        } else if (u.thread().isAlive()) {
            blocked(u);
        } else {
            scheduler.threadExited(this, u);
        }
    }

    private void reflect(ScheduledUthread u, Fault fault) {
        try {
            fault.decide(scheduler.threadReflectFault(this, u, fault));
        } catch (Throwable failure) { // the thread goes on all the same, to its end
            vcore.reportFailure(scheduler, failure);
        }
    }

    private void blocked(ScheduledUthread u) {
        try {
            if (u.blocker() instanceof Uthread.Syscall call) scheduler.threadBlockOnSyscall(this, u, call);
            else scheduler.threadHasBlocked(this, u);
        } catch (Throwable failure) { // it waits all the same, and could never be woken
            vcore.reportFailure(scheduler, failure);
        }
        if (!u.endBlocked()) scheduler.threadRunnable(this, u); // it was woken while it was told to be waiting
    }

    /** When all vcores have ended, by the thread that closes the runtime: what could still run goes on elsewhere. */
    void orphan() {
        orphaning = true;
        takeArrived();
        while (scheduler.schedEntry(this)) { }
    }

    @Override public String toString() { return scheduler + " on " + vcore; }
}
