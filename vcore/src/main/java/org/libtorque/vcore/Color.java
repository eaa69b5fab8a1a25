package org.libtorque.vcore;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.libtorque.sys.Handles;

/**
 * A mutual-exclusion class of tasks (Zeldovich et al. 2003): tasks of one colour never run in parallel and run in the
 * order they were posted; tasks of different colours may run in parallel.
 *
 * <p>A colour is a queue with a holder. {@code top} is its only shared state:
 *
 * <pre>{@code
 *   null                idle: no task, no holder
 *   HELD                one holder (the run queue it waits in, or the thread that runs it), nothing new
 *   task -> task -> …   one holder, and tasks posted since it last looked, the newest first
 *
 *   post      null -> HELD           the poster is now the holder, and passes the colour to a run queue
 *             HELD or stack -> task on top
 *   holder    stack -> HELD          takes all, and keeps them in the order of posting
 *             HELD -> null           has none left: lets go
 * }</pre>
 *
 * <p>All transitions are compare-and-set or exchange on this one word, hence totally ordered: that order is the order of posting. A poster never waits, nor
 * does the holder. Everything else here belongs to the holder, and is handed on with it: through a run queue's lock, an inbox, or {@code top} itself. So
 * posting need not know where the colour is, and a colour can be moved without its posters noticing.
 *
 * <p><b>Home.</b> The vcore at which the colour's event sources and timers are registered, and to which it goes when somebody posts who is not on a vcore. A
 * colour that has none of those may have a new home whenever it becomes runnable: the vcore of the poster, where its data is in cache.
 */
public final class Color {
    /** The mark in {@code top} of a colour that is held. */
    private static final Task HELD = new Task() {
        @Override protected void run() { throw new AssertionError(); }
    };
    private static final VarHandle TOP = Handles.field(MethodHandles.lookup(), "top", Task.class);
    private static final VarHandle HOME = Handles.field(MethodHandles.lookup(), "home", Vcore.class);
    private static final VarHandle READERS = Handles.field(MethodHandles.lookup(), "readers", int.class);
    private static final VarHandle BUSY_SINCE = Handles.field(MethodHandles.lookup(), "busySince", long.class);
    /** In {@code readers}: an exclusive task waits until they are done, and the colour is held by the last of them to be. */
    private static final int WAITING_FOR_READERS = 1 << 31;
    /** Posted: it was idle, and the caller holds it now. */
    static final int NOW_HELD = 1;
    /** Posted; the holder will find it. */
    static final int WAITING = 0;
    /** Not posted. */
    static final int FULL = -1;

    /** The shares of a colour unless told otherwise. */
    public static final int NORMAL_SHARES = 64;
    /** The most shares a colour can have. */
    public static final int MAX_SHARES = 64 * 64;
    /** What a turn is taken to cost until one has been measured. */
    static final int UNKNOWN_COST_NANOS = 4_000;
    /** What takes longer is taken to cost as much, about a second. */
    static final int MAX_COST_NANOS = 1 << 30;

    /** More turns away are not counted, so that it is soon known when it has become a home's affair again. */
    private static final int MAX_TURNS_AWAY = 8;

    private final long id;
    private Vcore home;
    private Task top;
    /** Shared tasks that were let go and have not ended: counted up by the holder, down by each; and the mark of the holder that waits for them. */
    @SuppressWarnings("unused") private int readers;

    // ---- the holder's

    private Task head;
    private Task tail;
    /** Link in a run queue or inbox. */
    Color next;
    /** Virtual times of its next turn's start and end, in the run queue of {@link #clockOf}. */
    long start, finish;
    /**
     * By how much it was ahead of that clock when its last turn ended, or when it came into a run queue: what it takes along to another vcore, so that moving pays nobody's debts. Time in which
     * it has nothing to do does: {@link #busyFrom}.
     */
    long debt;
    /** When its last turn ended. */
    long lastTurn;
    /** Whose virtual clock {@link #finish} is of. */
    Vcore clockOf;
    /** The shares, as the run queue that it is in has counted them. */
    int weight;
    /** Expected CPU time of a turn, and of one task; moving averages. */
    int cost = UNKNOWN_COST_NANOS, taskCost = UNKNOWN_COST_NANOS;
    /** Time from the end of one turn to that of the next; a moving average. */
    int interval = MAX_COST_NANOS;
    /** Whether somebody said that it must stay on its home. */
    private volatile boolean pinned;
    private volatile int shares = NORMAL_SHARES;
    /** What is registered at the home on behalf of this colour. */
    Resident residents;
    int residentCount;
    /** Near whom it is to stay; null if near nobody. Written before anybody else knows of this colour. */
    ColorGroup group;
    /** Where it is moving to with all its residents, and how many of them have still to leave. */
    Vcore movingTo;
    int toLeave;
    /** Turns that others than its home have had, less those that its home has had since; and when it last moved. */
    int turnsAway;
    boolean moved;
    long movedAt;
    /** How often the time has doubled for which it stays where it has moved to: {@link Balancer#shouldMove}. */
    byte restShift;
    /** What ran when it was entered without a task. */
    Color outer;
    /** Since when it has not been idle, 0 while it is; the monitor reads it. */
    private long busySince;

    /**
     * @param home the vcore that it is tied to at first
     * @param id   identifies the colour in reports
     */
    Color(Vcore home, long id) {
        this.home = home;
        this.id = id;
    }

    /** Returns the vcore at which its event sources and timers are registered. Any thread may ask; it may change at any time unless the colour is pinned. */
    public Vcore home() { return (Vcore) HOME.getAcquire(this); }

    /** Holder only. */
    void home(Vcore newHome) { HOME.setRelease(this, newHome); }

    /** Returns the number that identifies this colour within its runtime. */
    public long id() { return id; }

    /**
     * Keeps this colour on its home from now on: its tasks run nowhere else, and it does not move. To be called before the first task is posted, or by a task of this
     * colour that {@linkplain Task#runAtHome runs at home}. Cannot be undone.
     */
    public Color pin() {
        pinned = true;
        return this;
    }

    /** Tells whether it was pinned. Any thread. */
    public boolean isPinned() { return pinned; }

    /**
     * Says how much CPU time this colour gets relative to others when there is not enough: twice the shares, twice the time. It never starves others, nor is starved. Any
     * thread; counts from the next turn. With {@link Balance#STATIC}, where all have their turns in the order in which they became ready, it changes nothing.
     *
     * @param shares 1 to {@link #MAX_SHARES}; {@link #NORMAL_SHARES} is what others have
     */
    public Color shares(int shares) {
        if (shares < 1 || shares > MAX_SHARES) throw new IllegalArgumentException("shares must be 1 to " + MAX_SHARES + ", not " + shares);
        this.shares = shares;
        return this;
    }

    /** Returns the part of a vcore's time that it asks for, of 1024. Holder only. */
    int demand() { return (int) (1024L * cost / Math.max(cost, interval)); }

    /** Returns the shares. */
    public int shares() { return shares; }

    /** CPU time in terms of virtual time: what a colour with normal shares would have used. */
    long weighted(long nanos) {
        int s = shares;
        return s == NORMAL_SHARES ? nanos : nanos * NORMAL_SHARES / s;
    }

    // ---- posting

    /**
     * Puts a task behind the others. Any thread.
     *
     * @param limit how many may wait with it that no holder has taken yet; less than 1 refuses it in any case
     */
    int push(Task task, int limit) {
        if (limit < 1) return FULL;
        while (true) {
            Task t = (Task) TOP.getAcquire(this);
            if (t == null) {
                if (TOP.compareAndSet(this, null, HELD)) { // acquires what the last holder left
                    task.next = null;
                    head = tail = task;
                    return NOW_HELD;
                }
            } else {
                // If t was taken and posted anew meanwhile, its depth may be of another time: that only makes the limit inexact. The link is right if t is on top.
                int depth = t == HELD ? 1 : t.depth + 1;
                if (depth > limit) return FULL;
                task.depth = depth;
                task.next = t == HELD ? null : t;
                if (TOP.compareAndSet(this, t, task)) return WAITING;
            }
        }
    }

    /** Holds the colour if it is idle, without a task. Whoever succeeds must {@link #letGo} or pass it to a run queue. Any thread. */
    boolean tryHold() { return TOP.getOpaque(this) == null && TOP.compareAndSet(this, null, HELD); }

    // ---- the holder

    /** Takes the oldest task, or null. */
    Task poll() {
        Task task = head;
        if (task == null) {
            if (!takePosted()) return null;
            task = head;
        }
        head = task.next;
        if (head == null) tail = null;
        task.next = null;
        return task;
    }

    /** Looks at the oldest task among those taken; null if there is none. */
    Task peekTaken() { return head; }

    /** Puts a task back that was just polled. */
    void unpoll(Task task) {
        task.next = head;
        head = task;
        if (tail == null) tail = task;
    }

    private boolean takePosted() {
        if (TOP.getOpaque(this) == HELD) return false;
        Task t = (Task) TOP.getAndSet(this, HELD);
        Task first = null;
        Task last = t;
        while (t != null) { // the newest is on top
            Task older = t.next;
            t.next = first;
            first = t;
            t = older;
        }
        if (head == null) head = first;
        else tail.next = first;
        tail = last;
        return true;
    }

    /** Tells whether there is a task, and takes what was posted; a post may come right after. */
    boolean hasTasks() { return head != null || takePosted(); }

    /** Tells whether tasks wait for the running one to end. Holder only; a post may come right after. */
    boolean isAwaited() { return head != null || TOP.getOpaque(this) != HELD; }

    /** Ends the hold if there is no task; if there is, returns false and the caller holds it on. */
    boolean letGo() {
        assert head == null;
        return TOP.compareAndSet(this, HELD, null);
    }

    /** Lets go if there is no task. Returns false if there is one: the caller holds it on. */
    boolean letGoIfDone() {
        if (hasTasks()) return false;
        long since = busySince;
        BUSY_SINCE.setOpaque(this, 0L);
        if (letGo()) return true;
        BUSY_SINCE.setOpaque(this, since);
        return false;
    }

    /** Notes that it is not idle any more, unless that is noted already. Holder only. */
    void busyFrom(long now) {
        if (busySince != 0) return;
        BUSY_SINCE.setOpaque(this, now == 0 ? 1 : now);
        if (debt > 0) debt = Math.max(0, debt - Math.max(0, now - lastTurn));
    }

    /** Returns since when it has not been idle, 0 if it is. Any thread. */
    long busySince() { return (long) BUSY_SINCE.getOpaque(this); }

    // ---- readers

    /** Makes this lane's hints those of its colour, which may have got them since. Holder of both only. */
    void likens(Color of) {
        group = of.group;
        if (of.pinned && !pinned) pinned = true;
        if (of.shares != shares) shares = of.shares;
    }

    /** Counts a shared task that is about to be let go. Holder only. */
    void readerAdmitted() { READERS.getAndAdd(this, 1); }

    /** Returns how many shared tasks were let go and have not ended: as many as were so a moment ago. Any thread. */
    int readerCount() { return (int) READERS.getOpaque(this) & ~WAITING_FOR_READERS; }

    /** Tells whether shared tasks that were let go have not ended yet. Holder only, for whom it can only turn to false. */
    boolean hasReaders() { return (int) READERS.getAcquire(this) != 0; }

    /**
     * Waits for the shared tasks to end, without a thread: unless they have, the colour is theirs from now on, and the last one passes it on. Holder only, who must be done with
     * it, since it may run elsewhere before this returns.
     *
     * @return true if they have ended: the caller holds it on
     */
    boolean isFreeOfReaders() {
        if ((int) READERS.getAndBitwiseOr(this, WAITING_FOR_READERS) != 0) return false;
        READERS.setRelease(this, 0); // the last one ended before it could see the mark, and nobody else writes here
        return true;
    }

    /** A shared task has ended. Any thread. Returns whether the caller holds the colour now, and must pass it on: an exclusive task waits. */
    boolean readerDone() {
        if ((int) READERS.getAndAdd(this, -1) != (WAITING_FOR_READERS | 1)) return false;
        READERS.setRelease(this, 0); // nobody else writes it: who waits has stopped, and no more are admitted
        return true;
    }

    /** Tells whether it has no task and no holder; out of date as soon as it is known. Any thread. */
    boolean isIdle() { return TOP.getOpaque(this) == null; }

    /** Tells whether another vcore may run it now. Holder only. */
    boolean mayRoam() { return !pinned && movingTo == null && (head == null || !head.atHome); }

    /** Tells whether a vcore may be its home for good. Any thread. */
    boolean mayLiveAt(Vcore vcore) { return group == null || group.holds(vcore.position()); }

    /** Tells whether it can have a new home at once. Holder only. */
    boolean floats() { return residentCount == 0 && mayRoam(); }

    /** Another vcore than its home is to run it: that is its home now, if nothing ties it to the old one, else a turn away is noted. Holder only. */
    void goTo(Vcore vcore) {
        if (floats() && mayLiveAt(vcore)) home(vcore);
        else if (turnsAway < MAX_TURNS_AWAY) turnsAway++;
    }

    @Override public String toString() { return "Color[" + id + " of " + home() + "]"; }
}
