package org.libtorque.bench;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import org.libtorque.bench.peer.FileProtocol;

/** One connection to a server of files, which asks for one after the other and throws away what it gets. */
final class SendFileClient implements AutoCloseable {
    private final Socket socket;
    private final DataOutputStream out;
    private final InputStream in;
    private final byte[] buffer = new byte[256 << 10];

    SendFileClient(int port) throws IOException {
        socket = new Socket(InetAddress.ofLiteral("127.0.0.1"), port);
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(60_000);
        out = new DataOutputStream(socket.getOutputStream());
        in = socket.getInputStream();
    }

    /** Gets a file, which must have so many bytes. */
    void get(int number, long bytes) throws IOException {
        long length = ask(number);
        if (length != bytes) throw new IOException("file " + number + " has " + bytes + " bytes, and " + length + " were announced");
        while (length > 0) {
            int n = in.read(buffer, 0, (int) Math.min(length, buffer.length));
            if (n < 0) throw new EOFException("the connection ended " + length + " bytes early");
            length -= n;
        }
    }

    void watch() throws IOException { ask(FileProtocol.WATCH); }

    /** Returns the longest turn in nanoseconds, and how often the loop slept. */
    long[] report() throws IOException {
        if (ask(FileProtocol.REPORT) != FileProtocol.REPORT_BYTES) throw new IOException("no report");
        var report = new DataInputStream(in);
        return new long[] {report.readLong(), report.readLong()};
    }

    private long ask(int number) throws IOException {
        out.writeInt(number);
        byte[] head = in.readNBytes(FileProtocol.HEAD_BYTES);
        if (head.length < FileProtocol.HEAD_BYTES) throw new EOFException("the connection ended");
        long length = 0;
        for (int i = 0; i < 8; i++) length = length << 8 | Byte.toUnsignedLong(head[i]);
        return length;
    }

    @Override public void close() throws IOException { socket.close(); }
}
