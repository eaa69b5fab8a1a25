package org.libtorque.vcore.uring;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.libtorque.sys.Handles;
import org.libtorque.vcore.StreamSource;

/**
 * What has been received for one stream and not been taken: home pushes, as it harvests, and the runner takes, in the order of arrival.
 *
 * <p>A stack, pushed by home with compare-and-set, which the runner takes as a whole and turns over (a Treiber stack with nothing but 'take all',
 * so without ABA problem). An entry is a filled buffer, named by its queue's number and its own in that queue's ring, or one of two marks that keep
 * their place among the data:
 * <ul>
 * <li>{@link #END}: the end of the stream, or the error in {@link #end}. Never taken off.
 * <li>{@link #STALLED}: the kernel's receive has ended while data waited here, and is to be armed again when all before the mark has been taken. Home
 *     cannot wait for that and the runner cannot arm, so one that passes the mark tells home. In line with the data, the mark cannot be missed: had
 *     home raised a flag instead, the runner could take the last data just before and never look again.
 * </ul>
 * Neither is pushed while a receive is armed, and none is armed while one of them is there: so at most one is there at a time, behind everything
 * else, and one field is enough for the link that buffers have in their ring.
 *
 * <p>An entry belongs to the runner from being taken until the buffer is given back. The buffers here may be of several queues, if the stream has
 * moved.
 */
final class UringInput {
    /** No entry. */
    static final int NONE = -1;
    static final int STALLED = -2;
    static final int END = -3;

    private static final VarHandle TOP = Handles.field(MethodHandles.lookup(), "top", int.class);
    private static final VarHandle TAKEN = Handles.field(MethodHandles.lookup(), "taken", int.class);

    final StreamSource source;
    private final UringQueues queues;

    /** Pushed by home, taken by the runner. */
    private int top = NONE;
    /** Link of the one mark; as a buffer's link, it belongs to who has the entry. */
    private int markLink = NONE;
    /** 0 or a negated errno; written before END is pushed. */
    private int end;
    /** Whether the kernel's receive has ended for lack of buffers; written before STALLED is pushed. */
    private boolean starved;
    /** Whether it is to be armed when there are buffers, and not before; written by the runner before it sends an errand. */
    boolean awaitsBuffers;

    /** Buffers pushed: home's. */
    private int pushed;
    /** Buffers taken: written by the runner, read by home. */
    private int taken;
    /** The runner's: the oldest entry that was taken off the stack, linked to those behind it. */
    private int oldest = NONE;

    /** Link in home's stack of errands. */
    UringInput nextErrand;

    UringInput(StreamSource source, UringQueues queues) {
        this.source = source;
        this.queues = queues;
    }

    // ------------------------------------------------------------------------------------------------------------------- home

    /** Adds a filled buffer. */
    void push(int buffer) {
        pushed++;
        add(buffer);
    }

    /**
     * Adds the mark; returns false if there was something before it that the runner has not looked at, and so will come for by itself.
     *
     * @param noBuffers whether there was no buffer to receive into: then what the kernel has may be received into memory of the runner's before the mark is taken
     */
    boolean pushStalled(boolean noBuffers) {
        starved = noBuffers;
        return add(STALLED) == NONE;
    }

    /** Adds the end of the stream: 0 or a negated errno. */
    void pushEnd(int result) {
        end = result;
        add(END);
    }

    private int add(int entry) {
        for (;;) {
            int below = (int) TOP.getOpaque(this);
            link(entry, below);
            if (TOP.weakCompareAndSetRelease(this, below, entry)) return below; // publishes entry and buffer; pairs with turnOver
        }
    }

    /** Returns how many buffers the runner has not taken, or a few more: it may just have. */
    int waiting() { return pushed - (int) TAKEN.getOpaque(this); }

    // ------------------------------------------------------------------------------------------------------------- the runner

    /** Returns the oldest entry without taking it, or NONE. */
    int peek() { return oldest != NONE ? oldest : turnOver(); }

    private int turnOver() {
        if ((int) TOP.getOpaque(this) == NONE) return NONE;
        int entry = (int) TOP.getAndSetAcquire(this, NONE); // pairs with add
        int after = NONE;
        do {
            int below = linkOf(entry);
            link(entry, after);
            after = entry;
            entry = below;
        } while (entry != NONE);
        return oldest = after;
    }

    /** Takes the oldest entry, a buffer, which {@link #peek} has just returned. */
    void takeBuffer() {
        oldest = linkOf(oldest);
        TAKEN.setOpaque(this, taken + 1); // one writer; opaque: untorn for home
    }

    /** Takes the oldest entry, a mark, which {@link #peek} has just returned. */
    void takeMark() { oldest = linkOf(oldest); }

    /** Whether STALLED, which {@link #peek} has just returned, is there for lack of buffers. */
    boolean isStarved() { return starved; }

    /** Returns what the END is: 0 or a negated errno. */
    int end() { return end; }

    private int linkOf(int entry) { return entry < 0 ? markLink : queues.link(entry); }

    private void link(int entry, int other) {
        if (entry < 0) markLink = other;
        else queues.link(entry, other);
    }
}
