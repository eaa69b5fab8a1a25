package org.libtorque.apps.http;

import org.libtorque.memory.ByteView;

/** {@code host [":" port]} as RFC 3986 section 3.2 has it, without user information. */
final class Authority {
    private Authority() {}

    /**
     * Tells whether the bytes are a host name, an IPv4 address or an IPv6 address in brackets, with or without a port.
     * The host may be empty, as the specifications allow for Host; so may the port unless it is required. The number
     * of a port is at most 65535.
     */
    static boolean isValid(ByteView in, int offset, int length, boolean portRequired) {
        int end = offset + length;
        int at = offset;
        if (at < end && in.getByte(at) == '[') {
            at = ipv6(in, at + 1, end);
            if (at < 0) return false;
        } else {
            while (at < end && Chars.is(in.getByte(at), Chars.REG_NAME)) {
                if (in.getByte(at) == '%') {
                    if (end - at < 3 || Chars.hex(in.getByte(at + 1)) < 0 || Chars.hex(in.getByte(at + 2)) < 0) return false;
                    at += 2;
                }
                at++;
            }
        }
        if (at == end) return !portRequired;
        if (in.getByte(at) != ':' || portRequired && (at == offset || at + 1 == end)) return false;
        int port = 0;
        while (++at < end) {
            byte b = in.getByte(at);
            if (!Chars.isDigit(b)) return false;
            port = port * 10 + b - '0';
            if (port > 65535) return false;
        }
        return true;
    }

    /**
     * Tells whether the bytes are what nearly all are: letters, digits, dots and hyphens, and a port of at most four
     * digits or none. Quicker than {@link #isValid}.
     */
    static boolean isPlain(ByteView in, int offset, int length) {
        int end = offset + length;
        int at = offset;
        long stops = 0;
        for (int step = RequestParser.wordStep; at <= end - 8; at += step) {
            stops = Chars.notHostBytes(in.getLong(at));
            if (stops != 0) break;
        }
        if (stops == 0) stops = Chars.notHostBytes(RequestParser.load(in, at, end));
        at += Chars.first(stops);
        if (at >= end) return true;
        int digits = end - at - 1;
        if (in.getByte(at) != ':' || digits < 1 || digits > 4) return false;
        return (Chars.notDigits(RequestParser.load(in, at + 1, end)) & (1L << 8 * digits) - 1) == 0;
    }

    /** Checks an IPv6 address from behind its opening bracket; returns the index behind the closing one, or -1. */
    private static int ipv6(ByteView in, int at, int end) {
        int groups = 0;
        boolean elided = false;
        if (at + 1 < end && in.getByte(at) == ':' && in.getByte(at + 1) == ':') {
            elided = true;
            at += 2;
        }
        // Each turn: at the start of a group, or at the closing bracket behind "::".
        while (at < end) {
            if (in.getByte(at) == ']') return elided && groups < 8 ? at + 1 : -1;
            int digits = at;
            while (at < end && Chars.hex(in.getByte(at)) >= 0) at++;
            if (at < end && in.getByte(at) == '.') {
                at = ipv4(in, digits, end);
                if (at < 0) return -1;
                groups += 2;
                return groups == 8 || elided && groups < 8 ? at + 1 : -1;
            }
            if (at == digits || at - digits > 4 || at >= end || ++groups > 8) return -1;
            if (in.getByte(at) == ']') return groups == 8 && !elided || elided && groups < 8 ? at + 1 : -1;
            if (in.getByte(at++) != ':') return -1;
            if (at < end && in.getByte(at) == ':') {
                if (elided) return -1;
                elided = true;
                at++;
            } else if (at < end && in.getByte(at) == ']') {
                return -1; // a single colon at the end
            }
        }
        return -1;
    }

    /** Checks an IPv4 address that ends an IPv6 one; returns the index of the closing bracket, or -1. */
    private static int ipv4(ByteView in, int at, int end) {
        for (int part = 0; part < 4; part++) {
            if (part > 0 && (at >= end || in.getByte(at++) != '.')) return -1;
            int value = 0;
            int digits = at;
            while (at < end && Chars.isDigit(in.getByte(at)) && at - digits < 3) value = value * 10 + in.getByte(at++) - '0';
            if (at == digits || value > 255 || at - digits > 1 && in.getByte(digits) == '0') return -1;
        }
        return at < end && in.getByte(at) == ']' ? at : -1;
    }
}
