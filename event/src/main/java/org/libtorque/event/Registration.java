package org.libtorque.event;

import org.libtorque.vcore.Color;

/**
 * Something registered with the runtime: a listener, a timer, a watched descriptor, a signal, a process, a path.
 *
 * <p><b>Registering.</b> Any thread may. What the caller did wrong, and what the kernel refuses then and there, is thrown by the call. Events come to the handler as tasks of the
 * registration's {@linkplain #color colour}, in the order in which the kernel or their sender had them, each once.
 *
 * <p><b>Cancelling.</b> {@link #close}, from any thread at any moment. Called under the registration's colour, its own callback included, nothing comes after it. Called elsewhere, a
 * callback that was about to begin or has begun comes to its end, and nothing comes after that: what must be sure of it posts a task to the colour. Descriptors are given back
 * soon after, by the vcore that has them. What is open when the runtime stops ends with it, without a callback.
 *
 * <p><b>Errors.</b> What a handler throws goes to the runtime's failure handler, with the registration as the place, and the registration lives on; except that of a {@link Watch}, which
 * ends, since nobody would be told again of what the handler has left. When a source fails itself, so that no event can come any more, the failure handler is told
 * too and the registration has ended ({@link #isOpen} is false).
 */
public interface Registration extends AutoCloseable {
    /** Ends it. Any thread, at any moment, also inside its own callback; a second call does nothing. */
    @Override void close();

    /** Tells whether it has not ended. Any thread. */
    boolean isOpen();

    /** Returns what callbacks are serialised with; null if it has several colours, as a listener has. Any thread. */
    default Color color() { return null; }
}
