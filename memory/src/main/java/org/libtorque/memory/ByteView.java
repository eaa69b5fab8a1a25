package org.libtorque.memory;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import org.libtorque.memory.raw.RawView;
import org.libtorque.sys.NativeMemory;

/**
 * A read-only window on native memory that a callback gets: bytes {@code 0 … length() - 1}, of which a prefix can be
 * {@linkplain #consume consumed}.
 *
 * <p>Views are reused: the library moves one view from buffer to buffer, so a view and what it shows are valid only
 * until the callback that received it returns. Copy what must live longer. Indices count from the first byte that is
 * not yet consumed; every access is checked and a bad index throws {@link IndexOutOfBoundsException}. Multi-byte
 * values are little-endian and need not be aligned. A view belongs to one thread; nothing here allocates except where
 * it says so.
 */
public abstract sealed class ByteView permits RawView {
    /** Address of the first unconsumed byte. */
    protected long address;
    /** Unconsumed bytes. */
    protected int length;
    /** Bytes consumed since the view was pointed at its buffer. */
    protected int consumed;

    /** For {@link RawView} alone. */
    protected ByteView() {}

    /** Returns the number of unconsumed bytes. */
    public final int length() { return length; }

    /** Tells whether nothing is left to consume. */
    public final boolean isEmpty() { return length == 0; }

    /** Returns the number of bytes consumed so far in this callback. */
    public final int consumed() { return consumed; }

    /** Returns the byte at {@code index}. */
    public final byte getByte(int index) {
        return NativeMemory.getByte(address + Objects.checkIndex(index, length));
    }

    /** Returns the two bytes from {@code index} on. */
    public final short getShort(int index) {
        return NativeMemory.getShort(address + Objects.checkIndex(index, length - 1));
    }

    /** Returns the four bytes from {@code index} on. */
    public final int getInt(int index) {
        return NativeMemory.getInt(address + Objects.checkIndex(index, length - 3));
    }

    /** Returns the eight bytes from {@code index} on. */
    public final long getLong(int index) {
        return NativeMemory.getLong(address + Objects.checkIndex(index, length - 7));
    }

    /**
     * Gives back the first {@code count} bytes: they will not be shown again. What a callback leaves unconsumed is kept
     * and shown again, in front of what arrives next.
     *
     * @throws IndexOutOfBoundsException if {@code count} is negative or more than {@link #length()}
     */
    public final void consume(int count) {
        Objects.checkFromIndexSize(0, count, length);
        address += count;
        length -= count;
        consumed += count;
    }

    /** Consumes everything. */
    public final void consumeAll() { consume(length); }

    /** Copies {@code count} bytes from {@code index} on to an array. */
    public final void copyTo(int index, byte[] target, int targetIndex, int count) {
        Objects.checkFromIndexSize(index, count, length);
        Objects.checkFromIndexSize(targetIndex, count, target.length);
        NativeMemory.copy(address + index, target, targetIndex, count);
    }

    /** Returns the index of the first {@code value} at or after {@code from}, or -1. */
    public final int indexOf(byte value, int from) {
        Objects.checkIndex(from, length + 1);
        long pattern = (value & 0xFFL) * 0x0101_0101_0101_0101L;
        int i = from;
        for (int last = length - 8; i <= last; i += 8) {
            long x = NativeMemory.getLong(address + i) ^ pattern;
            long zero = (x - 0x0101_0101_0101_0101L) & ~x & 0x8080_8080_8080_8080L;
            if (zero != 0) return i + (Long.numberOfTrailingZeros(zero) >>> 3);
        }
        for (; i < length; i++) {
            if (NativeMemory.getByte(address + i) == value) return i;
        }
        return -1;
    }

    /**
     * Compares {@code count} bytes from {@code index} on with the memory of another view.
     *
     * @return the offset of the first difference, or -1 if there is none
     */
    public final int mismatch(int index, ByteView other, int otherIndex, int count) {
        Objects.checkFromIndexSize(index, count, length);
        Objects.checkFromIndexSize(otherIndex, count, other.length);
        return (int) NativeMemory.mismatch(address + index, other.address + otherIndex, count);
    }

    /** Returns {@code count} bytes from {@code index} on as text, one character for each byte (ISO 8859-1). Allocates. */
    public final String toLatin1(int index, int count) {
        return new String(toByteArray(index, count), StandardCharsets.ISO_8859_1);
    }

    /** Returns a copy of {@code count} bytes from {@code index} on. Allocates. */
    public final byte[] toByteArray(int index, int count) {
        byte[] bytes = new byte[Objects.checkFromIndexSize(index, count, length) >= 0 ? count : 0];
        NativeMemory.copy(address + index, bytes, 0, count);
        return bytes;
    }

    /** Returns a read-only segment over the unconsumed bytes, valid as long as the view's present contents. Allocates. */
    public final MemorySegment toSegment() { return NativeMemory.segment(address, length).asReadOnly(); }

    /** Returns a view of a copy of {@code bytes} that lives as long as it is reachable; for tests and tools. Allocates. */
    public static ByteView copyOf(byte[] bytes) { return RawView.copyOf(bytes); }

    @Override public String toString() { return "ByteView[length=" + length + ", consumed=" + consumed + "]"; }
}
