package org.libtorque.vcore;

import java.lang.System.Logger.Level;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Who of a runtime's vcores works and who is parked: as many work as are wanted by the program, or by load, or as have a CPU; and where new colours go.
 *
 * <p>Those that begin to work first are far from each other (the spread order: nodes first, then packages, cores, harts last), so that few have whole cores for themselves; of
 * equals, those whose CPUs interrupts leave alone. Those that stop are the last in that order.
 *
 * <p>With elasticity, vcores themselves see to it that {@link ElasticPolicy} is asked: one that is saturated, at the end of a period of measurement; and a tenth of a second after
 * the last time, whoever comes to the end of one. When nobody has anything to do nobody asks, and nothing changes; all block then, which costs nothing either.
 *
 * <p>Any thread. Vcores never wait here: they only try the lock.
 */
public final class Roster {
    private static final System.Logger LOG = System.getLogger("org.libtorque");
    private static final long LOOK_NANOS = 100_000_000;
    /** Working vcores among which a place for a new colour is chosen. */
    private static final int CANDIDATES = 8;

    private final Scoreboard board;
    /** Positions, in the spread order. */
    private final int[] order;
    private final ElasticPolicy policy;
    private final AtomicLong nextLook = new AtomicLong(Long.MIN_VALUE);
    private final AtomicInteger tickets = new AtomicInteger();
    /** Periods in a row, by position; each written by the vcore there. */
    private final int[] saturatedPeriods;
    private final ReentrantLock lock = new ReentrantLock();
    /** What vcores have asked for and nobody has decided on yet, added up. Any thread adds, with the lock it is taken. */
    private final AtomicInteger asked = new AtomicInteger();

    // Guarded by the lock.
    private final boolean[] gone;
    private int wanted;
    /** How many are not parked; written with the lock, with the scoreboard's bits. */
    private volatile int working;
    private volatile long parks, resumes;

    /**
     * Enters itself on the board. Before any of the vcores runs.
     *
     * @param min how many vcores work at least however little there is to do, from 1; 0 if load does not matter
     */
    public Roster(Scoreboard board, int min) {
        if (min < 0 || min > board.size()) throw new IllegalArgumentException("of " + board.size() + " vcores, " + min + " cannot be the least that work");
        this.board = board;
        order = board.spreadOrder();
        policy = min == 0 ? null : new ElasticPolicy(min);
        saturatedPeriods = new int[board.size()];
        gone = new boolean[board.size()];
        wanted = working = board.size();
        board.roster(this);
    }

    // ---- asking for vcores

    /**
     * Has a number of vcores work, from now on: parlib's {@code vcore_request_total}. With elasticity, load may change it again at once.
     *
     * @param total from 1; more than there are (with a CPU) are not to be had
     * @return how many work now
     */
    public int request(int total) {
        if (total < 1) throw new IllegalArgumentException("at least one vcore must work, not " + total);
        lock.lock();
        try {
            if (policy != null) policy.interrupted();
            return want(Math.min(total, board.size()), Level.INFO, "as asked for");
        } finally {
            unlock();
        }
    }

    /** As {@link #request}, relative to how many work now: parlib's {@code vcore_request_more}; with a negative number, vcores are given back. At least one goes on working. */
    public int requestMore(int more) {
        lock.lock();
        try {
            return request(Math.clamp((long) working + more, 1, board.size()));
        } finally {
            unlock();
        }
    }

    /**
     * As {@link #requestMore}, for vcores, which must not wait: if somebody else is just deciding, that one does it next. It counts as asked for by load, which the log says less loudly.
     *
     * <p>No request is lost: it is entered before the lock is tried, and whoever lets go of the lock looks at what has been entered afterwards.
     */
    public void requestMoreSoon(int more) {
        asked.getAndAdd(more);
        serveAsked();
    }

    private void serveAsked() {
        while (asked.get() != 0 && lock.tryLock()) {
            try {
                int more = asked.getAndSet(0);
                if (more == 0) continue;
                if (policy != null) policy.interrupted();
                want(Math.clamp((long) working + more, 1, board.size()), Level.DEBUG, "as a vcore has asked for");
            } finally {
                lock.unlock();
            }
        }
    }

    /** Lets go of the lock, and does what others could not because of it. */
    private void unlock() {
        lock.unlock();
        if (!lock.isHeldByCurrentThread()) serveAsked();
    }

    /**
     * Has a particular vcore work, one more than do now.
     *
     * @return whether it works, or is about to: not if its CPU is gone
     */
    public boolean requestVcore(int index) {
        int position = board.positionOf(index);
        lock.lock();
        try {
            if (gone[position] || board.isClosing()) return false;
            if (!board.isParked(position)) return true;
            resume(position, Level.INFO, "as asked for");
            wanted = Math.max(wanted, working);
            if (policy != null) policy.interrupted();
            return true;
        } finally {
            unlock();
        }
    }

    /** Gives a particular vcore back, if others go on working and nobody else is just deciding. Returns whether it is parked, or about to be. For vcores: does not wait. */
    public boolean tryYield(int index) {
        int position = board.positionOf(index);
        if (!lock.tryLock()) return false;
        try {
            if (board.isParked(position)) return true;
            if (working < 2 || board.isClosing()) return false;
            park(position, Level.DEBUG, "it gives itself back");
            wanted = Math.min(wanted, working);
            return true;
        } finally {
            unlock();
        }
    }

    /** Returns how many are wanted: more than {@link #working} while CPUs are gone. */
    public int wanted() {
        lock.lock();
        try {
            return wanted;
        } finally {
            unlock();
        }
    }

    /** Wants no more than work now. Returns how many that was fewer than had been wanted. */
    public int withdraw() {
        lock.lock();
        try {
            int pending = Math.max(0, wanted - working);
            wanted -= pending;
            return pending;
        } finally {
            unlock();
        }
    }

    /** Says that a vcore's CPU may not be used any more, or may again. While others have theirs, it is parked. */
    public void cpuGone(int index, boolean isGone) {
        int position = board.positionOf(index);
        lock.lock();
        try {
            if (gone[position] == isGone) return;
            gone[position] = isGone;
            want(wanted, Level.INFO, isGone ? "its CPU is gone" : "its CPU is back");
        } finally {
            unlock();
        }
    }

    /** Returns how many work. */
    public int working() { return working; }

    /** Returns how often a vcore was parked since the start. */
    public long parks() { return parks; }

    /** Returns how often a vcore went on to work. */
    public long resumes() { return resumes; }

    /**
     * Says how much of a CPU's time interrupts take: that much less is left for its vcore, and placing, giving and moving take it into account.
     *
     * @param index  of the vcore
     * @param of1024 0 to 1024
     */
    public void interrupts(int index, int of1024) { board.interrupts(board.positionOf(index), Math.clamp(of1024, 0, 1024)); }

    /**
     * Says how a vcore shares its CPU with what is none of the program's vcores: work whose waiting costs more elsewhere stays where it is, and what asks for much is not where others do.
     *
     * @param index of the vcore
     * @param taken the part of the CPU's time, of 1024, that others have had, interrupts included; of more than a half, a half is believed
     * @param pace  the part of the time, of 1024, that the vcore had the CPU for while it wanted to run; -1 if it has hardly wanted to
     */
    public void shares(int index, int taken, int pace) { board.shares(index, taken, pace); }

    private int usable() {
        int n = 0;
        for (boolean g : gone) if (!g) n++;
        return n;
    }

    /** With the lock: makes it so. */
    private int want(int total, Level level, String why) {
        wanted = total;
        if (board.isClosing()) return working;
        int usable = usable();
        boolean none = usable == 0; // then those that work go on, on whatever CPUs the kernel gives them
        int target = none ? total : Math.min(total, usable);
        int now = 0;
        for (int p : order) if (!board.isParked(p) && (none || !gone[p])) now++;
        for (int p; now < target && (p = best(none)) >= 0; now++) resume(p, level, why); // first: others go there
        for (int p : order) if (gone[p] && !none && !board.isParked(p)) park(p, level, why);
        for (; now > target; now--) park(worst(), level, why);
        return now;
    }

    /** Returns who is to begin to work: the first in the order, among those whose CPUs interrupts take least of (by eighths). */
    private int best(boolean anyCpu) {
        int best = -1;
        for (int p : order) {
            if (!board.isParked(p) || gone[p] && !anyCpu) continue;
            if (best < 0 || board.interrupts(p) >> 7 < board.interrupts(best) >> 7) best = p;
        }
        return best;
    }

    private int worst() {
        int worst = -1;
        for (int p : order) {
            if (board.isParked(p)) continue;
            if (worst < 0 || board.interrupts(p) >> 7 >= board.interrupts(worst) >> 7) worst = p;
        }
        return worst;
    }

    @SuppressWarnings("NonAtomicOperationOnVolatileField") // written with the lock
    private void park(int position, Level level, String why) {
        working--; // before: who reads that all work has left what he has for that vcore before it looks for the last time
        board.member(position).park();
        parks++;
        LOG.log(level, "{0} is parked: {1}", board.member(position), why);
    }

    @SuppressWarnings("NonAtomicOperationOnVolatileField")
    private void resume(int position, Level level, String why) {
        working++; // before, so that whoever runs there knows that it works
        board.member(position).resume();
        resumes++;
        LOG.log(level, "{0} works: {1}", board.member(position), why);
    }

    // ---- load

    /** The vcore there has come to the end of a period of measurement, of which it was busy for {@code lately} of 1024. Its thread. */
    void measured(int position, int lately, long now) {
        if (policy == null) return;
        int periods = lately >= ElasticPolicy.SATURATED ? saturatedPeriods[position] + 1 : 0;
        saturatedPeriods[position] = periods;
        boolean saturated = periods >= ElasticPolicy.SATURATED_PERIODS;
        long next = nextLook.get();
        boolean look = (next == Long.MIN_VALUE || now - next >= 0) && nextLook.compareAndSet(next, now + LOOK_NANOS);
        if (!look && !(saturated && working < order.length) || board.isClosing() || !lock.tryLock()) return;
        try {
            int average = board.averageActivity(now, (int) (now >>> 10));
            int usable = usable();
            int target = policy.decide(now, working, usable == 0 ? order.length : usable, saturated, average);
            if (target != working) want(target, Level.DEBUG, target > working ? "too much to do" : "too little to do");
        } finally {
            unlock();
        }
    }

    // ---- placement

    /**
     * Makes a colour where a placement says.
     *
     * @param here the vcore of this runtime that asks; null if another thread does
     * @throws IllegalArgumentException if there is no vcore of the placement's number
     * @throws IllegalStateException    if the placement's group belongs to another runtime
     */
    public Color newColor(Placement placement, Vcore here) { return newColorAt(placement, choose(placement, here)); }

    /** Makes a colour of a placement at home on {@code vcore}, where what it is for has turned up already. */
    public Color newColorAt(Placement placement, Vcore vcore) {
        Color color = vcore.newColor();
        color.group = placement.group;
        return placement.pinnedTo >= 0 ? color.pin() : color;
    }

    /** Tells whether a placement allows a vcore. A group without a neighbourhood gets one, around {@code here} or else where there is least to do. */
    public boolean allows(Placement placement, Vcore vcore, Vcore here) {
        if (placement.group != null) {
            settle(placement.group, here);
            return placement.group.holds(vcore.position());
        }
        return placement.pinnedTo < 0 || vcore == pinnedTo(placement);
    }

    private Vcore choose(Placement placement, Vcore here) {
        if (placement.group != null) {
            settle(placement.group, here);
            return board.member(spreadAmong(placement.group.low(), placement.group.high(), placement.group.nextTicket()));
        }
        if (placement.pinnedTo >= 0) return pinnedTo(placement);
        return here == null || placement.spread || here.isParked() ? spread() : here;
    }

    private void settle(ColorGroup group, Vcore here) {
        int around = group.isSettled() ? 0 : here != null && !here.isParked() ? here.position() : spreadAmong(0, order.length, tickets.getAndIncrement());
        group.settle(board, around);
    }

    private Vcore pinnedTo(Placement placement) {
        if (placement.pinnedTo >= board.size()) throw new IllegalArgumentException("there are " + board.size() + " vcores, and none with number " + placement.pinnedTo);
        return board.member(board.positionOf(placement.pinnedTo));
    }

    /** Returns the vcore that does most for new work that shares nothing with other work: far from the last one, and not busy. */
    public Vcore spread() { return board.member(spreadAmong(0, order.length, tickets.getAndIncrement())); }

    /** Among the positions from {@code low} to below {@code high}, those that are parked only if all are. */
    private int spreadAmong(int low, int high, int ticket) {
        int from = Math.floorMod(ticket, order.length);
        int best = -1;
        int parked = -1;
        int bestLoad = Integer.MAX_VALUE;
        for (int i = 0, seen = 0; i < order.length && seen < CANDIDATES; i++) {
            int p = order[(from + i) % order.length];
            if (p < low || p >= high) continue;
            if (board.isParked(p)) {
                parked = p;
                continue;
            }
            seen++;
            int load = loadOf(p) >> 8;
            if (load < bestLoad) {
                best = p;
                bestLoad = load;
            }
        }
        return best >= 0 ? best : parked;
    }

    /** What a vcore has to do, of 1024. One that is idle says no more how busy it is; where nothing moves, nobody says so at all. */
    private int loadOf(int position) {
        if (board.member(position).balance() == Balance.STATIC) return 0;
        return board.isIdle(position) ? board.interrupts(position) : board.load(position);
    }
}
