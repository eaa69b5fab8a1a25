package org.libtorque.vcore.uring;

import static org.libtorque.sys.NativeMemory.putByte;
import static org.libtorque.sys.NativeMemory.putInt;
import static org.libtorque.sys.NativeMemory.putLong;
import static org.libtorque.sys.NativeMemory.putShort;

import java.util.Arrays;
import org.libtorque.memory.BlockPool;
import org.libtorque.sys.Errno;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.EventFd;
import org.libtorque.sys.Files;
import org.libtorque.sys.IoUring;
import org.libtorque.sys.IoUring.Sqe;
import org.libtorque.sys.NativeMemory;
import org.libtorque.sys.Poll;
import org.libtorque.sys.Sockets;
import org.libtorque.sys.SyscallException;
import org.libtorque.vcore.AcceptSource;
import org.libtorque.vcore.EventQueue;
import org.libtorque.vcore.EventSource;
import org.libtorque.vcore.SourceTable;
import org.libtorque.vcore.StreamSource;

/**
 * The event queue over io_uring(7).
 *
 * <p>Every stream has one multishot receive armed, every listening socket one multishot accept: they complete again and again without
 * being submitted again. Sends and closes of one turn are collected in the submission ring and go with the single
 * {@code io_uring_enter} of the next harvest, which also runs the kernel's completion work and, if there is nothing else to do, waits.
 *
 * <p>The kernel may end a multishot operation at any completion (the {@code F_MORE} flag is missing then: buffers ran out, the completion
 * ring overflowed, or for reasons of its own); it is armed again unless the stream has ended, is paused or is closing.
 *
 * <p>User data is operation (8 bits), slot (32 bits), generation (24 bits). A slot is given up only when the kernel has completed
 * everything that carries it, so memory named by an operation in flight is never reused too early; the generation is a second
 * line of defence.
 *
 * <p><em>Owns</em> the ring, the buffer ring and an eventfd for wake-ups. <em>Borrows</em> the pool. Must be created on the thread that uses it.
 */
public final class UringQueue extends EventQueue {
    private static final int SQ_ENTRIES = 1024;
    private static final int CQ_ENTRIES = 4096;
    private static final int BUFFER_ENTRIES = 4096;
    private static final int INITIAL_BUFFERS = 64;
    private static final int BUFFER_GROUP = 0;

    private static final int OP_NONE = 0, OP_RECEIVE = 1, OP_SEND = 2, OP_ACCEPT = 3, OP_POLL = 4, OP_OUT = 5, OP_WAKE = 6, OP_HANG_UP = 7;

    private static final int RECEIVING = 1, PAUSED = 2, CLOSING = 4, STARVED = 8, AWAITING_OUT = 16, WATCHED = 32, THROTTLED = 64,
            AWAITING_HANG_UP = 128;

    /**
     * Filled buffers of one stream above which its receive is cancelled until it has caught up: one multishot receive may fill 32
     * buffers in a row, and a peer that sends faster than its handler works would take them all.
     */
    private static final int MAX_INPUT_BUFFERS = 8;

    /** Connections that wait for their listener above which it accepts no more: in the backlog they would cost no descriptors. */
    private static final int MAX_ACCEPTED = 256;

    /** No end of the stream seen yet; any other value of {@code end} is 0 (end of stream) or a negated errno. */
    private static final int OPEN = 1;

    private final ErrnoSlot errno = ErrnoSlot.allocate();
    private final ErrnoSlot wakeErrno = ErrnoSlot.allocate();
    private final BlockPool blocks;
    private final long scratch;
    private final Ring ring;
    private final BufferRing buffers;
    private final int wakeFd;
    private final SourceTable table = new SourceTable(this);

    // By slot.
    private int[] flags = new int[64];
    private int[] inFlight = new int[64];
    private int[] inputHead = new int[64];
    private int[] inputTail = new int[64];
    private int[] inputCount = new int[64];
    private int[] end = new int[64];
    private int[] interest = new int[64];

    /** Slots whose receive ended for lack of buffers; stale entries are recognised by the missing STARVED flag. */
    private int[] starved = new int[64];
    private int starvedCount;
    private int currentBuffer = -1;
    private boolean recycled;

    /** Creates a queue with the usual ring sizes. */
    public UringQueue(BlockPool blocks) { this(blocks, SQ_ENTRIES, CQ_ENTRIES, BUFFER_ENTRIES, INITIAL_BUFFERS); }

    /**
     * @param blocks where receive buffers come from
     * @throws SyscallException if the kernel refuses
     */
    UringQueue(BlockPool blocks, int sqEntries, int cqEntries, int bufferEntries, int initialBuffers) {
        this.blocks = blocks;
        scratch = blocks.acquire();
        if (scratch == 0) throw blocks.exhausted();
        Ring openRing = null;
        BufferRing openBuffers = null;
        int openWakeFd = -1;
        try {
            openRing = new Ring(errno, sqEntries, cqEntries, scratch);
            openBuffers = new BufferRing(openRing, blocks, errno, BUFFER_GROUP, bufferEntries, initialBuffers, scratch + 256);
            openWakeFd = SyscallException.check(EventFd.create(errno, 0, EventFd.EFD_CLOEXEC | EventFd.EFD_NONBLOCK), "eventfd", "0");
        } catch (RuntimeException e) {
            if (openRing != null) openRing.close();
            if (openBuffers != null) openBuffers.close();
            blocks.release(scratch);
            throw e;
        }
        buffers = openBuffers;
        ring = openRing;
        wakeFd = openWakeFd;
        armWake();
    }

    @Override public String name() { return "io_uring"; }

    // ---------------------------------------------------------------------------------------------------------------- harvest

    @Override public int harvest(int window, long timeoutNanos) {
        if (recycled) {
            buffers.publish();
            recycled = false;
        }
        boolean canReceive = buffers.replenish();
        if (starvedCount > 0 && canReceive) rearmStarved();
        int n = 0;
        if (ring.completions() < window) {
            int waitFor = timeoutNanos != 0 && ring.completions() == 0 ? 1 : 0;
            int result = ring.enter(waitFor, timeoutNanos);
            if (result < 0) checkEnter(result);
        } else if (ring.hasUnsubmitted()) {
            int result = ring.enter(0, 0);
            if (result < 0) checkEnter(result);
        }
        int available = Math.min(ring.completions(), window);
        while (n < available) {
            long cqe = ring.cqe(n++);
            complete(Ring.userData(cqe), Ring.result(cqe), Ring.flags(cqe));
        }
        if (n > 0) ring.advance(n);
        return n;
    }

    private void checkEnter(int result) {
        switch (-result) {
            case Errno.ETIME, Errno.EINTR -> { }  // the time is over, or a signal for a thread of the JVM
            case Errno.EAGAIN, Errno.EBUSY -> { } // no memory for requests now, or completions must be taken first: try next turn
            default -> throw new SyscallException("io_uring_enter", "fd=" + ring.fd() + ", dropped=" + ring.dropped(), -result);
        }
    }

    private void complete(long userData, int result, int cqeFlags) {
        int op = (int) userData & 0xFF;
        int slot = (int) (userData >>> 8);
        if (op == OP_NONE) return; // a cancellation or close that failed: what it was for has gone by itself
        if (op == OP_WAKE) {
            if ((cqeFlags & IoUring.IORING_CQE_F_MORE) == 0) armWake();
            return;
        }
        EventSource source = table.get(slot);
        if (source == null || table.generation(slot) != (int) (userData >>> 40)) {
            throw new IllegalStateException("completion for a slot that was given up: op=" + op + ", slot=" + slot + ", result=" + result);
        }
        boolean more = (cqeFlags & IoUring.IORING_CQE_F_MORE) != 0;
        if (!more) inFlight[slot]--;
        switch (op) {
            case OP_RECEIVE -> received((StreamSource) source, slot, result, cqeFlags, more);
            case OP_SEND -> ((StreamSource) source).completeSend(result);
            case OP_ACCEPT -> accepted((AcceptSource) source, slot, result, more);
            case OP_POLL -> polled(source, slot, result, more);
            case OP_OUT -> {
                flags[slot] &= ~AWAITING_OUT;
                if ((flags[slot] & CLOSING) == 0) source.signal(bitsOf(result));
            }
            case OP_HANG_UP -> hungUp((StreamSource) source, slot, result, more);
            default -> throw new IllegalStateException("unknown operation " + op);
        }
        if ((flags[slot] & CLOSING) != 0 && inFlight[slot] == 0) table.remove(slot);
    }

    private void received(StreamSource source, int slot, int result, int cqeFlags, boolean more) {
        int f = flags[slot];
        if (!more) flags[slot] = f &= ~(RECEIVING | THROTTLED);
        if ((cqeFlags & IoUring.IORING_CQE_F_BUFFER) != 0) {
            int bid = cqeFlags >>> IoUring.IORING_CQE_BUFFER_SHIFT;
            buffers.filled(bid, Math.max(result, 0));
            if (result > 0 && (f & CLOSING) == 0) {
                if (inputHead[slot] < 0) inputHead[slot] = bid;
                else buffers.link(inputTail[slot], bid);
                inputTail[slot] = bid;
                if (++inputCount[slot] > MAX_INPUT_BUFFERS && (f & (RECEIVING | THROTTLED)) == RECEIVING) {
                    flags[slot] = f |= THROTTLED;
                    cancel(userData(OP_RECEIVE, slot));
                }
            } else {
                recycle(bid);
            }
        }
        if ((f & CLOSING) != 0) return;
        if (result == NO_BUFFERS) {
            // With input waiting it is armed when that has been taken, like below: else it would go on to take every new buffer.
            if (inputHead[slot] < 0) starve(slot);
            return;
        }
        if (result <= 0 && result != -Errno.ECANCELED) end[slot] = result;
        // With input waiting, it is armed when that has been taken (nothingReceived).
        if (!more && end[slot] == OPEN && (f & PAUSED) == 0 && inputHead[slot] < 0) armReceive(source, slot);
        if (result != -Errno.ECANCELED && (f & PAUSED) == 0) source.signal(EventSource.READABLE);
    }

    private void accepted(AcceptSource source, int slot, int result, boolean more) {
        if ((flags[slot] & CLOSING) != 0) {
            if (result >= 0) source.deliverLate(result);
            return;
        }
        if (!more) {
            boolean throttled = (flags[slot] & THROTTLED) != 0;
            flags[slot] &= ~(RECEIVING | THROTTLED);
            if (result >= 0 && !throttled) armAccept(source, slot); // after an error the source comes back when it thinks it can
        }
        if (result == -Errno.ECANCELED) return; // throttled: armed again when what is kept has been taken
        source.pushAccepted(result);
        source.signal(EventSource.READABLE);
        if (source.acceptedCount() > MAX_ACCEPTED && (flags[slot] & (RECEIVING | THROTTLED)) == RECEIVING) {
            flags[slot] |= THROTTLED;
            cancel(userData(OP_ACCEPT, slot));
        }
    }

    private void polled(EventSource source, int slot, int result, boolean more) {
        if ((flags[slot] & CLOSING) != 0) return;
        if (!more) {
            flags[slot] &= ~WATCHED;
            if (result >= 0 || result == -Errno.ECANCELED) armPoll(source, slot);
        }
        if (result != -Errno.ECANCELED) source.signal(bitsOf(result));
    }

    private void hungUp(StreamSource source, int slot, int result, boolean more) {
        if (!more) flags[slot] &= ~AWAITING_HANG_UP;
        if ((flags[slot] & CLOSING) != 0) return;
        if ((result & (Poll.POLLHUP | Poll.POLLERR)) != 0 || result < 0) source.signal(EventSource.HANG_UP);
        else if (!more) awaitHangUp(source);
        // else the peer has ended its direction only, which io_uring's poll always reports too
    }

    private static int bitsOf(int pollMask) {
        if (pollMask < 0) return EventSource.READABLE | EventSource.WRITABLE | EventSource.HANG_UP;
        int bits = 0;
        if ((pollMask & (Poll.POLLIN | Poll.POLLRDHUP | Poll.POLLHUP | Poll.POLLERR)) != 0) bits |= EventSource.READABLE;
        if ((pollMask & (Poll.POLLOUT | Poll.POLLHUP | Poll.POLLERR)) != 0) bits |= EventSource.WRITABLE;
        if ((pollMask & (Poll.POLLHUP | Poll.POLLERR)) != 0) bits |= EventSource.HANG_UP;
        return bits;
    }

    @Override public boolean caughtUp() { return ring.completions() == 0 && !ring.mustEnter(); }

    @Override public boolean hasDeferredWork() { return starvedCount > 0 && (buffers.hasProvided() || blocks.hasRoom()); }

    @Override public void wake() { EventFd.write(wakeErrno, wakeFd, 1); }

    // ------------------------------------------------------------------------------------------------------------ registering

    private int register(EventSource source, int initialFlags) {
        int slot = table.add(source);
        if (slot >= flags.length) grow();
        flags[slot] = initialFlags;
        inFlight[slot] = 0;
        inputHead[slot] = inputTail[slot] = -1;
        inputCount[slot] = 0;
        end[slot] = OPEN;
        interest[slot] = 0;
        return slot;
    }

    private void grow() {
        int n = 2 * flags.length;
        flags = Arrays.copyOf(flags, n);
        inFlight = Arrays.copyOf(inFlight, n);
        inputHead = Arrays.copyOf(inputHead, n);
        inputTail = Arrays.copyOf(inputTail, n);
        inputCount = Arrays.copyOf(inputCount, n);
        end = Arrays.copyOf(end, n);
        interest = Arrays.copyOf(interest, n);
    }

    @Override public int openStream(StreamSource source) {
        armReceive(source, register(source, 0));
        return 0;
    }

    @Override public int openConnecting(StreamSource source) {
        register(source, 0);
        awaitWritable(source);
        return 0;
    }

    @Override public int connected(StreamSource source) {
        armReceive(source, source.slot());
        return 0;
    }

    @Override public int listen(AcceptSource source) {
        armAccept(source, register(source, 0));
        return 0;
    }

    @Override public int watch(EventSource source, int newInterest) {
        if (source.slot() < 0) {
            int slot = register(source, 0);
            interest[slot] = newInterest;
            armPoll(source, slot);
        } else {
            int slot = source.slot();
            interest[slot] = newInterest;
            cancel(userData(OP_POLL, slot)); // its completion arms it again with the new interest
        }
        return 0;
    }

    private long userData(int op, int slot) {
        return (long) table.generation(slot) << 40 | (long) slot << 8 | op;
    }

    private long prepare(int opcode, int fd, long userData) {
        long sqe = ring.nextSqe();
        putByte(sqe + Sqe.OPCODE, (byte) opcode);
        putInt(sqe + Sqe.FD, fd);
        putLong(sqe + Sqe.USER_DATA, userData);
        return sqe;
    }

    private void armReceive(StreamSource source, int slot) {
        long sqe = prepare(IoUring.IORING_OP_RECV, source.fd(), userData(OP_RECEIVE, slot));
        putByte(sqe + Sqe.FLAGS, (byte) IoUring.IOSQE_BUFFER_SELECT);
        putShort(sqe + Sqe.IOPRIO, (short) IoUring.IORING_RECV_MULTISHOT);
        putShort(sqe + Sqe.BUF_INDEX, (short) BUFFER_GROUP);
        flags[slot] |= RECEIVING;
        inFlight[slot]++;
    }

    private void armAccept(AcceptSource source, int slot) {
        long sqe = prepare(IoUring.IORING_OP_ACCEPT, source.fd(), userData(OP_ACCEPT, slot));
        putShort(sqe + Sqe.IOPRIO, (short) IoUring.IORING_ACCEPT_MULTISHOT);
        putInt(sqe + Sqe.OP_FLAGS, Sockets.SOCK_NONBLOCK | Sockets.SOCK_CLOEXEC);
        flags[slot] |= RECEIVING;
        inFlight[slot]++;
    }

    private void armPoll(EventSource source, int slot) {
        int mask = Poll.POLLRDHUP;
        if ((interest[slot] & EventSource.READABLE) != 0) mask |= Poll.POLLIN;
        if ((interest[slot] & EventSource.WRITABLE) != 0) mask |= Poll.POLLOUT;
        long sqe = prepare(IoUring.IORING_OP_POLL_ADD, source.fd(), userData(OP_POLL, slot));
        putInt(sqe + Sqe.LEN, IoUring.IORING_POLL_ADD_MULTI);
        putInt(sqe + Sqe.OP_FLAGS, mask);
        flags[slot] |= WATCHED;
        inFlight[slot]++;
    }

    private void armWake() {
        long sqe = prepare(IoUring.IORING_OP_POLL_ADD, wakeFd, OP_WAKE);
        putInt(sqe + Sqe.LEN, IoUring.IORING_POLL_ADD_MULTI); // each write is reported, so the counter need not be read
        putInt(sqe + Sqe.OP_FLAGS, Poll.POLLIN);
    }

    private void cancel(long userData) {
        long sqe = prepare(IoUring.IORING_OP_ASYNC_CANCEL, -1, OP_NONE);
        putLong(sqe + Sqe.ADDR, userData);
        putByte(sqe + Sqe.FLAGS, (byte) IoUring.IOSQE_CQE_SKIP_SUCCESS);
    }

    // -------------------------------------------------------------------------------------------------------------- receiving

    @Override public int receive(StreamSource source) {
        int slot = source.slot();
        int bid = inputHead[slot];
        if (bid < 0) return nothingReceived(source, slot);
        inputHead[slot] = buffers.next(bid);
        inputCount[slot]--;
        currentBuffer = bid;
        inputAddress = buffers.dataAddress(bid);
        return buffers.dataLength(bid);
    }

    @Override public int receive(StreamSource source, long address, int capacity) {
        int slot = source.slot();
        int bid = inputHead[slot];
        if (bid < 0) return nothingReceived(source, slot);
        int n = Math.min(capacity, buffers.dataLength(bid));
        NativeMemory.copy(buffers.dataAddress(bid), address, n);
        buffers.take(bid, n);
        if (buffers.dataLength(bid) == 0) {
            inputHead[slot] = buffers.next(bid);
            inputCount[slot]--;
            recycle(bid);
        }
        return n;
    }

    private int nothingReceived(StreamSource source, int slot) {
        if (end[slot] != OPEN) return end[slot];
        if ((flags[slot] & (RECEIVING | PAUSED | STARVED)) == 0) armReceive(source, slot);
        return WOULD_BLOCK;
    }

    @Override public void leaveInput(StreamSource source) {
        recycle(currentBuffer);
        currentBuffer = -1;
    }

    @Override public long keepInput(StreamSource source) {
        long block = buffers.replace(currentBuffer);
        recycled = true;
        currentBuffer = -1;
        return block;
    }

    private void recycle(int bid) {
        buffers.recycle(bid);
        recycled = true;
    }

    private void starve(int slot) {
        flags[slot] |= STARVED;
        if (starvedCount == starved.length) starved = Arrays.copyOf(starved, 2 * starvedCount);
        starved[starvedCount++] = slot;
    }

    private void rearmStarved() {
        int n = starvedCount;
        starvedCount = 0;
        for (int i = 0; i < n; i++) {
            int slot = starved[i];
            if ((flags[slot] & STARVED) == 0) continue;
            flags[slot] &= ~STARVED;
            if ((flags[slot] & (PAUSED | CLOSING | RECEIVING)) == 0 && end[slot] == OPEN) armReceive((StreamSource) table.get(slot), slot);
        }
    }

    @Override public void pauseReceiving(StreamSource source, boolean paused) {
        int slot = source.slot();
        if (paused) {
            flags[slot] |= PAUSED;
            if ((flags[slot] & RECEIVING) != 0) cancel(userData(OP_RECEIVE, slot));
        } else {
            flags[slot] &= ~PAUSED;
            // If the cancelled receive has not come back yet, its completion arms it again; else the next receive() does.
        }
    }

    // ---------------------------------------------------------------------------------------------------------------- sending

    @Override public int send(StreamSource source, long address, int length) {
        int slot = source.slot();
        long sqe = prepare(IoUring.IORING_OP_SEND, source.fd(), userData(OP_SEND, slot));
        putLong(sqe + Sqe.ADDR, address);
        putInt(sqe + Sqe.LEN, length);
        putInt(sqe + Sqe.OP_FLAGS, Sockets.MSG_NOSIGNAL);
        inFlight[slot]++;
        return PENDING;
    }

    @Override public void awaitWritable(EventSource source) {
        int slot = source.slot();
        if ((flags[slot] & AWAITING_OUT) != 0) return;
        long sqe = prepare(IoUring.IORING_OP_POLL_ADD, source.fd(), userData(OP_OUT, slot));
        putInt(sqe + Sqe.OP_FLAGS, Poll.POLLOUT);
        flags[slot] |= AWAITING_OUT;
        inFlight[slot]++;
    }

    @Override public void awaitHangUp(StreamSource source) {
        int slot = source.slot();
        if ((flags[slot] & AWAITING_HANG_UP) != 0) return;
        long sqe = prepare(IoUring.IORING_OP_POLL_ADD, source.fd(), userData(OP_HANG_UP, slot)); // no events: hang-ups are always reported
        putInt(sqe + Sqe.LEN, IoUring.IORING_POLL_ADD_MULTI);
        flags[slot] |= AWAITING_HANG_UP;
        inFlight[slot]++;
    }

    @Override public int accept(AcceptSource source) {
        int slot = source.slot();
        int result = source.pollAccepted(WOULD_BLOCK);
        if (result == WOULD_BLOCK && (flags[slot] & RECEIVING) == 0) armAccept(source, slot);
        return result;
    }

    // ---------------------------------------------------------------------------------------------------------------- closing

    @Override public void close(EventSource source, boolean keepDescriptor) {
        int slot = source.slot();
        int fd = source.fd();
        flags[slot] |= CLOSING;
        for (int bid = inputHead[slot]; bid >= 0; ) {
            int following = buffers.next(bid);
            recycle(bid);
            bid = following;
        }
        inputHead[slot] = -1;
        if (inFlight[slot] > 0) cancelInFlight(source, slot);
        if (!keepDescriptor) {
            // Submitted behind the cancellation: the operations hold the file open, so only then does the peer see the end.
            long sqe = prepare(IoUring.IORING_OP_CLOSE, fd, OP_NONE);
            putByte(sqe + Sqe.FLAGS, (byte) IoUring.IOSQE_CQE_SKIP_SUCCESS);
        }
        if (source instanceof AcceptSource acceptor) {
            for (int late; (late = acceptor.pollAccepted(WOULD_BLOCK)) != WOULD_BLOCK; ) {
                if (late >= 0) acceptor.deliverLate(late);
            }
        }
        source.unbind();
        if (inFlight[slot] == 0) table.remove(slot);
    }

    /**
     * Cancels what is in flight for a slot, each by its user data, by which the kernel finds it at once. By descriptor it would walk through
     * everything that is in flight on the ring, so closing would cost more the more connections there are (3 % of the whole at 100 of them, with 10
     * requests each); and an owner who keeps the descriptor may close it before this is submitted, when the number may be another file's.
     */
    private void cancelInFlight(EventSource source, int slot) {
        int f = flags[slot];
        int left = inFlight[slot];
        if ((f & RECEIVING) != 0) {
            cancel(userData(source instanceof AcceptSource ? OP_ACCEPT : OP_RECEIVE, slot));
            left--;
        }
        if ((f & WATCHED) != 0) {
            cancel(userData(OP_POLL, slot));
            left--;
        }
        if ((f & AWAITING_OUT) != 0) {
            cancel(userData(OP_OUT, slot));
            left--;
        }
        if ((f & AWAITING_HANG_UP) != 0) {
            cancel(userData(OP_HANG_UP, slot));
            left--;
        }
        if (left > 0) cancel(userData(OP_SEND, slot)); // the one operation without a flag, of which there is one at most
    }

    @Override public int sourceCount() { return table.count(); }

    @Override public void close() {
        if (ring.hasUnsubmitted()) ring.enter(0, 0);
        ring.close();
        buffers.close();
        Files.close(errno, wakeFd);
        blocks.release(scratch);
    }

    // ---------------------------------------------------------------------------------------------------------------- probing

    /**
     * Tries on this machine what a queue needs: sets one up and receives a byte through it with a multishot receive into a provided
     * buffer.
     *
     * @return null if it works, else why not, in words for a log
     */
    public static String probe() {
        try (BlockPool pool = new BlockPool(4096, 64 * 4096)) {
            UringQueue queue;
            try {
                queue = new UringQueue(pool, 8, 32, 8, 4);
            } catch (SyscallException e) {
                return explain(e);
            }
            try {
                return queue.tryReceive();
            } finally {
                queue.close();
            }
        }
    }

    private static String explain(SyscallException e) {
        return switch (e.errno()) {
            case Errno.ENOSYS -> "the kernel has no io_uring (" + e.getMessage() + ")";
            case Errno.EPERM, Errno.EACCES -> "it is forbidden, by kernel.io_uring_disabled, seccomp or a security module (" + e.getMessage() + ")";
            case Errno.EINVAL -> "the kernel is older than 6.1, which has all it needs (" + e.getMessage() + ")";
            case Errno.ENOMEM -> "no memory may be locked for it; raise RLIMIT_MEMLOCK (" + e.getMessage() + ")";
            default -> e.getMessage();
        };
    }

    private String tryReceive() {
        long pair = scratch + 512;
        int made = Sockets.socketpair(errno, Sockets.AF_UNIX, Sockets.SOCK_STREAM | Sockets.SOCK_NONBLOCK | Sockets.SOCK_CLOEXEC, 0, pair);
        if (made < 0) return "no socket pair to try it with: " + Errno.describe(-made);
        int reader = NativeMemory.getInt(pair);
        int writer = NativeMemory.getInt(pair + 4);
        try {
            NativeMemory.putByte(pair, (byte) 'x');
            Sockets.send(errno, writer, pair, 1, Sockets.MSG_NOSIGNAL);
            Files.close(errno, writer);
            writer = -1;
            long sqe = prepare(IoUring.IORING_OP_RECV, reader, OP_RECEIVE);
            putByte(sqe + Sqe.FLAGS, (byte) IoUring.IOSQE_BUFFER_SELECT);
            putShort(sqe + Sqe.IOPRIO, (short) IoUring.IORING_RECV_MULTISHOT);
            String verdict = "nothing was received through it";
            for (int tries = 0; tries < 10; tries++) {
                int result = ring.enter(1, 100_000_000);
                if (result < 0 && result != -Errno.ETIME && result != -Errno.EINTR) return "io_uring_enter: " + Errno.describe(-result);
                boolean over = false;
                int n = ring.completions();
                for (int i = 0; i < n; i++) {
                    long cqe = ring.cqe(i);
                    if (Ring.userData(cqe) != OP_RECEIVE) continue;
                    int flags = Ring.flags(cqe);
                    if (Ring.result(cqe) < 0) verdict = "a receive failed: " + Errno.describe(-Ring.result(cqe));
                    if ((flags & IoUring.IORING_CQE_F_BUFFER) != 0) {
                        int bid = flags >>> IoUring.IORING_CQE_BUFFER_SHIFT;
                        buffers.filled(bid, Ring.result(cqe));
                        if (NativeMemory.getByte(buffers.dataAddress(bid)) == 'x') verdict = null;
                        recycle(bid);
                    }
                    if ((flags & IoUring.IORING_CQE_F_MORE) == 0) over = true; // the end of the stream, or an error
                }
                ring.advance(n);
                if (over) return verdict;
            }
            return verdict;
        } finally {
            Files.close(errno, reader);
            if (writer >= 0) Files.close(errno, writer);
        }
    }
}
