package org.libtorque.memory.raw;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.libtorque.memory.ByteView;

/** The library's side of a {@link ByteView}: it can be pointed anywhere. Borrows what it shows. */
public final class RawView extends ByteView {
    /** Keeps the memory of {@link #copyOf} alive; null for views of the library's own buffers. */
    @SuppressWarnings({"unused", "FieldCanBeLocal"})
    private Object keepAlive;

    /** Creates a view of nothing. */
    public RawView() {}

    /** Shows {@code length} bytes at {@code address}, none of them consumed. */
    public void point(long address, int length) {
        this.address = address;
        this.length = length;
        this.consumed = 0;
    }

    /** Returns the address of the first unconsumed byte. */
    public long address() { return address; }

    /** Returns the address of a view's first unconsumed byte. */
    public static long addressOf(ByteView view) { return ((RawView) view).address; }

    /** See {@link ByteView#copyOf}. */
    public static RawView copyOf(byte[] bytes) {
        MemorySegment copy = Arena.ofAuto().allocate(Math.max(8, bytes.length), 8);
        MemorySegment.copy(bytes, 0, copy, ValueLayout.JAVA_BYTE, 0, bytes.length);
        RawView view = new RawView();
        view.keepAlive = copy;
        view.point(copy.address(), bytes.length);
        return view;
    }
}
