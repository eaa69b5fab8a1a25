package org.libtorque.apps.http;

import org.libtorque.memory.ByteSink;
import org.libtorque.memory.ByteView;

/**
 * The ranges of a Range field (RFC 9110 section 14). Reused from request to request by one thread; allocates nothing.
 *
 * <p>The RFC lets a server ignore what looks like an attack. This one ignores a field with more than
 * {@value #MAX_RANGES} satisfiable ranges, and one in which more than two ranges overlap an earlier one. Ranges that
 * overlap or whose gap costs less than the head of another part are put together, in the place of the first.
 */
public final class ByteRanges {
    /** Most satisfiable ranges in one request. */
    public static final int MAX_RANGES = 16;
    /** What {@link #parse} returns if the field is to be ignored: answer 200. */
    public static final int IGNORE = 0;
    /** What {@link #parse} returns if no range can be satisfied: answer 416 with {@link #putUnsatisfied}. */
    public static final int UNSATISFIABLE = -416;

    /** Ranges nearer than this are sent as one; about what the head of a part costs (RFC 9110 section 15.3.7.2). */
    static final int GAP_BYTES = 80;
    private static final int MAX_OVERLAPS = 2;

    private static final byte[] UNIT = Bytes.of("bytes=");
    private static final byte[] DELIMITER = Bytes.of("--"), NEXT_DELIMITER = Bytes.of("\r\n--"), END = Bytes.of("--\r\n"),
            CONTENT_TYPE = Bytes.of("\r\nContent-Type: "), CONTENT_RANGE = Bytes.of("\r\nContent-Range: "), BYTES = Bytes.of("bytes "),
            UNSATISFIED = Bytes.of("bytes */"), HEAD_END = Bytes.of("\r\n\r\n");

    private final long[] first = new long[MAX_RANGES];
    private final long[] last = new long[MAX_RANGES];
    private int count;
    private long size;

    /** Creates an object without ranges. */
    public ByteRanges() {}

    /**
     * Parses a field value. Whether the field is to be heeded at all is what {@link Conditions#rangeApplies} tells.
     *
     * @param in     the view that holds it
     * @param offset where it begins
     * @param length its length
     * @param size   length of the representation in bytes
     * @return the number of ranges to send; {@link #IGNORE} for another unit, a value that is not well-formed, too many
     *         ranges, and a suffix of an empty representation, which can be satisfied but not expressed; or
     *         {@link #UNSATISFIABLE}
     */
    public int parse(ByteView in, int offset, int length, long size) {
        this.size = size;
        count = 0;
        int end = offset + length;
        if (!Bytes.startsWithIgnoringCase(in, offset, end, UNIT)) return IGNORE;
        boolean any = false;
        boolean tooMany = false;
        for (int at = offset + UNIT.length; at < end; at = Bytes.skipBlanks(in, at + 1, end)) {
            if (in.getByte(at) == ',') continue; // empty elements are to be tolerated
            int dash = skipDigits(in, at, end);
            if (dash == end || in.getByte(dash) != '-') return IGNORE;
            int behind = skipDigits(in, dash + 1, end);
            long from = number(in, at, dash);
            long to = number(in, dash + 1, behind);
            if (from < 0 && to < 0 || from >= 0 && to >= 0 && to < from) return IGNORE;
            any = true;
            if (from < 0) { // the last so many bytes
                if (to > 0 && size == 0) return IGNORE;
                from = to == 0 ? size : Math.max(0, size - to);
                to = Long.MAX_VALUE;
            } else if (to < 0) {
                to = Long.MAX_VALUE;
            }
            if (from < size) {
                if (count < MAX_RANGES) {
                    first[count] = from;
                    last[count++] = Math.min(to, size - 1);
                } else {
                    tooMany = true; // but what follows may not be well-formed, or overlap: all the same
                }
            }
            at = Bytes.skipBlanks(in, behind, end);
            if (at < end && in.getByte(at) != ',') return IGNORE;
        }
        if (!any || tooMany || overlaps() > MAX_OVERLAPS) return count = IGNORE;
        if (count == 0) return UNSATISFIABLE;
        coalesce();
        return count;
    }

    private static int skipDigits(ByteView in, int at, int end) {
        while (at < end && Chars.isDigit(in.getByte(at))) at++;
        return at;
    }

    /** Returns a number, -1 if there are no digits; what is too large counts as the largest long. */
    private static long number(ByteView in, int from, int to) {
        if (from == to) return -1;
        long value = 0;
        for (int at = from; at < to; at++) {
            int digit = in.getByte(at) - '0';
            if (value > (Long.MAX_VALUE - digit) / 10) return Long.MAX_VALUE;
            value = value * 10 + digit;
        }
        return value;
    }

    /** Returns how many ranges overlap one before them. */
    private int overlaps() {
        int overlaps = 0;
        for (int i = 1; i < count; i++) {
            for (int j = 0; j < i; j++) {
                if (first[i] <= last[j] && first[j] <= last[i]) {
                    overlaps++;
                    break;
                }
            }
        }
        return overlaps;
    }

    private void coalesce() {
        for (int i = 0; i < count; i++) {
            for (int j = i + 1; j < count; ) {
                if (first[j] - last[i] > GAP_BYTES || first[i] - last[j] > GAP_BYTES) {
                    j++;
                    continue;
                }
                first[i] = Math.min(first[i], first[j]);
                last[i] = Math.max(last[i], last[j]);
                count--;
                System.arraycopy(first, j + 1, first, j, count - j);
                System.arraycopy(last, j + 1, last, j, count - j);
                j = i + 1; // the larger range may now reach one that was left
            }
        }
    }

    /** Returns the number of ranges. */
    public int count() { return count; }

    /** Returns the position of a range's first byte. */
    public long first(int range) { return first[range]; }

    /** Returns the position of a range's last byte. */
    public long last(int range) { return last[range]; }

    /** Returns the length of a range in bytes. */
    public long length(int range) { return last[range] - first[range] + 1; }

    /** Puts the value of Content-Range for a range: {@code bytes 0-99/1234}. */
    public void putContentRange(ByteSink out, int range) {
        out.put(BYTES);
        out.putDecimal(first[range]);
        out.putByte('-');
        out.putDecimal(last[range]);
        out.putByte('/');
        out.putDecimal(size);
    }

    /** Puts the value of Content-Range for status 416: <code>bytes *&#47;1234</code>. */
    public static void putUnsatisfied(ByteSink out, long size) {
        out.put(UNSATISFIED);
        out.putDecimal(size);
    }

    /**
     * Returns the length of a multipart/byteranges body: for each range what {@link #putPartHead} puts and the range's
     * bytes, then what {@link #putEnd} puts.
     *
     * @param boundary    the delimiter between the parts, which must not occur in them
     * @param contentType of the representation, or null to leave it out
     */
    public long multipartLength(byte[] boundary, byte[] contentType) {
        long length = 2L * count - 2 + NEXT_DELIMITER.length + boundary.length + END.length; // no CR LF before the first
        long perPart = DELIMITER.length + boundary.length + CONTENT_RANGE.length + BYTES.length + 2 + digits(size) + HEAD_END.length
                + (contentType == null ? 0 : CONTENT_TYPE.length + contentType.length);
        for (int i = 0; i < count; i++) length += perPart + digits(first[i]) + digits(last[i]) + length(i);
        return length;
    }

    /** Puts what comes before the bytes of a range in a multipart/byteranges body; parameters as above. */
    public void putPartHead(ByteSink out, int range, byte[] boundary, byte[] contentType) {
        out.put(range == 0 ? DELIMITER : NEXT_DELIMITER);
        out.put(boundary);
        if (contentType != null) {
            out.put(CONTENT_TYPE);
            out.put(contentType);
        }
        out.put(CONTENT_RANGE);
        putContentRange(out, range);
        out.put(HEAD_END);
    }

    /** Puts what comes behind the bytes of the last range in a multipart/byteranges body. */
    public static void putEnd(ByteSink out, byte[] boundary) {
        out.put(NEXT_DELIMITER);
        out.put(boundary);
        out.put(END);
    }

    private static int digits(long value) {
        int digits = 1;
        while ((value /= 10) > 0) digits++;
        return digits;
    }
}
