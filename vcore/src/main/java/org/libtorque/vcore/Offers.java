package org.libtorque.vcore;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.libtorque.sys.Affinity;
import org.libtorque.sys.Handles;

/** Keeps {@code lock} off the lines of whatever lies in front of it. */
@SuppressWarnings("unused")
abstract class OffersPad0 {
    private long p00, p01, p02, p03, p04, p05, p06, p07, p08, p09, p0a, p0b, p0c, p0d, p0e, p0f;
}

/** What others look at; see {@link Offers}. */
abstract class OffersFields extends OffersPad0 {
    /** 0, or 1 while somebody is inside. */
    long lock;
    /** The first bucket of the queue, as of the last change; read without the lock as a hint. */
    long firstHint = RunQueue.NONE;
    /** The shares in the queue, likewise. */
    long sharesHint;
    /** The work in the queue, likewise; and {@link RunQueue#backlog}. */
    long workHint, backlogHint;
    /** When the owner's turn is expected to end that runs, or is about to, when something is offered. */
    long busyUntil;
    /** Expected CPU time of all that was ever stolen. */
    long stolen;
}

/** Keeps the fields off the lines of whatever lies behind them. */
@SuppressWarnings("unused")
abstract class OffersPad1 extends OffersFields {
    private long p10, p11, p12, p13, p14, p15, p16, p17, p18, p19, p1a, p1b, p1c, p1d, p1e, p1f;
}

/**
 * The part of a vcore's run queue that others may take from: colours whose turn is not close, offered while somebody is idle or before a long task. The owner adds and takes
 * back; a thief takes from the end, where most work is.
 *
 * <p>A spin lock guards it; inside are some tens of nanoseconds. Thieves only try: who finds it locked looks elsewhere. The owner, if a thief is inside, goes on with what
 * it has for itself, and waits only when that is nothing or will take long; a thief that the kernel takes off its CPU there costs one scheduling delay of an owner with nothing else to do.
 * Nearly always nobody else is near and the lock costs the owner one uncontended atomic operation, and not even that for what runs within the next microseconds, which is
 * never offered.
 *
 * <p>Whether the owner {@linkplain Scoreboard#isOffering is marked as offering} is changed inside the lock only; while there is nothing, it is not.
 */
final class Offers extends OffersPad1 {
    private static final VarHandle LOCK = Handles.field(MethodHandles.lookup(), OffersFields.class, "lock", long.class);
    private static final VarHandle FIRST = Handles.field(MethodHandles.lookup(), OffersFields.class, "firstHint", long.class);
    private static final VarHandle SHARES = Handles.field(MethodHandles.lookup(), OffersFields.class, "sharesHint", long.class);
    private static final VarHandle WORK = Handles.field(MethodHandles.lookup(), OffersFields.class, "workHint", long.class);
    private static final VarHandle BACKLOG = Handles.field(MethodHandles.lookup(), OffersFields.class, "backlogHint", long.class);
    private static final VarHandle BUSY_UNTIL = Handles.field(MethodHandles.lookup(), OffersFields.class, "busyUntil", long.class);
    private static final VarHandle STOLEN = Handles.field(MethodHandles.lookup(), OffersFields.class, "stolen", long.class);

    private static final int SPINS = 200;

    private final RunQueue queue = new RunQueue();
    private final Scoreboard board;
    private final int position;
    private boolean marked;
    /** Whether others shall know of what is in the queue. */
    private boolean announced;

    /** @param position whose offers these are */
    Offers(Scoreboard board, int position) {
        this.board = board;
        this.position = position;
    }

    private boolean tryLock() { return (long) LOCK.getOpaque(this) == 0 && LOCK.weakCompareAndSetAcquire(this, 0L, 1L); }

    private void lock() {
        for (int i = 0; !tryLock(); i++) {
            if (i < SPINS) Thread.onSpinWait();
            else Affinity.yieldCpu(); // whoever is inside has been taken off its CPU. Not Thread.yield: a uthread that posts must not leave the vcore here
        }
    }

    private void unlock() {
        FIRST.setOpaque(this, queue.first());
        SHARES.setOpaque(this, queue.shares());
        WORK.setOpaque(this, queue.work());
        BACKLOG.setOpaque(this, queue.backlog());
        if (queue.size() == 0) announced = false;
        if (announced != marked) {
            marked = announced;
            if (announced) board.setOffering(position);
            else board.clearOffering(position);
        }
        LOCK.setRelease(this, 0L);
    }

    /** Returns about where the first colour is, or {@link RunQueue#NONE} if there is none. For the owner it is exact unless a thief has been here since. */
    long first() { return (long) FIRST.getOpaque(this); }

    /** Returns the shares of all that is on offer, as exactly as {@link #first}. */
    long shares() { return (long) SHARES.getOpaque(this); }

    /** Returns the expected CPU time of all that others have taken, since the beginning. */
    long stolenWork() { return (long) STOLEN.getOpaque(this); }

    /** Returns the expected CPU time of all that is on offer, in nanoseconds, as exactly as {@link #first}. */
    long work() { return (long) WORK.getOpaque(this); }

    /** Returns {@link RunQueue#backlog} of what is on offer, as exactly as {@link #first}. */
    long backlog() { return (long) BACKLOG.getOpaque(this); }

    /** Returns until when the owner is busy with one turn, as was expected when something was offered last. */
    long busyUntil() { return (long) BUSY_UNTIL.getOpaque(this); }

    /**
     * Offers what may roam of the owner's colours. Owner only.
     *
     * @param must  whether to wait if a thief is inside: when it will be long until the next time
     * @param until when the turn is expected to end that the owner is about to have
     * @return the work that is on offer now, in nanoseconds, or -1 if a thief was inside
     */
    long offer(RunQueue from, int max, long clock, boolean must, long until) {
        if (must) lock();
        else if (!tryLock()) return -1;
        BUSY_UNTIL.setOpaque(this, until);
        from.moveRoaming(queue, max, clock);
        announced = true;
        long work = queue.work();
        unlock();
        return work;
    }

    /**
     * As {@link #offer}, but nobody is told: it lies here for those who come because the owner does not. Owner only. Does nothing if a thief is inside.
     *
     * @param max how many colours, at most, of the first twice as many
     */
    void layOut(RunQueue from, int max, long clock) {
        if (!tryLock()) return;
        from.moveRoaming(queue, max, 2 * max, clock);
        unlock();
    }

    /**
     * Takes back what is to run first, as far as it is in the given bucket or before: what was laid out has waited longer than what came since. Owner only.
     *
     * @param to    where those behind the first go, as many as make so much work with it
     * @return the first; null if there is none, because a thief was quicker
     */
    Color takeBack(RunQueue to, long upTo, long nanos, long clock) {
        lock();
        Color first = null;
        for (long got = 0, bucket; got < nanos && (bucket = queue.firstDue()) <= upTo && bucket != RunQueue.NONE; ) {
            Color color = queue.pollFirst();
            got += color.cost;
            if (first == null) first = color;
            else to.add(color, clock);
        }
        unlock();
        return first;
    }

    /** Takes back the colour that is to run first, if it is before the given bucket; null if there is none such. Owner only. */
    Color takeFirst(long before) {
        lock();
        Color color = queue.firstDue() < before ? queue.pollFirst() : null;
        unlock();
        return color;
    }

    /**
     * Takes colours for another vcore, linked: one, or as many as make half of the work if they are many small ones; of equal ones that which has waited longest comes first.
     * Null if there are none or somebody else is inside.
     */
    Color steal(int max) { return steal(max, Long.MAX_VALUE, false); }

    /** As {@link #steal(int)}, but leaves colours whose turns are expected to take longer than that; then of the others those come first that finish first. */
    Color steal(int max, long longest) { return steal(max, longest, false); }

    /** As {@link #steal(int, long)}, from an owner that does not come back in time: what is left is on offer from now on, also if the owner has only laid it out. */
    Color stealAndAnnounce(int max, long longest) { return steal(max, longest, true); }

    private Color steal(int max, long longest, boolean announce) {
        if (!tryLock()) return null;
        announced |= announce;
        long half = queue.work() / 2;
        Color first = null;
        Color last = null;
        long got = 0;
        for (int n = 0; n < max; n++) {
            Color color = queue.lastCost() <= longest ? queue.pollLast() : queue.pollFirst(longest);
            if (color == null) break;
            if (first == null) first = color;
            else last.next = color;
            last = color;
            got += color.cost;
            if (got >= half) break;
        }
        STOLEN.setOpaque(this, stolen + got);
        unlock();
        return first;
    }

    /** Walks the structure; for tests, when nobody else is near. */
    void checkInvariants() {
        queue.checkInvariants();
        if (marked != announced || marked && queue.size() == 0) throw new IllegalStateException("marked " + marked + ", size " + queue.size());
    }
}
