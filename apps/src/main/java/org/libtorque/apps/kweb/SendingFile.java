package org.libtorque.apps.kweb;

import org.libtorque.apps.http.ByteRanges;
import org.libtorque.event.Connection;
import org.libtorque.event.OpenFile;
import org.libtorque.memory.ByteSink;

/** A file, or several ranges of one, on its way to a client. <em>Owns</em> the file once it has started. */
final class SendingFile implements Connection.Handler {
    private final Session session;
    private final OpenFile file;
    private final boolean keepAlive;
    private boolean started;
    private ByteRanges parts;
    private int nextPart;
    private byte[] boundary;
    private byte[] contentType;

    SendingFile(Session session, OpenFile file, boolean keepAlive) {
        this.session = session;
        this.file = file;
        this.keepAlive = keepAlive;
    }

    /** Tells whether the file is now this object's to close. */
    boolean isStarted() { return started; }

    void start(long position, long count) {
        started = true;
        session.startSending(file);
        session.connection.sendFile(file, position, count, this);
    }

    /** Sends the parts of a multipart/byteranges body. */
    void startParts(ByteRanges ranges, byte[] newBoundary, byte[] newContentType) {
        started = true;
        parts = ranges;
        boundary = newBoundary;
        contentType = newContentType;
        session.startSending(file);
        sendNextPart();
    }

    private void sendNextPart() {
        ByteSink out = session.connection.output();
        int part = nextPart++;
        parts.putPartHead(out, part, boundary, contentType);
        session.connection.sendFile(file, parts.first(part), parts.length(part), this);
    }

    /** What was being sent is with the kernel. */
    @Override public void on(Connection connection) {
        if (parts != null) {
            if (nextPart < parts.count()) {
                sendNextPart();
                return;
            }
            ByteRanges.putEnd(connection.output(), boundary);
        }
        session.doneSending(keepAlive);
    }
}
