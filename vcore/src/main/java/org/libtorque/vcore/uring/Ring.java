package org.libtorque.vcore.uring;

import static org.libtorque.sys.NativeMemory.getInt;
import static org.libtorque.sys.NativeMemory.getIntAcquire;
import static org.libtorque.sys.NativeMemory.getLong;
import static org.libtorque.sys.NativeMemory.putInt;
import static org.libtorque.sys.NativeMemory.putIntRelease;
import static org.libtorque.sys.NativeMemory.putLong;

import org.libtorque.sys.Errno;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Files;
import org.libtorque.sys.IoUring;
import org.libtorque.sys.Mapping;
import org.libtorque.sys.NativeMemory;
import org.libtorque.sys.SyscallException;

/**
 * The two rings shared with the kernel, as io_uring(7) describes them, for one thread that both submits and completes.
 *
 * <p>Memory order: the submission tail is ours and is published with release before the system call; with a single issuer and no
 * polling thread the kernel reads it only inside {@code io_uring_enter}, and has consumed everything when that returns without
 * error. The completion tail is the kernel's and is read with acquire, which makes the entries before it visible; the
 * completion head is ours and is published with release when the entries have been read. On x86-64 all of these are plain
 * moves.
 *
 * <p>Setup: {@code SINGLE_ISSUER | DEFER_TASKRUN} (6.1) makes the kernel do its completion work only when this thread asks for
 * it, on this thread, in batches; {@code NO_SQARRAY} (6.6) saves the index array, and is done without where it is unknown;
 * {@code SUBMIT_ALL} keeps one bad entry from holding up those behind it. Must be created on the thread that will use it.
 *
 * <p><em>Owns</em> the ring descriptor and its mappings.
 */
final class Ring implements AutoCloseable {
    private final ErrnoSlot errno;
    private final int fd;
    private final int enterFd;
    private final int enterFlags;
    private final long ringAddress;
    private final long ringBytes;
    private final long sqeAddress;
    private final long sqeBytes;
    private final int sqEntries;
    private final int sqMask;
    private final int cqMask;
    private final int cqEntries;
    private final long sqHeadAddress;
    private final long sqTailAddress;
    private final long sqFlagsAddress;
    private final long cqHeadAddress;
    private final long cqTailAddress;
    private final long cqOverflowAddress;
    private final long cqes;
    private final long waitArgument;
    private final long waitTime;

    private int sqTail;
    private int submitted;
    private int cqHead;

    /**
     * @param entries submission entries, a power of two
     * @param scratch 256 bytes that stay ours until {@link #close}
     */
    Ring(ErrnoSlot errno, int entries, int cqEntriesWanted, long scratch) {
        this.errno = errno;
        long params = scratch;
        int flags = IoUring.IORING_SETUP_SINGLE_ISSUER | IoUring.IORING_SETUP_DEFER_TASKRUN | IoUring.IORING_SETUP_SUBMIT_ALL
                | IoUring.IORING_SETUP_CQSIZE | IoUring.IORING_SETUP_NO_SQARRAY;
        int ring = setup(params, entries, cqEntriesWanted, flags);
        boolean indexArray = false;
        if (ring == -Errno.EINVAL) {
            indexArray = true;
            flags &= ~IoUring.IORING_SETUP_NO_SQARRAY;
            ring = setup(params, entries, cqEntriesWanted, flags);
        }
        fd = SyscallException.check(ring, "io_uring_setup", "entries={}", entries);
        sqEntries = getInt(params + IoUring.Params.SQ_ENTRIES);
        cqEntries = getInt(params + IoUring.Params.CQ_ENTRIES);
        long sqOff = params + IoUring.Params.SQ_OFF;
        long cqOff = params + IoUring.Params.CQ_OFF;
        int cqesOffset = getInt(cqOff + IoUring.CqOffsets.CQES);
        long sqArrayOffset = getInt(sqOff + IoUring.SqOffsets.ARRAY);
        ringBytes = Math.max(cqesOffset + (long) cqEntries * IoUring.Cqe.SIZE, indexArray ? sqArrayOffset + 4L * sqEntries : 0);
        sqeBytes = (long) sqEntries * IoUring.Sqe.SIZE;
        long mappedRing = map(ringBytes, IoUring.IORING_OFF_SQ_RING); // one mapping for both: FEAT_SINGLE_MMAP since 5.4
        if (mappedRing < 0) {
            Files.close(errno, fd);
            throw new SyscallException("mmap", "io_uring rings, " + ringBytes + " bytes", (int) -mappedRing);
        }
        long mappedSqes = map(sqeBytes, IoUring.IORING_OFF_SQES);
        if (mappedSqes < 0) {
            Mapping.munmap(errno, mappedRing, ringBytes);
            Files.close(errno, fd);
            throw new SyscallException("mmap", "io_uring entries, " + sqeBytes + " bytes", (int) -mappedSqes);
        }
        ringAddress = mappedRing;
        sqeAddress = mappedSqes;
        sqMask = getInt(ringAddress + getInt(sqOff + IoUring.SqOffsets.RING_MASK));
        sqHeadAddress = ringAddress + getInt(sqOff + IoUring.SqOffsets.HEAD);
        sqTailAddress = ringAddress + getInt(sqOff + IoUring.SqOffsets.TAIL);
        sqFlagsAddress = ringAddress + getInt(sqOff + IoUring.SqOffsets.FLAGS);
        cqMask = getInt(ringAddress + getInt(cqOff + IoUring.CqOffsets.RING_MASK));
        cqHeadAddress = ringAddress + getInt(cqOff + IoUring.CqOffsets.HEAD);
        cqTailAddress = ringAddress + getInt(cqOff + IoUring.CqOffsets.TAIL);
        cqOverflowAddress = ringAddress + getInt(cqOff + IoUring.CqOffsets.OVERFLOW);
        cqes = ringAddress + cqesOffset;
        if (indexArray) {
            for (int i = 0; i < sqEntries; i++) putInt(ringAddress + sqArrayOffset + 4L * i, i); // the identity, for good
        }
        waitArgument = scratch + 128;
        waitTime = scratch + 192;
        NativeMemory.fill(waitArgument, IoUring.GeteventsArg.SIZE, (byte) 0);
        putLong(waitArgument + IoUring.GeteventsArg.TS, waitTime);

        // A registered ring descriptor saves the look-up in the process's table, and its reference counting, at each enter.
        putLong(params, 0);
        putInt(params + IoUring.RsrcUpdate.OFFSET, -1);
        putInt(params + 4, 0);
        putLong(params + IoUring.RsrcUpdate.DATA, fd);
        int registered = IoUring.register(errno, fd, IoUring.IORING_REGISTER_RING_FDS, params, 1);
        if (registered == 1) {
            enterFd = getInt(params + IoUring.RsrcUpdate.OFFSET);
            enterFlags = IoUring.IORING_ENTER_REGISTERED_RING;
        } else {
            enterFd = fd;
            enterFlags = 0;
        }
    }

    private int setup(long params, int entries, int cqEntriesWanted, int flags) {
        NativeMemory.fill(params, IoUring.Params.SIZE, (byte) 0);
        putInt(params + IoUring.Params.FLAGS, flags);
        putInt(params + IoUring.Params.CQ_ENTRIES, cqEntriesWanted);
        return IoUring.setup(errno, entries, params);
    }

    private long map(long bytes, long offset) {
        return Mapping.mmap(errno, 0, bytes, Mapping.PROT_READ | Mapping.PROT_WRITE,
                Mapping.MAP_SHARED | Mapping.MAP_POPULATE, fd, offset);
    }

    int fd() { return fd; }

    int register(int opcode, long argument, int count) { return IoUring.register(errno, fd, opcode, argument, count); }

    /**
     * Takes a submission entry, zeroed. If the ring is full, submits what is there first.
     *
     * @return its address
     */
    long nextSqe() {
        if (sqTail - submitted == sqEntries) submitFull();
        long sqe = sqeAddress + (long) (sqTail & sqMask) * IoUring.Sqe.SIZE;
        sqTail++;
        putLong(sqe, 0);
        putLong(sqe + 8, 0);
        putLong(sqe + 16, 0);
        putLong(sqe + 24, 0);
        putLong(sqe + 32, 0);
        putLong(sqe + 40, 0);
        putLong(sqe + 48, 0);
        putLong(sqe + 56, 0);
        return sqe;
    }

    private void submitFull() {
        while (sqTail - submitted == sqEntries) {
            int result = enter(0, 0);
            // EBUSY: completions wait in the kernel for room in their ring; the caller cannot take them here, but the kernel
            // keeps an unlimited list of them (FEAT_NODROP), so only lack of memory refuses submissions for good.
            if (result < 0 && result != -Errno.EINTR && result != -Errno.EAGAIN && result != -Errno.EBUSY) {
                throw new SyscallException("io_uring_enter", "fd=" + fd, -result);
            }
        }
    }

    /** Tells whether entries wait to be submitted. */
    boolean hasUnsubmitted() { return sqTail != submitted; }

    /** Tells whether the kernel holds completions back until it is entered. */
    boolean mustEnter() {
        return (getIntAcquire(sqFlagsAddress) & (IoUring.IORING_SQ_CQ_OVERFLOW | IoUring.IORING_SQ_TASKRUN)) != 0;
    }

    /**
     * Submits everything, runs the kernel's pending work for this ring, and waits for completions.
     *
     * @param waitFor      completions to wait for, 0 to return at once
     * @param timeoutNanos how long to wait, {@link Long#MAX_VALUE} without limit
     * @return entries submitted or a negated errno; {@code -ETIME} and {@code -EINTR} are ordinary
     */
    int enter(int waitFor, long timeoutNanos) {
        int toSubmit = sqTail - submitted;
        putIntRelease(sqTailAddress, sqTail);
        int flags = enterFlags | IoUring.IORING_ENTER_GETEVENTS;
        int result;
        if (waitFor > 0 && timeoutNanos != Long.MAX_VALUE) {
            putLong(waitTime, timeoutNanos / 1_000_000_000);
            putLong(waitTime + 8, timeoutNanos % 1_000_000_000);
            result = IoUring.enter(errno, enterFd, toSubmit, waitFor, flags | IoUring.IORING_ENTER_EXT_ARG, waitArgument,
                    IoUring.GeteventsArg.SIZE);
        } else {
            result = IoUring.enter(errno, enterFd, toSubmit, waitFor, flags, 0, 0);
        }
        if (result >= 0) submitted += result;
        else if (toSubmit > 0) submitted = getIntAcquire(sqHeadAddress); // what it took before failing
        return result;
    }

    /** Returns the number of completions that can be read. */
    int completions() { return getIntAcquire(cqTailAddress) - cqHead; }

    /** Returns the address of the completion {@code i} places behind the head. */
    long cqe(int i) { return cqes + (long) ((cqHead + i) & cqMask) * IoUring.Cqe.SIZE; }

    /** Gives {@code n} completions back to the kernel; they must not be looked at any more. */
    void advance(int n) {
        cqHead += n;
        putIntRelease(cqHeadAddress, cqHead);
    }

    /** Returns how many completions the kernel has dropped for lack of memory: always 0 unless it ran out. */
    int dropped() { return getInt(cqOverflowAddress); }

    int cqEntries() { return cqEntries; }

    static long userData(long cqe) { return getLong(cqe + IoUring.Cqe.USER_DATA); }

    static int result(long cqe) { return getInt(cqe + IoUring.Cqe.RES); }

    static int flags(long cqe) { return getInt(cqe + IoUring.Cqe.FLAGS); }

    /** Tells whether the kernel found room for the ring in this thread's table. */
    boolean isRegistered() { return enterFlags != 0; }

    /** Closes the ring; the kernel cancels what is in flight, and has let go of all memory only some time later. */
    @Override public void close() {
        if (isRegistered()) { // the table has 16 places and keeps what is in it until the thread ends
            putLong(waitTime, 0);
            putInt(waitTime + IoUring.RsrcUpdate.OFFSET, enterFd);
            putLong(waitTime + IoUring.RsrcUpdate.DATA, 0);
            register(IoUring.IORING_UNREGISTER_RING_FDS, waitTime, 1);
        }
        Mapping.munmap(errno, sqeAddress, sqeBytes);
        Mapping.munmap(errno, ringAddress, ringBytes);
        Files.close(errno, fd);
    }
}
