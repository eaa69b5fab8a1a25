package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.sys.CStrings;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.EventFd;
import org.libtorque.sys.Files;
import org.libtorque.sys.NativeMemory;
import org.libtorque.sys.SyscallException;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.LeakCheck;

/** Descriptors of the program's own. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#all")
class WatchSystemTest extends SystemTest {
    private static ErrnoSlot errno() { return ErrnoSlot.current(); }

    private static int[] pipe() {
        try (Arena arena = Arena.ofConfined()) {
            long fds = arena.allocate(8, 8).address();
            SyscallException.check(Files.pipe2(errno(), fds, Files.O_NONBLOCK | Files.O_CLOEXEC), "pipe2", "");
            return new int[] {NativeMemory.getInt(fds), NativeMemory.getInt(fds + 4)};
        }
    }

    private static int eventFd() {
        return SyscallException.check(EventFd.create(errno(), 0, EventFd.EFD_NONBLOCK | EventFd.EFD_CLOEXEC), "eventfd", "");
    }

    private static void write(int fd, int count) {
        try (Arena arena = Arena.ofConfined()) {
            long memory = arena.allocate(count).address();
            assertEquals(count, Files.write(errno(), fd, memory, count));
        }
    }

    /** Reads what is there; returns how much, 0 at the end, or a negated errno. */
    private static long read(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            return Files.read(errno(), fd, arena.allocate(1 << 16).address(), 1 << 16);
        }
    }

    private static void close(int... fds) {
        for (int fd : fds) SyscallException.check(Files.close(errno(), fd), "close", "fd={}", fd);
    }

    private static boolean isOpen(int fd) { return Files.fcntl(errno(), fd, Files.F_GETFD, 0) >= 0; }

    @Test void aPipesReaderIsToldOfDataAndOfTheEnd() {
        int[] pipe = pipe();
        var got = new AtomicLong();
        var end = new CompletableFuture<Integer>();
        Watch watch = torque().watch(pipe[0], Watch.READABLE, (self, ready) -> {
            assertSame(self.vcore(), current());
            for (long n; (n = read(pipe[0])) != -11; ) {
                if (n == 0) {
                    self.close();
                    end.complete(ready);
                    return;
                }
                got.addAndGet(n);
            }
        });
        assertEquals(pipe[0], watch.fd());
        for (int i = 1; i <= 50; i++) {
            int total = i * 10;
            write(pipe[1], 10);
            Eventually.await("read", () -> got.get() == total);
        }
        close(pipe[1]);
        assertTrue((get(end) & Watch.HANG_UP) != 0);
        assertFalse(watch.isOpen());
        assertTrue(isOpen(pipe[0]), "the descriptor stays the program's");
        close(pipe[0]);
    }

    @Test void whatIsReadyAlreadyIsReported() {
        int fd = eventFd();
        EventFd.write(errno(), fd, 5);
        var value = new CompletableFuture<Long>();
        Watch watch = torque().watch(fd, Watch.READABLE, (self, ready) -> value.complete(EventFd.read(errno(), fd)));
        assertEquals(5, get(value));
        watch.close();
        stop();
        close(fd);
    }

    @Test void anEventFdIsReportedForEachRound() {
        int fd = eventFd();
        var sum = new AtomicLong();
        torque().watch(fd, Watch.READABLE, (self, ready) -> {
            long n = EventFd.read(errno(), fd);
            if (n > 0) sum.addAndGet(n);
        });
        for (int i = 1; i <= 100; i++) {
            EventFd.write(errno(), fd, 1);
            if (i % 10 == 0) {
                int expected = i;
                Eventually.await("all were counted", () -> sum.get() == expected);
            }
        }
        stop();
        close(fd);
    }

    @Test void theInterestCanBeChanged() {
        int[] pipe = pipe();
        List<Integer> seen = new CopyOnWriteArrayList<>();
        Watch watch = torque().watch(pipe[1], Watch.READABLE, (self, ready) -> seen.add(ready));
        Watch[] other = {watch};
        sleep(20);
        assertEquals(List.of(), seen, "the writer's end is never readable");
        assertThrows(IllegalStateException.class, () -> watch.setInterest(Watch.WRITABLE));
        var changed = new CompletableFuture<Boolean>();
        torque().post(watchColor(watch), () -> {
            assertThrows(IllegalArgumentException.class, () -> watch.setInterest(0));
            assertThrows(IllegalArgumentException.class, () -> watch.setInterest(Watch.HANG_UP));
            watch.setInterest(Watch.WRITABLE);
            changed.complete(true);
        });
        assertTrue(get(changed));
        Eventually.await("writable", () -> seen.contains(Watch.WRITABLE));
        close(pipe[0]);
        Eventually.await("hung up", () -> seen.stream().anyMatch(bits -> (bits & Watch.HANG_UP) != 0));
        other[0].close();
        stop();
        close(pipe[1]);
    }

    private org.libtorque.vcore.Color watchColor(Watch watch) { return watch.vcore().newColor().pin(); }

    @Test void afterClosingNothingIsReported() {
        int[] pipe = pipe();
        var calls = new AtomicInteger();
        Watch watch = torque().watch(pipe[0], Watch.READABLE, (self, ready) -> calls.incrementAndGet());
        write(pipe[1], 1);
        Eventually.await("told", () -> calls.get() > 0);
        assertTrue(watch.isOpen());
        watch.close();
        watch.close();
        Eventually.await("closed", () -> !watch.isOpen());
        onVcore(() -> null);
        int before = calls.get();
        write(pipe[1], 1);
        sleep(20);
        assertEquals(before, calls.get());
        stop();
        close(pipe);
    }

    @Test void inItsHandlerAWatchMayEndAndItsDescriptorBeClosed() {
        for (int i = 0; i < 20; i++) {
            int[] pipe = pipe();
            var done = new CompletableFuture<Boolean>();
            torque().watch(pipe[0], Watch.READABLE, (self, ready) -> {
                self.close();
                close(pipe[0]);
                done.complete(true);
            });
            write(pipe[1], 1);
            assertTrue(get(done));
            close(pipe[1]);
        }
        stop();
    }

    @Test void onceItIsNotOpenItsDescriptorMayBeClosedAndTheNumberBeAnothers() throws Exception {
        Listener listener = echo();
        for (int i = 0; i < 30; i++) {
            int[] pipe = pipe();
            Watch watch = torque().watch(pipe[0], Watch.READABLE, (self, ready) -> { });
            watch.close();
            Eventually.await("it has ended", () -> !watch.isOpen());
            close(pipe);
            try (var client = Client.to(listener)) { // both sides get numbers that have just become free
                client.expectEcho("unharmed");
            }
        }
    }

    @Test void anExceptionEndsTheWatch() {
        int[] pipe = pipe();
        var calls = new AtomicInteger();
        Watch watch = torque().watch(pipe[0], Watch.READABLE, (self, ready) -> {
            calls.incrementAndGet();
            throw new Exception("mine");
        });
        write(pipe[1], 1);
        assertEquals("mine", takeFailure().getMessage());
        Eventually.await("ended", () -> !watch.isOpen());
        write(pipe[1], 1);
        sleep(20);
        assertEquals(1, calls.get());
        close(pipe);
    }

    @Test void whatCannotBeWatchedIsRefused(@TempDir Path directory) throws Exception {
        Path file = java.nio.file.Files.writeString(directory.resolve("file"), "text");
        try (Arena arena = Arena.ofConfined()) {
            int fd = SyscallException.check(Files.open(errno(), CStrings.allocate(file.toString(), arena), Files.O_RDONLY | Files.O_CLOEXEC, 0), "open", "");
            int dir = SyscallException.check(Files.open(errno(), CStrings.allocate(directory.toString(), arena), Files.O_RDONLY | Files.O_CLOEXEC, 0), "open", "");
            assertThrows(IllegalArgumentException.class, () -> torque().watch(fd, Watch.READABLE, (self, ready) -> { }));
            assertThrows(IllegalArgumentException.class, () -> torque().watch(dir, Watch.READABLE, (self, ready) -> { }));
            close(fd, dir);
        }
        try (Arena arena = Arena.ofConfined()) {
            int device = SyscallException.check(Files.open(errno(), CStrings.allocate("/dev/null", arena), Files.O_RDWR | Files.O_CLOEXEC, 0), "open", "");
            var refused = assertThrows(IllegalArgumentException.class, () -> torque().watch(device, Watch.READABLE, (self, ready) -> { }));
            assertTrue(refused.getMessage().contains("always ready"), refused::getMessage);
            close(device);
        }
        assertThrows(IllegalArgumentException.class, () -> torque().watch(-1, Watch.READABLE, (self, ready) -> { }));
        assertThrows(IllegalArgumentException.class, () -> torque().watch(1_000_000, Watch.READABLE, (self, ready) -> { }));
        assertThrows(IllegalArgumentException.class, () -> torque().watch(0, 0, (self, ready) -> { }));
    }

    @Test void anErrorIsReportedWhateverTheInterestAndNothingElseIs() {
        int[] pipe = pipe();
        List<Integer> seen = new CopyOnWriteArrayList<>();
        Watch watch = torque().watch(pipe[1], Watch.PRIORITY, (self, ready) -> seen.add(ready));
        onVcore(() -> null);
        sleep(20);
        assertEquals(List.of(), seen, "it is writable, which was not asked for");
        close(pipe[0]);
        Eventually.await("the error", () -> !seen.isEmpty());
        assertEquals(Watch.READABLE | Watch.HANG_UP, seen.getFirst());
        assertTrue(watch.isOpen());
        watch.close();
        stop();
        close(pipe[1]);
    }

    @Test void outOfBandDataIsAPriorityEvent() throws Exception {
        try (var server = new java.net.ServerSocket(0, 1, java.net.InetAddress.ofLiteral("127.0.0.1")); var client = new java.net.Socket(server.getInetAddress(), server.getLocalPort())) {
            var before = LeakCheck.openDescriptors().keySet();
            try (var accepted = server.accept()) {
                var opened = new java.util.TreeSet<>(LeakCheck.openDescriptors().keySet());
                opened.removeAll(before);
                assertEquals(1, opened.size(), accepted::toString);
                isToldOfUrgentData(opened.first(), client);
            }
        }
    }

    private void isToldOfUrgentData(int fd, java.net.Socket peer) throws Exception {
        List<Integer> seen = new CopyOnWriteArrayList<>();
        Watch watch = torque().watch(fd, Watch.PRIORITY, (self, ready) -> seen.add(ready));
        peer.getOutputStream().write('x');
        onVcore(() -> null);
        sleep(20);
        assertEquals(List.of(), seen);
        peer.sendUrgentData('!');
        Eventually.await(() -> "told " + seen, Eventually.DEFAULT_LIMIT, () -> seen.contains(Watch.PRIORITY));
        watch.close();
        Eventually.await("ended", () -> !watch.isOpen());
    }

    @Test void watchesThatAreLeftOpenEndWithTheRuntime() {
        int[] pipe = pipe();
        Watch watch = torque().watch(pipe[0], Watch.READABLE, (self, ready) -> { });
        stop();
        assertFalse(watch.isOpen());
        assertTrue(isOpen(pipe[0]));
        close(pipe);
    }

    @Test void aDescriptorIsWatchedOnceAtATime() {
        int[] pipe = pipe();
        var told = new AtomicInteger();
        for (int round = 1; round <= 3; round++) {
            Watch watch = torque().watch(pipe[0], Watch.READABLE, (self, ready) -> {
                if (read(pipe[0]) > 0) told.incrementAndGet();
            });
            for (int again = 0; again < 2 * setup.vcores(); again++) { // whichever vcore it would be at
                var refused = assertThrows(IllegalStateException.class, () -> torque().watch(pipe[0], Watch.READABLE, (self, ready) -> told.addAndGet(100)));
                assertTrue(refused.getMessage().contains("descriptor " + pipe[0]), refused::getMessage);
            }
            write(pipe[1], 1);
            int expected = round;
            Eventually.await("the first is told", () -> told.get() == expected);
            watch.close();
            Eventually.await("it has ended", () -> !watch.isOpen());
        }
        close(pipe);
    }
}
