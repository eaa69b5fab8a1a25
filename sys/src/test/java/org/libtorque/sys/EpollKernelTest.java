package org.libtorque.sys;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class EpollKernelTest extends KernelFixture {
    private static final int MAX = 4;
    private final long events = memory(MAX * Epoll.Event.SIZE);
    private int efd;
    private int counter;

    @BeforeEach
    void open() {
        efd = fd(Epoll.create1(errno, Epoll.EPOLL_CLOEXEC));
        counter = fd(EventFd.create(errno, 0, EventFd.EFD_NONBLOCK | EventFd.EFD_CLOEXEC));
    }

    @Test
    void aReadyDescriptorIsReportedWithItsData() {
        ok(Epoll.ctl(errno, efd, Epoll.EPOLL_CTL_ADD, counter, Epoll.EPOLLIN, 0xfedcba9876543210L));
        assertEquals(0, Epoll.await(errno, efd, events, MAX, 0));
        ok(EventFd.write(errno, counter, 7));
        assertEquals(1, Epoll.await(errno, efd, events, MAX, -1));
        assertEquals(Epoll.EPOLLIN, NativeMemory.getInt(events + Epoll.Event.EVENTS));
        assertEquals(0xfedcba9876543210L, NativeMemory.getLong(events + Epoll.Event.DATA));
    }

    @Test
    void eventsOfSeveralDescriptorsLieOneEventSizeApart() {
        int other = fd(EventFd.create(errno, 1, EventFd.EFD_NONBLOCK));
        ok(Epoll.ctl(errno, efd, Epoll.EPOLL_CTL_ADD, counter, Epoll.EPOLLIN, 1));
        ok(Epoll.ctl(errno, efd, Epoll.EPOLL_CTL_ADD, other, Epoll.EPOLLIN, 2));
        ok(EventFd.write(errno, counter, 1));
        assertEquals(2, Epoll.await(errno, efd, events, MAX, 0));
        long sum = 0;
        for (int i = 0; i < 2; i++) sum += NativeMemory.getLong(events + i * Epoll.Event.SIZE + Epoll.Event.DATA);
        assertEquals(3, sum);
    }

    @Test
    void anEdgeIsReportedOnce() {
        ok(Epoll.ctl(errno, efd, Epoll.EPOLL_CTL_ADD, counter, Epoll.EPOLLIN | Epoll.EPOLLET, 0));
        ok(EventFd.write(errno, counter, 1));
        assertEquals(1, Epoll.await(errno, efd, events, MAX, 0));
        assertEquals(0, Epoll.await(errno, efd, events, MAX, 0));
        ok(EventFd.write(errno, counter, 1));
        assertEquals(1, Epoll.await(errno, efd, events, MAX, 0));
    }

    @Test
    void oneShotStaysSilentUntilRearmed() {
        ok(EventFd.write(errno, counter, 1));
        ok(Epoll.ctl(errno, efd, Epoll.EPOLL_CTL_ADD, counter, Epoll.EPOLLIN | Epoll.EPOLLONESHOT, 0));
        assertEquals(1, Epoll.await(errno, efd, events, MAX, 0));
        assertEquals(0, Epoll.await(errno, efd, events, MAX, 0));
        ok(Epoll.ctl(errno, efd, Epoll.EPOLL_CTL_MOD, counter, Epoll.EPOLLIN | Epoll.EPOLLONESHOT, 0));
        assertEquals(1, Epoll.await(errno, efd, events, MAX, 0));
    }

    @Test
    void aRemovedDescriptorIsForgotten() {
        ok(EventFd.write(errno, counter, 1));
        ok(Epoll.ctl(errno, efd, Epoll.EPOLL_CTL_ADD, counter, Epoll.EPOLLIN, 0));
        ok(Epoll.ctl(errno, efd, Epoll.EPOLL_CTL_DEL, counter, 0L));
        assertEquals(0, Epoll.await(errno, efd, events, MAX, 0));
        fails(Errno.ENOENT, Epoll.ctl(errno, efd, Epoll.EPOLL_CTL_DEL, counter, 0L));
    }

    @Test
    void theHalfClosedPeerIsReported() {
        long pair = memory(8);
        ok(Sockets.socketpair(errno, Sockets.AF_UNIX, Sockets.SOCK_STREAM, 0, pair));
        int near = fd(NativeMemory.getInt(pair));
        int far = fd(NativeMemory.getInt(pair + 4));
        ok(Epoll.ctl(errno, efd, Epoll.EPOLL_CTL_ADD, near, Epoll.EPOLLIN | Epoll.EPOLLRDHUP, 0));
        ok(Sockets.shutdown(errno, far, Sockets.SHUT_WR));
        assertEquals(1, Epoll.await(errno, efd, events, MAX, 0));
        assertEquals(Epoll.EPOLLIN | Epoll.EPOLLRDHUP, NativeMemory.getInt(events + Epoll.Event.EVENTS));
    }

    @Test
    void failuresAreNegatedErrnos() {
        ok(Epoll.ctl(errno, efd, Epoll.EPOLL_CTL_ADD, counter, Epoll.EPOLLIN, 0));
        fails(Errno.EEXIST, Epoll.ctl(errno, efd, Epoll.EPOLL_CTL_ADD, counter, Epoll.EPOLLIN, 0));
        fails(Errno.EBADF, Epoll.ctl(errno, efd, Epoll.EPOLL_CTL_ADD, 1_000_000, Epoll.EPOLLIN, 0));
        fails(Errno.EINVAL, Epoll.await(errno, efd, events, 0, 0));
        int file = fd(Files.open(errno, memory("/proc/self/exe"), Files.O_RDONLY | Files.O_CLOEXEC, 0));
        fails(Errno.EPERM, Epoll.ctl(errno, efd, Epoll.EPOLL_CTL_ADD, file, Epoll.EPOLLIN, 0));
    }

    @Test
    void timeoutsAreKeptInMillisecondsAndInNanoseconds() {
        long start = System.nanoTime();
        assertEquals(0, Epoll.await(errno, efd, events, MAX, 5));
        assertTrue(System.nanoTime() - start >= 5_000_000);
        start = System.nanoTime();
        assertEquals(0, Epoll.pwait2(errno, efd, events, MAX, 300_000));
        long took = System.nanoTime() - start;
        assertTrue(took >= 300_000, took + " ns");
        assertEquals(0, Epoll.pwait2(errno, efd, events, MAX, 0));
    }

    @Test
    void theNanosecondWaitReportsEvents() {
        ok(EventFd.write(errno, counter, 1));
        ok(Epoll.ctl(errno, efd, Epoll.EPOLL_CTL_ADD, counter, Epoll.EPOLLIN, 42));
        assertEquals(1, Epoll.pwait2(errno, efd, events, MAX, -1));
        assertEquals(42, NativeMemory.getLong(events + Epoll.Event.DATA));
    }

    @Test
    void operationsHaveNames() {
        assertEquals("ADD MOD DEL 9", Epoll.opName(Epoll.EPOLL_CTL_ADD) + " " + Epoll.opName(Epoll.EPOLL_CTL_MOD) + " "
                + Epoll.opName(Epoll.EPOLL_CTL_DEL) + " " + Epoll.opName(9));
    }
}
