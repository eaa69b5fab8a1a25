package org.libtorque.apps.kweb;

import java.time.Duration;
import org.libtorque.event.Connection;
import org.libtorque.memory.ByteView;

/** A session in callbacks: mode {@code event}. */
final class EventSession extends ConnectionSession implements Connection.ReadHandler, Connection.CloseHandler {
    // One object of each for all sessions: a connection costs no more than it must.
    private static final Connection.Handler ON_END = c -> ((EventSession) c.attachment()).ended();
    private static final Connection.Handler ON_DRAIN = c -> ((EventSession) c.attachment()).drain();

    private boolean draining;

    EventSession(VcoreSite site, Connection connection) {
        super(site, connection);
        connection.attach(this);
        connection.onRead(this).onEnd(ON_END).onDrain(ON_DRAIN).onClose(this);
    }

    @Override public void onRead(Connection c, ByteView data) { handle(data); }

    @Override public void onClose(Connection c, Throwable cause) { gone(); }

    private void drain() {
        draining = true;
        closeSoonIfIdle();
    }

    @Override boolean isDraining() { return draining; }

    @Override void closeSoonIfIdle() {
        if (isIdle()) site.site.torque.after(DRAIN_GRACE, connection.color(), this::closeIfIdle);
    }

    @Override void handleAgain() { connection.showAgain(); }

    @Override void holdInput(boolean yes) {
        if (yes) connection.pauseReading();
        else connection.resumeReading();
    }

    @Override void closeConnection(Duration linger) {
        if (linger.isZero()) connection.close();
        else connection.closeLingering(linger);
    }

    @Override void sendFile(SendingFile part) { connection.sendFile(part.file(), part.position(), part.count(), c -> part.sent()); }

    @Override public void execute(Runnable step) { connection.execute(step); }
}
