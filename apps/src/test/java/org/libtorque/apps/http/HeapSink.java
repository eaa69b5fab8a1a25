package org.libtorque.apps.http;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import org.libtorque.memory.raw.RawSink;

/** A sink that keeps what is put into it. Small blocks, so that what spans two of them is tested too. */
final class HeapSink extends RawSink {
    private static final int BLOCK = 48;
    private final MemorySegment block = Arena.ofAuto().allocate(BLOCK);
    private final ByteArrayOutputStream done = new ByteArrayOutputStream();

    HeapSink() {
        position = block.address();
        limit = position + BLOCK;
    }

    private void flush() {
        byte[] bytes = block.asSlice(0, position - block.address()).toArray(ValueLayout.JAVA_BYTE);
        done.writeBytes(bytes);
        position = block.address();
    }

    @Override protected void nextBlock() { flush(); }

    @Override protected void ensure(int count) { flush(); }

    /** Returns what was put so far, one character for each byte. */
    String text() {
        flush();
        return done.toString(StandardCharsets.ISO_8859_1);
    }

    /** Forgets everything. */
    void clear() {
        flush();
        done.reset();
    }
}
