package org.libtorque.apps.http;

import org.libtorque.memory.ByteView;

/**
 * Decodes a request body in chunks (RFC 9112 section 7.1), however it is split. One object serves a connection for all
 * its requests; one thread at a time.
 *
 * <p>A machine with one state for each byte that can come next. Lines end with CR LF and with nothing else. Sizes have
 * at most {@value #SIZE_DIGITS} digits, leading zeros included. Extensions are checked against their grammar, white
 * space around {@code ;} and {@code =} allowed as the RFC demands, counted, and otherwise ignored. Trailer lines are held
 * to the rules for field lines and ignored: a field that says something about framing or routing has no meaning here,
 * whatever it says.
 */
public final class ChunkedDecoder {
    /** More bytes are needed; all that were there have been consumed. */
    public static final int MORE = 0;
    /** The body is complete; what is left in the view is the next request's. */
    public static final int DONE = 1;

    /** Most digits of a chunk size. Fifteen digits cannot overflow a long. */
    static final int SIZE_DIGITS = 15;

    private static final int SIZE_FIRST = 0, SIZE = 1, SIZE_LF = 2, DATA = 3, DATA_CR = 4, DATA_LF = 5;
    // Extensions: *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted ) ] )
    private static final int EXT_BLANK = 6;         // behind the size or a value: blanks, then ";"
    private static final int EXT_NAME_FIRST = 7;    // behind ";": blanks, then a name
    private static final int EXT_NAME = 8;
    private static final int EXT_AFTER_NAME = 9;    // blanks behind a name: "=", ";"
    private static final int EXT_VALUE_FIRST = 10;  // behind "=": blanks, then a token or a quote
    private static final int EXT_VALUE = 11;
    private static final int EXT_QUOTED = 12;
    private static final int EXT_ESCAPE = 13;       // behind a backslash
    private static final int EXT_END = 14;          // behind a closing quote: blanks, ";" or the end of the line
    private static final int TRAILER_FIRST = 15, TRAILER_NAME = 16, TRAILER_VALUE = 17, TRAILER_LF = 18, END_LF = 19;
    private static final int FINISHED = 20;

    private final long bodyBytes;
    private final int extensionBytes;
    private final int trailerBytes;
    private final int trailerCount;

    private int state;
    private int digits;
    private long remaining;
    private long total;
    private int extensions;
    private int trailers;
    private int trailerLines;
    private int status;
    private String error;

    /** Creates a decoder at the beginning of a body. */
    public ChunkedDecoder(HttpLimits limits) {
        bodyBytes = limits.bodyBytes();
        extensionBytes = limits.extensionBytes();
        trailerBytes = limits.trailerBytes();
        trailerCount = limits.fieldCount();
        reset();
    }

    /** Goes to the beginning of a new body. */
    public void reset() {
        state = SIZE_FIRST;
        digits = 0;
        remaining = 0;
        total = 0;
        extensions = 0;
        trailers = 0;
        trailerLines = 0;
        status = 0;
        error = null;
    }

    /** Returns why the body was refused, a constant, or null if it was not. */
    public String error() { return error; }

    /** Returns the sum of the sizes of the chunks so far, the present one included. */
    public long total() { return total; }

    /**
     * Decodes what is there and consumes it, up to the end of the body at most.
     *
     * @param in       what has arrived
     * @param consumer gets the bytes of the body, possibly several times; {@link BodyConsumer#DISCARD} if they are not
     *                 wanted
     * @return {@link #MORE}, {@link #DONE}, or a negated status: 400, 413 if the body is longer than allowed, 431 if the
     *         trailers are; the connection must then be closed. After {@link #DONE} or an error every further call
     *         returns the same until {@link #reset}
     */
    public int decode(ByteView in, BodyConsumer consumer) {
        if (state == FINISHED) return status;
        int at = 0;
        int end = in.length();
        while (at < end) {
            if (state == DATA) {
                int n = (int) Math.min(remaining, end - at);
                consumer.body(in, at, n);
                at += n;
                remaining -= n;
                if (remaining == 0) state = DATA_CR;
                continue;
            }
            int result = step(in.getByte(at++));
            if (result != MORE) {
                in.consume(at);
                state = FINISHED;
                return status = result;
            }
        }
        in.consume(end);
        return MORE;
    }

    /** Takes one byte that is not data. */
    private int step(byte b) {
        switch (state) {
            case SIZE_FIRST:
                if (Chars.hex(b) < 0) return fail(400, "chunk size missing");
                remaining = 0;
                digits = 0;
                return digit(b);
            case SIZE:
                return Chars.hex(b) >= 0 ? digit(b) : behindSize(b);
            case EXT_BLANK, EXT_NAME_FIRST, EXT_NAME, EXT_AFTER_NAME, EXT_VALUE_FIRST, EXT_VALUE, EXT_QUOTED, EXT_ESCAPE, EXT_END:
                if (b != '\r' && ++extensions > extensionBytes) return fail(400, "chunk extensions too long");
                return extension(b);
            case SIZE_LF:
                if (b != '\n') return fail(400, "bare CR");
                state = remaining > 0 ? DATA : TRAILER_FIRST;
                return MORE;
            case DATA_CR:
                if (b != '\r') return fail(400, "chunk longer than its size");
                return to(DATA_LF);
            case DATA_LF:
                if (b != '\n') return fail(400, "bare CR");
                return to(SIZE_FIRST);
            default:
                return trailer(b);
        }
    }

    private int to(int next) {
        state = next;
        return MORE;
    }

    private int digit(byte b) {
        if (++digits > SIZE_DIGITS) return fail(400, "chunk size too long");
        remaining = remaining << 4 | Chars.hex(b);
        return to(SIZE);
    }

    private int behindSize(byte b) {
        if (b != '\r' && b != ';' && !Chars.isBlank(b)) return fail(400, "bad chunk size");
        total += remaining; // at most bodyBytes + 2^60
        if (total > bodyBytes || total < 0) return fail(413, "body too long");
        if (b == '\r') return to(SIZE_LF);
        if (++extensions > extensionBytes) return fail(400, "chunk extensions too long");
        return to(b == ';' ? EXT_NAME_FIRST : EXT_BLANK);
    }

    private int extension(byte b) {
        boolean blank = Chars.isBlank(b);
        boolean token = Chars.is(b, Chars.TOKEN);
        switch (state) {
            case EXT_BLANK:
                if (blank) return MORE;
                if (b == ';') return to(EXT_NAME_FIRST);
                break;
            case EXT_NAME_FIRST:
                if (blank) return MORE;
                if (token) return to(EXT_NAME);
                break;
            case EXT_NAME:
                if (token) return MORE;
                if (blank) return to(EXT_AFTER_NAME);
                return behindName(b);
            case EXT_AFTER_NAME:
                if (blank) return MORE;
                if (b == '\r') break;
                return behindName(b);
            case EXT_VALUE_FIRST:
                if (blank) return MORE;
                if (token) return to(EXT_VALUE);
                if (b == '"') return to(EXT_QUOTED);
                break;
            case EXT_VALUE:
                if (token) return MORE;
                return behindValue(b);
            case EXT_QUOTED:
                if (b == '"') return to(EXT_END);
                if (b == '\\') return to(EXT_ESCAPE);
                if (Chars.is(b, Chars.QUOTED_TEXT)) return MORE;
                break;
            case EXT_ESCAPE:
                if (Chars.is(b, Chars.VALUE)) return to(EXT_QUOTED);
                break;
            default: // EXT_END
                return behindValue(b);
        }
        return fail(400, "bad chunk extension");
    }

    private int behindName(byte b) {
        if (b == '=') return to(EXT_VALUE_FIRST);
        if (b == ';') return to(EXT_NAME_FIRST);
        if (b == '\r') return to(SIZE_LF);
        return fail(400, "bad chunk extension");
    }

    private int behindValue(byte b) {
        if (Chars.isBlank(b)) return to(EXT_BLANK);
        if (b == ';') return to(EXT_NAME_FIRST);
        if (b == '\r') return to(SIZE_LF);
        return fail(400, "bad chunk extension");
    }

    private int trailer(byte b) {
        if (++trailers > trailerBytes) return fail(431, "trailers too long");
        switch (state) {
            case TRAILER_FIRST:
                if (b == '\r') return to(END_LF);
                if (!Chars.is(b, Chars.TOKEN)) return fail(400, "bad trailer");
                if (++trailerLines > trailerCount) return fail(431, "too many trailers");
                return to(TRAILER_NAME);
            case TRAILER_NAME:
                if (Chars.is(b, Chars.TOKEN)) return MORE;
                if (b != ':') return fail(400, "bad trailer");
                return to(TRAILER_VALUE);
            case TRAILER_VALUE:
                if (Chars.is(b, Chars.VALUE)) return MORE;
                if (b != '\r') return fail(400, b == '\n' ? "bare LF" : "control byte in a trailer");
                return to(TRAILER_LF);
            case TRAILER_LF:
                if (b != '\n') return fail(400, "bare CR");
                return to(TRAILER_FIRST);
            default: // END_LF
                return b == '\n' ? DONE : fail(400, "bare CR");
        }
    }

    private int fail(int status, String reason) {
        error = reason;
        return -status;
    }
}
