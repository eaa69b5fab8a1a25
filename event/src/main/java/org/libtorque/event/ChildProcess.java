package org.libtorque.event;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import org.libtorque.sys.CStrings;
import org.libtorque.sys.Errno;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Files;
import org.libtorque.sys.NativeMemory;
import org.libtorque.sys.PidFd;
import org.libtorque.sys.Processes;
import org.libtorque.sys.SignalFd;
import org.libtorque.sys.Spawn;
import org.libtorque.vcore.Color;

/**
 * A process that was started through {@code Torque.start}: its end, and its input and output as far as they are pipes. Everything belongs to one colour: callbacks run under it, and
 * methods are to be called under it, unless they say otherwise.
 *
 * <p>Output comes as the child writes it, each stream in order, nothing said about the order between the two. What the child itself wrote before it ended comes before the news of
 * its end, unless reading is paused; what its own children still hold the pipes for may come after. Output that nobody asked for is read and thrown away, so that the child does
 * not wait. Closing the registration closes the pipes and silences everything; the process goes on, and leaves no zombie. {@link #signal} ends it.
 *
 * <p>Pipes, and not sockets, since programs open {@code /dev/stdout} and {@code /dev/stderr}, which the kernel refuses for sockets.
 */
public final class ChildProcess implements Registration {
    private final Color color;
    private final int pid;
    private final String program;
    private final ExitSource exit;
    private final PipeWriter input;
    private final PipeReader output;
    private final PipeReader error;
    private ExitHandler exitHandler;
    private volatile ExitStatus status;
    private volatile boolean open = true;

    private ChildProcess(Color color, int pid, int pidFd, String program, int[] ours) {
        this.color = color;
        this.pid = pid;
        this.program = program;
        this.exit = ExitSource.ofChild(pid, pidFd, color, this::ended);
        this.input = ours[0] < 0 ? null : new PipeWriter(this, color, ours[0]);
        this.output = ours[1] < 0 ? null : new PipeReader(this, color, ours[1], "output");
        this.error = ours[2] < 0 ? null : new PipeReader(this, color, ours[2], "error output");
    }

    // ---- starting

    static ChildProcess start(Command command, Color color, ChildHandler handler) throws IOException {
        ErrnoSlot errno = ErrnoSlot.current();
        int[] ours = {-1, -1, -1};
        int[] theirs = {-1, -1, -1};
        boolean started = false;
        try {
            theirs[0] = prepare(errno, command.input(), 0, ours);
            theirs[1] = prepare(errno, command.output(), 1, ours);
            theirs[2] = command.error() == Command.Stdio.OUTPUT ? theirs[1] : prepare(errno, command.error(), 2, ours);
            String directory = command.directory() == null ? null : command.directory().toString();
            int pid = Spawn.spawn(errno, command.arguments(), command.environmentStrings(), directory, theirs, SignalFd.sigaddset(0, SignalFd.SIGPIPE), openDescriptors());
            if (pid < 0) {
                throw new IOException("cannot start '" + command.arguments().getFirst() + "'" + (directory == null ? "" : " in " + directory) + ": "
                        + (pid == -Errno.ENOSYS ? "the C library cannot change the directory of a child; glibc 2.29 or later can" : Errno.describe(-pid)));
            }
            int pidFd = PidFd.open(errno, pid, 0); // ours and not waited for, so the number is still its
            if (pidFd < 0) {
                Processes.kill(errno, pid, SignalFd.SIGKILL);
                Reaper.adopt(pid);
                throw new IOException("cannot start '" + command.arguments().getFirst() + "': pidfd_open: " + Errno.describe(-pidFd));
            }
            started = true;
            var child = new ChildProcess(color, pid, pidFd, command.arguments().getFirst(), ours);
            child.register(handler);
            return child;
        } finally {
            for (int i = 0; i < 3; i++) {
                if (theirs[i] > 2 && (i < 2 || theirs[2] != theirs[1])) Files.close(errno, theirs[i]);
                if (!started && ours[i] >= 0) Files.close(errno, ours[i]);
            }
        }
    }

    /** Returns what the child gets; our end of a pipe goes to {@code ours}. */
    private static int prepare(ErrnoSlot errno, Command.Stdio stdio, int number, int[] ours) throws IOException {
        return switch (stdio) {
            case Command.Pipe p -> pipe(errno, number, ours);
            case Command.Inherit i -> number;
            case Command.Nothing n -> open(errno, "/dev/null", number == 0 ? Files.O_RDONLY : Files.O_WRONLY);
            case Command.OfFile f -> open(errno, f.path().toString(),
                    number == 0 ? Files.O_RDONLY : Files.O_WRONLY | Files.O_CREAT | (f.append() ? Files.O_APPEND : Files.O_TRUNC));
            case Command.SameAsOutput s -> throw new AssertionError(s);
        };
    }

    private static int pipe(ErrnoSlot errno, int number, int[] ours) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            long fds = arena.allocate(8, 8).address();
            int result = Files.pipe2(errno, fds, Files.O_CLOEXEC);
            if (result < 0) throw IoErrors.of(result, "pipe2", "");
            int reader = NativeMemory.getInt(fds);
            int writer = NativeMemory.getInt(fds + 4);
            ours[number] = number == 0 ? writer : reader;
            Files.setNonBlocking(errno, ours[number], true); // ours alone: the child expects that its end blocks
            return number == 0 ? reader : writer;
        }
    }

    private static int open(ErrnoSlot errno, String path, int flags) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            int fd = Files.open(errno, CStrings.allocate(path, arena), flags | Files.O_CLOEXEC, 0666);
            if (fd < 0) throw IoErrors.of(fd, "open", "{}", path);
            return fd;
        }
    }

    private static int[] openDescriptors() {
        String[] names = new java.io.File("/proc/self/fd").list();
        if (names == null) return new int[0];
        int[] numbers = new int[names.length];
        for (int i = 0; i < names.length; i++) numbers[i] = Integer.parseInt(names[i]);
        return numbers;
    }

    /** Nothing of the child is reported before the handler has said what it wants: all of it are tasks of the colour, behind this one. */
    private void register(ChildHandler handler) {
        boolean posted = new HomeTask(color) {
            @Override protected void run() throws Exception { handler.onStart(ChildProcess.this); }

            @Override protected void failed(Throwable failure) { color.home().reportFailure(ChildProcess.this, failure); }
        }.postSurely();
        RejectedExecutionException refused = posted ? null : new RejectedExecutionException(color.home() + " has stopped");
        for (KernelSource source : sources()) {
            try {
                source.register();
            } catch (RejectedExecutionException e) {
                refused = e; // each of them has given its descriptor back
            }
        }
        if (refused != null) throw refused;
    }

    private List<KernelSource> sources() {
        List<KernelSource> sources = new ArrayList<>(4);
        sources.add(exit);
        for (KernelSource pipe : new KernelSource[] {input, output, error}) {
            if (pipe != null) sources.add(pipe);
        }
        return sources;
    }

    private void ended(ExitStatus how) throws Exception {
        status = how;
        if (output != null) output.readWhatIsThere();
        if (error != null) error.readWhatIsThere();
        if (input != null) input.giveUp();
        boolean told = open;
        open = false;
        if (told && exitHandler != null) exitHandler.onExit(pid, how);
    }

    // ---- what it is

    /** Returns the process's number; it may be another's once {@link #status} is known. Any thread. */
    public int pid() { return pid; }

    /** Returns how it ended, or null as long as it has not. Any thread. */
    public ExitStatus status() { return status; }

    // ---- what is to be called

    /** Sets what gets its standard output. */
    public void onOutput(OutputHandler handler) { reader(output, "output").handler = handler; }

    /** Sets what gets its standard error. */
    public void onError(OutputHandler handler) { reader(error, "error output").handler = handler; }

    /** Sets what is called when it has ended, once. */
    public void onExit(ExitHandler handler) { exitHandler = handler; }

    /** Sets what is called whenever everything that was {@linkplain #write written} has gone into the pipe, or will never go, because the child has closed its input. */
    public void onWritten(ChildHandler handler) { writer().onWritten = handler; }

    /** Stops reading its output, both streams, or goes on with it: a child that writes more than a pipe holds waits meanwhile. */
    public void pauseOutput(boolean paused) {
        if (output != null) output.pause(paused);
        pauseError(paused);
    }

    /** Stops reading its standard output, or goes on with it; {@link #pauseOutput} is about both streams. */
    public void pauseStandardOutput(boolean paused) { reader(output, "output").pause(paused); }

    /** Stops reading its standard error, if that is a pipe, or goes on with it. */
    public void pauseError(boolean paused) {
        if (error != null) error.pause(paused);
    }

    // ---- what it is given

    /**
     * Writes to its standard input. What the pipe has no room for is kept ({@link #waitingBytes}) and written as it is read.
     *
     * @return false if the input is closed, by us or by the child
     */
    public boolean write(byte[] data) { return writer().write(data); }

    /** Writes text as UTF-8; see {@link #write(byte[])}. */
    public boolean write(String text) { return write(text.getBytes(StandardCharsets.UTF_8)); }

    /** Returns how many bytes were written and are not in the pipe yet. */
    public long waitingBytes() { return writer().waitingBytes(); }

    /** Ends its standard input when everything that was written is in the pipe. */
    public void closeInput() { writer().closeWhenWritten(); }

    /**
     * Sends it a signal. Cannot reach another process.
     *
     * @return false if it has ended
     */
    public boolean signal(Signal signal) { return exit.send(signal) == 0; }

    private static PipeReader reader(PipeReader pipe, String name) {
        if (pipe == null) throw new IllegalStateException("the " + name + " is no pipe");
        return pipe;
    }

    private PipeWriter writer() {
        if (input == null) throw new IllegalStateException("the input is no pipe");
        return input;
    }

    // ---- the registration

    @Override public void close() {
        open = false;
        for (KernelSource source : sources()) {
            if (source != exit) source.close();
        }
    }

    /** Not closed, nor told of its end; and the runtime has not ended, which the child's end may outlive. */
    @Override public boolean isOpen() { return open && (exit.isOpen() || status != null); }

    @Override public Color color() { return color; }

    @Override public String toString() { return "process " + pid + " (" + program + ")"; }
}
