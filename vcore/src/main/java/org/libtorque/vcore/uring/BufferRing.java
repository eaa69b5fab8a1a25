package org.libtorque.vcore.uring;

import java.util.Arrays;
import org.libtorque.memory.BlockPool;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.IoUring;
import org.libtorque.sys.Mapping;
import org.libtorque.sys.NativeMemory;
import org.libtorque.sys.SyscallException;

/**
 * Receive buffers that the kernel takes when data has arrived (a provided-buffer ring, 5.19): an idle connection holds none.
 *
 * <p>A buffer is a block of the vcore's pool under a buffer number. States of a number: <em>provided</em> (in the ring, the kernel's)
 * {@code -completion-> } <em>filled</em> (a source's, linked in its list of input) {@code -recycle-> } provided, or {@code -replace->}
 * provided with another block, the old one being kept by the source; <em>vacant</em> (no block). When few are left in the ring while
 * many are filled, vacant numbers get blocks, so slow readers cannot starve the others until the pool itself is empty.
 *
 * <p><em>Owns</em> the ring's mapping and the blocks of provided and filled numbers. <em>Borrows</em> the pool. Owner thread only.
 */
final class BufferRing {
    /** Offset of the ring's tail: it overlays the reserved field of the first entry. */
    private static final int TAIL_OFFSET = 14;
    private static final int ENTRY_BYTES = (int) IoUring.Buf.SIZE;

    private final Ring ring;
    private final BlockPool blocks;
    private final ErrnoSlot errno;
    private final int group;
    private final int entries;
    private final int mask;
    private final int lowWater;
    private final long mapping;
    private final long mappingBytes;
    private final long[] address;
    private final int[] offset;
    private final int[] length;
    private final int[] next;
    private final int[] vacant;
    private int vacantCount;
    private int provided;
    private short tail;

    /**
     * @param entries numbers, a power of two at most 32768
     * @param initial how many get a block at once
     */
    BufferRing(Ring ring, BlockPool blocks, ErrnoSlot errno, int group, int entries, int initial, long scratch) {
        this.ring = ring;
        this.blocks = blocks;
        this.errno = errno;
        this.group = group;
        this.entries = entries;
        this.mask = entries - 1;
        this.lowWater = Math.max(1, initial / 4);
        address = new long[entries];
        offset = new int[entries];
        length = new int[entries];
        next = new int[entries];
        vacant = new int[entries];
        Arrays.setAll(vacant, i -> entries - 1 - i);
        vacantCount = entries;
        mappingBytes = (long) entries * ENTRY_BYTES;
        mapping = Mapping.mmap(errno, 0, mappingBytes, Mapping.PROT_READ | Mapping.PROT_WRITE,
                Mapping.MAP_PRIVATE | Mapping.MAP_ANONYMOUS, -1, 0);
        if (mapping < 0) throw new SyscallException("mmap", "buffer ring, " + mappingBytes + " bytes", (int) -mapping);
        NativeMemory.fill(scratch, IoUring.BufReg.SIZE, (byte) 0);
        NativeMemory.putLong(scratch + IoUring.BufReg.RING_ADDR, mapping);
        NativeMemory.putInt(scratch + IoUring.BufReg.RING_ENTRIES, entries);
        NativeMemory.putShort(scratch + IoUring.BufReg.BGID, (short) group);
        int result = ring.register(IoUring.IORING_REGISTER_PBUF_RING, scratch, 1);
        if (result < 0) {
            Mapping.munmap(errno, mapping, mappingBytes);
            throw new SyscallException("io_uring_register", "PBUF_RING, entries=" + entries, -result);
        }
        for (int i = 0; i < initial; i++) provideVacant();
        publish();
    }

    int group() { return group; }

    /** Tells whether the kernel has a buffer to receive into. */
    boolean hasProvided() { return provided > 0; }

    /** Notes that the kernel has filled a buffer. */
    void filled(int bid, int bytes) {
        provided--;
        offset[bid] = 0;
        length[bid] = bytes;
        next[bid] = -1;
    }

    long dataAddress(int bid) { return address[bid] + offset[bid]; }

    int dataLength(int bid) { return length[bid]; }

    int next(int bid) { return next[bid]; }

    void link(int bid, int after) { next[bid] = after; }

    /** Takes {@code bytes} from the front of a filled buffer. */
    void take(int bid, int bytes) {
        offset[bid] += bytes;
        length[bid] -= bytes;
    }

    /** Gives a filled buffer back to the kernel; visible to it after {@link #publish}. */
    void recycle(int bid) { provide(bid); }

    /** Lets go of a filled buffer's block, which becomes the caller's, and gives the kernel another. */
    long replace(int bid) {
        long block = address[bid];
        vacant[vacantCount++] = bid;
        provideVacant();
        return block;
    }

    /** Provides more if few are left. Returns whether the kernel has any. */
    boolean replenish() {
        if (provided < lowWater) {
            while (provided < 2 * lowWater && provideVacant()) { }
            publish();
        }
        return provided > 0;
    }

    private boolean provideVacant() {
        if (vacantCount == 0) return false;
        long block = blocks.acquire();
        if (block == 0) return false;
        int bid = vacant[--vacantCount];
        address[bid] = block;
        provide(bid);
        return true;
    }

    private void provide(int bid) {
        long entry = mapping + (long) (tail & mask) * ENTRY_BYTES;
        NativeMemory.putLong(entry + IoUring.Buf.ADDR, address[bid]);
        NativeMemory.putInt(entry + IoUring.Buf.LEN, blocks.blockBytes());
        NativeMemory.putShort(entry + IoUring.Buf.BID, (short) bid);
        tail++;
        provided++;
    }

    /** Makes what has been provided visible to the kernel: a release store, whose partner is its acquire load of the tail. */
    void publish() { NativeMemory.putShortRelease(mapping + TAIL_OFFSET, tail); }

    /** Unmaps the ring and releases every block. The kernel must have no receive in flight any more. */
    void close() {
        boolean[] isVacant = new boolean[entries];
        for (int i = 0; i < vacantCount; i++) isVacant[vacant[i]] = true;
        for (int bid = 0; bid < entries; bid++) if (!isVacant[bid]) blocks.release(address[bid]);
        Mapping.munmap(errno, mapping, mappingBytes);
    }
}
