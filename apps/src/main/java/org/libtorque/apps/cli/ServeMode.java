package org.libtorque.apps.cli;

/** In what {@code torque serve} serves connections. */
public enum ServeMode {
    /** Callbacks. */
    EVENT("event"),
    /** A user-level thread for each connection. */
    THREAD("thread"),
    /** Pools of user-level threads, one pool for each CPU, which serve the requests of a connection together. */
    KWEB("kweb"),
    /** A platform thread for each connection. */
    OS("os");

    private final String label;

    ServeMode(String label) { this.label = label; }

    /** The name as users type it. */
    @Override public String toString() { return label; }
}
