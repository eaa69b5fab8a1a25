package org.libtorque.thread;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.libtorque.sys.Handles;
import org.libtorque.thread.VcoreEvents.Event;

/**
 * The queue of a vcore's events, and whether whoever puts one in must notify the vcore. Any thread puts; everything else is the owner's.
 *
 * <p>{@code put} pushes, fences, and looks at the depth; {@code enable} lowers the depth to 0, fences, and looks at the queue (Dekker). So of an event that is put while notifications are
 * enabled somebody learns that the owner must be notified: either who puts it, or who enables.
 */
final class Mailbox {
    private static final VarHandle TOP = Handles.field(MethodHandles.lookup(), "top", Event.class);
    private static final VarHandle DEPTH = Handles.field(MethodHandles.lookup(), "depth", int.class);

    /** The event that came last, linked to those before it. */
    @SuppressWarnings("unused") private Event top;
    /** How often notifications are disabled. Written by the owner, read by those who put. */
    private int depth;

    /** Any thread. Returns whether the owner must be notified. */
    boolean put(Event event) {
        Event below;
        do {
            below = (Event) TOP.getOpaque(this);
            event.next = below;
        } while (!TOP.weakCompareAndSetRelease(this, below, event)); // publishes the event; pairs with takeAll
        VarHandle.fullFence(); // StoreLoad: the event before the depth; partner in enable
        return (int) DEPTH.getOpaque(this) == 0;
    }

    /** Takes all, linked in the order in which they came; null if there is none. */
    Event takeAll() {
        if (isEmpty()) return null;
        Event event = (Event) TOP.getAndSetAcquire(this, null);
        Event first = null;
        while (event != null) {
            Event before = event.next;
            event.next = first;
            first = event;
            event = before;
        }
        return first;
    }

    boolean isEmpty() { return TOP.getOpaque(this) == null; }

    int depth() { return depth; }

    void disable() { DEPTH.setOpaque(this, Math.addExact(depth, 1)); }

    /** Returns whether the owner must be notified. The depth is above 0. */
    boolean enable() {
        DEPTH.setOpaque(this, depth - 1);
        if (depth > 0) return false;
        VarHandle.fullFence(); // StoreLoad: the depth before the queue; partner in put
        return !isEmpty();
    }
}
