package org.libtorque.thread;

/** Waiters in the order in which they came: a doubly linked list, so that one who gives up leaves in O(1). Guarded by whoever has it. */
final class WaiterList {
    private Waiter first, last;
    private int size;

    Waiter first() { return first; }

    Waiter last() { return last; }

    boolean isEmpty() { return first == null; }

    int size() { return size; }

    void append(Waiter w) {
        assert w.list == null;
        w.list = this;
        w.previous = last;
        w.next = null;
        if (last == null) first = w;
        else last.next = w;
        last = w;
        size++;
    }

    void remove(Waiter w) {
        assert w.list == this;
        if (w.previous == null) first = w.next;
        else w.previous.next = w.next;
        if (w.next == null) last = w.previous;
        else w.next.previous = w.previous;
        w.next = w.previous = null;
        w.list = null;
        size--;
    }

    /** Takes the first one, or null. */
    Waiter poll() {
        Waiter w = first;
        if (w != null) remove(w);
        return w;
    }

    /** Takes the first one, marks it GRANTED and puts it in front of {@code granted}, a chain by {@code next} for {@link #unparkAll}; returns the chain. */
    Waiter grantFirst(Waiter granted) {
        Waiter w = poll();
        w.next = granted;
        return w;
    }

    /**
     * Grants and unparks a chain, which came from {@link #grantFirst} and so is in reverse order: the first to come is unparked first. To be called when the guard is let go of, since
     * unparking may take a scheduler's time; until then the waiters are in no list and still WAITING, which is for nobody else to see.
     */
    static void unparkAll(Waiter granted) {
        Waiter inOrder = null;
        while (granted != null) {
            Waiter following = granted.next;
            granted.next = inOrder;
            inOrder = granted;
            granted = following;
        }
        while (inOrder != null) {
            Waiter following = inOrder.next;
            inOrder.next = null;
            Thread thread = inOrder.thread;
            inOrder.state(Waiter.GRANTED); // from here on the waiter is its thread's
            Parker.unpark(thread);
            inOrder = following;
        }
    }
}
