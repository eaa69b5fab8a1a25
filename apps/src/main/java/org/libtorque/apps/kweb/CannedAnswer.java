package org.libtorque.apps.kweb;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import org.libtorque.apps.http.HttpDate;
import org.libtorque.apps.http.StatusLines;
import org.libtorque.memory.ByteSink;

/**
 * A complete 200 answer in one array, of which only the Date changes: it is patched when the second has. One vcore's.
 *
 * <p>Form: status line, Server, Date, the caller's fields, Content-Length, empty line, body.
 */
final class CannedAnswer {
    static final byte[] SERVER = "Server: kweb\r\n".getBytes(ISO_8859_1);
    static final byte[] DATE = "Date: ".getBytes(ISO_8859_1);
    static final byte[] CONTENT_LENGTH = "Content-Length: ".getBytes(ISO_8859_1);
    static final byte[] CONNECTION_CLOSE = "Connection: close\r\n".getBytes(ISO_8859_1);
    static final byte[] CONNECTION_KEEP_ALIVE = "Connection: keep-alive\r\n".getBytes(ISO_8859_1);
    static final byte[] LINE_END = "\r\n".getBytes(ISO_8859_1);

    private final byte[] bytes;
    private final int headLength;
    private final int dateOffset;
    private long second = Long.MIN_VALUE;

    /**
     * @param fields     field lines, each with CR LF
     * @param body       begins with the body
     * @param bodyLength its length
     */
    CannedAnswer(byte[] fields, byte[] body, int bodyLength) {
        byte[] status = StatusLines.of(200);
        byte[] length = (bodyLength + "\r\n\r\n").getBytes(ISO_8859_1);
        dateOffset = status.length + SERVER.length + DATE.length;
        headLength = dateOffset + HttpDate.LENGTH + 2 + fields.length + CONTENT_LENGTH.length + length.length;
        bytes = new byte[headLength + bodyLength];
        int at = 0;
        for (byte[] part : new byte[][] {status, SERVER, DATE, new byte[HttpDate.LENGTH], LINE_END, fields, CONTENT_LENGTH, length}) {
            System.arraycopy(part, 0, bytes, at, part.length);
            at += part.length;
        }
        System.arraycopy(body, 0, bytes, headLength, bodyLength);
    }

    CannedAnswer(String fields, String body) { this(fields.getBytes(ISO_8859_1), body.getBytes(ISO_8859_1), body.length()); }

    /** Returns the length of the body. */
    int bodyLength() { return bytes.length - headLength; }

    /**
     * Puts the answer.
     *
     * @param date         the current second as text, see {@link HttpDate#bytes}
     * @param second       the current second
     * @param withBody     whether the method is GET, not HEAD
     * @param keepAlive    whether the connection stays open
     * @param minorVersion the request's
     */
    void put(ByteSink out, byte[] date, long second, boolean withBody, boolean keepAlive, int minorVersion) {
        if (this.second != second) {
            System.arraycopy(date, 0, bytes, dateOffset, HttpDate.LENGTH);
            this.second = second;
        }
        if (withBody && keepAlive && minorVersion == 1) out.put(bytes, 0, bytes.length); // nearly all are
        else putOther(out, withBody, keepAlive, minorVersion);
    }

    private void putOther(ByteSink out, boolean withBody, boolean keepAlive, int minorVersion) {
        out.put(bytes, 0, headLength - 2);
        if (!keepAlive) out.put(CONNECTION_CLOSE);
        else if (minorVersion == 0) out.put(CONNECTION_KEEP_ALIVE);
        out.put(LINE_END);
        if (withBody) out.put(bytes, headLength, bytes.length - headLength);
    }

    /** Puts part of the body. */
    void putBody(ByteSink out, int offset, int count) { out.put(bytes, headLength + offset, count); }
}
