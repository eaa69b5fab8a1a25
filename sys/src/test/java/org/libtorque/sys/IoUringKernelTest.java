package org.libtorque.sys;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The raw rings, driven by hand: a kernel that agrees on every offset used here agrees on the structs. */
class IoUringKernelTest extends KernelFixture {
    private static final int ENTRIES = 8;
    private final long params = memory(IoUring.Params.SIZE);
    private int ring;
    private long sqRing;
    private long cqRing;
    private long sqes;
    private long ringBytes;

    @BeforeEach
    void probe() {
        int fd = IoUring.setup(errno, 1, memory(IoUring.Params.SIZE));
        assumeTrue(fd != -Errno.ENOSYS, "this kernel has no io_uring");
        assumeTrue(fd != -Errno.EPERM, "io_uring is forbidden here (kernel.io_uring_disabled or seccomp)");
        close(fd(fd));
    }

    @Test
    void aNopTravelsThroughTheRings() {
        open(0);
        long sqe = sqe(IoUring.IORING_OP_NOP, 0x1122334455667788L);
        assertEquals(sqes, sqe);
        assertEquals(1, submitAndWait(1));
        long cqe = cqe(0x1122334455667788L);
        assertEquals(0, NativeMemory.getInt(cqe + IoUring.Cqe.RES));
        assertEquals(0, NativeMemory.getInt(cqe + IoUring.Cqe.FLAGS));
    }

    @Test
    void aRingWithoutAnIndexArrayTakesEntriesInOrder() {
        open(IoUring.IORING_SETUP_NO_SQARRAY | IoUring.IORING_SETUP_SINGLE_ISSUER | IoUring.IORING_SETUP_DEFER_TASKRUN);
        for (int i = 0; i < 3; i++) sqe(IoUring.IORING_OP_NOP, i);
        assertEquals(3, submitAndWait(3));
        for (int i = 0; i < 3; i++) cqe(i);
    }

    @Test
    void theKernelSaysWhatItSupports() {
        open(0);
        int features = NativeMemory.getInt(params + IoUring.Params.FEATURES);
        int expected = IoUring.IORING_FEAT_SINGLE_MMAP | IoUring.IORING_FEAT_NODROP | IoUring.IORING_FEAT_EXT_ARG;
        assertEquals(expected, features & expected);
        long probe = memory(IoUring.Probe.SIZE + 256 * IoUring.ProbeOp.SIZE);
        ok(IoUring.register(errno, ring, IoUring.IORING_REGISTER_PROBE, probe, 256));
        int last = NativeMemory.getByte(probe + IoUring.Probe.LAST_OP);
        assertTrue(last >= IoUring.IORING_OP_SEND_ZC, "last operation " + last);
        for (int op = 0; op <= IoUring.IORING_OP_SEND_ZC; op++) {
            long entry = probe + IoUring.Probe.OPS + op * IoUring.ProbeOp.SIZE;
            assertEquals(op, NativeMemory.getByte(entry + IoUring.ProbeOp.OP));
        }
        long recv = probe + IoUring.Probe.OPS + IoUring.IORING_OP_RECV * IoUring.ProbeOp.SIZE;
        assertEquals(IoUring.IO_URING_OP_SUPPORTED, NativeMemory.getShort(recv + IoUring.ProbeOp.FLAGS));
    }

    @Test
    void aWaitWithATimeoutEnds() {
        open(0);
        long timespec = memory(IoUring.Timespec.SIZE);
        IoUring.Timespec.put(timespec, 3_000_000);
        long argument = memory(IoUring.GeteventsArg.SIZE);
        NativeMemory.putLong(argument + IoUring.GeteventsArg.TS, timespec);
        long start = System.nanoTime();
        fails(Errno.ETIME, IoUring.enter(errno, ring, 0, 1, IoUring.IORING_ENTER_GETEVENTS | IoUring.IORING_ENTER_EXT_ARG,
                argument, IoUring.GeteventsArg.SIZE));
        assertTrue(System.nanoTime() - start >= 3_000_000);
    }

    @Test
    void aTimeoutCompletesWithEtime() {
        open(0);
        long timespec = memory(IoUring.Timespec.SIZE);
        IoUring.Timespec.put(timespec, 1_000_000);
        long sqe = sqe(IoUring.IORING_OP_TIMEOUT, 5);
        NativeMemory.putLong(sqe + IoUring.Sqe.ADDR, timespec);
        NativeMemory.putInt(sqe + IoUring.Sqe.LEN, 1);
        submitAndWait(1);
        assertEquals(-Errno.ETIME, NativeMemory.getInt(cqe(5) + IoUring.Cqe.RES));
    }

    @Test
    void readsAndWritesGoWhereTheirEntriesSay() {
        open(0);
        int file = fd(Files.memfdCreate(errno, memory("file"), 0));
        long data = memory(64);
        NativeMemory.putLong(data, 0x0102030405060708L);
        long write = sqe(IoUring.IORING_OP_WRITE, 1);
        NativeMemory.putInt(write + IoUring.Sqe.FD, file);
        NativeMemory.putLong(write + IoUring.Sqe.ADDR, data);
        NativeMemory.putInt(write + IoUring.Sqe.LEN, 8);
        NativeMemory.putLong(write + IoUring.Sqe.OFF, 100);
        submitAndWait(1);
        assertEquals(8, NativeMemory.getInt(cqe(1) + IoUring.Cqe.RES));
        assertEquals(8, Files.pread(errno, file, data + 16, 8, 100));
        assertEquals(0x0102030405060708L, NativeMemory.getLong(data + 16));
    }

    @Test
    void aMultishotPollReportsEveryWrite() {
        open(0);
        int counter = fd(EventFd.create(errno, 0, EventFd.EFD_NONBLOCK));
        long poll = sqe(IoUring.IORING_OP_POLL_ADD, 9);
        NativeMemory.putInt(poll + IoUring.Sqe.FD, counter);
        NativeMemory.putInt(poll + IoUring.Sqe.OP_FLAGS, Poll.POLLIN);
        NativeMemory.putInt(poll + IoUring.Sqe.LEN, IoUring.IORING_POLL_ADD_MULTI);
        assertEquals(1, IoUring.enter(errno, ring, 1, 0, 0));
        for (int i = 0; i < 2; i++) {
            ok(EventFd.write(errno, counter, 1));
            assertEquals(0, IoUring.enter(errno, ring, 0, 1, IoUring.IORING_ENTER_GETEVENTS));
            long cqe = cqe(9);
            assertEquals(Poll.POLLIN, NativeMemory.getInt(cqe + IoUring.Cqe.RES));
            assertEquals(IoUring.IORING_CQE_F_MORE, NativeMemory.getInt(cqe + IoUring.Cqe.FLAGS));
            assertEquals(1, EventFd.read(errno, counter));
        }
        long cancel = sqe(IoUring.IORING_OP_ASYNC_CANCEL, 10);
        NativeMemory.putLong(cancel + IoUring.Sqe.ADDR, 9);
        assertEquals(1, submitAndWait(2));
        // The request may complete before or after the one that cancels it.
        int first = NativeMemory.getInt(cqe(-1) + IoUring.Cqe.RES);
        int second = NativeMemory.getInt(cqe(-1) + IoUring.Cqe.RES);
        assertEquals(-Errno.ECANCELED, Math.min(first, second));
        assertEquals(0, Math.max(first, second));
    }

    @Test
    void receivedDataLandsInProvidedBuffers() {
        open(0);
        long pair = memory(8);
        ok(Sockets.socketpair(errno, Sockets.AF_UNIX, Sockets.SOCK_STREAM, 0, pair));
        int near = fd(NativeMemory.getInt(pair));
        int far = fd(NativeMemory.getInt(pair + 4));
        long buffers = arena.allocate(4096, 4096).address();
        long reg = memory(IoUring.BufReg.SIZE);
        NativeMemory.putLong(reg + IoUring.BufReg.RING_ADDR, buffers);
        NativeMemory.putInt(reg + IoUring.BufReg.RING_ENTRIES, 4);
        NativeMemory.putShort(reg + IoUring.BufReg.BGID, (short) 3);
        ok(IoUring.register(errno, ring, IoUring.IORING_REGISTER_PBUF_RING, reg, 1));
        long data = memory(4 * 64);
        for (int i = 0; i < 4; i++) {
            long buf = buffers + i * IoUring.Buf.SIZE;
            NativeMemory.putLong(buf + IoUring.Buf.ADDR, data + 64L * i);
            NativeMemory.putInt(buf + IoUring.Buf.LEN, 64);
            NativeMemory.putShort(buf + IoUring.Buf.BID, (short) (10 + i));
        }
        NativeMemory.putShortRelease(buffers + IoUring.Buf.RING_TAIL, (short) 4);

        long recv = sqe(IoUring.IORING_OP_RECV, 7);
        NativeMemory.putByte(recv + IoUring.Sqe.FLAGS, (byte) IoUring.IOSQE_BUFFER_SELECT);
        NativeMemory.putShort(recv + IoUring.Sqe.IOPRIO, (short) IoUring.IORING_RECV_MULTISHOT);
        NativeMemory.putInt(recv + IoUring.Sqe.FD, near);
        NativeMemory.putShort(recv + IoUring.Sqe.BUF_INDEX, (short) 3);
        assertEquals(1, IoUring.enter(errno, ring, 1, 0, 0));
        long text = memory("hello");
        for (int i = 0; i < 2; i++) {
            assertEquals(5, Sockets.send(errno, far, text, 5, 0));
            ok(IoUring.enter(errno, ring, 0, 1, IoUring.IORING_ENTER_GETEVENTS));
            long cqe = cqe(7);
            assertEquals(5, NativeMemory.getInt(cqe + IoUring.Cqe.RES));
            int flags = NativeMemory.getInt(cqe + IoUring.Cqe.FLAGS);
            assertEquals(IoUring.IORING_CQE_F_BUFFER | IoUring.IORING_CQE_F_MORE,
                    flags & (IoUring.IORING_CQE_F_BUFFER | IoUring.IORING_CQE_F_MORE));
            assertEquals(10 + i, flags >>> IoUring.IORING_CQE_BUFFER_SHIFT);
            assertEquals("hello", CStrings.get(data + 64L * i, 5));
        }
    }

    @Test
    void registeredFilesAreNamedByTheirIndex() {
        open(0);
        long files = memory(IoUring.RsrcRegister.SIZE);
        NativeMemory.putInt(files + IoUring.RsrcRegister.NR, 4);
        NativeMemory.putInt(files + IoUring.RsrcRegister.FLAGS, IoUring.IORING_RSRC_REGISTER_SPARSE);
        ok(IoUring.register(errno, ring, IoUring.IORING_REGISTER_FILES2, files, (int) IoUring.RsrcRegister.SIZE));
        int counter = fd(EventFd.create(errno, 77, 0));
        long fds = memory(4);
        NativeMemory.putInt(fds, counter);
        long update = memory(IoUring.FilesUpdate.SIZE);
        NativeMemory.putInt(update + IoUring.FilesUpdate.OFFSET, 2);
        NativeMemory.putLong(update + IoUring.FilesUpdate.FDS, fds);
        assertEquals(1, IoUring.register(errno, ring, IoUring.IORING_REGISTER_FILES_UPDATE, update, 1));
        long value = memory(8);
        long read = sqe(IoUring.IORING_OP_READ, 1);
        NativeMemory.putByte(read + IoUring.Sqe.FLAGS, (byte) IoUring.IOSQE_FIXED_FILE);
        NativeMemory.putInt(read + IoUring.Sqe.FD, 2);
        NativeMemory.putLong(read + IoUring.Sqe.ADDR, value);
        NativeMemory.putInt(read + IoUring.Sqe.LEN, 8);
        submitAndWait(1);
        assertEquals(8, NativeMemory.getInt(cqe(1) + IoUring.Cqe.RES));
        assertEquals(77, NativeMemory.getLong(value));
    }

    @Test
    void aRegisteredRingIsEnteredByItsIndex() {
        open(0);
        long update = memory(IoUring.RsrcUpdate.SIZE);
        NativeMemory.putInt(update + IoUring.RsrcUpdate.OFFSET, -1);
        NativeMemory.putLong(update + IoUring.RsrcUpdate.DATA, ring);
        assertEquals(1, IoUring.register(errno, ring, IoUring.IORING_REGISTER_RING_FDS, update, 1));
        int index = NativeMemory.getInt(update + IoUring.RsrcUpdate.OFFSET);
        sqe(IoUring.IORING_OP_NOP, 3);
        assertEquals(1, IoUring.enter(errno, index, 1, 1,
                IoUring.IORING_ENTER_GETEVENTS | IoUring.IORING_ENTER_REGISTERED_RING));
        cqe(3);
        NativeMemory.putLong(update + IoUring.RsrcUpdate.DATA, 0);
        assertEquals(1, IoUring.register(errno, ring, IoUring.IORING_UNREGISTER_RING_FDS, update, 1));
    }

    @Test
    void failuresAreNegatedErrnos() {
        open(0);
        fails(Errno.EBADF, IoUring.enter(errno, -1, 0, 0, 0));
        fails(Errno.EOPNOTSUPP, IoUring.enter(errno, fd(EventFd.create(errno, 0, 0)), 0, 0, 0));
        fails(Errno.EINVAL, IoUring.setup(errno, 0, memory(IoUring.Params.SIZE)));
        fails(Errno.EFAULT, IoUring.setup(errno, 1, 0));
        fails(Errno.EINVAL, IoUring.register(errno, ring, 9999, 0, 0));
        fails(Errno.ENXIO, IoUring.register(errno, ring, IoUring.IORING_UNREGISTER_FILES, 0, 0));
    }

    private void open(int flags) {
        NativeMemory.putInt(params + IoUring.Params.FLAGS, flags);
        ring = fd(IoUring.setup(errno, ENTRIES, params));
        long cqes = NativeMemory.getInt(params + IoUring.Params.CQ_OFF + IoUring.CqOffsets.CQES);
        long bytes = cqes + NativeMemory.getInt(params + IoUring.Params.CQ_ENTRIES) * IoUring.Cqe.SIZE;
        if ((flags & IoUring.IORING_SETUP_NO_SQARRAY) == 0) {
            bytes = Math.max(bytes, sqOffset(IoUring.SqOffsets.ARRAY) + 4L * ENTRIES);
        }
        ringBytes = bytes;
        int prot = Mapping.PROT_READ | Mapping.PROT_WRITE;
        int map = Mapping.MAP_SHARED | Mapping.MAP_POPULATE;
        sqRing = cqRing = ok(Mapping.mmap(errno, 0, bytes, prot, map, ring, IoUring.IORING_OFF_SQ_RING));
        sqes = ok(Mapping.mmap(errno, 0, ENTRIES * IoUring.Sqe.SIZE, prot, map, ring, IoUring.IORING_OFF_SQES));
        assertEquals(ENTRIES, NativeMemory.getInt(sqRing + sqOffset(IoUring.SqOffsets.RING_ENTRIES)));
        assertEquals(ENTRIES - 1, NativeMemory.getInt(sqRing + sqOffset(IoUring.SqOffsets.RING_MASK)));
        assertEquals(2 * ENTRIES - 1, NativeMemory.getInt(cqRing + cqOffset(IoUring.CqOffsets.RING_MASK)));
        if ((flags & IoUring.IORING_SETUP_NO_SQARRAY) == 0) {
            long array = sqRing + sqOffset(IoUring.SqOffsets.ARRAY);
            for (int i = 0; i < ENTRIES; i++) NativeMemory.putInt(array + 4L * i, i);
        }
    }

    @AfterEach
    void unmap() {
        if (sqRing == 0) return;
        ok(Mapping.munmap(errno, sqRing, ringBytes));
        ok(Mapping.munmap(errno, sqes, ENTRIES * IoUring.Sqe.SIZE));
    }

    /** Queues an entry; the kernel sees it at the next enter. */
    private long sqe(int opcode, long userData) {
        long tail = sqRing + sqOffset(IoUring.SqOffsets.TAIL);
        int at = NativeMemory.getInt(tail);
        long sqe = sqes + (at & ENTRIES - 1) * IoUring.Sqe.SIZE;
        NativeMemory.fill(sqe, IoUring.Sqe.SIZE, (byte) 0);
        NativeMemory.putByte(sqe + IoUring.Sqe.OPCODE, (byte) opcode);
        NativeMemory.putLong(sqe + IoUring.Sqe.USER_DATA, userData);
        NativeMemory.putIntRelease(tail, at + 1);
        return sqe;
    }

    private int submitAndWait(int completions) {
        int entries = NativeMemory.getInt(sqRing + sqOffset(IoUring.SqOffsets.TAIL))
                - NativeMemory.getIntAcquire(sqRing + sqOffset(IoUring.SqOffsets.HEAD));
        return IoUring.enter(errno, ring, entries, completions, IoUring.IORING_ENTER_GETEVENTS);
    }

    /** Takes the next completion, which must be there and, unless -1, carry {@code userData}. */
    private long cqe(long userData) {
        long head = cqRing + cqOffset(IoUring.CqOffsets.HEAD);
        int at = NativeMemory.getInt(head);
        assertTrue(NativeMemory.getIntAcquire(cqRing + cqOffset(IoUring.CqOffsets.TAIL)) != at, "no completion");
        long cqe = cqRing + cqOffset(IoUring.CqOffsets.CQES) + (at & 2 * ENTRIES - 1) * IoUring.Cqe.SIZE;
        if (userData != -1) assertEquals(userData, NativeMemory.getLong(cqe + IoUring.Cqe.USER_DATA));
        NativeMemory.putIntRelease(head, at + 1);
        return cqe;
    }

    private int sqOffset(long member) { return NativeMemory.getInt(params + IoUring.Params.SQ_OFF + member); }

    private int cqOffset(long member) { return NativeMemory.getInt(params + IoUring.Params.CQ_OFF + member); }
}
