package org.libtorque.apps.http;

import org.libtorque.memory.ByteView;

/**
 * The fields that say where a message ends and what becomes of the connection. Each method gets a trimmed value, puts
 * what it says into the head, and returns 0 or a negated status.
 */
final class FramingFields {
    private static final byte[] CLOSE = Bytes.of("close"), KEEP_ALIVE = Bytes.of("keep-alive"), UPGRADE = Bytes.of("upgrade"),
            CHUNKED = Bytes.of("chunked"), CONTINUE = Bytes.of("100-continue");

    private static final long KEEP_ALI = Chars.word("keep-ali"), VE = Chars.word("ve");

    private FramingFields() {}

    static int connection(ByteView in, RequestHead head, int from, int to) {
        if (to - from == 10 && Chars.fold(in.getLong(from)) == KEEP_ALI && (Chars.fold(in.getShort(from + 8)) & 0xFFFF) == VE) {
            head.connection |= RequestHead.KEEP_ALIVE; // what browsers and load generators send
            return 0;
        }
        return connectionList(in, head, from, to);
    }

    private static int connectionList(ByteView in, RequestHead head, int from, int to) {
        while (from < to) {
            int end = Bytes.skip(in, from, to, Chars.TOKEN);
            if (Bytes.equalsIgnoringCase(in, from, end, KEEP_ALIVE)) {
                head.connection |= RequestHead.KEEP_ALIVE;
            } else if (Bytes.equalsIgnoringCase(in, from, end, CLOSE)) {
                head.connection |= RequestHead.CLOSE;
            } else if (Bytes.equalsIgnoringCase(in, from, end, UPGRADE)) {
                head.connection |= RequestHead.UPGRADE_OPTION;
            }
            from = nextElement(in, end, to);
            if (from < 0) return RequestParser.fail(head, 400, "bad Connection");
        }
        return 0;
    }

    /** Returns where the next element of a list begins, {@code to} if there is none, or -1 if there is no comma between. */
    private static int nextElement(ByteView in, int at, int to) {
        at = Bytes.skipBlanks(in, at, to);
        if (at == to) return to;
        return in.getByte(at) == ',' ? Bytes.skipBlanks(in, at + 1, to) : -1;
    }

    static int contentLength(ByteView in, RequestHead head, int from, int to) {
        long value = 0;
        for (int at = from; at < to; at++) {
            byte b = in.getByte(at);
            // 9 * 10^17 and ten times that plus nine are both below 2^63.
            if (!Chars.isDigit(b) || value >= 900_000_000_000_000_000L) {
                return RequestParser.fail(head, 400, "bad Content-Length");
            }
            value = value * 10 + b - '0';
        }
        if (from == to) return RequestParser.fail(head, 400, "bad Content-Length");
        head.contentLength = value;
        return 0;
    }

    static int transferEncoding(ByteView in, RequestHead head, int from, int to) {
        if (Bytes.equalsIgnoringCase(in, from, to, CHUNKED)) {
            head.chunked = true;
            return 0;
        }
        // "x, chunked" has an end that could be found by somebody who knows x. Parameters need not be understood, but
        // chunked has none and stands last and once; anything else has no reliable end (RFC 9112 section 6.3).
        boolean chunkedLast = false;
        while (from < to && !chunkedLast) {
            int end = Bytes.skip(in, from, to, Chars.TOKEN);
            if (end == from) break;
            boolean isChunked = Bytes.equalsIgnoringCase(in, from, end, CHUNKED);
            int comma = end;
            while (comma < to && in.getByte(comma) != ',') comma++;
            int rest = Bytes.skipBlanks(in, end, comma);
            if (isChunked) {
                chunkedLast = end == to;
                break;
            }
            if (rest < comma && in.getByte(rest) != ';') break;
            from = comma == to ? to : Bytes.skipBlanks(in, comma + 1, to);
        }
        return chunkedLast ? RequestParser.fail(head, 501, "transfer coding not implemented")
                : RequestParser.fail(head, 400, "bad Transfer-Encoding");
    }

    static int expect(ByteView in, RequestHead head, int from, int to) {
        if (!Bytes.equalsIgnoringCase(in, from, to, CONTINUE)) return RequestParser.fail(head, 417, "unknown expectation");
        head.expectContinue = head.minorVersion == 1; // RFC 9110 section 10.1.1: to be ignored in HTTP/1.0
        return 0;
    }
}
