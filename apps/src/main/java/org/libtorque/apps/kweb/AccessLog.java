package org.libtorque.apps.kweb;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedTransferQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.libtorque.apps.cli.CommandException;

/**
 * A line for each request in the common log format, written by a thread of its own so that no vcore waits for a disk. Vcores fill buffers and hand them
 * over when they are full or {@link #FLUSH_MILLIS} old; when the disk cannot keep up and the queue is full, lines are dropped, counted, and the count is
 * logged.
 */
final class AccessLog implements AutoCloseable {
    /** How long a line may wait for others. */
    static final int FLUSH_MILLIS = 500;
    /** Bytes of a request line that are logged. */
    static final int MAX_REQUEST_LINE = 1024;
    private static final System.Logger LOG = System.getLogger("org.libtorque.kweb");
    private static final int BUFFER_BYTES = 64 * 1024;
    private static final byte[] END = new byte[0];
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("dd/MMM/yyyy:HH:mm:ss Z", Locale.ROOT).withZone(ZoneId.systemDefault());

    private final OutputStream out;
    private final boolean ownsOut;
    private final int mostFull;
    /** How many are in {@link #full}, at least. */
    private final AtomicInteger fullCount = new AtomicInteger();
    // Neither has a lock: a uthread that found it taken would leave its vcore in the middle of a request.
    private final LinkedTransferQueue<byte[]> full = new LinkedTransferQueue<>();
    private final ConcurrentLinkedQueue<byte[]> spare = new ConcurrentLinkedQueue<>();
    private final AtomicLong dropped = new AtomicLong();
    private final Thread thread;

    private AccessLog(OutputStream out, boolean ownsOut, int vcores) {
        this.out = out;
        this.ownsOut = ownsOut;
        mostFull = 16 * vcores;
        thread = Thread.ofPlatform().name("kweb-access-log").daemon(true).unstarted(this::write);
    }

    /** Opens a file for appending, or standard output for {@code -}. */
    static AccessLog open(String name, int vcores) {
        if (name.equals("-")) return to(System.out, false, vcores);
        try {
            return to(new FileOutputStream(name, true), true, vcores);
        } catch (IOException e) {
            throw new CommandException("cannot open access log " + name + ": " + e.getMessage(), e);
        }
    }

    /** Writes to a stream. */
    static AccessLog to(OutputStream out, boolean ownsOut, int vcores) {
        AccessLog log = new AccessLog(out, ownsOut, vcores);
        log.thread.start();
        return log;
    }

    /**
     * Returns a writer: for a vcore, which it alone uses, or for all platform threads that serve.
     *
     * @param flushLater asked to see to it that the writer is {@linkplain Writer#flush flushed} after {@link #FLUSH_MILLIS}; not asked again before that
     */
    Writer writer(Runnable flushLater) { return new Writer(flushLater); }

    private void write() {
        try {
            while (true) {
                byte[] buffer = full.take();
                if (buffer == END) break;
                fullCount.decrementAndGet();
                int length = (buffer[0] & 0xFF) << 16 | (buffer[1] & 0xFF) << 8 | buffer[2] & 0xFF;
                out.write(buffer, Writer.HEADER, length - Writer.HEADER);
                if (full.isEmpty()) out.flush();
                spare.offer(buffer);
                sayWhatWasDropped();
            }
            out.flush();
            sayWhatWasDropped();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IOException e) {
            LOG.log(System.Logger.Level.ERROR, "access log: " + e.getMessage() + "; no more requests are logged");
        }
    }

    private void sayWhatWasDropped() {
        long lost = dropped.getAndSet(0);
        if (lost > 0) LOG.log(System.Logger.Level.WARNING, "access log: {0} lines dropped, since it cannot be written fast enough", lost);
    }

    /** Writes what has been flushed and closes the file. Vcores must have stopped. */
    @Override public void close() {
        try {
            full.put(END);
            thread.join(10_000);
            if (ownsOut) out.close();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IOException e) {
            LOG.log(System.Logger.Level.ERROR, "access log: " + e.getMessage());
        }
    }

    /** One vcore's buffer, or that of platform threads, for whom there are locks. */
    final class Writer {
        static final int HEADER = 3; // length of the contents, header included
        /** What a line can need: each byte of a request line as {@code \x00}, a host of IPv6 with its zone, and the rest. */
        private static final int MAX_LINE = 4 * MAX_REQUEST_LINE + 512;
        private static final byte[] HEX = "0123456789abcdef".getBytes(ISO_8859_1);

        private final Runnable flushLater;
        private boolean flushIsDue;
        private byte[] buffer = new byte[BUFFER_BYTES];
        private int length = HEADER;
        private long second = Long.MIN_VALUE;
        private byte[] time = new byte[0];

        private Writer(Runnable flushLater) { this.flushLater = flushLater; }

        /** Appends a line: {@code host - - [time] "request line" status bytes}. */
        synchronized void log(String host, long epochSecond, byte[] requestLine, int status, long bytes) {
            if (BUFFER_BYTES - length < MAX_LINE) handOver();
            if (!flushIsDue) {
                flushIsDue = true;
                flushLater.run();
            }
            if (epochSecond != second) {
                second = epochSecond;
                time = TIME.format(Instant.ofEpochSecond(epochSecond)).getBytes(ISO_8859_1);
            }
            put(host);
            put(" - - [");
            System.arraycopy(time, 0, buffer, length, time.length);
            length += time.length;
            put("] \"");
            for (byte b : requestLine) putEscaped(b);
            put("\" ");
            putDecimal(status);
            put(" ");
            putDecimal(bytes);
            put("\n");
        }

        /** A line must stay one line, and its quotes closed, whatever a client sends. */
        private void putEscaped(byte b) {
            if (b >= ' ' && b != 0x7F && b != '"' && b != '\\') {
                buffer[length++] = b;
                return;
            }
            buffer[length++] = '\\';
            buffer[length++] = 'x';
            buffer[length++] = HEX[b >> 4 & 15];
            buffer[length++] = HEX[b & 15];
        }

        private void put(String text) {
            for (int i = 0; i < text.length(); i++) buffer[length++] = (byte) text.charAt(i);
        }

        private void putDecimal(long value) {
            int digits = 1;
            for (long v = value; v >= 10; v /= 10) digits++;
            length += digits;
            for (int at = length - 1; digits > 0; at--, digits--, value /= 10) buffer[at] = (byte) ('0' + value % 10);
        }

        /** Hands over what there is. */
        synchronized void flush() {
            flushIsDue = false;
            handOver();
        }

        private void handOver() {
            if (length == HEADER) return;
            buffer[0] = (byte) (length >>> 16);
            buffer[1] = (byte) (length >>> 8);
            buffer[2] = (byte) length;
            if (fullCount.get() < mostFull) { // or a few more, if several vcores see that at a time
                fullCount.incrementAndGet();
                full.put(buffer);
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
