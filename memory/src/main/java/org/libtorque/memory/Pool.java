package org.libtorque.memory;

import java.util.function.LongConsumer;
import org.libtorque.sys.Mapping;

/**
 * A fixed number of native objects of one size, all constructed when the pool is made, and handed out last-in first-out (parlib's pool allocator, Klues 2015, 2.5.1). Taking and giving
 * back are a few instructions and never ask the kernel. An object keeps, while it is free, what constructor and users have made of it. For a number that is not known
 * beforehand see {@link Slab}; for buffers {@link BlockPool}.
 *
 * <p><em>Owns</em> its mapping. One thread at a time, the owner, except where a method says otherwise; {@link #close} comes after all use.
 */
public final class Pool implements AutoCloseable {
    private final ObjectChunk chunk;
    private final LongConsumer destructor;
    private boolean closed;

    /** Makes a pool whose objects begin with all bytes 0. */
    public Pool(long objectBytes, int count) { this(objectBytes, 8, count, null, null); }

    /**
     * Makes a pool.
     *
     * @param objectBytes size of an object
     * @param alignment   of objects, a power of two of a page at most
     * @param count       how many there are, at least 1
     * @param constructor called once with the address of each object, whose bytes are 0; or null
     * @param destructor  called once with the address of each object when the pool is closed; or null
     * @throws OutOfMemoryError if the kernel does not give the memory
     */
    public Pool(long objectBytes, long alignment, int count, LongConsumer constructor, LongConsumer destructor) {
        ObjectChunk.check(objectBytes, alignment);
        if (count < 1) throw new IllegalArgumentException("count " + count + ": must be at least 1");
        long stride = ObjectChunk.roundUp(objectBytes, alignment);
        long bytes = ObjectChunk.roundUp(Math.multiplyExact(stride, count), Mapping.PAGE_SIZE);
        long base = ObjectChunk.map(bytes, alignment);
        if (base == 0) throw new OutOfMemoryError("the kernel does not give " + bytes + " bytes for a pool");
        this.destructor = destructor;
        chunk = ObjectChunk.of(base, bytes, base, stride, count, constructor);
    }

    /** Returns how many objects there are. Any thread. */
    public int count() { return chunk.count(); }

    /** Returns how many are out; those that others have given back so far are not. */
    public int outstanding() {
        chunk.takeReturned();
        return chunk.out();
    }

    /** Takes an object; 0 if all are out. */
    public long allocate() {
        if (chunk.isFull() && chunk.takeReturned() == 0) return 0;
        return chunk.take();
    }

    /**
     * Gives an object back.
     *
     * @throws IllegalStateException    if it is not out
     * @throws IllegalArgumentException if it is not of this pool
     */
    public void free(long object) { chunk.put(object); }

    /** As {@link #free}, by any thread. */
    public void freeAnywhere(long object) { chunk.giveBack(object); }

    /** Has all objects destroyed, whether given back or not, and unmaps them. */
    @Override public void close() {
        if (closed) return;
        closed = true;
        chunk.release(destructor);
    }
}
