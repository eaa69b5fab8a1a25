package org.libtorque.memory;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Mapping;
import org.libtorque.sys.NativeMemory;
import org.libtorque.sys.SyscallException;

/**
 * Blocks of one size for the buffers of one vcore, handed out last-in first-out so that the block used next is the one
 * still in cache.
 *
 * <p>Memory is mapped in chunks when first needed, up to a limit, and unmapped by {@link #close}. The kernel gives it
 * pages only where it is written, from the NUMA node of the thread that writes first, which is the vcore's. Blocks
 * follow each other at the block size plus a few cache lines: page-aligned blocks would all begin in the same sets of
 * the first-level cache, and heads of messages, which are what is touched most, would evict each other
 * (<em>cache colouring</em>, Bonwick 1994).
 *
 * <p><b>Blocks given back by other threads.</b> Work moves between vcores, and blocks with it, but a block always goes back to the pool that it is
 * of. The last eight bytes of the gap in front of a block name its pool; they are written once, when the chunk is mapped, and in most cases lie in
 * the page that the block begins in. {@link #releaseAnywhere} reads them. A block of another pool is pushed on that pool's <em>return stack</em>,
 * which is linked through the first eight bytes of the blocks themselves, and which the owner takes as a whole when its own list is empty. There is
 * no other removal, so the stack knows no ABA problem (Treiber 1986, reduced).
 *
 * <p>Rejected: one reserved range of addresses per pool, by which a block's pool would be known without touching memory. Own blocks are told by two
 * comparisons then, but other pools must be searched for, the range counts against limits of the address space, and the line in front of a block is
 * warm where blocks are handed out last-in first-out.
 *
 * <p><em>Owns</em> its mappings. One thread at a time, the owner, except where a method says otherwise; {@link #close} comes after all use, by any
 * thread.
 */
public final class BlockPool implements AutoCloseable {
    /** Bytes by which the start of each block is shifted against the one before it: an odd number of cache lines. */
    static final int COLOUR_STRIDE_BYTES = 5 * 64;

    private static final int CHUNK_BLOCKS = 32;
    /** Where a block's pool is named, relative to the block: the upper half is {@link #MARK}, the lower the pool's number. */
    private static final int LABEL_OFFSET = -8;
    private static final long MARK = 0x0B10_C2A8L << 32;

    /**
     * All pools that have mapped something, by number; null where a number is free. Elements change under the class's lock; who has a block knows that
     * its pool is there.
     */
    private static volatile BlockPool[] pools = new BlockPool[16];

    private static final VarHandle RETURNED = MethodHandles.arrayElementVarHandle(long[].class);
    /** Where in the array the stack's top is, so that others who write it do not disturb the owner's fields. */
    private static final int TOP = 16;

    private final int blockBytes;
    private final int maxBlocks;
    /** Index in {@link #pools} once something is mapped, else -1. */
    private int number = -1;
    private final ErrnoSlot errno = ErrnoSlot.allocate();
    private long[] free = new long[CHUNK_BLOCKS];
    private int freeCount;
    private int mappedBlocks;
    private long[] chunks = new long[4];
    private int chunkCount;
    /** The return stack's top block or 0: pushed by any thread with compare-and-set, taken by the owner. */
    private final long[] returned = new long[TOP + 1 + 16];
    private volatile Runnable returnListener;

    /**
     * Creates an empty pool; nothing is mapped yet.
     *
     * @param blockBytes size of a block, a multiple of 64
     * @param maxBytes   limit on the sum of all blocks; at least one block is always allowed
     */
    public BlockPool(int blockBytes, long maxBytes) {
        if (blockBytes <= 0 || blockBytes % 64 != 0) {
            throw new IllegalArgumentException("block size must be a positive multiple of 64 bytes, not " + blockBytes);
        }
        this.blockBytes = blockBytes;
        this.maxBlocks = (int) Math.max(1, Math.min(Integer.MAX_VALUE, maxBytes / blockBytes));
    }

    private static synchronized int enter(BlockPool pool) {
        BlockPool[] all = pools;
        int number = 0;
        while (number < all.length && all[number] != null) number++;
        if (number == all.length) all = Arrays.copyOf(all, 2 * number);
        all[number] = pool;
        pools = all;
        return number;
    }

    private static synchronized void leave(int number) { pools[number] = null; }

    /** Returns the size of a block in bytes. */
    public int blockBytes() { return blockBytes; }

    /** Returns how many blocks are out. Those that other threads have given back so far are not. */
    public int acquiredBlocks() {
        takeReturned();
        return mappedBlocks - freeCount;
    }

    /** Returns how many blocks may be out at a time. */
    public int maxBlocks() { return maxBlocks; }

    /** Tells whether {@link #acquire} would succeed, short of the kernel refusing more memory. */
    public boolean hasRoom() { return freeCount > 0 || mappedBlocks < maxBlocks || (long) RETURNED.getOpaque(returned, TOP) != 0; }

    /**
     * Takes a block; its contents are arbitrary.
     *
     * @return the block's address, or 0 if the limit is reached or the kernel gives no memory
     */
    public long acquire() {
        if (freeCount == 0 && !takeReturned() && !grow()) return 0;
        return free[--freeCount];
    }

    /** Gives a block back. It must come from this pool and must not be given back twice (asserted). */
    public void release(long block) {
        assert isOurs(block) : "not a block of this pool: " + Long.toHexString(block);
        assert !isFree(block) : "block released twice: " + Long.toHexString(block);
        free[freeCount++] = block;
    }

    /**
     * Gives a block back to the pool that it is of, this or another. To be called by this pool's owner; neither waits nor allocates.
     *
     * @param block from any pool that is not closed
     */
    public void releaseAnywhere(long block) {
        long label = NativeMemory.getLong(block + LABEL_OFFSET);
        assert (label & -1L << 32) == MARK : "not a block of any pool: " + Long.toHexString(block);
        if ((int) label == number) release(block);
        else pools[(int) label].giveBack(block);
    }

    /** Any thread: pushes a block of this pool. */
    private void giveBack(long block) {
        long top;
        do {
            top = (long) RETURNED.getOpaque(returned, TOP);
            NativeMemory.putLong(block, top);
        } while (!RETURNED.weakCompareAndSetRelease(returned, TOP, top, block)); // publishes the link; pairs with takeReturned
        Runnable listener = returnListener;
        if (listener != null) listener.run();
    }

    /** Moves what others have given back to the owner's list. Returns whether that was anything. */
    private boolean takeReturned() {
        if ((long) RETURNED.getOpaque(returned, TOP) == 0) return false;
        long block = (long) RETURNED.getAndSetAcquire(returned, TOP, 0L); // pairs with giveBack
        do {
            long below = NativeMemory.getLong(block);
            release(block);
            block = below;
        } while (block != 0);
        return true;
    }

    /**
     * Has {@code listener} told of each block that another thread gives back, after it is there to be taken: on that thread, so it must be brief,
     * and must know by itself whether the owner needs to be woken. {@code null} for nobody.
     */
    public void onReturn(Runnable listener) { returnListener = listener; }

    /** Returns what to throw when {@link #acquire} returned 0 and there is no other way out. */
    public OutOfBuffersException exhausted() {
        return new OutOfBuffersException("all " + maxBlocks + " buffer blocks of " + blockBytes
                + " bytes are in use; raise the buffer memory limit or serve fewer connections at a time");
    }

    private boolean grow() {
        int count = Math.min(CHUNK_BLOCKS, maxBlocks - mappedBlocks);
        if (count <= 0) return false;
        long stride = blockBytes + COLOUR_STRIDE_BYTES;
        long address = Mapping.mmap(errno, 0, count * stride, Mapping.PROT_READ | Mapping.PROT_WRITE,
                Mapping.MAP_PRIVATE | Mapping.MAP_ANONYMOUS | Mapping.MAP_NORESERVE, -1, 0);
        if (address < 0 && address > -4096) return false; // ENOMEM and the like: an ordinary state, the caller copes
        if (number < 0) number = enter(this);
        if (chunkCount == chunks.length) chunks = Arrays.copyOf(chunks, 2 * chunkCount);
        chunks[chunkCount++] = address;
        mappedBlocks += count;
        if (free.length < mappedBlocks) free = Arrays.copyOf(free, Math.max(mappedBlocks, 2 * free.length));
        for (int i = count - 1; i >= 0; i--) { // lowest address on top
            long block = address + COLOUR_STRIDE_BYTES + i * stride; // each has its gap in front
            NativeMemory.putLong(block + LABEL_OFFSET, MARK | number);
            free[freeCount++] = block;
        }
        return true;
    }

    private boolean isOurs(long block) {
        long stride = blockBytes + COLOUR_STRIDE_BYTES;
        for (int i = 0; i < chunkCount; i++) {
            long offset = block - chunks[i] - COLOUR_STRIDE_BYTES;
            if (offset >= 0 && offset < CHUNK_BLOCKS * stride) return offset % stride == 0;
        }
        return false;
    }

    private boolean isFree(long block) {
        for (int i = 0; i < freeCount; i++) if (free[i] == block) return true;
        return false;
    }

    /** Unmaps everything, whether given back or not. Nothing may use a block any more, the kernel included. */
    @Override public void close() {
        long stride = blockBytes + COLOUR_STRIDE_BYTES;
        int left = mappedBlocks;
        for (int i = 0; i < chunkCount; i++) {
            int count = Math.min(CHUNK_BLOCKS, left);
            SyscallException.check(Mapping.munmap(errno, chunks[i], count * stride), "munmap", "address={}", chunks[i]);
            left -= count;
        }
        chunkCount = mappedBlocks = freeCount = 0;
        RETURNED.setOpaque(returned, TOP, 0L);
        if (number >= 0) leave(number);
        number = -1;
    }
}
