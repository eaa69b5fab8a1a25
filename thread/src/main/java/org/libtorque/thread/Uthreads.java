package org.libtorque.thread;

import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.LongAdder;
import org.libtorque.Torque;
import org.libtorque.event.Spawner;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.jdk.JdkThreads;

/**
 * The user-level threads (uthreads) of a runtime: virtual threads of the JDK that our vcores run, so that whatever makes one wait (locks, queues, {@code sleep}, monitors) gives
 * the vcore back. They are ordinary {@link Thread}s to everybody else: names, interrupts, joins, thread-locals, thread dumps, debuggers and flight recordings are the JDK's.
 *
 * <pre>{@code
 *   var uthreads = Uthreads.of(torque);
 *   uthreads.spawn(() -> { ... });                                       // a colour of its own
 *   uthreads.builder().name("sweeper").color(c).start(() -> { ... });    // never in parallel with callbacks of that colour
 *   try (var executor = uthreads.executor()) { ... }                     // one for each task
 * }</pre>
 *
 * <p><b>Without access</b> to the JDK's scheduling of virtual threads ({@link #problem}) threads are plain virtual threads, which the JDK runs on threads of its own, beside the
 * vcores: everything works, at the JDK's cost, except colours, which then cannot be had. One line in the log says so.
 *
 * <p><b>When the runtime stops</b> nobody is interrupted, and nobody is lost. Threads go on as before while vcores drain. A vcore that has drained goes on for as long as threads can
 * run there, for half a second at most; it does not wait for threads that wait. Those that can run then, or are woken later, go on on one platform thread of the library's, one after
 * the other: they are virtual threads as before, but on no vcore. What they have in hand of the runtime's is closed ({@code doc/blocking.md}), and new threads are refused. A thread
 * that was given a colour goes on there when all vcores have ended, so never beside a callback of that colour. Whoever is in a timed wait on a vcore's wheel is woken, and the JDK's timers take
 * over. Whoever wants threads to be waited for has an {@link #executor}, and closes it before the runtime; or joins them.
 *
 * <p>Any thread may call any method.
 */
public final class Uthreads implements Spawner, ThreadFactory {
    private static final System.Logger LOG = System.getLogger("org.libtorque");

    private final Torque torque;
    private final String problem;
    private final CopyOnWriteArrayList<Scheduler> schedulers = new CopyOnWriteArrayList<>();
    private final LongAdder started = new LongAdder();
    private final LongAdder ended = new LongAdder();
    private volatile boolean shortCircuitYield = true;
    private final List<Runnable> waitingForTheEnd = new ArrayList<>(); // guarded by itself
    private boolean over; // guarded by waitingForTheEnd
    private final Preemption preemption;
    private final Compensation compensation;
    private final UthreadSignals signals = new UthreadSignals(this);
    private final Thread.UncaughtExceptionHandler failures;
    private volatile FaultPolicy faultPolicy = (thread, fault) -> FaultAction.KILL;

    private Uthreads(Torque torque) {
        this.torque = torque;
        preemption = new Preemption(torque.vcores());
        compensation = new Compensation(this);
        problem = JdkThreads.problem();
        failures = (thread, failure) -> torque.vcores().getFirst().reportFailure(thread, failure);
        if (problem == null) {
            JdkThreads.startPollers();
            compensation.bound(Compensation.DEFAULT_BOUND);
            torque.atEnd(this::end);
        } else {
            LOG.log(Level.WARNING, "user-level threads are degraded: plain virtual threads of the JDK, not on the vcores, and without colours, because {0}", problem);
        }
    }

    /** Returns the uthreads of a runtime, the same object each time. */
    public static Uthreads of(Torque torque) { return torque.companion(Uthreads.class, Uthreads::new); }

    /** Returns null if uthreads run on the vcores; else why they do not, and what to do about it. */
    public String problem() { return problem; }

    /** Returns the runtime. */
    public Torque torque() { return torque; }

    // ---- making threads

    /** Returns a builder, with which a thread can be given a name, a colour and more. */
    public UthreadBuilder builder() { return new UthreadBuilder(this); }

    @Override public Thread spawn(Runnable action) { return builder().start(action); }

    /**
     * {@inheritDoc}
     *
     * @throws UnsupportedOperationException if there is a {@link #problem}
     */
    @Override public Thread spawn(Color color, Runnable action) { return builder().color(color).start(action); }

    /** Returns a thread that is not started, with a colour of its own. */
    @Override public Thread newThread(Runnable action) { return builder().unstarted(action); }

    /** Returns an executor that starts a uthread for each task; {@link ExecutorService#close} waits for all. Not to be closed by a callback, which must not wait. */
    public ExecutorService executor() { return Executors.newThreadPerTaskExecutor(this); }

    Thread newThread(UthreadBuilder options, String name, Runnable action) {
        Objects.requireNonNull(action);
        if (problem != null) {
            if (options.color != null) throw new UnsupportedOperationException("threads cannot be given a colour here: " + problem);
            return options.apply(Thread.ofVirtual(), name).unstarted(() -> Dtls.life(action));
        }
        if (options.scheduler != null) return newScheduled(options, name, action);
        Color color = options.color != null ? options.color : torque.newColor(options.placement);
        if (color.home().hasStopped()) throw new RejectedExecutionException(color.home() + " has stopped");
        Uthread uthread = new Uthread(this);
        ColoredUthread entry = new ColoredUthread(uthread, color, options.color != null);
        return make(uthread, entry, options, name, action);
    }

    private Thread newScheduled(UthreadBuilder options, String name, Runnable action) {
        if (options.color != null) throw new IllegalStateException("a thread has a colour or a scheduler");
        Scheduler scheduler = options.scheduler;
        if (scheduler.uthreads() != this) {
            scheduler.attach(this);
            schedulers.addIfAbsent(scheduler);
        }
        if (torque.vcores().getFirst().hasStopped()) throw new RejectedExecutionException(torque.vcores().getFirst() + " has stopped");
        ScheduledUthread uthread = new ScheduledUthread(this, scheduler);
        uthread.affinity = options.affinity;
        return make(uthread, new ScheduledUthread.Entry(uthread), options, name, action);
    }

    private Thread make(Uthread uthread, Executor entry, UthreadBuilder options, String name, Runnable action) {
        Thread.Builder.OfVirtual builder = options.apply(JdkThreads.builder(entry), name);
        if (options.handler == null) builder.uncaughtExceptionHandler(failures);
        Thread thread = builder.unstarted(uthread.lifeOf(action));
        uthread.thread(thread);
        return thread;
    }

    // ---- the end

    /**
     * Has a thread that its vcore can run no more go on elsewhere, until it waits or yields, which then comes here again. Any thread.
     *
     * @param coloured whether it must not run in parallel with callbacks of a colour: then it waits until no vcore runs anything any more
     */
    void outlive(Runnable continuation, boolean coloured) {
        if (coloured) {
            synchronized (waitingForTheEnd) {
                if (!over) {
                    waitingForTheEnd.add(continuation);
                    return;
                }
            }
        }
        Orphans.run(continuation);
    }

    /** No vcore runs anything any more, nor will. */
    private void end() {
        long alive = alive();
        if (alive > 0) LOG.log(Level.INFO, "{0} user-level threads outlive their runtime; those that can run, or are woken later, go on one after the other, on one thread", alive);
        for (Scheduler scheduler : schedulers) {
            for (VcoreContext context : scheduler.contexts()) if (context != null) context.orphan();
        }
        synchronized (waitingForTheEnd) {
            over = true;
            waitingForTheEnd.forEach(Orphans::run);
            waitingForTheEnd.clear();
        }
    }

    // ---- knobs and counters

    /**
     * Says whether {@link Uthread#yield} returns at once where nobody else waits to run, which is the default; without, the thread always leaves the vcore and comes back, as is of
     * use where that is what is measured.
     */
    public Uthreads shortCircuitYield(boolean yes) {
        shortCircuitYield = yes;
        return this;
    }

    boolean shortCircuitsYield() { return shortCircuitYield; }

    /**
     * Has each vcore that runs a uthread make a new scheduling decision once in a period: the thread lets others run at its next {@link Uthread#checkpoint}. Threads that come by none
     * are not preempted.
     *
     * @param period zero, the default, for never; some tenths of a millisecond at least are of use
     */
    public Uthreads schedulingPeriod(Duration period) {
        preemption.period(period);
        return this;
    }

    /** Returns the scheduling period, zero if there is none. */
    public Duration schedulingPeriod() { return preemption.period(); }

    Preemption preemption() { return preemption; }

    /**
     * Says after how long a uthread that does not come back, because it computes, or blocks in a native call or while it is pinned, has another thread on the same CPU do what else
     * waits on its vcore: other threads, tasks and timers; not what must be done by the vcore's own thread, such as harvesting events of its sockets. It is logged with the
     * thread's stack. At most as many vcores as there are are stood in for at a time. The default is 20 ms.
     *
     * @param bound zero for never
     */
    public Uthreads compensation(Duration bound) {
        compensation.bound(bound);
        return this;
    }

    /** Returns how often a vcore has been stood in for, as {@link #compensation(Duration)} says. */
    public long compensations() { return compensation.count(); }

    Compensation compensation() { return compensation; }

    /**
     * Says who decides about {@linkplain Fault faults} of threads, those with a colour and those whose {@link Scheduler} does not decide itself. The default is {@link FaultAction#KILL} for all.
     */
    public Uthreads faultPolicy(FaultPolicy policy) {
        faultPolicy = Objects.requireNonNull(policy);
        return this;
    }

    FaultPolicy faultPolicy() { return faultPolicy; }

    /** As {@link FaultAction#ABORT} says. The stack is for who is told of uncaught exceptions. */
    void abort(Uthread thread, Fault fault) {
        LOG.log(Level.ERROR, "the runtime stops because of a fault of {0}: {1}", thread, fault);
        torque.stop();
    }

    /** Returns what sends signals to uthreads, and says what they do about them. */
    public UthreadSignals signals() { return signals; }

    List<Scheduler> schedulers() { return schedulers; }

    void countStart() { started.increment(); }

    /** By a thread that ends, as the last thing that it does. */
    void countEnd() { ended.increment(); }

    /** Returns how many uthreads have been started. */
    public long started() { return started.sum(); }

    /** Returns how many uthreads are alive: started, and not ended. Exact when none starts or ends meanwhile. */
    public long alive() {
        long e = ended.sum(); // first, so that it is never more than have been started
        return started.sum() - e;
    }

    @Override public String toString() { return "Uthreads[" + alive() + " alive]"; }
}
