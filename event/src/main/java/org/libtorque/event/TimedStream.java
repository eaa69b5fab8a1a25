package org.libtorque.event;

import java.time.Duration;
import org.libtorque.sys.Sockets;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Timer;

/**
 * A stream with limits of time: how long it may be idle, how long its peer may take for what it is sent, and a deadline.
 *
 * <p>There is one timer for all, and it is lazy: it stands at or before the earliest limit, is never put off by what happens, and looks when it goes off ({@link #checkTime})
 * whether anything is over. So each event costs a store, and no work at the wheel. The timer is in the home's wheel; one set elsewhere is put there by the next turn at home.
 *
 * <p>All times are of {@code Vcore.now()}, in nanoseconds; a limit of 0 is none. Touched under the stream's colour alone.
 */
abstract class TimedStream extends RoamingStream {
    private static final long BUFFER_RETRY_NANOS = 5_000_000;

    private final ConnectionTimer timer = new ConnectionTimer(this);
    /** When the timer goes off at the latest, 0 if it does not. The timer itself is the home's. */
    private long timerDue;
    private long lastActivity;
    private long idleNanos;
    private long progressNanos;
    private int progressMinBytes;
    private long progressDeadline;
    private long progressBytes;
    /** Bytes that the peer's kernel had acknowledged when we last asked; -1 if we did not since the last progress that we saw by ourselves. */
    private long acknowledged = -1;
    private long deadline;
    private boolean deadlineSet;
    private boolean progressSet;
    private boolean bufferRetry;

    TimedStream(Loop loop, Color color, int fd) { super(loop, color, fd); }

    private static final class ConnectionTimer extends Timer {
        private final TimedStream stream;

        ConnectionTimer(TimedStream stream) { this.stream = stream; }

        @Override protected void onExpiry(long nowNanos) { stream.signal(TIME); } // the rest happens under the colour
    }

    /** Returns how many bytes wait to be sent. */
    abstract long pendingOutput();

    /** The deadline has passed. */
    abstract void deadlinePassed();

    /** Another limit has. */
    abstract void timedOut(ConnectionTimeoutException cause);

    // ---- what happens

    /** Something has come or gone, or begins: the stream is not idle. {@code now} is the runner's. */
    final void activeAt(long now) { lastActivity = now; }

    /** The kernel has taken bytes. */
    final void tookBytes(long bytes) {
        lastActivity = here().vcore.now();
        if (!progressSet) return;
        progressBytes += bytes;
        if (progressBytes >= progressMinBytes) {
            progressBytes = 0;
            acknowledged = -1;
            progressDeadline = lastActivity + progressNanos; // the timer, if early, looks again
        }
    }

    /** There is output, and it is for the peer to take it: its time runs from now on, if it does not run already. */
    final void outputWaits() {
        if (progressNanos > 0 && !progressSet) {
            progressSet = true;
            progressBytes = 0;
            progressDeadline = here().vcore.now() + progressNanos;
            armTimerAt(progressDeadline);
        }
    }

    /** There is none, or it is not the peer who is slow. */
    final void outputDoesNotWait() { progressSet = false; }

    /** There was no buffer to receive into: tries again in {@value #BUFFER_RETRY_NANOS} ns. */
    final void retrySoon() {
        bufferRetry = true;
        armTimerAt(here().vcore.now() + BUFFER_RETRY_NANOS);
    }

    // ---- limits

    /** How long it may be idle. The timer is set by {@link #armTimer}. */
    final void idleLimit(long nanos) { idleNanos = nanos; }

    final void progressLimit(long nanos, int minBytes) {
        progressNanos = nanos;
        progressMinBytes = minBytes;
        progressSet = false;
    }

    /** Sets or, with 0, takes back the deadline. */
    final void deadlineIn(long nanos) {
        deadlineSet = nanos != 0;
        if (deadlineSet) {
            deadline = here().vcore.now() + nanos;
            armTimerAt(deadline);
        }
    }

    // ---- the timer

    final void armTimer() {
        if (idleNanos > 0) armTimerAt(lastActivity + idleNanos);
    }

    private void armTimerAt(long when) {
        if (timerDue != 0 && timerDue - when <= 0) return; // it stands early enough, and looks again then
        timerDue = when;
        if (isAtHome()) loop.vcore.timers().schedule(timer, when);
        else goHome(FLUSH);
    }

    /** It has gone off. */
    final void timerIsOff() { timerDue = 0; }

    /** At home: puts the timer into the wheel if it was set elsewhere. */
    final void placeTimer() {
        if (timerDue != 0 && !(timer.isScheduled() && timer.deadlineNanos() - timerDue <= 0)) loop.vcore.timers().schedule(timer, timerDue);
    }

    /** At home: takes the timer out of the wheel, to be placed in that of a new home. */
    final void unplaceTimer() { loop.vcore.timers().cancel(timer); }

    /** At home: it will not be needed any more. */
    final void dropTimer() {
        loop.vcore.timers().cancel(timer);
        timerDue = 0;
    }

    /** Looks whether a limit has been passed, and sets the timer for what comes next if none has. */
    final void checkTime() {
        long now = here().vcore.now();
        if (bufferRetry) {
            bufferRetry = false;
            signal(READABLE);
        }
        if (deadlineSet && now - deadline >= 0) {
            deadlinePassed();
            return;
        }
        if (progressSet && now - progressDeadline >= 0 && peerTook(progressMinBytes)) {
            progressBytes = 0;
            progressDeadline = now + progressNanos;
            lastActivity = now;
        }
        if (idleNanos > 0 && now - lastActivity >= idleNanos && pendingOutput() > 0 && peerTook(1)) lastActivity = now;
        if (progressSet && now - progressDeadline >= 0) {
            timedOut(new ConnectionTimeoutException(ConnectionTimeoutException.Kind.WRITE_PROGRESS,
                    "the peer took " + progressBytes + " bytes in " + Duration.ofNanos(progressNanos) + ", with " + pendingOutput() + " pending"));
            return;
        }
        if (idleNanos > 0 && now - lastActivity >= idleNanos) {
            timedOut(new ConnectionTimeoutException(ConnectionTimeoutException.Kind.IDLE, "idle for " + Duration.ofNanos(idleNanos)));
            return;
        }
        if (deadlineSet) armTimerAt(deadline);
        if (progressSet) armTimerAt(progressDeadline);
        armTimer();
    }

    /**
     * Tells whether the peer has acknowledged so many bytes since the last look; the first look only remembers, and says yes. The kernel asks for more output
     * only when a third of its send buffer is free, which grows to megabytes: a slow peer can take bytes all the time and the socket still be full for minutes.
     */
    private boolean peerTook(long minBytes) {
        long now = Sockets.TcpInfo.bytesAcked(here().errno, fd(), here().scratch);
        if (now < 0) return false; // a Unix socket: its buffer does not grow
        long before = acknowledged;
        acknowledged = now;
        return before < 0 || now - before >= minBytes;
    }
}
