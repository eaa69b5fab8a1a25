package org.libtorque.sys;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.libtorque.testkit.TestProcess;

/** Processes, process descriptors, limits and CPU affinity. */
class ProcessesKernelTest extends KernelFixture {
    @Test
    void identitiesAreThoseTheJdkAndProcKnow() throws Exception {
        assertEquals(ProcessHandle.current().pid(), Processes.getpid());
        assertEquals(ProcessHandle.current().parent().orElseThrow().pid(), Processes.getppid());
        assertEquals(Files.getAttribute(Path.of("/proc/self"), "unix:uid"), Processes.geteuid());
        assertEquals(Processes.geteuid(), Processes.getuid());
        Path thread = Path.of("/proc/thread-self").toRealPath();
        assertEquals(thread.getFileName().toString(), String.valueOf(Affinity.gettid()));
    }

    @Test
    void aProcessIsSignalledAndItsEndIsSeen() throws Exception {
        try (TestProcess child = TestProcess.start("sleep", "60")) {
            int pid = (int) child.pid();
            int pidFd = fd(PidFd.open(errno, pid, 0));
            assertEquals(0, Poll.poll(errno, pidFd, Poll.POLLIN, 0));
            assertEquals(0, Processes.kill(errno, pid, 0));
            ok(PidFd.sendSignal(errno, pidFd, SignalFd.SIGTERM));
            assertEquals(Poll.POLLIN, Poll.poll(errno, pidFd, Poll.POLLIN, 5_000) & Poll.POLLIN);
            assertEquals(128 + SignalFd.SIGTERM, child.awaitExit());
            fails(Errno.ESRCH, PidFd.sendSignal(errno, pidFd, SignalFd.SIGTERM));
            fails(Errno.ESRCH, Processes.kill(errno, pid, 0));
            fails(Errno.ESRCH, PidFd.open(errno, pid, 0));
        }
        fails(Errno.EINVAL, PidFd.open(errno, -1, 0));
    }

    @Test
    void aDescriptorOfAProcessCanBeDuplicated() {
        int counter = fd(EventFd.create(errno, 11, EventFd.EFD_NONBLOCK));
        int self = fd(PidFd.open(errno, Processes.getpid(), 0));
        int copy = fd(PidFd.getfd(errno, self, counter));
        assertNotEquals(counter, copy);
        assertEquals(11, EventFd.read(errno, copy));
        fails(Errno.EBADF, PidFd.getfd(errno, self, 1_000_000));
    }

    @Test
    void limitsAreThoseOfProc() throws Exception {
        String line = Files.readAllLines(Path.of("/proc/self/limits")).stream()
                .filter(l -> l.startsWith("Max open files")).findFirst().orElseThrow();
        String[] words = line.split(" +");
        assertEquals(number(words[3]), Limits.soft(errno, Limits.RLIMIT_NOFILE));
        assertEquals(number(words[4]), Limits.hard(errno, Limits.RLIMIT_NOFILE));
        fails(Errno.EINVAL, Limits.soft(errno, 4711));
    }

    @Test
    void aSoftLimitCanBeLoweredAndRaisedAgain() {
        long soft = Limits.soft(errno, Limits.RLIMIT_CORE);
        long hard = Limits.hard(errno, Limits.RLIMIT_CORE);
        ok(Limits.set(errno, Limits.RLIMIT_CORE, 0, hard));
        assertEquals(0, Limits.soft(errno, Limits.RLIMIT_CORE));
        assertEquals(hard, Limits.hard(errno, Limits.RLIMIT_CORE));
        ok(Limits.set(errno, Limits.RLIMIT_CORE, soft, hard));
        assertEquals(soft, Limits.soft(errno, Limits.RLIMIT_CORE));
        fails(Errno.EINVAL, Limits.set(errno, Limits.RLIMIT_STACK, 2, 1));     // soft above hard
    }

    @Test
    void aThreadRunsOnTheCpuItIsBoundTo() throws Exception {
        var failure = new Throwable[1];
        Thread thread = Thread.ofPlatform().start(() -> {
            try {
                long own = mask();
                int size = ok(Affinity.getaffinity(errno, 0, own, 1024));
                assertTrue(size > 0 && size % 8 == 0, size + " bytes");
                for (int cpu = 0; cpu < 8 * size; cpu++) {
                    long word = own + cpu / 64 * 8L;
                    if ((NativeMemory.getLong(word) >>> cpu & 1) == 0) continue;
                    long one = mask();
                    NativeMemory.putLong(one + cpu / 64 * 8L, 1L << cpu);
                    ok(Affinity.setaffinity(errno, 0, one, size));
                    assertEquals(cpu, Affinity.getcpu());
                    assertEquals(cpu, (int) Affinity.getcpuAndNode(errno));
                    assertTrue(Affinity.getcpuAndNode(errno) >>> 32 < 1024);
                    long back = mask();
                    ok(Affinity.getaffinity(errno, Affinity.gettid(), back, 1024));
                    assertEquals(-1, NativeMemory.mismatch(one, back, 1024));
                }
                Affinity.yieldCpu();
                fails(Errno.EINVAL, Affinity.setaffinity(errno, 0, mask(), size));          // no CPU
                fails(Errno.ESRCH, Affinity.getaffinity(errno, Integer.MAX_VALUE, own, 1024));
            } catch (Throwable t) {
                failure[0] = t;
            }
        });
        thread.join();
        if (failure[0] != null) throw new AssertionError(failure[0]);
    }

    /**
     * Memory for a mask of 8192 CPUs. The fixture's arena belongs to the test's thread alone, and one that the collector frees would not live as long as the
     * address.
     */
    private static long mask() { return Arena.global().allocate(1024, 8).address(); }

    private static long number(String text) { return text.equals("unlimited") ? Long.MAX_VALUE : Long.parseLong(text); }

    @Test void aThreadsSliceCanBeSetAndRead() throws InterruptedException {
        var failure = new java.util.concurrent.atomic.AtomicReference<Throwable>();
        Thread thread = Thread.ofPlatform().start(() -> {
            try {
                ErrnoSlot errno = ErrnoSlot.current();
                long before = Affinity.slice(errno);
                assertEquals(0, Affinity.setSlice(errno, 1_000_000));
                long after = Affinity.slice(errno);
                assertTrue(after == 1_000_000 || after == before, "before " + before + ", after " + after); // kernels older than 6.12 do not know it
            } catch (Throwable t) {
                failure.set(t);
            }
        });
        thread.join();
        assertNull(failure.get(), () -> String.valueOf(failure.get()));
    }

    @Test void aThreadsTimerSlackIsItsOwnAndIsRestoredByZero() throws InterruptedException {
        long mine = TimerSlack.get(ErrnoSlot.current());
        var seen = new java.util.concurrent.CopyOnWriteArrayList<Long>();
        Thread thread = Thread.ofPlatform().start(() -> {
            ErrnoSlot errno = ErrnoSlot.current();
            seen.add(TimerSlack.get(errno));
            seen.add((long) TimerSlack.set(errno, 1));
            seen.add(TimerSlack.get(errno));
            TimerSlack.set(errno, 0);
            seen.add(TimerSlack.get(errno));
        });
        thread.join();
        assertEquals(java.util.List.of(seen.getFirst(), 0L, seen.getFirst() == 0 ? 0L : 1L, seen.getFirst()), seen); // threads of real-time policies have none
        assertEquals(mine, TimerSlack.get(ErrnoSlot.current()));
    }
}
