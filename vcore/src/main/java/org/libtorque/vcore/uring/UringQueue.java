package org.libtorque.vcore.uring;

import static org.libtorque.sys.NativeMemory.putByte;
import static org.libtorque.sys.NativeMemory.putInt;
import static org.libtorque.sys.NativeMemory.putLong;
import static org.libtorque.sys.NativeMemory.putShort;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.function.Function;
import org.libtorque.memory.BlockPool;
import org.libtorque.sys.Errno;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.EventFd;
import org.libtorque.sys.Files;
import org.libtorque.sys.Handles;
import org.libtorque.sys.IoUring;
import org.libtorque.sys.IoUring.Sqe;
import org.libtorque.sys.NativeMemory;
import org.libtorque.sys.Poll;
import org.libtorque.sys.Sockets;
import org.libtorque.sys.SyscallException;
import org.libtorque.vcore.AcceptSource;
import org.libtorque.vcore.EventQueue;
import org.libtorque.vcore.EventSource;
import org.libtorque.vcore.FileCall;
import org.libtorque.vcore.SourceTable;
import org.libtorque.vcore.StreamSource;
import org.libtorque.vcore.WakeGate;

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
 * <p><b>Away from home.</b> Received data lies in buffers that the kernel filled on home's behalf; home hands them to the runner with the source
 * ({@link UringInput}). A runner on another vcore reads them where they are and gives them back to the queue that they are of. It sends by send(2),
 * on its own thread, since the ring is home's. What only home can do when the runner is away is an <em>errand</em>: arming a receive again that has
 * ended, when all that had been received before is taken. Errands lie on a stack that home takes as a whole at each harvest.
 *
 * <p><b>No wake-up is lost.</b> Others leave two things here for which a sleeping owner must get up: errands, always, and buffers or blocks that
 * are given back, if there are streams that starve for want of them. There is one {@link WakeGate} for each, whose proof holds for them: the
 * message is the errand, the buffer or the block, published by a compare-and-set before {@code claimWake}; the re-check is {@link
 * #hasDeferredWork}, between {@code announce} and the wait. The second gate is announced only if some stream starves. None can begin to while the
 * owner waits, since only its harvest finds that out; a stream whose receive is armed while no buffer is provided needs none before data arrives,
 * which ends the wait.
 *
 * <p><em>Owns</em> the ring, the buffer ring and an eventfd for wake-ups. <em>Borrows</em> the pool. Must be created on the thread that uses it.
 */
public final class UringQueue extends EventQueue {
    private static final int SQ_ENTRIES = 1024;
    private static final int CQ_ENTRIES = 4096;
    private static final int BUFFER_ENTRIES = 4096;
    private static final int INITIAL_BUFFERS = 64;
    private static final int BUFFER_GROUP = 0;

    private static final int OP_NONE = 0, OP_RECEIVE = 1, OP_SEND = 2, OP_ACCEPT = 3, OP_POLL = 4, OP_OUT = 5, OP_WAKE = 6, OP_HANG_UP = 7, OP_FILE = 8;

    /**
     * Of a stream: OPENED (connected, so to be received from) and at most one of RECEIVING (armed), STARVED (for lack of buffers), STALLED (armed
     * again when the input has been taken) and ENDED (not again). None of the four if a receive has ended during a pause, until that is over.
     */
    private static final int RECEIVING = 1, PAUSED = 2, CLOSING = 4, STARVED = 8, AWAITING_OUT = 16, WATCHED = 32, THROTTLED = 64,
            AWAITING_HANG_UP = 128, OPENED = 256, STALLED = 512, ENDED = 1024, DETACHING = 2048, ELSEWHERE = 4096;

    /** What goes with a source that is detached; in the upper half its interest. For a listening socket OPENED means that it was accepting. */
    private static final int CARRIED = PAUSED | AWAITING_OUT | WATCHED | AWAITING_HANG_UP | OPENED | STALLED | ENDED;
    private static final int CARRIED_INTEREST_SHIFT = 16;

    /**
     * Filled buffers of one stream above which its receive is cancelled until it has caught up: one multishot receive may fill 32
     * buffers in a row, and a peer that sends faster than its handler works would take them all.
     */
    private static final int MAX_INPUT_BUFFERS = 8;

    /** Connections that wait for their listener above which it accepts no more: in the backlog they would cost no descriptors. */
    private static final int MAX_ACCEPTED = 256;

    private static final VarHandle ERRANDS = Handles.field(MethodHandles.lookup(), "errands", UringInput.class);

    private final ErrnoSlot errno = ErrnoSlot.allocate();
    private final ErrnoSlot wakeErrno = ErrnoSlot.allocate();
    private final BlockPool blocks;
    private final long scratch;
    private final Ring ring;
    private final BufferRing buffers;
    private final UringQueues queues;
    private final int number;
    private final int wakeFd;
    private final SourceTable table = new SourceTable(this);
    private final FileCalls calls;

    // By slot.
    private int[] flags = new int[64];
    private int[] inFlight = new int[64];
    private int[] interest = new int[64];

    /** Slots whose receive ended for lack of buffers; stale entries are recognised by the missing STARVED flag. */
    private int[] starved = new int[64];
    private int starvedCount;
    private int currentBuffer = UringInput.NONE;
    private boolean recycled;

    /** Streams whose receive home is to arm again: pushed by their runners, taken by the owner. Linked through {@link UringInput#nextErrand}. */
    @SuppressWarnings("unused")
    private UringInput errands;
    private final WakeGate errandGate = new WakeGate();
    private final WakeGate bufferGate = new WakeGate();

    /** Returns what makes the queues of one runtime, with the usual ring sizes; to be called on the threads that will use them. */
    public static Function<BlockPool, EventQueue> opener() {
        var queues = new UringQueues();
        return blocks -> new UringQueue(blocks, queues);
    }

    /** Creates a queue with the usual ring sizes. */
    UringQueue(BlockPool blocks, UringQueues queues) { this(blocks, queues, SQ_ENTRIES, CQ_ENTRIES, BUFFER_ENTRIES, INITIAL_BUFFERS); }

    /**
     * @param blocks where receive buffers come from
     * @param queues the queues to which sources may move from here, and whose runners may handle sources registered here
     * @throws SyscallException if the kernel refuses
     */
    UringQueue(BlockPool blocks, UringQueues queues, int sqEntries, int cqEntries, int bufferEntries, int initialBuffers) {
        this.blocks = blocks;
        this.queues = queues;
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
        number = queues.add(this, buffers.links());
        calls = new FileCalls(ring, scratch + 1024);
        blocks.onReturn(this::wakeIfStarved);
        armWake();
    }

    @Override public String name() { return "io_uring"; }

    // ---------------------------------------------------------------------------------------------------------------- harvest

    @Override public int harvest(int window, long timeoutNanos) {
        if (buffers.takeReturned() || recycled) {
            buffers.publish();
            recycled = false;
        }
        boolean canReceive = buffers.replenish();
        if (starvedCount > 0 && canReceive) rearmStarved();
        takeErrands();
        int n = 0;
        if (ring.completions() < window) {
            int result;
            if (timeoutNanos != 0 && ring.completions() == 0) {
                errandGate.announce();
                if (starvedCount > 0) bufferGate.announce();
                result = ring.enter(hasDeferredWork() ? 0 : 1, timeoutNanos);
                errandGate.withdraw();
                bufferGate.withdraw();
            } else {
                result = ring.enter(0, timeoutNanos);
            }
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
        if (op == OP_FILE) {
            FileCall call = calls.get(slot, (int) (userData >>> 40));
            if (call == null) throw new IllegalStateException("completion for a call that is over: slot=" + slot + ", result=" + result);
            calls.remove(call);
            call.complete(result); // last: it may be submitted again
            return;
        }
        EventSource source = table.get(slot);
        if (source == null || table.generation(slot) != (int) (userData >>> 40)) {
            throw new IllegalStateException("completion for a slot that was given up: op=" + op + ", slot=" + slot + ", result=" + result);
        }
        int generation = table.generation(slot);
        boolean more = (cqeFlags & IoUring.IORING_CQE_F_MORE) != 0;
        if (!more) inFlight[slot]--;
        switch (op) {
            case OP_RECEIVE -> received((StreamSource) source, slot, result, cqeFlags, more);
            // Cancelled so that it can be detached: as far as the source is concerned, the socket was full.
            case OP_SEND -> ((StreamSource) source).completeSend(result == -Errno.ECANCELED && isDetaching(slot) ? WOULD_BLOCK : result);
            case OP_ACCEPT -> accepted((AcceptSource) source, slot, result, more);
            case OP_POLL -> polled(source, slot, result, more);
            case OP_OUT -> writable(source, slot, result);
            case OP_HANG_UP -> hungUp((StreamSource) source, slot, result, more);
            default -> throw new IllegalStateException("unknown operation " + op);
        }
        // Unless the source did: the end of a send may have it closed or detached, and if nothing else was in flight, the slot is another's by now.
        if (table.generation(slot) == generation && (flags[slot] & (CLOSING | DETACHING)) != 0 && inFlight[slot] == 0) letGo(source, slot);
    }

    private boolean isDetaching(int slot) { return (flags[slot] & (CLOSING | DETACHING)) == DETACHING; }

    private void received(StreamSource source, int slot, int result, int cqeFlags, boolean more) {
        int f = flags[slot];
        if (!more) flags[slot] = f &= ~(RECEIVING | THROTTLED);
        UringInput input = inputOf(source);
        if ((cqeFlags & IoUring.IORING_CQE_F_BUFFER) != 0) {
            int bid = cqeFlags >>> IoUring.IORING_CQE_BUFFER_SHIFT;
            buffers.filled(bid, Math.max(result, 0));
            if (result > 0 && (f & CLOSING) == 0) {
                input.push(number << BufferRing.NUMBER_BITS | bid);
                if (input.waiting() > MAX_INPUT_BUFFERS && (f & (RECEIVING | THROTTLED | DETACHING)) == RECEIVING) {
                    flags[slot] = f |= THROTTLED;
                    cancel(userData(OP_RECEIVE, slot));
                }
            } else {
                recycle(bid);
            }
        }
        if ((f & CLOSING) != 0) return;
        boolean news = result != NO_BUFFERS && result != -Errno.ECANCELED;
        if (news && result <= 0) {
            flags[slot] = f |= ENDED;
            if (isDetaching(slot)) source.carry(source.carried() | ENDED);
            input.pushEnd(result);
        }
        if (!more) news |= receiveEnded(source, slot, result == NO_BUFFERS);
        if (news && (f & PAUSED) == 0) source.signal(EventSource.READABLE);
    }

    /** Sees to it that the receive is armed again, unless that is not wanted. Returns whether the runner must look. */
    private boolean receiveEnded(StreamSource source, int slot, boolean noBuffers) {
        if ((flags[slot] & (PAUSED | ENDED | DETACHING)) != 0) return false;
        // With input waiting it is armed when that has been taken: else it would go on to take every buffer.
        if (inputOf(source).waiting() > 0) return stall(source, slot, false);
        if (!noBuffers) {
            armReceive(source, slot);
            return false;
        }
        // The runner may have memory of its own behind what it keeps, and if everybody waited for buffers that others keep, nobody would see even the peer's end.
        return stall(source, slot, true);
    }

    private boolean stall(StreamSource source, int slot, boolean noBuffers) {
        flags[slot] |= STALLED;
        return inputOf(source).pushStalled(noBuffers);
    }

    private void accepted(AcceptSource source, int slot, int result, boolean more) {
        if ((flags[slot] & CLOSING) != 0) {
            if (result >= 0) source.deliverLate(result);
            return;
        }
        boolean detaching = isDetaching(slot);
        if (!more) {
            boolean throttled = (flags[slot] & THROTTLED) != 0;
            flags[slot] &= ~(RECEIVING | THROTTLED);
            if (result >= 0 && !throttled && !detaching) armAccept(source, slot); // after an error the source comes back when it thinks it can
        }
        if (result == -Errno.ECANCELED) { // throttled: armed again when what is kept has been taken, which may have been before this came
            if (!more && !detaching && source.acceptedCount() == 0) armAccept(source, slot);
            return;
        }
        source.pushAccepted(result);
        source.signal(EventSource.READABLE);
        if (!detaching && source.acceptedCount() > MAX_ACCEPTED && (flags[slot] & (RECEIVING | THROTTLED)) == RECEIVING) {
            flags[slot] |= THROTTLED;
            cancel(userData(OP_ACCEPT, slot));
        }
    }

    private void polled(EventSource source, int slot, int result, boolean more) {
        if ((flags[slot] & CLOSING) != 0) return;
        if (!more) {
            flags[slot] &= ~WATCHED;
            if ((result >= 0 || result == -Errno.ECANCELED) && !isDetaching(slot)) armPoll(source, slot);
        }
        if (result == -Errno.ECANCELED) return;
        int bits = bitsOf(result);
        // Then it was not asked, and tells of everything that such a wake-up might be for.
        if (result > 0 && (result & Poll.POLLRDBAND) != 0 && Poll.poll(errno, source.fd(), Poll.POLLPRI, 0) == 0) bits &= ~EventSource.PRIORITY;
        if (result >= 0) bits &= interest[slot] | EventSource.READABLE | EventSource.HANG_UP; // as epoll has it
        if (bits != 0) source.signal(bits);
    }

    private void writable(EventSource source, int slot, int result) {
        flags[slot] &= ~AWAITING_OUT;
        if ((flags[slot] & CLOSING) != 0) return;
        if (isDetaching(slot)) {
            if (result == -Errno.ECANCELED) return; // asked for again when it is attached
            source.carry(source.carried() & ~AWAITING_OUT);
        }
        source.signal(bitsOf(result));
    }

    private void hungUp(StreamSource source, int slot, int result, boolean more) {
        if (!more) flags[slot] &= ~AWAITING_HANG_UP;
        if ((flags[slot] & CLOSING) != 0) return;
        boolean detaching = isDetaching(slot);
        if (detaching && result == -Errno.ECANCELED) return; // asked for again when it is attached
        if ((result & (Poll.POLLHUP | Poll.POLLERR)) != 0 || result < 0) source.signal(EventSource.HANG_UP);
        else if (!more && !detaching) awaitHangUp(source);
        // else the peer has ended its direction only, which io_uring's poll always reports too
    }

    private static int bitsOf(int pollMask) {
        if (pollMask < 0) return EventSource.READABLE | EventSource.WRITABLE | EventSource.HANG_UP;
        int bits = 0;
        if ((pollMask & (Poll.POLLIN | Poll.POLLRDHUP | Poll.POLLHUP | Poll.POLLERR)) != 0) bits |= EventSource.READABLE;
        if ((pollMask & (Poll.POLLOUT | Poll.POLLHUP | Poll.POLLERR)) != 0) bits |= EventSource.WRITABLE;
        if ((pollMask & (Poll.POLLHUP | Poll.POLLERR)) != 0) bits |= EventSource.HANG_UP;
        if ((pollMask & Poll.POLLPRI) != 0) bits |= EventSource.PRIORITY;
        return bits;
    }

    @Override public boolean caughtUp() { return ring.completions() == 0 && !ring.mustEnter(); }

    @Override public boolean hasDeferredWork() {
        return (UringInput) ERRANDS.getOpaque(this) != null
                || starvedCount > 0 && (buffers.hasProvided() || buffers.hasReturned() || blocks.hasRoom());
    }

    @Override public void wake() { EventFd.write(wakeErrno, wakeFd, 1); }

    /** Any thread, after it has given back a buffer of this queue's ring, or a block of its pool. */
    private void wakeIfStarved() {
        if (bufferGate.claimWake()) wake();
    }

    /** The runner of a stream that is registered here, away from home: has home arm its receive again. */
    private void sendErrand(UringInput input) {
        UringInput top;
        do {
            top = (UringInput) ERRANDS.getOpaque(this);
            input.nextErrand = top;
        } while (!ERRANDS.weakCompareAndSetRelease(this, top, input)); // publishes the link; pairs with takeErrands
        if (errandGate.claimWake()) wake();
    }

    /**
     * Does what others have asked for. Also before a source leaves: its runner's last errand came before, since whoever makes it leave has its
     * colour, so none is left behind that would be done for a source of another queue.
     */
    private void takeErrands() {
        if ((UringInput) ERRANDS.getOpaque(this) == null) return;
        UringInput input = (UringInput) ERRANDS.getAndSetAcquire(this, (UringInput) null); // pairs with sendErrand
        while (input != null) {
            UringInput below = input.nextErrand;
            input.nextErrand = null;
            resume(input.source);
            input = below;
        }
    }

    // ------------------------------------------------------------------------------------------------------------ registering

    private int register(EventSource source, int initialFlags) {
        int slot = table.add(source);
        if (slot >= flags.length) grow();
        flags[slot] = initialFlags;
        inFlight[slot] = 0;
        interest[slot] = 0;
        return slot;
    }

    private void grow() {
        int n = 2 * flags.length;
        flags = Arrays.copyOf(flags, n);
        inFlight = Arrays.copyOf(inFlight, n);
        interest = Arrays.copyOf(interest, n);
    }

    @Override public int openStream(StreamSource source) {
        source.setInput(new UringInput(source, queues));
        armReceive(source, register(source, OPENED));
        return 0;
    }

    @Override public int openConnecting(StreamSource source) {
        source.setInput(new UringInput(source, queues));
        register(source, 0);
        awaitWritable(source);
        return 0;
    }

    @Override public int connected(StreamSource source) {
        flags[source.slot()] |= OPENED;
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

    // ------------------------------------------------------------------------------------------------------------------ moving

    @Override public boolean detach(EventSource source) {
        if (source.home() != this) return false;
        int slot = source.slot();
        assert (flags[slot] & DETACHING) == 0 : source;
        takeErrands();
        int carried = flags[slot] & CARRIED | interest[slot] << CARRIED_INTEREST_SHIFT;
        if (source instanceof AcceptSource && (flags[slot] & RECEIVING) != 0) carried |= OPENED;
        source.carry(carried);
        flags[slot] = flags[slot] & ~STARVED | DETACHING;
        if (inFlight[slot] > 0) cancelInFlight(source, slot);
        else letGo(source, slot);
        return true;
    }

    /** The kernel has nothing of this source any more. */
    private void letGo(EventSource source, int slot) {
        table.remove(slot);
        if ((flags[slot] & ELSEWHERE) != 0) source.deliverClosing();
        if ((flags[slot] & CLOSING) != 0) return;
        source.leave();
        source.deliverDetached(); // last: it may attach the source again
    }

    @Override public int attach(EventSource source) {
        assert source.home() == null && source.fd() >= 0 : source;
        int carried = source.carried();
        int slot = register(source, carried & (PAUSED | OPENED | STALLED | ENDED));
        interest[slot] = carried >>> CARRIED_INTEREST_SHIFT;
        if (source instanceof AcceptSource acceptor) {
            if ((carried & OPENED) != 0) armAccept(acceptor, slot);
        } else if ((carried & WATCHED) != 0) {
            armPoll(source, slot);
        } else if ((carried & (PAUSED | OPENED | STALLED | ENDED)) == OPENED) {
            armReceive((StreamSource) source, slot); // however much waits: what was received before stays before
        }
        if ((carried & AWAITING_OUT) != 0) awaitWritable(source);
        if ((carried & AWAITING_HANG_UP) != 0) awaitHangUp((StreamSource) source);
        return 0;
    }

    // ------------------------------------------------------------------------------------------------------------- submitting

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
        assert (flags[slot] & (RECEIVING | STARVED | STALLED | ENDED)) == 0 : source;
        long sqe = prepare(IoUring.IORING_OP_RECV, source.fd(), userData(OP_RECEIVE, slot));
        putByte(sqe + Sqe.FLAGS, (byte) IoUring.IOSQE_BUFFER_SELECT);
        // Whatever there is to be received, the kernel looks for a buffer first, unless it is told to wait for data.
        int waitsFirst = buffers.hasProvided() ? 0 : IoUring.IORING_RECVSEND_POLL_FIRST;
        putShort(sqe + Sqe.IOPRIO, (short) (IoUring.IORING_RECV_MULTISHOT | waitsFirst));
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
        // A wake-up that says what it is for passes io_uring only if it matches something besides POLLPRI (io_poll_wake); sockets have POLLRDBAND in it, and nobody else.
        if ((interest[slot] & EventSource.PRIORITY) != 0) mask |= Poll.POLLPRI | Poll.POLLRDBAND;
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
        UringInput input = inputOf(source);
        int buffer = nextBuffer(input);
        if (buffer < 0) return nothingReceived(input, buffer);
        input.takeBuffer();
        currentBuffer = buffer;
        BufferRing ring = queueOf(buffer).buffers;
        inputAddress = ring.dataAddress(buffer);
        return ring.dataLength(buffer);
    }

    @Override public int receive(StreamSource source, long address, int capacity) {
        UringInput input = inputOf(source);
        if (input.peek() == UringInput.STALLED && input.isStarved()) {
            int n;
            do n = Sockets.recv(errno, source.fd(), address, capacity, Sockets.MSG_DONTWAIT);
            while (n == -Errno.EINTR);
            if (n != WOULD_BLOCK) return n; // nothing is armed before the mark has been taken
            takeMark(input, false);
            return WOULD_BLOCK;
        }
        int buffer = nextBuffer(input);
        if (buffer < 0) return nothingReceived(input, buffer);
        BufferRing ring = queueOf(buffer).buffers;
        int n = Math.min(capacity, ring.dataLength(buffer));
        NativeMemory.copy(ring.dataAddress(buffer), address, n);
        ring.take(buffer, n);
        if (ring.dataLength(buffer) == 0) {
            input.takeBuffer();
            giveBack(buffer);
        }
        return n;
    }

    private static UringInput inputOf(StreamSource source) { return (UringInput) source.input(); }

    private UringQueue queueOf(int buffer) { return buffer >>> BufferRing.NUMBER_BITS == number ? this : queues.of(buffer); }

    /** Returns the oldest buffer without taking it, or NONE or END. */
    private int nextBuffer(UringInput input) {
        int entry = input.peek();
        if (entry != UringInput.STALLED) return entry;
        takeMark(input, input.isStarved());
        return UringInput.NONE; // nothing follows a mark
    }

    private void takeMark(UringInput input, boolean awaitsBuffers) {
        input.awaitsBuffers = awaitsBuffers;
        input.takeMark();
        StreamSource source = input.source;
        if (source.home() == this) resume(source);
        else if (source.home() == null) source.carry(source.carried() & ~STALLED); // armed when it is attached
        else ((UringQueue) source.home()).sendErrand(input);
    }

    private static int nothingReceived(UringInput input, int entry) { return entry == UringInput.END ? input.end() : WOULD_BLOCK; }

    /** Arms a receive that had ended while input was waiting: that has been taken now. */
    private void resume(StreamSource source) {
        int slot = source.slot();
        flags[slot] &= ~STALLED;
        if ((flags[slot] & (PAUSED | DETACHING)) != 0) return;
        if (inputOf(source).awaitsBuffers) starve(slot);
        else armReceive(source, slot);
    }

    @Override public void leaveInput(StreamSource source) {
        giveBack(currentBuffer);
        currentBuffer = UringInput.NONE;
    }

    @Override public long keepInput(StreamSource source) {
        int buffer = currentBuffer;
        currentBuffer = UringInput.NONE;
        UringQueue owner = queueOf(buffer);
        if (owner == this) {
            recycled = true;
            return buffers.replace(buffer);
        }
        // The block is another pool's and stays so: copying it would cost more than its way back, and could fail.
        long block = owner.buffers.giveBackVacant(buffer);
        owner.wakeIfStarved();
        return block;
    }

    /** Gives a buffer back to whose it is. */
    private void giveBack(int buffer) {
        UringQueue owner = queueOf(buffer);
        if (owner == this) {
            recycle(buffer);
        } else {
            owner.buffers.giveBack(buffer);
            owner.wakeIfStarved();
        }
    }

    private void recycle(int buffer) {
        buffers.recycle(buffer);
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
            if ((flags[slot] & (PAUSED | CLOSING)) == 0) armReceive((StreamSource) table.get(slot), slot);
        }
    }

    @Override public void pauseReceiving(StreamSource source, boolean paused) {
        int slot = source.slot();
        if (paused) {
            flags[slot] |= PAUSED;
            if ((flags[slot] & RECEIVING) != 0) cancel(userData(OP_RECEIVE, slot));
        } else {
            flags[slot] &= ~PAUSED;
            // If the cancelled receive has not come back yet, its completion arms it again.
            if ((flags[slot] & (OPENED | RECEIVING | STARVED | STALLED | ENDED)) != OPENED) return;
            if (inputOf(source).waiting() > 0) stall(source, slot, false); // the source calls receive()
            else armReceive(source, slot);
        }
    }

    // ---------------------------------------------------------------------------------------------------------------- sending

    @Override public int send(StreamSource source, long address, int length) {
        if (source.home() != this) return sendNow(source, address, length);
        int slot = source.slot();
        long sqe = prepare(IoUring.IORING_OP_SEND, source.fd(), userData(OP_SEND, slot));
        putLong(sqe + Sqe.ADDR, address);
        putInt(sqe + Sqe.LEN, length);
        putInt(sqe + Sqe.OP_FLAGS, Sockets.MSG_NOSIGNAL);
        inFlight[slot]++;
        return PENDING;
    }

    private int sendNow(StreamSource source, long address, int length) {
        int n;
        do n = Sockets.send(errno, source.fd(), address, length, Sockets.MSG_NOSIGNAL | Sockets.MSG_DONTWAIT);
        while (n == -Errno.EINTR);
        return n;
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

    // ------------------------------------------------------------------------------------------------------------------ files

    @Override public boolean takes(FileCall.Kind kind) { return calls.takes(kind); }

    @Override public void submit(FileCall call) {
        calls.add(call);
        long sqe = ring.nextSqe();
        putLong(sqe + Sqe.USER_DATA, fileData(call));
        calls.fill(sqe, call);
    }

    private long fileData(FileCall call) { return (long) calls.generation(call) << 40 | (long) call.slot() << 8 | OP_FILE; }

    @Override public void cancel(FileCall call) { cancel(fileData(call)); }

    @Override public void register(int piece, long address, long lengthBytes) { calls.register(piece, address, lengthBytes); }

    @Override public void unregister(int piece) { calls.unregister(piece); }

    // ---------------------------------------------------------------------------------------------------------------- closing

    @Override public void close(EventSource source, boolean keepDescriptor) {
        int slot = source.slot();
        int fd = source.fd();
        boolean elsewhere = !keepDescriptor && source.isClosedElsewhere();
        if (slot >= 0) {
            assert source.home() == this : source;
            flags[slot] = flags[slot] & ~STARVED | CLOSING | DETACHING | (elsewhere ? ELSEWHERE : 0); // DETACHING: no errand arms anything
            takeErrands();
        }
        if (source instanceof StreamSource stream) dropInput(stream);
        if (slot >= 0 && inFlight[slot] > 0) cancelInFlight(source, slot);
        if (!keepDescriptor && !elsewhere) {
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
        if (slot < 0 && elsewhere) source.deliverClosing();
        if (slot >= 0 && inFlight[slot] == 0) letGo(source, slot);
    }

    private void dropInput(StreamSource source) {
        UringInput input = inputOf(source);
        for (int entry; (entry = input.peek()) != UringInput.NONE; ) {
            if (entry < 0) {
                input.takeMark();
            } else {
                input.takeBuffer();
                giveBack(entry);
            }
        }
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

    @Override public void forEachSource(Consumer<EventSource> action) { table.forEach(action); }

    @Override public int sourceCount() { return table.count() + calls.count(); }

    @Override public void close() {
        if (ring.hasUnsubmitted()) ring.enter(0, 0);
        blocks.onReturn(null);
        queues.remove(number);
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
                queue = new UringQueue(pool, new UringQueues(), 8, 32, 8, 4);
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
