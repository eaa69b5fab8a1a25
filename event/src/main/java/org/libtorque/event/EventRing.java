package org.libtorque.event;

import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.libtorque.vcore.Vcore;

/**
 * A bounded ring into which any mix of sources delivers events as records, for programs that take them in one place instead of being called back: kevent's unified ring (E. Polyakov,
 * 2006). A source is connected by giving it a {@link #port} in the place of a handler. One thread may take or several; each event is taken once. Events of one source come in their order,
 * and are taken in that order; those of different sources as they come.
 *
 * <p><b>Nothing is lost.</b> While the ring is full, the source's events wait in its port, and the source stops taking more from the kernel; see {@link RingPort}. So what bounds
 * memory is the ring, the ports, and the limits of the kernel for what waits in it, of which sources tell when they are passed ({@link RingEvent.Mark#LOST}).
 *
 * <p><b>At once.</b> What {@link #submit} is given and can be done without waiting is its result, and does not go through the ring.
 *
 * <pre>{@code
 *   port (under its colour)                                   consumer (any thread)
 *   EMPTY   -put succeeds-> EMPTY                             poll some; each frees a cell
 *           -ring is full-> the event waits;                  full fence
 *             QUEUED: the port is in `full`                   take as many ports out of `full`, and post their flush tasks
 *   QUEUED  -a consumer takes it out, flush runs-> FLUSHING   something left?  wake another sleeper
 *   FLUSHING -all are in the ring-> EMPTY, held sources are signalled
 *            -ring is full again-> QUEUED
 * }</pre>
 *
 * <p><b>Who writes, who reads.</b> The cells are the {@link BoundedQueue}'s. {@code full} is a queue of ports, each in it once at most: ports put themselves, consumers take.
 * Everything else of a port belongs to its colour. {@code sleepers} is how consumers sleep. {@code closed} is written once.
 *
 * <p><b>No wake-up is lost,</b> in either direction. A port that has found the ring full puts itself into {@code full}, and after a full fence looks for room again, since the consumer
 * that made room may have looked into {@code full} just before; the consumer frees a cell, and after a full fence looks into {@code full}. One of the two sees the other. Each port that is
 * taken out has at least one event waiting, so if as many are taken out as cells were freed, the ring is full again, or no port waits. The other direction is {@link Sleepers}': every
 * event that was put is followed by a wake-up if anybody sleeps, and who leaves something behind wakes another.
 *
 * <p>Rejected: a lock around a plain queue. A consumer that is preempted while it holds it would stop vcores.
 */
public final class EventRing implements AutoCloseable {
    /** The largest capacity. */
    public static final int MAX_CAPACITY = BoundedQueue.MAX_CAPACITY;

    /** A port, as the ring sees it. */
    interface Waiter {
        /** There may be room. Any thread, once for each time that it was enqueued. Returns false if it needs none any more. */
        boolean resume();
    }

    private final TorqueRuntime runtime;
    private final BoundedQueue<RingEvent> queue;
    /** Ports that have found no room. */
    private final ConcurrentLinkedQueue<Waiter> full = new ConcurrentLinkedQueue<>();
    private final Sleepers sleepers = new Sleepers();
    private volatile boolean closed;

    EventRing(TorqueRuntime runtime, int capacity) {
        this.runtime = runtime;
        this.queue = new BoundedQueue<>(capacity);
    }

    /** Makes a way into this ring, to be given to a source as its handler. Any thread. */
    public RingPort port(Object tag) { return new RingPort(this, tag); }

    /** Returns how many events it holds: as many as were asked for, rounded up to a power of two. */
    public int capacity() { return queue.capacity(); }

    /** Returns how many events are in it, about; those that wait for room are not counted. Any thread. */
    public int size() { return queue.size(); }

    // ---- submitting

    /**
     * Does an operation at once, if it can be done without waiting, or else has its outcome come into the ring. Any thread.
     *
     * @param tag what the event is to be marked with
     * @throws java.io.IOException if the operation cannot be begun
     */
    public Submission submit(Object tag, RingOperation operation) throws java.io.IOException {
        if (closed) throw new IllegalStateException("the ring is closed");
        Object event = operation.tryNow();
        if (event != null) return new Submission(new RingEvent(tag, event, 1), null);
        return new Submission(null, operation.start(runtime, port(tag)));
    }

    // ---- taking

    /**
     * Takes what is there.
     *
     * @param into filled from its beginning
     * @return how many were taken; 0 if there are none
     */
    public int poll(RingEvent[] into) {
        if (into.length == 0) throw new IllegalArgumentException("no room for an event");
        int n = 0;
        for (RingEvent event; n < into.length && (event = queue.poll()) != null; n++) into[n] = event;
        if (n > 0) taken(n);
        return n;
    }

    private void taken(int n) {
        VarHandle.fullFence(); // the cells that are free now before the look into `full`: pairs with enqueue
        resume(n);
        if (!queue.isEmpty()) sleepers.wakeOne();
    }

    /**
     * Takes what is there, and waits while there is nothing. Not on a vcore.
     *
     * @param into filled from its beginning
     * @return how many were taken; 0 only if the ring is closed and empty
     * @throws InterruptedException if interrupted while waiting; nothing was taken
     */
    public int take(RingEvent[] into) throws InterruptedException { return takeFor(into, Long.MAX_VALUE); }

    /**
     * Takes what is there, and waits for a limited time while there is nothing. Not on a vcore.
     *
     * @param into    filled from its beginning
     * @param timeout how long to wait for the first
     * @return how many were taken; 0 when the time is up, or if the ring is closed and empty
     * @throws InterruptedException if interrupted while waiting; nothing was taken
     */
    public int take(RingEvent[] into, Duration timeout) throws InterruptedException {
        return takeFor(into, timeout.compareTo(Duration.ofNanos(Long.MAX_VALUE)) >= 0 ? Long.MAX_VALUE : Math.max(0, timeout.toNanos()));
    }

    private int takeFor(RingEvent[] into, long nanos) throws InterruptedException {
        int n = poll(into);
        if (n > 0 || nanos == 0) return n;
        if (Vcore.current() != null) throw new IllegalStateException("a vcore must not wait; use poll");
        long start = System.nanoTime();
        while (true) {
            sleepers.announce();
            if (closed || !queue.isEmpty()) sleepers.withdraw();
            else sleepers.await(nanos == Long.MAX_VALUE ? nanos : nanos - (System.nanoTime() - start));
            boolean over = closed || nanos != Long.MAX_VALUE && System.nanoTime() - start >= nanos; // before the last look
            n = poll(into);
            if (n > 0 || over) return n;
        }
    }

    // ---- for ports

    /** Puts an event into the ring. Returns false if there is no room, or the ring is closed. Any thread. */
    boolean put(Object tag, Object event, long count) {
        if (closed || !queue.hasRoom() || !queue.offer(new RingEvent(tag, event, count))) return false;
        sleepers.wakeOne();
        return true;
    }

    /** Has a port called when there is room. */
    void enqueue(Waiter port) {
        full.add(port);
        VarHandle.fullFence(); // the port before the look for room: pairs with taken
        if (queue.hasRoom()) resume(1);
    }

    private void resume(int ports) {
        while (ports > 0) {
            Waiter port = full.poll();
            if (port == null) return;
            if (port.resume()) ports--;
        }
    }

    boolean isClosed() { return closed; }

    /** Closes the ring. What is in it can still be taken; what sources bring from now on is dropped, so close them before. Any thread; a second call does nothing. */
    @Override public void close() {
        closed = true;
        runtime.forget(this);
        resume(Integer.MAX_VALUE); // held sources go on, to nowhere
        sleepers.wakeAll();
    }

    @Override public String toString() { return "EventRing[" + queue.size() + " of " + queue.capacity() + "]"; }
}
