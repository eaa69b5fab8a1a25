package org.libtorque.apps.http;

import org.libtorque.memory.ByteView;

/**
 * Content negotiation for codings (RFC 9110 section 12.5.3). Allocates nothing; may be called from any thread.
 *
 * <p>Elements that are not well-formed are ignored, as are codings that this server has not. A coding that is named
 * twice counts as the last time says.
 */
public final class AcceptEncoding {
    /** A coding; also a bit in a set of codings. */
    public static final int IDENTITY = 1, GZIP = 2, BR = 4;
    /** No coding that is at hand is acceptable, not even none at all: answer 406, or identity regardless. */
    public static final int NONE = 0;

    private static final byte[] NAME = FieldNames.bytes(RequestHead.ACCEPT_ENCODING);
    private static final byte[] IDENTITY_NAME = Bytes.of("identity"), GZIP_NAME = Bytes.of("gzip"), X_GZIP_NAME = Bytes.of("x-gzip"), BR_NAME = Bytes.of("br");
    // Weights are in thousandths, in eleven bits each: 0 for unknown, else weight + 1.
    private static final int BITS = 11, MASK = (1 << BITS) - 1;
    private static final int IDENTITY_AT = 0, GZIP_AT = BITS, BR_AT = 2 * BITS, STAR_AT = 3 * BITS;

    private AcceptEncoding() {}

    /**
     * Chooses a coding.
     *
     * @param in        the view that was parsed, not yet consumed
     * @param available the set of codings at hand
     * @return the acceptable one of the greatest weight; br rather than gzip and gzip rather than identity where weights
     *         are equal; {@link #IDENTITY} without an Accept-Encoding field; or {@link #NONE}
     */
    public static int choose(ByteView in, RequestHead head, int available) {
        if (!head.has(RequestHead.ACCEPT_ENCODING)) return available & IDENTITY;
        int at = head.offset(RequestHead.ACCEPT_ENCODING);
        long weights = parse(in, at, at + head.length(RequestHead.ACCEPT_ENCODING), 0);
        if (head.isRepeated(RequestHead.ACCEPT_ENCODING)) {
            while ((at = head.next(in, NAME, at)) >= 0) weights = parse(in, at, at + head.valueLength(in, at), weights);
        }
        int star = (int) (weights >>> STAR_AT) & MASK;
        int br = weight(weights, BR_AT, star);
        int gzip = weight(weights, GZIP_AT, star);
        int identity = (int) (weights >>> IDENTITY_AT) & MASK;
        int best = NONE;
        int bestWeight = 1; // that is, zero: not acceptable
        if ((available & BR) != 0 && br > bestWeight) {
            best = BR;
            bestWeight = br;
        }
        if ((available & GZIP) != 0 && gzip > bestWeight) {
            best = GZIP;
            bestWeight = gzip;
        }
        if ((available & IDENTITY) == 0) return best;
        if (identity == 0) identity = star;
        // Not mentioned, it is acceptable, but least of all.
        return identity == 0 ? best == NONE ? IDENTITY : best : identity > bestWeight ? IDENTITY : best;
    }

    private static int weight(long weights, int at, int star) {
        int weight = (int) (weights >>> at) & MASK;
        return weight == 0 ? star : weight;
    }

    private static long parse(ByteView in, int at, int end, long weights) {
        while (at < end) {
            int comma = at;
            while (comma < end && in.getByte(comma) != ',') comma++; // no quoted strings here
            int nameEnd = Bytes.skip(in, at, comma, Chars.TOKEN);
            int weight = weight(in, nameEnd, comma);
            if (weight >= 0) {
                int shift = shift(in, at, nameEnd);
                if (shift >= 0) weights = weights & ~((long) MASK << shift) | (long) (weight + 1) << shift;
            }
            at = Bytes.skipBlanks(in, comma + 1, end);
        }
        return weights;
    }

    private static int shift(ByteView in, int from, int to) {
        if (Bytes.equalsIgnoringCase(in, from, to, GZIP_NAME) || Bytes.equalsIgnoringCase(in, from, to, X_GZIP_NAME)) return GZIP_AT;
        if (Bytes.equalsIgnoringCase(in, from, to, BR_NAME)) return BR_AT;
        if (Bytes.equalsIgnoringCase(in, from, to, IDENTITY_NAME)) return IDENTITY_AT;
        return to - from == 1 && in.getByte(from) == '*' ? STAR_AT : -1;
    }

    /** Parses {@code OWS [ ";" OWS "q=" qvalue OWS ]}; returns thousandths, 1000 if it is empty, or -1. */
    private static int weight(ByteView in, int at, int end) {
        while (end > at && Chars.isBlank(in.getByte(end - 1))) end--;
        at = Bytes.skipBlanks(in, at, end);
        if (at == end) return 1000;
        if (in.getByte(at) != ';') return -1;
        at = Bytes.skipBlanks(in, at + 1, end);
        if (end - at < 3 || Chars.lower(in.getByte(at)) != 'q' || in.getByte(at + 1) != '=') return -1;
        int whole = in.getByte(at + 2) - '0';
        at += 3;
        if (whole != 0 && whole != 1) return -1;
        int weight = whole * 1000;
        if (at == end) return weight;
        if (in.getByte(at++) != '.' || end - at > 3) return -1;
        for (int unit = 100; at < end; unit /= 10) {
            byte b = in.getByte(at++);
            if (!Chars.isDigit(b)) return -1;
            weight += (b - '0') * unit;
        }
        return weight <= 1000 ? weight : -1;
    }
}
