package org.libtorque.apps.kweb;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import org.libtorque.apps.cli.ServeOptions;
import org.libtorque.apps.http.BodyConsumer;
import org.libtorque.apps.http.ChunkedDecoder;
import org.libtorque.apps.http.RequestHead;
import org.libtorque.apps.http.StatusLines;
import org.libtorque.event.Connection;
import org.libtorque.event.OpenFile;
import org.libtorque.memory.ByteSink;
import org.libtorque.memory.ByteView;

/**
 * One connection's requests, one after the other: {@code HEAD -no body-> answer -> HEAD}, {@code HEAD -body-> BODY -end-> answer -> HEAD}, {@code answer -file->
 * SENDING -sent-> HEAD}.
 *
 * <p>All requests that have arrived together are answered together: what their answers are made of leaves in one write when the callback returns. A body is
 * read to its end, within the limits, before its request is answered, so that a bad one can still be refused; its bytes are not wanted by anything that this
 * server serves, and go. Only requests with a body have their head copied (allocated), to be looked at again behind it.
 *
 * <p>After an error of syntax nobody knows where the next request begins: the answer closes the connection, lingering, since the peer may still be sending.
 */
final class Session implements Connection.ReadHandler {
    private static final Duration LINGER = Duration.ofSeconds(1);
    private static final byte[] ALLOW = "Allow: GET, HEAD, OPTIONS\r\n".getBytes(ISO_8859_1);
    private static final byte[] OPTIONS_FIELDS = "Allow: GET, HEAD, OPTIONS\r\nContent-Length: 0\r\n".getBytes(ISO_8859_1);
    // "/plaintext" and "/json" as the parser's view shows them: eight bytes little-endian, then the rest.
    private static final long SLASH_PLAINTE = word("/plainte");
    private static final short XT = (short) ('x' | 't' << 8);
    private static final int SLASH_JSO = '/' | 'j' << 8 | 's' << 16 | 'o' << 24;
    private static final byte[] WORK = "/work".getBytes(ISO_8859_1);
    private static final byte[] WHOAMI = "/whoami".getBytes(ISO_8859_1);
    private static final long MAX_WORK_MICROS = 10_000_000;
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    final VcoreSite site;
    final Connection connection;
    final RequestHead head = new RequestHead();

    private boolean headDeadline;
    private boolean closing;
    private boolean sending;
    private boolean draining;
    /** The file on its way, this session's to close. */
    private OpenFile sentFile;

    // While a body is read.
    private ByteView bodyHead;
    private ChunkedDecoder chunks;
    private long bodyLeft;
    private boolean bodyChunked;
    private long bodyMark;
    private long bodySeen;
    private String logHost;
    private byte[] logLine;

    Session(VcoreSite site, Connection connection) {
        this.site = site;
        this.connection = connection;
        connection.setWriteProgressTimeout(site.site.options.progressTimeout(), ServeOptions.PROGRESS_BYTES);
        connection.onRead(this);
        connection.onEnd(c -> ended());
        connection.onDrain(c -> drain());
        connection.onClose((c, cause) -> closeFile());
        if (site.log != null) logHost = host(connection.remoteAddress());
    }

    private static String host(SocketAddress address) {
        return address instanceof InetSocketAddress inet ? inet.getAddress().getHostAddress() : "-";
    }

    private static long word(String eight) {
        long word = 0;
        for (int i = 7; i >= 0; i--) word = word << 8 | eight.charAt(i);
        return word;
    }

    // ------------------------------------------------------------------------------------------------------------------ reading

    @Override public void onRead(Connection c, ByteView data) {
        site.refreshDate();
        while (!closing && !sending) {
            if (bodyHead != null) {
                if (!readBody(data)) return;
                continue;
            }
            if (data.isEmpty()) break;
            int length = site.parser.parse(data, head);
            if (length == 0) {
                if (!headDeadline && site.headerTimeoutNanos > 0) {
                    headDeadline = true;
                    connection.setDeadline(site.headerTimeoutNanos);
                }
                return;
            }
            if (headDeadline) {
                headDeadline = false;
                connection.setDeadline(0);
            }
            if (length < 0) {
                refuse(data, -length);
                return;
            }
            if (head.hasBody()) {
                startBody(data, length);
            } else {
                answer(data, length);
                data.consume(length);
            }
            if (!connection.isWritable()) return; // the rest is shown again when the peer has taken what there is
        }
        if (draining && !sending && !closing && bodyHead == null && data.isEmpty()) close();
    }

    private void refuse(ByteView data, int status) {
        if (site.log != null) {
            noteRequestLine(data, Math.min(data.length(), 256));
            logged(status, 0);
        }
        StatusLines.putError(connection.output(), status, site.date(), CannedAnswer.SERVER, false, false);
        data.consumeAll();
        closeAfterError();
    }

    /** Ends with what is pending, reading on for a while, since the peer may still be sending. */
    private void closeAfterError() {
        closing = true;
        connection.closeLingering(LINGER);
    }

    private void close() {
        closing = true;
        connection.closeLingering(LINGER);
    }

    private void ended() {
        // The peer has sent its last; what is pending still goes to it. A file on its way is finished first.
        closing = true;
        if (!sending) connection.close();
    }

    private void drain() {
        draining = true;
        if (!sending && !closing && bodyHead == null && !headDeadline) close();
    }

    // ------------------------------------------------------------------------------------------------------------------- bodies

    private void startBody(ByteView data, int length) {
        if (head.contentLength() > site.site.limits.bodyBytes()) {
            refuse(data, 413);
            return;
        }
        bodyChunked = head.isChunked();
        bodyLeft = head.contentLength();
        bodySeen = bodyMark = 0;
        if (bodyChunked) {
            if (chunks == null) chunks = new ChunkedDecoder(site.site.limits);
            else chunks.reset();
        }
        boolean expects = head.expectsContinue();
        bodyHead = ByteView.copyOf(data.toByteArray(0, length));
        data.consume(length);
        if (expects && data.isEmpty()) connection.output().put(StatusLines.CONTINUE);
        if (site.progressTimeoutNanos > 0) connection.setDeadline(site.progressTimeoutNanos);
    }

    /** Returns whether the body has come to its end and its request was answered. */
    private boolean readBody(ByteView data) {
        int before = data.length();
        boolean done;
        if (bodyChunked) {
            int result = chunks.decode(data, BodyConsumer.DISCARD);
            if (result < 0) {
                bodyHead = null;
                connection.setDeadline(0);
                refuse(data, -result);
                return false;
            }
            done = result == ChunkedDecoder.DONE;
        } else {
            int n = (int) Math.min(bodyLeft, data.length());
            data.consume(n);
            bodyLeft -= n;
            done = bodyLeft == 0;
        }
        bodySeen += before - data.length();
        if (!done) {
            if (bodySeen - bodyMark >= ServeOptions.PROGRESS_BYTES && site.progressTimeoutNanos > 0) {
                bodyMark = bodySeen;
                connection.setDeadline(site.progressTimeoutNanos);
            }
            return false;
        }
        connection.setDeadline(0);
        ByteView copy = bodyHead;
        bodyHead = null;
        int length = site.parser.parse(copy, head);
        answer(copy, length);
        return true;
    }

    // ------------------------------------------------------------------------------------------------------------------ answers

    /** Answers the request whose head is the first {@code length} bytes of {@code in}. Consumes nothing. */
    private void answer(ByteView in, int length) {
        boolean keepAlive = head.isKeepAlive() && !site.draining();
        if (site.log != null) noteRequestLine(in, length);
        int method = head.method();
        boolean get = method == RequestHead.GET;
        if (get || method == RequestHead.HEAD) {
            boolean plain = get && keepAlive && head.minorVersion() == 1;
            CannedAnswer builtIn = builtIn(in);
            if (builtIn != null) {
                builtIn.put(connection.output(), site.date(), site.second(), plain, get, keepAlive, head.minorVersion());
                logged(200, get ? builtIn.bodyLength() : 0);
            } else if (site.site.options.benchEndpoints() && benchEndpoint(in, get, keepAlive)) {
                logged(200, 0);
            } else if (site.files != null) {
                site.files.answer(this, in, plain, get, keepAlive);
            } else if (head.pathLength() <= 1 && head.targetForm() <= RequestHead.ABSOLUTE_FORM) {
                site.welcome.put(connection.output(), site.date(), site.second(), plain, get, keepAlive, head.minorVersion());
                logged(200, get ? site.welcome.bodyLength() : 0);
            } else {
                error(404, CannedAnswer.SERVER, keepAlive);
            }
        } else if (method == RequestHead.OPTIONS) {
            ByteSink out = connection.output();
            startHead(out, 200, keepAlive);
            out.put(OPTIONS_FIELDS);
            out.put(CannedAnswer.LINE_END);
            logged(200, 0);
        } else if (method == RequestHead.OTHER || method == RequestHead.CONNECT || method == RequestHead.TRACE) {
            error(501, CannedAnswer.SERVER, keepAlive);
        } else {
            error(405, ALLOW, keepAlive);
        }
        if (!keepAlive && !closing && !sending) close();
        else if (!keepAlive) closing = true;
    }

    private CannedAnswer builtIn(ByteView in) {
        int at = head.pathOffset();
        switch (head.pathLength()) {
            case 10 -> {
                if (in.getLong(at) == SLASH_PLAINTE && in.getShort(at + 8) == XT) return site.plaintext;
            }
            case 5 -> {
                if (in.getInt(at) == SLASH_JSO && in.getByte(at + 4) == 'n') return site.json;
            }
            default -> { }
        }
        return null;
    }

    /** Puts an answer that is an error. */
    void error(int status, byte[] fields, boolean keepAlive) {
        ByteSink out = connection.output();
        byte[] all = fields == CannedAnswer.SERVER ? fields : concat(CannedAnswer.SERVER, fields);
        StatusLines.putError(out, status, site.date(), all, keepAlive, head.method() == RequestHead.HEAD);
        logged(status, 0);
    }

    private static byte[] concat(byte[] a, byte[] b) {
        byte[] both = java.util.Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, both, a.length, b.length);
        return both;
    }

    /** Puts status line, Server, Date and, where it is needed, Connection. */
    void startHead(ByteSink out, int status, boolean keepAlive) {
        out.put(StatusLines.of(status));
        out.put(CannedAnswer.SERVER);
        out.put(CannedAnswer.DATE);
        out.put(site.date());
        out.put(CannedAnswer.LINE_END);
        if (!keepAlive) out.put(CannedAnswer.CONNECTION_CLOSE);
        else if (head.minorVersion() == 0) out.put(CannedAnswer.CONNECTION_KEEP_ALIVE);
    }

    /** A file is on its way: no request is looked at before it is with the kernel. */
    void startSending(OpenFile file) {
        sending = true;
        sentFile = file;
        connection.pauseReading();
    }

    /** The file is with the kernel. */
    void doneSending(boolean keepAlive) {
        sending = false;
        closeFile();
        if (!keepAlive || draining || closing) close();
        else connection.resumeReading();
    }

    private void closeFile() {
        if (sentFile == null) return;
        sentFile.close();
        sentFile = null;
    }

    // ------------------------------------------------------------------------------------------------------------- benchmarks

    private boolean benchEndpoint(ByteView in, boolean get, boolean keepAlive) {
        byte[] body;
        if (pathIs(in, WORK)) {
            long micros = Math.clamp(number(in, "us="), 0, MAX_WORK_MICROS);
            burn(micros);
            body = ("{\"us\":" + micros + "}\n").getBytes(ISO_8859_1);
        } else if (pathIs(in, WHOAMI)) {
            body = ("{\"vcore\":" + site.vcore.index() + ",\"cpu\":" + site.vcore.cpu() + ",\"color\":" + connection.color().id() + ",\"connection\":"
                    + connection.id() + "}\n").getBytes(ISO_8859_1);
        } else {
            return false;
        }
        ByteSink out = connection.output();
        startHead(out, 200, keepAlive);
        out.putLatin1("Content-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: ");
        out.putDecimal(body.length);
        out.putLatin1("\r\n\r\n");
        if (get) out.put(body);
        return true;
    }

    private boolean pathIs(ByteView in, byte[] path) {
        if (head.pathLength() != path.length) return false;
        for (int i = 0; i < path.length; i++) if (in.getByte(head.pathOffset() + i) != path[i]) return false;
        return true;
    }

    /** Returns the number behind {@code name} in the query, 0 if there is none. */
    private long number(ByteView in, String name) {
        if (head.queryOffset() < 0) return 0;
        String query = in.toLatin1(head.queryOffset(), head.queryLength());
        for (String part : query.split("&")) {
            if (!part.startsWith(name)) continue;
            try {
                return Long.parseLong(part.substring(name.length()));
            } catch (NumberFormatException e) {
                return 0;
            }
        }
        return 0;
    }

    /** Uses the CPU for so long, by the thread's own clock: what others take from it meanwhile does not count. */
    private static void burn(long micros) {
        long end = THREADS.getCurrentThreadCpuTime() + micros * 1000;
        while (micros > 0 && THREADS.getCurrentThreadCpuTime() < end) Thread.onSpinWait();
    }

    // ---------------------------------------------------------------------------------------------------------------- the log

    private void noteRequestLine(ByteView in, int limit) {
        int end = in.indexOf((byte) '\r', 0);
        if (end < 0 || end > limit) end = limit;
        logLine = in.toByteArray(0, end);
    }

    /** Writes the access log's line for the request. */
    void logged(int status, long bytes) {
        if (site.log != null) site.log.log(logHost, site.second(), logLine, logLine.length, status, bytes);
    }
}
