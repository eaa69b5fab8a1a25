package org.libtorque.vcore;

import java.util.function.Function;
import org.libtorque.memory.BlockPool;
import org.libtorque.vcore.epoll.EpollQueue;
import org.libtorque.vcore.uring.UringQueue;

/** Which kernel interface a vcore's event queue uses. */
public enum Backend {
    /** io_uring if it works here, else epoll. */
    AUTO,
    /** epoll(7), on every kernel. */
    EPOLL,
    /** io_uring(7), Linux 6.1 or later. */
    IO_URING;

    /**
     * The outcome of {@link #choose}.
     *
     * @param backend {@link #EPOLL} or {@link #IO_URING}
     * @param reason  why, in words for the log
     * @param opener  makes the event queues of one runtime, between which sources can move; to be called on the threads that will use them
     */
    public record Choice(Backend backend, String reason, Function<BlockPool, EventQueue> opener) {}

    /**
     * Settles on a backend by trying it: a ring is set up as a vcore would, and a byte is received through it.
     *
     * @throws UnsupportedOperationException if {@link #IO_URING} is asked for and does not work here; the message says why
     */
    public Choice choose() {
        if (this == EPOLL) return epoll("as asked for");
        String problem = UringQueue.probe();
        if (problem == null) {
            return new Choice(IO_URING, this == IO_URING ? "as asked for" : "it works here and costs fewer system calls than epoll",
                    UringQueue.opener());
        }
        if (this == IO_URING) throw new UnsupportedOperationException("io_uring cannot be used here: " + problem + "; use --backend=auto or epoll");
        return epoll("io_uring cannot be used: " + problem);
    }

    private static Choice epoll(String reason) { return new Choice(EPOLL, reason, EpollQueue::new); }

    /** Returns the name as it is written in options and logs: {@code auto}, {@code epoll}, {@code io_uring}. */
    public String optionName() { return name().toLowerCase(java.util.Locale.ROOT); }
}
