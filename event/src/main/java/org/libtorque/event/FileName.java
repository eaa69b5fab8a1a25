package org.libtorque.event;

import java.nio.file.Path;
import org.libtorque.sys.CStrings;
import org.libtorque.sys.NativeMemory;

/**
 * The name of a file as operations take it: a path of the process's ({@link #of}), or one below a {@link FileRoot} and never out of it ({@link FileRoot#file}). Immutable; worth keeping
 * when it is used again, since making one encodes and copies.
 */
public final class FileName {
    /** Bytes of a path, its NUL included: the kernel's limit. */
    static final int MAX_BYTES = 4096;

    private static final byte[] HERE = {'.'};

    private final FileRoot root;
    private final byte[] bytes;

    FileName(FileRoot root, byte[] bytes) {
        if (bytes.length >= MAX_BYTES) throw new IllegalArgumentException("a path of " + bytes.length + " bytes; the kernel takes " + (MAX_BYTES - 1));
        for (byte b : bytes) if (b == 0) throw new IllegalArgumentException("the path contains a NUL: " + text(bytes));
        this.root = root;
        this.bytes = bytes.length == 0 ? HERE : bytes;
    }

    /**
     * Returns the name for a path, relative to the working directory unless it is absolute.
     *
     * @throws IllegalArgumentException if it is longer than 4,095 bytes, or cannot be encoded
     */
    public static FileName of(Path path) { return new FileName(null, CStrings.encode(path.toString())); }

    /** Returns the directory that it stays below, or null. */
    FileRoot root() { return root; }

    /** Writes it and a NUL. */
    void put(long address) { put(address, bytes.length); }

    private void put(long address, int length) {
        NativeMemory.copy(bytes, 0, address, length);
        NativeMemory.putByte(address + length, (byte) 0);
    }

    // Its last part, and the directory that this is in. Slashes at the end do not count.

    private int end() {
        int end = bytes.length;
        while (end > 1 && bytes[end - 1] == '/') end--;
        return end;
    }

    /** Returns where the last part begins: 0 if it is the only one. */
    private int lastPart() {
        int at = end();
        while (at > 0 && bytes[at - 1] != '/') at--;
        return at;
    }

    boolean hasDirectory() { return lastPart() > 0; }

    /** Tells whether the last part is a name: neither {@code .} nor {@code ..}, nor nothing. */
    boolean endsWithName() {
        int from = lastPart();
        int length = end() - from;
        return length > 2 || length == 2 && !(bytes[from] == '.' && bytes[from + 1] == '.') || length == 1 && bytes[from] != '.' && bytes[from] != '/';
    }

    /** Writes the directory and a NUL. */
    void putDirectory(long address) { put(address, lastPart()); }

    /** Writes the last part and a NUL. */
    void putLastPart(long address) {
        int from = lastPart();
        int length = end() - from;
        for (int i = 0; i < length; i++) NativeMemory.putByte(address + i, bytes[from + i]);
        NativeMemory.putByte(address + length, (byte) 0);
    }

    static String text(byte[] bytes) { return new String(bytes, java.nio.charset.StandardCharsets.UTF_8); }

    @Override public String toString() { return root == null ? text(bytes) : root.path() + "/" + text(bytes); }
}
