package org.libtorque.vcore.epoll;

import static org.libtorque.sys.Epoll.EPOLLERR;
import static org.libtorque.sys.Epoll.EPOLLET;
import static org.libtorque.sys.Epoll.EPOLLHUP;
import static org.libtorque.sys.Epoll.EPOLLIN;
import static org.libtorque.sys.Epoll.EPOLLOUT;
import static org.libtorque.sys.Epoll.EPOLLPRI;
import static org.libtorque.sys.Epoll.EPOLLRDHUP;
import static org.libtorque.sys.Epoll.EPOLL_CTL_ADD;
import static org.libtorque.sys.Epoll.EPOLL_CTL_DEL;
import static org.libtorque.sys.Epoll.EPOLL_CTL_MOD;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.function.Consumer;
import org.libtorque.memory.BlockPool;
import org.libtorque.sys.Affinity;
import org.libtorque.sys.Epoll;
import org.libtorque.sys.Errno;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.EventFd;
import org.libtorque.sys.Files;
import org.libtorque.sys.Handles;
import org.libtorque.sys.NativeMemory;
import org.libtorque.sys.Sockets;
import org.libtorque.sys.SyscallException;
import org.libtorque.vcore.AcceptSource;
import org.libtorque.vcore.EventQueue;
import org.libtorque.vcore.EventSource;
import org.libtorque.vcore.SourceTable;
import org.libtorque.vcore.StreamSource;

/**
 * The event queue over epoll(7), edge-triggered throughout.
 *
 * <p>Readiness only says where to look: the source's turn makes the system call. All streams of the vcore receive into one hot
 * block, which stays in cache. A receive that fills less than it could has emptied the socket, so the call that would only
 * return {@code EAGAIN} is saved (epoll(7), question 9), unless the peer's end was announced, which a short receive may hide.
 *
 * <p>{@code EPOLLOUT} is asked for when a send has first found the socket full, not before: registered from the start it would
 * cost every connection one event for nothing.
 *
 * <p>A runner that is not home receives and sends as home would: these are system calls, for which it does not matter where the socket is
 * registered. Only what the kernel is asked to report is home's.
 *
 * <p>Any thread may ask the kernel for the events of an epoll instance. So while the owner does not come, another vcore may take what there is ({@link #harvestBy}). A lock makes that one at a
 * time: inside it, events are taken and passed on, and sources come and go. It costs the owner an uncontended atomic operation for each harvest. Helpers only try. While the owner
 * waits in the kernel it does not hold the lock: should its CPU be taken away, others get what comes in. What the kernel has given it, it passes on inside.
 *
 * <p><em>Owns</em> the epoll descriptor, an eventfd for wake-ups, and one block of the pool. <em>Borrows</em> the pool.
 */
public final class EpollQueue extends EventQueue {
    private static final int MAX_EVENTS = 512;
    private static final int STREAM_EVENTS = EPOLLIN | EPOLLRDHUP | EPOLLET;
    private static final long WAKE_DATA = -1L;
    /** From here on the kernel's delay of a wait's end is more than 64 µs. */
    private static final long LONG_WAIT_NANOS = 1 << 26;

    /** Beside the events that a source is registered for, in a bit that epoll does not use: nothing readable is to be passed on. */
    private static final int PAUSED = 1 << 16;

    private static final int SPINS = 200;
    private static final VarHandle LOCK = Handles.field(MethodHandles.lookup(), "lock", int.class);

    private final ErrnoSlot errno = ErrnoSlot.allocate();
    private final BlockPool blocks;
    private final long scratch;
    private final long events;
    private final int maxEvents;
    private final SourceTable table = new SourceTable(this);
    /** By slot: events asked for, and PAUSED. */
    private int[] registered = new int[64];
    private final int efd;
    private final int wakeFd;
    private final ErrnoSlot wakeErrno = ErrnoSlot.allocate();
    private long hotBlock;
    private boolean caughtUp;
    /** Whether the kernel has epoll_pwait2(2). */
    private boolean hasNanoWait = true;
    /** 0, or 1 while somebody harvests or changes what is registered. */
    @SuppressWarnings("unused")
    private int lock;
    /** How often the owner has entered. Owner only. */
    private int entered;
    /** A helper has taken a wake-up that was meant for the owner. Guarded by the lock. */
    private boolean wakeTaken;
    /** The owner is waiting in the kernel, or about to. Guarded by the lock. */
    private boolean waiting;

    /**
     * @param blocks where receive buffers come from
     * @throws SyscallException if the process or system is out of descriptors
     */
    public EpollQueue(BlockPool blocks) {
        this.blocks = blocks;
        scratch = blocks.acquire();
        hotBlock = scratch == 0 ? 0 : blocks.acquire();
        int openEfd = -1;
        int openWakeFd = -1;
        try {
            if (hotBlock == 0) throw blocks.exhausted();
            openEfd = SyscallException.check(Epoll.create1(errno, Epoll.EPOLL_CLOEXEC), "epoll_create1", "EPOLL_CLOEXEC");
            openWakeFd = SyscallException.check(EventFd.create(errno, 0, EventFd.EFD_CLOEXEC | EventFd.EFD_NONBLOCK), "eventfd", "0");
            NativeMemory.putInt(scratch + Epoll.Event.EVENTS, EPOLLIN | EPOLLET);
            NativeMemory.putLong(scratch + Epoll.Event.DATA, WAKE_DATA);
            SyscallException.check(Epoll.ctl(errno, openEfd, EPOLL_CTL_ADD, openWakeFd, scratch), "epoll_ctl", "efd={}, op=ADD, fd={}", openEfd, openWakeFd);
        } catch (RuntimeException e) {
            if (openWakeFd >= 0) Files.close(errno, openWakeFd);
            if (openEfd >= 0) Files.close(errno, openEfd);
            if (hotBlock != 0) blocks.release(hotBlock);
            if (scratch != 0) blocks.release(scratch);
            throw e;
        }
        efd = openEfd;
        wakeFd = openWakeFd;
        events = scratch + 64;
        maxEvents = (int) Math.min(MAX_EVENTS, (blocks.blockBytes() - 64) / Epoll.Event.SIZE);
    }

    @Override public String name() { return "epoll"; }

    @Override public int harvest(int window, long timeoutNanos) {
        int wanted = Math.min(window, maxEvents);
        enter();
        try {
            boolean waits = timeoutNanos > 0 && !wakeTaken;
            wakeTaken = false;
            int n = pass(this, waits ? waitFor(wanted, timeoutNanos) : Epoll.await(errno, efd, events, wanted, 0), wanted);
            caughtUp = n < wanted;
            return n;
        } finally {
            leave();
        }
    }

    @Override public int harvestBy(EventQueue helper, int window) {
        if (!(helper instanceof EpollQueue other) || !tryEnter()) return 0;
        try {
            int wanted = Math.min(window, other.maxEvents);
            return pass(other, Epoll.await(other.errno, efd, other.events, wanted, 0), wanted);
        } finally {
            LOCK.setRelease(this, 0);
        }
    }

    @Override public boolean othersMayHarvest() { return true; }

    /** Waits outside the lock, which the owner holds before and after. */
    private int waitFor(int wanted, long timeoutNanos) {
        waiting = true;
        leave();
        try {
            return timeoutNanos == Long.MAX_VALUE ? Epoll.await(errno, efd, events, wanted, -1) : await(wanted, timeoutNanos);
        } finally {
            enter();
            waiting = false;
        }
    }

    /** Passes on the events that the kernel has given to the owner of a queue: of this one, or a helper's. */
    private int pass(EpollQueue here, int n, int wanted) {
        if (n < 0) {
            if (n == -Errno.EINTR) return 0; // a signal for a thread of the JVM; the loop comes back by itself
            throw new SyscallException("epoll_wait", "efd=" + efd + ", maxevents=" + wanted, -n);
        }
        for (int i = 0; i < n; i++) {
            long event = here.events + i * Epoll.Event.SIZE;
            long data = NativeMemory.getLong(event + Epoll.Event.DATA);
            if (data == WAKE_DATA) woken(here);
            else dispatch(data, NativeMemory.getInt(event + Epoll.Event.EVENTS));
        }
        return n;
    }

    /** Edge-triggered: each write is a new edge, so the counter need not be read. One that a helper finds is the owner's all the same: who waits, or is about to, gets another. */
    private void woken(EpollQueue here) {
        if (here == this) return;
        if (waiting) wake();
        else wakeTaken = true;
    }

    /**
     * Waits with a timeout. The kernel delays the end of a wait by up to a thousandth of its length, to let it coincide with others; so a long wait ends a little before its
     * time, and the rest, which the vcore comes back for, is exact to some tens of microseconds.
     */
    private int await(int wanted, long timeoutNanos) {
        long nanos = timeoutNanos < LONG_WAIT_NANOS ? timeoutNanos : timeoutNanos - (timeoutNanos >>> 9);
        if (hasNanoWait) {
            int n = Epoll.pwait2(errno, efd, events, wanted, nanos);
            // No such call before Linux 5.11; EPERM is what sandboxes of that time say to calls that they do not know.
            if (n != -Errno.ENOSYS && n != -Errno.EPERM) return n;
            hasNanoWait = false;
        }
        int millis = (int) Math.min(Integer.MAX_VALUE, (nanos - 1) / 1_000_000 + 1); // rounded up: waking early would mean turning in vain
        return Epoll.await(errno, efd, events, wanted, millis);
    }

    /** For tests: whether somebody is inside. Any thread. */
    boolean isEntered() { return (int) LOCK.getOpaque(this) != 0; }

    private boolean tryEnter() { return (int) LOCK.getOpaque(this) == 0 && LOCK.compareAndSet(this, 0, 1); }

    /** Owner only; may be nested, as when a source is detached because of what was harvested. */
    private void enter() {
        if (entered++ > 0) return;
        for (int i = 0; !tryEnter(); i++) {
            if (i < SPINS) Thread.onSpinWait();
            else Affinity.yieldCpu(); // the helper inside has been taken off its CPU. Not Thread.yield: a uthread that calls must not leave the vcore here
        }
    }

    private void leave() {
        if (--entered == 0) LOCK.setRelease(this, 0);
    }

    private void dispatch(long data, int mask) {
        int slot = (int) data;
        EventSource source = table.get(slot);
        if (source == null || table.generation(slot) != (int) (data >>> 32)) return; // closed since the kernel noted it
        int bits = 0;
        if ((mask & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
            if (source instanceof StreamSource stream) inputOf(stream).note((mask & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
            if ((registered[slot] & PAUSED) == 0) bits |= EventSource.READABLE;
        }
        if ((mask & EPOLLOUT) != 0) bits |= EventSource.WRITABLE;
        if ((mask & (EPOLLHUP | EPOLLERR)) != 0) bits |= EventSource.HANG_UP;
        if ((mask & EPOLLPRI) != 0) bits |= EventSource.PRIORITY;
        if (bits != 0) source.signal(bits);
    }

    @Override public boolean caughtUp() { return caughtUp; }

    @Override public boolean hasDeferredWork() { return false; }

    @Override public void wake() {
        // Concurrent callers share the errno slot; only the sign of the result is looked at, and EAGAIN (the counter is full,
        // so a wake-up is pending) is as good as success.
        EventFd.write(wakeErrno, wakeFd, 1);
    }

    @Override public int openStream(StreamSource source) {
        source.setInput(new EpollInput());
        return register(source, STREAM_EVENTS);
    }

    @Override public int openConnecting(StreamSource source) {
        source.setInput(new EpollInput());
        return register(source, STREAM_EVENTS | EPOLLOUT);
    }

    @Override public int connected(StreamSource source) { return 0; } // registered with everything from the start

    @Override public int listen(AcceptSource source) { return register(source, EPOLLIN | EPOLLET); }

    @Override public int watch(EventSource source, int interest) {
        int mask = EPOLLET | EPOLLRDHUP;
        if ((interest & EventSource.READABLE) != 0) mask |= EPOLLIN;
        if ((interest & EventSource.WRITABLE) != 0) mask |= EPOLLOUT;
        if ((interest & EventSource.PRIORITY) != 0) mask |= EPOLLPRI;
        int slot = source.slot();
        if (slot < 0) return register(source, mask);
        enter();
        int result = control(EPOLL_CTL_MOD, source.fd(), mask, dataOf(slot));
        if (result == 0) registered[slot] = mask;
        leave();
        return result;
    }

    private int register(EventSource source, int mask) {
        enter();
        int slot = table.add(source);
        if (slot >= registered.length) registered = Arrays.copyOf(registered, 2 * registered.length);
        registered[slot] = mask;
        int result = control(EPOLL_CTL_ADD, source.fd(), mask & ~PAUSED, dataOf(slot));
        if (result < 0) {
            table.remove(slot);
            source.leave();
        }
        leave();
        return result;
    }

    @Override public boolean detach(EventSource source) {
        if (source.home() != this) return false;
        enter();
        int slot = source.slot();
        source.carry(registered[slot]);
        control(EPOLL_CTL_DEL, source.fd(), 0, 0);
        table.remove(slot);
        source.leave();
        leave();
        source.deliverDetached();
        return true;
    }

    @Override public int attach(EventSource source) {
        assert source.home() == null && source.fd() >= 0 : source;
        return register(source, source.carried()); // adding looks at the descriptor: what is there by now is an edge
    }

    private long dataOf(int slot) { return (long) table.generation(slot) << 32 | slot; }

    private int control(int op, int fd, int mask, long data) {
        NativeMemory.putInt(scratch + Epoll.Event.EVENTS, mask);
        NativeMemory.putLong(scratch + Epoll.Event.DATA, data);
        return Epoll.ctl(errno, efd, op, fd, scratch);
    }

    @Override public int receive(StreamSource source) {
        if (hotBlock == 0 && (hotBlock = blocks.acquire()) == 0) return NO_BUFFERS;
        inputAddress = hotBlock;
        return receive(source, hotBlock, blocks.blockBytes());
    }

    @Override public int receive(StreamSource source, long address, int capacity) {
        EpollInput input = inputOf(source);
        int edges = input.edges();
        if (!input.unanswered(edges)) return WOULD_BLOCK;
        int n;
        do n = Sockets.recv(errno, source.fd(), address, capacity, 0);
        while (n == -Errno.EINTR);
        if (n == WOULD_BLOCK || n > 0 && n < capacity && !EpollInput.endAnnounced(edges)) input.answer(edges);
        return n;
    }

    private static EpollInput inputOf(StreamSource source) { return (EpollInput) source.input(); }

    @Override public void leaveInput(StreamSource source) {}

    @Override public long keepInput(StreamSource source) {
        long block = hotBlock;
        hotBlock = 0;
        return block;
    }

    @Override public void pauseReceiving(StreamSource source, boolean paused) {
        // Nothing to tell the kernel: an edge that comes meanwhile is noted and not passed on.
        enter();
        if (paused) registered[source.slot()] |= PAUSED;
        else registered[source.slot()] &= ~PAUSED;
        leave();
    }

    @Override public int send(StreamSource source, long address, int length) {
        int n;
        do n = Sockets.send(errno, source.fd(), address, length, Sockets.MSG_NOSIGNAL);
        while (n == -Errno.EINTR);
        if (n == WOULD_BLOCK && source.home() == this) awaitWritable(source);
        return n;
    }

    @Override public void awaitWritable(EventSource source) {
        int slot = source.slot();
        if ((registered[slot] & EPOLLOUT) != 0) return; // the edge will come
        enter();
        registered[slot] |= EPOLLOUT;
        // Modifying looks at the socket again, so room that appeared since the send is not missed.
        int result = control(EPOLL_CTL_MOD, source.fd(), registered[slot] & ~PAUSED, dataOf(slot));
        leave();
        SyscallException.check(result, "epoll_ctl", "efd={}, op=MOD, fd={}", efd, source.fd());
    }

    @Override public void awaitHangUp(StreamSource source) {} // EPOLLHUP and EPOLLERR are always reported

    @Override public int accept(AcceptSource source) {
        int fd;
        do fd = Sockets.accept4(errno, source.fd(), 0, 0, Sockets.SOCK_NONBLOCK | Sockets.SOCK_CLOEXEC);
        while (fd == -Errno.EINTR || fd == -Errno.ECONNABORTED); // the next in line may be fine
        return fd;
    }

    @Override public void close(EventSource source, boolean keepDescriptor) {
        int slot = source.slot();
        int fd = source.fd();
        boolean elsewhere = !keepDescriptor && source.isClosedElsewhere();
        if (slot >= 0) {
            assert source.home() == this : source;
            enter();
            if (keepDescriptor || elsewhere) control(EPOLL_CTL_DEL, fd, 0, 0);
            table.remove(slot);
            leave();
        }
        source.unbind();
        if (elsewhere) source.deliverClosing();
        else if (!keepDescriptor) Files.close(errno, fd); // takes the registration along
    }

    @Override public void forEachSource(Consumer<EventSource> action) { table.forEach(action); }

    @Override public int sourceCount() { return table.count(); }

    @Override public void close() {
        Files.close(errno, wakeFd);
        Files.close(errno, efd);
        if (hotBlock != 0) blocks.release(hotBlock);
        blocks.release(scratch);
        hotBlock = 0;
    }
}
