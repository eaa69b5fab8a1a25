package org.libtorque.event;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.libtorque.sys.Handles;
import org.libtorque.vcore.Color;

/**
 * A condition that any thread signals and one colour hears of, <em>coalescing</em>: however often it was signalled since the last call of the handler, the next call is one, with the
 * latest payload. After each signal there is a call, with its payload or a later one, unless the condition is closed before. Signalling neither blocks nor allocates, and
 * cannot be too much.
 *
 * @param <T> of the payload
 */
public final class Condition<T> extends UserSourceRegistration {
    private final Source<T> source;

    Condition(Color color, PayloadHandler<? super T> handler) { this(new Source<>(color, handler)); }

    private Condition(Source<T> source) {
        super(source);
        this.source = source;
    }

    /**
     * Signals it.
     *
     * @param payload for the handler; may be null
     * @return false if it is closed, and nothing will come of this
     */
    public boolean signal(T payload) {
        if (!source.isOpen()) return false;
        Source.PAYLOAD.setVolatile(source, payload);
        source.wake();
        return true;
    }

    /** As {@link #signal(Object)}, without a payload. */
    public boolean signal() { return signal(null); }

    private static final class Source<T> extends UserSource {
        private static final Object NONE = new Object();
        private static final VarHandle PAYLOAD = Handles.field(MethodHandles.lookup(), "payload", Object.class);

        private final PayloadHandler<? super T> handler;
        /** What was signalled last and not told; written by whoever signals, taken under the colour. */
        @SuppressWarnings("unused") private Object payload = NONE;

        Source(Color color, PayloadHandler<? super T> handler) {
            super(color);
            this.handler = handler;
        }

        @SuppressWarnings("unchecked")
        @Override protected void run() throws Exception {
            takeReady(); // first: who signals after this has it run again
            if (!isOpen() || RingPort.holds(handler, this)) return;
            Object value = PAYLOAD.getAndSet(this, NONE);
            if (value != NONE) handler.onPayload((T) value); // else it was told with the run before
        }

        @Override public String toString() { return "Registration[condition]"; }
    }
}
