package org.libtorque.apps.http;

/**
 * Which bytes may stand where (RFC 9110 section 5.6, RFC 3986), and eight bytes at a time: words are little-endian, so
 * the lowest byte is the first.
 */
final class Chars {
    /** Set for the bytes of a token. */
    static final int TOKEN = 1;
    /** Set for the bytes of a path: RFC 3986, and {@code [ ] |}, which browsers send as they are (WHATWG URL). */
    static final int PATH = 2;
    /** Set for the bytes of a query: those of a path, {@code ?}, and <code>\ ^ ` { }</code>, which browsers send too. */
    static final int QUERY = 4;
    /** Set for the bytes of a registered name or of user information without its colon: RFC 3986 reg-name. */
    static final int REG_NAME = 8;
    /** Set for the bytes of an entity tag between its quotes. */
    static final int ETAG = 16;
    /** Set for the bytes of a quoted string that need no backslash. */
    static final int QUOTED_TEXT = 32;
    /** Set for the bytes of a field value: visible ones, space, tab, and 0x80 to 0xFF. */
    static final int VALUE = 64;

    private static final byte[] CLASSES = new byte[256];
    /** Value of each hexadecimal digit, -1 for other bytes. */
    private static final byte[] HEX = new byte[256];

    static final long ONES = 0x0101_0101_0101_0101L;
    static final long TOPS = 0x8080_8080_8080_8080L;

    static {
        String alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        String unreserved = alphanumeric + "-._~";
        String subDelims = "!$&'()*+,;=";
        mark(alphanumeric + "!#$%&'*+-.^_`|~", TOKEN);
        mark(unreserved + subDelims + ":@%/[]|", PATH | QUERY);
        mark("?\\^`{}", QUERY);
        mark(unreserved + subDelims + "%", REG_NAME);
        for (int c = 0x20; c < 0x100; c++) {
            if (c == 0x7F) continue;
            CLASSES[c] |= VALUE;
            if (c != '"' && c != ' ') CLASSES[c] |= ETAG;
            if (c != '"' && c != '\\') CLASSES[c] |= QUOTED_TEXT;
        }
        CLASSES['\t'] |= VALUE | QUOTED_TEXT;
        java.util.Arrays.fill(HEX, (byte) -1);
        for (int digit = 0; digit < 16; digit++) {
            HEX[Character.forDigit(digit, 16)] = (byte) digit;
            HEX[Character.toUpperCase(Character.forDigit(digit, 16))] = (byte) digit;
        }
    }

    private Chars() {}

    private static void mark(String chars, int bits) {
        for (int i = 0; i < chars.length(); i++) CLASSES[chars.charAt(i)] |= (byte) bits;
    }

    /** Tells whether a byte belongs to one of the classes whose bits are set in {@code bits}. */
    static boolean is(byte b, int bits) { return (CLASSES[b & 0xFF] & bits) != 0; }

    /** Returns the value of a hexadecimal digit, or -1. */
    static int hex(byte b) { return HEX[b & 0xFF]; }

    static boolean isDigit(byte b) { return b >= '0' && b <= '9'; }

    /** Tells whether a byte is a space or a tab: the optional white space of field values. */
    static boolean isBlank(byte b) { return b == ' ' || b == '\t'; }

    /** Returns the letter in lower case, other bytes as they are. */
    static int lower(byte b) { return b >= 'A' && b <= 'Z' ? b + 0x20 : b; }

    /**
     * Sets bit 5 in each byte that has bit 6. This turns capitals into small letters; no other byte becomes a small
     * letter, and digits and hyphens stay, so that comparing folded words with names of letters, digits and hyphens is
     * exact.
     */
    static long fold(long word) { return word | (word & 0x4040_4040_4040_4040L) >>> 1; }

    /** Marks (top bits) each byte that is not a letter, {@code -} or {@code .}; those are the bytes of most field names. */
    static long notNameBytes(long word) {
        long v = word & ~TOPS; // no sum below carries from byte to byte
        long f = fold(v);
        long letters = f + (0x80 - 'a') * ONES & ~(f + (0x80 - 'z' - 1) * ONES);
        long dashes = f + (0x80 - '-') * ONES & ~(f + (0x80 - '.' - 1) * ONES);
        return (~(letters | dashes) | word) & TOPS;
    }

    /** Marks (top bits) each byte that is not a letter, a digit or one of {@code $%&'()*+,-./:;}: common in targets. */
    static long notTargetBytes(long word) {
        long v = word & ~TOPS;
        long f = fold(v);
        long letters = f + (0x80 - 'a') * ONES & ~(f + (0x80 - 'z' - 1) * ONES);
        long others = f + (0x80 - '$') * ONES & ~(f + (0x80 - ';' - 1) * ONES);
        return (~(letters | others) | word) & TOPS;
    }

    /** Marks (top bits) each byte that is not a letter, a digit, {@code -} or {@code .}; those are the bytes of most hosts. */
    static long notHostBytes(long word) {
        long v = word & ~TOPS;
        long f = fold(v);
        long letters = f + (0x80 - 'a') * ONES & ~(f + (0x80 - 'z' - 1) * ONES);
        long others = f + (0x80 - '-') * ONES & ~(f + (0x80 - '9' - 1) * ONES);
        long slashes = zeroes7(f ^ '/' * ONES);
        return (~(letters | others) | slashes | word) & TOPS;
    }

    /** Marks (top bits) the first byte that is not a digit; marks above the first are not reliable. */
    static long notDigits(long word) { return (word - '0' * ONES | word + (0x80 - '9' - 1) * ONES | word) & TOPS; }

    /** Marks each byte that is zero in a word whose top bits are clear. */
    private static long zeroes7(long word) { return ~(word + 0x7F * ONES) & TOPS; }

    /**
     * Marks (top bits) the first byte that is not from 0x20 to 0x7E; marks above the first are not reliable, because
     * borrows and carries run upwards. Below 0x20 the difference, at 0x7F and above the sum has its top bit set, but for
     * 0xFF, where again the difference has.
     */
    static long notText(long word) { return (word - 0x20 * ONES | word + ONES) & TOPS; }

    /** Marks (top bits) the first byte that is zero; marks above the first are not reliable. */
    static long zeroes(long word) { return word - ONES & ~word & TOPS; }

    /** Returns the index of the first marked byte. */
    static int first(long marks) { return Long.numberOfTrailingZeros(marks) >>> 3; }

    /** Returns up to eight bytes of text as a word. */
    static long word(String text) {
        long word = 0;
        for (int i = 0; i < text.length(); i++) word |= (long) text.charAt(i) << 8 * i;
        return word;
    }
}
