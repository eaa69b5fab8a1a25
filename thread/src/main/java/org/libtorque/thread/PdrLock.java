package org.libtorque.thread;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.libtorque.sys.Affinity;
import org.libtorque.sys.Clocks;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Handles;
import org.libtorque.sys.NativeMemory;

/**
 * A spin lock for vcore context that detects a preempted holder and recovers (<em>preemption detection and recovery</em>, Rhoden 2014; Klues 2015, 2.2.3). When the kernel takes the
 * holder's CPU away in the middle of a critical section, those who wait would spin until it gets it back, a scheduling quantum of milliseconds. Here one of them lends the holder
 * its own CPU until the lock is free.
 *
 * <p><b>Detection.</b> The lock's word is the holder: it is taken and its holder known by one compare-and-set. Akaros has a flag for "preempted" in shared memory. Linux tells
 * no such thing, but gives each thread a clock of its CPU time that is exact while it runs. Who has spun for {@value #SPIN_NANOS} ns on one hold of the lock reads the holder's clock
 * twice, {@value #GAP_NANOS} ns apart: if it stands still, the holder does not run. Two system calls; rejected: {@code /proc/self/task/…/stat}, which calls a thread
 * that waits for a CPU running, and {@code schedstat}, which is brought up to date once in a tick.
 *
 * <p><b>Recovery.</b> Akaros has {@code sys_change_vcore}, which puts the preempted vcore in the place of the calling one. Here the helper binds the holder to the CPU on which it itself
 * runs, whose run queue the kernel then moves it to, and yields that CPU to it. When the lock is free, or held anew, the helper gives the holder its CPUs back; the holder, which
 * sees that it was lent one, yields first, so that this happens at once. One helper at a time; the others go on spinning. The holder is moved for one critical section, with a cold cache.
 * If it does not wait for a CPU but for something else (a page from disk, a safepoint), moving does not help, and does no harm.
 *
 * <p><b>Use.</b> Each thread makes a {@link Member} once. A uthread's member is that of its carrier, for the duration of a critical section that neither parks nor yields. Neither
 * fair nor recursive. Taking it acquires, giving it up releases. Nothing allocates.
 *
 * <p>parlib's locks also disable notifications when a uthread takes them. It is not needed here: notifications never interrupt, they are run by the loop when the
 * uthread has left the vcore.
 */
public final class PdrLock {
    private static final long SPIN_NANOS = 5_000, GAP_NANOS = 1_000;
    /** Bytes of a CPU mask: 8,192 CPUs, the most that a kernel can be built for. */
    private static final int MASK_BYTES = 1_024;
    private static final int LOOKS = 32;
    private static final VarHandle HOLDER = Handles.field(MethodHandles.lookup(), "holder", Member.class);
    private static final VarHandle HOLDS = Handles.field(MethodHandles.lookup(), "holds", long.class);
    private static final VarHandle LENT = Handles.field(MethodHandles.lookup(), Member.class, "lent", boolean.class);
    private static final VarHandle HELPED = Handles.field(MethodHandles.lookup(), "helped", long.class);

    /** A thread that takes locks of this kind. Used by that thread alone; others read who it is while it holds one. */
    public static final class Member {
        private final int tid;
        private final int cpuClock;
        private final ErrnoSlot errno = ErrnoSlot.allocate();
        /** Two masks: the holder's own, and the CPU that it is lent. Touched when helping alone. */
        private final MemorySegment masks = Arena.ofAuto().allocate(2 * MASK_BYTES, 8);
        /** Whether somebody has lent this thread a CPU: set by the helper, which is the one who got it from false to true, and cleared by it. */
        private boolean lent;

        private Member(int tid) {
            this.tid = tid;
            cpuClock = Clocks.threadCpuClock(tid);
        }

        /** Makes the member of the calling thread, a carrier or another platform thread. A system call; keep it. */
        public static Member ofCurrentThread() {
            if (Thread.currentThread().isVirtual()) throw new IllegalStateException("a virtual thread has no CPU time of its own: make members of carriers");
            return new Member(Affinity.gettid());
        }

        /** Returns the kernel's number of the thread. */
        public int tid() { return tid; }
    }

    private Member holder;
    /** How many times it has been taken, so that one hold can be told from the next. Written by the holder. */
    private long holds;
    /** How many times a holder was lent a CPU. */
    private long helped;

    /** Makes a lock that is free. */
    public PdrLock() {}

    /** Takes the lock; spins while it is held, or helps. {@code me} is the calling thread's. */
    public void lock(Member me) {
        if (!tryLock(me)) lockSlowly(me);
    }

    /** Takes the lock if it is free. */
    public boolean tryLock(Member me) {
        if (HOLDER.getOpaque(this) != null || !HOLDER.compareAndSet(this, null, me)) return false;
        HOLDS.setOpaque(this, holds + 1);
        return true;
    }

    /**
     * Gives the lock up.
     *
     * @throws IllegalMonitorStateException if {@code me} does not hold it
     */
    public void unlock(Member me) {
        if (holder != me) throw new IllegalMonitorStateException("thread " + me.tid + " does not hold this lock");
        HOLDER.setRelease(this, null);
        // If this look comes too early to see a helper, that one sees that the lock is free before it moves us, or we run on its CPU for a little longer.
        if ((boolean) LENT.getOpaque(me)) Affinity.yieldCpu();
    }

    /** Tells whether somebody holds it; out of date as soon as it is read. */
    public boolean isLocked() { return HOLDER.getOpaque(this) != null; }

    /** Returns how many times a preempted holder was lent a CPU. Any thread. */
    public long helped() { return (long) HELPED.getOpaque(this); }

    private void lockSlowly(Member me) {
        for (;;) {
            long hold = (long) HOLDS.getOpaque(this);
            long start = System.nanoTime();
            do {
                for (int i = 0; i < LOOKS; i++) {
                    if (tryLock(me)) return;
                    Thread.onSpinWait();
                }
            } while (System.nanoTime() - start < SPIN_NANOS && (long) HOLDS.getOpaque(this) == hold);
            Member h = (Member) HOLDER.getAcquire(this);
            if (h != null && h != me && isHeldStill(h, hold) && !isRunning(h, me, hold)) help(h, me, hold);
        }
    }

    private boolean isHeldStill(Member h, long hold) { return HOLDER.getOpaque(this) == h && (long) HOLDS.getOpaque(this) == hold; }

    /** Whether the holder gets anywhere; true also if this cannot be known, or the hold ends meanwhile. */
    private boolean isRunning(Member h, Member me, long hold) {
        long before = Clocks.nanos(me.errno, h.cpuClock);
        if (before < 0) return true;
        long start = System.nanoTime();
        while (System.nanoTime() - start < GAP_NANOS) Thread.onSpinWait();
        return Clocks.nanos(me.errno, h.cpuClock) != before || !isHeldStill(h, hold);
    }

    /** Lends a holder that does not run this thread's CPU, until the hold ends. */
    private void help(Member h, Member me, long hold) {
        if (!LENT.compareAndSet(h, false, true)) return; // somebody does already
        long own = me.masks.address(), lent = own + MASK_BYTES;
        int bytes = Affinity.getaffinity(me.errno, h.tid, own, MASK_BYTES);
        int cpu = Affinity.getcpu();
        NativeMemory.fill(lent, MASK_BYTES, (byte) 0);
        NativeMemory.putLong(lent + cpu / Long.SIZE * Long.BYTES, 1L << cpu % Long.SIZE);
        if (bytes > 0 && isHeldStill(h, hold) && Affinity.setaffinity(me.errno, h.tid, lent, bytes) == 0) {
            HELPED.getAndAdd(this, 1L);
            while (isHeldStill(h, hold)) Affinity.yieldCpu();
            Affinity.setaffinity(me.errno, h.tid, own, bytes); // it may have ended: then there is nothing to give back
        }
        LENT.setRelease(h, false);
    }
}
