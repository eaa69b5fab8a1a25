package org.libtorque.sys;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import org.junit.jupiter.api.Test;

class EpollKernelTest {
    private final ErrnoSlot errno = ErrnoSlot.allocate();

    @Test
    void anEventFdThatIsWrittenBecomesReadable() {
        try (Arena arena = Arena.ofConfined()) {
            long events = arena.allocate(4 * Epoll.Event.SIZE, 8).address();
            int efd = SyscallException.check(Epoll.create1(errno, Epoll.EPOLL_CLOEXEC), "epoll_create1", "EPOLL_CLOEXEC");
            int fd = SyscallException.check(EventFd.create(errno, 0, EventFd.EFD_NONBLOCK | EventFd.EFD_CLOEXEC), "eventfd", "0");
            assertEquals(0, Epoll.ctl(errno, efd, Epoll.EPOLL_CTL_ADD, fd, Epoll.EPOLLIN | Epoll.EPOLLET, 42));
            assertEquals(-Errno.EEXIST, Epoll.ctl(errno, efd, Epoll.EPOLL_CTL_ADD, fd, Epoll.EPOLLIN, 42));
            assertEquals(0, Epoll.await(errno, efd, events, 4, 0));
            assertEquals(0, EventFd.write(errno, fd, 7));
            assertEquals(1, Epoll.pwait2(errno, efd, events, 4, 1_000_000_000));
            assertEquals(Epoll.EPOLLIN, NativeMemory.getInt(events + Epoll.Event.EVENTS));
            assertEquals(42, NativeMemory.getLong(events + Epoll.Event.DATA));
            assertEquals(7, EventFd.read(errno, fd));
            assertEquals(-Errno.EAGAIN, EventFd.read(errno, fd));
            assertEquals(0, Files.close(errno, fd));
            assertEquals(0, Files.close(errno, efd));
        }
    }
}
