package org.libtorque.event;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import org.libtorque.memory.BlockPool;
import org.libtorque.memory.raw.RawSink;
import org.libtorque.sys.NativeMemory;

/**
 * The write cursor of one vcore, standing at the end of one connection's output at a time.
 *
 * <p>A connection's {@link Output} is a chain of pool blocks. The first {@link #HEADER_BYTES} bytes of a block hold the address of the next one and the
 * offset behind its last byte, so a chain costs nothing on the Java heap. While the cursor stands at an output, the end of its last
 * block is known only here; {@link #commit} writes it down.
 */
final class OutputSink extends RawSink {
    static final int HEADER_BYTES = 16;
    private static final int NEXT = 0;
    private static final int END = 8;

    private final BlockPool pool;
    private Output current;
    private long block;
    private long committed;

    OutputSink(BlockPool pool) { this.pool = pool; }

    static long nextOf(long block) { return NativeMemory.getLong(block + NEXT); }

    /** Notes that bytes were written behind the last one of a block; no cursor may stand there. */
    static void extend(long block, int bytes) { NativeMemory.putInt(block + END, endOf(block) + bytes); }

    static int endOf(long block) { return NativeMemory.getInt(block + END); }

    boolean isAt(Output output) { return current == output; }

    /** Stands at the end of an output. */
    void moveTo(Output output) {
        commit();
        current = output;
        block = output.tail;
        if (block == 0) {
            position = limit = 0;
        } else {
            position = block + endOf(block);
            limit = block + pool.blockBytes();
        }
        committed = position;
    }

    /** Writes down what has been put. */
    void commit() {
        if (current == null || position == committed) return;
        NativeMemory.putInt(block + END, (int) (position - block));
        current.chained += position - committed;
        committed = position;
    }

    /** Stands nowhere. The chain where it stood may then be changed. */
    void leave() {
        commit();
        forget();
    }

    /** Does not stand at the given output any more, if it did. */
    void leave(Output output) {
        if (current == output) leave();
    }

    /** As {@link #leave(Output)}, without writing anything down. */
    void forget(Output output) {
        if (current == output) forget();
    }

    private void forget() {
        current = null;
        block = position = limit = committed = 0;
    }

    @Override protected void nextBlock() {
        if (current == null) throw new IllegalStateException("output() is valid only until the callback that asked for it returns");
        commit();
        long fresh = pool.acquire();
        if (fresh == 0) throw pool.exhausted();
        NativeMemory.putLong(fresh + NEXT, 0);
        NativeMemory.putInt(fresh + END, HEADER_BYTES);
        if (block == 0) {
            current.head = fresh;
            current.offset = HEADER_BYTES;
        } else {
            NativeMemory.putLong(block + NEXT, fresh);
        }
        current.tail = block = fresh;
        position = committed = fresh + HEADER_BYTES;
        limit = fresh + pool.blockBytes();
    }

    @Override protected void ensure(int count) { nextBlock(); }

    /** Puts what remains in a buffer of any kind, and sets its position behind that. */
    void putBuffer(ByteBuffer data) {
        if (data.hasArray()) put(data.array(), data.arrayOffset() + data.position(), data.remaining());
        else putSegment(MemorySegment.ofBuffer(data));
        data.position(data.limit());
    }

    /**
     * Puts the bytes of a segment of any kind.
     *
     * @throws IllegalStateException if its arena is closed
     * @throws WrongThreadException if the calling thread may not read it
     */
    void putSegment(MemorySegment data) {
        if (!data.isNative()) {
            put(data.toArray(ValueLayout.JAVA_BYTE));
            return;
        }
        // The bytes are read by their address, which is not checked as access to a segment is.
        if (!data.scope().isAlive()) throw new IllegalStateException("the segment's arena is closed");
        if (!data.isAccessibleBy(Thread.currentThread())) throw new WrongThreadException("the segment belongs to another thread");
        long length = data.byteSize();
        for (long at = 0; at < length; ) {
            int n = (int) Math.min(length - at, Integer.MAX_VALUE);
            putFrom(data.address() + at, n);
            at += n;
        }
    }
}
