package org.libtorque.memory;

import java.util.Arrays;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Mapping;
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
 * <p><em>Owns</em> its mappings. One thread at a time, except {@link #close}, which comes after all use.
 */
public final class BlockPool implements AutoCloseable {
    /** Bytes by which the start of each block is shifted against the one before it: an odd number of cache lines. */
    static final int COLOUR_STRIDE_BYTES = 5 * 64;

    private static final int CHUNK_BLOCKS = 32;

    private final int blockBytes;
    private final int maxBlocks;
    private final ErrnoSlot errno = ErrnoSlot.allocate();
    private long[] free = new long[CHUNK_BLOCKS];
    private int freeCount;
    private int mappedBlocks;
    private long[] chunks = new long[4];
    private int chunkCount;

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

    /** Returns the size of a block in bytes. */
    public int blockBytes() { return blockBytes; }

    /** Returns how many blocks are out. */
    public int acquiredBlocks() { return mappedBlocks - freeCount; }

    /** Returns how many blocks may be out at a time. */
    public int maxBlocks() { return maxBlocks; }

    /** Tells whether {@link #acquire} would succeed, short of the kernel refusing more memory. */
    public boolean hasRoom() { return freeCount > 0 || mappedBlocks < maxBlocks; }

    /**
     * Takes a block; its contents are arbitrary.
     *
     * @return the block's address, or 0 if the limit is reached or the kernel gives no memory
     */
    public long acquire() {
        if (freeCount == 0 && !grow()) return 0;
        return free[--freeCount];
    }

    /** Gives a block back. It must come from this pool and must not be given back twice (asserted). */
    public void release(long block) {
        assert isOurs(block) : "not a block of this pool: " + Long.toHexString(block);
        assert !isFree(block) : "block released twice: " + Long.toHexString(block);
        free[freeCount++] = block;
    }

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
        if (chunkCount == chunks.length) chunks = Arrays.copyOf(chunks, 2 * chunkCount);
        chunks[chunkCount++] = address;
        mappedBlocks += count;
        if (free.length < mappedBlocks) free = Arrays.copyOf(free, Math.max(mappedBlocks, 2 * free.length));
        for (int i = count - 1; i >= 0; i--) free[freeCount++] = address + i * stride; // lowest address on top
        return true;
    }

    private boolean isOurs(long block) {
        long stride = blockBytes + COLOUR_STRIDE_BYTES;
        for (int i = 0; i < chunkCount; i++) {
            long offset = block - chunks[i];
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
    }
}
