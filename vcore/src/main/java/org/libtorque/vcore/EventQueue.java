package org.libtorque.vcore;

/**
 * The event queue of one vcore (the thesis's <em>efd</em>): where the kernel reports, and through which the vcore's sources
 * receive, send and accept. Two implementations, over epoll(7) and io_uring(7), behave alike for those who use them:
 *
 * <ul>
 * <li>A source is told once that something may be there ({@link EventSource#signal}) and must then take all of it: it
 *     calls {@link #receive} or {@link #accept} until {@link #WOULD_BLOCK}, or comes back by itself later. Nothing
 *     signals a second time for what was there already (edge triggering).
 * <li>{@link #receive} gives data in the queue's <em>input block</em>; the source reads it there and then either leaves
 *     it ({@link #leaveInput}, the block is used again) or keeps it ({@link #keepInput}, the block becomes the source's
 *     to give back to the pool). With epoll the block was filled by recv(2) just then; with io_uring the kernel
 *     filled it earlier.
 * <li>{@link #send} either sends at once and says how much, or takes the bytes and says {@link #PENDING}: then they must
 *     stay where they are until {@link StreamSource#sent}, and no second send may be made meanwhile.
 * </ul>
 *
 * <p><b>Threads.</b> A queue's methods are called by the thread of the vcore that owns it, except {@link #wake} and
 * {@link #harvestBy}. Which queue is called for a source
 * is said with each method. <em>Home</em>: the queue that the source is registered with, by its own thread, while that runs the source's colour.
 * <em>Runner</em>: the queue of whatever vcore runs the source's colour at the moment; the source may be registered with another queue of the same
 * runtime, whose thread may be harvesting meanwhile. Receiving and sending are the runner's; what is registered, and what is to be reported, is
 * home's. One colour has one runner at a time, and each sees what the one before has done: that is the scheduler's duty.
 *
 * <p><b>Moving.</b> {@link #detach} takes a source out of its queue and {@link #attach} puts it into another, with everything that was asked for.
 * Not a byte and no event is lost on the way or comes out of order.
 *
 * <p>No method allocates on the Java heap in steady state; opening, detaching and attaching are not steady. Outcomes are values: a negated errno
 * where something failed.
 */
public abstract class EventQueue implements AutoCloseable {
    /** Nothing there now: {@code -EAGAIN}. The source will be signalled. */
    public static final int WOULD_BLOCK = -11;
    /** No buffer to receive into: {@code -ENOBUFS}. The source must come back by itself. */
    public static final int NO_BUFFERS = -105;
    /** {@link #send} has taken the bytes and will call {@link StreamSource#sent}. */
    public static final int PENDING = Integer.MIN_VALUE;

    /** Address of the first byte that {@link #receive} has just delivered. */
    protected long inputAddress;

    /** For implementations. */
    protected EventQueue() {}

    /** Returns the backend's name, {@code epoll} or {@code io_uring}. */
    public abstract String name();

    /**
     * Takes events from the kernel and signals their sources.
     *
     * @param window       how many events to take at most, at least 1
     * @param timeoutNanos how long to wait for the first, to tens of microseconds: 0 polls, {@link Long#MAX_VALUE} waits without limit. A long wait may end up to 0.2 % early
     * @return events taken, 0 on timeout, signal or wake-up
     */
    public abstract int harvest(int window, long timeoutNanos);

    /**
     * Takes events for the owner of this queue, who has not come for them for long, and signals their sources, on the thread of another vcore of the same runtime. Does not wait, neither for
     * events nor for the owner.
     *
     * @param helper the queue of the calling thread's vcore, of the same kind
     * @param window how many events to take at most, at least 1
     * @return events taken; 0 also if the owner is harvesting. One that waits for events may be helped
     * @throws UnsupportedOperationException if nobody but the owner can: {@link #othersMayHarvest}
     */
    public int harvestBy(EventQueue helper, int window) { throw new UnsupportedOperationException(name()); }

    /** Tells whether {@link #harvestBy} is possible. Any thread. The default says no. */
    public boolean othersMayHarvest() { return false; }

    /** Tells whether the last {@link #harvest} took all that the kernel had to report, and not just its window's worth. */
    public abstract boolean caughtUp();

    /** Tells whether the queue itself has something to do before the vcore may block. */
    public abstract boolean hasDeferredWork();

    /** Makes a waiting or the next {@link #harvest} return. Any thread; one system call. */
    public abstract void wake();

    /** Home-to-be. Starts receiving from a connected stream. Returns 0 or a negated errno; then the source is not registered. */
    public abstract int openStream(StreamSource source);

    /** Home-to-be. Registers a stream whose connect(2) is under way; it is signalled {@code WRITABLE} when that has ended. */
    public abstract int openConnecting(StreamSource source);

    /** Home. Starts receiving on a stream opened by {@link #openConnecting}. Returns 0 or a negated errno. */
    public abstract int connected(StreamSource source);

    /**
     * Runner. Receives into the queue's input block, at {@link #inputAddress()}. Must be followed by {@link #leaveInput} or
     * {@link #keepInput} before anything else is received, if the result is positive.
     *
     * @return bytes received, 0 at the end of the stream, {@link #WOULD_BLOCK}, {@link #NO_BUFFERS}, or a negated errno
     */
    public abstract int receive(StreamSource source);

    /**
     * Runner. Receives into memory of the source.
     *
     * @param capacity bytes of room, at least 1
     * @return as {@link #receive(StreamSource)}
     */
    public abstract int receive(StreamSource source, long address, int capacity);

    /** Runner. Returns where {@link #receive(StreamSource)} put the data. */
    public final long inputAddress() { return inputAddress; }

    /** Runner. Is done with what {@link #receive(StreamSource)} delivered. */
    public abstract void leaveInput(StreamSource source);

    /**
     * Runner. Keeps what {@link #receive(StreamSource)} delivered.
     *
     * @return the block in which {@link #inputAddress()} lies, not always at its beginning: part of it may have been received before. Now the
     *         caller's, to be released to the pool that it is of, which need not be the runner's
     *         ({@link org.libtorque.memory.BlockPool#releaseAnywhere})
     */
    public abstract long keepInput(StreamSource source);

    /**
     * Home. Asks not to be signalled {@code READABLE} (true), or to be again (false). Data that was taken from the kernel already
     * stays to be received. After resuming, the source must call {@link #receive} by itself.
     */
    public abstract void pauseReceiving(StreamSource source, boolean paused);

    /**
     * Runner. Sends bytes.
     *
     * @param length at least 1
     * @return bytes sent, {@link #PENDING} (only at home), {@link #WOULD_BLOCK} (at home the source is signalled {@code WRITABLE} when there is room;
     *         anywhere else it must go home and ask for that: {@link #awaitWritable}), or a negated errno
     */
    public abstract int send(StreamSource source, long address, int length);

    /** Home. Asks for {@code WRITABLE} once there is room to send; for bytes that go by other ways than {@link #send}. */
    public abstract void awaitWritable(EventSource source);

    /**
     * Home. Asks for {@code HANG_UP} also while receiving is paused: what has no operation in flight does not hear of a reset by itself. Asking again
     * changes nothing.
     */
    public abstract void awaitHangUp(StreamSource source);

    /** Home-to-be. Starts accepting. Returns 0 or a negated errno; then the source is not registered. */
    public abstract int listen(AcceptSource source);

    /**
     * Home. Accepts a connection as a non-blocking close-on-exec descriptor.
     *
     * @return the descriptor, {@link #WOULD_BLOCK}, or a negated errno; after any errno but {@code EAGAIN} the source must come back
     *         by itself
     */
    public abstract int accept(AcceptSource source);

    /**
     * Home, or home-to-be. Watches any pollable descriptor, edge-triggered, with {@code READABLE}, {@code WRITABLE} and {@code PRIORITY} as interest; {@code HANG_UP} is always reported. May be called
     * again to change the interest.
     *
     * @return 0 or a negated errno; {@code -EPERM} means that the descriptor cannot be polled, as regular files cannot
     */
    public abstract int watch(EventSource source, int interest);

    /**
     * Home. Takes a source out of this queue, to be attached to another: what was in flight is cancelled, and {@link EventSource#detached} is
     * called when the kernel has let go of all of it, at a later harvest or before this returns. A pending send comes to its end first ({@link
     * StreamSource#sent}, with {@code -EAGAIN} if nothing was sent). Data and connections that the kernel hands over meanwhile are kept with the
     * source, to be received and accepted after it was attached again; events are signalled. From this call to {@code detached} nothing may be
     * asked of the queue for the source but {@link #close(EventSource, boolean)}, which wins: then {@code detached} is not called.
     *
     * @return false if the source is not registered here, for example closed: nothing will be called
     */
    public abstract boolean detach(EventSource source);

    /**
     * Home-to-be. Registers a source that is detached, as it was: receiving or paused, connecting, accepting, watched with its interest, waiting
     * for room to send or for a hang-up. What happened in between is signalled.
     *
     * @return 0 or a negated errno ({@code -ENOSPC}, {@code -ENOMEM}: the kernel's limits for watching descriptors); then the source is still
     *         detached, and may be attached elsewhere or closed
     */
    public abstract int attach(EventSource source);

    /**
     * Home; for a source that is detached, any queue, by whoever runs its colour. Ends a registration and closes the descriptor, unless
     * {@code keepDescriptor}. Nothing is signalled afterwards; what was before, and no run has taken, still has its run, which finds {@link EventSource#slot} at -1. A pending send
     * is cancelled, and {@link StreamSource#sent} is called for it at a later harvest, when its memory is free again. Without one pending, no method of the source is called any more
     * by its queue but {@link EventSource#closeElsewhere}, now or at a later harvest.
     */
    public abstract void close(EventSource source, boolean keepDescriptor);

    /**
     * Runner. Tells whether {@link #submit} takes calls of this kind. The default takes none: whoever has one then needs a thread that may wait.
     */
    public boolean takes(FileCall.Kind kind) { return false; }

    /**
     * Runner. Has the kernel carry out a call on a file, from the next harvest on, without holding this vcore. {@link FileCall#completed} is called on this thread at a later
     * harvest, whatever becomes of this queue's vcore and of who submitted it; until then this queue counts it as a source. Calls have no order among each other.
     */
    public void submit(FileCall call) { throw new UnsupportedOperationException(name() + " takes no " + call.kind()); }

    /** Owner. Asks the kernel to end a call early that was submitted here. It completes in any case, with {@code -ECANCELED} or with its outcome. */
    public void cancel(FileCall call) {}

    /**
     * Owner. Makes memory known to the kernel under a number, from 0 to 63, unless it is: calls on it are cheaper then. Where the kernel will not, nothing is lost.
     */
    public void register(int number, long address, long lengthBytes) {}

    /** Owner. Takes back {@link #register}; no call on that memory may be in flight. */
    public void unregister(int number) {}

    /**
     * Home. Shows all sources that are registered here; such as are just being detached or have been closed may be among them. The default shows none: sources of a
     * queue that does not tell of them stay when the vcore is parked, until they have something to do. May allocate.
     */
    public void forEachSource(java.util.function.Consumer<EventSource> action) {}

    /** Tells how many sources are registered and calls on files are in flight, those included that have been closed but are still known to the kernel. */
    public abstract int sourceCount();

    /**
     * Gives everything back to the kernel. No source may be registered any more, and no vcore may hold data that was received here: queues of a
     * runtime are closed when all its vcores have stopped.
     */
    @Override public abstract void close();
}
