package org.libtorque.event;

/** Something registered with the runtime: a listener, a timer, a watched descriptor. */
public interface Registration extends AutoCloseable {
    /** Ends it. Any thread, at any moment, also inside its own callback; a second call does nothing. */
    @Override void close();

    /** Tells whether it has not ended. Any thread. */
    boolean isOpen();
}
