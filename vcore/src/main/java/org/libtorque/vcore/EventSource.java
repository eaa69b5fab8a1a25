package org.libtorque.vcore;

/**
 * Something that events come from: a descriptor registered with one vcore's {@link EventQueue}. It is the task that
 * handles its own events: the queue {@linkplain #signal notes} what happened and makes it ready, and its colour's turn
 * runs it.
 *
 * <p>Owned by its vcore's thread. The descriptor belongs to the source from registration to {@link EventQueue#close}.
 */
public abstract class EventSource extends Resident {
    /** There may be data, or an end or error, to receive or accept. */
    public static final int READABLE = 1;
    /** There may be room to send. */
    public static final int WRITABLE = 2;
    /** The peer has closed both directions, or the descriptor is in an error state. */
    public static final int HANG_UP = 4;

    private int fd;
    private int slot = -1;
    private int ready;

    /**
     * @param color what this source's events are serialised with
     * @param fd    the descriptor, non-blocking
     */
    protected EventSource(Color color, int fd) {
        super(color);
        this.fd = fd;
        atHome = true;
    }

    /** Returns the descriptor, or -1 once closed. */
    public final int fd() { return fd; }

    /** Returns the index in the event queue's table, or -1 while unregistered. For event queues. */
    public final int slot() { return slot; }

    /** Enters a slot of the event queue's table. For event queues. */
    public final void bind(int slot) {
        this.slot = slot;
        if (slot >= 0) settle();
    }

    /** Leaves the event queue; the descriptor is not this source's any more. For event queues. */
    public final void unbind() {
        slot = -1;
        fd = -1;
        unsettle();
    }

    /** Notes that {@code bits} happened and makes this source ready to run. For event queues. */
    public final void signal(int bits) {
        ready |= bits;
        postSurely();
    }

    /** Returns what has been signalled since the last call, and forgets it. */
    protected final int takeReady() {
        int bits = ready;
        ready = 0;
        return bits;
    }
}
