package org.libtorque.sys;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import org.junit.jupiter.api.Test;

class IoUringKernelTest {
    private final ErrnoSlot errno = ErrnoSlot.allocate();

    @Test
    void aNopTravelsThroughTheRings() {
        try (Arena arena = Arena.ofConfined()) {
            long params = arena.allocate(IoUring.Params.SIZE, 8).address();
            int fd = SyscallException.check(IoUring.setup(errno, 4, params), "io_uring_setup", "entries={}", 4);
            long sq = params + IoUring.Params.SQ_OFF;
            long cq = params + IoUring.Params.CQ_OFF;
            int entries = NativeMemory.getInt(params + IoUring.Params.SQ_ENTRIES);
            long cqBytes = NativeMemory.getInt(cq + IoUring.CqOffsets.CQES)
                    + NativeMemory.getInt(params + IoUring.Params.CQ_ENTRIES) * IoUring.Cqe.SIZE;
            long sqBytes = NativeMemory.getInt(sq + IoUring.SqOffsets.ARRAY) + entries * 4L;
            long bytes = Math.max(cqBytes, sqBytes);
            int prot = Mapping.PROT_READ | Mapping.PROT_WRITE;
            int flags = Mapping.MAP_SHARED | Mapping.MAP_POPULATE;
            long ring = SyscallException.check(Mapping.mmap(errno, 0, bytes, prot, flags, fd, IoUring.IORING_OFF_SQ_RING), "mmap", "ring");
            long sqes = SyscallException.check(Mapping.mmap(errno, 0, entries * IoUring.Sqe.SIZE, prot, flags, fd, IoUring.IORING_OFF_SQES), "mmap", "sqes");

            NativeMemory.fill(sqes, IoUring.Sqe.SIZE, (byte) 0);
            NativeMemory.putByte(sqes + IoUring.Sqe.OPCODE, (byte) IoUring.IORING_OP_NOP);
            NativeMemory.putLong(sqes + IoUring.Sqe.USER_DATA, 0x1122334455667788L);
            NativeMemory.putInt(ring + NativeMemory.getInt(sq + IoUring.SqOffsets.ARRAY), 0);
            NativeMemory.putIntRelease(ring + NativeMemory.getInt(sq + IoUring.SqOffsets.TAIL), 1);
            assertEquals(1, IoUring.enter(errno, fd, 1, 1, IoUring.IORING_ENTER_GETEVENTS));

            assertEquals(1, NativeMemory.getIntAcquire(ring + NativeMemory.getInt(cq + IoUring.CqOffsets.TAIL)));
            long cqe = ring + NativeMemory.getInt(cq + IoUring.CqOffsets.CQES);
            assertEquals(0x1122334455667788L, NativeMemory.getLong(cqe + IoUring.Cqe.USER_DATA));
            assertEquals(0, NativeMemory.getInt(cqe + IoUring.Cqe.RES));

            assertEquals(0, Mapping.munmap(errno, sqes, entries * IoUring.Sqe.SIZE));
            assertEquals(0, Mapping.munmap(errno, ring, bytes));
            assertEquals(0, Files.close(errno, fd));
        }
    }
}
