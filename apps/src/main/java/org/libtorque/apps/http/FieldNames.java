package org.libtorque.apps.http;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.libtorque.memory.ByteView;

/**
 * The field names that {@link RequestHead} records, in a perfect hash table: a look-up compares one to three words and
 * never a byte.
 *
 * <p>A name of up to seven bytes is one folded word, zero above its end; a longer one its first eight bytes, by which it
 * is found, and its last eight, which may overlap, and one of more than sixteen also the eight from its ninth byte on.
 * The multiplier that keeps the names apart is searched when the class is loaded.
 */
final class FieldNames {
    /** As far as {@link #colon} looks; no recorded name is that long. */
    static final int WINDOW = 24;
    private static final long COLONS = ':' * Chars.ONES;
    private static final String[] NAMES = new String[RequestHead.EXPECT + 1];
    private static final int SLOT_BITS = 7;
    private static final int SLOTS = 1 << SLOT_BITS;
    private static final long[] FIRST = new long[SLOTS], LAST = new long[SLOTS], NINTH = new long[SLOTS];
    private static final int[] LENGTHS = new int[SLOTS], FIELDS = new int[SLOTS];
    private static final long MULTIPLIER;

    static {
        NAMES[RequestHead.ACCEPT] = "accept";
        NAMES[RequestHead.ACCEPT_ENCODING] = "accept-encoding";
        NAMES[RequestHead.IF_MATCH] = "if-match";
        NAMES[RequestHead.IF_NONE_MATCH] = "if-none-match";
        NAMES[RequestHead.IF_MODIFIED_SINCE] = "if-modified-since";
        NAMES[RequestHead.IF_UNMODIFIED_SINCE] = "if-unmodified-since";
        NAMES[RequestHead.IF_RANGE] = "if-range";
        NAMES[RequestHead.RANGE] = "range";
        NAMES[RequestHead.REFERER] = "referer";
        NAMES[RequestHead.TE] = "te";
        NAMES[RequestHead.UPGRADE] = "upgrade";
        NAMES[RequestHead.USER_AGENT] = "user-agent";
        NAMES[RequestHead.HOST] = "host";
        NAMES[RequestHead.CONNECTION] = "connection";
        NAMES[RequestHead.CONTENT_LENGTH] = "content-length";
        NAMES[RequestHead.TRANSFER_ENCODING] = "transfer-encoding";
        NAMES[RequestHead.EXPECT] = "expect";
        SplittableRandom random = new SplittableRandom(9112); // any seed will do: one multiplier in four fits
        long multiplier;
        do multiplier = random.nextLong() | 1; while (!fill(multiplier));
        MULTIPLIER = multiplier;
    }

    private FieldNames() {}

    private static boolean fill(long multiplier) {
        Arrays.fill(FIELDS, 0);
        for (int field = 1; field < NAMES.length; field++) {
            String name = NAMES[field];
            int length = name.length();
            long first = Chars.word(name.substring(0, Math.min(length, 8)));
            int slot = slot(multiplier, first);
            if (FIELDS[slot] != 0) return false;
            FIRST[slot] = first;
            LAST[slot] = length >= 8 ? Chars.word(name.substring(length - 8)) : 0;
            NINTH[slot] = length > 16 ? Chars.word(name.substring(8, 16)) : 0;
            LENGTHS[slot] = length;
            FIELDS[slot] = field;
        }
        return true;
    }

    private static int slot(long multiplier, long first) { return (int) (first * multiplier >>> 64 - SLOT_BITS); }

    /** Returns the name of a recorded field in lower case. Allocates. */
    static byte[] bytes(int field) { return NAMES[field].getBytes(US_ASCII); }

    /**
     * Returns the offset of the first colon in the {@link #WINDOW} bytes from {@code offset} on, or a very large number
     * if there is none before {@code limit}. Eight bytes must be readable.
     */
    static int colon(ByteView in, int offset, int limit) {
        long colons = Chars.zeroes(in.getLong(offset) ^ COLONS);
        if (colons != 0) return Chars.first(colons);
        if (offset > limit - WINDOW) return colonAtEnd(in, offset, limit);
        colons = Chars.zeroes(in.getLong(offset + 8) ^ COLONS);
        if (colons != 0) return 8 + Chars.first(colons);
        colons = Chars.zeroes(in.getLong(offset + 16) ^ COLONS);
        return colons != 0 ? 16 + Chars.first(colons) : Integer.MAX_VALUE;
    }

    private static int colonAtEnd(ByteView in, int offset, int limit) {
        int at = offset + 8;
        while (at < limit && in.getByte(at) != ':') at++;
        return at < limit ? at - offset : Integer.MAX_VALUE;
    }

    /**
     * Finds out which field a name belongs to. Eight bytes from {@code offset} on must be readable.
     *
     * @param offset where the name begins
     * @param length its length, at least 1; none of its bytes is NUL
     * @return the field's number, or 0 if it is not recorded
     */
    static int lookup(ByteView in, int offset, int length) {
        long word = in.getLong(offset);
        return length < 8 ? lookup(word & (1L << 8 * length) - 1) : lookupLong(in, offset, length, word);
    }

    /** The same for a name near the {@code limit} of what may be read. */
    static int lookupAtEnd(ByteView in, int offset, int length, int limit) {
        long word = RequestParser.load(in, offset, limit);
        return length < 8 ? lookup(word & (1L << 8 * length) - 1) : lookupLong(in, offset, length, word);
    }

    static int lookup(long name) {
        long first = Chars.fold(name);
        int slot = slot(MULTIPLIER, first);
        return FIRST[slot] == first ? FIELDS[slot] : 0;
    }

    static int lookup(long low, long end, int length) {
        long first = Chars.fold(low);
        int slot = slot(MULTIPLIER, first);
        return FIRST[slot] == first && LENGTHS[slot] == length && LAST[slot] == Chars.fold(end) ? FIELDS[slot] : 0;
    }

    private static int lookupLong(ByteView in, int offset, int length, long word) {
        long first = Chars.fold(word);
        int slot = slot(MULTIPLIER, first);
        if (FIRST[slot] != first || LENGTHS[slot] != length || LAST[slot] != Chars.fold(in.getLong(offset + length - 8))) return 0;
        return length <= 16 || NINTH[slot] == Chars.fold(in.getLong(offset + 8)) ? FIELDS[slot] : 0;
    }
}
