package org.libtorque.apps.http;

import static java.nio.charset.StandardCharsets.US_ASCII;

import org.libtorque.memory.ByteView;

/** Comparisons of bytes in views with constants. */
final class Bytes {
    static final byte[] HTTP_SCHEME = of("http://"), HTTPS_SCHEME = of("https://");

    private Bytes() {}

    static byte[] of(String ascii) { return ascii.getBytes(US_ASCII); }

    /** Tells whether the bytes from {@code from} to {@code to} begin with {@code lowerCase}, capitals counting as small letters. */
    static boolean startsWithIgnoringCase(ByteView in, int from, int to, byte[] lowerCase) {
        if (to - from < lowerCase.length) return false;
        for (int i = 0; i < lowerCase.length; i++) {
            if (Chars.lower(in.getByte(from + i)) != lowerCase[i]) return false;
        }
        return true;
    }

    /** Tells whether the bytes from {@code from} to {@code to} are {@code lowerCase}, capitals counting as small letters. */
    static boolean equalsIgnoringCase(ByteView in, int from, int to, byte[] lowerCase) {
        return to - from == lowerCase.length && startsWithIgnoringCase(in, from, to, lowerCase);
    }

    /** Tells whether the bytes from {@code from} to {@code to} are {@code bytes}. */
    static boolean equals(ByteView in, int from, int to, byte[] bytes, int bytesFrom) {
        if (to - from != bytes.length - bytesFrom) return false;
        for (int i = 0; i < to - from; i++) {
            if (in.getByte(from + i) != bytes[bytesFrom + i]) return false;
        }
        return true;
    }

    /** Returns the first index at or after {@code from} that is not a space or a tab, at most {@code to}. */
    static int skipBlanks(ByteView in, int from, int to) {
        while (from < to && Chars.isBlank(in.getByte(from))) from++;
        return from;
    }

    /** Returns the first index at or after {@code from} whose byte is in none of the classes, at most {@code to}. */
    static int skip(ByteView in, int from, int to, int classes) {
        while (from < to && Chars.is(in.getByte(from), classes)) from++;
        return from;
    }
}
