package org.libtorque.memory;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.function.LongConsumer;
import org.libtorque.sys.Handles;
import org.libtorque.sys.NativeMemory;

/**
 * Native objects of one size, as many as are asked for: Bonwick's object-caching allocator (1994; parlib's slab, Klues 2015, 2.5.1). Memory is mapped in chunks. An object is
 * constructed once, when its chunk is mapped, and keeps, while it is free, what constructor and users have made of it; so who takes one need not initialise it.
 *
 * <p>Objects are taken from chunks that are partly used, before ones that are empty, which {@link #reclaim} gives back. A chunk is aligned to its size, so an object's chunk is known by its
 * address; a label at its beginning has the chunk's number. Chunks begin their objects at different cache lines, as far as there is room (<em>cache colouring</em>). Taking and giving back
 * are O(1); they allocate nothing on the Java heap, except that a new chunk does.
 *
 * <p><em>Owns</em> its mappings. One thread at a time, the owner, except where a method says otherwise; {@link #close} comes after all use.
 */
public final class Slab implements AutoCloseable {
    /** Bytes of a chunk, unless {@link #MIN_OBJECTS} of the objects need more. */
    static final long CHUNK_BYTES = 64 * 1024;
    static final int MIN_OBJECTS = 8;
    private static final int LINE = 64;
    private static final long MARK = 0x51AB_0B1EL << 32;
    private static final VarHandle RETURNS = Handles.field(MethodHandles.lookup(), "returns", int.class);

    private final long stride, chunkBytes, header;
    private final int perChunk;
    private final LongConsumer constructor, destructor;
    /** By number; null where a number is free. Others read it, who have an object of the chunk: so its element is there, whichever array they see. */
    private volatile ObjectChunk[] chunks = new ObjectChunk[4];
    private int chunkCount, made;
    /** Lists of chunks by use; full ones are in none. */
    private ObjectChunk partial, empty;
    private long outstanding;
    /** Objects that others have given back since the owner looked. */
    private int returns;

    /** Makes a slab whose objects begin with all bytes 0. */
    public Slab(long objectBytes) { this(objectBytes, 8, null, null); }

    /**
     * Makes a slab; nothing is mapped yet.
     *
     * @param objectBytes size of an object
     * @param alignment   of objects, a power of two of a page at most
     * @param constructor called with the address of each object when its memory, whose bytes are 0, is new; or null
     * @param destructor  called with the address of each object before its memory goes; or null
     */
    public Slab(long objectBytes, long alignment, LongConsumer constructor, LongConsumer destructor) {
        ObjectChunk.check(objectBytes, alignment);
        this.constructor = constructor;
        this.destructor = destructor;
        stride = ObjectChunk.roundUp(objectBytes, alignment);
        header = ObjectChunk.roundUp(LINE, alignment);
        long wanted = Math.max(CHUNK_BYTES, header + MIN_OBJECTS * stride);
        chunkBytes = Long.highestOneBit(wanted - 1) << 1;
        perChunk = (int) ((chunkBytes - header) / stride);
    }

    /** Returns how many objects are out; those that others have given back so far are not. */
    public long outstanding() {
        takeReturned();
        return outstanding;
    }

    /** Returns how many bytes are mapped. */
    public long mappedBytes() { return chunkCount * chunkBytes; }

    /** Takes an object; 0 if the kernel gives no memory. */
    public long allocate() {
        ObjectChunk chunk = partial;
        if (chunk == null) {
            takeReturned();
            chunk = partial;
            if (chunk == null) {
                chunk = empty;
                if (chunk != null) empty = unlink(empty, chunk);
                else if ((chunk = grow()) == null) return 0;
                partial = link(partial, chunk);
            }
        }
        long object = chunk.take();
        outstanding++;
        if (chunk.isFull()) partial = unlink(partial, chunk);
        return object;
    }

    /**
     * Gives an object back.
     *
     * @throws IllegalStateException    if it is not out
     * @throws IllegalArgumentException if it is not of this slab
     */
    public void free(long object) {
        ObjectChunk chunk = chunkOf(object);
        boolean wasFull = chunk.isFull();
        chunk.put(object);
        outstanding--;
        sort(chunk, wasFull);
    }

    /** As {@link #free}, by any thread. The owner has it again when it next runs out of objects. */
    public void freeAnywhere(long object) {
        chunkOf(object).giveBack(object);
        RETURNS.getAndAddRelease(this, 1); // after it is there to be taken; a count that comes too late costs a look later
    }

    /** Unmaps chunks of which nothing is out, after having had their objects destroyed; returns how many bytes that were. */
    public long reclaim() {
        takeReturned();
        long before = mappedBytes();
        while (empty != null) {
            ObjectChunk chunk = empty;
            empty = unlink(empty, chunk);
            release(chunk);
        }
        return before - mappedBytes();
    }

    /** Has all objects destroyed, whether given back or not, and unmaps them. */
    @Override public void close() {
        for (ObjectChunk chunk : chunks) if (chunk != null) release(chunk);
        partial = empty = null;
        outstanding = 0;
    }

    private void release(ObjectChunk chunk) {
        chunks[(int) NativeMemory.getLong(chunk.base)] = null;
        chunkCount--;
        chunk.release(destructor);
    }

    private ObjectChunk chunkOf(long object) {
        // An address that is none of ours may be mapped or not: look for the chunk, if asserts are on, before touching it.
        assert isOurs(object) : "0x" + Long.toHexString(object) + " is not an object of this slab";
        long label = NativeMemory.getLong(object & -chunkBytes);
        ObjectChunk[] all = chunks;
        ObjectChunk chunk = (label & -1L << 32) == MARK && (int) label < all.length ? all[(int) label] : null;
        if (chunk == null || chunk.base != (object & -chunkBytes)) throw new IllegalArgumentException("0x" + Long.toHexString(object) + " is not an object of this slab");
        return chunk;
    }

    private boolean isOurs(long object) {
        for (ObjectChunk chunk : chunks) if (chunk != null && chunk.base == (object & -chunkBytes)) return true;
        return false;
    }

    private ObjectChunk grow() {
        long base = ObjectChunk.map(chunkBytes, chunkBytes);
        if (base == 0) return null;
        int number = 0;
        while (number < chunks.length && chunks[number] != null) number++;
        if (number == chunks.length) chunks = Arrays.copyOf(chunks, 2 * number);
        NativeMemory.putLong(base, MARK | number);
        long slack = chunkBytes - header - perChunk * stride;
        long step = Math.max(LINE, header); // a cache line, and a multiple of the alignment
        long shift = step * (made++ % (slack / step + 1));
        ObjectChunk chunk = ObjectChunk.of(base, chunkBytes, base + header + shift, stride, perChunk, constructor);
        chunks[number] = chunk;
        chunkCount++;
        return chunk;
    }

    private void takeReturned() {
        if ((int) RETURNS.getOpaque(this) == 0) return;
        RETURNS.getAndSetAcquire(this, 0); // before the look: what is counted later may be found already
        for (ObjectChunk chunk : chunks) {
            if (chunk == null) continue;
            boolean wasFull = chunk.isFull();
            int taken = chunk.takeReturned();
            if (taken == 0) continue;
            outstanding -= taken;
            sort(chunk, wasFull);
        }
    }

    /** Puts a chunk that has got something back where it belongs. */
    private void sort(ObjectChunk chunk, boolean wasFull) {
        if (wasFull) partial = link(partial, chunk);
        if (chunk.out() > 0) return;
        partial = unlink(partial, chunk);
        empty = link(empty, chunk);
    }

    private static ObjectChunk link(ObjectChunk first, ObjectChunk chunk) {
        chunk.nextChunk = first;
        chunk.previousChunk = null;
        if (first != null) first.previousChunk = chunk;
        return chunk;
    }

    private static ObjectChunk unlink(ObjectChunk first, ObjectChunk chunk) {
        if (chunk.nextChunk != null) chunk.nextChunk.previousChunk = chunk.previousChunk;
        if (chunk.previousChunk != null) chunk.previousChunk.nextChunk = chunk.nextChunk;
        ObjectChunk newFirst = first == chunk ? chunk.nextChunk : first;
        chunk.nextChunk = chunk.previousChunk = null;
        return newFirst;
    }

    /** For tests, when nobody is near. */
    void checkInvariants() {
        long out = 0;
        int partly = 0, unused = 0, full = 0;
        for (ObjectChunk chunk : chunks) {
            if (chunk == null) continue;
            out += chunk.out();
            if (chunk.isFull()) full++;
            else if (chunk.out() == 0) unused++;
            else partly++;
        }
        for (ObjectChunk chunk = partial; chunk != null; chunk = chunk.nextChunk) partly--;
        for (ObjectChunk chunk = empty; chunk != null; chunk = chunk.nextChunk) unused--;
        if (out != outstanding || partly != 0 || unused != 0) throw new AssertionError(this + ": out " + out + ", lists off by " + partly + " and " + unused + ", full " + full);
    }

    @Override public String toString() { return "Slab[" + outstanding + " objects of " + stride + " bytes out, " + chunkCount + " chunks]"; }
}
