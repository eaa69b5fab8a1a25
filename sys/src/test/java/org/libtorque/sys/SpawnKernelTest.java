package org.libtorque.sys;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.libtorque.sys.PidFd.PidfdInfo;
import org.libtorque.sys.Processes.ChildInfo;

/** posix_spawn, waitid, and what a pidfd tells of a process that has ended. */
class SpawnKernelTest extends KernelFixture {
    private int[] pipe() {
        long fds = memory(8);
        ok(Files.pipe2(errno, fds, Files.O_CLOEXEC));
        return new int[] {fd(NativeMemory.getInt(fds)), fd(NativeMemory.getInt(fds + 4))};
    }

    private int nothing() { return fd(Files.open(errno, memory("/dev/null"), Files.O_RDWR | Files.O_CLOEXEC, 0)); }

    private int spawn(String directory, int out, String... arguments) {
        int nothing = nothing();
        return Spawn.spawn(errno, List.of(arguments), List.of("PATH=/usr/bin:/bin", "COLOUR=green"), directory, new int[] {nothing, out, nothing}, 0, new int[0]);
    }

    private String readAll(int fd) {
        var text = new StringBuilder();
        long memory = memory(4096);
        for (long n; (n = ok(Files.read(errno, fd, memory, 4096))) > 0; ) text.append(CStrings.get(memory, (int) n));
        return text.toString();
    }

    private void await(int pid, int code, int status) {
        long info = memory(ChildInfo.SIZE);
        ok(Processes.waitid(errno, Processes.P_PID, pid, info, Processes.WEXITED));
        assertEquals(pid, NativeMemory.getInt(info + ChildInfo.SI_PID));
        assertEquals(SignalFd.SIGCHLD, NativeMemory.getInt(info + ChildInfo.SI_SIGNO));
        assertEquals(code, NativeMemory.getInt(info + ChildInfo.SI_CODE));
        assertEquals(status, NativeMemory.getInt(info + ChildInfo.SI_STATUS));
        fails(Errno.ECHILD, Processes.waitid(errno, Processes.P_PID, pid, info, Processes.WEXITED));
    }

    @Test void aChildGetsItsArgumentsEnvironmentDirectoryAndDescriptorsAndNoOthers() {
        int[] pipe = pipe();
        int leaked = fd(Files.open(errno, memory("/dev/null"), Files.O_RDONLY, 0)); // not close-on-exec
        int pid = ok(spawn("/proc", pipe[1], "sh", "-c", "echo \"$1\" $COLOUR $(pwd); ls /proc/self/fd | tr '\\n' ' '; exit 3", "sh", "two words"));
        close(pipe[1]);
        assertEquals("two words green /proc\n0 1 2 3 ", readAll(pipe[0])); // 3 is ls's own
        await(pid, Processes.CLD_EXITED, 3);
        assertTrue(leaked > 2);
    }

    @Test void aChildStartsWithoutBlockedSignals() {
        int[] pipe = pipe();
        long set = SignalFd.sigaddset(SignalFd.sigaddset(0, SignalFd.SIGUSR1), SignalFd.SIGTERM);
        long old = SignalFd.blocked(errno);
        ok(SignalFd.sigmask(errno, SignalFd.SIG_BLOCK, set));
        int pid;
        try {
            pid = ok(spawn(null, pipe[1], "grep", "SigBlk", "/proc/self/status"));
        } finally {
            ok(SignalFd.sigmask(errno, SignalFd.SIG_SETMASK, old));
        }
        close(pipe[1]);
        assertEquals("SigBlk:\t0000000000000000\n", readAll(pipe[0]));
        await(pid, Processes.CLD_EXITED, 0);
    }

    @Test void whatCannotBeStartedIsAnError() {
        fails(Errno.ENOENT, spawn(null, nothing(), "no-such-program-anywhere"));
        fails(Errno.EACCES, spawn(null, nothing(), "/proc/self/status"));
        fails(Errno.ENOENT, spawn("/no/such/folder", nothing(), "true"));
    }

    @Test void theDescriptorOfAnEndedProcessTellsItsStatusBeforeAndAfterItIsReaped() {
        int pid = ok(spawn(null, nothing(), "sh", "-c", "kill -KILL $$"));
        int pidFd = fd(PidFd.open(errno, pid, 0));
        assertEquals(Poll.POLLIN, ok(Poll.poll(errno, pidFd, Poll.POLLIN, 10_000)));
        long info = memory(ChildInfo.SIZE);
        ok(Processes.waitid(errno, Processes.P_PIDFD, pidFd, info, Processes.WEXITED | Processes.WNOWAIT | Processes.WNOHANG));
        assertEquals(pid, NativeMemory.getInt(info + ChildInfo.SI_PID));
        await(pid, Processes.CLD_KILLED, SignalFd.SIGKILL);
        fails(Errno.ESRCH, PidFd.sendSignal(errno, pidFd, 0));
        long told = memory(PidfdInfo.SIZE);
        int result = PidFd.info(errno, pidFd, PidFd.PIDFD_INFO_EXIT, told);
        assumeTrue(result != -Errno.ENOTTY && result != -Errno.EINVAL && result != -Errno.ESRCH, "the kernel is older than 6.15");
        ok(result);
        assertTrue((NativeMemory.getLong(told + PidfdInfo.MASK) & PidFd.PIDFD_INFO_EXIT) != 0);
        assertEquals(SignalFd.SIGKILL, NativeMemory.getInt(told + PidfdInfo.EXIT_CODE));
    }
}
