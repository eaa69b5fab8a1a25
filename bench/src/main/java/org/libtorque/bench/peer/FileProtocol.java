package org.libtorque.bench.peer;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What clients and servers of {@code torque bench sendfile} say to each other. A request is a big-endian int: the number of a file, or one of the constants here. An answer is a head of
 * {@link #HEAD_BYTES}, of which the first eight are the body's length, and the body.
 */
public final class FileProtocol {
    /** Bytes of a request. */
    public static final int REQUEST_BYTES = 4;
    /** Bytes of a head: about as many as an HTTP answer's has. */
    public static final int HEAD_BYTES = 160;
    /** Asks that the loop be watched from now on; the answer has no body. */
    public static final int WATCH = -1;
    /** Asks what was seen; the body is {@link #REPORT_BYTES}: the longest turn in nanoseconds, and how often the loop's thread went to sleep. */
    public static final int REPORT = -2;
    /** Bytes of a report. */
    public static final int REPORT_BYTES = 16;

    private FileProtocol() {}

    /** Returns the file of a number. */
    public static Path file(Path root, int number) { return root.resolve(name(number)); }

    static String name(int number) { return "f" + number; }

    static byte[] head(long bodyBytes) {
        byte[] head = new byte[HEAD_BYTES];
        for (int i = 0; i < 8; i++) head[i] = (byte) (bodyBytes >>> 56 - 8 * i);
        return head;
    }

    /** Returns how often the calling thread has given up its CPU by itself. */
    static long sleeps() {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/thread-self/status"))) {
                if (line.startsWith("voluntary_ctxt_switches:")) return Long.parseLong(line.substring(24).strip());
            }
            throw new IllegalStateException("no count of switches");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
