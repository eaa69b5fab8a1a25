package org.libtorque.vcore;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.libtorque.hardware.Universe;
import org.libtorque.sys.Handles;

/**
 * What the vcores of one runtime know of each other, and who is near whom.
 *
 * <p>Vcores have positions in the order of the tree of levels (huddle order), so the neighbours of a vcore at any level are a range of positions around it. Two sets of
 * positions are kept as bitmaps, with a word that summarises up to 64 words: who has <em>offered</em> work that others may take, and who is <em>idle</em>. The nearest member
 * of a set is found range by range, from the narrowest; a step costs the same whatever the number of vcores (at most 4,096).
 *
 * <p>Up to 64 vcores are one word, and no summary is needed: who is in a set is seen in it. With more, a member that enters while the last other one of its word leaves may
 * be hidden until the latter has looked again: whoever looked meanwhile, to offer or to go to sleep, has missed it. So who has hidden somebody makes up for it ({@link #makeUp}): when
 * the summary is right again, it looks itself whether there is work on offer and somebody idle, and wakes the latter.
 *
 * <p>Besides, each vcore has a line of numbers that it alone writes and others read as hints: how much it has to do, how busy it has been.
 *
 * <p>All methods: any thread, unless they say otherwise. Nothing here is needed for correctness of what runs where; only the wake-up of idle vcores relies on the order of
 * {@link #setIdle} and {@link #isOffering}, which full fences at both ends give ({@link Vcore}).
 */
public final class Scoreboard {
    /** The most vcores of a runtime. */
    public static final int MAX_VCORES = 4096;

    private static final VarHandle LONGS = MethodHandles.arrayElementVarHandle(long[].class);
    private static final VarHandle SHARED = Handles.field(MethodHandles.lookup(), "shared", int.class);

    /** Longs from line to line: 256 bytes, so that two lines never share a pair of cache lines. */
    private static final int STRIDE = 32;
    private static final int PAD = 16;

    private static final int OUTSTANDING = 0, UTILISATION = 1, TURNS = 2, GIVEN_TURN = 3, HARVESTED = 4, MEASURED = 5, INTERRUPTS = 6, WAITING = 7, DEMAND = 8, SPREAD = 9,
            LOOKED_AFTER = 10, USUALLY_IDLE = 11, ASLEEP = 12, LASTING_DEMAND = 13, TAKEN = 14, PACE = 15;
    private static final long NEVER = Long.MAX_VALUE;
    private static final int SPREAD_SHIFT = 10, SPREAD_LOOKS = 64, FAR_LOOKS = 16;
    /** How many neighbours one looks at for one that is overdue: each is a cache line of theirs that they write all the time. */
    private static final int LOOKED_AT = 4;
    /** One that is overdue and has been looked after is not worth a look for so long: others may need one more. */
    private static final long LOOK_AGAIN_NANOS = 10_000;
    /** One that waits in the kernel and has been told to come back does so within this, or its CPU has been taken away. */
    private static final long WAKE_UP_NANOS = 300_000;
    /** One that has been idle for so long, and for so many times as long as it usually is, may have lost its CPU: nobody would see what the kernel has for it. */
    private static final long SUSPICIOUS_NANOS = 200_000;
    private static final int SUSPICIOUS_TIMES = 16;
    /** What has measured nothing for so long without being idle is in one long turn. */
    private static final long STALE_NANOS = 8_000_000;
    /** A CPU of which others take as much, of 1024, is one that is shared with them. */
    static final int SHARED_CPU = 128;
    /** Of what others take of a CPU's time no more is believed, of 1024: a thread that wants to run gets half of its CPU beside another one that always does. */
    static final int MOST_TAKEN = 512;
    /** What a vcore that has been busier gets last of what others leave. */
    private static final int FULL = 768;

    private final int size;
    private final Vcore[] members;
    private final int[] positionOf;
    /** For each position its ranges, from the narrowest that is wider than itself: low, high (exclusive), low, … */
    private final int[][] ranges;
    /** For each position the first position of its cache domain. */
    private final int[] domainOf;
    /** Positions in the order in which work that shares nothing takes them. */
    private final int[] spreadOrder;
    private final AtomicIntegerArray searching;
    private final long[] lines;
    /** Words of the two bitmaps at distances of a line, then their summaries. */
    private final long[] offered, idle, parked;
    private final int words;
    /** Where the summary is; with one word, that word itself, which tells as well as a summary whether it is empty. */
    private final int summaryAt;
    private final MoveBudget moves;
    /** How many vcores share their CPUs. */
    @SuppressWarnings("unused") private int shared;
    private volatile boolean closing;
    /** Decides who works; null if all do. Set before any vcore runs. */
    private Roster roster;

    private Scoreboard(int[] positionOf, int[][] ranges, int[] domainOf, int[] spreadOrder) {
        size = positionOf.length;
        this.spreadOrder = spreadOrder;
        this.positionOf = positionOf;
        this.ranges = ranges;
        this.domainOf = domainOf;
        members = new Vcore[size];
        searching = new AtomicIntegerArray(size * STRIDE);
        lines = new long[PAD + size * STRIDE + PAD];
        words = (size + 63) / 64;
        summaryAt = words == 1 ? PAD : PAD + words * STRIDE;
        offered = new long[PAD + (words + 1) * STRIDE];
        idle = new long[PAD + (words + 1) * STRIDE];
        parked = new long[PAD + (words + 1) * STRIDE];
        moves = new MoveBudget(this);
        for (int p = 0; p < size; p++) put(p, PACE, 1024);
    }

    /**
     * Makes a board for vcores on the given CPUs of a machine.
     *
     * @param cpus the CPU of each vcore by its index; different ones
     * @throws IllegalArgumentException if there are none, too many, or one that the machine has not
     */
    public static Scoreboard of(int[] cpus, Universe universe) {
        int n = check(cpus.length);
        long[] order = new long[n];
        int[] huddled = universe.huddle(org.libtorque.hardware.CpuSet.of(cpus));
        if (huddled.length != n) throw new IllegalArgumentException("of the CPUs given, the machine has " + huddled.length + " different ones, not " + n);
        int[] indexOfCpu = new int[java.util.Arrays.stream(cpus).max().orElseThrow() + 1];
        for (int i = 0; i < n; i++) indexOfCpu[cpus[i]] = i;
        int[] positionOf = new int[n];
        for (int p = 0; p < n; p++) {
            positionOf[indexOfCpu[huddled[p]]] = p;
            order[p] = huddled[p];
        }
        int cacheLevel = universe.cacheLevel();
        int[][] ranges = new int[n][];
        int[] domains = new int[n];
        int[] buffer = new int[2 * universe.depth()];
        int[] step = new int[n]; // the level at which a position meets the one before it
        for (int p = 1; p < n; p++) step[p] = universe.distance(huddled[p - 1], huddled[p]);
        for (int p = 0; p < n; p++) {
            int used = 0;
            int low = p;
            int high = p + 1;
            domains[p] = p;
            for (int level = 1; level < universe.depth(); level++) {
                int lowBefore = low;
                int highBefore = high;
                while (low > 0 && step[low] <= level) low--;
                while (high < n && step[high] <= level) high++;
                if (level <= cacheLevel) domains[p] = low;
                if (low == lowBefore && high == highBefore) continue;
                buffer[used++] = low;
                buffer[used++] = high;
            }
            ranges[p] = java.util.Arrays.copyOf(buffer, used);
        }
        int[] spread = universe.spread(org.libtorque.hardware.CpuSet.of(cpus));
        for (int i = 0; i < n; i++) spread[i] = positionOf[indexOfCpu[spread[i]]];
        return new Scoreboard(positionOf, ranges, domains, spread);
    }

    /**
     * Returns the smallest neighbourhood of a position with at least {@code count} members, the widest if none has as many: low in the upper half, high (exclusive) in
     * the lower.
     */
    long rangeOf(int position, int count) {
        int[] r = ranges[position];
        int low = position;
        int high = position + 1;
        for (int i = 0; i < r.length && high - low < count; i += 2) {
            low = r[i];
            high = r[i + 1];
        }
        return (long) low << 32 | high;
    }

    /** Returns the neighbourhood that shares a cache with a position, as {@link #rangeOf} does. */
    long cacheRange(int position) {
        int low = domainOf[position];
        int high = position + 1;
        while (high < size && domainOf[high] == low) high++;
        return (long) low << 32 | high;
    }

    /** Makes a board for {@code n} vcores that are all equally near. */
    public static Scoreboard flat(int n) {
        check(n);
        int[] positions = new int[n];
        java.util.Arrays.setAll(positions, i -> i);
        int[] all = n == 1 ? new int[0] : new int[] {0, n};
        int[][] ranges = new int[n][];
        java.util.Arrays.fill(ranges, all);
        return new Scoreboard(positions, ranges, new int[n], positions);
    }

    private static int check(int n) {
        if (n < 1 || n > MAX_VCORES) throw new IllegalArgumentException("a runtime has 1 to " + MAX_VCORES + " vcores, not " + n);
        return n;
    }

    /** Returns how many vcores it is for. */
    public int size() { return size; }

    /** Enters a vcore, before any of them runs. Returns its position. */
    int join(Vcore vcore) {
        int position = positionOf[vcore.index()];
        if (members[position] != null) throw new IllegalArgumentException("two vcores with index " + vcore.index());
        members[position] = vcore;
        return position;
    }

    Vcore member(int position) { return members[position]; }

    /** Returns all positions in the order of {@link Universe#spread}. */
    int[] spreadOrder() { return spreadOrder; }

    int positionOf(int index) { return positionOf[index]; }

    MoveBudget moves() { return moves; }

    void roster(Roster newRoster) { roster = newRoster; }

    Roster roster() { return roster; }

    /** From now on nobody takes work from others or gives it away. */
    public void close() { closing = true; }

    boolean isClosing() { return closing; }

    // ---- sets

    private void set(long[] set, int position) {
        int at = PAD + (position >> 6) * STRIDE;
        long before = (long) LONGS.getAndBitwiseOr(set, at, 1L << position);
        if (before == 0 && words > 1) LONGS.getAndBitwiseOr(set, summaryAt, 1L << (position >> 6));
    }

    /** Returns whether somebody else was hidden for a moment. */
    private boolean clear(long[] set, int position) {
        int at = PAD + (position >> 6) * STRIDE;
        long bit = 1L << position;
        long before = (long) LONGS.getAndBitwiseAnd(set, at, ~bit);
        if (before != bit || words == 1) return false;
        LONGS.getAndBitwiseAnd(set, summaryAt, ~(1L << (position >> 6)));
        // Somebody may have set a bit of this word in between, and found the summary still set.
        if ((long) LONGS.getVolatile(set, at) == 0) return false;
        LONGS.getAndBitwiseOr(set, summaryAt, 1L << (position >> 6));
        return true;
    }

    private static boolean isIn(long[] set, int position) {
        return ((long) LONGS.getOpaque(set, PAD + (position >> 6) * STRIDE) & 1L << position) != 0;
    }

    private boolean isEmpty(long[] set) { return (long) LONGS.getOpaque(set, summaryAt) == 0; }

    /** Returns a member of the set in [low, high), at or behind {@code from} if possible, other than {@code not}; -1 if there is none. */
    private int findIn(long[] set, int low, int high, int from, int not) {
        int found = scan(set, Math.max(low, from), high, not);
        return found >= 0 || from <= low ? found : scan(set, low, Math.min(high, from), not);
    }

    private int scan(long[] set, int low, int high, int not) {
        long summary = words == 1 ? 1 : (long) LONGS.getOpaque(set, summaryAt);
        for (int word = low >> 6; word << 6 < high; word++) {
            long left = summary & -1L << word;
            if (left == 0) return -1;
            word = Long.numberOfTrailingZeros(left);
            if (word << 6 >= high) return -1;
            long bits = (long) LONGS.getOpaque(set, PAD + word * STRIDE);
            if (word == low >> 6) bits &= -1L << low;
            if (word == high >> 6) bits &= (1L << high) - 1;
            if (not >> 6 == word) bits &= ~(1L << not);
            if (bits != 0) return (word << 6) + Long.numberOfTrailingZeros(bits);
        }
        return -1;
    }

    private int nearest(long[] set, int position) {
        if (isEmpty(set)) return -1;
        int[] r = ranges[position];
        for (int i = 0; i < r.length; i += 2) {
            int found = findIn(set, r[i], r[i + 1], position + 1, position);
            if (found >= 0) return found;
        }
        return -1;
    }

    // ---- offers and idlers

    void setOffering(int position) { set(offered, position); }

    void clearOffering(int position) {
        if (clear(offered, position)) wake(makeUp());
    }

    boolean isOffering(int position) { return isIn(offered, position); }

    boolean nobodyOffers() { return isEmpty(offered); }

    /** Returns the nearest other vcore that offers work, or -1. */
    int nearestOffering(int position) { return nearest(offered, position); }

    void setIdle(int position) { set(idle, position); }

    void clearIdle(int position) { wake(leavesIdle(position)); }

    /** As {@link #clearIdle}, but returns who is to be woken, or -1. */
    int leavesIdle(int position) { return clear(idle, position) ? makeUp() : -1; }

    /**
     * Looks on behalf of those who have looked while somebody was hidden. Who offers and who goes idle does: enter, fence, look at the other set; this does: show what was hidden,
     * fence, look at the other set. So if one of the former missed what was hidden, this sees the one. Were both hidden at once, there are two who make up for it, and
     * by the same argument one of them sees both.
     *
     * @return somebody idle if there is work on offer, or -1
     */
    private int makeUp() {
        VarHandle.fullFence(); // StoreLoad: the summary before the look at the other set; partners in Vcore.offer and Vcore.waitForEvents
        return isEmpty(offered) || isEmpty(idle) ? -1 : scan(idle, 0, size, -1);
    }

    private void wake(int position) {
        if (position >= 0) members[position].wakeIfBlocking();
    }

    boolean isIdle(int position) { return isIn(idle, position); }

    boolean nobodyIdle() { return isEmpty(idle); }

    /** Returns the nearest other vcore that is idle, or -1. */
    int nearestIdle(int position) { return nearest(idle, position); }

    /** Returns one in [low, high) other than {@code not} that is idle, or -1. */
    int idleIn(int low, int high, int not) { return isEmpty(idle) ? -1 : scan(idle, low, high, not); }

    void park(int position) { set(parked, position); }

    void resume(int position) { clear(parked, position); } // that of a hidden one is looked at directly

    boolean isParked(int position) { return isIn(parked, position); }

    boolean somebodyParked() { return !isEmpty(parked); }

    /** Claims the search for work in a cache domain. Returns false if somebody is searching there. */
    boolean beginSearch(int position) { return searching.compareAndSet(domainOf[position] * STRIDE, 0, 1); }

    /** Tells whether it makes sense to search before going idle. If somebody searches in the same domain, he will wake another one when there is more than he takes. */
    boolean mayFind(int position) {
        return !closing && nearestOffering(position) >= 0 && searching.getOpaque(domainOf[position] * STRIDE) == 0;
    }

    /** Claims to watch over those in the cache domain that are busy. Returns false if somebody does. */
    boolean beginWatch(int position) {
        int at = domainOf[position] * STRIDE + 1;
        return searching.getOpaque(at) == 0 && searching.compareAndSet(at, 0, 1);
    }

    void endWatch(int position) { searching.setRelease(domainOf[position] * STRIDE + 1, 0); }

    void endSearch(int position) { searching.setRelease(domainOf[position] * STRIDE, 0); }

    // ---- lines

    private void put(int position, int what, long value) { LONGS.setOpaque(lines, PAD + position * STRIDE + what, value); }

    private long get(int position, int what) { return (long) LONGS.getOpaque(lines, PAD + position * STRIDE + what); }

    /** Says what there is to do, how long the last of it waits for the rest, and counts a turn. Owner only. */
    void turn(int position, long turns, int outstanding, long waitingNanos) {
        put(position, TURNS, turns);
        put(position, OUTSTANDING, outstanding);
        put(position, WAITING, waitingNanos);
    }

    /** Says when it last asked its event queue. Owner only; from the first call on the queue may be harvested by others. */
    void harvested(int position, long now) { LONGS.setRelease(lines, PAD + position * STRIDE + HARVESTED, now); }

    /**
     * Looks for somebody whose work it is worth taking: one that is overdue since a time, or else the one with most work waiting. Looks at {@link #LOOKED_AT} others, from a random
     * place on in the smallest neighbourhood with as many, and at one anywhere. Whoever has nothing to do looks, so the fewer are looked at by each, the more look; what one
     * misses another sees soon.
     *
     * @param random   any number; equal ones look at equal places
     * @param leastNanos how much must be waiting
     * @return a position, or -1
     */
    int needy(int position, long time, long leastNanos, int random) { return needy(position, time, NEVER, false, leastNanos, random); }

    /**
     * As {@link #needy(int, long, long, int)}, to be of help: passes over those that somebody has looked after just now, or that have just been told to come back.
     *
     * @param now      the present
     * @param sleepers whether one that is idle is of interest too, if it has been for suspiciously long
     */
    int needy(int position, long time, long now, boolean sleepers, long leastNanos, int random) {
        int[] r = ranges[position];
        if (r.length == 0) return -1;
        int i = 0;
        while (i + 2 < r.length && r[i + 1] - r[i] <= LOOKED_AT) i += 2;
        int width = r[i + 1] - r[i];
        int offset = Math.floorMod(random, width);
        int best = -1;
        long most = leastNanos - 1;
        int mine = demand(position);
        long spread = get(position, SPREAD);
        for (int k = Math.min(width, LOOKED_AT + 1); k >= 0; k--) {
            int p = r[i] + offset;
            if (k == 0) {
                if (width == size) break;
                p = Math.floorMod(random >>> 7, size);
            }
            if (++offset == width) offset = 0;
            if (p == position || isParked(p)) continue;
            // Where there are more than the neighbourhood it is the one anywhere that tells of all: neighbours may be asked for as much, and those far away for more.
            if (k == 0 || width == size) spread += (((long) Math.abs(demand(p) - mine) << SPREAD_SHIFT) - spread) / (k == 0 ? FAR_LOOKS : SPREAD_LOOKS);
            if (isIdle(p)) {
                if (sleepers && best < 0 && isSuspicious(p, now)) best = p;
                continue;
            }
            if (isOverdue(p, time) && (now == NEVER || wantsHelp(p, now))) {
                best = p;
                break;
            }
            long waiting = get(p, WAITING);
            if (waiting > most) {
                most = waiting;
                best = p;
            }
        }
        put(position, SPREAD, spread);
        return best;
    }

    /** Returns another vcore than that at {@code position}, in the smallest neighbourhood with more than {@link #LOOKED_AT} or, one in four times, anywhere; -1 if there is none. */
    int neighbour(int position, int random) {
        int[] r = ranges[position];
        if (r.length == 0) return -1;
        int i = 0;
        while (i + 2 < r.length && (r[i + 1] - r[i] <= LOOKED_AT || (random & 3) == 0)) i += 2;
        int p = r[i] + Math.floorMod(random >>> 2, r[i + 1] - r[i] - 1);
        return p >= position ? p + 1 : p;
    }

    private boolean wantsHelp(int position, long now) {
        long looked = get(position, LOOKED_AFTER); // 0: never
        long since = get(position, ASLEEP);
        return (looked == 0 || now - looked >= LOOK_AGAIN_NANOS) && (since == 0 || now - since >= WAKE_UP_NANOS);
    }

    /** Whether one that is idle has been so for much longer than usual, and twice as long as when it was looked after last. */
    private boolean isSuspicious(int position, long now) {
        long since = (long) LONGS.getAcquire(lines, PAD + position * STRIDE + ASLEEP); // acquires the event queue, as in isOverdue
        long idle = now - since;
        if (since == 0 || idle < SUSPICIOUS_NANOS || idle < SUSPICIOUS_TIMES * get(position, USUALLY_IDLE)) return false;
        long looked = get(position, LOOKED_AFTER);
        return looked == 0 || looked - since <= 0 || idle >= 2 * (looked - since);
    }

    /** Notes that somebody looks for what a vcore has not come for. By the one who looks. */
    void lookedAfter(int position, long now) { put(position, LOOKED_AFTER, now); }

    /** Says that it is going to wait in the kernel. Owner only. */
    void fallsAsleep(int position, long now) { LONGS.setRelease(lines, PAD + position * STRIDE + ASLEEP, now == 0 ? 1 : now); }

    /** Ends what {@link #fallsAsleep} began. Owner only. */
    void isAwake(int position) { put(position, ASLEEP, 0); }

    /** Says for how long it is idle on average, when it is. Owner only. */
    void usuallyIdle(int position, long nanos) { put(position, USUALLY_IDLE, nanos); }

    /** Returns by how much, of 1024, what is asked of those that it has {@linkplain #needy looked at} lately differs from what is asked of it. Owner only. */
    int spread(int position) { return (int) (get(position, SPREAD) >> SPREAD_SHIFT); }

    /** Tells whether a vcore is neither idle nor parked and has not asked its event queue since a time. */
    boolean isOverdue(int position, long time) {
        if (isIdle(position) || isParked(position)) return false;
        long harvested = (long) LONGS.getAcquire(lines, PAD + position * STRIDE + HARVESTED); // acquires the event queue, which was made before
        return harvested != 0 && harvested - time < 0;
    }

    /** Returns for how long a vcore has not asked its event queue, or, if it is idle, has been. */
    long overdueFor(int position, long now) {
        long since = isIdle(position) ? get(position, ASLEEP) : get(position, HARVESTED);
        return since == 0 ? 0 : Math.max(0, now - since);
    }

    int outstanding(int position) { return (int) get(position, OUTSTANDING); }

    /** Notes that it has been given work just now. By the giver. */
    void given(int position) { put(position, GIVEN_TURN, get(position, TURNS)); }

    /** Turns since it was last given work. */
    long turnsSinceGiven(int position) { return get(position, TURNS) - get(position, GIVEN_TURN); }

    /** The part of its time, of 1024, that it has lately been busy for. Owner only. */
    void utilisation(int position, int of1024) { put(position, UTILISATION, of1024); }

    /** Says when that was measured. Owner only. */
    void measured(int position, long now) { put(position, MEASURED, now); }

    int utilisation(int position) { return (int) get(position, UTILISATION); }

    /** Says which part of its CPU's time, of 1024, interrupts take. Whoever samples them. */
    void interrupts(int position, int of1024) { put(position, INTERRUPTS, of1024); }

    int interrupts(int position) { return (int) get(position, INTERRUPTS); }

    /**
     * Says how a vcore shares its CPU with threads that are none of the program's vcores. Whoever samples it; any thread.
     *
     * @param index which vcore
     * @param taken the part of the CPU's time, of 1024, that others have had, interrupts included; at most a half is believed
     * @param pace  the part of the time, of 1024, that the vcore had the CPU for while it wanted to run; -1 if it has hardly wanted to. What others have had besides, they had because
     *              nobody else wanted it
     */
    public void shares(int index, int taken, int pace) {
        int position = positionOf[index];
        int before = (int) get(position, TAKEN);
        int known = pace < 0 ? 1024 : Math.clamp(pace, 1024 - MOST_TAKEN, 1024);
        put(position, TAKEN, Math.clamp(taken, 0, pace < 0 ? MOST_TAKEN : 1024 - known));
        put(position, PACE, known);
        int now = (int) get(position, TAKEN);
        if (before >= SHARED_CPU != now >= SHARED_CPU) SHARED.getAndAdd(this, now >= SHARED_CPU ? 1 : -1);
    }

    /** Whether others use the CPU of a vcore, or interrupts do, so much that it matters. */
    boolean isShared(int position) { return taken(position) >= SHARED_CPU; }

    /** Whether others use the CPU of any vcore so much that it matters. */
    boolean somebodyShares() { return (int) SHARED.getOpaque(this) > 0; }

    /** The part of the time that it is busy for, of 1024, that it has had the CPU for: as clocks go on meanwhile, what it is busy for is less work by that. */
    int pace(int position) { return (int) get(position, PACE); }

    /** Returns which part of its CPU's time, of 1024, is not for this program to use: others have it, or interrupts. */
    int taken(int position) { return (int) Math.max(get(position, TAKEN), get(position, INTERRUPTS)); }

    /** Of its time, of 1024, what has lately been asked for: work that others have taken or been given counts, and work that was theirs does not. Owner only. */
    void demand(int position, int of1024) { put(position, DEMAND, of1024); }

    /** Returns what is asked for of a vcore, in its time and what interrupts take of it, of 1024; may be more. */
    int demand(int position) { return (int) get(position, DEMAND) + interrupts(position); }

    /** Says what has been asked for over a tenth of a second or so. Owner only. */
    void lastingDemand(int position, int of1024) { put(position, LASTING_DEMAND, of1024); }

    /** Returns what has been asked for so long that it will not be over in a moment, as {@link #demand(int)} does; of one that has not run for long nothing but its interrupts. */
    int lastingDemand(int position) { return (int) get(position, LASTING_DEMAND) + interrupts(position); }

    /**
     * Returns what is asked for of a vcore's CPU by the program and by others, of 1024, at least: both lately and for long. Demand goes by the clock, which goes on while others have the CPU.
     * Owner only.
     */
    int leastClaim(int position) {
        return (int) (Math.min(get(position, DEMAND), get(position, LASTING_DEMAND)) * pace(position) >> 10) + taken(position);
    }

    /** As {@link #leastClaim}, at most: either lately or for long. Any thread; the vcore may have been idle since it measured. */
    int mostClaim(int position, long now) {
        long since = isIdle(position) ? Math.max(0, now - get(position, MEASURED)) : 0;
        long lately = get(position, DEMAND);
        if (since > STALE_NANOS) lately = lately * STALE_NANOS / since;
        long lasting = get(position, LASTING_DEMAND) * LoadMeter.LASTING_NANOS / (LoadMeter.LASTING_NANOS + since);
        return (int) (Math.max(lately, lasting) * pace(position) >> 10) + taken(position);
    }

    /** Returns by how much, of 1024, {@link #lastingDemand} of those that work differs from their average, on average; with many, of 64 of them, always the same. */
    int imbalance() {
        int stride = Math.max(1, size / 64);
        long sum = 0;
        int n = 0;
        for (int p = 0; p < size; p += stride) {
            if (isParked(p)) continue;
            sum += lastingDemand(p);
            n++;
        }
        if (n == 0) return 0;
        int mean = (int) (sum / n);
        long differences = 0;
        for (int p = 0; p < size; p += stride) {
            if (!isParked(p)) differences += Math.abs(lastingDemand(p) - mean);
        }
        return (int) (differences / n);
    }

    /** How much of its CPU is taken: by what it does and by others. May exceed 1024, for both may count the same. */
    int load(int position) { return utilisation(position) + taken(position); }

    /** The part of its time, of 1024, that it is busy for as far as can be known now: it measures only when it has something to do. */
    int activity(int position, long now) {
        long since = now - get(position, MEASURED);
        if (since < STALE_NANOS) return utilisation(position);
        return isIdle(position) ? (int) (utilisation(position) * STALE_NANOS / since) : 1024;
    }

    /** Returns the average of {@link #activity} over those that work; with many, over 64 of them, which makes it good enough to steer by. */
    int averageActivity(long now, int random) {
        int steps = Math.min(size, 64);
        int stride = Math.max(1, size / 64);
        int from = Math.floorMod(random, size);
        long sum = 0;
        int n = 0;
        for (int i = 0; i < steps; i++) {
            int p = (int) ((from + (long) i * stride) % size);
            if (isParked(p)) continue;
            sum += activity(p, now);
            n++;
        }
        return n == 0 ? 0 : (int) (sum / n);
    }

    /**
     * Chooses who takes over from a vcore that is parked: in the smallest neighbourhood with somebody who works and is not full, one with little load; if all are full, the one
     * with the least load. Loads within an eighth of a CPU are taken to be equal.
     *
     * @param turn where to begin to look; enough are looked at to choose from
     * @param sent how much each position has been sent already; among equals, the one that has been sent least
     * @return a position, or -1 if nobody works
     */
    int refuge(int position, int turn, int[] sent, long now) {
        int[] r = ranges[position];
        int best = -1;
        int bestLoad = Integer.MAX_VALUE;
        int low = position;
        int high = position + 1;
        for (int i = 0; i < r.length; i += 2) {
            int from = r[i];
            int width = r[i + 1] - from;
            int offset = Math.floorMod(turn, width);
            for (int k = 0, seen = 0; k < width && seen < 64; k++) {
                int p = from + (offset + k) % width;
                if (p >= low && p < high || isParked(p)) continue;
                seen++;
                int load = activity(p, now) + taken(p) >> 7;
                if (load < bestLoad || load == bestLoad && sent[p] < sent[best]) {
                    best = p;
                    bestLoad = load;
                }
            }
            if (best >= 0 && bestLoad < FULL >> 7) return best;
            low = r[i];
            high = r[i + 1];
        }
        return best;
    }

    /**
     * Chooses whom to give work, as libtorque does: in the smallest neighbourhood that holds somebody who is idle, one of those on the Pareto frontier of (little outstanding when it
     * last looked, many turns since last given something): nobody else there is better in both.
     *
     * @param random breaks ties among the frontier's members
     * @return a position, or -1
     */
    int receiver(int position, int random) {
        int[] r = ranges[position];
        int low = position;
        int high = position + 1;
        for (int i = 0; i < r.length; i += 2) {
            int best = -1;
            int bestOutstanding = 0;
            long bestSince = 0;
            int from = r[i];
            int count = Math.min(r[i + 1] - from, 64); // enough to choose from
            int offset = Math.floorMod(random, r[i + 1] - from);
            for (int k = 0; k < count; k++) {
                int p = from + (offset + k) % (r[i + 1] - from);
                if (p >= low && p < high) continue; // itself, or seen in the narrower range
                if (!isIdle(p) || load(p) > load(position) || isParked(p)) continue;
                int o = outstanding(p);
                long since = turnsSinceGiven(p);
                // One walk finds a member of the frontier: the candidate is replaced by whoever dominates it.
                if (best < 0 || o <= bestOutstanding && since >= bestSince) {
                    best = p;
                    bestOutstanding = o;
                    bestSince = since;
                }
            }
            if (best >= 0) return best;
            low = r[i];
            high = r[i + 1];
        }
        return -1;
    }
}
