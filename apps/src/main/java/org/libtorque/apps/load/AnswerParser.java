package org.libtorque.apps.load;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;

import org.libtorque.memory.ByteView;

/**
 * Finds where one HTTP/1.x answer ends, after RFC 9112, in bytes that come in pieces of any size.
 *
 * <pre>{@code
 *   HEAD -blank line-> FIXED | CHUNK_SIZE | UNTIL_CLOSE | DONE        1xx -> HEAD again
 *   FIXED -all bytes-> DONE        UNTIL_CLOSE -end of stream-> DONE
 *   CHUNK_SIZE -line-> CHUNK_DATA -all bytes-> CHUNK_END -line-> CHUNK_SIZE        CHUNK_SIZE -last chunk-> TRAILER -blank line-> DONE
 *   any -what HTTP does not allow-> FAILED
 * }</pre>
 *
 * <p>The head is kept as it comes and read line by line. Small answers are kept whole, to be learned as a {@link Template}; of others the
 * body is only counted, so its size does not matter. Where a server's error cannot be mistaken for anything else it is let pass (a bare LF
 * ends a line); where it could be, the answer fails.
 */
final class AnswerParser {
    private static final int HEAD = 0, FIXED = 1, CHUNK_SIZE = 2, CHUNK_EXTENSION = 3, CHUNK_DATA = 4, CHUNK_END = 5, TRAILER = 6,
            UNTIL_CLOSE = 7, DONE = 8, FAILED = 9;

    /** Bytes of a head, a chunk extension or a trailer above which an answer fails. */
    static final int MAX_HEAD_BYTES = 64 * 1024;
    private static final byte[] CONTENT_LENGTH = "content-length".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] TRANSFER_ENCODING = "transfer-encoding".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] CONNECTION = "connection".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] HTTP_1 = "HTTP/1.".getBytes(StandardCharsets.US_ASCII);

    private final boolean answersHead;
    private int state;
    private byte[] raw = new byte[512];
    private int rawLength;
    private int lineStart;
    /** Whether {@code raw} still holds every byte of the answer. */
    private boolean whole;
    private boolean started;
    private int status;
    private boolean http10;
    private boolean saysClose;
    private boolean saysKeepAlive;
    private boolean chunked;
    private boolean otherCoding;
    private long contentLength;
    private long bodyBytes;
    /** Bytes left of the body or chunk; in CHUNK_SIZE the size read so far. */
    private long remaining;
    private int digits;
    /** Bytes of the line in CHUNK_EXTENSION, CHUNK_END and TRAILER, and of the trailer as a whole. */
    private int lineLength;
    private int trailerBytes;
    private boolean fixed;
    private boolean untilClose;
    private String failure;

    /** @param answersHead whether the requests have the method HEAD, whose answers have no body whatever they announce */
    AnswerParser(boolean answersHead) {
        this.answersHead = answersHead;
        reset();
    }

    /** Makes ready for another answer. */
    void reset() {
        startHead();
        started = false;
        bodyBytes = 0;
        failure = null;
        if (raw.length > Template.MAX_ANSWER_BYTES) raw = new byte[512];
    }

    private void startHead() {
        state = HEAD;
        rawLength = lineStart = 0;
        whole = true;
        status = 0;
        http10 = saysClose = saysKeepAlive = chunked = otherCoding = fixed = untilClose = false;
        contentLength = -1;
        remaining = 0;
        digits = lineLength = trailerBytes = 0;
    }

    // ---- input

    /**
     * Takes bytes until the answer is complete or has failed.
     *
     * @param from index of the first byte to take
     * @param to   index behind the last
     * @return index behind the last byte taken; less than {@code to} only if the answer is {@linkplain #isDone done} or {@linkplain #hasFailed failed}
     */
    int take(ByteView data, int from, int to) {
        if (from < to) started = true;
        while (from < to) {
            switch (state) {
                case HEAD -> from = takeHead(data, from, to);
                case FIXED, CHUNK_DATA, UNTIL_CLOSE -> from = takeBody(data, from, to);
                case DONE, FAILED -> { return from; }
                default -> {
                    byte b = data.getByte(from);
                    if (whole) keepBody(data, from, 1);
                    from++;
                    takeChunkFraming(b);
                }
            }
        }
        return from;
    }

    private int takeHead(ByteView data, int from, int to) {
        int lf = data.indexOf((byte) '\n', from);
        boolean lineEnds = lf >= 0 && lf < to;
        int end = lineEnds ? lf + 1 : to;
        if (end - from > MAX_HEAD_BYTES - rawLength) {
            fail("a head of more than " + MAX_HEAD_BYTES + " bytes");
            return end;
        }
        keep(data, from, end - from);
        if (lineEnds) {
            int lineEnd = rawLength - 1;
            if (lineEnd > lineStart && raw[lineEnd - 1] == '\r') lineEnd--;
            if (lineStart == 0) takeStatusLine(lineEnd);
            else if (lineEnd == lineStart) endHead();
            else takeField(lineStart, lineEnd);
            lineStart = state == HEAD && status == 0 ? 0 : rawLength;
        } else if (lineStart == 0 && Arrays.mismatch(raw, 0, Math.min(rawLength, HTTP_1.length), HTTP_1, 0, Math.min(rawLength, HTTP_1.length)) >= 0) {
            fail("no HTTP/1.x answer: " + quote(rawLength)); // now, not when a line ends that may never
        }
        return end;
    }

    private int takeBody(ByteView data, int from, int to) {
        int n = state == UNTIL_CLOSE ? to - from : (int) Math.min(remaining, to - from);
        if (whole) keepBody(data, from, n);
        bodyBytes += n;
        if (state != UNTIL_CLOSE) {
            remaining -= n;
            if (remaining == 0) {
                state = state == FIXED ? DONE : CHUNK_END;
                lineLength = 0;
            }
        }
        return from + n;
    }

    private void takeChunkFraming(byte b) {
        switch (state) {
            case CHUNK_SIZE -> {
                int digit = Character.digit((char) (b & 0xff), 16);
                if (digit >= 0) {
                    if (++digits > 15) {
                        fail("a chunk size of more than 15 digits");
                        return;
                    }
                    remaining = remaining << 4 | digit;
                } else if (digits == 0) {
                    fail("no chunk size where there should be one");
                } else if (b == '\n') {
                    endChunkSize();
                } else if (b == '\r' || b == ';' || b == ' ' || b == '\t') {
                    state = CHUNK_EXTENSION;
                    lineLength = 0;
                } else {
                    fail("a chunk size that is no hexadecimal number");
                }
            }
            case CHUNK_EXTENSION -> {
                if (b == '\n') endChunkSize();
                else if (++lineLength > MAX_HEAD_BYTES) fail("a chunk extension of more than " + MAX_HEAD_BYTES + " bytes");
            }
            case CHUNK_END -> {
                if (b == '\n') startChunkSize();
                else if (b != '\r' || lineLength++ > 0) fail("more data than the chunk size says");
            }
            case TRAILER -> {
                if (b == '\n') {
                    if (lineLength == 0) state = DONE;
                    lineLength = 0;
                } else if (b != '\r') {
                    lineLength++;
                }
                if (++trailerBytes > MAX_HEAD_BYTES) fail("a trailer of more than " + MAX_HEAD_BYTES + " bytes");
            }
            default -> throw new IllegalStateException("state " + state);
        }
    }

    private void startChunkSize() {
        state = CHUNK_SIZE;
        remaining = 0;
        digits = 0;
    }

    private void endChunkSize() {
        state = remaining > 0 ? CHUNK_DATA : TRAILER;
        lineLength = 0;
    }

    private void keep(ByteView data, int from, int count) {
        if (raw.length - rawLength < count) raw = Arrays.copyOf(raw, Math.max(2 * raw.length, rawLength + count));
        data.copyTo(from, raw, rawLength, count);
        rawLength += count;
    }

    private void keepBody(ByteView data, int from, int count) {
        if (count > Template.MAX_ANSWER_BYTES - rawLength) whole = false;
        else keep(data, from, count);
    }

    /**
     * Takes the end of the stream.
     *
     * @return whether that completes the answer
     */
    boolean takeEnd() {
        if (state == UNTIL_CLOSE) state = DONE;
        return state == DONE;
    }

    // ---- the head

    /** {@code HTTP/1.1 200 OK}; the reason, and some servers leave out even the space before it, may be missing. */
    private void takeStatusLine(int end) {
        boolean valid = end >= 12 && Arrays.mismatch(raw, 0, HTTP_1.length, HTTP_1, 0, HTTP_1.length) < 0
                && isDigit(raw[7]) && raw[8] == ' ' && isDigit(raw[9]) && isDigit(raw[10]) && isDigit(raw[11])
                && (end == 12 || raw[12] == ' ');
        int code = valid ? (raw[9] - '0') * 100 + (raw[10] - '0') * 10 + raw[11] - '0' : 0;
        if (code < 100) {
            fail("no HTTP/1.x answer: " + quote(end));
            return;
        }
        status = code;
        http10 = raw[7] == '0';
    }

    private void takeField(int from, int end) {
        int colon = from;
        while (colon < end && raw[colon] != ':') colon++;
        if (colon == end) {
            if (raw[from] != ' ' && raw[from] != '\t') fail("a header field without a colon"); // else obs-fold (RFC 9112, 5.2)
            return;
        }
        switch (colon - from) {
            case 14 -> { if (isName(from, CONTENT_LENGTH)) takeContentLength(colon + 1, end); }
            case 17 -> { if (isName(from, TRANSFER_ENCODING)) takeTransferEncoding(colon + 1, end); }
            case 10 -> { if (isName(from, CONNECTION)) takeConnection(colon + 1, end); }
            default -> { }
        }
    }

    private boolean isName(int from, byte[] lowerCase) {
        for (int i = 0; i < lowerCase.length; i++) {
            byte b = raw[from + i];
            if ((b >= 'A' && b <= 'Z' ? b + 32 : b) != lowerCase[i]) return false;
        }
        return true;
    }

    private void takeContentLength(int from, int end) {
        for (String item : list(from, end)) {
            long value = item.length() > 18 || item.isEmpty() || !item.chars().allMatch(c -> c >= '0' && c <= '9') ? -1 : Long.parseLong(item);
            if (value < 0 || contentLength >= 0 && contentLength != value) {
                fail(value < 0 ? "a Content-Length that is no number: " + item : "two lengths, " + contentLength + " and " + value);
                return;
            }
            contentLength = value;
        }
    }

    private void takeTransferEncoding(int from, int end) {
        for (String coding : list(from, end)) {
            chunked = coding.equals("chunked"); // only as the last one does it end the body
            otherCoding = !chunked;
        }
    }

    private void takeConnection(int from, int end) {
        for (String option : list(from, end)) {
            if (option.equals("close")) saysClose = true;
            else if (option.equals("keep-alive")) saysKeepAlive = true;
        }
    }

    /** A comma-separated value, in lower case. Allocates: fields that matter are few, and answers that need parsing rare. */
    private String[] list(int from, int end) {
        return new String(raw, from, end - from, StandardCharsets.ISO_8859_1).strip().toLowerCase(Locale.ROOT).split("[ \t]*,[ \t]*");
    }

    /** RFC 9112, 6.3. */
    private void endHead() {
        if (status == 101) {
            fail("a switch of protocols that nobody asked for");
        } else if (status < 200) {
            startHead(); // an interim answer: the one that counts follows
        } else if (answersHead || status == 204 || status == 304) {
            state = DONE;
        } else if (chunked) {
            startChunkSize();
        } else if (otherCoding || contentLength < 0) {
            state = UNTIL_CLOSE;
            untilClose = true;
        } else {
            fixed = true;
            remaining = contentLength;
            state = remaining == 0 ? DONE : FIXED;
        }
        if (untilClose || rawLength + remaining > Template.MAX_ANSWER_BYTES) whole = false;
    }

    private void fail(String why) {
        state = FAILED;
        failure = why;
    }

    private String quote(int end) {
        int length = Math.min(end, 60);
        var text = new StringBuilder(length + 2).append('\'');
        for (int i = 0; i < length; i++) text.append(raw[i] >= ' ' && raw[i] < 0x7f ? (char) raw[i] : '?');
        return text.append('\'').toString();
    }

    private static boolean isDigit(byte b) {
        return b >= '0' && b <= '9';
    }

    // ---- outcome

    /** Whether the answer is complete. */
    boolean isDone() {
        return state == DONE;
    }

    /** Whether what came is no HTTP answer. */
    boolean hasFailed() {
        return state == FAILED;
    }

    /** Why it {@linkplain #hasFailed failed}, as an object: 'the server sent …'. */
    String failure() {
        return failure;
    }

    /** Whether any byte has come. */
    boolean hasStarted() {
        return started;
    }

    /** Status code of the answer, 0 before its first line. */
    int status() {
        return status;
    }

    /** Bytes of the body so far, chunk framing left out. */
    long bodyBytes() {
        return bodyBytes;
    }

    /** Whether {@code Content-Length} gave the length of the body. */
    boolean hasFixedLength() {
        return fixed;
    }

    /** What {@code Content-Length} said, -1 if nothing. */
    long contentLength() {
        return contentLength;
    }

    /** Whether the server will close the connection, and so answer nothing more. */
    boolean announcesClose() {
        return saysClose || untilClose || http10 && !saysKeepAlive;
    }

    /** Whether {@link #raw} holds the complete answer, fit to be compared with. */
    boolean isLearnable() {
        return state == DONE && whole && !announcesClose();
    }

    /** The answer as it came, {@link #rawLength} bytes of it. */
    byte[] raw() {
        return raw;
    }

    int rawLength() {
        return rawLength;
    }
}
