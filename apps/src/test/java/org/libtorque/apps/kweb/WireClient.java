package org.libtorque.apps.kweb;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.libtorque.testkit.Eventually;

/**
 * A client that sends exactly the bytes it is told to, and holds every answer against what RFC 9112 says of its form. One thread's, and blocking, with a
 * limit on each wait.
 */
final class WireClient implements AutoCloseable {
    static final String HOST = "Host: test\r\n";
    private static final Pattern STATUS = Pattern.compile("HTTP/1\\.1 ([1-5]\\d\\d) ([ -~]+)");
    private static final Pattern FIELD = Pattern.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]+: [\\x21-\\x7e](?:[ -~]*[\\x21-\\x7e])?");
    private static final Pattern DATE = Pattern.compile("(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \\d\\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
            + " \\d{4} \\d\\d:\\d\\d:\\d\\d GMT");
    private static final int LIMIT_MILLIS = (int) Eventually.scaled(Eventually.DEFAULT_LIMIT).toMillis();

    private final Socket socket;
    private final InputStream in;

    private WireClient(Socket socket) throws IOException {
        this.socket = socket;
        in = new BufferedInputStream(socket.getInputStream(), 1 << 16);
    }

    static WireClient to(InetSocketAddress address) throws IOException { return to(address, 0); }

    /** @param receiveBytes size of the kernel's receive buffer, which must be set before the connection is made; 0 for the default */
    static WireClient to(InetSocketAddress address, int receiveBytes) throws IOException {
        Socket socket = new Socket();
        try {
            socket.setTcpNoDelay(true);
            socket.setSoTimeout(LIMIT_MILLIS);
            if (receiveBytes > 0) socket.setReceiveBufferSize(receiveBytes);
            socket.connect(address, LIMIT_MILLIS);
            return new WireClient(socket);
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    Socket socket() { return socket; }

    WireClient send(String latin1) throws IOException { return send(latin1.getBytes(ISO_8859_1)); }

    WireClient send(byte[] bytes) throws IOException {
        socket.getOutputStream().write(bytes);
        return this;
    }

    /** Sends in pieces of so many bytes, each in a packet of its own. */
    WireClient sendSplit(String latin1, int piece) throws IOException {
        byte[] bytes = latin1.getBytes(ISO_8859_1);
        for (int at = 0; at < bytes.length; at += piece) {
            socket.getOutputStream().write(bytes, at, Math.min(piece, bytes.length - at));
        }
        return this;
    }

    /** Sends a GET request with these field lines. */
    WireClient sendGet(String target, String... fields) throws IOException { return send(request("GET", target, fields)); }

    static String request(String method, String target, String... fields) {
        StringBuilder head = new StringBuilder(method + " " + target + " HTTP/1.1\r\n" + HOST);
        for (String field : fields) head.append(field).append("\r\n");
        return head.append("\r\n").toString();
    }

    Answer get(String target, String... fields) throws IOException { return sendGet(target, fields).read(); }

    Answer head(String target, String... fields) throws IOException { return send(request("HEAD", target, fields)).readHead(); }

    /** Reads the answer to anything but HEAD. */
    Answer read() throws IOException { return read(true); }

    /** Reads the answer to HEAD. */
    Answer readHead() throws IOException { return read(false); }

    private Answer read(boolean withBody) throws IOException {
        String line = line();
        Matcher status = STATUS.matcher(line);
        assertTrue(status.matches(), "status line: " + line);
        int code = Integer.parseInt(status.group(1));
        List<String> fields = new ArrayList<>();
        for (line = line(); !line.isEmpty(); line = line()) {
            assertTrue(FIELD.matcher(line).matches(), "field line: " + line);
            fields.add(line);
        }
        Answer head = new Answer(code, status.group(2), List.copyOf(fields), new byte[0]);
        if (code < 200) {
            assertTrue(fields.isEmpty(), head::toString);
            return head;
        }
        String date = head.field("Date");
        assertTrue(date != null && DATE.matcher(date).matches(), head::toString);
        assertEquals("kweb", head.field("Server"), head::toString);
        String length = head.field("Content-Length");
        if (code == 304) {
            assertEquals(null, length, head::toString);
            return head;
        }
        assertTrue(length != null && length.matches("\\d+"), head::toString);
        return withBody ? new Answer(code, head.reason(), head.fields(), bytes(Integer.parseInt(length))) : head;
    }

    private String line() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream(80);
        while (true) {
            int b = in.read();
            if (b < 0) throw new EOFException("the server closed after '" + line.toString(ISO_8859_1) + "'");
            if (b == '\r') break;
            assertTrue(b != '\n', "bare LF in an answer");
            line.write(b);
        }
        assertEquals('\n', in.read(), "a CR without LF in an answer");
        return line.toString(ISO_8859_1);
    }

    byte[] bytes(int count) throws IOException {
        byte[] bytes = in.readNBytes(count);
        if (bytes.length < count) throw new EOFException(bytes.length + " of " + count + " bytes");
        return bytes;
    }

    /** Returns what comes until the server ends the connection. */
    byte[] rest() throws IOException { return in.readAllBytes(); }

    /** Asserts that the server ends the connection, in an orderly way and without sending anything more. */
    void assertClosed() throws IOException { assertEquals(-1, in.read(), "more bytes, where the connection was to be closed"); }

    /** Asserts that the connection is still good for a request. */
    void assertOpen() throws IOException { get("/plaintext").expect(200, "Hello, World!"); }

    /** Asserts that nothing comes for a while. */
    void assertSilent(int millis) throws IOException {
        socket.setSoTimeout(millis);
        try {
            int b = in.read();
            throw new AssertionError(b < 0 ? "the server closed" : "the server sent something");
        } catch (java.net.SocketTimeoutException e) {
            socket.setSoTimeout(LIMIT_MILLIS);
        }
    }

    /** Resets the connection. */
    void reset() throws IOException {
        socket.setSoLinger(true, 0);
        socket.close();
    }

    @Override public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
