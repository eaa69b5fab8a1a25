package org.libtorque.sim;

import java.util.Arrays;

/**
 * What will happen when: the pending events of a simulation. Things have numbers, and each has at most one event pending, so that
 * the links lie in one array and nothing is allocated. Events of equal time come out in the order in which they were scheduled.
 *
 * <p>A hierarchical wheel (Varghese and Lauck 1987, scheme 7) with ticks of one nanosecond, hence exact: 8 levels of 256 slots, one for
 * each digit of 8 bits of a time. An event lies at the level of the highest digit in which its time differs from {@code elapsed}, in the
 * slot of its own digit there. When {@code elapsed} comes to a slot above level 0, its events are placed anew, lower. Each is
 * placed at most once per level, two or three times in practice, whatever the number of events: scheduling, cancelling and taking are
 * O(1). All levels in use together fit the first-level cache.
 *
 * <p>Rejected: a binary heap, whose cost and cache misses grow with the logarithm of the number of events; a calendar queue (Brown 1988), which must be
 * resized when the density of events changes and sorts within its days.
 *
 * <p>Invariants: a time is at or after {@code elapsed}; all digits above an event's level are those of {@code elapsed}; a bit of
 * {@code occupied} is set exactly if its slot has events.
 */
final class EventWheel {
    private static final int DIGIT_BITS = 8, SLOTS = 1 << DIGIT_BITS, LEVELS = Long.SIZE / DIGIT_BITS, WORDS = SLOTS / Long.SIZE;
    private static final int NOBODY = -1;
    private static final long IDLE = -1;

    /** For each thing its time, IDLE if it has none pending, and its links: next in the upper, previous in the lower half. */
    private final long[] nodes;
    /** For each slot its first and its last event. */
    private final int[] slots = new int[2 * LEVELS * SLOTS];
    private final long[] occupied = new long[LEVELS * WORDS];
    /** The levels that are not empty, as bits. */
    private int levels;
    private long elapsed;
    private int size;

    /** @param things how many numbers there are, from 0 */
    EventWheel(int things) {
        nodes = new long[2 * things];
        for (int i = 0; i < things; i++) nodes[2 * i] = IDLE;
        Arrays.fill(slots, NOBODY);
    }

    /** Returns how many events are pending. */
    int size() { return size; }

    /** Tells whether a thing has an event pending. */
    boolean isPending(int thing) { return nodes[2 * thing] != IDLE; }

    /** Returns when a thing's event is due. */
    long timeOf(int thing) {
        assert isPending(thing);
        return nodes[2 * thing];
    }

    /** Schedules a thing that has nothing pending. */
    void schedule(int thing, long time) {
        if (time < elapsed || nodes[2 * thing] != IDLE) {
            throw new IllegalStateException("thing " + thing + " at " + time + ": now " + elapsed + ", pending at " + nodes[2 * thing]);
        }
        nodes[2 * thing] = time;
        place(thing, time);
        size++;
    }

    /** Forgets a thing's event; returns whether there was one. */
    boolean cancel(int thing) {
        long time = nodes[2 * thing];
        if (time == IDLE) return false;
        unlink(thing, slotOf(time));
        nodes[2 * thing] = IDLE;
        size--;
        return true;
    }

    /**
     * Takes the next event.
     *
     * @param limit the latest time to look at
     * @return the thing whose event is due at {@link #elapsed}, or -1 if there is none up to the limit
     */
    int poll(long limit) {
        while (levels != 0) {
            int level = Integer.numberOfTrailingZeros(levels);
            int digit = firstDigit(level);
            int shift = level * DIGIT_BITS;
            long above = shift + DIGIT_BITS == Long.SIZE ? 0 : elapsed & -1L << shift << DIGIT_BITS;
            long start = above | (long) digit << shift;
            if (start > limit) return NOBODY;
            elapsed = start;
            int slot = level * SLOTS + digit;
            if (level == 0) {
                int thing = slots[2 * slot];
                unlink(thing, slot);
                nodes[2 * thing] = IDLE;
                size--;
                return thing;
            }
            int thing = slots[2 * slot];
            slots[2 * slot] = slots[2 * slot + 1] = NOBODY;
            vacate(slot);
            while (thing != NOBODY) {
                int next = (int) (nodes[2 * thing + 1] >> 32);
                place(thing, nodes[2 * thing]);
                thing = next;
            }
        }
        return NOBODY;
    }

    /** Returns the time of the event taken last, or somewhat after it: nothing can be scheduled before. */
    long elapsed() { return elapsed; }

    private int slotOf(long time) {
        int level = (Long.SIZE - 1 - Long.numberOfLeadingZeros(time ^ elapsed | 1)) / DIGIT_BITS;
        return level * SLOTS + ((int) (time >>> level * DIGIT_BITS) & SLOTS - 1);
    }

    private int firstDigit(int level) {
        int word = level * WORDS;
        while (occupied[word] == 0) word++;
        return (word - level * WORDS) * Long.SIZE + Long.numberOfTrailingZeros(occupied[word]);
    }

    private void place(int thing, long time) {
        int slot = slotOf(time);
        int last = slots[2 * slot + 1];
        nodes[2 * thing + 1] = links(NOBODY, last);
        if (last == NOBODY) {
            slots[2 * slot] = thing;
            occupied[slot / Long.SIZE] |= 1L << slot;
            levels |= 1 << slot / SLOTS;
        } else {
            nodes[2 * last + 1] = links(thing, (int) nodes[2 * last + 1]);
        }
        slots[2 * slot + 1] = thing;
    }

    private void unlink(int thing, int slot) {
        long links = nodes[2 * thing + 1];
        int next = (int) (links >> 32), previous = (int) links;
        if (previous == NOBODY) slots[2 * slot] = next;
        else nodes[2 * previous + 1] = links(next, (int) nodes[2 * previous + 1]);
        if (next == NOBODY) slots[2 * slot + 1] = previous;
        else nodes[2 * next + 1] = links((int) (nodes[2 * next + 1] >> 32), previous);
        if (slots[2 * slot] == NOBODY) vacate(slot);
    }

    private void vacate(int slot) {
        occupied[slot / Long.SIZE] &= ~(1L << slot);
        int first = slot / SLOTS * WORDS;
        long any = 0;
        for (int i = 0; i < WORDS; i++) any |= occupied[first + i];
        if (any == 0) levels &= ~(1 << slot / SLOTS);
    }

    private static long links(int next, int previous) { return (long) next << 32 | previous & 0xFFFF_FFFFL; }

    /** Walks the wheel. For tests. */
    void checkInvariants() {
        int count = 0;
        for (int slot = 0; slot < LEVELS * SLOTS; slot++) {
            boolean bit = (occupied[slot / Long.SIZE] >>> slot & 1) == 1;
            check(bit == (slots[2 * slot] != NOBODY), "occupied", slot);
            if (bit) check((levels >>> slot / SLOTS & 1) == 1, "levels", slot);
            int previous = NOBODY;
            for (int thing = slots[2 * slot]; thing != NOBODY; thing = (int) (nodes[2 * thing + 1] >> 32)) {
                check((int) nodes[2 * thing + 1] == previous, "previous", thing);
                check(nodes[2 * thing] >= elapsed && slotOf(nodes[2 * thing]) == slot, "place", thing);
                previous = thing;
                count++;
            }
            check(slots[2 * slot + 1] == previous, "last", slot);
        }
        check(count == size, "size", count);
    }

    private void check(boolean ok, String what, int where) {
        if (!ok) throw new AssertionError(what + " " + where + ", elapsed " + elapsed + ", size " + size);
    }
}
