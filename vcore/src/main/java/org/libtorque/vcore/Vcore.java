package org.libtorque.vcore;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.libtorque.memory.BlockPool;
import org.libtorque.sys.Affinity;
import org.libtorque.sys.Handles;
import org.libtorque.vcore.jdk.JdkThreads;

/**
 * A hart granted to the program, with one platform thread pinned to it, and everything that belongs to that hart alone:
 * event queue, run queue, timers, buffers. After parlib's vcores (Klues 2015, ch. 2).
 *
 * <p>The thread turns a loop; one turn is {@link #runOnce}:
 *
 * <pre>{@code
 *   drain inbox                colours that other threads made runnable, or that come to stay
 *   follow parking             sends away what can leave, if it is to be parked
 *   nothing to run?            looks for work that others offer; none: publishes "blocking", looks at inbox and offers again
 *   harvest kernel events      up to the window; waits only if there was nothing to run
 *   expire timers              own wheel, one clock read
 *   give                       half of what waits, if that is much and somebody is idle
 *   run colours                in the order of their finish times, for a bounded number of tasks and time
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
 * <p><b>What runs here</b> are {@linkplain Color colours}, each with its tasks. Those that wait are in a {@link RunQueue} of this vcore's own or, while somebody is idle or a
 * long turn is ahead, on {@linkplain Offers offer}, where others may take them. The {@link Scoreboard} says who is idle, who offers, and who is near. A colour that others have
 * run often moves to one of them with all that is registered for it ({@link Resident}). What is decided about all this is the {@link Balancer}'s. {@link Parking} sends away all
 * that can leave.
 *
 * <p>Code that runs here is in <em>vcore context</em>: it must not block. Methods belong to the owning thread unless they say otherwise.
 * Where a method may be called by a test, the test's thread is the owner if it {@linkplain #bind bound} itself.
 */
public final class Vcore {
    /** Tasks run in one turn before the kernel is asked again. */
    private static final int TASK_BUDGET = 512;
    /** CPU time for tasks in one turn before the kernel is asked again: what has arrived meanwhile may be short and urgent. */
    private static final long TURN_NANOS = 100_000;
    /** Tasks of one colour in a row before others get their turn. */
    static final int QUANTUM = 16;
    /** CPU time of one colour in a row, as far as it can be foreseen. */
    private static final int QUANTUM_NANOS = 50_000;
    /** A turn that is expected to take as long keeps others waiting, so what waits is offered before. */
    static final int LONG_NANOS = 20_000;
    /** Turns in a row that what a task has just posted may have before others. */
    private static final int MAX_NEXT = 3;
    private static final int TIMER_BUDGET = 1024;
    static final int MAX_WINDOW = 512;
    private static final long TICK_NANOS = 1 << 20;
    /** How long tasks and timers still run when all sources are closed. */
    private static final long LEFTOVER_NANOS = 50_000_000;
    /** The same while user-level threads can run: they would have to share one thread elsewhere. */
    private static final long THREADS_NANOS = 500_000_000;

    private static final VarHandle STATS = MethodHandles.arrayElementVarHandle(long[].class);
    private static final int TURNS = 0, EVENTS = 1, TASKS = 2, BLOCKS = 3, POSTED = 4;
    static final int STEALS = 5, STOLEN = 6, PUSHED = 7, MOVES = 8, WAKES = 9;
    private static final int STAT_COUNT = 10;
    private static final VarHandle RUNNING_TASK = Handles.field(MethodHandles.lookup(), "runningTask", Task.class);
    private static final VarHandle TURN_START = Handles.field(MethodHandles.lookup(), "turnStart", long.class);
    private static final VarHandle CUSTODY = Handles.field(MethodHandles.lookup(), "custody", int.class);
    /** In {@code custody}. */
    private static final int KEPT = 0, LENT = 1, TAKEN = 2;
    private static final int CUSTODY_SPINS = 200;

    private static final ThreadLocal<Vcore> BOUND = new ThreadLocal<>();

    private final int index;
    private final int cpu;
    private final Clock clock;
    private final BlockPool blocks;
    private final FailureHandler failures;
    final Scoreboard board;
    final int position;
    final Balance balance;
    private final int postLimit;
    final Inbox inbox = new Inbox();
    private final WakeGate gate = new WakeGate();
    private final AtomicInteger wakers = new AtomicInteger();
    /** Colours on their way here for good, and others who are about to give some; it must not stop before they have come. */
    final AtomicInteger arriving = new AtomicInteger();
    private final AtomicLong colorCount = new AtomicLong();
    final RunQueue own = new RunQueue();
    final Offers offers;
    final Parking parking;
    private final Balancer balancer;
    private final LoadMeter load;
    private final Evacuation evacuation;
    private final TimerWheel timers;
    private final long[] stats = new long[16 + STAT_COUNT + 16]; // padded: read by others while this vcore counts

    EventQueue queue;
    private volatile Thread thread;
    /** The kernel's number of it; 0 before there is one. Written before {@link #thread}. */
    private int tid;
    /** Whether the owner's thread is in code of its own, in a user-level thread's, or somebody else is at what belongs to this vcore: see {@link #lend}. */
    @SuppressWarnings("unused") private int custody;
    /** Whether a user-level thread has run since this was looked at last. */
    private boolean lentLately;
    volatile boolean stopping;
    private volatile boolean stopped;
    long now;
    private int window = 1;
    private int turnLimit = Integer.MAX_VALUE;
    /** The virtual clock of the run queue and of what is on offer, as {@link RunQueue} has it; stands still with {@link Balance#STATIC}. */
    long virtualNow;
    /** What the running task has made runnable last: it has the data in cache. */
    private Color upNext;
    private int upNextInRow;
    private Color running;
    private Task runningTask;
    /** Whether the first of {@link #own} was just put back there. */
    private boolean hasPutBack;
    /** What must be done before the running colour can be anybody else's; null if nothing. */
    private Runnable endOfTurn;
    private Object attachment;
    boolean runningLong;
    /** Whether the running colour's turn ends with the running task. */
    private boolean turnOver;
    /** When the running colour's turn began; the clock as it was read last. */
    long turnStart;

    /**
     * @param index     position among the runtime's vcores, from 0
     * @param cpu       the CPU that the thread will be pinned to
     * @param clock     where time comes from
     * @param blocks    buffer blocks of this vcore; owned by it from now on
     * @param postLimit tasks that may be waiting in a colour before posts from outside are refused, at least 1
     * @param failures  told of what callbacks let out
     * @param board     what it shares with the other vcores of the runtime
     * @param balance   what it does when they have more or less to do
     */
    public Vcore(int index, int cpu, Clock clock, BlockPool blocks, int postLimit, FailureHandler failures, Scoreboard board, Balance balance) {
        if (postLimit < 1) throw new IllegalArgumentException("the limit of waiting tasks must be at least 1, not " + postLimit);
        this.index = index;
        this.cpu = cpu;
        this.clock = clock;
        this.blocks = blocks;
        this.failures = failures;
        this.board = board;
        this.balance = balance;
        this.postLimit = postLimit;
        this.now = clock.nanoTime();
        this.turnStart = now;
        this.timers = new TimerWheel(now, TICK_NANOS);
        this.position = board.join(this);
        this.offers = new Offers(board, position);
        this.parking = new Parking(this, board, position);
        this.balancer = new Balancer(this);
        this.load = new LoadMeter(board, position, offers, balancer, now);
        this.evacuation = new Evacuation(this);
    }

    /** Makes a vcore that is alone. */
    public Vcore(int index, int cpu, Clock clock, BlockPool blocks, int postLimit, FailureHandler failures) {
        this(index, cpu, clock, blocks, postLimit, failures, Scoreboard.flat(index + 1), Balance.STATIC);
    }

    /**
     * Returns the vcore that the calling thread is the owner of, or null. A user-level thread is the owner while it is mounted, and must ask anew after anything that may have
     * made it wait.
     */
    public static Vcore current() {
        Thread thread = Thread.currentThread();
        if (thread instanceof VcoreThread t) return t.vcore();
        return thread.isVirtual() ? ofCarrier() : BOUND.get();
    }

    private static Vcore ofCarrier() {
        Vcore vcore = peek();
        if (vcore != null) vcore.reclaim();
        return vcore;
    }

    /** As {@link #current}, to look and not to touch: does not {@link #reclaim}. */
    public static Vcore peek() {
        Thread thread = Thread.currentThread();
        if (thread instanceof VcoreThread t) return t.vcore();
        if (thread.isVirtual()) return JdkThreads.carrier() instanceof VcoreThread t ? t.vcore() : null;
        return BOUND.get();
    }

    /**
     * Makes the calling thread the owner of another vcore, or of none (null), from now on: for one thread that plays several vcores in turn, as tests and the simulator do.
     */
    public static void switchTo(Vcore vcore) {
        if (Thread.currentThread() instanceof VcoreThread t) t.vcore(vcore);
        else if (vcore == null) BOUND.remove();
        else BOUND.set(vcore);
    }

    /** Makes the calling thread the owner and gives this vcore its event queue, which must have been made on this thread. */
    public void bind(EventQueue newQueue) {
        queue = newQueue;
        tid = Affinity.gettid();
        thread = Thread.currentThread();
        switchTo(this);
    }

    /** Tells whether the calling thread is the owner. Any thread. */
    public boolean isCurrent() { return current() == this; }

    /** Returns the colour whose task the calling thread is running; null if it is none, or not a vcore's. */
    public static Color currentColor() {
        Vcore here = current();
        return here == null ? null : here.running;
    }

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

    /** Returns what this vcore does about others that have more to do. */
    public Balance balance() { return balance; }

    /** Returns the clock's time as of this turn's harvest: cheap, and late by no more than the turn has lasted. */
    public long now() { return now; }

    /** Tells whether it has ended. Any thread. */
    public boolean hasStopped() { return stopped; }

    /** Where it stands on the scoreboard. */
    int position() { return position; }

    int postLimit() { return postLimit; }

    /** Makes a new colour whose home is this vcore. Any thread. Allocates. */
    public Color newColor() { return new Color(this, (long) index << 48 | colorCount.incrementAndGet()); }

    /**
     * Limits how many colours' turns {@link #runOnce} takes, for drivers that play several vcores and want them interleaved finely.
     *
     * @param turns at least 1
     */
    public void setTurnLimit(int turns) { turnLimit = turns; }

    // ---------------------------------------------------------------------------------------------------------- making runnable

    /** See {@link Task#tryPost}. */
    static boolean post(Task task, boolean limited) {
        Vcore home = task.color().home();
        if (home.stopped) return false;
        Vcore here = peek();
        boolean lent = here != null && Thread.currentThread().isVirtual() && here.isLent(); // who has taken it over is a platform thread, and has it
        if (lent) here.reclaim();
        try {
            return post(task, limited, home, here);
        } finally {
            if (lent) here.lend(); // it is brief: whoever then runs for long is not kept from being rescued by it
        }
    }

    private static boolean post(Task task, boolean limited, Vcore home, Vcore here) {
        int limit = Integer.MAX_VALUE;
        if (limited && here == null && task.markTrying()) limit = home.roomFor(task.color());
        else if (!task.markQueued()) return true;
        if (postUnmarked(task, limit)) return true;
        return !task.unmarkTrying() && postUnmarked(task, Integer.MAX_VALUE);
    }

    /**
     * Returns how many tasks of a colour at home here may wait to be taken. Shared tasks that were let in wait elsewhere and are counted too, but for as many
     * as can be running: else whoever posts them faster than they run would never be refused. Any thread.
     */
    private int roomFor(Color color) { return postLimit - Math.max(0, color.readerCount() - board.size()); }

    /** Posts a task of which somebody else makes sure that it is not queued. Any thread. Returns false if the limit is reached. */
    static boolean postUnmarked(Task task, int limit) {
        Color color = task.color();
        int outcome = color.push(task, limit);
        if (outcome == Color.NOW_HELD) dispatch(color, current());
        return outcome != Color.FULL;
    }

    /** Passes a colour that the caller holds to a run queue. Any thread. */
    static void dispatch(Color color) { dispatch(color, current()); }

    /** Passes a colour that the caller holds to a run queue. */
    private static void dispatch(Color color, Vcore here) {
        Vcore home = color.home();
        if (here == home) {
            here.runnable(color);
        } else if (here != null && here.board == home.board && here.balance.steals() && color.floats() && color.mayLiveAt(here) && !here.stopping) {
            color.home(here);
            here.runnable(color);
        } else if (here != null && here.balancer.helpsWith(color)) {
            here.balancer.takeEvent(color);
        } else {
            home.deliver(color);
        }
    }

    /** Hands a held colour to this vcore. Any thread. */
    void deliver(Color color) {
        inbox.put(color);
        wakeIfBlocking(); // fences: what was put before the look at stopped; partner in shutDown
        if (stopped) evacuation.dropInbox();
    }

    /** A colour has become runnable here. Owner only. */
    void runnable(Color color) {
        if (parking.isParked() && parking.sendAway(color)) return;
        color.busyFrom(now);
        if (balance == Balance.STATIC) {
            enqueue(color);
            return;
        }
        if (running != null && !runningLong) {
            Color before = upNext;
            upNext = color;
            if (before == null) return;
            color = before;
        }
        enqueue(color);
        if (runningLong) balancer.offer(running); // also if nobody is idle yet: somebody may be long before this turn ends
    }

    void enqueue(Color color) {
        if (balance == Balance.STATIC) color.start = color.finish = virtualNow;
        else RunQueue.stamp(color, this, virtualNow);
        own.add(color, virtualNow);
    }

    /** Any thread, after it has published something for this vcore to see. */
    void wakeIfBlocking() {
        VarHandle.fullFence(); // StoreLoad: what was published before the gate's state
        if (gate.stateOpaque() != WakeGate.BLOCKING) return;
        // Counted, so that shutdown can tell when nobody is on the way to the queue's descriptor any more.
        wakers.incrementAndGet();
        // So that the next one who looks for somebody to wake finds another. Before the claim: after it, it could undo the mark of a later idling.
        if (balance.steals()) board.clearIdle(position);
        if (gate.claimWake()) queue.wake();
        wakers.decrementAndGet();
    }

    /**
     * Does something at home under an idle colour without a task: holds the colour if nobody does; until {@link #exit} it is the one that runs. For what is brief.
     *
     * @return false if the colour is held; then a task must do it
     */
    public boolean enter(Color color) {
        assert isCurrent() && color.home() == this;
        if (!color.tryHold()) return false;
        color.outer = running;
        running = color;
        return true;
    }

    /** Ends what {@link #enter} began. */
    public void exit(Color color) {
        running = color.outer;
        color.outer = null;
        if (parking.isParked() && color.residentCount > 0 && parking.sendAway(color)) return;
        release(color);
    }

    /** Ends a hold of a colour that is at home here. */
    void release(Color color) {
        if (color.hasTasks() || !color.letGo()) runnable(color);
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
        parking.follow();
        boolean work = hasWork();
        if (!work && balance.steals() && !parking.isParked()) work = balancer.findWork();
        int events;
        if (!mayBlock || work || queue.hasDeferredWork() || stopping) events = queue.harvest(currentWindow(), 0);
        else events = waitForEvents();
        if (events >= window) window = Math.min(MAX_WINDOW, 2 * window);
        else if (events < window / 4) window = window / 2;
        now = clock.nanoTime();
        int expired = expireTimers();
        if (events > 1 && balance.steals()) balancer.push();
        board.turn(position, stats[16 + TURNS], own.size(), balancer.backlog(0));
        if (balance.steals()) board.harvested(position, now);
        int tasks = runColors();
        balancer.endTurn();
        count(TURNS, 1);
        count(EVENTS, events);
        count(TASKS, tasks);
        if (load.isDue(now)) measureLoad();
        return events + expired + tasks;
    }

    private int currentWindow() { return balancer.isShared() ? Math.max(window, Balancer.SHARED_WINDOW) : window; }

    boolean hasWork() { return upNext != null || own.size() > 0 || offers.first() != RunQueue.NONE; }

    private int waitForEvents() {
        long deadline = timers.nextDeadlineNanos();
        long timeout = parking.limit(Long.MAX_VALUE);
        long before = clock.nanoTime();
        if (deadline != Long.MAX_VALUE) {
            timeout = Math.min(timeout, deadline - before);
            if (timeout <= 0) return queue.harvest(window, 0);
        }
        gate.announce();
        boolean thief = balance.steals() && !parking.isParked();
        if (thief) {
            timeout = balancer.beginWatch(before, timeout);
            board.fallsAsleep(position, before);
            board.setIdle(position);
            VarHandle.fullFence(); // StoreLoad: the mark before the look at offers; partner in Balancer.offer
        }
        // The re-check: whoever posts, offers, parks or resumes after this sees the announcement and wakes us.
        if (!inbox.isEmpty() || stopping || parking.mustFollow() || thief && !balancer.hasDeclined() && board.mayFind(position)) timeout = 0;
        else count(BLOCKS, 1);
        int events = queue.harvest(currentWindow(), timeout);
        gate.withdraw();
        if (balance.steals()) {
            balancer.endWatch(events > 0);
            board.clearIdle(position);
            board.isAwake(position);
            long idle = clock.nanoTime() - before;
            load.idle(idle);
            virtualNow += idle; // as if somebody had had that time: what is ahead of the clock has waited for it
        }
        return events;
    }

    private int expireTimers() {
        try {
            return timers.expire(now, TIMER_BUDGET);
        } catch (Throwable failure) { // the wheel stays consistent; timers that were due stay due
            reportFailure(timers, failure);
            return 0;
        }
    }

    private void measureLoad() {
        int utilisation = load.measure(now);
        balancer.lookForRelief();
        Roster roster = board.roster();
        if (roster != null) roster.measured(position, utilisation, now);
    }

    private void drainInbox() {
        for (Color color = inbox.takeAll(); color != null; ) {
            Color following = color.next;
            color.next = null;
            count(POSTED, 1);
            if (color.movingTo == null) runnable(color);
            else if (color.movingTo == this) balancer.arrive(color);
            else balancer.depart(color);
            color = following;
        }
    }

    // -------------------------------------------------------------------------------------------------------------- running

    private int runColors() {
        int ran = 0;
        turnStart = now;
        long end = now + (balancer.isShared() ? balancer.sharedTurnNanos() : TURN_NANOS);
        for (int turns = turnLimit; ran < TASK_BUDGET && turns > 0; turns--) {
            Color color = pick(ran > 0, end);
            if (color == null) break;
            if (balance.steals()) balancer.share(color);
            ran += turn(color);
            if (turnStart - end >= 0 || timers.isPreciseDue(turnStart)) break;
        }
        return ran;
    }

    /**
     * Chooses what runs next.
     *
     * @param after whether something has run in this turn of the loop. Then null is returned also if a long colour is next that is not expected to be done by the end of this turn:
     *              what the others have sent goes to the kernel before, and what is short and has just come in gets its turn before
     * @param end   when this turn of the loop is over
     */
    private Color pick(boolean after, long end) {
        Color color = upNext;
        if (color != null) {
            upNext = null;
            if (++upNextInRow <= MAX_NEXT && color.cost < LONG_NANOS) {
                RunQueue.stamp(color, this, virtualNow);
                return color;
            }
            enqueue(color);
        }
        upNextInRow = 0;
        long first = own.firstDue();
        long offered = offers.first();
        boolean older = offered < first || offered == first && !hasPutBack; // of equals, what was laid out has come before
        hasPutBack = false;
        if (older && (color = offers.takeBack(own, first, Balancer.LAY_OUT_NANOS, virtualNow)) != null) { // null also if a thief was quicker
            first = Math.min(first, offered);
        } else {
            if (first == RunQueue.NONE) return null;
            color = own.pollFirst();
        }
        if (after && color.cost >= LONG_NANOS && turnStart + color.cost - end > 0 && balance.steals()) {
            own.putBack(color, first);
            hasPutBack = true;
            return null;
        }
        virtualNow = RunQueue.clockAt(color, first, virtualNow);
        return color;
    }

    private int turn(Color color) {
        long begin = turnStart;
        int limit = color.taskCost <= QUANTUM_NANOS / QUANTUM ? QUANTUM : Math.max(1, QUANTUM_NANOS / color.taskCost);
        boolean goesHome = false;
        boolean awaitsReaders = false;
        boolean roams = false;
        int ran = 0;
        running = color;
        runningLong = color.cost >= LONG_NANOS;
        turnOver = false;
        while (ran < limit && !turnOver) {
            Task task = color.poll();
            if (task == null) break;
            if (task.atHome && color.home() != this) {
                color.unpoll(task);
                goesHome = true;
                break;
            }
            if (task.shared) { // its mark comes off when it runs
                ran++;
                ((SharedTask) task).admit(this);
                continue;
            }
            if (color.hasReaders()) {
                color.unpoll(task);
                awaitsReaders = true;
                break;
            }
            task.unmarkQueued();
            ran++;
            roams = !task.atHome;
            RUNNING_TASK.setOpaque(this, task);
            try {
                task.run();
            } catch (Throwable failure) { // whatever a callback lets out, the loop lives
                fail(task, failure);
            }
        }
        if (endOfTurn != null) finishTurn();
        RUNNING_TASK.setOpaque(this, null);
        running = null;
        runningLong = false;
        TURN_START.setOpaque(this, clock.nanoTime());
        charge(color, turnStart - begin, ran);
        color.debt = Math.max(0, color.finish - virtualNow);
        color.interval = average(color.interval, Math.min(turnStart - color.lastTurn, Color.MAX_COST_NANOS));
        color.lastTurn = turnStart;
        if (color.turnsAway > 0 && color.home() == this) color.turnsAway--;
        if (goesHome) {
            color.home().deliver(color);
        } else if (color.movingTo != null || balancer.shouldMove(color, roams)) {
            if (color.home() == this) {
                balancer.depart(color);
            } else {
                color.movingTo = this;
                color.home().deliver(color);
            }
        } else if (parking.isParked() && color.residentCount > 0 && parking.sendAway(color)) {
            return ran;
        } else if (awaitsReaders && !color.isFreeOfReaders()) {
            return ran; // the last of them passes it on
        } else if (!color.letGoIfDone()) {
            color.hasTasks(); // takes what was posted, so that it shows whether it must be at home
            if (parking.isParked() && parking.sendAway(color)) return ran;
            if (balance == Balance.STATIC) color.start = color.finish = virtualNow;
            else RunQueue.stampAgain(color);
            own.add(color, virtualNow);
        }
        return ran;
    }

    /** Tells whether a task of this colour that was posted now would be the next to run: its colour runs, and nothing else of it waits. Owner only, in a task. */
    public boolean isNext(Color color) { return running == color && !color.isAwaited(); }

    /**
     * Runs a task inside the running one, of the same colour: as if it had been posted and the running one had ended, but for what that has still to do. Spares it the way through the queue.
     * Owner only, when {@link #isNext} has said so, and with a task that is not queued.
     */
    public void runInside(Task task) {
        assert isNext(task.color());
        Task outer = runningTask();
        RUNNING_TASK.setOpaque(this, task);
        try {
            task.run();
        } catch (Throwable failure) {
            fail(task, failure);
        }
        RUNNING_TASK.setOpaque(this, outer);
    }

    /** Ends the running colour's turn with the running task: what else it has to do comes after what others have. Owner only. */
    public void endTurn() { turnOver = true; }

    /** Tells whether anything but the running task waits here. Out of date soon: others post. Owner only. */
    public boolean hasOthersWaiting() { return hasWork() || !inbox.isEmpty() || running != null && running.isAwaited(); }

    private void finishTurn() {
        Runnable action = endOfTurn;
        endOfTurn = null;
        try {
            action.run();
        } catch (Throwable failure) {
            reportFailure(this, failure);
        }
    }

    /** Has something done at the end of the running colour's turn, before it can run anywhere else. One thing a vcore; asking again changes nothing. */
    public void atEndOfTurn(Runnable action) {
        assert endOfTurn == null || endOfTurn == action;
        endOfTurn = action;
    }

    /** Returns what a higher layer keeps for this vcore. */
    public Object attachment() { return attachment; }

    /** Keeps something for a higher layer. Before the loop runs. */
    public void attach(Object object) { attachment = object; }

    /**
     * Counts a turn's time. Time that the kernel gave to somebody else meanwhile is in it, and is told from the turn's own only by being much more than before: at most the
     * eightfold of what was expected is believed. A colour that has become slow is known as such after some turns.
     */
    private void charge(Color color, long nanos, int tasks) {
        long credible = Math.min(nanos, 8L * color.cost);
        color.finish = color.start + color.weighted(credible);
        if (balance != Balance.STATIC) {
            long shares = color.shares() + own.shares() + offers.shares();
            virtualNow = RunQueue.clockAfter(virtualNow, credible, shares, Math.min(own.first(), offers.first()));
        }
        if (color.home() != this) load.away(nanos);
        if (tasks == 0) return;
        color.cost = average(color.cost, credible);
        color.taskCost = average(color.taskCost, credible / tasks);
    }

    private static int average(int before, long measured) { return Math.clamp(before + (measured - before) / 4, 16, Color.MAX_COST_NANOS); }

    private static void fail(Task task, Throwable failure) {
        try {
            task.failed(failure);
        } catch (Throwable again) {
            task.color().home().reportFailure(task, again);
        }
    }

    /** Returns the task that runs at the moment, or null. Any thread. */
    Task runningTask() { return (Task) RUNNING_TASK.getOpaque(this); }

    /** Returns what a higher layer has mounted on this vcore's thread, or null. Any thread; out of date soon. */
    public Object mounted() { return thread instanceof VcoreThread t ? t.mountedOpaque() : null; }

    /** Returns when the running colour's turn began, and what ran before it had ended. Any thread. */
    public long turnStart() { return (long) TURN_START.getOpaque(this); }

    /** Returns where this vcore's thread is. Any thread. */
    List<StackTraceElement> stack() {
        Thread of = thread;
        return of == null ? List.of() : List.of(of.getStackTrace());
    }

    /** Returns the kernel's number of this vcore's thread, 0 before it has one. Any thread. */
    int tid() { return thread == null ? 0 : tid; }

    /**
     * Tells whether the running task has had its share of time: one that goes through a backlog should stop, and post itself again. If so, its colour's {@linkplain #endTurn turn ends}
     * with it: how many tasks a turn has is what they were expected to cost, and this one costs more.
     */
    public boolean shouldYield() {
        if (clock.nanoTime() - turnStart < QUANTUM_NANOS) return false;
        turnOver = true;
        return true;
    }

    // -------------------------------------------------------------------------------------------------------------- rescuing

    /**
     * Says that the owner's thread goes over to a user-level thread's code, which may run for long: until {@link #reclaim}, others may take over what waits here. {@link #current} in
     * that code reclaims, for it is asked by who is going to touch what belongs to the vcore; who is done with that soon lends it again. Owner only.
     *
     * <p>{@code KEPT -lend-> LENT -reclaim-> KEPT, LENT -another vcore, takeOver-> TAKEN -done-> LENT}. Taking and reclaiming are exchanges on one word, so one of them waits for the
     * other: the owner, for some microseconds, if somebody is just taking. Each acquires what the other has released.
     */
    public void lend() {
        lentLately = true;
        CUSTODY.setRelease(this, LENT);
    }

    /** Tells whether it is lent. Owner only. */
    public boolean isLent() { return (int) CUSTODY.getOpaque(this) != KEPT; }

    /** Ends what {@link #lend} began; does nothing if it is over. Owner only. */
    public void reclaim() {
        if ((int) CUSTODY.getOpaque(this) == KEPT) return;
        for (int spins = 0; !CUSTODY.compareAndSet(this, LENT, KEPT); spins++) {
            if (spins < CUSTODY_SPINS) Thread.onSpinWait();
            else org.libtorque.sys.Affinity.yieldCpu(); // the other one is on this CPU
        }
    }

    /**
     * Takes over what waits at another vcore, whose thread does not come back from a user-level thread: runs its timers, and takes the colours that may run elsewhere. They keep their
     * home; {@link #handBack} returns what is left of them. Event sources of that vcore are not looked at. By the owner of this vcore, in no task.
     *
     * @param besides run as if by that vcore's owner, first: for what a higher layer keeps for it
     * @return how many colours; -1 if that vcore's thread is in code of its own at the moment, or in a thread that has asked for {@link #current}
     */
    public int takeOver(Vcore victim, Runnable besides) {
        if (!CUSTODY.compareAndSet(victim, LENT, TAKEN)) return -1;
        Color taken;
        switchTo(victim);
        try {
            tell(besides);
            victim.now = victim.clock.nanoTime();
            victim.expireTimers();
            taken = victim.evacuation.surrender();
        } finally {
            switchTo(this);
            CUSTODY.setRelease(victim, LENT);
        }
        int n = 0;
        while (taken != null) {
            Color following = taken.next;
            taken.next = null;
            enqueue(taken);
            taken = following;
            n++;
        }
        return n;
    }

    /** Sends colours that wait here and are at home elsewhere to their homes. Owner only, in no task. */
    public void handBack() { evacuation.handBack(); }

    // -------------------------------------------------------------------------------------------------------------- parking

    /**
     * Has this vcore do nothing any more, as far as others can do it: it takes no work, its colours move to vcores that work, with their sources and timers, and its thread then
     * blocks in the kernel. What cannot move (pinned colours, residents that say so) it goes on serving, and that alone. At least one vcore of the runtime must
     * work. Any thread; takes effect soon.
     */
    public void park() {
        board.park(position);
        wakeIfBlocking();
    }

    /** Ends what {@link #park} began; {@linkplain #seat seated} colours come back. Any thread; takes effect soon. */
    public void resume() {
        parking.countResume();
        board.resume(position);
        wakeIfBlocking();
    }

    /** Tells whether it is parked, or about to be. Any thread. */
    public boolean isParked() { return board.isParked(position); }

    /**
     * Has somebody told, in vcore context, each time that this vcore has been parked, or works again. Of a vcore that is parked and resumed before it has come to either, once,
     * that it works. Any thread.
     */
    public void onParking(Runnable listener) { parking.listeners.add(listener); }

    /** Ends what {@link #onParking} began. Any thread. */
    public void noMoreOnParking(Runnable listener) { parking.listeners.remove(listener); }

    void tell(Runnable listener) {
        try {
            listener.run();
        } catch (Throwable failure) {
            reportFailure(listener, failure);
        }
    }

    /** Says that a colour belongs here: when this vcore is parked it is served elsewhere like others, but comes back when that ends. Any thread. */
    public void seat(Color color) { parking.seat(color); }

    /** Ends what {@link #seat} began. Any thread. */
    public void unseat(Color color) { parking.unseat(color); }

    /** Sends away what waits here, as far as it may go. */
    void sendAwayWhatWaits() {
        upNextInRow = 0;
        evacuation.sendAway();
    }

    /** A colour is on its way here. Any thread. */
    void expect() { arriving.incrementAndGet(); }

    void expectNoMore() { arriving.decrementAndGet(); }

    /** Tells whether colours are on their way here; when the runtime stops, no more set out. */
    public boolean isExpecting() { return arriving.get() > 0; }

    int arrivingCount() { return arriving.get(); }

    /** At the old home: lets all residents of a colour go. */
    void depart(Color color) { balancer.depart(color); }

    void residentDeparted(Color color) { balancer.residentDeparted(color); }

    void count(int which, long n) {
        STATS.setOpaque(stats, 16 + which, stats[16 + which] + n); // one writer: opaque keeps it untorn for readers
    }

    /** Returns counters since the start. Any thread; each value is exact as of some recent moment. Allocates. */
    public Stats stats() {
        return new Stats(stat(TURNS), stat(EVENTS), stat(TASKS), stat(BLOCKS), stat(POSTED), stat(STEALS), stat(STOLEN), stat(PUSHED), stat(MOVES), stat(WAKES));
    }

    private long stat(int which) { return (long) STATS.getOpaque(stats, 16 + which); }

    /**
     * What a vcore has done since it started.
     *
     * @param turns  turns of the loop
     * @param events events taken from the kernel
     * @param tasks  tasks run
     * @param blocks turns that found nothing to do and let the kernel wait
     * @param posted colours that came through the inbox
     * @param steals successful searches for work at others
     * @param stolen colours taken in them
     * @param pushed colours given to others unasked
     * @param moves  colours that came here for good
     * @param wakes  others woken because work was on offer
     */
    public record Stats(long turns, long events, long tasks, long blocks, long posted, long steals, long stolen, long pushed, long moves, long wakes) {}

    // ------------------------------------------------------------------------------------------------------------- life cycle

    /** Turns the loop until {@link #requestStop}. Called once, by the thread that {@linkplain #bind bound} itself. */
    public void runLoop() {
        while (!stopping) runOnce(true);
    }

    /** Tells whether it has been asked to end. Any thread. */
    public boolean isStopping() { return stopping; }

    /** Ends {@link #runLoop} soon. Any thread. */
    public void requestStop() {
        stopping = true;
        wakeIfBlocking();
    }

    /**
     * Ends this vcore: runs what is left for at most {@code timeoutNanos}, then closes its event queue and unmaps its buffers. Called by the
     * owner, after {@link #runLoop}; every source must have been closed, or be closed by a task that is ready. Tasks that are then still queued are told that they were
     * {@linkplain Task#dropped dropped}, timers that they were {@linkplain Timer#abandoned abandoned}. Each post is refused, run or dropped.
     *
     * @return the number of sources that were left; their memory and the queue are then leaked rather than pulled away under the kernel
     */
    public int shutDown(long timeoutNanos) { return shutDown(timeoutNanos, () -> { }); }

    /**
     * As {@link #shutDown(long)}.
     *
     * @param beforeClosing called when this vcore runs nothing any more and its queue and buffers are about to be closed: waits until the same is true of all others of the
     *                      runtime, which may have borrowed from them
     */
    public int shutDown(long timeoutNanos, Runnable beforeClosing) {
        board.close();
        stopping = true;
        long start = clock.nanoTime();
        while (true) {
            boolean expecting = arriving.get() > 0; // before the inbox is looked into: what it counts is in there when it is counted no more
            boolean worked = runOnce(false) > 0;
            long took = clock.nanoTime() - start;
            if (took > timeoutNanos) break;
            if (expecting || arriving.get() > 0) continue;
            // Periodic timers always find something to do.
            boolean threads = lentLately;
            lentLately = false;
            if (queue.sourceCount() == 0 && (!worked && inbox.isEmpty() || took > (threads ? THREADS_NANOS : LEFTOVER_NANOS))) break;
        }
        // Before what is left is looked through, so that this comes to an end. A post that saw this vcore running either is in the inbox, or sees it stopped when it has been put there.
        stopped = true;
        evacuation.goHome();
        // The gate is and stays withdrawn, so nobody new goes for the descriptor of the queue; wait for those under way. The store to
        // stopped is volatile and stands between the withdrawal and the look at the count: the StoreLoad that this needs.
        while (wakers.get() > 0) Thread.onSpinWait();
        evacuation.abandonTimers();
        beforeClosing.run();
        int left = queue.sourceCount();
        if (left == 0) {
            queue.close();
            blocks.close();
        }
        if (BOUND.get() == this) BOUND.remove();
        return left;
    }

    /** Takes what would run next, without running it. Returns null if nothing waits. */
    Color takeWaiting() {
        Color color = upNext;
        upNext = null;
        if (color == null) color = own.pollFirst();
        if (color == null) color = offers.takeFirst(RunQueue.NONE);
        return color;
    }

    /** Walks the run queues; for tests, when nobody else is near. */
    void checkInvariants() {
        own.checkInvariants();
        offers.checkInvariants();
    }

    @Override public String toString() { return "vcore " + index + " (CPU " + cpu + ")"; }
}
