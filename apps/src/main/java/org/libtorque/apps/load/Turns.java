package org.libtorque.apps.load;

/**
 * Which set of connections is busy when: one after the other, each for the same time, and then again from the first. Immutable.
 *
 * @param beginNanos  {@link System#nanoTime} at which the first set's first turn begins
 * @param periodNanos length of a turn, more than 0
 * @param sets        how many take turns
 */
record Turns(long beginNanos, long periodNanos, int sets) {
    /** Whether it is that set's turn. Before the beginning it is the first one's. */
    boolean isActive(int set, long now) {
        long passed = Math.max(0, now - beginNanos);
        return passed / periodNanos % sets == set;
    }
}
