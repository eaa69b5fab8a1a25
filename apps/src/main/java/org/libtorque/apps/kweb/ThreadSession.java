package org.libtorque.apps.kweb;

import java.io.IOException;
import java.time.Duration;
import org.libtorque.event.Connection;
import org.libtorque.memory.ByteView;
import org.libtorque.thread.TorqueSocket;
import org.libtorque.thread.Uthread;
import org.libtorque.vcore.Vcore;

/** A session in a uthread of its connection's colour, which waits for whatever there is to wait for: mode {@code thread}. */
final class ThreadSession extends ConnectionSession implements Connection.ReadHandler {
    /** Reads in one go, at most: see {@link #serve}. */
    private static final int MAX_READS = 1024;

    private final TorqueSocket socket;
    private final Steps steps = new Steps();
    private boolean again;
    /** The vcore that runs this has no part of the site yet, as one that has just begun to stand in for another: making it takes its time, and locks. */
    private boolean unprepared;
    /** Whether the socket ends input when the runtime stops: between requests it does. */
    private boolean endsInput = true;

    /** The part of a file that is to be sent next, or null. */
    private SendingFile toSend;

    ThreadSession(VcoreSite site, TorqueSocket socket) {
        super(site, socket.connection());
        this.socket = socket;
    }

    /** Serves the connection to its end, on the calling thread. */
    void run() throws IOException {
        try {
            for (int reads = 1; serve(reads); reads = Math.min(2 * reads, MAX_READS)) { }
        } finally {
            gone();
        }
    }

    /**
     * Serves what so many reads bring. Returns whether there is more to come.
     *
     * <p>A loop that is begun once for each connection, and lasts as long, stays in the interpreter for tens of thousands of rounds, also when it has long been compiled for others; and a
     * thread with an interpreted frame among those that run between two waits is mounted and unmounted the slow way, which costs microseconds. So the loop is left and begun again, soon at
     * first. The frames below it are not touched as long as it lasts.
     */
    private boolean serve(int reads) throws IOException {
        while (--reads >= 0) {
            if (state == CLOSED) return false;
            boolean incomplete = isIncomplete();
            if (incomplete == endsInput) {
                endsInput = !incomplete;
                socket.endInputWhenStopping(endsInput ? DRAIN_GRACE : null);
            }
            if (!socket.read(needsMore, this)) {
                if (isDraining()) close();
                else ended();
                return false;
            }
            if (unprepared) { // what has arrived was left, and is shown again
                here();
                unprepared = needsMore = false;
                continue;
            }
            finishAnswer();
            if (deferred) socket.awaitRoom();
            if (again) {
                again = false;
                Uthread.yield();
            }
        }
        return true;
    }

    /** What has arrived: dealt with as far as that needs no waiting. */
    @Override public void onRead(Connection c, ByteView data) {
        if (site.site.hasPart(Vcore.current())) handle(data);
        else unprepared = true;
    }

    /** Does what the last answer has left to be done, and waits for it. */
    private void finishAnswer() throws IOException {
        while (toSend != null || state == WAITING) {
            SendingFile part = toSend;
            if (part != null) {
                toSend = null;
                socket.sendFile(part.file(), part.position(), part.count());
                part.sent();
                continue;
            }
            connection.pauseReading(); // so that a reset is noticed though nobody reads
            while (state == WAITING) {
                Runnable step = steps.await();
                if (step == null || !connection.isOpen()) return; // the next read says why
                step.run();
                if (state == WAITING) Uthread.yield();
            }
            connection.resumeReading();
        }
    }

    @Override void sendFile(SendingFile part) { toSend = part; }

    @Override public void execute(Runnable step) { steps.put(step); }

    @Override void handleAgain() { again = true; }

    @Override void holdInput(boolean yes) { } // nobody reads meanwhile

    @Override boolean isDraining() { return socket.isStopping(); }

    @Override void closeSoonIfIdle() { } // the next read ends after the grace

    @Override void closeConnection(Duration linger) { socket.closeLingering(linger); }
}
