package org.libtorque.vcore;

/**
 * Colours in the order of their virtual finish times: short work before long, and none starves. Weighted fair queueing with the start tag of what was served last as virtual
 * clock: tags as in start-time fair queueing (Goyal, Vin, Cheng 1996), served by finish tag as in SCFQ (Golestani 1994). A colour starts where it last
 * finished, or now if it has been away; it finishes later by what its turn is expected to cost, divided by its shares.
 *
 * <p>In O(1): finish times fall into buckets of 16 µs, a ring of 256, with a bitmap. In a bucket, first come, first served. What would finish beyond the ring's
 * 4 ms goes into its last bucket. With {@code fifo}, everything goes into one bucket.
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

    int size() { return size; }

    /** Returns the expected CPU time of all that is in it, in nanoseconds. */
    long work() { return work; }

    /** Sets the times of a colour that becomes runnable in the vcore whose virtual clock stands at {@code clock}. */
    static void stamp(Color color, Vcore vcore, long clock) {
        long start = color.clockOf == vcore ? Math.max(color.finish, clock) : clock + color.debt;
        color.clockOf = vcore;
        color.start = start;
        color.finish = start + color.weighted(color.cost);
    }

    /**
     * Returns where the virtual clock stands when a colour is served that was in the given bucket: at its start, but not beyond the beginning of the bucket. For in a bucket
     * the order is not that of the tags, and a clock that is ahead of where another one finishes would take from it what it has not had yet. A colour that starts behind its
     * bucket finishes beyond the ring, and there was nobody before it: the clock goes on to where it starts.
     */
    static long clockAt(Color color, long bucket, long clock) {
        long start = color.start;
        return Math.max(clock, start >> SHIFT > bucket ? start : Math.min(start, bucket << SHIFT));
    }

    /** Enters a stamped colour. */
    void add(Color color, long clock) {
        base = Math.max(base, clock >> SHIFT);
        long bucket = Math.clamp(color.finish >> SHIFT, base, base + MASK);
        int at = (int) bucket & MASK;
        color.next = null;
        if (heads[at] == null) {
            heads[at] = color;
            occupied[at >> 6] |= 1L << at;
        } else {
            tails[at].next = color;
        }
        tails[at] = color;
        size++;
        if (color.group != null) grouped++;
        work += color.cost;
    }

    /** Returns the first bucket's number, counted from time 0, or {@link #NONE}. */
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

    Color pollFirst() { return size == 0 ? null : pollAt((int) first() & MASK); }

    /** Takes the first of the colours that finish last: those with most work. */
    Color pollLast() {
        if (size == 0) return null;
        int end = (int) base + MASK & MASK; // the last bucket of the ring
        int word = end >> 6;
        long bits = occupied[word] & -1L >>> 63 - (end & 63);
        for (int i = 0; i <= WORDS; i++) {
            if (bits != 0) return pollAt((word << 6) + 63 - Long.numberOfLeadingZeros(bits));
            word = word - 1 & WORDS - 1;
            bits = occupied[word];
        }
        throw new AssertionError("size " + size + " and no bucket");
    }

    private Color pollAt(int at) {
        Color color = heads[at];
        heads[at] = color.next;
        if (color.next == null) {
            tails[at] = null;
            occupied[at >> 6] &= ~(1L << at);
        }
        color.next = null;
        size--;
        if (color.group != null) grouped--;
        work -= color.cost;
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
                size--;
                grouped--;
                work -= color.cost;
                return color;
            }
        }
        throw new AssertionError(grouped + " colours of groups, and none found");
    }

    /** Moves up to {@code max} colours that may roam to {@code to}, in order; others stay, and those of groups unless there is too much to do. Returns how many. */
    int moveRoaming(RunQueue to, int max, long clock) {
        if (size == 0) return 0;
        boolean overloaded = work >= OVERLOAD_NANOS;
        int moved = 0;
        int from = (int) base & MASK;
        for (int i = 0; i < BUCKETS && moved < max && size > 0; i++) {
            int at = from + i & MASK;
            if ((occupied[at >> 6] & 1L << at) == 0) continue;
            Color before = null;
            for (Color color = heads[at]; color != null && moved < max; ) {
                Color following = color.next;
                if (color.mayRoam() && (color.group == null || overloaded)) {
                    if (color.group != null) grouped--;
                    if (before == null) heads[at] = following;
                    else before.next = following;
                    if (following == null) tails[at] = before;
                    size--;
                    work -= color.cost;
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

    /** Walks the structure; for tests. */
    void checkInvariants() {
        int colors = 0;
        int ofGroups = 0;
        long sum = 0;
        for (int at = 0; at < BUCKETS; at++) {
            boolean marked = (occupied[at >> 6] & 1L << at) != 0;
            if (marked != (heads[at] != null)) throw new IllegalStateException("bucket " + at + " marked " + marked);
            Color last = null;
            for (Color color = heads[at]; color != null; color = color.next) {
                colors++;
                sum += color.cost;
                if (color.group != null) ofGroups++;
                last = color;
            }
            if (last != tails[at]) throw new IllegalStateException("tail of bucket " + at);
        }
        if (colors != size) throw new IllegalStateException(colors + " colours, size " + size);
        if (ofGroups != grouped) throw new IllegalStateException(ofGroups + " of groups, counted " + grouped);
        if (sum != work) throw new IllegalStateException("work " + work + ", sum " + sum);
    }
}
