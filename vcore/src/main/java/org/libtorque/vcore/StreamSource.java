package org.libtorque.vcore;

/**
 * A connected byte stream: a TCP or Unix stream socket. Its runner receives and sends through the event queue of the vcore that it runs on,
 * wherever the stream is registered.
 */
public abstract class StreamSource extends EventSource {
    private Object input;
    /** Written before SENT is signalled, read after it was taken. */
    private int sentResult;

    /**
     * @param color what this stream's events are serialised with
     * @param fd    a non-blocking stream socket
     */
    protected StreamSource(Color color, int fd) { super(color, fd); }

    /** Returns what hands received data, or the news of it, from home to the runner. For event queues. */
    public final Object input() { return input; }

    /** Sets what {@link #input} returns; all queues of a runtime are of one kind and understand it. For event queues. */
    public final void setInput(Object newInput) { input = newInput; }

    /**
     * Tells the outcome of an {@link EventQueue#send} that returned {@link EventQueue#PENDING}. Called by the home queue while
     * it harvests: must be brief, must not call user code, and leaves anything more to {@link #run}.
     *
     * @param result bytes sent, at least 1, or a negated errno; {@code -EAGAIN}: nothing was sent, since the stream was being detached, and it is
     *               to be sent again
     */
    public abstract void sent(int result);

    /** Delivers the outcome of a send. For the home's event queue. */
    public final void completeSend(int result) { sent(result); }

    /**
     * Puts the outcome of a send down for the runner and signals {@link #SENT}: the other way to deliver it, while another thread runs
     * this stream's colour and {@link #sent} must not be called.
     */
    protected final void putSent(int result) {
        sentResult = result;
        signal(SENT);
    }

    /** Returns the outcome that {@link #SENT} has announced. For the runner. */
    protected final int takeSent() { return sentResult; }
}
