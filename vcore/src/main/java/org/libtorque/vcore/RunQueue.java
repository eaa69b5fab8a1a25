package org.libtorque.vcore;

/**
 * Colours in the order of their virtual finish times: short work before long, and none starves. Weighted fair queueing: a colour starts where it last
 * finished, or now if it has been away; it finishes later by what its turn is expected to cost, divided by its shares. The virtual clock that says what 'now' is goes on as
 * in WF²Q+ (Bennett, Zhang 1997): by the work done, divided by the shares of all that wait, and at least to where the served one starts. Were it only
 * the start of what is served (Goyal, Vin, Cheng 1996), it would stand still while ever new colours come with short work, and those with longer work would wait for ever.
 *
 * <p>In O(1): finish times fall into buckets of 16 µs, a ring of 256, with a bitmap. In a bucket, first come, first served. What would finish beyond the ring's
 * 4 ms goes into its last bucket, and on to where it belongs when it comes to the front: once for each 4 ms that it is to take.
 *
 * <p><b>Invariants.</b> {@code base}, the ring's first bucket, never decreases while there is a colour and never passes the first one, nor does the clock pass the first
 * one's bucket. A colour's bucket is that of its finish time, or of {@code base} when it came if that was later, or an earlier one if it finishes beyond the ring. The base
 * is at the clock, but ahead of it while nothing but colours beyond the ring is left.
 *
 * <p>Not safe for several threads: the owner of a vcore has one, and one that others may reach is guarded by a lock.
 */
final class RunQueue {
    private static final int SHIFT = 14;
    private static final int BUCKETS = 256;
    private static final int MASK = BUCKETS - 1;
    private static final int WORDS = BUCKETS / 64;
    static final long NONE = Long.MAX_VALUE;
    /** With so much work waiting, colours go also where their group is not. */
    static final long OVERLOAD_NANOS = 1_000_000;

    private final Color[] heads = new Color[BUCKETS];
    private final Color[] tails = new Color[BUCKETS];
    private final long[] occupied = new long[WORDS];
    /** The bucket, counted from time 0, below which there is nothing. */
    private long base;
    private int size;
    /** How many of them are of a group. */
    private int grouped;
    private long work;
    private long shares;

    int size() { return size; }

    /** Returns the expected CPU time of all that is in it, in nanoseconds. */
    long work() { return work; }

    /** Returns the shares of all that is in it. */
    long shares() { return shares; }

    // ---- times

    /** Sets the times of a colour that becomes runnable in the vcore whose virtual clock stands at {@code clock}. */
    static void stamp(Color color, Vcore vcore, long clock) {
        long start = color.clockOf == vcore ? Math.max(color.finish, clock) : clock + color.debt;
        color.clockOf = vcore;
        color.debt = start - clock;
        color.start = start;
        color.finish = start + color.weighted(color.cost);
    }

    /** Sets the times of a colour that has had a turn and has more to do. It is behind by what it has not had, whatever the clock says. */
    static void stampAgain(Color color) {
        color.start = color.finish;
        color.finish = color.start + color.weighted(color.cost);
    }

    /**
     * Returns where the virtual clock stands when a colour is served that was in the given bucket, the first: at its start, but not beyond the beginning of the bucket. For in
     * a bucket the order is not that of the times, and a clock that is ahead of where another one finishes would take from it what it has not had yet.
     */
    static long clockAt(Color color, long bucket, long clock) { return Math.max(clock, Math.min(color.start, bucket << SHIFT)); }

    /**
     * Returns where the virtual clock stands when work has been done while colours with so many shares waited, its own among them, the first of the others in the given
     * bucket: later by the work divided by the shares, but not past that bucket.
     */
    static long clockAfter(long clock, long nanos, long shares, long first) {
        long later = clock + nanos * Color.NORMAL_SHARES / shares;
        return first == NONE ? later : Math.max(clock, Math.min(later, (first + 1 << SHIFT) - 1));
    }

    // ---- entering

    /** Enters a stamped colour. */
    void add(Color color, long clock) {
        long now = clock >> SHIFT;
        if (size == 0) base = now;
        else if (now > base) base = Math.min(now, first());
        append(color, Math.clamp(color.finish >> SHIFT, base, base + MASK));
        entered(color);
    }

    /** Enters a colour that was just taken from the given bucket, of this queue or another, as the first there. */
    void putBack(Color color, long bucket) {
        int at = (int) Math.clamp(bucket, base, base + MASK) & MASK;
        color.next = heads[at];
        if (color.next == null) {
            tails[at] = color;
            occupied[at >> 6] |= 1L << at;
        }
        heads[at] = color;
        entered(color);
    }

    private void append(Color color, long bucket) {
        int at = (int) bucket & MASK;
        color.next = null;
        if (heads[at] == null) {
            heads[at] = color;
            occupied[at >> 6] |= 1L << at;
        } else {
            tails[at].next = color;
        }
        tails[at] = color;
    }

    private void entered(Color color) {
        size++;
        if (color.group != null) grouped++;
        work += color.cost;
        color.weight = color.shares();
        shares += color.weight;
    }

    private void left(Color color) {
        size--;
        if (color.group != null) grouped--;
        work -= color.cost;
        shares -= color.weight;
    }

    // ---- the first and the last

    /** Returns about where the first colour is: its bucket's number, counted from time 0, or an earlier one if it was beyond the ring; {@link #NONE} if there is none. */
    long first() {
        if (size == 0) return NONE;
        int from = (int) base & MASK;
        int word = from >> 6;
        long bits = occupied[word] & -1L << from;
        for (int i = 0; i <= WORDS; i++) {
            if (bits != 0) return base + ((word << 6) + Long.numberOfTrailingZeros(bits) - from & MASK);
            word = word + 1 & WORDS - 1;
            bits = occupied[word];
        }
        throw new AssertionError("size " + size + " and no bucket");
    }

    /** Returns the first colour's bucket, or {@link #NONE}; moves on what lies before it and finishes later. */
    long firstDue() {
        while (true) {
            long bucket = first();
            if (bucket == NONE) return NONE;
            int at = (int) bucket & MASK;
            Color color = heads[at];
            long due = color.finish >> SHIFT;
            if (due <= bucket) return bucket;
            unlinkFirst(at);
            if (bucket == base + MASK) base = bucket; // all that is left is in the last bucket, and belongs there or beyond
            append(color, Math.min(due, base + MASK));
        }
    }

    /** Takes the first of those at {@link #firstDue}, or null. */
    Color pollFirst() {
        long bucket = firstDue();
        return bucket == NONE ? null : pollAt((int) bucket & MASK);
    }

    /** Takes the first of the colours that finish last: those with most work. */
    Color pollLast() { return size == 0 ? null : pollAt(lastAt()); }

    /** Returns what that one's turn is expected to cost, 0 if there is none. */
    int lastCost() { return size == 0 ? 0 : heads[lastAt()].cost; }

    /** Takes the first of those at {@link #firstDue} if its turn is not expected to cost more than {@code most}; else, or if there is none, returns null. */
    Color pollFirst(long most) {
        long bucket = firstDue();
        return bucket == NONE || heads[(int) bucket & MASK].cost > most ? null : pollAt((int) bucket & MASK);
    }

    /** Returns the expected CPU time of all that is in it, but for that one if it is long: for how long it waits for the others. */
    long backlog() {
        int last = lastCost();
        return last < Balancer.LONE_NANOS ? work : work - last;
    }

    private int lastAt() {
        int end = (int) base + MASK & MASK; // the last bucket of the ring
        int word = end >> 6;
        long bits = occupied[word] & -1L >>> 63 - (end & 63);
        for (int i = 0; i <= WORDS; i++) {
            if (bits != 0) return (word << 6) + 63 - Long.numberOfLeadingZeros(bits);
            word = word - 1 & WORDS - 1;
            bits = occupied[word];
        }
        throw new AssertionError("size " + size + " and no bucket");
    }

    private Color pollAt(int at) {
        Color color = unlinkFirst(at);
        left(color);
        return color;
    }

    private Color unlinkFirst(int at) {
        Color color = heads[at];
        heads[at] = color.next;
        if (color.next == null) {
            tails[at] = null;
            occupied[at >> 6] &= ~(1L << at);
        }
        color.next = null;
        return color;
    }

    /** Returns how many colours are of a group. */
    int grouped() { return grouped; }

    /** Takes the colour of a group that finishes last, or null. As long as it takes to find it. */
    Color pollLastGrouped() {
        if (grouped == 0) return null;
        int from = (int) base & MASK;
        for (int i = MASK; i >= 0; i--) {
            int at = from + i & MASK;
            Color before = null;
            for (Color color = heads[at]; color != null; color = color.next) {
                if (color.group == null) {
                    before = color;
                    continue;
                }
                if (before == null) return pollAt(at);
                before.next = color.next;
                if (color.next == null) tails[at] = before;
                color.next = null;
                left(color);
                return color;
            }
        }
        throw new AssertionError(grouped + " colours of groups, and none found");
    }

    /** Moves up to {@code max} colours that may roam to {@code to}, in order; others stay, and those of groups unless there is too much to do. Returns how many. */
    int moveRoaming(RunQueue to, int max, long clock) { return moveRoaming(to, max, Integer.MAX_VALUE, clock); }

    /** As {@link #moveRoaming(RunQueue, int, long)}, looking at so many colours at most. */
    int moveRoaming(RunQueue to, int max, int looks, long clock) {
        boolean overloaded = work >= OVERLOAD_NANOS;
        int moved = 0;
        int from = (int) base & MASK;
        for (int i = 0; i < BUCKETS && moved < max && size > 0; i++) {
            int at = from + i & MASK;
            long bits = occupied[at >> 6] >>> at;
            if (bits == 0) {
                i += 63 - (at & 63); // on to the next word
                continue;
            }
            int empty = Long.numberOfTrailingZeros(bits);
            i += empty;
            if (i >= BUCKETS) break; // once around: what is left of this word was the first to be looked at
            at += empty;
            Color before = null;
            for (Color color = heads[at]; color != null && moved < max; ) {
                if (--looks < 0) return moved;
                Color following = color.next;
                if (color.mayRoam() && (color.group == null || overloaded)) {
                    if (before == null) heads[at] = following;
                    else before.next = following;
                    if (following == null) tails[at] = before;
                    left(color);
                    to.add(color, clock);
                    moved++;
                } else {
                    before = color;
                }
                color = following;
            }
            if (heads[at] == null) occupied[at >> 6] &= ~(1L << at);
        }
        return moved;
    }

    /** Returns the first bucket of the ring; for tests. */
    long base() { return base; }

    /** Walks the structure; for tests. */
    void checkInvariants() {
        int colors = 0;
        int ofGroups = 0;
        long sum = 0;
        long weights = 0;
        for (int i = 0; i < BUCKETS; i++) {
            long bucket = base + i;
            int at = (int) bucket & MASK;
            boolean marked = (occupied[at >> 6] & 1L << at) != 0;
            if (marked != (heads[at] != null)) throw new IllegalStateException("bucket " + at + " marked " + marked);
            Color last = null;
            for (Color color = heads[at]; color != null; color = color.next) {
                colors++;
                sum += color.cost;
                if (color.group != null) ofGroups++;
                weights += color.weight;
                last = color;
            }
            if (last != tails[at]) throw new IllegalStateException("tail of bucket " + at);
        }
        if (colors != size) throw new IllegalStateException(colors + " colours, size " + size);
        if (ofGroups != grouped) throw new IllegalStateException(ofGroups + " of groups, counted " + grouped);
        if (sum != work) throw new IllegalStateException("work " + work + ", sum " + sum);
        if (weights != shares) throw new IllegalStateException("shares " + shares + ", sum " + weights);
    }
}
