package org.libtorque.event;

import org.libtorque.vcore.Color;

/**
 * A mailbox that any thread sends to and one colour receives from, <em>queued</em>: each payload is one call of the handler, in the order of one sender's sending. It holds so many that
 * were not handled yet and refuses more; nothing that was taken is lost unless the mailbox is closed. Sending neither blocks nor allocates.
 *
 * @param <T> of the payloads
 */
public final class Mailbox<T> extends UserSourceRegistration {
    /** The largest capacity. */
    public static final int MAX_CAPACITY = BoundedQueue.MAX_CAPACITY;

    private final Source<T> source;

    Mailbox(int capacity, Color color, PayloadHandler<? super T> handler) { this(new Source<>(capacity, color, handler)); }

    private Mailbox(Source<T> source) {
        super(source);
        this.source = source;
    }

    /**
     * Sends a payload.
     *
     * @param payload not null
     * @return false if the mailbox is full or closed: it was not taken
     */
    public boolean offer(T payload) {
        if (payload == null) throw new NullPointerException("a payload");
        if (!source.isOpen() || !source.queue.offer(payload)) return false;
        source.wake();
        return true;
    }

    /** Returns how many payloads it holds at most: as many as were asked for, rounded up to a power of two. */
    public int capacity() { return source.queue.capacity(); }

    private static final class Source<T> extends UserSource {
        private static final int BUDGET = 64;

        private final PayloadHandler<? super T> handler;
        private final BoundedQueue<T> queue;

        Source(int capacity, Color color, PayloadHandler<? super T> handler) {
            super(color);
            this.queue = new BoundedQueue<>(capacity);
            this.handler = handler;
        }

        @Override protected void run() throws Exception {
            takeReady();
            for (int budget = BUDGET; budget > 0; budget--) {
                if (!isOpen() || RingPort.holds(handler, this)) return;
                T payload = queue.poll();
                if (payload == null) return; // whoever is just about to fill the next place signals after that
                handler.onPayload(payload);
            }
            if (isOpen()) wake(); // behind the other colours
        }

        @Override public String toString() { return "Registration[mailbox of " + queue.capacity() + "]"; }
    }
}
