package org.libtorque.vcore;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.libtorque.memory.BlockPool;

/**
 * A hart granted to the program, with one platform thread pinned to it, and everything that belongs to that hart alone:
 * event queue, run queue, timers, buffers. After parlib's vcores (Klues 2015, ch. 2).
 *
 * <p>The thread turns a loop; one turn is {@link #runOnce}:
 *
 * <pre>{@code
 *   drain inbox                tasks posted by other threads
 *   nothing to run?            publish "blocking", look into the inbox again
 *   harvest kernel events      up to the window; waits only if there was nothing to run
 *   expire timers              own wheel, one clock read
 *   scheduler.schedEntry       tasks, for a bounded budget
 * }</pre>
 *
 * <p>There is one harvest in a turn, hence one system call for waiting and submitting together. Under load it finds events at once
 * and never sleeps; an idle loop sleeps in it. The wait follows the announcement without a poll in between, for the kernel looks for
 * events before it sleeps anyway.
 *
 * <p><b>The window</b>, how many events one harvest may take, follows load as TCP's congestion window does: it starts at 1, doubles
 * when a harvest fills it, and halves when one takes less than a quarter. A large window saves system calls, a small one leaves events in
 * the kernel, where they cost nothing and are not yet bound to this vcore's turn.
 *
 * <p><b>No wake-up is lost</b>: see {@link WakeGate} for the proof and the stress module for the test. In short: a poster writes the
 * inbox, then looks whether the vcore is blocking; the vcore says that it is blocking, then looks into the inbox; a full fence between
 * each pair forbids that both miss each other.
 *
 * <p>Code that runs here is in <em>vcore context</em>: it must not block. Methods belong to the owning thread unless they say otherwise.
 * Where a method may be called by a test, the test's thread is the owner if it {@linkplain #bind bound} itself.
 */
public final class Vcore {
    /** Tasks run in one turn before the kernel is asked again. */
    private static final int TASK_BUDGET = 512;
    private static final int INBOX_BUDGET = 1024;
    private static final int TIMER_BUDGET = 1024;
    static final int MAX_WINDOW = 512;
    private static final long TICK_NANOS = 1 << 20;
    /** How long tasks and timers still run when all sources are closed. */
    private static final long LEFTOVER_NANOS = 50_000_000;

    private static final VarHandle STATS = MethodHandles.arrayElementVarHandle(long[].class);
    private static final int TURNS = 0, EVENTS = 1, TASKS = 2, BLOCKS = 3, POSTED = 4, STAT_COUNT = 5;
    private static final ThreadLocal<Vcore> BOUND = new ThreadLocal<>();

    private final int index;
    private final int cpu;
    private final Clock clock;
    private final BlockPool blocks;
    private final FailureHandler failures;
    private final Inbox<Task> inbox;
    private final WakeGate gate = new WakeGate();
    private final AtomicInteger wakers = new AtomicInteger();
    private final AtomicLong colorCount = new AtomicLong();
    private final Scheduler scheduler = new ColorScheduler();
    private final TimerWheel timers;
    private final long[] stats = new long[16 + STAT_COUNT + 16]; // padded: read by others while this vcore counts

    private EventQueue queue;
    private volatile Thread owner;
    private volatile boolean stopping;
    private volatile boolean stopped;
    private long now;
    private int window = 1;
    /** Tasks that found another vcore's inbox full; tried again each turn. Linked by {@link Task#next}, which is free: they are not queued. */
    private Task outboxHead;
    private Task outboxTail;

    /**
     * @param index         position among the runtime's vcores, from 0
     * @param cpu           the CPU that the thread will be pinned to
     * @param clock         where time comes from
     * @param blocks        buffer blocks of this vcore; owned by it from now on
     * @param inboxCapacity tasks that may be waiting in the inbox, a power of two
     * @param failures      told of what callbacks let out
     */
    public Vcore(int index, int cpu, Clock clock, BlockPool blocks, int inboxCapacity, FailureHandler failures) {
        this.index = index;
        this.cpu = cpu;
        this.clock = clock;
        this.blocks = blocks;
        this.failures = failures;
        this.inbox = new Inbox<>(inboxCapacity);
        this.now = clock.nanoTime();
        this.timers = new TimerWheel(now, TICK_NANOS);
    }

    /** Returns the vcore that the calling thread is the owner of, or null. */
    public static Vcore current() {
        return Thread.currentThread() instanceof VcoreThread t ? t.vcore() : BOUND.get();
    }

    /** Makes the calling thread the owner and gives this vcore its event queue, which must have been made on this thread. */
    public void bind(EventQueue newQueue) {
        owner = Thread.currentThread();
        queue = newQueue;
        if (!(owner instanceof VcoreThread)) BOUND.set(this);
    }

    /** Tells whether the calling thread is the owner. Any thread. */
    public boolean isCurrent() { return Thread.currentThread() == owner; }

    /** Returns the position among the runtime's vcores, from 0. Any thread. */
    public int index() { return index; }

    /** Returns the CPU that this vcore is pinned to. Any thread. */
    public int cpu() { return cpu; }

    /** Returns the event queue. */
    public EventQueue queue() { return queue; }

    /** Returns the timers. */
    public TimerWheel timers() { return timers; }

    /** Returns the buffer blocks. */
    public BlockPool blocks() { return blocks; }

    /** Returns the clock. */
    public Clock clock() { return clock; }

    /** Returns the clock's time as of this turn's harvest: cheap, and late by no more than the turn has lasted. */
    public long now() { return now; }

    /** Makes a new colour whose home is this vcore. Any thread. Allocates. */
    public Color newColor() { return new Color(this, (long) index << 48 | colorCount.incrementAndGet()); }

    // ---------------------------------------------------------------------------------------------------------- making ready

    /** Makes a task of this vcore ready; does nothing if it is already. Owner only. */
    public void ready(Task task) {
        assert isCurrent() && task.color().home() == this : task;
        if (task.queued) return;
        task.queued = true;
        scheduler.taskReady(task);
    }

    /**
     * Makes a task of this vcore ready, from any thread.
     *
     * @return false if the inbox is full or the vcore has stopped: the task has not been taken
     */
    public boolean tryPost(Task task) {
        if (isCurrent()) {
            ready(task);
            return true;
        }
        if (stopped || !inbox.offer(task)) return false;
        wakeIfBlocking();
        return true;
    }

    /**
     * Makes a task of this vcore ready, from any thread.
     *
     * @throws RejectedExecutionException if the inbox is full or the vcore has stopped
     */
    public void post(Task task) {
        if (!tryPost(task)) {
            throw new RejectedExecutionException(stopped ? this + " has stopped"
                    : "inbox of " + this + " is full (" + inbox.capacity() + " tasks); it cannot keep up");
        }
    }

    /**
     * Makes a task of this vcore ready, from any thread, however full the inbox is: a vcore keeps it and tries again every turn, any
     * other thread waits. For what must not be lost, such as closing. The task must not be posted in any other way meanwhile.
     *
     * @return false if this vcore has stopped
     */
    public boolean postSurely(Task task) {
        if (tryPost(task)) return true;
        Vcore sender = current();
        if (sender != null && !stopped) {
            sender.keepForLater(task);
            return true;
        }
        while (!stopped) {
            LockSupport.parkNanos(10_000);
            if (tryPost(task)) return true;
        }
        return false;
    }

    private void keepForLater(Task task) {
        task.next = null;
        if (outboxHead == null) outboxHead = task;
        else outboxTail.next = task;
        outboxTail = task;
    }

    private void retryOutbox() {
        Task task = outboxHead;
        outboxHead = outboxTail = null;
        while (task != null) {
            Task following = task.next;
            task.next = null;
            if (!task.color().home().tryPost(task) && !task.color().home().stopped) keepForLater(task);
            task = following;
        }
    }

    /** Any thread, after it has published something for this vcore to see. */
    private void wakeIfBlocking() {
        VarHandle.fullFence(); // StoreLoad: what was published before the gate's state
        if (gate.stateOpaque() != WakeGate.BLOCKING) return;
        // Counted, so that shutdown can tell when nobody is on the way to the queue's descriptor any more.
        wakers.incrementAndGet();
        if (gate.claimWake()) queue.wake();
        wakers.decrementAndGet();
    }

    /** Hands an exception that got out of {@code where} to the runtime's handler. */
    public void reportFailure(Object where, Throwable failure) {
        try {
            failures.onFailure(where, failure);
        } catch (Throwable again) {
            System.getLogger("org.libtorque").log(System.Logger.Level.ERROR, "the failure handler failed", again);
        }
    }

    // --------------------------------------------------------------------------------------------------------------- the loop

    /**
     * One turn of the loop.
     *
     * @param mayBlock whether to wait when there is nothing to do
     * @return events harvested plus timers and tasks run
     */
    public int runOnce(boolean mayBlock) {
        drainInbox();
        if (outboxHead != null) retryOutbox();
        int events;
        if (!mayBlock || scheduler.hasWork() || queue.hasDeferredWork() || outboxHead != null || stopping) {
            events = queue.harvest(window, 0);
        } else {
            events = waitForEvents();
        }
        if (events >= window) window = Math.min(MAX_WINDOW, 2 * window);
        else if (events < window / 4) window = window / 2;
        now = clock.nanoTime();
        int expired = 0;
        try {
            expired = timers.expire(now, TIMER_BUDGET);
        } catch (Throwable failure) { // the wheel stays consistent; timers that were due stay due
            reportFailure(timers, failure);
        }
        int tasks = scheduler.schedEntry(TASK_BUDGET);
        count(TURNS, 1);
        count(EVENTS, events);
        count(TASKS, tasks);
        return events + expired + tasks;
    }

    private int waitForEvents() {
        long deadline = timers.nextDeadlineNanos();
        long timeout = Long.MAX_VALUE;
        if (deadline != Long.MAX_VALUE) {
            timeout = deadline - clock.nanoTime();
            if (timeout <= 0) return queue.harvest(window, 0);
        }
        gate.announce();
        // The re-check: whoever posts after this sees the announcement and wakes us.
        if (!inbox.isEmpty() || stopping) timeout = 0;
        else count(BLOCKS, 1);
        int events = queue.harvest(window, timeout);
        gate.withdraw();
        return events;
    }

    private void drainInbox() {
        for (int i = 0; i < INBOX_BUDGET; i++) {
            Task task = inbox.poll();
            if (task == null) return;
            ready(task);
            count(POSTED, 1);
        }
    }

    private void count(int which, long n) {
        STATS.setOpaque(stats, 16 + which, stats[16 + which] + n); // one writer: opaque keeps it untorn for readers
    }

    /** Returns counters since the start. Any thread; each value is exact as of some recent moment. Allocates. */
    public Stats stats() {
        return new Stats(stat(TURNS), stat(EVENTS), stat(TASKS), stat(BLOCKS), stat(POSTED));
    }

    private long stat(int which) { return (long) STATS.getOpaque(stats, 16 + which); }

    /**
     * What a vcore has done since it started.
     *
     * @param turns  turns of the loop
     * @param events events taken from the kernel
     * @param tasks  tasks run
     * @param blocks turns that found nothing to do and let the kernel wait
     * @param posted tasks that came through the inbox
     */
    public record Stats(long turns, long events, long tasks, long blocks, long posted) {}

    // ------------------------------------------------------------------------------------------------------------- life cycle

    /** Turns the loop until {@link #requestStop}. Called once, by the thread that {@linkplain #bind bound} itself. */
    public void runLoop() {
        while (!stopping) runOnce(true);
    }

    /** Ends {@link #runLoop} soon. Any thread. */
    public void requestStop() {
        stopping = true;
        wakeIfBlocking();
    }

    /**
     * Ends this vcore: runs what is left for at most {@code timeoutNanos}, then closes its event queue and unmaps its buffers. Called by the
     * owner, after {@link #runLoop}; every source must have been closed, or be closed by a task that is ready.
     *
     * @return the number of sources that were left; their memory and the queue are then leaked rather than pulled away under the kernel
     */
    public int shutDown(long timeoutNanos) {
        stopping = true;
        long start = clock.nanoTime();
        while (true) {
            boolean worked = runOnce(false) > 0;
            long took = clock.nanoTime() - start;
            if (took > timeoutNanos) break;
            if (queue.sourceCount() == 0 && (!worked || took > LEFTOVER_NANOS)) break; // periodic timers always find something to do
        }
        stopped = true;
        // The gate is and stays withdrawn, so nobody new goes for the descriptor of the queue; wait for those under way. The store to
        // stopped is volatile and stands between the withdrawal and the look at the count: the StoreLoad that this needs.
        while (wakers.get() > 0) Thread.onSpinWait();
        int left = queue.sourceCount();
        if (left == 0) {
            queue.close();
            blocks.close();
        }
        if (BOUND.get() == this) BOUND.remove();
        return left;
    }

    @Override public String toString() { return "vcore " + index + " (CPU " + cpu + ")"; }
}
