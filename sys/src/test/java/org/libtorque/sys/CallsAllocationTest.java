package org.libtorque.sys;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;
import org.libtorque.testkit.AllocationProbe;

/** The calls a loop makes allocate nothing once compiled, whether they succeed or fail. */
class CallsAllocationTest extends KernelFixture {
    private static final int WARM_UP = 20_000;
    private static final int RUNS = 10_000;

    @Test
    void sendingAndReceivingAllocateNothing() {
        long buffer = memory(64);
        ok(Sockets.socketpair(errno, Sockets.AF_UNIX, Sockets.SOCK_STREAM | Sockets.SOCK_NONBLOCK, 0, buffer));
        int near = fd(NativeMemory.getInt(buffer));
        int far = fd(NativeMemory.getInt(buffer + 4));
        AllocationProbe.assertAllocatesNothing(WARM_UP, RUNS, () -> {
            if (Sockets.send(errno, near, buffer, 64, Sockets.MSG_NOSIGNAL) != 64) throw new AssertionError();
            if (Sockets.recv(errno, far, buffer, 64, 0) != 64) throw new AssertionError();
            if (Sockets.recv(errno, far, buffer, 64, 0) != -Errno.EAGAIN) throw new AssertionError();
            if (Sockets.getsockoptInt(errno, far, Sockets.SOL_SOCKET, Sockets.SO_ERROR) != 0) throw new AssertionError();
        });
    }

    @Test
    void waitingAndWakingAllocateNothing() {
        int efd = fd(Epoll.create1(errno, Epoll.EPOLL_CLOEXEC));
        int counter = fd(EventFd.create(errno, 0, EventFd.EFD_NONBLOCK));
        long events = memory(8 * Epoll.Event.SIZE);
        ok(Epoll.ctl(errno, efd, Epoll.EPOLL_CTL_ADD, counter, Epoll.EPOLLIN | Epoll.EPOLLET, 1));
        AllocationProbe.assertAllocatesNothing(WARM_UP, RUNS, () -> {
            if (EventFd.write(errno, counter, 1) != 0) throw new AssertionError();
            if (Epoll.await(errno, efd, events, 8, 0) != 1) throw new AssertionError();
            if (Epoll.pwait2(errno, efd, events, 8, 0) != 0) throw new AssertionError();
            if (EventFd.read(errno, counter) != 1) throw new AssertionError();
            if (Epoll.ctl(errno, efd, Epoll.EPOLL_CTL_MOD, counter, Epoll.EPOLLIN | Epoll.EPOLLET, 1) != 0) {
                throw new AssertionError();
            }
        });
    }

    @Test
    void ringsFilesAndClocksAllocateNothing() {
        int file = fd(Files.memfdCreate(errno, memory("file"), 0));
        long buffer = memory(64);
        assertEquals(64, Files.pwrite(errno, file, buffer, 64, 0));
        AllocationProbe.assertAllocatesNothing(WARM_UP, RUNS, () -> {
            if (Files.pread(errno, file, buffer, 64, 0) != 64) throw new AssertionError();
            if (IoUring.enter(errno, -1, 0, 0, 0) != -Errno.EBADF) throw new AssertionError();
            if (Clocks.nanos(errno, Clocks.CLOCK_MONOTONIC) < 0) throw new AssertionError();
            if (Affinity.getcpu() < 0) throw new AssertionError();
            if (ErrnoSlot.current().get() < 0) throw new AssertionError();
        });
    }

    /** The JVM makes a slice of the capture segment for each call; that it is optimised away must not hang on what else makes slices. */
    @Test
    void callsAllocateNothingWhateverSegmentsTheProgramSlices() {
        var segments = new MemorySegment[] {MemorySegment.ofArray(new byte[64]), MemorySegment.ofArray(new int[64]), MemorySegment.ofArray(new long[64]),
            MemorySegment.ofArray(new double[64]), NativeMemory.segment(memory(64), 64)};
        long bytes = 0;
        for (int i = 0; i < 200_000; i++) bytes += segments[i % segments.length].asSlice(i % 8, 8).byteSize();
        assertEquals(1_600_000, bytes);
        int file = fd(Files.memfdCreate(errno, memory("file"), 0));
        AllocationProbe.assertAllocatesNothing(WARM_UP, RUNS, () -> {
            if (Files.lseek(errno, file, 5, Files.SEEK_SET) != 5) throw new AssertionError();
            if (Files.lseek(errno, -1, 5, Files.SEEK_SET) != -Errno.EBADF) throw new AssertionError();
        });
    }
}
