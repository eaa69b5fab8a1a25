package org.libtorque.vcore;

/** A connected byte stream: a TCP or Unix stream socket. */
public abstract class StreamSource extends EventSource {
    /**
     * @param color what this stream's events are serialised with
     * @param fd    a non-blocking stream socket
     */
    protected StreamSource(Color color, int fd) { super(color, fd); }

    /**
     * Tells the outcome of an {@link EventQueue#send} that returned {@link EventQueue#PENDING}. Called by the queue while
     * it harvests: must be brief, must not call user code, and leaves anything more to {@link #run}.
     *
     * @param result bytes sent, at least 1, or a negated errno
     */
    public abstract void sent(int result);
}
