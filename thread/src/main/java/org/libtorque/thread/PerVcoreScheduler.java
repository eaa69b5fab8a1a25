package org.libtorque.thread;

import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.libtorque.vcore.Roster;
import org.libtorque.vcore.Timer;

/**
 * A queue for each vcore, round robin, with stealing and affinity: upthread's scheduler, with its knobs (Klues 2015, 2.6.1).
 *
 * <p><b>Affinity.</b> A thread goes to the queue of the vcore where it ran last, new ones to all of them in turn. A thread that is stolen belongs to its thief from then on.
 *
 * <p><b>Stealing.</b> A vcore with an empty queue picks two others at random and takes half of the longer queue. If both are empty it looks at all once, and gives up. (Half is
 * rounded up, and at most 4,096 threads are taken at once.)
 *
 * <p><b>Vcores</b> are asked for as work turns up, and given back when they have had none for 10 ms, if {@link #automaticVcores} says so. The default is not to: a vcore that has nothing
 * to do sleeps anyway, and callbacks may want it.
 *
 * <p><b>No thread waits behind a long one while somebody could have it</b> (with stealing). Who queues a thread that its own vcore does not run next wakes somebody idle, or else asks for
 * a vcore; and he looks after he has queued it. Whom does he rely on?
 * <ul>
 * <li>On one who is idle: that one looks at all queues before it sleeps, taking their locks if need be, and after it was woken ({@link VcoreContext}). If it is parked meanwhile it passes the
 *     wake-up on, here in {@link #vcoreLeaving}, which also finds what was queued by those who saw it working.
 * <li>On one who is {@code coming}: one is asked for at a time. It takes that mark off when it begins to work, and then looks; if it finds something and there is more, it goes on
 *     in the same way, so a queue of many threads gets as many vcores, one after the other.
 * <li>On nobody, because all work and none is idle: each of them looks before it becomes idle.
 * </ul>
 * A request can come to nothing only if all work, or CPUs are gone, or the runtime stops. Then the mark stays, and whoever is parked or resumed next takes it off, and looks.
 * ({@link Roster#requestMoreSoon} loses none.) What is being stolen is in no queue for a moment, and a thread that has just yielded is not either: so the thief, and who queues a
 * thread beside one that has yielded, wake somebody too.
 *
 * <p>Knobs may be turned at any time, by any thread; a vcore follows with its next decision.
 */
public sealed class PerVcoreScheduler extends Scheduler permits JuggleScheduler {
    private static final long PATIENCE_NANOS = 10_000_000;

    private volatile boolean stealing = true;
    private volatile boolean automatic;
    private volatile int planned;
    private final AtomicInteger tickets = new AtomicInteger();
    /** Whether a vcore has been asked for that has not begun to work yet. Set by compare-and-set, by who asks. */
    private final AtomicBoolean coming = new AtomicBoolean();
    private Local[] locals;

    /** What belongs to one vcore. */
    private static final class Local {
        final ThreadQueue queue = new ThreadQueue();
        // ---- the vcore's
        /** The thread that has just yielded: it is put behind the others when the next one is taken, under the same lock. */
        Uthread paused;
        ScheduledUthread[] loot;
        int random;
        IdleTimer idleTimer;
        long steals, stolen;
    }

    /** Makes one that serves no runtime yet. */
    public PerVcoreScheduler() {}

    // ---- knobs

    /** Says whether a vcore that has nothing to run takes threads from others. The default is yes. */
    public PerVcoreScheduler stealing(boolean yes) {
        stealing = yes;
        return this;
    }

    /**
     * Says whether vcores are asked for when more threads can run than vcores work, and given back when they have had nothing to run for 10 ms. It counts for the whole runtime: what else
     * a vcore does moves when it is given back.
     */
    public PerVcoreScheduler automaticVcores(boolean yes) {
        automatic = yes;
        if (yes && uthreads() != null) for (VcoreContext context : contexts()) if (context != null) context.wake(); // for those that are idle already
        return this;
    }

    /**
     * Says how many vcores the program plans to have: new threads go to the queues of so many, from number 0, whether they work yet or not. With {@link #stealing} off that is where
     * they run.
     *
     * @param count from 1; 0, the default, has them go to all that work
     */
    public PerVcoreScheduler plannedVcores(int count) {
        if (count < 0) throw new IllegalArgumentException("not negative: " + count);
        planned = count;
        return this;
    }

    /** Returns how many threads wait to run on a vcore. Any thread; out of date soon. */
    public int queued(int vcore) { return locals == null ? 0 : locals[vcore].queue.size(); }

    /** Returns how often vcores have found something to steal, since the start. Any thread; not quite up to date. */
    public long steals() {
        long n = 0;
        if (locals != null) for (Local local : locals) n += local.steals;
        return n;
    }

    /** Returns how many threads they have taken. */
    public long stolen() {
        long n = 0;
        if (locals != null) for (Local local : locals) n += local.stolen;
        return n;
    }

    // ---- callbacks

    @Override protected void attached(int maxVcores) {
        locals = new Local[maxVcores];
        for (int i = 0; i < maxVcores; i++) {
            locals[i] = new Local();
            locals[i].random = 0x9E3779B9 * (i + 1) | 1;
        }
    }

    @Override protected boolean schedEntry(VcoreContext here) {
        Local local = locals[here.index()];
        Uthread thread = local.paused;
        if (thread != null) {
            local.paused = null;
            thread = local.queue.exchange(thread);
        } else {
            thread = local.queue.poll();
            if (thread == null && stealing && locals.length > 1) thread = steal(here, local);
            if (thread == null) {
                if (automatic) startPatience(here, local);
                return false;
            }
        }
        runThread(here, thread);
        return true;
    }

    void runThread(VcoreContext here, Uthread thread) { here.run(thread); }

    /** Returns what waits on a vcore. */
    ThreadQueue queueOf(int vcore) { return locals[vcore].queue; }

    /** Returns the thread that has just yielded on a vcore, and is in no queue; null if there is none. A hint for other vcores. */
    Uthread pausedOn(int vcore) { return locals[vcore].paused; }

    @Override protected void threadRunnable(VcoreContext here, Uthread thread) {
        ScheduledUthread u = (ScheduledUthread) thread;
        if (u.affinity < 0) u.affinity = nextPlace();
        int at = u.affinity;
        if (at != here.index() && context(at).isParked() && mayRunElsewhere()) at = here.index(); // it keeps its affinity, so its next turn is there if that one works again
        Local local = locals[at];
        local.queue.add(thread);
        if (at != here.index()) {
            wakeOther(here, at);
            return;
        }
        // The vcore itself is going to look. What waits behind others, somebody else may have.
        if (here.current() != null || local.paused != null || local.queue.size() > 1) callOthers(here.index());
    }

    /** After a thread was put into another vcore's queue: wakes that one, and somebody else if that one is busy. */
    private void wakeOther(VcoreContext here, int at) {
        VarHandle.fullFence(); // StoreLoad: what is in the queue before the mark; partner in VcoreContext.goIdle
        VcoreContext there = context(at);
        boolean isFree = there.isIdle();
        there.wake();
        if (!isFree) callOthers(here.index());
    }

    /** After threads were put where others may take them: wakes one who is idle, or asks for a vcore. */
    @Override void callOthers(int from) {
        if (stealing && wakeIdle(from) || !automatic) return;
        VarHandle.fullFence(); // StoreLoad: what is in the queue before the looks at who comes and who works; partners in vcoreEntered and vcoreLeaving
        Roster roster = uthreads().torque().roster();
        if (coming.get() || roster.working() >= uthreads().torque().vcores().size() || !coming.compareAndSet(false, true)) return;
        roster.requestMoreSoon(1);
    }

    private boolean isAnythingQueued() {
        for (Local local : locals) if (local.queue.size() > 0) return true;
        return false;
    }

    @Override protected void threadPaused(VcoreContext here, Uthread thread) {
        int at = ((ScheduledUthread) thread).affinity;
        if (at == here.index() || at < 0 || context(at) == null || context(at).isParked()) {
            locals[here.index()].paused = thread;
        } else { // it has run here for once, or has been moved
            locals[at].queue.add(thread);
            wakeOther(here, at);
        }
    }

    @Override protected void vcoreEntered(VcoreContext here) {
        coming.set(false); // whoever has relied on it has queued his thread before
        VarHandle.fullFence(); // StoreLoad: before schedEntry looks; partner in callOthers
    }

    @Override protected void vcoreLeaving(VcoreContext here) {
        Local local = locals[here.index()];
        if (local.paused != null) {
            local.queue.add(local.paused);
            local.paused = null;
        }
        if (!mayRunElsewhere()) return;
        // As many as there are, and no more: this vcore may just have come back, and then they return to this queue.
        for (int n = local.queue.size(); n > 0; n--) {
            ScheduledUthread u = (ScheduledUthread) local.queue.poll();
            if (u == null) break;
            runnable(u, Thread.currentThread());
        }
        coming.set(false);
        VarHandle.fullFence(); // StoreLoad: as in vcoreEntered
        if (stealing && isAnythingLeft()) callOthers(here.index()); // this vcore may have been woken for it
    }

    /** If not, they wait until the vcore works again: that is what has been planned. */
    private boolean mayRunElsewhere() { return stealing || planned == 0; }

    private boolean isAnythingLeft() { return isAnythingQueued() || hasArrivals(); }

    // The own queue first: others write to theirs all the time.
    @Override protected boolean hasOthers(VcoreContext here) { return locals[here.index()].queue.size() > 0 || isAnythingQueued(); }

    @Override int nextPlace() {
        int n = planned;
        return n == 0 ? super.nextPlace() : Math.floorMod(tickets.getAndIncrement(), Math.min(n, uthreads().torque().vcores().size()));
    }

    // ---- stealing

    private Uthread steal(VcoreContext here, Local local) {
        int self = here.index();
        Local a = locals[other(local, self)];
        Local b = locals[other(local, self)];
        Local victim = a.queue.size() >= b.queue.size() ? a : b;
        int n = take(local, victim, self, false);
        for (int i = 1; n == 0 && i < locals.length; i++) n = take(local, locals[(self + i) % locals.length], self, true);
        if (n == 0) return null;
        Uthread first = local.loot[0];
        Arrays.fill(local.loot, 0, n, null);
        if (n > 1 || automatic && isAnythingLeft()) callOthers(here.index());
        return first;
    }

    private int other(Local local, int self) {
        int r = local.random;
        r ^= r << 13;
        r ^= r >>> 17;
        r ^= r << 5;
        local.random = r;
        int at = (int) ((r & 0xFFFF_FFFFL) * (locals.length - 1) >>> 32);
        return at >= self ? at + 1 : at;
    }

    /**
     * Takes half of what another vcore has, into {@code loot}, and all but the first one also into the own queue.
     *
     * @param surely whether to wait for the queue's lock: without, nothing is also taken if somebody has it
     * @return how many
     */
    private static int take(Local local, Local victim, int self, boolean surely) {
        if (victim.queue.size() == 0) return 0;
        if (local.loot == null) local.loot = new ScheduledUthread[ThreadQueue.MAX_STOLEN];
        ScheduledUthread[] loot = local.loot;
        int n = ThreadQueue.stealHalf(victim.queue, loot, surely);
        if (n == 0) return 0;
        local.steals++;
        local.stolen += n;
        for (int i = 0; i < n; i++) {
            loot[i].affinity = self;
            if (i > 0) local.queue.add(loot[i]);
        }
        return n;
    }

    // ---- asking for vcores, and giving them back

    private void startPatience(VcoreContext here, Local local) {
        if (here.index() >= uthreads().torque().vcores().size()) return; // it stands in for another, and is nobody's to give back
        if (local.idleTimer == null) local.idleTimer = new IdleTimer(here);
        local.idleTimer.begin();
    }

    /** Gives a vcore back that has run nothing for {@link #patience}. One for each vcore, which belongs to it. */
    private final class IdleTimer extends Timer {
        private final VcoreContext context;
        /** As of when it was scheduled. */
        private long switches;

        IdleTimer(VcoreContext context) { this.context = context; }

        void begin() {
            if (!isScheduled()) schedule();
        }

        private void schedule() {
            switches = context.switches();
            context.vcore().timers().schedule(this, context.vcore().clock().nanoTime() + PATIENCE_NANOS);
        }

        @Override protected void onExpiry(long nowNanos) {
            if (!automatic || !context.isIdle()) return; // the next idle time begins by itself
            Roster roster = uthreads().torque().roster();
            if (switches != context.switches()) schedule(); // it has run something meanwhile
            else if (!roster.tryYield(context.index()) && roster.working() > 1) schedule(); // somebody else was just deciding
        }
    }

    /** Returns how long a vcore waits for work before it is given back. */
    static Duration patience() { return Duration.ofNanos(PATIENCE_NANOS); }

    @Override public String toString() { return "queues per vcore"; }
}
