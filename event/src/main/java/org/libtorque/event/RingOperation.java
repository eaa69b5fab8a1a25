package org.libtorque.event;

import java.io.IOException;
import java.time.Duration;
import org.libtorque.sys.Errno;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Poll;
import org.libtorque.vcore.Placement;

/** Something with one outcome, which may be there at once; for {@link EventRing#submit}. */
public abstract class RingOperation {
    RingOperation() {}

    /** Returns the outcome if it is there without waiting, or null. Any thread. */
    abstract Object tryNow() throws IOException;

    /** Has the outcome told to a port, once. */
    abstract Registration start(TorqueRuntime runtime, RingPort port) throws IOException;

    /**
     * A descriptor's being ready, once: {@link RingEvent.Readiness}.
     *
     * @param fd       the caller's, and stays open until the outcome has come or the registration has ended
     * @param interest bits of {@link Watch#READABLE}, {@link Watch#WRITABLE} and {@link Watch#PRIORITY}
     */
    public static RingOperation ready(int fd, int interest) {
        Watch.checkInterest(interest);
        return new RingOperation() {
            @Override Object tryNow() throws IOException {
                TorqueRuntime.checkWatchable(fd);
                int events = ((interest & Watch.READABLE) != 0 ? Poll.POLLIN | Poll.POLLRDHUP : 0) | ((interest & Watch.WRITABLE) != 0 ? Poll.POLLOUT : 0)
                        | ((interest & Watch.PRIORITY) != 0 ? Poll.POLLPRI : 0);
                int result = Poll.poll(ErrnoSlot.current(), fd, events, 0);
                if (result < 0 && result != -Errno.EINTR) throw IoErrors.of(result, "poll", "fd={}", fd);
                return result <= 0 ? null : new RingEvent.Readiness(fd, bitsOf(result));
            }

            @Override Registration start(TorqueRuntime runtime, RingPort port) {
                return runtime.watch(fd, interest, Placement.near(), (watch, ready) -> {
                    watch.close();
                    port.onReady(watch, ready);
                });
            }
        };
    }

    private static int bitsOf(int events) {
        boolean hungUp = (events & (Poll.POLLHUP | Poll.POLLERR)) != 0;
        return ((events & (Poll.POLLIN | Poll.POLLRDHUP)) != 0 || hungUp ? Watch.READABLE : 0) | ((events & Poll.POLLOUT) != 0 ? Watch.WRITABLE : 0)
                | ((events & Poll.POLLPRI) != 0 ? Watch.PRIORITY : 0) | (hungUp ? Watch.HANG_UP : 0);
    }

    /** The end of a process: {@link RingEvent.ProcessExit}. See {@link org.libtorque.Torque#onExit(int, org.libtorque.vcore.Color, ExitHandler)}. */
    public static RingOperation exit(int pid) {
        return new RingOperation() {
            @Override Object tryNow() throws IOException {
                ExitStatus status = ExitSource.endedAlready(pid);
                return status == null ? null : new RingEvent.ProcessExit(pid, status);
            }

            @Override Registration start(TorqueRuntime runtime, RingPort port) throws IOException { return runtime.onExit(pid, null, runtime.newColor(Placement.near()), port); }
        };
    }

    /** A time's passing, once. One that is not above zero has passed. */
    public static RingOperation after(Duration delay) {
        return new RingOperation() {
            @Override Object tryNow() { return delay.compareTo(Duration.ZERO) <= 0 ? RingEvent.Mark.COMPLETE : null; }

            @Override Registration start(TorqueRuntime runtime, RingPort port) {
                return runtime.timer(TimerOptions.after(delay), runtime.newColor(Placement.near()), (timer, expirations) -> port.onComplete());
            }
        };
    }
}
