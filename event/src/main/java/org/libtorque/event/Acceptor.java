package org.libtorque.event;

import java.util.Objects;
import org.libtorque.sys.Errno;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Files;
import org.libtorque.sys.Sockets;
import org.libtorque.vcore.AcceptSource;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.EventQueue;
import org.libtorque.vcore.Roster;
import org.libtorque.vcore.Timer;
import org.libtorque.vcore.Vcore;

/**
 * One vcore's part of a {@link Listener}.
 *
 * <p>Being out of descriptors is an ordinary state: accepting pauses, which is said once for all vcores ({@link Exhaustion}), and goes on when a
 * connection of this vcore ends or a tenth of a second has passed, since others may give descriptors back too. Meanwhile connections wait in the kernel's
 * backlog. Retrying at once, which edge triggering forbids anyway, would only spin.
 *
 * <p>Its seat is the vcore that it was made for. While that is parked it accepts on another one, and what it accepts is served there.
 */
final class Acceptor extends AcceptSource {
    /** Connections taken per turn, before other colours get theirs. */
    private static final int ACCEPT_BUDGET = 64;
    private static final long RETRY_NANOS = 100_000_000;
    /** How long accepting must have gone well before running out is news again: at the limit, every connection that ends lets one in. */
    private static final long QUIET_NANOS = 1_000_000_000;

    /** Of the home. */
    private Loop loop;
    /** The vcore that it is for. */
    private final Vcore seat;
    private final Roster roster;
    private final Listener listener;
    private final ListenOptions options;
    private final ConnectionHandler handler;
    private final long idleNanos;
    private boolean started;
    private boolean stopped;
    private boolean paused;
    /** Something was used up, and the backlog has not been empty since. */
    private boolean exhausted;
    private long lastExhaustion;
    /** Whether the timer was running when it left a vcore. */
    private boolean retries;

    private final LoopSource membership = new LoopSource() {
        @Override void drain() {
            listener.drained();
            stop();
        }

        @Override void endNow() { stop(); }

        @Override void descriptorFreed() {
            if (paused) signal(READABLE);
        }
    };

    private final Timer retry = new Timer() {
        @Override protected void onExpiry(long nowNanos) { signal(READABLE); }
    };

    Acceptor(Loop loop, int fd, Listener listener, ListenOptions options, ConnectionHandler handler, Roster roster) {
        super(roster.newColorAt(options.placement(), loop.vcore), fd);
        this.roster = roster;
        this.loop = loop;
        this.seat = loop.vcore;
        this.listener = listener;
        this.options = options;
        this.handler = handler;
        this.idleNanos = options.idleTimeout().toNanos();
    }

    void start() {
        if (stopped) return;
        int result = loop.queue.listen(this);
        if (result < 0) {
            stopped = true;
            Files.close(loop.errno, fd());
            loop.vcore.reportFailure(listener, IoErrors.ofRegistration(result, fd()));
            return;
        }
        started = true;
        loop.add(membership);
        seat.seat(color());
        if (loop.draining()) stop();
    }

    // ---- moving

    @Override protected boolean canMove() { return started && !stopped; }

    @Override protected void depart() {
        retries = loop.vcore.timers().cancel(retry);
        loop.remove(membership);
        super.depart();
    }

    @Override protected void arrive() {
        loop = Loop.of(color().home());
        if (!loop.attach(this, membership, listener)) {
            stop();
            return;
        }
        if (retries) loop.vcore.timers().schedule(retry, retry.deadlineNanos());
        if (loop.draining()) stop();
    }

    @Override protected void run() {
        takeReady();
        if (stopped) return;
        paused = false;
        for (int budget = ACCEPT_BUDGET; budget > 0; budget--) {
            if (options.maxConnections() > 0 && listener.connections() >= options.maxConnections()) {
                pause(); // connections on other vcores count too, so the timer looks again
                return;
            }
            if (listener.isHeld()) {
                pause();
                return;
            }
            int fd = loop.queue.accept(this);
            if (fd >= 0) {
                serve(fd);
            } else if (fd == EventQueue.WOULD_BLOCK) {
                if (exhausted) noticeRecovery();
                return;
            } else {
                refused(-fd);
                if (paused) return;
            }
        }
        signal(READABLE);
    }

    /** The backlog is empty: if that has been so for a while, running out is over; else looks again when it would be. */
    private void noticeRecovery() {
        if (loop.vcore.now() - lastExhaustion >= QUIET_NANOS) {
            exhausted = false;
            listener.exhaustion().isOver();
        } else {
            loop.vcore.timers().schedule(retry, lastExhaustion + QUIET_NANOS);
        }
    }

    private void serve(int fd) {
        if (loop.over()) {
            Files.close(loop.errno, fd);
            return;
        }
        listener.connectionCounter().incrementAndGet();
        if (options.colors() == null) {
            serve(loop, roster.newColorAt(options.placement(), loop.vcore), fd);
            return;
        }
        Color color;
        try {
            color = Objects.requireNonNull(options.colors().get(), "a connection's colour");
        } catch (Throwable cause) { // costs this connection, and no other
            drop(fd);
            loop.vcore.reportFailure(listener, cause);
            return;
        }
        boolean posted = new HomeTask(color) {
            @Override protected void run() {
                Loop at = Loop.current();
                if (at.over()) drop(fd);
                else serve(at, color(), fd);
            }

            @Override protected void dropped() { drop(fd); }
        }.postSurely();
        if (!posted) drop(fd);
    }

    private void serve(Loop at, Color color, int fd) {
        StreamConnection connection = new StreamConnection(at, color, fd);
        connection.countedBy(listener.connectionCounter());
        connection.openAccepted(handler, idleNanos);
    }

    private void drop(int fd) {
        listener.connectionCounter().decrementAndGet();
        Files.close(ErrnoSlot.current(), fd);
    }

    private void refused(int errno) {
        switch (errno) {
            // Out of descriptors (of the process, of the system) or of memory: others must give something back first.
            case Errno.EMFILE, Errno.ENFILE, Errno.ENOBUFS, Errno.ENOMEM -> {
                lastExhaustion = loop.vcore.now();
                if (!exhausted) {
                    exhausted = true;
                    listener.exhaustion().begins(errno);
                }
                pause();
            }
            // The connection broke before it was accepted (accept(2): treat network errors like EAGAIN), or a firewall forbids it.
            case Errno.ECONNABORTED, Errno.ENETDOWN, Errno.EPROTO, Errno.ENOPROTOOPT, Errno.EHOSTDOWN, Errno.ENONET, Errno.EHOSTUNREACH,
                 Errno.EOPNOTSUPP, Errno.ENETUNREACH, Errno.EPERM, Errno.EINTR -> { }
            default -> {
                loop.vcore.reportFailure(listener, IoErrors.of(-errno, "accept4", "fd={}", fd()));
                pause();
            }
        }
    }

    private void pause() {
        paused = true;
        loop.vcore.timers().schedule(retry, loop.vcore.now() + RETRY_NANOS);
    }

    /** Its vcore has ended before it was started there. Any thread, once. */
    void neverStarted() {
        stopped = true;
        Files.close(ErrnoSlot.current(), fd());
    }

    /** The listener is not held any more. */
    void goOn() {
        if (started && !stopped && paused) signal(READABLE);
    }

    void stop() {
        if (stopped) return;
        stopped = true;
        if (!started) {
            Files.close(loop.errno, fd());
            return;
        }
        loop.vcore.timers().cancel(retry);
        loop.remove(membership);
        seat.unseat(color());
        // What the kernel has completed for this socket would be reset by closing it: those clients were promised a server.
        for (int fd; (fd = loop.queue.accept(this)) >= 0; ) serve(fd); // taken by the queue
        for (int fd; (fd = acceptDirectly()) >= 0 || fd == -Errno.ECONNABORTED || fd == -Errno.EINTR; ) {
            if (fd >= 0) serve(fd);
        }
        loop.queue.close(this, false);
    }

    private int acceptDirectly() {
        return Sockets.accept4(loop.errno, fd(), 0, 0, Sockets.SOCK_NONBLOCK | Sockets.SOCK_CLOEXEC);
    }

    @Override protected void acceptedLate(int fd) { serve(fd); }

    @Override public String toString() { return listener + " on " + loop.vcore; }
}
