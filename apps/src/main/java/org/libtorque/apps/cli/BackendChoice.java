package org.libtorque.apps.cli;

/** Which event queue the user asks for; {@code AUTO} leaves the choice to the probe at start. */
public enum BackendChoice {
    /** The best one that a probe of the running kernel accepts. */
    AUTO("auto"),
    /** epoll(7), edge-triggered. */
    EPOLL("epoll"),
    /** io_uring(7). */
    IO_URING("io_uring");

    private final String label;

    BackendChoice(String label) {
        this.label = label;
    }

    /** The name as users type it. */
    @Override
    public String toString() {
        return label;
    }
}
