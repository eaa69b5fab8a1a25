package org.libtorque.apps.http;

import org.libtorque.memory.ByteView;

/**
 * What {@link RequestParser} found in a request head, and how far it has come in one that is not complete. One object
 * serves a connection for all its requests.
 *
 * <p>Nothing is copied: offsets count from the first byte of the head, and what they denote must be read before the
 * view is consumed. Contents are meaningful after {@link RequestParser#parse} returned the length of the head;
 * {@link #error} after it returned a negated status. {@link #reset} is only needed to give up a head half way.
 */
public final class RequestHead {
    /** A method that is a token but none of those below; see {@link #methodLength}. */
    public static final int OTHER = 0;
    /** A request method. */
    public static final int GET = 1, HEAD = 2, POST = 3, PUT = 4, DELETE = 5, OPTIONS = 6, PATCH = 7, TRACE = 8, CONNECT = 9;

    /** A field whose place is recorded. */
    public static final int ACCEPT = 1, ACCEPT_ENCODING = 2, IF_MATCH = 3, IF_NONE_MATCH = 4, IF_MODIFIED_SINCE = 5,
            IF_UNMODIFIED_SINCE = 6, IF_RANGE = 7, RANGE = 8, REFERER = 9, TE = 10, UPGRADE = 11, USER_AGENT = 12;
    /** A field whose place is recorded and whose value the parser itself understands. */
    public static final int HOST = 13, CONNECTION = 14, CONTENT_LENGTH = 15, TRANSFER_ENCODING = 16, EXPECT = 17;
    /** The parser looks into the values of fields from this one on. */
    static final int FIRST_UNDERSTOOD = HOST;
    private static final int FIELDS = EXPECT + 1;

    // Which form the target has (RFC 9112 section 3.2).
    /** {@code /path?query}. */
    public static final int ORIGIN_FORM = 0;
    /** {@code http://host/path?query}. */
    public static final int ABSOLUTE_FORM = 1;
    /** {@code host:port}, only with CONNECT. */
    public static final int AUTHORITY_FORM = 2;
    /** {@code *}, only with OPTIONS. */
    public static final int ASTERISK_FORM = 3;

    // Bits of `connection`.
    static final int CLOSE = 1, KEEP_ALIVE = 2, UPGRADE_OPTION = 4;

    // Where parsing stopped; only between two calls for the same head.
    int state;
    /** Next byte to look at. */
    int cursor;
    /** First byte of the element that `cursor` is in. */
    int mark;
    /** Which field's value `cursor` is in; 0 for one that is not recorded. */
    int field;

    int method;
    int methodOffset;
    int methodLength;
    int minorVersion;
    int targetForm;
    int targetOffset;
    int targetLength;
    int authorityOffset;
    int authorityLength;
    int pathOffset;
    int pathLength;
    int queryOffset;
    int queryLength;
    int fieldsOffset;
    int fieldCount;
    int length;
    int connection;
    /** One bit for each recorded field that occurs. */
    int present;
    /** One bit for each field that occurs more than once. */
    int repeated;
    boolean chunked;
    boolean expectContinue;
    long contentLength;
    String error;

    /** Place of the first occurrence of each field that is present: offset of the value in the upper half, length in the lower. */
    final int[] spans = new int[FIELDS];

    /** Creates a head in which nothing has been parsed. */
    public RequestHead() { reset(); }

    /** Forgets everything: the next {@link RequestParser#parse} starts a new head. */
    public void reset() {
        state = RequestParser.START;
        cursor = 0;
        mark = 0;
        field = 0;
        method = OTHER;
        targetForm = ORIGIN_FORM;
        authorityLength = 0;
        queryOffset = -1;
        queryLength = 0;
        fieldCount = 0;
        length = 0;
        connection = 0;
        present = 0;
        repeated = 0;
        chunked = false;
        expectContinue = false;
        contentLength = -1;
        error = null;
    }

    /** Returns why the request was refused, a constant, or null if it was not. */
    public String error() { return error; }

    /** Returns the length of the head with its empty line, and with an empty line that came before it. */
    public int length() { return length; }

    /** Returns one of the method constants. */
    public int method() { return method; }

    /** Returns where the method's name begins. */
    public int methodOffset() { return methodOffset; }

    /** Returns the length of the method's name. */
    public int methodLength() { return methodLength; }

    /**
     * Returns the version to answer in, HTTP/1.0 or HTTP/1.1, as 0 or 1. Later minor versions count as 1, as RFC 9110
     * section 2.5 has it.
     */
    public int minorVersion() { return minorVersion; }

    /** Returns one of the form constants. */
    public int targetForm() { return targetForm; }

    /** Returns where the request target begins. */
    public int targetOffset() { return targetOffset; }

    /** Returns the length of the request target. */
    public int targetLength() { return targetLength; }

    /** Returns where {@code host:port} begins in a target in absolute or authority form. */
    public int authorityOffset() { return authorityOffset; }

    /** Returns the length of the target's {@code host:port}, 0 if it has none: then the Host field names the host. */
    public int authorityLength() { return authorityLength; }

    /** Returns where the target's path begins. */
    public int pathOffset() { return pathOffset; }

    /** Returns the length of the path; 0, which means {@code /}, for {@code http://host}, and without a path. */
    public int pathLength() { return pathLength; }

    /** Returns where the query begins, behind its question mark, or -1 if there is none. */
    public int queryOffset() { return queryOffset; }

    /** Returns the length of the query. */
    public int queryLength() { return queryLength; }

    /** Returns the number of field lines. */
    public int fieldCount() { return fieldCount; }

    /** Returns the value of Content-Length, or -1 if there is none; then there is a body only if {@link #isChunked}. */
    public long contentLength() { return contentLength; }

    /** Tells whether the body comes in chunks. */
    public boolean isChunked() { return chunked; }

    /** Tells whether a body follows: chunks, or a length above zero. */
    public boolean hasBody() { return chunked || contentLength > 0; }

    /** Tells whether the client waits for {@code 100 Continue}; always false for HTTP/1.0. */
    public boolean expectsContinue() { return expectContinue; }

    /** Tells whether the connection stays open after this request, as far as the client is concerned. */
    public boolean isKeepAlive() {
        return (connection & CLOSE) == 0 && (minorVersion == 1 || (connection & KEEP_ALIVE) != 0);
    }

    /** Tells whether the client asked to upgrade the connection: {@code Connection: upgrade} and an Upgrade field. */
    public boolean wantsUpgrade() { return (connection & UPGRADE_OPTION) != 0 && has(UPGRADE); }

    /** Tells whether a recorded field occurs. */
    public boolean has(int field) { return (present >>> field & 1) != 0; }

    /** Tells whether a recorded field occurs on more than one line; {@link #next} finds the others. */
    public boolean isRepeated(int field) { return (repeated >>> field & 1) != 0; }

    /** Returns where the first value of a recorded field begins, 0 if it does not occur. */
    public int offset(int field) { return has(field) ? spans[field] >>> 16 : 0; }

    /** Returns the length of the first value of a recorded field without white space around it, 0 if it does not occur. */
    public int length(int field) { return has(field) ? spans[field] & 0xFFFF : 0; }

    /**
     * Finds the first line of any field by scanning the head: for fields that are not recorded.
     *
     * @param in            the view that was parsed, not yet consumed
     * @param lowerCaseName the name in lower case
     * @return where the value begins, white space skipped, or -1; {@link #valueLength} tells its length
     */
    public int find(ByteView in, byte[] lowerCaseName) { return findLine(in, lowerCaseName, fieldsOffset); }

    /**
     * Finds the next line of a field.
     *
     * @param valueOffset where the value on the line before begins
     * @return where the next value begins, or -1
     */
    public int next(ByteView in, byte[] lowerCaseName, int valueOffset) {
        return findLine(in, lowerCaseName, lineEnd(in, valueOffset) + 2);
    }

    /** Returns the length of a value found by {@link #find} or {@link #next}, without white space behind it. */
    public int valueLength(ByteView in, int valueOffset) {
        int end = lineEnd(in, valueOffset);
        while (end > valueOffset && Chars.isBlank(in.getByte(end - 1))) end--;
        return end - valueOffset;
    }

    private int findLine(ByteView in, byte[] name, int line) {
        // The head is well-formed: every line has a name, a colon, and CR LF, and the empty line ends it.
        while (in.getByte(line) != '\r') {
            int i = 0;
            while (i < name.length && Chars.lower(in.getByte(line + i)) == name[i]) i++;
            if (i == name.length && in.getByte(line + i) == ':') {
                int value = line + i + 1;
                while (Chars.isBlank(in.getByte(value))) value++;
                return value;
            }
            line = lineEnd(in, line) + 2;
        }
        return -1;
    }

    private static int lineEnd(ByteView in, int from) { return in.indexOf((byte) '\r', from); }

    @Override public String toString() {
        return "RequestHead[method=" + method + ", length=" + length + ", error=" + error + "]";
    }
}
