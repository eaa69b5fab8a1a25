package org.libtorque.event;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.EventFd;
import org.libtorque.sys.Files;
import org.libtorque.sys.NativeMemory;
import org.libtorque.sys.Poll;
import org.libtorque.sys.SyscallException;
import org.libtorque.sys.Uninterruptibly;

/**
 * Has SIGTERM and SIGINT stop a runtime while it is open: the first one drains, the second ends the process at once. Whoever else registered for them is told too.
 *
 * <p>Where they come by signalfd, a thread of its own waits for them, and not a vcore: a program whose vcores are all stuck must still be ended by the second signal.
 */
final class StopSignals implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger("org.libtorque");
    private static final Signal[] SIGNALS = {Signal.TERM, Signal.INT};

    private final AtomicBoolean seen = new AtomicBoolean();
    private final Runnable stop;
    private final Duration drainTimeout;
    private final List<Taken> taken = new ArrayList<>();
    /** Ends the thread; -1 if there is none. */
    private int wakeFd = -1;
    private Thread waiter;

    /**
     * @param stop         called at the first signal, on any thread
     * @param drainTimeout for the log
     */
    StopSignals(Runnable stop, Duration drainTimeout) {
        this.stop = stop;
        this.drainTimeout = drainTimeout;
        boolean descriptors = false;
        for (Signal signal : SIGNALS) {
            try {
                var one = new Taken(signal);
                taken.add(one);
                descriptors |= one.fd >= 0;
            } catch (UnsupportedOperationException | IOException e) {
                LOG.log(System.Logger.Level.WARNING, "{0} will end the process without draining, or do nothing: {1}", signal, e.getMessage());
            }
        }
        if (descriptors) startWaiter();
    }

    /** One signal that is taken. */
    private final class Taken implements SignalHub.Member {
        final Signal signal;
        final SignalHub hub;
        final int fd;

        Taken(Signal signal) throws IOException {
            this.signal = signal;
            this.hub = SignalHub.of(signal);
            this.fd = hub.join();
            hub.add(this);
        }

        @Override public int room() { return Integer.MAX_VALUE; }

        /** On whatever thread took the signal, which need not be ours. */
        @Override public void offer(SignalInfo info) { received(signal); }

        void end() {
            hub.leave(this);
            if (fd >= 0) Files.close(ErrnoSlot.current(), fd);
        }
    }

    private void received(Signal signal) {
        if (!seen.compareAndSet(false, true)) java.lang.Runtime.getRuntime().halt(128 + signal.number());
        LOG.log(System.Logger.Level.INFO, "{0}: draining for up to {1} s; a second signal ends the process at once", signal, drainTimeout.toSeconds());
        stop.run();
    }

    private void startWaiter() {
        wakeFd = SyscallException.check(EventFd.create(ErrnoSlot.current(), 0, EventFd.EFD_CLOEXEC), "eventfd", "0");
        waiter = Thread.ofPlatform().daemon().name("torque-stop-signals").start(this::await);
    }

    private void await() {
        try (var arena = java.lang.foreign.Arena.ofConfined()) {
            ErrnoSlot errno = ErrnoSlot.current();
            long memory = arena.allocate(SignalHub.BATCH_BYTES, 16).address();
            int count = taken.size() + 1;
            long fds = arena.allocate(count * Poll.Pollfd.SIZE, 16).address();
            while (true) {
                for (int i = 0; i < count; i++) {
                    long entry = fds + i * Poll.Pollfd.SIZE;
                    NativeMemory.putInt(entry + Poll.Pollfd.FD, i == 0 ? wakeFd : taken.get(i - 1).fd); // -1: the kernel passes over it
                    NativeMemory.putShort(entry + Poll.Pollfd.EVENTS, (short) Poll.POLLIN);
                    NativeMemory.putShort(entry + Poll.Pollfd.REVENTS, (short) 0);
                }
                Poll.poll(errno, fds, count, -1);
                if (NativeMemory.getShort(fds + Poll.Pollfd.REVENTS) != 0) return;
                for (Taken one : taken) {
                    if (one.fd >= 0) one.hub.pump(one.fd, errno, memory);
                }
            }
        }
    }

    @Override public void close() {
        if (waiter != null) {
            EventFd.write(ErrnoSlot.current(), wakeFd, 1);
            Uninterruptibly.await(waiter::join); // it ends as soon as it has looked
            Files.close(ErrnoSlot.current(), wakeFd);
        }
        for (Taken one : taken) one.end();
    }
}
