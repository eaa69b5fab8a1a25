package org.libtorque.sys;

import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * NUL-terminated strings, which is how paths reach the kernel.
 *
 * <p>The encoding is the one the JDK uses for paths ({@code sun.jnu.encoding}), so both name the same file. In the POSIX
 * locale that is ASCII, which cannot name every file; UTF-8 has the same bytes for all that ASCII can say and is
 * what file systems hold in practice, so it takes ASCII's place.
 */
public final class CStrings {
    private static final Charset CHARSET = charset(System.getProperty("sun.jnu.encoding", "UTF-8"));

    private CStrings() {}

    static Charset charset(String name) {
        Charset charset = Charset.forName(name, StandardCharsets.UTF_8);
        return charset.equals(StandardCharsets.US_ASCII) ? StandardCharsets.UTF_8 : charset;
    }

    /**
     * Encodes {@code text} without a NUL at its end.
     *
     * @throws IllegalArgumentException if {@code text} contains a NUL, which would cut it short, or a character that
     *                                  the encoding does not have, which would name another file
     */
    public static byte[] encode(String text) { return encode(text, CHARSET); }

    static byte[] encode(String text, Charset charset) {
        int nul = text.indexOf('\0');
        if (nul >= 0) {
            throw new IllegalArgumentException("NUL at index " + nul + " of '" + text.replace("\0", "\\0") + "'");
        }
        try {
            ByteBuffer encoded = charset.newEncoder()
                    .onMalformedInput(CodingErrorAction.REPORT).onUnmappableCharacter(CodingErrorAction.REPORT)
                    .encode(CharBuffer.wrap(text));
            var bytes = new byte[encoded.remaining()];
            encoded.get(bytes);
            return bytes;
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException("'" + text + "' cannot be written in " + charset, e);
        }
    }

    /**
     * Writes {@code text} and a NUL at {@code address}.
     *
     * @param capacityBytes bytes that may be written
     * @return bytes written, without the NUL
     * @throws IllegalArgumentException if {@code text} does not fit, contains a NUL or cannot be encoded
     */
    public static int put(String text, long address, int capacityBytes) {
        byte[] bytes = encode(text);
        if (bytes.length >= capacityBytes) {
            throw new IllegalArgumentException(
                    "'" + text + "' takes " + (bytes.length + 1) + " bytes with its NUL; there are " + capacityBytes);
        }
        NativeMemory.copy(bytes, 0, address, bytes.length);
        NativeMemory.putByte(address + bytes.length, (byte) 0);
        return bytes.length;
    }

    /**
     * Writes {@code text} and a NUL into memory of {@code arena}.
     *
     * @return its address, valid as long as the arena is open
     * @throws IllegalArgumentException if {@code text} contains a NUL or cannot be encoded
     */
    public static long allocate(String text, Arena arena) {
        byte[] bytes = encode(text);
        long address = arena.allocate(bytes.length + 1L).address();
        NativeMemory.copy(bytes, 0, address, bytes.length);
        NativeMemory.putByte(address + bytes.length, (byte) 0);
        return address;
    }

    /** Reads the string at {@code address} up to its NUL, or {@code maxBytes} bytes if none comes before. */
    public static String get(long address, int maxBytes) {
        int length = 0;
        while (length < maxBytes && NativeMemory.getByte(address + length) != 0) length++;
        var bytes = new byte[length];
        NativeMemory.copy(address, bytes, 0, length);
        return new String(bytes, CHARSET);
    }
}
