package org.libtorque.sys;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** Descriptors that become ready (eventfd, timerfd), what waits for them (poll), and the clocks they go by. */
class ReadinessKernelTest extends KernelFixture {
    private static final int FLAGS = TimerFd.TFD_NONBLOCK | TimerFd.TFD_CLOEXEC;

    @Test
    void aCounterAddsUpAndIsTakenWhole() {
        int fd = fd(EventFd.create(errno, 3, EventFd.EFD_NONBLOCK | EventFd.EFD_CLOEXEC));
        ok(EventFd.write(errno, fd, 4));
        assertEquals(7, EventFd.read(errno, fd));
        fails(Errno.EAGAIN, EventFd.read(errno, fd));
        ok(EventFd.write(errno, fd, -2));                                  // 2^64 - 2, the largest
        fails(Errno.EAGAIN, EventFd.write(errno, fd, 1));
        assertEquals(Long.MAX_VALUE, EventFd.read(errno, fd));
        fails(Errno.EINVAL, EventFd.write(errno, fd, -1));
    }

    @Test
    void aSemaphoreIsTakenOneByOne() {
        int fd = fd(EventFd.create(errno, 2, EventFd.EFD_NONBLOCK | EventFd.EFD_SEMAPHORE));
        assertEquals(1, EventFd.read(errno, fd));
        assertEquals(1, EventFd.read(errno, fd));
        fails(Errno.EAGAIN, EventFd.read(errno, fd));
    }

    @Test
    void aTimerExpiresOnceAndCountsPeriods() {
        int fd = fd(TimerFd.create(errno, Clocks.CLOCK_MONOTONIC, FLAGS));
        fails(Errno.EAGAIN, TimerFd.read(errno, fd));
        ok(TimerFd.arm(errno, fd, 0, 2_000_000, 0));
        assertEquals(Poll.POLLIN, Poll.poll(errno, fd, Poll.POLLIN, 5_000));
        assertEquals(1, TimerFd.read(errno, fd));
        ok(TimerFd.arm(errno, fd, 0, 1, 1_000_000));
        long start = Clocks.nanos(errno, Clocks.CLOCK_MONOTONIC);
        while (Clocks.nanos(errno, Clocks.CLOCK_MONOTONIC) - start < 5_000_000) Thread.onSpinWait();
        assertTrue(TimerFd.read(errno, fd) >= 4);
    }

    @Test
    void aTimerCanBeSetToAPointOfTimeAndDisarmed() {
        int fd = fd(TimerFd.create(errno, Clocks.CLOCK_MONOTONIC, FLAGS));
        long now = Clocks.nanos(errno, Clocks.CLOCK_MONOTONIC);
        ok(TimerFd.arm(errno, fd, TimerFd.TFD_TIMER_ABSTIME, now - 1_000_000, 0));
        assertEquals(1, TimerFd.read(errno, fd));
        ok(TimerFd.arm(errno, fd, 0, 3_600_000_000_000L, 7_000_000_001L));
        long spec = memory(TimerFd.Itimerspec.SIZE);
        ok(TimerFd.gettime(errno, fd, spec));
        assertEquals(7_000_000_001L, Clocks.Timespec.get(spec + TimerFd.Itimerspec.IT_INTERVAL));
        long left = Clocks.Timespec.get(spec + TimerFd.Itimerspec.IT_VALUE);
        assertTrue(left > 3_590_000_000_000L && left <= 3_600_000_000_000L, left + " ns left");
        ok(TimerFd.arm(errno, fd, 0, 0, 0));
        ok(TimerFd.gettime(errno, fd, spec));
        assertEquals(0, Clocks.Timespec.get(spec + TimerFd.Itimerspec.IT_VALUE));
        fails(Errno.EINVAL, TimerFd.create(errno, 4711, 0));
    }

    @Test
    void clocksAdvance() {
        long monotonic = Clocks.nanos(errno, Clocks.CLOCK_MONOTONIC);
        assertTrue(Clocks.nanos(errno, Clocks.CLOCK_MONOTONIC) >= monotonic);
        long wall = Clocks.nanos(errno, Clocks.CLOCK_REALTIME);
        assertTrue(Math.abs(wall / 1_000_000 - System.currentTimeMillis()) < 60_000);
        assertTrue(Clocks.nanos(errno, Clocks.CLOCK_THREAD_CPUTIME_ID) > 0);
        long resolution = Clocks.resolutionNanos(errno, Clocks.CLOCK_MONOTONIC);
        assertTrue(resolution >= 1 && resolution < 100_000_000, resolution + " ns");
        fails(Errno.EINVAL, Clocks.nanos(errno, 4711));
    }

    @Test
    void pollReportsWhatIsReadyAndWhatIsBroken() {
        int counter = fd(EventFd.create(errno, 0, EventFd.EFD_NONBLOCK));
        assertEquals(0, Poll.poll(errno, counter, Poll.POLLIN, 0));
        assertEquals(Poll.POLLOUT, Poll.poll(errno, counter, Poll.POLLIN | Poll.POLLOUT, 0));
        assertEquals(Poll.POLLNVAL, Poll.poll(errno, 1_000_000, Poll.POLLIN, 0));
        long fds = memory(2 * Poll.Pollfd.SIZE);
        NativeMemory.putInt(fds + Poll.Pollfd.FD, -1);                     // ignored
        NativeMemory.putInt(fds + Poll.Pollfd.SIZE + Poll.Pollfd.FD, counter);
        NativeMemory.putShort(fds + Poll.Pollfd.SIZE + Poll.Pollfd.EVENTS, (short) Poll.POLLIN);
        ok(EventFd.write(errno, counter, 1));
        assertEquals(1, Poll.poll(errno, fds, 2, 1_000));
        assertEquals(Poll.POLLIN, NativeMemory.getShort(fds + Poll.Pollfd.SIZE + Poll.Pollfd.REVENTS));
    }
}
