package org.libtorque.apps.kweb;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.libtorque.apps.cli.CommandException;

/**
 * A line for each request in the common log format, written by a thread of its own so that no vcore waits for a disk. Vcores fill buffers and hand them
 * over when they are full or a second old; when the disk cannot keep up and the queue is full, lines are dropped, counted, and the count is logged.
 */
final class AccessLog implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger("org.libtorque.kweb");
    private static final int BUFFER_BYTES = 64 * 1024;
    private static final byte[] END = new byte[0];

    private final OutputStream out;
    private final boolean ownsOut;
    private final ArrayBlockingQueue<byte[]> full;
    private final ArrayBlockingQueue<byte[]> spare;
    private final AtomicLong dropped = new AtomicLong();
    private final Writer[] writers;
    private final Thread thread;

    private AccessLog(OutputStream out, boolean ownsOut, int vcores) {
        this.out = out;
        this.ownsOut = ownsOut;
        full = new ArrayBlockingQueue<>(16 * vcores + 1);
        spare = new ArrayBlockingQueue<>(16 * vcores + 1);
        writers = new Writer[vcores];
        thread = Thread.ofPlatform().name("kweb-access-log").daemon(true).unstarted(this::write);
    }

    /** Opens a file for appending, or standard output for {@code -}. */
    static AccessLog open(String name, int vcores) {
        OutputStream out;
        try {
            out = name.equals("-") ? System.out : new FileOutputStream(name, true);
        } catch (IOException e) {
            throw new CommandException("cannot open access log " + name + ": " + e.getMessage(), e);
        }
        AccessLog log = new AccessLog(out, out != System.out, vcores);
        log.thread.start();
        return log;
    }

    /** Returns the writer of a vcore; to be used by that vcore alone. */
    Writer writer(int vcore) { return writers[vcore] = new Writer(); }

    private void write() {
        try {
            while (true) {
                byte[] buffer = full.take();
                if (buffer == END) break;
                int length = (buffer[0] & 0xFF) << 16 | (buffer[1] & 0xFF) << 8 | buffer[2] & 0xFF;
                out.write(buffer, Writer.HEADER, length - Writer.HEADER);
                if (full.isEmpty()) out.flush();
                spare.offer(buffer);
                long lost = dropped.getAndSet(0);
                if (lost > 0) LOG.log(System.Logger.Level.WARNING, "access log: {0} lines dropped, since it cannot be written fast enough", lost);
            }
            out.flush();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IOException e) {
            LOG.log(System.Logger.Level.ERROR, "access log: " + e.getMessage() + "; no more requests are logged");
        }
    }

    /** Writes what is left and closes the file. Vcores must have stopped. */
    @Override public void close() {
        try {
            if (full.offer(END, 5, TimeUnit.SECONDS)) thread.join(5000);
            if (ownsOut) out.close();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IOException e) {
            LOG.log(System.Logger.Level.ERROR, "access log: " + e.getMessage());
        }
    }

    /** One vcore's buffer. */
    final class Writer {
        static final int HEADER = 3; // length of the contents, header included
        private static final int MAX_LINE = 2048;
        private byte[] buffer = new byte[BUFFER_BYTES];
        private int length = HEADER;
        private long second = Long.MIN_VALUE;
        private byte[] time = new byte[0];
        private long flushedSecond;

        /** Appends a line: {@code host - - [time] "request line" status bytes}. */
        void log(String host, long epochSecond, byte[] requestLine, int requestLength, int status, long bytes) {
            if (BUFFER_BYTES - length < MAX_LINE || epochSecond != flushedSecond) {
                flushedSecond = epochSecond;
                flush();
            }
            if (epochSecond != second) {
                second = epochSecond;
                time = java.time.format.DateTimeFormatter.ofPattern("dd/MMM/yyyy:HH:mm:ss Z", java.util.Locale.ROOT)
                        .format(java.time.Instant.ofEpochSecond(epochSecond).atZone(java.time.ZoneId.systemDefault())).getBytes(ISO_8859_1);
            }
            put(host);
            put(" - - [");
            put(time, time.length);
            put("] \"");
            int n = Math.min(requestLength, 1024);
            for (int i = 0; i < n; i++) {
                byte b = requestLine[i];
                // A line must stay one line, and its quotes closed, whatever a client sends.
                buffer[length++] = b < ' ' || b == 0x7F || b == '"' || b == '\\' ? (byte) '.' : b;
            }
            put("\" ");
            put(Integer.toString(status));
            put(" ");
            put(Long.toString(bytes));
            buffer[length++] = '\n';
        }

        private void put(String text) {
            for (int i = 0; i < text.length(); i++) buffer[length++] = (byte) text.charAt(i);
        }

        private void put(byte[] bytes, int count) {
            System.arraycopy(bytes, 0, buffer, length, count);
            length += count;
        }

        /** Hands over what there is. */
        void flush() {
            if (length == HEADER) return;
            buffer[0] = (byte) (length >>> 16);
            buffer[1] = (byte) (length >>> 8);
            buffer[2] = (byte) length;
            if (full.offer(buffer)) {
                byte[] next = spare.poll();
                buffer = next != null ? next : new byte[BUFFER_BYTES];
            } else {
                dropped.addAndGet(lines());
            }
            length = HEADER;
        }

        private int lines() {
            int lines = 0;
            for (int i = HEADER; i < length; i++) if (buffer[i] == '\n') lines++;
            return lines;
        }
    }

}
