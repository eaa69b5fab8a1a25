package org.libtorque.vcore.uring;

import static org.libtorque.sys.NativeMemory.getByte;
import static org.libtorque.sys.NativeMemory.getShort;
import static org.libtorque.sys.NativeMemory.putInt;
import static org.libtorque.sys.NativeMemory.putLong;
import static org.libtorque.sys.NativeMemory.putShort;

import java.util.Arrays;
import org.libtorque.sys.IoUring;
import org.libtorque.sys.IoUring.Sqe;
import org.libtorque.sys.NativeMemory;
import org.libtorque.sys.Sockets;
import org.libtorque.vcore.FileCall;
import org.libtorque.vcore.FileCall.Kind;

/**
 * The calls on files that one ring has in flight, by slot and generation as {@link org.libtorque.vcore.SourceTable} has sources; what its kernel can do of them; and the memory
 * that is registered with it. The owner's.
 *
 * <p>A slot is given up when its call has completed, so memory that the kernel may still write is never forgotten.
 */
final class FileCalls {
    /** Pieces of memory that can be registered at a time. */
    static final int MAX_BUFFERS = 64;
    private static final int PROBED_OPERATIONS = 128;

    private final Ring ring;
    private final long scratch;
    private final boolean[] supported = new boolean[Kind.values().length];
    private FileCall[] calls = new FileCall[64];
    private int[] generations = new int[64];
    private int[] free = new int[64];
    private int freeCount;
    private int used;
    private int count;
    /** Bits of the registered pieces of memory. */
    private long registered;
    private boolean hasTable;
    private boolean refused;

    /** @param scratch 2 KiB that stay ours until the ring is closed */
    FileCalls(Ring ring, long scratch) {
        this.ring = ring;
        this.scratch = scratch;
        probe();
    }

    private void probe() {
        NativeMemory.fill(scratch, IoUring.Probe.OPS + PROBED_OPERATIONS * IoUring.ProbeOp.SIZE, (byte) 0);
        if (ring.register(IoUring.IORING_REGISTER_PROBE, scratch, PROBED_OPERATIONS) < 0) return; // then all go the other way
        int known = Byte.toUnsignedInt(getByte(scratch + IoUring.Probe.OPS_LEN));
        for (Kind kind : Kind.values()) {
            int op = operation(kind);
            if (op < 0 || op >= known) continue;
            long entry = scratch + IoUring.Probe.OPS + op * IoUring.ProbeOp.SIZE;
            supported[kind.ordinal()] = (getShort(entry + IoUring.ProbeOp.FLAGS) & IoUring.IO_URING_OP_SUPPORTED) != 0;
        }
    }

    private static int operation(Kind kind) {
        return switch (kind) {
            case OPEN -> IoUring.IORING_OP_OPENAT2;
            case CLOSE -> IoUring.IORING_OP_CLOSE;
            case READ -> IoUring.IORING_OP_READ;
            case WRITE -> IoUring.IORING_OP_WRITE;
            case READ_FIXED -> IoUring.IORING_OP_READ_FIXED;
            case WRITE_FIXED -> IoUring.IORING_OP_WRITE_FIXED;
            case READV -> IoUring.IORING_OP_READV;
            case WRITEV -> IoUring.IORING_OP_WRITEV;
            case SYNC, DATA_SYNC -> IoUring.IORING_OP_FSYNC;
            case TRUNCATE -> IoUring.IORING_OP_FTRUNCATE;
            case STATUS -> IoUring.IORING_OP_STATX;
            case RENAME -> IoUring.IORING_OP_RENAMEAT;
            case UNLINK -> IoUring.IORING_OP_UNLINKAT;
            case MAKE_DIRECTORY -> IoUring.IORING_OP_MKDIRAT;
            case LIST -> -1; // io_uring has no getdents
        };
    }

    boolean takes(Kind kind) { return supported[kind.ordinal()]; }

    int count() { return count; }

    /** Returns the generation of a call in flight, 24 bits. */
    int generation(FileCall call) { return generations[call.slot()]; }

    FileCall get(int slot, int generation) { return calls[slot] != null && generations[slot] == generation ? calls[slot] : null; }

    void add(FileCall call) {
        int slot;
        if (freeCount > 0) {
            slot = free[--freeCount];
        } else {
            slot = used++;
            if (slot == calls.length) {
                calls = Arrays.copyOf(calls, 2 * slot);
                generations = Arrays.copyOf(generations, 2 * slot);
                free = Arrays.copyOf(free, 2 * slot);
            }
        }
        calls[slot] = call;
        call.slot(slot);
        count++;
    }

    void remove(FileCall call) {
        int slot = call.slot();
        call.slot(-1);
        calls[slot] = null;
        generations[slot] = (generations[slot] + 1) & 0xFF_FFFF;
        free[freeCount++] = slot;
        count--;
    }

    /** Fills a submission entry, which has its operation's user data already. */
    void fill(long sqe, FileCall call) {
        Kind kind = call.kind();
        NativeMemory.putByte(sqe + Sqe.OPCODE, (byte) operation(kind));
        putInt(sqe + Sqe.FD, call.fd());
        putLong(sqe + Sqe.ADDR, call.address());
        putInt(sqe + Sqe.LEN, call.length());
        putInt(sqe + Sqe.OP_FLAGS, call.flags());
        switch (kind) {
            case READ, WRITE, READV, WRITEV -> putLong(sqe + Sqe.OFF, call.offset());
            case READ_FIXED, WRITE_FIXED -> {
                putLong(sqe + Sqe.OFF, call.offset());
                if (isRegistered(call.buffer())) putShort(sqe + Sqe.BUF_INDEX, (short) call.buffer());
                else NativeMemory.putByte(sqe + Sqe.OPCODE, (byte) operation(kind == Kind.READ_FIXED ? Kind.READ : Kind.WRITE));
            }
            case OPEN -> {
                putLong(sqe + Sqe.OFF, call.address2());
                putInt(sqe + Sqe.LEN, (int) org.libtorque.sys.Files.OpenHow.SIZE);
            }
            case DATA_SYNC -> putInt(sqe + Sqe.OP_FLAGS, IoUring.IORING_FSYNC_DATASYNC);
            case TRUNCATE -> putLong(sqe + Sqe.OFF, call.offset());
            case STATUS -> putLong(sqe + Sqe.OFF, call.address2());
            case RENAME -> {
                putInt(sqe + Sqe.LEN, call.fd2());
                putLong(sqe + Sqe.OFF, call.address2());
            }
            // The last close of a file that has been removed gives its blocks back; inline that would be this vcore's work.
            case CLOSE -> NativeMemory.putByte(sqe + Sqe.FLAGS, (byte) IoUring.IOSQE_ASYNC);
            case SYNC, UNLINK, MAKE_DIRECTORY -> { }
            case LIST -> throw new IllegalArgumentException(kind.toString());
        }
    }

    // ---- registered memory

    private boolean isRegistered(int number) { return number >= 0 && (registered & 1L << number) != 0; }

    /** Registers memory, unless it is; a ring that may not lock memory goes on without. */
    void register(int number, long address, long lengthBytes) {
        if (isRegistered(number) || refused) return;
        if (!hasTable) {
            NativeMemory.fill(scratch, IoUring.RsrcRegister.SIZE, (byte) 0);
            putInt(scratch + IoUring.RsrcRegister.NR, MAX_BUFFERS);
            putInt(scratch + IoUring.RsrcRegister.FLAGS, IoUring.IORING_RSRC_REGISTER_SPARSE);
            refused = ring.register(IoUring.IORING_REGISTER_BUFFERS2, scratch, (int) IoUring.RsrcRegister.SIZE) < 0;
            if (refused) return;
            hasTable = true;
        }
        if (update(number, address, lengthBytes) == 1) registered |= 1L << number;
    }

    void unregister(int number) {
        if (!isRegistered(number)) return;
        update(number, 0, 0);
        registered &= ~(1L << number);
    }

    private int update(int number, long address, long lengthBytes) {
        long iovec = scratch + IoUring.RsrcUpdate2.SIZE;
        Sockets.Iovec.put(iovec, address, lengthBytes);
        NativeMemory.fill(scratch, IoUring.RsrcUpdate2.SIZE, (byte) 0);
        putInt(scratch + IoUring.RsrcUpdate2.OFFSET, number);
        putLong(scratch + IoUring.RsrcUpdate2.DATA, iovec);
        putInt(scratch + IoUring.RsrcUpdate2.NR, 1);
        return ring.register(IoUring.IORING_REGISTER_BUFFERS_UPDATE, scratch, (int) IoUring.RsrcUpdate2.SIZE);
    }
}
