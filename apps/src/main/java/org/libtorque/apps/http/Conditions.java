package org.libtorque.apps.http;

import org.libtorque.memory.ByteView;

/**
 * Evaluates the conditions of a request in the order of RFC 9110 section 13.2.2. Allocates nothing.
 *
 * <p>A field that must not be repeated and is, or that holds no valid date, is ignored, as the RFC demands. A list of
 * entity tags that is not well-formed matches nothing, so that If-Match fails and If-None-Match sends the whole
 * representation.
 */
public final class Conditions {
    /** Go on as if there were no condition; then ask {@link #rangeApplies}. */
    public static final int PROCEED = 0;
    /** Answer 304, without a body. */
    public static final int NOT_MODIFIED = 304;
    /** Answer 412. */
    public static final int PRECONDITION_FAILED = 412;

    private static final byte[] IF_MATCH = FieldNames.bytes(RequestHead.IF_MATCH), IF_NONE_MATCH = FieldNames.bytes(RequestHead.IF_NONE_MATCH);
    private static final int NO_MATCH = 0, MATCH = 1, MALFORMED = 2;

    private Conditions() {}

    /**
     * Says what becomes of a request. To be asked only where it would otherwise succeed.
     *
     * @param in          the view that was parsed, not yet consumed
     * @param etag        entity tag of the selected representation, with its quotes and {@code W/} if it is weak
     * @param mtimeSecond when it was last modified, in seconds since 1970
     * @param nowSecond   the present
     */
    public static int evaluate(ByteView in, RequestHead head, byte[] etag, long mtimeSecond, long nowSecond) {
        boolean safe = head.method() == RequestHead.GET || head.method() == RequestHead.HEAD;
        if (head.has(RequestHead.IF_MATCH)) {
            if (!matches(in, head, RequestHead.IF_MATCH, IF_MATCH, etag, true)) return PRECONDITION_FAILED;
        } else {
            long date = date(in, head, RequestHead.IF_UNMODIFIED_SINCE, nowSecond);
            if (date != HttpDate.INVALID && mtimeSecond > date) return PRECONDITION_FAILED;
        }
        if (head.has(RequestHead.IF_NONE_MATCH)) {
            if (matches(in, head, RequestHead.IF_NONE_MATCH, IF_NONE_MATCH, etag, false)) return safe ? NOT_MODIFIED : PRECONDITION_FAILED;
        } else if (safe) {
            long date = date(in, head, RequestHead.IF_MODIFIED_SINCE, nowSecond);
            if (date != HttpDate.INVALID && mtimeSecond <= date) return NOT_MODIFIED;
        }
        return PROCEED;
    }

    /**
     * Tells whether a Range field is to be heeded: the method is GET, and If-Range is absent or names exactly what is
     * there. A date does so only if the second it names is over, since else the file could have been written twice in it.
     * Parameters as in {@link #evaluate}.
     */
    public static boolean rangeApplies(ByteView in, RequestHead head, byte[] etag, long mtimeSecond, long nowSecond) {
        if (head.method() != RequestHead.GET || !head.has(RequestHead.RANGE) || head.isRepeated(RequestHead.RANGE)) return false;
        if (!head.has(RequestHead.IF_RANGE)) return true;
        if (head.isRepeated(RequestHead.IF_RANGE)) return false;
        int offset = head.offset(RequestHead.IF_RANGE);
        int length = head.length(RequestHead.IF_RANGE);
        if (length > 0 && in.getByte(offset) == '"') {
            return endOfTag(in, offset, offset + length) == offset + length && strongly(in, offset, offset + length, etag);
        }
        return mtimeSecond < nowSecond && HttpDate.parse(in, offset, length, nowSecond) == mtimeSecond;
    }

    private static long date(ByteView in, RequestHead head, int field, long now) {
        if (!head.has(field) || head.isRepeated(field)) return HttpDate.INVALID;
        return HttpDate.parse(in, head.offset(field), head.length(field), now);
    }

    private static boolean matches(ByteView in, RequestHead head, int field, byte[] name, byte[] etag, boolean strong) {
        int result = list(in, head.offset(field), head.length(field), etag, strong);
        if (!head.isRepeated(field)) return result == MATCH;
        boolean any = result == MATCH;
        int at = head.offset(field);
        while (result != MALFORMED && (at = head.next(in, name, at)) >= 0) {
            result = list(in, at, head.valueLength(in, at), etag, strong);
            any |= result == MATCH;
        }
        return any && result != MALFORMED;
    }

    /** Compares an entity tag with a list of them or with {@code *}. */
    private static int list(ByteView in, int offset, int length, byte[] etag, boolean strong) {
        int end = offset + length;
        if (length == 1 && in.getByte(offset) == '*') return MATCH; // there is a representation
        int result = NO_MATCH;
        for (int at = offset; at < end; ) {
            if (in.getByte(at) != ',') {
                int behind = endOfTag(in, at, end);
                if (behind < 0) return MALFORMED;
                if (strong ? strongly(in, at, behind, etag) : weakly(in, at, behind, etag)) result = MATCH;
                at = Bytes.skipBlanks(in, behind, end);
                if (at < end && in.getByte(at) != ',') return MALFORMED;
            }
            at = Bytes.skipBlanks(in, at + 1, end);
        }
        return result;
    }

    /** Returns the index behind the entity tag at {@code at}, or -1 if there is none. */
    private static int endOfTag(ByteView in, int at, int end) {
        if (isWeak(in, at, end)) at += 2;
        if (at >= end || in.getByte(at) != '"') return -1;
        at = Bytes.skip(in, at + 1, end, Chars.ETAG);
        return at < end && in.getByte(at) == '"' ? at + 1 : -1;
    }

    private static boolean isWeak(ByteView in, int from, int to) {
        return to - from > 2 && in.getByte(from) == 'W' && in.getByte(from + 1) == '/';
    }

    private static boolean isWeak(byte[] etag) { return etag[0] == 'W'; }

    /** Both are strong and the same (RFC 9110 section 8.8.3.2). */
    private static boolean strongly(ByteView in, int from, int to, byte[] etag) {
        return !isWeak(etag) && Bytes.equals(in, from, to, etag, 0);
    }

    /** The same but for weakness. */
    private static boolean weakly(ByteView in, int from, int to, byte[] etag) {
        return Bytes.equals(in, isWeak(in, from, to) ? from + 2 : from, to, etag, isWeak(etag) ? 2 : 0);
    }
}
