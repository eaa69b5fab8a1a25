package org.libtorque.event;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import org.libtorque.sys.Errno;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.NativeMemory;
import org.libtorque.sys.PidFd;
import org.libtorque.sys.PidFd.PidfdInfo;
import org.libtorque.sys.Processes;
import org.libtorque.sys.Processes.ChildInfo;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Timer;

/**
 * The end of a process: one pidfd, which becomes readable when the process has ended and cannot come to mean another one.
 *
 * <p><b>Who reaps.</b> A child that this library started is waited for here, through its descriptor, and nowhere else: so its status is not lost and no zombie stays. Everybody else's
 * process, those that the JDK started included, is only looked at (WNOWAIT), so whoever waits for it still gets its status; the JDK has a thread for each of its children that
 * waits for just that one. SIGCHLD plays no part, so no handler of it can be in the way.
 *
 * <p><b>Where the status comes from,</b> in this order: waitid(2), for children; the descriptor itself, for what has been reaped by somebody else (Linux 6.15); /proc, for a
 * zombie of another parent, if this process may see it. A zombie that tells nothing is asked again for a quarter of a second, within which most parents reap; then its end is
 * reported without a status.
 */
final class ExitSource extends KernelSource {
    private static final long RETRY_NANOS = 5_000_000;
    private static final int RETRIES = 50;

    /** Stands for none: it has not ended. */
    private static final ExitStatus RUNNING = new ExitStatus(-1, null, false);
    /** Of memory that looking takes. */
    private static final int MEMORY_BYTES = 256;

    /** What is called, under the colour. */
    interface Done {
        void ended(ExitStatus status) throws Exception;
    }

    private final int pid;
    /** Whether it is ours to reap. */
    private final boolean ours;
    /** The JDK's, which may know a status that it has reaped away; or null. */
    private final Process process;
    private final Done done;
    private boolean reaped;
    private int retries;

    private final Timer retry = new Timer() {
        @Override protected void onExpiry(long nowNanos) { signal(READABLE); }
    };

    private ExitSource(Color color, int fd, int pid, boolean ours, Process process, Done done) {
        super(color, fd, READABLE);
        this.pid = pid;
        this.ours = ours;
        this.process = process;
        this.done = done;
    }

    /** Any process. */
    static ExitSource open(int pid, Process process, Color color, ExitHandler handler) throws IOException {
        ErrnoSlot errno = ErrnoSlot.current();
        int fd = PidFd.open(errno, pid, 0);
        // Of a Process object the JDK keeps the status, but not the number: it may be another's by now, unless the process was still there after the descriptor was.
        if (process != null && (fd == -Errno.ESRCH || fd >= 0 && !process.isAlive())) {
            if (fd >= 0) org.libtorque.sys.Files.close(errno, fd);
            ExitSource source = new ExitSource(color, -1, pid, false, process, status -> handler.onExit(pid, status));
            source.register();
            process.onExit().thenRun(() -> source.signal(READABLE));
            return source;
        }
        if (fd < 0) throw refused(pid, fd);
        ExitSource source = new ExitSource(color, fd, pid, false, process, status -> handler.onExit(pid, status));
        source.register();
        return source;
    }

    /** Returns how a process ended, if it has and that can be known now; else null. Any thread. */
    static ExitStatus endedAlready(int pid) throws IOException {
        ErrnoSlot errno = ErrnoSlot.current();
        int fd = PidFd.open(errno, pid, 0);
        if (fd < 0) throw refused(pid, fd);
        try (Arena arena = Arena.ofConfined()) {
            ExitStatus status = status(errno, fd, pid, false, arena.allocate(MEMORY_BYTES, 8).address());
            return status == RUNNING ? null : status;
        } finally {
            org.libtorque.sys.Files.close(errno, fd);
        }
    }

    private static IOException refused(int pid, int error) {
        return new IOException("process " + pid + ": " + (error == -Errno.ESRCH ? "there is none, or it has ended and been waited for" : Errno.describe(-error)));
    }

    /** A child that has just been started; its zombie waits if it has ended already. Not registered yet. */
    static ExitSource ofChild(int pid, int fd, Color color, Done done) { return new ExitSource(color, fd, pid, true, null, done); }

    int pid() { return pid; }

    /** Sends a signal; the descriptor makes sure that it reaches nobody else. Under the colour. Returns 0 or a negated errno. */
    int send(Signal signal) { return fd() < 0 ? -Errno.ESRCH : PidFd.sendSignal(ErrnoSlot.current(), fd(), signal.number()); }

    @Override protected void run() throws Exception {
        takeReady();
        if (!isOpen()) return;
        ExitStatus status = fd() < 0 ? ofProcess() : look();
        if (status == null) return;
        reaped = ours;
        close();
        done.ended(status);
    }

    /** Returns how it ended, or null if it has not, or if there is more to come. */
    private ExitStatus look() {
        ExitStatus status = status(loop().errno, fd(), pid, ours, loop().scratch);
        if (status == RUNNING) return null;
        if (status != null) return status;
        if (process != null && !process.isAlive()) return ofProcess();
        if (++retries > RETRIES) return ExitStatus.UNKNOWN;
        loop().vcore.timers().schedule(retry, loop().vcore.now() + RETRY_NANOS);
        return null;
    }

    /** Returns how it ended, {@link #RUNNING}, or null if nobody knows yet. */
    private static ExitStatus status(ErrnoSlot errno, int fd, int pid, boolean ours, long memory) {
        int result;
        do result = Processes.waitid(errno, Processes.P_PIDFD, fd, memory, Processes.WEXITED | Processes.WNOHANG | (ours ? 0 : Processes.WNOWAIT));
        while (result == -Errno.EINTR);
        if (result == 0) {
            if (NativeMemory.getInt(memory + ChildInfo.SI_PID) == 0) return RUNNING;
            int status = NativeMemory.getInt(memory + ChildInfo.SI_STATUS);
            int code = NativeMemory.getInt(memory + ChildInfo.SI_CODE);
            return code == Processes.CLD_EXITED ? new ExitStatus(status & 0xFF, null, false) : ExitStatus.endedBy(status, code == Processes.CLD_DUMPED);
        }
        if (PidFd.info(errno, fd, PidFd.PIDFD_INFO_EXIT, memory) == 0 && (NativeMemory.getLong(memory + PidfdInfo.MASK) & PidFd.PIDFD_INFO_EXIT) != 0) {
            return ExitStatus.ofWait(NativeMemory.getInt(memory + PidfdInfo.EXIT_CODE));
        }
        return ofZombie(errno, fd, pid);
    }

    /** The JDK tells a signal as 128 plus its number, which a program may return too; so that is taken as what it returned. */
    private ExitStatus ofProcess() { return new ExitStatus(process.exitValue() & 0xFF, null, false); }

    /**
     * Field 52 of /proc/PID/stat, which the kernel fills in for those who may trace the process and has as 0 for others. That the number still means our
     * process is asked of the descriptor afterwards: as long as a signal could be sent, nobody has reaped it.
     */
    private static ExitStatus ofZombie(ErrnoSlot errno, int fd, int pid) {
        try {
            Path folder = Path.of("/proc/" + pid);
            int owner = Processes.geteuid() == 0 ? 0 : (int) Files.getAttribute(folder, "unix:uid");
            if (owner != Processes.geteuid()) return null;
            String stat = Files.readString(folder.resolve("stat"));
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" "); // from the third field on, which is the state
            if (!fields[0].equals("Z") || PidFd.sendSignal(errno, fd, 0) == -Errno.ESRCH) return null;
            return ExitStatus.ofWait(Integer.parseInt(fields[52 - 3].strip()));
        } catch (IOException | RuntimeException e) {
            return null; // it has just been reaped, or /proc hides it
        }
    }

    @Override protected boolean canMove() { return super.canMove() && !retry.isScheduled(); }

    @Override void released() {
        if (retry.isScheduled()) loop().vcore.timers().cancel(retry);
        if (ours && !reaped) Reaper.adopt(pid);
    }

    @Override public String toString() { return "Registration[exit of process " + pid + "]"; }
}
