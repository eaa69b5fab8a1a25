package org.libtorque.memory;

import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.libtorque.memory.raw.RawSink;
import org.libtorque.memory.raw.RawView;
import org.libtorque.sys.NativeMemory;

/**
 * Where bytes to be sent are put: a cursor over native blocks that follow each other as they fill.
 *
 * <p>Bytes leave in the order in which they were put. A sink belongs to one thread at a time. Multi-byte values are
 * little-endian. Nothing here allocates on the Java heap.
 */
public abstract sealed class ByteSink permits RawSink {
    /** Address of the next byte to write. */
    protected long position;
    /** Address behind the last byte of the current block; equal to {@code position} when there is no block. */
    protected long limit;

    /** For {@link RawSink} alone. */
    protected ByteSink() {}

    /**
     * Makes at least one byte of room by going to another block; when it returns, {@code limit > position}.
     *
     * @throws OutOfBuffersException if no block is to be had
     */
    protected abstract void nextBlock();

    /** Makes {@code count} contiguous bytes of room, at most the size of a block. */
    protected abstract void ensure(int count);

    /** Puts one byte. */
    public final void putByte(int value) {
        if (position == limit) nextBlock();
        NativeMemory.putByte(position++, (byte) value);
    }

    /** Puts two bytes, the low one first. */
    public final void putShort(int value) {
        if (limit - position < 2) ensure(2);
        NativeMemory.putShort(position, (short) value);
        position += 2;
    }

    /** Puts four bytes, the lowest first. */
    public final void putInt(int value) {
        if (limit - position < 4) ensure(4);
        NativeMemory.putInt(position, value);
        position += 4;
    }

    /** Puts eight bytes, the lowest first. */
    public final void putLong(long value) {
        if (limit - position < 8) ensure(8);
        NativeMemory.putLong(position, value);
        position += 8;
    }

    /** Puts a whole array. */
    public final void put(byte[] source) { put(source, 0, source.length); }

    /** Puts {@code count} bytes of an array. */
    public final void put(byte[] source, int index, int count) {
        Objects.checkFromIndexSize(index, count, source.length);
        if (limit - position >= count) {
            NativeMemory.copy(source, index, position, count);
            position += count;
        } else {
            putAcrossBlocks(source, index, count);
        }
    }

    private void putAcrossBlocks(byte[] source, int index, int count) {
        while (count > 0) {
            if (position == limit) nextBlock();
            int n = (int) Math.min(count, limit - position);
            NativeMemory.copy(source, index, position, n);
            position += n;
            index += n;
            count -= n;
        }
    }

    /** Puts {@code count} bytes of a view, from {@code index} on. Consumes nothing of the view. */
    public final void put(ByteView source, int index, int count) {
        Objects.checkFromIndexSize(index, count, source.length());
        putFrom(RawView.addressOf(source) + index, count);
    }

    /**
     * Puts {@code count} bytes of a segment, from {@code offset} on.
     *
     * @throws IllegalStateException if its arena is closed, perhaps by another thread meanwhile; some bytes may have been put then
     * @throws WrongThreadException  if it belongs to another thread
     */
    public final void put(MemorySegment source, long offset, int count) {
        Objects.checkFromIndexSize(offset, count, source.byteSize());
        while (count > 0) {
            if (position == limit) nextBlock();
            int n = (int) Math.min(count, limit - position);
            NativeMemory.copy(source, offset, position, n);
            position += n;
            offset += n;
            count -= n;
        }
    }

    /** Puts {@code count} bytes from an address of ours. */
    protected final void putFrom(long source, int count) {
        while (count > 0) {
            if (position == limit) nextBlock();
            int n = (int) Math.min(count, limit - position);
            NativeMemory.copy(source, position, n);
            position += n;
            source += n;
            count -= n;
        }
    }

    /** Puts one byte for each character of {@code text}, its low eight bits. */
    public final void putLatin1(CharSequence text) {
        for (int i = 0, n = text.length(); i < n; i++) putByte(text.charAt(i));
    }

    /** Puts a number in decimal, with a minus sign if negative. */
    public final void putDecimal(long value) {
        if (value < 0) {
            putByte('-');
            if (value == Long.MIN_VALUE) { // has no positive counterpart
                putByte('9');
                value = -223_372_036_854_775_808L;
            }
            value = -value;
        }
        int digits = 1;
        for (long v = value; v >= 10; v /= 10) digits++;
        if (limit - position < digits) ensure(digits);
        for (long at = position + digits - 1; at >= position; at--) {
            NativeMemory.putByte(at, (byte) ('0' + value % 10));
            value /= 10;
        }
        position += digits;
    }
}
