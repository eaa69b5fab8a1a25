package org.libtorque.event;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * Counts who is using something that may be closed at any moment: it goes when it is closed and nobody uses it any more, whichever comes last.
 *
 * <p>{@code OPEN(n) -use-> OPEN(n + 1) -done-> OPEN(n) -close-> CLOSED(n) -done-> CLOSED(n - 1)}; who makes it CLOSED(0) calls {@link #unused}.
 */
abstract class UseCount {
    private static final int CLOSED = 1 << 31;

    private final AtomicInteger uses = new AtomicInteger();

    /** Begins a use, which must end with {@link #done}. Returns false if it is closed. Any thread. */
    final boolean use() {
        while (true) {
            int n = uses.get();
            if (n < 0) return false;
            if (uses.compareAndSet(n, n + 1)) return true;
        }
    }

    /** Ends a use. Any thread. */
    final void done() {
        if (uses.decrementAndGet() == CLOSED) unused();
    }

    /** Closes it: nobody begins to use it any more. Returns false if it was closed. Any thread. */
    final boolean close() {
        while (true) {
            int n = uses.get();
            if (n < 0) return false;
            if (!uses.compareAndSet(n, n | CLOSED)) continue;
            if (n == 0) unused();
            return true;
        }
    }

    /** Closes it if nobody uses it, without {@link #unused}: that is the caller's. Returns false if somebody does, or it is closed. Any thread. */
    final boolean closeAlone() { return uses.compareAndSet(0, CLOSED); }

    final boolean isClosed() { return uses.get() < 0; }

    /** It is closed and nobody uses it. Called once, by whoever was the last, on its thread. */
    abstract void unused();
}
