package org.libtorque.apps.http;

import org.libtorque.memory.ByteView;

/**
 * Turns the path of a request target into the path of a file below a root: escapes resolved, dot segments gone, no
 * leading slash. Reused from request to request by one thread.
 *
 * <p>What it accepts and what it refuses:
 * <ul>
 * <li>Escapes are resolved once; a percent sign without two hexadecimal digits is an error. Bytes that may not stand in
 *     a target are errors also here, so that an escape is the only way to name them.
 * <li>The result is valid UTF-8 (RFC 3629): overlong forms, surrogates and what lies beyond U+10FFFF are errors. File
 *     names that are not UTF-8 can thus not be reached. Control characters (below 0x20, and 0x7F), NUL first of all, are
 *     errors, raw or escaped.
 * <li>An escaped slash is an error: whether it separates is what programs disagree about. So is a backslash, escaped or
 *     not, which some take for a slash.
 * <li>Empty segments vanish, as they do for the kernel: {@code a//b} is {@code a/b}.
 * <li>{@code .} and {@code ..} are resolved (RFC 3986 section 5.2.4) after escapes, so {@code %2e%2E} is {@code ..}. The
 *     RFC lets {@code ..} at the top vanish; here climbing above the root is an error, 400: no client that resolves
 *     references as the RFC says ever sends it, and 404 would claim that we had looked.
 * </ul>
 */
public final class RequestPath {
    private final byte[] bytes;
    private int length;
    private boolean directory;
    private String error;

    /** Creates a path with room for a target of {@code capacity} bytes. */
    public RequestPath(int capacity) { bytes = new byte[capacity + 1]; }

    /** Returns the path's bytes, followed by a NUL; overwritten by the next {@link #resolve}. */
    public byte[] bytes() { return bytes; }

    /** Returns the number of bytes; 0 means the root itself. There is neither a leading nor a trailing slash. */
    public int length() { return length; }

    /** Tells whether the target named a directory: it ended with a slash or a dot segment. True for the root. */
    public boolean isDirectory() { return directory; }

    /** Returns why the path was refused, a constant, or null if it was not. */
    public String error() { return error; }

    /**
     * Resolves the path of a target.
     *
     * @param in     the view that holds it
     * @param offset where it begins; its first byte is a slash unless it is empty, which means the root
     * @param count  its length
     * @return the length of the result, or a negated status: 400, or 414 if it is longer than the capacity
     */
    public int resolve(ByteView in, int offset, int count) {
        byte[] out = bytes;
        error = null;
        directory = true;
        length = 0;
        if (count > out.length - 1) return fail(414, "path too long");
        if (count > 0 && in.getByte(offset) != '/') return fail(400, "relative path");
        int n = 0;           // bytes written
        int segment = 0;     // where the current segment begins in `out`
        int end = offset + count;
        for (int at = offset + Math.min(count, 1); ; at++) {
            int b = '/';
            if (at < end) {
                byte raw = in.getByte(at);
                b = raw;
                if (raw == '%') {
                    if (end - at < 3) return fail(400, "bad escape");
                    int high = Chars.hex(in.getByte(at + 1));
                    int low = Chars.hex(in.getByte(at + 2));
                    if (high < 0 || low < 0) return fail(400, "bad escape");
                    b = high << 4 | low;
                    at += 2;
                    if (b < 0x20 || b == 0x7F) return fail(400, "control character in the path");
                    if (b == '/' || b == '\\') return fail(400, "escaped separator");
                } else if (!Chars.is(raw, Chars.PATH)) {
                    return fail(400, "bad byte in the path");
                }
                if (b != '/' || raw == '%') {
                    out[n++] = (byte) b;
                    continue;
                }
            }
            // A slash or the end: `out` from `segment` to `n` is one segment.
            int size = n - segment;
            if (size == 0) {
                directory = true;
            } else if (out[segment] == '.' && size == 1) {
                n = segment;
                directory = true;
            } else if (out[segment] == '.' && size == 2 && out[segment + 1] == '.') {
                if (segment == 0) return fail(400, "path above the root");
                n = segment - 1; // drops the slash before it, and then the segment before that
                while (n > 0 && out[n - 1] != '/') n--;
                segment = n;
                directory = true;
            } else {
                directory = false;
                if (at < end) {
                    out[n++] = '/';
                    segment = n;
                }
            }
            if (at >= end) break;
        }
        if (n > 0 && out[n - 1] == '/') n--;
        if (!isUtf8(out, 0, n)) return fail(400, "path is not UTF-8");
        out[n] = 0;
        return length = n;
    }

    private int fail(int status, String reason) {
        error = reason;
        bytes[0] = 0;
        return -status;
    }

    /** Tells whether the bytes from {@code from} to {@code to} are well-formed UTF-8 (RFC 3629 section 4). */
    static boolean isUtf8(byte[] bytes, int from, int to) {
        for (int i = from; i < to; ) {
            byte b = bytes[i++];
            if (b >= 0) continue;
            int lowest = 0x80;
            int highest = 0xBF;
            int more;
            int lead = b & 0xFF;
            if (lead >= 0xC2 && lead <= 0xDF) {
                more = 1;
            } else if (lead >= 0xE0 && lead <= 0xEF) {
                more = 2;
                if (lead == 0xE0) lowest = 0xA0;   // shorter forms exist
                if (lead == 0xED) highest = 0x9F;  // surrogates
            } else if (lead >= 0xF0 && lead <= 0xF4) {
                more = 3;
                if (lead == 0xF0) lowest = 0x90;   // shorter forms exist
                if (lead == 0xF4) highest = 0x8F;  // beyond U+10FFFF
            } else {
                return false;
            }
            if (to - i < more) return false;
            for (; more > 0; more--) {
                int c = bytes[i++] & 0xFF;
                if (c < lowest || c > highest) return false;
                lowest = 0x80;
                highest = 0xBF;
            }
        }
        return true;
    }
}
