package org.libtorque.apps.http;

import org.libtorque.memory.ByteSink;

/** File names in HTML and in URLs, for directory listings. Allocates nothing; may be called from any thread. */
public final class TextEncoder {
    private static final byte[] HEX = Bytes.of("0123456789ABCDEF");
    private static final byte[] LESS = Bytes.of("&lt;"), GREATER = Bytes.of("&gt;"), AMPERSAND = Bytes.of("&amp;"), QUOTE = Bytes.of("&quot;"),
            APOSTROPHE = Bytes.of("&#39;");
    /** U+FFFD in UTF-8. */
    private static final byte[] REPLACEMENT = {(byte) 0xEF, (byte) 0xBF, (byte) 0xBD};

    private TextEncoder() {}

    /**
     * Puts text so that it means itself in HTML, between tags and in quoted attributes. What is not UTF-8 and what HTML
     * does not allow, control characters, becomes U+FFFD.
     */
    public static void putHtml(ByteSink out, byte[] text, int from, int to) {
        for (int i = from; i < to; ) {
            byte b = text[i];
            if (b < 0) {
                int size = sequence(text, i, to);
                if (size == 0) {
                    out.put(REPLACEMENT);
                    i++;
                } else {
                    out.put(text, i, size);
                    i += size;
                }
                continue;
            }
            i++;
            switch (b) {
                case '<' -> out.put(LESS);
                case '>' -> out.put(GREATER);
                case '&' -> out.put(AMPERSAND);
                case '"' -> out.put(QUOTE);
                case '\'' -> out.put(APOSTROPHE);
                default -> {
                    if (b < 0x20 || b == 0x7F) {
                        out.put(REPLACEMENT);
                    } else {
                        out.putByte(b);
                    }
                }
            }
        }
    }

    /** Returns the length of the well-formed UTF-8 sequence that begins at {@code i}, at most 4, or 0. */
    private static int sequence(byte[] text, int i, int to) {
        for (int size = 2; size <= 4 && i + size <= to; size++) {
            if (RequestPath.isUtf8(text, i, i + size)) return size;
        }
        return 0;
    }

    /**
     * Puts a path so that it means itself in a URL: bytes other than the unreserved ones of RFC 3986 and the slash are
     * escaped. The result needs no escaping in HTML.
     */
    public static void putUrlPath(ByteSink out, byte[] path, int from, int to) {
        for (int i = from; i < to; i++) {
            byte b = path[i];
            if (b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || Chars.isDigit(b) || b == '-' || b == '.' || b == '_' || b == '~' || b == '/') {
                out.putByte(b);
            } else {
                out.putByte('%');
                out.putByte(HEX[b >>> 4 & 0xF]);
                out.putByte(HEX[b & 0xF]);
            }
        }
    }
}
