package org.libtorque.event;

import java.util.concurrent.atomic.AtomicLong;
import org.libtorque.vcore.Color;

/**
 * A counter that any thread adds to and one colour hears of, <em>counting</em>: the handler is told how much was added since it was called last. What was added is told once, unless the
 * counter is closed before. Adding neither blocks nor allocates; it is bounded by the numbers there are.
 */
public final class EventCounter extends UserSourceRegistration {
    private final Source source;

    EventCounter(Color color, CountHandler handler) { this(new Source(color, handler)); }

    private EventCounter(Source source) {
        super(source);
        this.source = source;
    }

    /** Adds one. Returns false if the counter is closed, and nothing will come of this. */
    public boolean increment() { return add(1); }

    /**
     * Adds to the counter.
     *
     * @param amount above 0
     * @return false if it is closed, and nothing will come of this
     * @throws ArithmeticException if what was not told yet does not fit into a long
     */
    public boolean add(long amount) {
        if (amount <= 0) throw new IllegalArgumentException("above 0, not " + amount);
        if (!source.isOpen()) return false;
        long before;
        do before = source.count.get();
        while (!source.count.compareAndSet(before, Math.addExact(before, amount)));
        if (before == 0) source.wake(); // else somebody has, and the run is still to come
        return true;
    }

    private static final class Source extends UserSource {
        private final CountHandler handler;
        private final AtomicLong count = new AtomicLong();

        Source(Color color, CountHandler handler) {
            super(color);
            this.handler = handler;
        }

        @Override protected void run() throws Exception {
            takeReady();
            if (!isOpen() || RingPort.holds(handler, this)) return;
            long counted = count.getAndSet(0);
            if (counted > 0) handler.onCount(counted);
        }

        @Override public String toString() { return "Registration[counter]"; }
    }
}
