package org.libtorque.thread;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.libtorque.sys.Handles;

/**
 * Waiting for a word to change, after futex(2): what synchronisers can be built of. A thread says which value it has seen, and waits if the word still has it; whoever changes
 * the word then wakes as many as he likes. Blocks uthreads, virtual and platform threads, never a vcore; waking is for any thread, vcore context included.
 *
 * <p>An instance is an {@code int} with this service. The static methods offer it for an {@code int} that is elsewhere: a field by its {@link VarHandle}, or an element of an array or of native
 * memory by its segment. A word must always be named in the same way: a field by the same handle and object, memory by its segment, whatever slice of it (not read-only).
 *
 * <p><b>Waiting list.</b> As in the kernel, threads that wait are in a table of lists by a hash of what names their word, each with its {@link Guard}. A thread enters its list and then,
 * still under the guard, looks at the word; who wakes has changed the word before, and then looks whether there is anybody in the list's {@code count} (both with a full fence in between: Dekker),
 * and takes those whose word it is under the guard. So either the waiter sees the new value, or it is seen: no wake-up is lost. Waiters of one word are woken in the order in which they
 * came. A wait ends for no other reason than it says.
 *
 * <p>Nothing allocates unless a thread must wait. After parlib's futex (Klues 2015, 2.2.3) and the kernel's ({@code kernel/futex/}).
 */
public final class Futex {
    /** How a wait ended. */
    public enum Outcome {
        /** By {@code wake}. */
        WOKEN,
        /** It never began: the word had another value. */
        CHANGED,
        /** The time was over. */
        TIMED_OUT
    }

    private static final VarHandle VALUE = Handles.field(MethodHandles.lookup(), "value", int.class);
    private static final VarHandle COUNT = Handles.field(MethodHandles.lookup(), Bucket.class, "count", int.class);
    /** Words in native memory and in heap segments alike. */
    private static final VarHandle MEMORY = ValueLayout.JAVA_INT.varHandle();
    private static final Bucket[] BUCKETS = new Bucket[256];

    static {
        for (int i = 0; i < BUCKETS.length; i++) BUCKETS[i] = new Bucket(i);
    }

    /** Those who wait for words of one hash. */
    private static final class Bucket {
        final int index;
        final Guard guard = new Guard();
        final WaiterList waiters = new WaiterList();
        /** How many wait or are about to. Changed under the guard, read without. */
        int count;

        Bucket(int index) { this.index = index; }

        void add(int n) { COUNT.setVolatile(this, count + n); }
    }

    private int value;

    /** Makes a word with 0 in it. */
    public Futex() {}

    /** @param value what is in it at first */
    public Futex(int value) { this.value = value; }

    /** Reads the word, with volatile semantics. */
    public int get() { return (int) VALUE.getVolatile(this); }

    /** Writes the word, with volatile semantics. */
    public void set(int newValue) { VALUE.setVolatile(this, newValue); }

    /** Writes the word if it is {@code expected}; volatile semantics, and no spurious failure. */
    public boolean compareAndSet(int expected, int newValue) { return VALUE.compareAndSet(this, expected, newValue); }

    /** Adds to the word and returns what was in it; volatile semantics. */
    public int getAndAdd(int delta) { return (int) VALUE.getAndAdd(this, delta); }

    /** Writes the word and returns what was in it; volatile semantics. */
    public int getAndSet(int newValue) { return (int) VALUE.getAndSet(this, newValue); }

    /** Waits for a {@link #wake}, if the word is {@code expected}. */
    public Outcome await(int expected) throws InterruptedException { return await(VALUE, this, 0, expected, true, Waiter.NO_DEADLINE); }

    /** As {@link #await(int)}; an interrupt does not end it, and stays. */
    public Outcome awaitUninterruptibly(int expected) {
        try {
            return await(VALUE, this, 0, expected, false, Waiter.NO_DEADLINE);
        } catch (InterruptedException e) {
            throw new AssertionError("not interruptible", e);
        }
    }

    /** As {@link #await(int)}, for {@code nanos} at most. */
    public Outcome awaitNanos(int expected, long nanos) throws InterruptedException { return await(VALUE, this, 0, expected, true, Waiter.deadline(nanos)); }

    /** Wakes up to {@code n} of those who wait for this word; returns how many. */
    public int wake(int n) { return wake(VALUE, this, 0, n); }

    /** Wakes all who wait for this word; returns how many. */
    public int wakeAll() { return wake(Integer.MAX_VALUE); }

    /**
     * Wakes up to {@code wake} of those who wait for this word, and has up to {@code move} of the others wait for {@code target} instead, behind those who do already. What their word was is not
     * looked at again.
     *
     * @return how many were woken or moved
     */
    public int requeue(int wake, int move, Futex target) { return requeue(VALUE, this, 0, wake, move, target, 0, false, 0); }

    /**
     * As {@link #requeue}, if the word is {@code expected} at that time.
     *
     * @return how many were woken or moved, or -1 if the word is another
     */
    public int compareRequeue(int expected, int wake, int move, Futex target) { return requeue(VALUE, this, 0, wake, move, target, 0, true, expected); }

    // --------------------------------------------------------------------------------------------------------- words elsewhere

    /**
     * Waits for a {@code wake}, if a field is {@code expected}.
     *
     * @param word   handle of an {@code int} field, with volatile access
     * @param holder the object whose field it is
     * @param nanos  how long at most; {@code Long.MAX_VALUE} for ever
     */
    public static Outcome await(VarHandle word, Object holder, int expected, long nanos) throws InterruptedException {
        return await(word, holder, 0, expected, true, deadlineOf(nanos));
    }

    /** Wakes up to {@code n} of those who wait for a field; returns how many. */
    public static int wake(VarHandle word, Object holder, int n) { return wake(word, holder, 0, n); }

    /**
     * Waits for a {@code wake}, if a word in memory is {@code expected}. Threads of this process only: the kernel knows nothing of it.
     *
     * @param memory      native or of an array, alive until the wait ends; a slice names the same words as its whole does
     * @param offsetBytes where the word is in it, a multiple of 4
     * @param nanos       how long at most; {@code Long.MAX_VALUE} for ever
     */
    public static Outcome await(MemorySegment memory, long offsetBytes, int expected, long nanos) throws InterruptedException {
        return await(MEMORY, memory, offsetBytes, expected, true, deadlineOf(nanos));
    }

    /** Wakes up to {@code n} of those who wait for a word in memory; returns how many. */
    public static int wake(MemorySegment memory, long offsetBytes, int n) { return wake(MEMORY, memory, offsetBytes, n); }

    /** Wakes up to {@code wake} of those who wait for a word in memory and has up to {@code move} of the others wait for another one; returns how many of both. */
    public static int requeue(MemorySegment memory, long offsetBytes, int wake, int move, MemorySegment target, long targetOffsetBytes) {
        return requeue(MEMORY, memory, offsetBytes, wake, move, target, targetOffsetBytes, false, 0);
    }

    private static long deadlineOf(long nanos) { return nanos == Long.MAX_VALUE ? Waiter.NO_DEADLINE : Waiter.deadline(nanos); }

    // ---------------------------------------------------------------------------------------------------------------- the table

    private static int read(VarHandle word, Object holder, long offset) {
        if (word == VALUE) return ((Futex) holder).get();
        if (word == MEMORY) return (int) MEMORY.getVolatile((MemorySegment) holder, offset);
        return (int) word.getVolatile(holder);
    }

    /** What names a word: the object that holds it, or null for native memory. */
    private static Object keyOf(Object holder) { return holder instanceof MemorySegment m ? m.heapBase().orElse(null) : holder; }

    /** Where a word is in memory; fields are told apart by their handles. */
    private static long addressOf(Object holder, long offset) {
        return holder instanceof MemorySegment m ? m.address() + offset : 0;
    }

    private static Bucket bucketOf(Object key, long address) {
        long h = (System.identityHashCode(key) * 31L + address) * 0x9E37_79B9_7F4A_7C15L;
        return BUCKETS[(int) (h >>> 56)];
    }

    private static Outcome await(VarHandle word, Object holder, long offset, int expected, boolean interruptible, long deadline) throws InterruptedException {
        if (interruptible && Thread.interrupted()) throw new InterruptedException();
        if (read(word, holder, offset) != expected) return Outcome.CHANGED;
        Waiter w = new Waiter();
        w.key = keyOf(holder);
        w.part = word;
        w.address = addressOf(holder, offset);
        Bucket b = bucketOf(w.key, w.address);
        b.guard.lock();
        boolean changed;
        try {
            b.add(1);
            changed = read(word, holder, offset) != expected; // volatile, behind a volatile store: partner in wake
            if (changed) b.add(-1);
            else b.waiters.append(w);
        } finally {
            b.guard.unlock();
        }
        if (changed) return Outcome.CHANGED;
        int outcome = w.await(holder, interruptible, deadline);
        if (outcome != Waiter.READY) outcome = giveUp(w, outcome);
        w.restoreInterrupt();
        if (outcome == Waiter.INTERRUPTED) throw new InterruptedException();
        return outcome == Waiter.READY ? Outcome.WOKEN : Outcome.TIMED_OUT;
    }

    private static int giveUp(Waiter w, int outcome) {
        Bucket b = lockBucketOf(w);
        boolean waits = w.list != null;
        if (waits) {
            b.waiters.remove(w);
            b.add(-1);
        }
        b.guard.unlock();
        if (waits) return outcome;
        if (outcome == Waiter.INTERRUPTED) w.interrupted(); // woken meanwhile
        return Waiter.READY;
    }

    /** Locks the bucket that a waiter is in, or was in last: it may be moved until the guard is ours. */
    private static Bucket lockBucketOf(Waiter w) {
        for (;;) {
            // Key and address may be torn, but a wrong bucket then does no harm: a waiter is moved under the guards of both, so what is read under the right guard is right.
            Bucket b = bucketOf(w.key, w.address);
            b.guard.lock();
            if (bucketOf(w.key, w.address) == b && (w.list == null || w.list == b.waiters)) return b;
            b.guard.unlock();
        }
    }

    private static int wake(VarHandle word, Object holder, long offset, int n) {
        Object key = keyOf(holder);
        long address = addressOf(holder, offset);
        Bucket b = bucketOf(key, address);
        VarHandle.fullFence(); // StoreLoad: the caller's change of the word before the look at who waits; partner in await
        if ((int) COUNT.getOpaque(b) == 0) return 0;
        b.guard.lock();
        Waiter granted = null;
        int woken = 0;
        for (Waiter w = b.waiters.first(); w != null && woken < n; ) {
            Waiter following = w.next;
            if (w.key == key && w.part == word && w.address == address) {
                granted = take(b, w, granted);
                woken++;
            }
            w = following;
        }
        b.guard.unlock();
        WaiterList.unparkAll(granted);
        return woken;
    }

    private static Waiter take(Bucket b, Waiter w, Waiter granted) {
        b.waiters.remove(w);
        b.add(-1);
        w.next = granted;
        return w;
    }

    private static int requeue(VarHandle word, Object holder, long offset, int wake, int move, Object target, long targetOffset, boolean compare, int expected) {
        Object key = keyOf(holder), targetKey = keyOf(target);
        long address = addressOf(holder, offset), targetAddress = addressOf(target, targetOffset);
        if (key == targetKey && address == targetAddress) throw new IllegalArgumentException("a futex's waiters cannot be moved to itself");
        Bucket from = bucketOf(key, address), to = bucketOf(targetKey, targetAddress);
        Bucket lower = from.index < to.index ? from : to, upper = lower == from ? to : from; // one order for all
        lower.guard.lock();
        if (upper != lower) upper.guard.lock();
        Waiter granted = null;
        int woken = 0, moved = 0;
        boolean differs = compare && read(word, holder, offset) != expected;
        if (!differs) {
            for (Waiter w = from.waiters.first(), last = from.waiters.last(); w != null && (woken < wake || moved < move); ) {
                Waiter following = w == last ? null : w.next; // not those that are moved to the end of the same list
                if (w.key == key && w.part == word && w.address == address) {
                    if (woken < wake) {
                        granted = take(from, w, granted);
                        woken++;
                    } else {
                        from.waiters.remove(w);
                        from.add(-1);
                        w.key = targetKey;
                        w.address = targetAddress;
                        to.waiters.append(w);
                        to.add(1);
                        moved++;
                    }
                }
                w = following;
            }
        }
        if (upper != lower) upper.guard.unlock();
        lower.guard.unlock();
        WaiterList.unparkAll(granted);
        return differs ? -1 : woken + moved;
    }

    @Override public String toString() { return "futex[" + get() + "]"; }
}
