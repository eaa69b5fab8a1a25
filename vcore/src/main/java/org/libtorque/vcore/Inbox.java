package org.libtorque.vcore;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.libtorque.sys.Handles;

/**
 * Keeps {@code top} off the lines of whatever lies in front of the inbox. The int takes the gap behind the object's header, into which the JVM would put a compressed
 * reference.
 */
@SuppressWarnings("unused")
abstract class InboxPad0 {
    private int pff;
    private long p00, p01, p02, p03, p04, p05, p06, p07, p08, p09, p0a, p0b, p0c, p0d, p0e, p0f;
}

/** The one field; see {@link Inbox}. */
abstract class InboxTop extends InboxPad0 {
    /** The colour that came last, linked to those before it; or null. */
    Color top;
}

/** Keeps {@code top} off the lines of whatever lies behind the inbox. */
@SuppressWarnings("unused")
abstract class InboxPad1 extends InboxTop {
    private long p10, p11, p12, p13, p14, p15, p16, p17, p18, p19, p1a, p1b, p1c, p1d, p1e, p1f;
}

/**
 * Colours that other threads hand to a vcore: any thread puts, the owner takes all at once, or somebody else when it does not come. They come out in the order in which they went in.
 *
 * <p>A stack whose links are the colours' own (Treiber 1986), taken whole and reversed, so there is no ABA problem: nobody takes one element. It has no capacity of its own: a
 * colour has one holder, hence is in one inbox at most, so there are never more in all inboxes together than colours that have work. What bounds the work itself is
 * the limit of tasks that wait in a colour ({@link Task#tryPost}).
 *
 * <p>Putting is one compare-and-set, which releases the colour's fields to who takes them, and acquires them by the exchange. Of two who take, each colour is one's.
 */
final class Inbox extends InboxPad1 {
    private static final VarHandle TOP = Handles.field(MethodHandles.lookup(), InboxTop.class, "top", Color.class);

    /** Hands over a colour that the caller holds. Any thread. */
    void put(Color color) {
        Color below;
        do {
            below = (Color) TOP.getOpaque(this);
            color.next = below;
        } while (!TOP.weakCompareAndSetRelease(this, below, color));
    }

    /** Takes all, linked in the order in which they came; null if there is none. The owner, or one who helps out. */
    Color takeAll() {
        if (isEmpty()) return null;
        Color color = (Color) TOP.getAndSetAcquire(this, null);
        Color first = null;
        while (color != null) {
            Color before = color.next;
            color.next = first;
            first = color;
            color = before;
        }
        return first;
    }

    /**
     * Tells whether there is nothing. This is the re-check of {@link WakeGate}'s owner: what was put before its poster called {@code claimWake} is seen after
     * {@code announce}, or its poster sees the announcement.
     */
    boolean isEmpty() { return TOP.getOpaque(this) == null; }
}
