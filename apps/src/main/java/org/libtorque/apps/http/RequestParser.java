package org.libtorque.apps.http;

import org.libtorque.memory.ByteView;

/**
 * Parses request heads as RFC 9112 writes them, and nothing else.
 *
 * <p>A machine with one state for each element of the head. It looks at eight bytes at a time; when it runs out of bytes
 * it leaves its state in the {@link RequestHead} and later goes on from there, so that each byte is looked at once however
 * the head arrives. Errors are found strictly from left to right, and so they do not depend on where the head was
 * split: a byte that no head can continue with is an error as soon as it is seen, a bad value as soon as the element
 * ends that it stands in.
 *
 * <p>Choices where the specifications leave room, beyond what {@link RequestHead} says:
 * <ul>
 * <li>one empty line before the request line is skipped (RFC 9112 section 2.2), a second one is an error;
 * <li>CR LF ends a line and nothing else does; neither CR nor LF may stand anywhere else;
 * <li>a target consists of the bytes of RFC 3986 and those few others that browsers send as they are; escapes are
 *     looked at by {@link RequestPath} alone;
 * <li>the scheme of an absolute target is http or https, and it has a host and no user information;
 * <li>Host is a valid authority or empty, and stands exactly once in HTTP/1.1, at most once in HTTP/1.0;
 * <li>Content-Length is one number on one line;
 * <li>Transfer-Encoding is {@code chunked}; other codings before {@code chunked} are not implemented (501), everything
 *     else has no reliable end (400); with Content-Length or in HTTP/1.0 it is an error;
 * <li>Connection is a list of tokens; Expect is {@code 100-continue} or a failed expectation (417);
 * <li>methods are known or tokens of up to {@value #METHOD_BYTES} bytes, which the caller answers; longer ones are not
 *     implemented (501).
 * </ul>
 *
 * <p>A parser keeps, beside its limits, only the field lines of a head that it has parsed, to know them again ({@link KnownFields}); what it returns does not depend on them. It belongs to one
 * thread at a time.
 */
public final class RequestParser {
    /** Longest method. */
    static final int METHOD_BYTES = 32;

    // States: the element that the cursor is in. The order matters: what comes before NAME is the request line.
    static final int START = 0, METHOD = 1, TARGET = 2, PATH = 3, OTHER_FORM = 4, VERSION = 5, NAME = 6, VALUE = 7;
    static final int DONE = 8;

    private static final long COLONS = ':' * Chars.ONES;
    private static final long GET_SLASH = Chars.word("GET /");
    private static final long HTTP_1_1 = Chars.word("HTTP/1.1");
    private static final short CR_LF = (short) Chars.word("\r\n");

    /**
     * Eight, but not a constant: with a constant step the compiler prepares each scan for thousands of rounds, which takes
     * longer than the few rounds of an ordinary line (measured: 14 ns instead of 9 for 64 bytes).
     */
    static int wordStep = 8;

    private final int targetBytes;
    private final int headBytes;
    private final int fieldCount;
    private final KnownFields known = new KnownFields();

    /** Creates a parser. */
    public RequestParser(HttpLimits limits) {
        targetBytes = limits.targetBytes();
        headBytes = limits.headBytes();
        fieldCount = limits.fieldCount();
    }

    /**
     * Parses the head at the front of a view. Consumes nothing.
     *
     * @param in   what has arrived and was not yet consumed. After 0 was returned, the next call for this head must show
     *             the same bytes again, at the front, with more behind them
     * @param head receives the result; if its last head is complete or was refused, it is reset first
     * @return the length of the head, which the caller consumes when it is done with it; 0 if more bytes are needed; or
     *         a negated status, with the reason in {@link RequestHead#error}: the connection must then be closed, since
     *         nobody knows where the next request would begin
     */
    public int parse(ByteView in, RequestHead head) {
        if (head.state == DONE) head.reset();
        int limit = Math.min(in.length(), headBytes);
        if (head.state != START) return lines(in, head, limit);
        int at = plainRequestLine(in, head, limit);
        if (at == 0) return lines(in, head, limit);
        if (known.recall(in, at, limit, head)) return head.length;
        head.state = NAME;
        head.cursor = head.mark = at;
        int result = lines(in, head, limit);
        if (result > 0) known.learn(in, head);
        return result;
    }

    /** Parses on from where the head's state says. Returns what {@link #parse} does. */
    private int lines(ByteView in, RequestHead head, int limit) {
        int at = head.cursor;
        if (head.state < NAME) {
            at = requestLine(in, head, limit);
            if (at <= 0) return at;
            head.state = NAME;
            head.mark = at;
        }
        for (;;) {
            if (at == head.mark && head.state == NAME) {
                at = plainLines(in, head, at, limit);
                if (head.state == DONE) return at;
                head.mark = at;
            }
            at = line(in, head, at, limit);
            if (at <= 0 || head.state == DONE) return at;
        }
    }

    /**
     * Parses lines that are all there and nothing special: the fast path, for nearly every line there is. It finds no
     * errors but bad values; the first line that it does not like it leaves to {@link #line}.
     *
     * <p>The way from line to line is kept short: the end of the line is found first, and nothing that is then done with
     * the line decides where the next one begins, so that the processor can be lines ahead.
     *
     * @return where the first line begins that is left; or, with {@code head.state} DONE, the length of the head or a
     *         negated status
     */
    private int plainLines(ByteView in, RequestHead head, int at, int limit) {
        int left = fieldCount - head.fieldCount;
        while (at <= limit - 16 && left > 0) {
            long low = in.getLong(at);
            long high = in.getLong(at + 8);
            long stops = Chars.notText(low);
            int end = at + Chars.first(stops);
            if (stops == 0) {
                stops = Chars.notText(high);
                end = stops != 0 ? at + 8 + Chars.first(stops) : skipText(in, at + 16, limit);
            }
            if (end > limit - 3) break;
            int around = in.getInt(end - 1); // the byte before the end, CR, LF, and the byte behind
            if ((around & 0xFF_FF00) != CR_LF << 8) break;
            int length;
            int field;
            long colons = Chars.zeroes(low ^ COLONS);
            if (colons != 0) {
                length = Chars.first(colons);
                long below = ((colons & -colons) >>> 7) - 1;
                field = FieldNames.lookup(low & below);
                if (field == 0 && (Chars.notNameBytes(low) & below) != 0 && !isToken(in, at, length)) break;
            } else if ((colons = Chars.zeroes(high ^ COLONS)) != 0) {
                int above = Chars.first(colons);
                length = 8 + above;
                // The last eight bytes of the name: `above` of them in the higher word, the others in the lower.
                field = FieldNames.lookup(low, low >>> 8 * above | high << 1 << 63 - 8 * above, length);
                long odd = Chars.notNameBytes(low) | Chars.notNameBytes(high) & ((colons & -colons) >>> 7) - 1;
                if (field == 0 && odd != 0 && !isToken(in, at, length)) break;
            } else {
                length = in.indexOf((byte) ':', at + 16) - at;
                if (length < 0 || length >= end - at || !isToken(in, at, length)) break;
                field = FieldNames.lookup(in, at, length);
            }
            if (length == 0 || length >= end - at) break;
            if (field != 0) {
                int status = record(in, head, field, at + length + 1, end, around);
                if (status < 0) return status;
            }
            left--;
            at = end + 2;
            if (around >>> 24 == '\r' && at <= limit - 2 && in.getByte(at + 1) == '\n') {
                head.fieldCount = fieldCount - left;
                return endOfHead(head, at + 2);
            }
        }
        head.fieldCount = fieldCount - left;
        return at;
    }

    /** Returns the index of the first byte from {@code at} on that is not from 0x20 to 0x7E, or at least {@code limit}. */
    private static int skipText(ByteView in, int at, int limit) {
        for (int step = wordStep; at <= limit - 8; at += step) {
            long stops = Chars.notText(in.getLong(at));
            if (stops != 0) return at + Chars.first(stops);
        }
        return at + Chars.first(Chars.notText(loadTail(in, at, limit)));
    }

    private static boolean isToken(ByteView in, int at, int length) {
        return Bytes.skip(in, at, at + length, Chars.TOKEN) == at + length;
    }

    /**
     * Parses one line, or what there is of it, byte by byte if need be, from {@code at} on.
     *
     * @return where the next line begins; or 0 if bytes are missing; or, with {@code head.state} DONE, the length of the
     *         head or a negated status
     */
    private int line(ByteView in, RequestHead head, int at, int limit) {
        if (head.state == NAME) {
            int mark = head.mark;
            int step = wordStep;
            for (;;) {
                long word = load(in, at, limit);
                long stops = Chars.notNameBytes(word);
                if (stops == 0) {
                    at += step;
                    continue;
                }
                at += Chars.first(stops);
                if (at >= limit) return incomplete(head, NAME, limit, mark, limit);
                byte b = byteAt(word, stops);
                if (b == ':') break;
                if (!Chars.is(b, Chars.TOKEN)) return notName(in, head, b, at, mark, limit);
                at++;
            }
            if (at == mark) return fail(head, 400, "empty field name");
            if (++head.fieldCount > fieldCount) return fail(head, 431, "too many fields");
            head.field = at <= limit - 8 ? FieldNames.lookup(in, mark, at - mark) : FieldNames.lookupAtEnd(in, mark, at - mark, limit);
            head.state = VALUE;
            head.mark = ++at;
        }
        int mark = head.mark;
        for (;; at++) {
            at = skipText(in, at, limit);
            if (at >= limit) return incomplete(head, VALUE, limit, mark, limit);
            byte b = in.getByte(at);
            if (b < 0 || b == '\t') continue;
            if (b == '\r') break;
            return fail(head, 400, b == '\n' ? "bare LF" : "control byte in a field value");
        }
        if (at + 1 == limit) return incomplete(head, VALUE, at, mark, limit);
        if (in.getByte(at + 1) != '\n') return fail(head, 400, "bare CR");
        if (head.field != 0) {
            int status = record(in, head, head.field, mark, at, in.getByte(at - 1));
            if (status < 0) return status;
        }
        head.state = NAME;
        return head.mark = at + 2;
    }

    /** Returns the eight bytes from {@code at} on; those at and behind {@code limit} are zero, which no element contains. */
    static long load(ByteView in, int at, int limit) {
        return at + 8 <= limit ? in.getLong(at) : loadTail(in, at, limit);
    }

    private static long loadTail(ByteView in, int at, int limit) {
        if (at >= limit) return 0;
        if (limit >= 8) return in.getLong(limit - 8) >>> 8 * (at + 8 - limit);
        long word = 0;
        for (int i = limit - 1; i >= at; i--) word = word << 8 | in.getByte(i) & 0xFF;
        return word;
    }

    /** Returns the byte at the first mark. */
    private static byte byteAt(long word, long marks) {
        return (byte) (word >>> (Long.numberOfTrailingZeros(marks) & 56));
    }

    private int incomplete(RequestHead head, int state, int cursor, int mark, int limit) {
        if (limit == headBytes) return fail(head, 431, "head too large");
        head.state = state;
        head.cursor = cursor;
        head.mark = mark;
        return 0;
    }

    static int fail(RequestHead head, int status, String reason) {
        head.state = DONE;
        head.error = reason;
        return -status;
    }

    /** A byte that no name contains stands at {@code at}: the empty line, or an error. */
    private int notName(ByteView in, RequestHead head, byte b, int at, int mark, int limit) {
        if (b != '\r' || at != mark) {
            if (b == '\n' || b == '\r') return fail(head, 400, at == mark ? "bare LF" : "field line without colon");
            if (!Chars.isBlank(b)) return fail(head, 400, "bad byte in a field name");
            return fail(head, 400, at == mark ? "folded field line" : "white space in a field name");
        }
        if (at + 1 == limit) return incomplete(head, NAME, at, mark, limit);
        if (in.getByte(at + 1) != '\n') return fail(head, 400, "bare CR");
        return endOfHead(head, at + 2);
    }

    private static int endOfHead(RequestHead head, int length) {
        if (head.minorVersion == 1 && !head.has(RequestHead.HOST)) return fail(head, 400, "no Host");
        head.state = DONE;
        return head.length = length;
    }

    /**
     * Parses a request line that is all there and what nearly all are, {@code GET /… HTTP/1.1}: the fast path. It finds no
     * errors.
     *
     * @return where the first field line begins, or 0 for anything else, which is left to {@link #requestLine}
     */
    private int plainRequestLine(ByteView in, RequestHead head, int limit) {
        if (limit < 16 || (in.getLong(0) & 0xFF_FFFF_FFFFL) != GET_SLASH) return 0;
        int at = 5;
        int query = -1;
        for (int step = wordStep; ; ) {
            if (at > limit - 10) return 0;
            long word = in.getLong(at);
            long stops = Chars.notTargetBytes(word);
            if (stops == 0) {
                at += step;
                continue;
            }
            at += Chars.first(stops);
            byte b = byteAt(word, stops);
            if (b == ' ') break;
            if (b == '?' && query < 0) {
                query = at + 1;
            } else if (!Chars.is(b, query < 0 ? Chars.PATH : Chars.QUERY)) {
                return 0;
            }
            at++;
        }
        if (at > limit - 11 || at - 4 > targetBytes || in.getLong(at + 1) != HTTP_1_1 || in.getShort(at + 9) != CR_LF) return 0;
        head.method = RequestHead.GET;
        head.methodOffset = 0;
        head.methodLength = 3;
        head.minorVersion = 1;
        head.targetOffset = 4;
        head.pathOffset = 4;
        head.queryOffset = query;
        endTarget(head, at);
        return head.fieldsOffset = at + 11;
    }

    /** Parses the request line. Returns where the first field line begins, 0 if bytes are missing, or a negated status. */
    private int requestLine(ByteView in, RequestHead head, int limit) {
        int at = head.cursor;
        if (head.state == START) {
            if (limit > 0 && in.getByte(0) == '\r') {
                if (limit > 1 && in.getByte(1) != '\n') return fail(head, 400, "bare CR");
                at = 2;
            }
            if (at >= limit) return 0; // nothing to remember: bytes 0 and 1 are looked at again
            head.mark = at;
            head.state = METHOD;
        }
        if (head.state <= TARGET) {
            at = beginning(in, head, at, limit);
            if (at <= 0) return at;
        }
        if (head.state < VERSION) {
            at = head.state == PATH ? originForm(in, head, at, limit) : otherForm(in, head, at, limit);
            if (at <= 0) return at;
            head.state = VERSION;
            head.mark = at;
        }
        at = head.mark;
        if (at + 10 <= limit && in.getLong(at) == HTTP_1_1 && in.getShort(at + 8) == CR_LF) {
            head.minorVersion = 1;
        } else {
            int status = version(in, head, at, limit);
            if (status <= 0) return status;
        }
        return head.fieldsOffset = at + 10;
    }

    /** Parses method, space and the first byte of the target, and moves the state on to PATH or OTHER_FORM. */
    private int beginning(ByteView in, RequestHead head, int at, int limit) {
        int mark = head.mark;
        if (head.state == METHOD) {
            while (at < limit && Chars.is(in.getByte(at), Chars.TOKEN)) at++;
            if (at - mark > METHOD_BYTES) return fail(head, 501, "method too long");
            if (at == limit) return incomplete(head, METHOD, at, mark, limit);
            if (in.getByte(at) != ' ' || at == mark) return fail(head, 400, "bad method");
            head.methodOffset = mark;
            head.methodLength = at - mark;
            head.method = method(in, mark, at - mark);
            at++;
        }
        if (at == limit) return incomplete(head, TARGET, at, at, limit);
        byte b = in.getByte(at);
        head.targetOffset = at;
        head.state = OTHER_FORM;
        if (head.method == RequestHead.CONNECT) {
            head.targetForm = RequestHead.AUTHORITY_FORM;
            if (!Chars.is(b, Chars.REG_NAME) && b != '[') return fail(head, 400, "bad target");
        } else if (b == '/') {
            head.pathOffset = at;
            head.state = PATH;
        } else if (b == '*' && head.method == RequestHead.OPTIONS) {
            head.targetForm = RequestHead.ASTERISK_FORM;
        } else if (b == 'h' || b == 'H') {
            head.targetForm = RequestHead.ABSOLUTE_FORM;
        } else {
            return fail(head, 400, "bad target");
        }
        return at + 1;
    }

    private static int method(ByteView in, int offset, int length) {
        if (length > 7) return RequestHead.OTHER;
        long word = 0;
        for (int i = length - 1; i >= 0; i--) word = word << 8 | in.getByte(offset + i);
        return Methods.of(word);
    }

    /** Parses a target that begins with a slash, up to and with the space behind it. */
    private int originForm(ByteView in, RequestHead head, int at, int limit) {
        int step = wordStep;
        for (;;) {
            long word = load(in, at, limit);
            long stops = Chars.notTargetBytes(word);
            if (stops == 0) {
                at += step;
                continue;
            }
            at += Chars.first(stops);
            if (at - head.targetOffset > targetBytes) return fail(head, 414, "target too long");
            if (at >= limit) return incomplete(head, PATH, at, at, limit);
            byte b = byteAt(word, stops);
            if (b == ' ') break;
            if (!Chars.is(b, head.queryOffset < 0 ? Chars.PATH : Chars.QUERY)) {
                if (b != '?') return badTarget(head, b);
                head.queryOffset = at + 1;
            }
            at++;
        }
        endTarget(head, at);
        return at + 1;
    }

    private static void endTarget(RequestHead head, int at) {
        head.targetLength = at - head.targetOffset;
        if (head.queryOffset < 0) {
            head.pathLength = at - head.pathOffset;
        } else {
            head.pathLength = head.queryOffset - 1 - head.pathOffset;
            head.queryLength = at - head.queryOffset;
        }
    }

    private static int badTarget(RequestHead head, byte b) {
        return fail(head, 400, b == '#' ? "fragment in the target"
                : b == '\r' || b == '\n' ? "no HTTP version" : "bad byte in the target");
    }

    /** Parses a target that does not begin with a slash, up to and with the space behind it. */
    private int otherForm(ByteView in, RequestHead head, int at, int limit) {
        while (at < limit && Chars.is(in.getByte(at), Chars.QUERY)) at++;
        if (at - head.targetOffset > targetBytes) return fail(head, 414, "target too long");
        if (at == limit) return incomplete(head, OTHER_FORM, at, at, limit);
        if (in.getByte(at) != ' ') return badTarget(head, in.getByte(at));
        head.pathOffset = at;
        boolean valid = switch (head.targetForm) {
            case RequestHead.ASTERISK_FORM -> at - head.targetOffset == 1;
            case RequestHead.AUTHORITY_FORM -> {
                head.authorityOffset = head.targetOffset;
                head.authorityLength = at - head.targetOffset;
                yield Authority.isValid(in, head.authorityOffset, head.authorityLength, true);
            }
            default -> absoluteForm(in, head, at);
        };
        if (!valid) return fail(head, 400, "bad target");
        endTarget(head, at);
        return at + 1;
    }

    private static boolean absoluteForm(ByteView in, RequestHead head, int end) {
        int at = head.targetOffset;
        if (Bytes.startsWithIgnoringCase(in, at, end, Bytes.HTTP_SCHEME)) {
            at += Bytes.HTTP_SCHEME.length;
        } else if (Bytes.startsWithIgnoringCase(in, at, end, Bytes.HTTPS_SCHEME)) {
            at += Bytes.HTTPS_SCHEME.length;
        } else {
            return false;
        }
        head.authorityOffset = at;
        while (at < end && in.getByte(at) != '/' && in.getByte(at) != '?') at++;
        head.authorityLength = at - head.authorityOffset;
        if (head.authorityLength == 0 || in.getByte(head.authorityOffset) == ':'
                || !Authority.isValid(in, head.authorityOffset, head.authorityLength, false)) return false;
        head.pathOffset = at;
        while (at < end && Chars.is(in.getByte(at), Chars.PATH)) at++;
        if (at < end) {
            if (in.getByte(at) != '?') return false;
            head.queryOffset = at + 1;
        }
        return true;
    }

    /** Parses a version and the end of the request line. Returns 1, 0 if bytes are missing, or a negated status. */
    private int version(ByteView in, RequestHead head, int from, int limit) {
        for (int i = 0; i < 10; i++) {
            if (from + i >= limit) return incomplete(head, VERSION, from + i, from, limit);
            byte b = in.getByte(from + i);
            if (i == 5 || i == 7) {
                if (!Chars.isDigit(b)) return fail(head, 400, "bad HTTP version");
                if (i == 7 && in.getByte(from + 5) != '1') return fail(head, 505, "HTTP version not supported");
                head.minorVersion = b == '0' ? 0 : 1;
            } else if (b != "HTTP/0.0\r\n".charAt(i)) {
                return fail(head, 400, i < 8 ? "bad HTTP version" : "bad end of the request line");
            }
        }
        return 1;
    }

    /**
     * Records the value between {@code from} and {@code to}, the white space around it left out.
     *
     * @param last its last byte, in the lowest eight bits
     * @return 0 or a negated status
     */
    private static int record(ByteView in, RequestHead head, int field, int from, int to, int last) {
        short beginning = in.getShort(from); // at least the CR LF
        if ((beginning & 0xFF) == ' ' && beginning >>> 8 > ' ') {
            from++; // one space and then an ASCII character, nearly always
        } else {
            from = Bytes.skipBlanks(in, from, to);
        }
        if ((last & 0xFF) <= ' ') {
            while (to > from && Chars.isBlank(in.getByte(to - 1))) to--;
        }
        int bit = 1 << field;
        if ((head.present & bit) == 0) {
            head.present |= bit;
            head.spans[field] = from << 16 | to - from;
        } else {
            head.repeated |= bit;
        }
        return field >= RequestHead.FIRST_UNDERSTOOD ? understand(in, head, field, from, to) : 0;
    }

    private static int understand(ByteView in, RequestHead head, int field, int from, int to) {
        boolean again = head.isRepeated(field);
        switch (field) {
            case RequestHead.HOST:
                if (again) return fail(head, 400, "second Host");
                return Authority.isPlain(in, from, to - from) || Authority.isValid(in, from, to - from, false) ? 0 : fail(head, 400, "bad Host");
            case RequestHead.CONNECTION:
                return FramingFields.connection(in, head, from, to);
            case RequestHead.CONTENT_LENGTH:
                if (again) return fail(head, 400, "second Content-Length");
                if (head.has(RequestHead.TRANSFER_ENCODING)) return bothLengths(head);
                return FramingFields.contentLength(in, head, from, to);
            case RequestHead.TRANSFER_ENCODING:
                if (again) return fail(head, 400, "second Transfer-Encoding");
                if (head.has(RequestHead.CONTENT_LENGTH)) return bothLengths(head);
                if (head.minorVersion == 0) return fail(head, 400, "Transfer-Encoding in HTTP/1.0");
                return FramingFields.transferEncoding(in, head, from, to);
            default:
                return FramingFields.expect(in, head, from, to);
        }
    }

    private static int bothLengths(RequestHead head) {
        return fail(head, 400, "both Content-Length and Transfer-Encoding");
    }
}
