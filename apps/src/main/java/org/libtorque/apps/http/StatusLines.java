package org.libtorque.apps.http;

import org.libtorque.memory.ByteSink;

/** Status lines, and complete answers to requests that go wrong. Shared constants; nothing allocates. */
public final class StatusLines {
    private static final int LOWEST = 100, HIGHEST = 599;
    private static final byte[][] LINES = new byte[HIGHEST - LOWEST + 1][];
    private static final byte[][] BODIES = new byte[HIGHEST - LOWEST + 1][];

    /** {@code HTTP/1.1 100 Continue} and an empty line: tells the client to send the body. */
    public static final byte[] CONTINUE = Bytes.of("HTTP/1.1 100 Continue\r\n\r\n");

    private static final byte[] DATE = Bytes.of("Date: "), LINE_END = Bytes.of("\r\n"), CLOSE = Bytes.of("Connection: close\r\n"),
            KEEP_ALIVE = Bytes.of("Connection: keep-alive\r\n"),
            TYPE_AND_LENGTH = Bytes.of("Content-Type: text/plain; charset=utf-8\r\nContent-Length: ");

    static {
        // The registry of RFC 9110 section 16.2.1 and RFC 6585: what a file server can have reason to send.
        String[] reasons = {
            "100 Continue", "101 Switching Protocols", "200 OK", "201 Created", "202 Accepted", "204 No Content",
            "206 Partial Content", "301 Moved Permanently", "302 Found", "303 See Other", "304 Not Modified",
            "307 Temporary Redirect", "308 Permanent Redirect", "400 Bad Request", "401 Unauthorized", "403 Forbidden",
            "404 Not Found", "405 Method Not Allowed", "406 Not Acceptable", "408 Request Timeout", "409 Conflict",
            "410 Gone", "411 Length Required", "412 Precondition Failed", "413 Content Too Large", "414 URI Too Long",
            "415 Unsupported Media Type", "416 Range Not Satisfiable", "417 Expectation Failed",
            "421 Misdirected Request", "426 Upgrade Required", "428 Precondition Required", "429 Too Many Requests",
            "431 Request Header Fields Too Large", "500 Internal Server Error", "501 Not Implemented",
            "502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout", "505 HTTP Version Not Supported",
        };
        for (String reason : reasons) {
            int status = Integer.parseInt(reason.substring(0, 3));
            LINES[status - LOWEST] = Bytes.of("HTTP/1.1 " + reason + "\r\n");
            BODIES[status - LOWEST] = Bytes.of(reason + "\n");
        }
    }

    private StatusLines() {}

    /**
     * Returns {@code HTTP/1.1 404 Not Found} with CR LF behind it; not to be changed. A server of HTTP/1.1 answers
     * requests of HTTP/1.0 with it too (RFC 9110 section 2.5).
     *
     * @throws IllegalArgumentException if the status is none that this server sends
     */
    public static byte[] of(int status) {
        byte[] line = status < LOWEST || status > HIGHEST ? null : LINES[status - LOWEST];
        if (line == null) throw new IllegalArgumentException("status=" + status);
        return line;
    }

    /** Returns the length of the body that {@link #putError} gives this status: the reason, as a line. */
    public static int bodyLength(int status) { return BODIES[status - LOWEST].length; }

    /**
     * Puts a complete answer: status line, Date, the caller's fields, Content-Type, Content-Length, Connection, and the
     * reason as text.
     *
     * @param out       where it goes
     * @param status    at least 400
     * @param date      see {@link HttpDate#bytes}
     * @param fields    more field lines, each with CR LF, or an empty array; Server, and what the status calls for: Allow
     *                  with 405, Content-Range with 416
     * @param keepAlive whether the connection stays open
     * @param head      whether the method is HEAD, whose answers have no body
     */
    public static void putError(ByteSink out, int status, byte[] date, byte[] fields, boolean keepAlive, boolean head) {
        out.put(of(status));
        out.put(DATE);
        out.put(date, 0, HttpDate.LENGTH);
        out.put(LINE_END);
        out.put(fields);
        byte[] body = BODIES[status - LOWEST];
        out.put(TYPE_AND_LENGTH);
        out.putDecimal(body.length);
        out.put(LINE_END);
        out.put(keepAlive ? KEEP_ALIVE : CLOSE);
        out.put(LINE_END);
        if (!head) out.put(body);
    }
}
