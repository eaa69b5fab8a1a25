package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.libtorque.testkit.Eventually;

/** The other side of a connection, by the JDK's own blocking sockets. */
final class Client implements AutoCloseable {
    static final int TIMEOUT_MILLIS = (int) Eventually.scaled(Eventually.DEFAULT_LIMIT).toMillis();

    final Socket socket;
    private final InputStream in;
    private final OutputStream out;

    private Client(Socket socket) throws IOException {
        this.socket = socket;
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(TIMEOUT_MILLIS);
        in = socket.getInputStream();
        out = socket.getOutputStream();
    }

    static Client to(Listener listener) throws IOException { return to(listener.address()); }

    static Client to(SocketAddress address) throws IOException { return to(address, 0); }

    /** @param receiveBuffer SO_RCVBUF to have from the start, or 0 */
    static Client to(SocketAddress address, int receiveBuffer) throws IOException {
        var socket = new Socket();
        try {
            if (receiveBuffer > 0) socket.setReceiveBufferSize(receiveBuffer);
            socket.connect(address, TIMEOUT_MILLIS);
            return new Client(socket);
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    Client send(byte[] bytes) throws IOException {
        out.write(bytes);
        return this;
    }

    Client send(String text) throws IOException { return send(text.getBytes(StandardCharsets.ISO_8859_1)); }

    byte[] read(int count) throws IOException {
        byte[] bytes = in.readNBytes(count);
        if (bytes.length < count) throw new IOException("ended after " + bytes.length + " of " + count + " bytes");
        return bytes;
    }

    String readText(int count) throws IOException { return new String(read(count), StandardCharsets.ISO_8859_1); }

    void expect(String text) throws IOException { assertEquals(text, readText(text.length())); }

    /** Reads to the orderly end. */
    byte[] readAll() throws IOException { return in.readAllBytes(); }

    String readAllText() throws IOException { return new String(readAll(), StandardCharsets.ISO_8859_1); }

    void expectEnd() throws IOException { assertEquals(-1, in.read(), "end of stream"); }

    /** Waits for the end of the connection, orderly or not. */
    void awaitGone() throws IOException {
        byte[] buffer = new byte[1 << 16];
        try {
            while (in.read(buffer) >= 0) { }
        } catch (SocketException reset) {
            // is gone, too
        }
    }

    /** Waits for the end; tells whether it was a reset. */
    boolean isReset() throws IOException {
        byte[] buffer = new byte[1 << 16];
        try {
            while (in.read(buffer) >= 0) { }
            return false;
        } catch (SocketException e) {
            return e.getMessage().contains("reset");
        }
    }

    /** Tells whether the server answers: sends a line and reads it back. */
    void expectEcho(String text) throws IOException {
        send(text);
        expect(text);
    }

    Client shutDownOutput() throws IOException {
        socket.shutdownOutput();
        return this;
    }

    void reset() throws IOException {
        socket.setSoLinger(true, 0);
        socket.close();
    }

    /** Closes now, inside its try-with-resources. */
    void leave() throws IOException { socket.close(); }

    InetSocketAddress localAddress() { return (InetSocketAddress) socket.getLocalSocketAddress(); }

    static byte[] filled(int count, int value) {
        byte[] bytes = new byte[count];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    @Override public void close() throws IOException { socket.close(); }
}
