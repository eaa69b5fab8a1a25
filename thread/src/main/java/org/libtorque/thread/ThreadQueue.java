package org.libtorque.thread;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import org.libtorque.sys.Handles;

/**
 * Uthreads that can run, first in, first out, under a spin lock: a ring that grows. Held for some ten nanoseconds, or for half a nanosecond each for threads that are stolen; a holder
 * that the kernel takes off its CPU makes others wait, who therefore give up theirs after some spinning. Whoever takes from another's queue only tries, unless he has nothing else to do
 * and must know that there is nothing.
 */
final class ThreadQueue {
    private static final int INITIAL = 64;
    private static final int SPINS = 1_000;
    /** The most that are stolen at once: a bound on how long the lock is held. */
    static final int MAX_STOLEN = 4096;
    private static final VarHandle LOCK = Handles.field(MethodHandles.lookup(), "lock", int.class);
    private static final VarHandle SIZE = Handles.field(MethodHandles.lookup(), "size", int.class);

    @SuppressWarnings("unused") private int lock;

    // Guarded by the lock.
    private ScheduledUthread[] ring = new ScheduledUthread[INITIAL];
    private int head;
    /** Also looked at without the lock, as a hint. */
    private int size;

    private boolean tryLock() { return (int) LOCK.getOpaque(this) == 0 && LOCK.compareAndSet(this, 0, 1); }

    private void lock() {
        for (int spins = 0; !tryLock(); ) {
            if (++spins < SPINS) Thread.onSpinWait();
            else Thread.yield(); // in vcore context: to other threads of the process or the machine
        }
    }

    private void unlock() { LOCK.setRelease(this, 0); }

    /** Returns how many there are; out of date soon. Any thread. */
    int size() { return (int) SIZE.getOpaque(this); }

    /** Adds a thread as the last one. */
    void add(Uthread thread) {
        lock();
        try {
            append((ScheduledUthread) thread);
        } finally {
            unlock();
        }
    }

    /** Takes the first one, or null. */
    Uthread poll() {
        if (size() == 0) return null;
        lock();
        Uthread thread = size == 0 ? null : takeFirst();
        unlock();
        return thread;
    }

    /** Adds a thread as the last one and takes the first one, which may be the same. */
    Uthread exchange(Uthread thread) {
        if (size() == 0) return thread;
        lock();
        try {
            append((ScheduledUthread) thread);
            return takeFirst();
        } finally {
            unlock();
        }
    }

    private void append(ScheduledUthread thread) {
        if (size == ring.length) grow();
        ring[head + size & ring.length - 1] = thread;
        SIZE.setOpaque(this, size + 1);
    }

    private void grow() {
        ScheduledUthread[] larger = new ScheduledUthread[2 * ring.length];
        int first = ring.length - head;
        System.arraycopy(ring, head, larger, 0, first);
        System.arraycopy(ring, 0, larger, first, head);
        ring = larger;
        head = 0;
    }

    private ScheduledUthread takeFirst() {
        ScheduledUthread thread = ring[head];
        ring[head] = null;
        head = head + 1 & ring.length - 1;
        SIZE.setOpaque(this, size - 1);
        return thread;
    }

    /**
     * Takes the older half, rounded up, of what another queue has.
     *
     * @param loot   where they are put, from 0; at least {@link #MAX_STOLEN}
     * @param surely whether to wait for that queue's lock
     * @return how many; without {@code surely}, 0 also if somebody else holds that queue's lock
     */
    static int stealHalf(ThreadQueue victim, ScheduledUthread[] loot, boolean surely) {
        if (victim.size() == 0) return 0;
        if (surely) victim.lock();
        else if (!victim.tryLock()) return 0;
        int n = Math.min(MAX_STOLEN, victim.size + 1 >> 1);
        for (int i = 0; i < n; i++) loot[i] = victim.takeFirst();
        victim.unlock();
        return n;
    }

    /** Takes a given thread, wherever it is. Takes as long as looking for it. Returns whether it was there. */
    boolean remove(ScheduledUthread thread) {
        lock();
        try {
            int mask = ring.length - 1;
            for (int i = 0; i < size; i++) {
                if (ring[head + i & mask] != thread) continue;
                for (int j = i; j < size - 1; j++) ring[head + j & mask] = ring[head + j + 1 & mask];
                ring[head + size - 1 & mask] = null;
                SIZE.setOpaque(this, size - 1);
                return true;
            }
            return false;
        } finally {
            unlock();
        }
    }

    /** Returns those that are there at the moment, the first one first. Allocates. */
    ScheduledUthread[] snapshot() {
        lock();
        try {
            ScheduledUthread[] all = new ScheduledUthread[size];
            for (int i = 0; i < size; i++) all[i] = ring[head + i & ring.length - 1];
            return all;
        } finally {
            unlock();
        }
    }

    @Override public String toString() { return "ThreadQueue" + Arrays.toString(snapshot()); }
}
