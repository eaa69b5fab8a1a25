package org.libtorque.event;

import java.util.concurrent.ConcurrentHashMap;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.EventSource;
import org.libtorque.vcore.Vcore;

/**
 * A descriptor of the program's own that is watched for readiness, edge-triggered. The descriptor stays the program's; end the watch before closing it. A runtime watches
 * each descriptor once at a time. When its vcore is parked the watch moves to another one.
 *
 * <p><b>The contract.</b> The handler is called after each change to readiness that the kernel reports, and at the beginning if the descriptor is ready then; never for what has
 * not changed. So it must go on until the kernel says {@code EAGAIN}, or post itself a task to go on later. It may be called when there is nothing, and once for several
 * changes. An end or error is always reported, whatever the interest: as {@link #HANG_UP} together with {@link #READABLE}, for a read tells which it is. An end of the
 * other side's direction alone (a half-closed socket) is {@link #READABLE}. After {@link #HANG_UP} nothing more is to be expected; the watch stays until it is closed.
 */
public final class Watch implements Registration {
    /** There may be something to read, an end or an error included. */
    public static final int READABLE = EventSource.READABLE;
    /** There may be room to write. */
    public static final int WRITABLE = EventSource.WRITABLE;
    /** The other side is gone, or the descriptor is in an error state. */
    public static final int HANG_UP = EventSource.HANG_UP;

    /** There is something exceptional, such as out-of-band data of a TCP socket, or what a file in /proc, /sys or a cgroup reports by {@code POLLPRI}. */
    public static final int PRIORITY = EventSource.PRIORITY;

    private final Source source;
    private volatile boolean open = true;
    /** Somebody has closed it: nobody is called any more, though the descriptor may still be watched. Written by any thread, read by the runner. */
    private volatile boolean silent;

    /** Those of the runtime, by descriptor: this one is in it until it is closed. */
    private final ConcurrentHashMap<Integer, Watch> watches;

    Watch(Loop loop, Color color, int fd, int interest, WatchHandler handler, ConcurrentHashMap<Integer, Watch> watches) {
        this.watches = watches;
        source = new Source(loop, color, fd, interest, handler);
    }

    void start() { source.start(); }

    @Override public Color color() { return source.color(); }

    /** Returns the descriptor. Any thread. */
    public int fd() { return source.descriptor; }

    /** Returns the vcore that calls the handler. Any thread; out of date as soon as it is known. */
    public Vcore vcore() { return source.color().home(); }

    /**
     * Changes what is watched for; readiness that there is already is reported again. On its vcore.
     *
     * @param interest bits of {@link #READABLE}, {@link #WRITABLE} and {@link #PRIORITY}
     */
    public void setInterest(int interest) {
        source.loop.checkCurrent(this);
        checkInterest(interest);
        if (open && !silent) source.change(interest);
    }

    static void checkInterest(int interest) {
        if ((interest & ~(READABLE | WRITABLE | PRIORITY)) != 0 || interest == 0) {
            throw new IllegalArgumentException("interest must be READABLE, WRITABLE, PRIORITY or several of them, not " + interest);
        }
    }

    /**
     * {@inheritDoc} On its vcore the watch has ended when this returns, elsewhere, and while it moves, soon after: the descriptor may be closed once {@link #isOpen}
     * says false.
     */
    @Override public void close() {
        if (!open) return;
        silent = true; // the end may come later: where its thread was handed over, its own callback is not on the vcore any more
        watches.remove(source.descriptor, this);
        if (!source.moving && source.loop.vcore.isCurrent()) {
            source.end();
            return;
        }
        new HomeTask(source.color()) {
            @Override protected void run() { source.end(); }
        }.postSurely();
    }

    @Override public boolean isOpen() { return open; }

    @Override public String toString() { return "Watch[fd=" + source.descriptor + "]"; }

    private final class Source extends EventSource {
        /** Of the home; written before {@link #moving} is taken back. */
        private Loop loop;
        /** Written by the home it leaves and the one it comes to, read by any thread before {@link #loop}. */
        private volatile boolean moving;
        private final int descriptor;
        private final WatchHandler handler;
        private int interest;
        private boolean registered;

        private final LoopSource membership = new LoopSource() {
            @Override void drain() { }

            @Override void endNow() { end(); }
        };

        Source(Loop loop, Color color, int fd, int interest, WatchHandler handler) {
            super(color, fd);
            this.loop = loop;
            this.descriptor = fd;
            this.interest = interest;
            this.handler = handler;
        }

        void start() {
            if (!open) return;
            int result = loop.queue.watch(this, interest);
            if (result < 0) {
                open = false;
                watches.remove(descriptor, Watch.this);
                loop.vcore.reportFailure(Watch.this, IoErrors.ofRegistration(result, descriptor));
                return;
            }
            registered = true;
            loop.add(membership);
        }

        // ---- moving

        @Override protected boolean canMove() { return open && registered; }

        @Override protected void depart() {
            moving = true;
            loop.remove(membership);
            super.depart();
        }

        @Override protected void arrive() {
            loop = Loop.of(color().home());
            moving = false;
            if (!loop.attach(this, membership, Watch.this) || loop.over()) end();
        }

        void change(int newInterest) {
            interest = newInterest;
            if (moving) {
                // Where it comes to it is as it was; then it is changed.
                new HomeTask(color()) {
                    @Override protected void run() { if (open && !silent) change(interest); }
                }.postSurely();
                return;
            }
            int result = loop.queue.watch(this, newInterest);
            if (result < 0) throw org.libtorque.sys.SyscallException.of(result, "epoll_ctl", "op=MOD, fd={}", descriptor);
        }

        void end() {
            if (!open) return;
            watches.remove(descriptor, Watch.this);
            if (registered) {
                loop.remove(membership);
                loop.queue.close(this, true);
            }
            open = false; // last: whoever sees it may close the descriptor
        }

        @Override protected void run() throws Exception {
            int bits = takeReady();
            if (open && !silent && bits != 0) handler.onReady(Watch.this, bits);
        }

        @Override protected void failed(Throwable cause) {
            loop.vcore.reportFailure(Watch.this, cause);
            close();
        }

        @Override public String toString() { return Watch.this.toString(); }
    }
}
