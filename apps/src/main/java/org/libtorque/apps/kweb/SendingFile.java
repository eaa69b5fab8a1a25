package org.libtorque.apps.kweb;

import org.libtorque.apps.http.ByteRanges;
import org.libtorque.event.OpenFile;
import org.libtorque.memory.ByteSink;

/** A file, or several ranges of one, on its way to a client, part after part. The session owns the file. */
final class SendingFile {
    private final Session session;
    private final OpenFile file;
    private long position;
    private long count;
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
        new SendingFile(session, file).send(position, count);
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
        send(parts.first(part), parts.length(part));
    }

    private void send(long first, long length) {
        position = first;
        count = length;
        session.sendFile(this);
    }

    /** Returns the file that the part is of. */
    OpenFile file() { return file; }

    /** Returns where the part begins. */
    long position() { return position; }

    /** Returns how many bytes the part has. */
    long count() { return count; }

    /** The part is with the kernel: goes on with the next one, or ends. */
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
