package org.libtorque.apps.http;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.util.SplittableRandom;
import org.libtorque.memory.ByteView;

/**
 * The field names that {@link RequestHead} records, in a perfect hash table: a look-up compares two or three words and
 * never a byte.
 *
 * <p>A name of up to seven bytes is one folded word, zero above its end; a longer one its first eight bytes and its last
 * eight, which may overlap, and one of more than sixteen also the eight from its ninth byte on. The multiplier that
 * keeps the names apart is searched when the class is loaded.
 */
final class FieldNames {
    /** As far as {@link #colon} looks; no recorded name is that long. */
    static final int WINDOW = 24;
    private static final long COLONS = ':' * Chars.ONES;
    private static final String[] NAMES = new String[RequestHead.EXPECT + 1];
    private static final int SLOT_BITS = 6;
    private static final int SLOT_WORDS = 4;
    /** Four words for each slot: first eight bytes, last eight, eight from the ninth on, and field * 256 + length. */
    private static final long[] SLOTS = new long[SLOT_WORDS << SLOT_BITS];
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
        SplittableRandom random = new SplittableRandom(9112); // any seed will do; one in eight multipliers fits
        long multiplier;
        do multiplier = random.nextLong() | 1; while (!fill(multiplier));
        MULTIPLIER = multiplier;
    }

    private FieldNames() {}

    private static boolean fill(long multiplier) {
        java.util.Arrays.fill(SLOTS, 0);
        for (int field = 1; field < NAMES.length; field++) {
            String name = NAMES[field];
            int length = name.length();
            boolean isLong = length >= 8;
            long first = Chars.word(isLong ? name.substring(0, 8) : name);
            long last = isLong ? Chars.word(name.substring(length - 8)) : 0;
            int slot = slot(multiplier, first, last, length);
            if (SLOTS[slot + 3] != 0) return false;
            SLOTS[slot] = first;
            SLOTS[slot + 1] = last;
            SLOTS[slot + 2] = length > 16 ? Chars.word(name.substring(8, 16)) : 0;
            SLOTS[slot + 3] = field << 8 | length;
        }
        return true;
    }

    private static int slot(long multiplier, long first, long last, int length) {
        return (int) ((first + last * 3 + length) * multiplier >>> 64 - SLOT_BITS) * SLOT_WORDS;
    }

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
     * @param length its length
     * @return the field's number, or 0 if it is not recorded
     */
    static int lookup(ByteView in, int offset, int length) { return lookup(in, offset, length, in.getLong(offset)); }

    /** The same for a name near the {@code limit} of what may be read. */
    static int lookupAtEnd(ByteView in, int offset, int length, int limit) {
        return lookup(in, offset, length, RequestParser.load(in, offset, limit));
    }

    private static int lookup(ByteView in, int offset, int length, long word) {
        long first = Chars.fold(word);
        long last = 0;
        if (length < 8) {
            first &= (1L << 8 * length) - 1;
        } else {
            last = Chars.fold(in.getLong(offset + length - 8));
        }
        int slot = slot(MULTIPLIER, first, last, length);
        if (SLOTS[slot] != first || SLOTS[slot + 1] != last) return 0;
        int fieldAndLength = (int) SLOTS[slot + 3];
        if ((fieldAndLength & 0xFF) != length) return 0;
        if (length > 16 && SLOTS[slot + 2] != Chars.fold(in.getLong(offset + 8))) return 0;
        return fieldAndLength >>> 8;
    }
}
