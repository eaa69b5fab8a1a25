package org.libtorque.thread;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.libtorque.vcore.Roster;

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
 * <p>Knobs may be turned at any time, by any thread; a vcore follows with its next decision.
 */
public sealed class PerVcoreScheduler extends Scheduler permits JuggleScheduler {
    private static final long REQUEST_NANOS = 1_000_000;
    private static final long PATIENCE_NANOS = 10_000_000;

    private volatile boolean stealing = true;
    private volatile boolean automatic;
    private volatile int planned;
    private final AtomicInteger tickets = new AtomicInteger();
    private Local[] locals;

    /** What belongs to one vcore. */
    private static final class Local {
        final ThreadQueue queue = new ThreadQueue();
        // ---- the vcore's
        /** The thread that has just yielded: it is put behind the others when the next one is taken, under the same lock. */
        Uthread paused;
        ScheduledUthread[] loot;
        int random;
        long lastRequest;
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
        if (at != here.index() && context(at).isParked() && mayRunElsewhere()) at = here.index(); // for now: it goes back when that one works again
        Local local = locals[at];
        local.queue.add(thread);
        if (at != here.index()) {
            context(at).wake();
            return;
        }
        // The vcore itself is going to look. What waits behind others, somebody else may have.
        if (locals.length == 1 || here.current() == null && local.queue.size() < 2) return;
        if (stealing && here.wakeIdle() || !automatic) return;
        request(here, local);
    }

    @Override protected void threadPaused(VcoreContext here, Uthread thread) {
        int at = ((ScheduledUthread) thread).affinity;
        if (at == here.index() || at < 0 || context(at) == null || context(at).isParked()) {
            locals[here.index()].paused = thread;
        } else { // it has run here for once, or has been moved
            locals[at].queue.add(thread);
            context(at).wake();
        }
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
    }

    /** If not, they wait until the vcore works again: that is what has been planned. */
    private boolean mayRunElsewhere() { return stealing || planned == 0; }

    @Override protected boolean hasOthers(VcoreContext here) {
        for (Local local : locals) if (local.queue.size() > 0) return true;
        return false;
    }

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
        Uthread thread = take(local, victim, self);
        for (int i = 1; thread == null && i < locals.length; i++) thread = take(local, locals[(self + i) % locals.length], self);
        return thread;
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

    private Uthread take(Local local, Local victim, int self) {
        if (victim.queue.size() == 0) return null;
        if (local.loot == null) local.loot = new ScheduledUthread[ThreadQueue.MAX_STOLEN];
        ScheduledUthread[] loot = local.loot;
        int n = ThreadQueue.stealHalf(victim.queue, loot);
        if (n == 0) return null;
        local.steals++;
        local.stolen += n;
        for (int i = 0; i < n; i++) {
            loot[i].affinity = self;
            if (i > 0) local.queue.add(loot[i]);
        }
        Uthread first = loot[0];
        java.util.Arrays.fill(loot, 0, n, null);
        return first;
    }

    // ---- asking for vcores, and giving them back

    private void request(VcoreContext here, Local local) {
        Roster roster = uthreads().torque().roster();
        if (roster.working() >= uthreads().torque().vcores().size()) return;
        long now = here.vcore().now();
        if (now - local.lastRequest < REQUEST_NANOS) return;
        local.lastRequest = now;
        roster.tryRequestMore(1);
    }

    private void startPatience(VcoreContext here, Local local) {
        if (local.idleTimer == null) local.idleTimer = new IdleTimer(here);
        if (!local.idleTimer.isScheduled()) here.vcore().timers().schedule(local.idleTimer, here.vcore().now() + PATIENCE_NANOS);
    }

    /** Gives a vcore back that has run nothing since it became idle. */
    private final class IdleTimer extends org.libtorque.vcore.Timer {
        private final VcoreContext context;
        private final long switches;

        IdleTimer(VcoreContext context) {
            this.context = context;
            switches = context.switches();
        }

        @Override protected void onExpiry(long nowNanos) {
            locals[context.index()].idleTimer = null; // the next idle time has its own
            if (automatic && switches == context.switches() && context.isIdle()) uthreads().torque().roster().tryYield(context.index());
        }
    }

    /** Returns how long a vcore waits for work before it is given back. */
    static Duration patience() { return Duration.ofNanos(PATIENCE_NANOS); }

    @Override public String toString() { return "queues per vcore"; }
}
