package org.libtorque.vcore;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.libtorque.sys.Handles;

/**
 * Something that events come from: a descriptor registered with one vcore's {@link EventQueue}. It is the task that
 * handles its own events: the queue {@linkplain #signal notes} what happened and makes it ready, and its colour's turn
 * runs it.
 *
 * <p><b>Who touches it.</b> <em>Home</em> is the thread of the vcore whose queue the source is registered with; it harvests events and changes the
 * registration. The <em>runner</em> is the thread that runs the source's colour at the moment, and handles what was harvested. Often they are the
 * same. They meet in {@link #signal} and {@link #takeReady}, which are atomic; the rest of a source belongs to the runner, and goes from one runner
 * to the next with the colour (happens-before is the colour's duty), except what is marked as the event queue's.
 *
 * <p>{@code unregistered -open, listen, watch-> registered -detach-> … -detached()-> detached -attach-> registered …; registered or detached
 * -close-> closed}. The descriptor belongs to the source from registration to {@link EventQueue#close}.
 */
public abstract class EventSource extends Resident {
    /** There may be data, or an end or error, to receive or accept. */
    public static final int READABLE = 1;
    /** There may be room to send. */
    public static final int WRITABLE = 2;
    /** The peer has closed both directions, or the descriptor is in an error state. */
    public static final int HANG_UP = 4;
    /** There is something exceptional: a pressure trigger has fired, a TCP socket has out-of-band data, a file of kernel counters has changed. Only of watched descriptors. */
    public static final int PRIORITY = 1 << 14;
    /**
     * A send has ended whose outcome was {@linkplain StreamSource#takeSent put down}. Bits between {@link #PRIORITY} and {@link #HANG_UP} are the subclass's own.
     */
    public static final int SENT = 1 << 30;

    private static final VarHandle READY = Handles.field(MethodHandles.lookup(), "ready", int.class);

    private int fd;
    private int slot = -1;
    private EventQueue home;
    /** What a queue wrote down of the registration when it detached the source, for the queue that attaches it. */
    private int carried;
    /**
     * What has happened and was not taken; accessed through {@link #READY} alone. Not 0 exactly while the source is queued as a task or somebody is
     * about to queue it: who changes it from 0 queues the task, and the task's run takes everything.
     */
    @SuppressWarnings("unused")
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

    /** Returns the queue that this source is registered with, or null. Runner and home. */
    public final EventQueue home() { return home; }

    /** Enters a slot of an event queue's table. For event queues. */
    public final void bind(EventQueue queue, int newSlot) {
        home = queue;
        slot = newSlot;
        settle();
    }

    /** Leaves the event queue; the descriptor stays this source's. For event queues. */
    public final void leave() {
        home = null;
        slot = -1;
    }

    /** Leaves the event queue; the descriptor is not this source's any more. For event queues. */
    public final void unbind() {
        leave();
        fd = -1;
        unsettle();
    }

    /** Returns what {@link #carry} was last given. For event queues. */
    public final int carried() { return carried; }

    /** Writes down what the queue that attaches this source must know. For event queues. */
    public final void carry(int registration) { carried = registration; }

    /**
     * Tells that {@link EventQueue#detach} is complete: no queue knows this source, nothing more will be signalled, and it may be attached to
     * another queue, or closed. Called on the thread of the queue that has let go of it, while that harvests or before {@code detach} returns; must
     * be brief. The default goes on with the move of the colour, if that is what it was detached for.
     */
    protected void detached() {
        if (color().movingTo != null) departed();
    }

    /** Calls {@link #detached}. For event queues. */
    public final void deliverDetached() { detached(); }

    /**
     * Tells whether the kernel has whoever closes the descriptor wait, as for an inotify instance. Then queues leave that to {@link #closeElsewhere}. Always the same for a source; the
     * default is false.
     */
    protected boolean waitsWhenClosed() { return false; }

    /** Has another thread close the descriptor, which {@link #fd} does not tell any more. Home; called once, when nothing of the queue's holds the file; must be brief. */
    protected void closeElsewhere() { throw new UnsupportedOperationException(toString()); }

    /** Calls {@link #closeElsewhere}. For event queues. */
    public final void deliverClosing() { closeElsewhere(); }

    /** Calls {@link #waitsWhenClosed}. For event queues. */
    public final boolean isClosedElsewhere() { return waitsWhenClosed(); }

    /**
     * {@inheritDoc} The default detaches the source; {@link #detached} follows.
     *
     * @throws IllegalStateException if it is registered with no queue
     */
    @Override protected void depart() {
        if (home == null || !home.detach(this)) throw new IllegalStateException(this + " is not registered");
    }

    /**
     * Notes that {@code bits} happened and makes this source ready to run, unless it is already. For home's event queue and for the runner: a
     * source that stops before all is taken signals itself.
     *
     * @param bits not 0
     */
    public final void signal(int bits) {
        assert bits != 0;
        // Whoever finds something there leaves the rest to the one who found nothing. What the bits speak of was written before, and is
        // visible to the run that takes them.
        if ((int) READY.getAndBitwiseOr(this, bits) == 0) Vcore.postUnmarked(this, Integer.MAX_VALUE);
    }

    /** Tells whether something has been signalled that no run has taken yet. */
    protected final boolean isSignalled() { return (int) READY.getOpaque(this) != 0; }

    /** Returns what has been signalled since the last call, and forgets it. To be called by every run, or nothing is signalled ever after. */
    protected final int takeReady() { return (int) READY.getAndSet(this, 0); }
}
