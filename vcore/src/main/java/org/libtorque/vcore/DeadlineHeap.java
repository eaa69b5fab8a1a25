package org.libtorque.vcore;

import java.util.Arrays;
import java.util.function.Consumer;

/**
 * The timers of a {@link TimerWheel} whose deadlines are exact and near, the earliest on top: a binary heap (Williams 1964) whose nodes know their places, so that any of them
 * can be taken out. Equal deadlines come in the order in which they were added. Adding and removing cost O(log n); n is small, since a timer is here for the last two ticks
 * before its deadline only. Grows when it must, and never shrinks: after that nothing allocates.
 *
 * <p>A timer in here has its place in {@code dueRound} and the order of its coming in {@code dueTick}, which are the lists' otherwise. The wheel's thread only.
 */
final class DeadlineHeap {
    private static final int INITIAL = 16;

    private Timer[] timers = new Timer[INITIAL];
    private int size;
    private long added;

    /** Returns the earliest, or null. */
    Timer first() { return timers[0]; }

    int size() { return size; }

    void add(Timer timer) {
        if (size == timers.length) timers = Arrays.copyOf(timers, 2 * size);
        timer.dueTick = added++;
        rise(size++, timer);
    }

    void remove(Timer timer) {
        int hole = timer.dueRound;
        assert timers[hole] == timer;
        Timer last = timers[--size];
        timers[size] = null;
        if (last == timer) return;
        if (hole > 0 && isBefore(last, timers[hole - 1 >> 1])) rise(hole, last);
        else sink(hole, last);
    }

    /** Puts a timer where there is a hole, or above. */
    private void rise(int hole, Timer timer) {
        while (hole > 0) {
            int parent = hole - 1 >> 1;
            if (!isBefore(timer, timers[parent])) break;
            put(hole, timers[parent]);
            hole = parent;
        }
        put(hole, timer);
    }

    /** Puts a timer where there is a hole, or below. */
    private void sink(int hole, Timer timer) {
        for (int child; (child = 2 * hole + 1) < size; hole = child) {
            if (child + 1 < size && isBefore(timers[child + 1], timers[child])) child++;
            if (!isBefore(timers[child], timer)) break;
            put(hole, timers[child]);
        }
        put(hole, timer);
    }

    private void put(int place, Timer timer) {
        timers[place] = timer;
        timer.dueRound = place;
    }

    private static boolean isBefore(Timer a, Timer b) {
        long difference = a.deadlineNanos - b.deadlineNanos;
        return difference < 0 || difference == 0 && a.dueTick - b.dueTick < 0;
    }

    void forEach(Consumer<Timer> action) {
        for (int i = 0; i < size; i++) action.accept(timers[i]);
    }

    /** Returns the place of a timer that is wrong there, or -1. For tests. */
    int misplaced() {
        for (int i = 0; i < timers.length; i++) {
            Timer timer = timers[i];
            if (i >= size ? timer != null : timer.dueRound != i || i > 0 && isBefore(timer, timers[i - 1 >> 1])) return i;
        }
        return -1;
    }
}
