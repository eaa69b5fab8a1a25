package org.libtorque.apps.kweb;

import org.libtorque.apps.http.ByteRanges;
import org.libtorque.event.OpenFile;
import org.libtorque.memory.ByteSink;

/** A file, or several ranges of one, on its way to a client. The session owns the file. */
final class SendingFile {
    private final Session session;
    private final OpenFile file;
    private ByteRanges parts;
    private int nextPart;
    private byte[] boundary;
    private byte[] contentType;

    private SendingFile(Session session, OpenFile file) {
        this.session = session;
        this.file = file;
        session.startSending(file);
    }

    /** Sends bytes of a file; the answer's head has been put. */
    static void start(Session session, OpenFile file, long position, long count) {
        session.sendFile(file, position, count, new SendingFile(session, file));
    }

    /** Sends the parts of a multipart/byteranges body; the answer's head has been put. */
    static void startParts(Session session, OpenFile file, ByteRanges parts, byte[] boundary, byte[] contentType) {
        SendingFile sending = new SendingFile(session, file);
        sending.parts = parts;
        sending.boundary = boundary;
        sending.contentType = contentType;
        sending.sendNextPart();
    }

    private void sendNextPart() {
        ByteSink out = session.output();
        int part = nextPart++;
        parts.putPartHead(out, part, boundary, contentType);
        session.sendFile(file, parts.first(part), parts.length(part), this);
    }

    /** What was being sent is with the kernel. */
    void sent() {
        if (parts != null) {
            if (nextPart < parts.count()) {
                sendNextPart();
                return;
            }
            ByteRanges.putEnd(session.output(), boundary);
        }
        session.doneSending();
    }
}
