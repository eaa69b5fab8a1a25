package org.libtorque.vcore;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * Colours that share data, and are therefore kept near each other: their homes lie in one neighbourhood, and they run there.
 *
 * <p>The neighbourhood is chosen with the first colour that is made for the group, around the vcore that makes it or, from elsewhere, around one that is not busy: those that share
 * a cache with it, or the smallest that holds the number of vcores that were asked for. It does not change after that. Colours of a group run outside of it only
 * <ul>
 * <li>while the vcore where they wait is overloaded: it has {@value RunQueue#OVERLOAD_NANOS} ns of work waiting, which others may then take as they take any other;
 * <li>while all of its vcores are parked.
 * </ul>
 * Inside, they are not taken but given: by the vcore where they wait, to one that is idle there. For a thief would have to look at every colour on offer whether it may take it.
 *
 * <p>Belongs to the runtime where it is first used. Any thread.
 */
public final class ColorGroup {
    private final int vcores;
    private volatile Range range;
    /** Its own turns: were they taken from everybody's, work of the group and other work that are made by turns would each come to one place all the time. */
    private final AtomicInteger tickets = new AtomicInteger();

    /** A range of positions; for this runtime's board. */
    private record Range(Scoreboard board, int low, int high) {}

    /** Makes a group for the vcores that share a cache; the largest such cache counts. */
    public ColorGroup() { vcores = 0; }

    /**
     * Makes a group for at least so many vcores.
     *
     * @param vcores from 1; one has a neighbourhood for itself
     */
    public ColorGroup(int vcores) {
        if (vcores < 1) throw new IllegalArgumentException("a group runs on at least one vcore, not " + vcores);
        this.vcores = vcores;
    }

    /** Chooses the neighbourhood, if that has not been done. */
    void settle(Scoreboard board, int around) {
        if (range == null) {
            synchronized (this) {
                if (range == null) {
                    long found = vcores == 0 ? board.cacheRange(around) : board.rangeOf(around, vcores);
                    range = new Range(board, (int) (found >>> 32), (int) found);
                }
            }
        }
        if (range.board != board) throw new IllegalStateException("the group belongs to another runtime");
    }

    boolean isSettled() { return range != null; }

    int low() { return range.low; }

    int high() { return range.high; }

    int nextTicket() { return tickets.getAndIncrement(); }

    boolean holds(int position) {
        Range r = range;
        return r.low <= position && position < r.high;
    }

    @Override public String toString() {
        Range r = range;
        if (r == null) return "ColorGroup[not settled]";
        var text = new StringBuilder("ColorGroup[");
        for (int p = r.low; p < r.high; p++) text.append(p > r.low ? ", " : "").append(r.board.member(p));
        return text.append(']').toString();
    }
}
