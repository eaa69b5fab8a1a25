package org.libtorque.apps.http;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/**
 * Content types by file extension, from the resource {@code media-types.txt}. A look-up works on bytes and allocates
 * nothing; any thread may make one.
 *
 * <p>The table is open addressing over extensions packed into two words, in lower case and zero above their end.
 */
public final class MediaTypes {
    /** {@code application/octet-stream}: what a file is that has no known extension. */
    public static final byte[] DEFAULT = Bytes.of("application/octet-stream");

    private static final String RESOURCE = "media-types.txt";
    private static final int LONGEST = 16;
    private static final int SLOT_BITS = 9;
    private static final long[] LOW = new long[1 << SLOT_BITS];
    private static final long[] HIGH = new long[1 << SLOT_BITS];
    private static final byte[][] TYPES = new byte[1 << SLOT_BITS][];
    private static final int SIZE;

    static {
        int size = 0;
        try (InputStream in = MediaTypes.class.getResourceAsStream(RESOURCE);
                BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII))) {
            for (String line; (line = lines.readLine()) != null; ) {
                if (line.isBlank() || line.startsWith("#")) continue;
                int colon = line.indexOf(':');
                byte[] type = Bytes.of(line.substring(0, colon).strip());
                for (String extension : line.substring(colon + 1).strip().split(" +")) {
                    byte[] name = Bytes.of(extension);
                    int slot = slot(name, 0, name.length);
                    if (TYPES[slot] != null) throw new IllegalStateException(RESOURCE + ": " + extension + " occurs twice");
                    LOW[slot] = pack(name, 0, Math.min(name.length, 8));
                    HIGH[slot] = name.length > 8 ? pack(name, 8, name.length) : 0;
                    TYPES[slot] = type;
                    if (++size > TYPES.length / 2) throw new IllegalStateException(RESOURCE + " is too long");
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        SIZE = size;
    }

    private MediaTypes() {}

    /** Returns the number of extensions known. */
    static int size() { return SIZE; }

    /**
     * Returns the content type of a file.
     *
     * @param path   its path or name; only what follows the last slash matters. A name that begins with its only dot has
     *               no extension
     * @param length how many bytes of {@code path} count
     * @return a shared array, not to be changed; {@link #DEFAULT} if there is no extension or it is not known
     */
    public static byte[] of(byte[] path, int length) {
        int dot = length - 1;
        while (dot >= 0 && path[dot] != '.' && path[dot] != '/') dot--;
        if (dot < 1 || path[dot] == '/' || path[dot - 1] == '/') return DEFAULT;
        int from = dot + 1;
        // A NUL at the end would look like what packing fills up with.
        if (length - from < 1 || length - from > LONGEST || path[length - 1] == 0) return DEFAULT;
        byte[] type = TYPES[slot(path, from, length)];
        return type == null ? DEFAULT : type;
    }

    /** Returns the slot of an extension, or the free one where it would go. */
    private static int slot(byte[] bytes, int from, int to) {
        if (to - from > LONGEST) throw new IllegalArgumentException("extension of " + (to - from) + " bytes");
        long low = pack(bytes, from, Math.min(to, from + 8));
        long high = to - from > 8 ? pack(bytes, from + 8, to) : 0;
        int slot = (int) ((low ^ high * 31) * 0x9E37_79B9_7F4A_7C15L >>> 64 - SLOT_BITS);
        while (TYPES[slot] != null && (LOW[slot] != low || HIGH[slot] != high)) slot = slot + 1 & TYPES.length - 1;
        return slot;
    }

    private static long pack(byte[] bytes, int from, int to) {
        long word = 0;
        for (int i = to - 1; i >= from; i--) word = word << 8 | Chars.lower(bytes[i]) & 0xFF;
        return word;
    }
}
