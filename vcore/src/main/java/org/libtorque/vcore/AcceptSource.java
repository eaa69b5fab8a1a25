package org.libtorque.vcore;

/** A listening socket. */
public abstract class AcceptSource extends EventSource {
    private int[] accepted = new int[16]; // ring of results that a completion-based queue has taken from the kernel
    private int head;
    private int count;

    /**
     * @param color what accepting is serialised with
     * @param fd    a non-blocking listening socket
     */
    protected AcceptSource(Color color, int fd) { super(color, fd); }

    /** Keeps a descriptor or negated errno until {@link #pollAccepted}. For event queues. */
    public final void pushAccepted(int result) {
        if (count == accepted.length) {
            int[] larger = new int[2 * count];
            for (int i = 0; i < count; i++) larger[i] = accepted[(head + i) % count];
            accepted = larger;
            head = 0;
        }
        accepted[(head + count++) % accepted.length] = result;
    }

    /** Tells how many results are kept. For event queues. */
    public final int acceptedCount() { return count; }

    /** Returns the oldest kept result, or {@code otherwise} if there is none. For event queues. */
    public final int pollAccepted(int otherwise) {
        if (count == 0) return otherwise;
        int result = accepted[head];
        head = (head + 1) % accepted.length;
        count--;
        return result;
    }

    /**
     * Takes a connection that the kernel had accepted before {@link EventQueue#close} took effect. Called by the queue while it
     * harvests; the descriptor becomes this source's.
     *
     * @param fd a non-blocking close-on-exec descriptor
     */
    protected abstract void acceptedLate(int fd);

    /** Hands over a late connection. For event queues. */
    public final void deliverLate(int fd) { acceptedLate(fd); }
}
