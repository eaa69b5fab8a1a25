package org.libtorque.vcore.uring;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
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
 * <p>Who takes a filled buffer may be another vcore's thread: it may look at it, take from it, and give it back, with its block or without ({@link
 * #giveBack}, {@link #giveBackVacant}). What is given back so lies on a stack, pushed with compare-and-set and linked as the input was, until the
 * owner takes it as a whole ({@link #takeReturned}). What is known of a buffer, in arrays by number, belongs to whoever has the buffer, and goes
 * with it: by the source's input to the runner, by the stack back to the owner.
 *
 * <p>A buffer's <em>name</em> is its number in the lower {@value #NUMBER_BITS} bits and the queue's in the upper.
 *
 * <p><em>Owns</em> the ring's mapping and the blocks of provided and filled numbers. <em>Borrows</em> the pool. Owner thread only, except where
 * it says otherwise.
 */
final class BufferRing {
    /** Offset of the ring's tail: it overlays the reserved field of the first entry. */
    private static final int TAIL_OFFSET = 14;
    private static final int ENTRY_BYTES = (int) IoUring.Buf.SIZE;
    static final int NUMBER_BITS = 16;
    static final int NUMBER_MASK = (1 << NUMBER_BITS) - 1;
    private static final int NONE = -1;

    private static final VarHandle RETURNED = MethodHandles.arrayElementVarHandle(int[].class);
    /** Where in the array the stack's top is, so that others who write it do not disturb the owner's fields. */
    private static final int TOP = 32;

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
    private final int[] link;
    /** The stack's top, a number or NONE. Any thread pushes, the owner takes. */
    private final int[] returned = new int[TOP + 1 + 32];
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
        link = new int[entries];
        returned[TOP] = NONE;
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
    }

    /** Whoever has the buffer: returns where its data begins. */
    long dataAddress(int name) {
        int bid = name & NUMBER_MASK;
        return address[bid] + offset[bid];
    }

    /** Whoever has the buffer: returns how much data is in it. */
    int dataLength(int name) { return length[name & NUMBER_MASK]; }

    /** Returns what is linked to each buffer, by number; an element belongs to whoever has the buffer. */
    int[] links() { return link; }

    /** Whoever has the buffer: takes {@code bytes} from its front. */
    void take(int name, int bytes) {
        int bid = name & NUMBER_MASK;
        offset[bid] += bytes;
        length[bid] -= bytes;
    }

    /** Any thread that has a filled buffer: gives it back to the owner. */
    void giveBack(int name) {
        int bid = name & NUMBER_MASK;
        int top;
        do {
            top = (int) RETURNED.getOpaque(returned, TOP);
            link[bid] = top;
        } while (!RETURNED.weakCompareAndSetRelease(returned, TOP, top, bid)); // publishes the link and the address; pairs with takeReturned
    }

    /** Any thread that has a filled buffer: gives it back without its block, which becomes the caller's. */
    long giveBackVacant(int name) {
        int bid = name & NUMBER_MASK;
        long block = address[bid];
        address[bid] = 0;
        giveBack(name);
        return block;
    }

    /** Tells whether others have given something back. Owner, or for a guess any thread. */
    boolean hasReturned() { return (int) RETURNED.getOpaque(returned, TOP) != NONE; }

    /** Provides what others have given back; visible to the kernel after {@link #publish}. Returns whether that was anything. */
    boolean takeReturned() {
        if (!hasReturned()) return false;
        int bid = (int) RETURNED.getAndSetAcquire(returned, TOP, NONE); // pairs with giveBack
        do {
            int below = link[bid];
            if (address[bid] != 0) {
                provide(bid);
            } else {
                vacant[vacantCount++] = bid;
                provideVacant();
            }
            bid = below;
        } while (bid != NONE);
        return true;
    }

    /** Gives a filled buffer back to the kernel; visible to it after {@link #publish}. */
    void recycle(int name) { provide(name & NUMBER_MASK); }

    /** Lets go of a filled buffer's block, which becomes the caller's, and gives the kernel another. */
    long replace(int name) {
        int bid = name & NUMBER_MASK;
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
        takeReturned();
        boolean[] isVacant = new boolean[entries];
        for (int i = 0; i < vacantCount; i++) isVacant[vacant[i]] = true;
        for (int bid = 0; bid < entries; bid++) if (!isVacant[bid]) blocks.release(address[bid]);
        Mapping.munmap(errno, mapping, mappingBytes);
    }
}
