package org.libtorque.thread;

import java.lang.invoke.VarHandle;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import org.libtorque.vcore.Vcore;
import org.libtorque.vcore.VcoreThread;
import org.libtorque.vcore.jdk.JdkThreads;

/**
 * A second-level scheduler: decides which uthread a vcore runs next, and is told what becomes of them. To be extended; {@code doc/scheduler-tutorial.md} writes one. After parlib's
 * {@code sched_ops} (Klues 2015, 2.2.2).
 *
 * <p>A thread gets a scheduler with {@link UthreadBuilder#scheduler}; without, it is scheduled with its colour, beside callbacks. A scheduler serves one runtime, on all of its
 * vcores, and shares them with callbacks and other schedulers: on each vcore it gets turns of about {@link VcoreContext#TURN_NANOS} when it has something to run.
 *
 * <p><b>Vcore context.</b> All methods below are called on the thread of a vcore of the runtime, which {@link VcoreContext} says, at the same time on several. They must not block, and
 * should take well below a microsecond. {@link #threadRunnable} may be called while a thread is mounted, which makes another one runnable; the others never.
 *
 * <p><b>The life of a thread</b> as its scheduler sees it; it is told each of these once, and nothing about a thread happens before what was told last has returned:
 *
 * <pre>{@code
 *   threadRunnable -> (schedEntry: here.run(thread)) -> threadPaused          it yields, or was preempted: can go on
 *                                                    -> threadHasBlocked      it waits; threadRunnable follows
 *                                                    -> threadBlockOnSyscall  the same, for an asynchronous system call
 *                                                    -> threadReflectFault    it has a fault; threadPaused follows
 *                                                    -> threadExited
 * }</pre>
 */
public abstract class Scheduler {
    private volatile Uthreads uthreads;
    /** One for each vcore, then room for those that stand in for others; those are null until made. Replaced when one is made. */
    private volatile VcoreContext[] contexts;
    /** Vcores that have found nothing to run. Set by each for itself, cleared by whoever wakes it. */
    private AtomicLongArray idle;
    private final AtomicInteger tickets = new AtomicInteger();

    /** For subclasses. */
    protected Scheduler() {}

    // ---- callbacks

    /**
     * Makes one scheduling decision: takes a thread that can go on from wherever {@link #threadRunnable} put it, and has the vcore {@linkplain VcoreContext#run run} it. Called again and
     * again while it finds something.
     *
     * @return whether it ran a thread; if not, the vcore does other things, and calls again after {@link #threadRunnable} here or {@link VcoreContext#wakeIdle}
     */
    protected abstract boolean schedEntry(VcoreContext here);

    /** A thread can run: it has been started, or what it waited for has happened. */
    protected abstract void threadRunnable(VcoreContext here, Uthread thread);

    /** A thread has yielded, or was made to: it can go on at any time. The default treats it as one that has become runnable. */
    protected void threadPaused(VcoreContext here, Uthread thread) { threadRunnable(here, thread); }

    /**
     * A thread waits. For what, {@link Uthread#blocker} says. The default does nothing.
     */
    protected void threadHasBlocked(VcoreContext here, Uthread thread) {}

    /** A thread waits for an asynchronous system call. The default calls {@link #threadHasBlocked}. */
    protected void threadBlockOnSyscall(VcoreContext here, Uthread thread, Uthread.Syscall call) { threadHasBlocked(here, thread); }

    /**
     * Something has gone wrong in a thread: an exception that nobody caught, a stack overflow, an access to a mapped file that has been cut short, in a {@linkplain Uthread#guarded guarded} operation or
     * the thread's whole action. The default asks the runtime's {@linkplain Uthreads#faultPolicy policy}. What this throws is reported, and counts as {@link FaultAction#KILL}.
     *
     * @return what is to become of it
     */
    protected FaultAction threadReflectFault(VcoreContext here, Uthread thread, Fault fault) { return uthreads.faultPolicy().decide(thread, fault); }

    /** A thread has ended. The default does nothing. */
    protected void threadExited(VcoreContext here, Uthread thread) {}

    /** This vcore begins to work for the scheduler: once at the start, and each time it has been parked and works again. The default does nothing. */
    protected void vcoreEntered(VcoreContext here) {}

    /**
     * This vcore is to be parked: what only it would run must go elsewhere. Called from time to time while it is. The default has whoever is idle look for it; whoever overrides this
     * must too, unless nothing waits anywhere, since this vcore may have been woken for it.
     */
    protected void vcoreLeaving(VcoreContext here) { here.wakeIdle(); }

    /** Tells whether anybody else than the thread that is running could run here. If not, {@link Uthread#yield} returns at once. The default does not know, and says yes. */
    protected boolean hasOthers(VcoreContext here) { return true; }

    // ---- for subclasses

    /** Returns how many vcores there are at most, working or parked or standing in for others. 0 before the first thread is made. Any thread. */
    protected final int maxVcores() { return contexts == null ? 0 : contexts.length; }

    /** Returns what belongs to a vcore; null for one that might stand in for another, and has never had to. Any thread. */
    protected final VcoreContext context(int index) { return contexts[index]; }

    /** Called once, before the first thread is made: for what there is one of for each vcore. The default does nothing. */
    protected void attached(int maxVcores) {}

    /** Returns whose threads these are; null before the first is made. */
    protected final Uthreads uthreads() { return uthreads; }

    // ---- inside

    /** Binds it to a runtime. */
    final synchronized void attach(Uthreads to) {
        if (uthreads == to) return;
        if (uthreads != null) throw new IllegalStateException("a scheduler serves one runtime, and this one has another");
        List<Vcore> vcores = to.torque().vcores();
        VcoreContext[] all = new VcoreContext[vcores.size() + to.compensation().maxSpares()];
        for (int i = 0; i < vcores.size(); i++) all[i] = new VcoreContext(this, vcores.get(i));
        idle = new AtomicLongArray(all.length + 63 >> 6);
        contexts = all;
        attached(all.length);
        uthreads = to;
        for (Vcore vcore : vcores) {
            VcoreContext context = all[vcore.index()];
            context.vcore().onParking(context::parkingChanged);
            setIdle(vcore.index()); // as it has nothing to run, and is going to look
            context.enterSoon();
        }
    }

    VcoreContext[] contexts() { return contexts; }

    /** Makes, or returns, what belongs to a vcore that stands in for others; null if there is no room for it. By one thread at a time. */
    VcoreContext standIn(Vcore spare) {
        VcoreContext[] all = contexts;
        if (spare.index() >= all.length) return null;
        if (all[spare.index()] == null) {
            all = all.clone();
            all[spare.index()] = new VcoreContext(this, spare);
            all[spare.index()].away(true);
            contexts = all;
        }
        return all[spare.index()];
    }

    /** A thread can go on, says whoever calls. */
    void runnable(ScheduledUthread thread, Thread caller) {
        VcoreContext here = contextOf(caller);
        if (here == null || !here.isAtWork()) {
            contexts[place(thread)].arrive(thread);
        } else {
            here.becameRunnable(thread);
        }
    }

    private VcoreContext contextOf(Thread caller) {
        Thread carrier = caller instanceof VcoreThread || !caller.isVirtual() ? caller : JdkThreads.carrier();
        return carrier instanceof VcoreThread t && t.vcore() != null ? contextOf(t.vcore()) : null;
    }

    /** Returns what belongs to a vcore; null if it is not one of this runtime's. */
    VcoreContext contextOf(Vcore vcore) {
        VcoreContext[] all = contexts;
        if (vcore.index() >= all.length) return null;
        VcoreContext context = all[vcore.index()];
        return context != null && context.vcore() == vcore ? context : null;
    }

    /** Where a thread goes that becomes runnable outside the vcores: where it has been, else to one after the other. */
    private int place(ScheduledUthread thread) {
        int at = thread.affinity;
        if (at < 0) thread.affinity = at = nextPlace();
        VcoreContext[] all = contexts;
        for (int i = 0; i < all.length; i++) {
            int candidate = (at + i) % all.length;
            if (all[candidate] != null && all[candidate].isAtWork()) return candidate;
        }
        return at;
    }

    /** Says where the next new thread goes. Any thread. The default: to all vcores that work, in turn. */
    int nextPlace() {
        int vcores = uthreads.torque().vcores().size();
        int at = 0;
        for (int i = 0; i < vcores; i++) {
            at = Math.floorMod(tickets.getAndIncrement(), vcores);
            if (contexts[at].isAtWork()) break;
        }
        return at;
    }

    // ---- who is idle

    void setIdle(int index) { idle.getAndAccumulate(index >> 6, 1L << index, (a, b) -> a | b); }

    boolean clearIdle(int index) { return (idle.getAndAccumulate(index >> 6, ~(1L << index), (a, b) -> a & b) & 1L << index) != 0; }

    boolean isIdle(int index) { return (idle.get(index >> 6) & 1L << index) != 0; }

    boolean nobodyIdle() {
        for (int i = 0; i < idle.length(); i++) if (idle.getOpaque(i) != 0) return false;
        return true;
    }

    /** Something waits at a vcore that runs something else. Any thread, after it was put where others find it. */
    void callOthers(int from) { wakeIdle(from); }

    /** Tells whether threads have arrived anywhere of which the scheduler has not been told. */
    boolean hasArrivals() {
        for (VcoreContext context : contexts) if (context != null && context.hasArrived()) return true;
        return false;
    }

    /** Wakes another one that is idle and works, the next in number after {@code from}. Returns whether there was one. */
    boolean wakeIdle(int from) {
        VarHandle.fullFence(); // StoreLoad: what there is to run before the look at who is idle; partner in VcoreContext.goIdle
        if (nobodyIdle()) return false;
        VcoreContext[] all = contexts;
        for (int i = 1; i < all.length; i++) {
            int at = (from + i) % all.length;
            if (!isIdle(at) || all[at].isParked() || !clearIdle(at)) continue;
            if (all[at].enterSoon()) return true; // else it has ended, as all will soon
        }
        return false;
    }
}
