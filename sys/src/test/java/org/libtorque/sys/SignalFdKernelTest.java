package org.libtorque.sys;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.libtorque.testkit.TestProcess;

class SignalFdKernelTest extends KernelFixture {
    private static final int SIGNAL = SignalFd.SIGRTMIN + 5;

    @Test
    void setsHoldTheSignalsAddedToThem() {
        long set = SignalFd.sigaddset(SignalFd.sigaddset(SignalFd.sigemptyset(), SignalFd.SIGHUP), SignalFd.SIGRTMAX);
        assertEquals(0x8000000000000001L, set);
        assertTrue(SignalFd.sigismember(set, SignalFd.SIGHUP));
        assertFalse(SignalFd.sigismember(set, SignalFd.SIGINT));
        assertEquals(Long.MIN_VALUE, SignalFd.sigdelset(set, SignalFd.SIGHUP));
        assertThrows(IllegalArgumentException.class, () -> SignalFd.sigaddset(0, 0));
        assertThrows(IllegalArgumentException.class, () -> SignalFd.sigaddset(0, 65));
    }

    @Test
    void aBlockedSignalOfThisThreadIsRead() {
        long set = SignalFd.sigaddset(0, SIGNAL);
        long before = SignalFd.blocked(errno);
        ok(SignalFd.sigmask(errno, SignalFd.SIG_BLOCK, set));
        try {
            assertEquals(before | set, SignalFd.blocked(errno));
            int fd = fd(SignalFd.create(errno, -1, set, SignalFd.SFD_NONBLOCK | SignalFd.SFD_CLOEXEC));
            long infos = memory(2 * SignalFd.Siginfo.SIZE);
            fails(Errno.EAGAIN, SignalFd.read(errno, fd, infos, 2));
            // To the thread: a signal to the process would go to one that does not block it.
            ok(Processes.tgkill(errno, Processes.getpid(), Affinity.gettid(), SIGNAL));
            assertEquals(1, SignalFd.read(errno, fd, infos, 2));
            assertEquals(SIGNAL, NativeMemory.getInt(infos + SignalFd.Siginfo.SSI_SIGNO));
            assertEquals(SignalFd.SI_TKILL, NativeMemory.getInt(infos + SignalFd.Siginfo.SSI_CODE));
            assertEquals(Processes.getpid(), NativeMemory.getInt(infos + SignalFd.Siginfo.SSI_PID));
            assertEquals(Processes.getuid(), NativeMemory.getInt(infos + SignalFd.Siginfo.SSI_UID));
            assertEquals(fd, SignalFd.create(errno, fd, 0, 0));            // now reads nothing
            ok(Processes.tgkill(errno, Processes.getpid(), Affinity.gettid(), SIGNAL));
            fails(Errno.EAGAIN, SignalFd.read(errno, fd, infos, 2));
            assertEquals(fd, SignalFd.create(errno, fd, set, 0));
            assertEquals(1, SignalFd.read(errno, fd, infos, 2));
        } finally {
            ok(SignalFd.sigmask(errno, SignalFd.SIG_UNBLOCK, set & ~before));
        }
        assertEquals(before, SignalFd.blocked(errno));
    }

    @Test
    void aQueuedSignalBringsItsPayloadToAProcessStartedWithItBlocked() throws Exception {
        try (TestProcess env = TestProcess.start("env", "--block-signal=" + SIGNAL, "true")) {
            assumeTrue(env.awaitExit() == 0, "env has no --block-signal (coreutils before 8.31)");
        }
        String classes = Path.of(SignalFd.class.getProtectionDomain().getCodeSource().getLocation().toURI()).toString();
        String tests = Path.of(System.getProperty("basedir", "."), "target", "test-classes").toAbsolutePath().toString();
        var command = List.of("env", "--block-signal=" + SIGNAL, TestProcess.java(), "-Xrs",
                "--enable-native-access=ALL-UNNAMED", "-cp", classes + ":" + tests, SignalReader.class.getName());
        try (TestProcess child = TestProcess.start(new ProcessBuilder(command))) {
            child.awaitLine("^ready$");
            ok(SignalFd.sigqueue(errno, (int) child.pid(), SIGNAL, 0x1122334455667788L));
            ok(SignalFd.sigqueue(errno, (int) child.pid(), SIGNAL, -1));
            String from = " code -1 pid " + Processes.getpid();
            assertEquals("signal " + SIGNAL + from + " int 55667788 ptr 1122334455667788",
                    child.awaitLine("^signal .*ptr 1122.*$").group());
            assertEquals("signal " + SIGNAL + from + " int ffffffff ptr ffffffffffffffff",
                    child.awaitLine("^signal .*ptr f+$").group());
            assertEquals(0, child.awaitExit());
        }
        fails(Errno.ESRCH, SignalFd.sigqueue(errno, Integer.MAX_VALUE, SIGNAL, 0));
    }

    /** The child of the test: prints two signals and exits. */
    static final class SignalReader {
        public static void main(String[] args) {
            ErrnoSlot errno = ErrnoSlot.allocate();
            long set = SignalFd.sigaddset(0, SIGNAL);
            if ((SignalFd.blocked(errno) & set) == 0) throw new AssertionError("not blocked in the main thread");
            int fd = ok(SignalFd.create(errno, -1, set, SignalFd.SFD_CLOEXEC));
            System.out.println("ready");
            long info = Arena.global().allocate(SignalFd.Siginfo.SIZE, 8).address();
            for (int i = 0; i < 2; i++) {
                int n;
                do n = SignalFd.read(errno, fd, info, 1); while (n == -Errno.EINTR);
                ok(n);
                System.out.println("signal " + NativeMemory.getInt(info + SignalFd.Siginfo.SSI_SIGNO)
                        + " code " + NativeMemory.getInt(info + SignalFd.Siginfo.SSI_CODE)
                        + " pid " + NativeMemory.getInt(info + SignalFd.Siginfo.SSI_PID)
                        + " int " + Integer.toHexString(NativeMemory.getInt(info + SignalFd.Siginfo.SSI_INT))
                        + " ptr " + Long.toHexString(NativeMemory.getLong(info + SignalFd.Siginfo.SSI_PTR)));
            }
        }
    }
}
