package org.libtorque.thread;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.libtorque.Torque;
import org.libtorque.event.ChildProcess;
import org.libtorque.event.Command;
import org.libtorque.event.ExitStatus;
import org.libtorque.event.OutputHandler;
import org.libtorque.event.Signal;
import org.libtorque.memory.ByteView;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Vcore;
import org.libtorque.vcore.VcoreThread;

/**
 * A child process in blocking style: its end, and its input and output as far as they are pipes. Waiting parks the thread; no vcore and no other thread waits.
 *
 * <pre>{@code
 *   try (var process = TorqueProcess.start(torque, Command.of("sort"))) {
 *       process.input().write(lines);
 *       process.input().close();
 *       byte[] sorted = process.output().readAllBytes();
 *       ExitStatus how = process.waitFor();
 *   }
 * }</pre>
 *
 * <p><b>Threads.</b> Any thread may use it. A uthread with its {@linkplain #color colour}, which the one has that starts it, does so directly; for others each attempt is posted to
 * the colour and waited for. A stream belongs to one thread at a time. Callbacks must not wait.
 *
 * <p><b>Output</b> that nobody reads is kept up to {@value #MAX_KEPT} bytes and a buffer block of each stream; then the child waits. So who reads only one stream of a child that writes
 * much to both should send the other elsewhere ({@link Command#withError}).
 *
 * <p>A thread that is interrupted while it waits gets an {@link InterruptedException}, from the streams an {@link InterruptedIOException}; nothing is closed. {@link #close} by another thread ends
 * reads with -1 and fails writes.
 */
public final class TorqueProcess implements AutoCloseable {
    /** Bytes of each stream that are kept until somebody reads them. */
    public static final int MAX_KEPT = 64 * 1024;
    private static final int SLICE = 64 * 1024;
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(500);
    private static final long NEVER = Long.MAX_VALUE;

    private final Color color;
    private final Waiters writers = new Waiters();
    private final Waiters ended = new Waiters();
    private final Output output;
    private final Output error;
    private final Input input;
    /** Set when it has been started. */
    private ChildProcess child;
    private boolean closed;

    private TorqueProcess(Color color, Command command) {
        this.color = color;
        output = command.output().equals(Command.Stdio.PIPE) ? new Output(paused -> child.pauseStandardOutput(paused)) : null;
        error = command.error().equals(Command.Stdio.PIPE) ? new Output(paused -> child.pauseError(paused)) : null;
        input = command.input().equals(Command.Stdio.PIPE) ? new Input() : null;
    }

    /**
     * Starts a program. The calling thread waits until the child has its program, some hundred microseconds, and does not leave its vcore meanwhile.
     *
     * @throws IOException if there is no such program, or descriptors or processes are out
     */
    public static TorqueProcess start(Torque torque, Command command) throws IOException {
        Color mine = Vcore.currentColor();
        Color color = mine != null && torque.vcores().contains(mine.home()) ? mine : torque.newColor();
        TorqueProcess process = new TorqueProcess(color, command);
        process.child = torque.start(command, color, process::started);
        return process;
    }

    /** Under the colour, before anything else of the child. */
    private void started(ChildProcess started) {
        child = started;
        if (output != null) started.onOutput(output);
        if (error != null) started.onError(error);
        if (input != null) started.onWritten(c -> writers.wakeAll());
        started.onExit((pid, how) -> {
            ended.wakeAll();
            writers.wakeAll();
        });
    }

    // --------------------------------------------------------------------------------------------------------------- waiting

    /** Attempts something under the colour until it does not return null, waiting in between; null if the time is up. */
    private <T> T await(Waiters waiters, long deadline, ColorCall.Body<T> attempt) throws IOException, InterruptedException {
        Thread caller = Thread.currentThread();
        int[] ticket = new int[1];
        ColorCall.Body<T> registering = () -> {
            T result = attempt.run();
            if (result == null) ticket[0] = waiters.add(caller);
            return result;
        };
        while (true) {
            T result = under(registering);
            if (result != null) return result;
            if (caller instanceof VcoreThread) throw new IllegalStateException("callbacks must not wait: call this in a thread (Torque.spawn)");
            while (!waiters.hasCalled(ticket[0])) {
                if (caller.isInterrupted()) {
                    Thread.interrupted();
                    throw new InterruptedException();
                }
                long now = System.nanoTime();
                if (deadline != NEVER && deadline - now <= 0) return null;
                long look = now + LOOK_NANOS; // a runtime that has ended wakes nobody
                Uthread.parkUntil(this, deadline == NEVER || look - deadline < 0 ? look : deadline);
                if (color.home().hasStopped()) throw ColorCall.stopped();
            }
        }
    }

    private <T> T under(ColorCall.Body<T> body) throws IOException {
        try {
            return Vcore.currentColor() == color ? body.run() : ColorCall.call(color, body);
        } catch (IOException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new AssertionError(e); // none of ours throws others
        }
    }

    private static InterruptedIOException interrupted() {
        Thread.currentThread().interrupt();
        return new InterruptedIOException("interrupted while waiting for a process");
    }

    // --------------------------------------------------------------------------------------------------------------- streams

    /** Returns what the child reads; closing it ends its input when everything written is in the pipe. */
    public OutputStream input() { return pipe(input, "input"); }

    /** Returns what the child writes. */
    public InputStream output() { return pipe(output, "output"); }

    /** Returns what the child writes to its standard error. */
    public InputStream error() { return pipe(error, "error output"); }

    private static <T> T pipe(T stream, String name) {
        if (stream == null) throw new IllegalStateException("the " + name + " is no pipe");
        return stream;
    }

    /** What has come and nobody has read yet: under the colour. */
    private final class Output extends InputStream implements OutputHandler {
        private final Consumer<Boolean> pause;
        private final Waiters readers = new Waiters();
        private final byte[] one = new byte[1];
        private byte[] kept = new byte[1024];
        private int start;
        private int end;
        private boolean over;
        private boolean paused;

        Output(Consumer<Boolean> pause) { this.pause = pause; }

        @Override public void onOutput(ChildProcess from, ByteView data) {
            int n = data.length();
            if (kept.length - end < n) {
                byte[] target = kept.length - (end - start) >= n ? kept : new byte[Math.max(2 * kept.length, end - start + n)];
                System.arraycopy(kept, start, target, 0, end - start);
                kept = target;
                end -= start;
                start = 0;
            }
            data.copyTo(0, kept, end, n);
            data.consume(n);
            end += n;
            if (end - start >= MAX_KEPT) setPaused(true);
            readers.wakeAll();
        }

        @Override public void onEnd(ChildProcess from) { setOver(); }

        private void setOver() {
            over = true;
            readers.wakeAll();
        }

        private void setPaused(boolean yes) {
            if (paused == yes) return;
            paused = yes;
            pause.accept(yes);
        }

        @Override public int read() throws IOException { return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF; }

        @Override public int read(byte[] target, int offset, int length) throws IOException {
            Objects.checkFromIndexSize(offset, length, target.length);
            if (length == 0) return 0;
            try {
                return await(readers, NEVER, () -> {
                    int n = Math.min(length, end - start);
                    if (n == 0) return over ? -1 : null;
                    System.arraycopy(kept, start, target, offset, n);
                    start += n;
                    if (start == end) start = end = 0;
                    if (end - start < MAX_KEPT / 2) setPaused(false);
                    return n;
                });
            } catch (InterruptedException e) {
                throw interrupted();
            }
        }

        @Override public int available() throws IOException { return under(() -> end - start); }
    }

    private final class Input extends OutputStream {
        @Override public void write(int value) throws IOException { write(new byte[] {(byte) value}, 0, 1); }

        @Override public void write(byte[] source, int offset, int length) throws IOException {
            Objects.checkFromIndexSize(offset, length, source.length);
            try {
                for (int at = offset, left = length; left > 0; ) {
                    int n = Math.min(left, SLICE);
                    byte[] part = Arrays.copyOfRange(source, at, at + n);
                    await(writers, NEVER, () -> {
                        checkOpen();
                        if (child.waitingBytes() >= SLICE) return null;
                        if (!child.write(part)) throw new IOException("the input of " + child + " is closed");
                        return true;
                    });
                    at += n;
                    left -= n;
                }
            } catch (InterruptedException e) {
                throw interrupted();
            }
        }

        /** Waits until everything is in the pipe, or the child will not read it. */
        @Override public void flush() throws IOException {
            try {
                await(writers, NEVER, () -> {
                    if (child.waitingBytes() == 0 || child.status() != null) return true;
                    checkOpen();
                    return null;
                });
            } catch (InterruptedException e) {
                throw interrupted();
            }
        }

        @Override public void close() throws IOException {
            under(() -> {
                child.closeInput();
                return null;
            });
        }
    }

    // ------------------------------------------------------------------------------------------------------------------- end

    /** Waits until it has ended, and returns how. */
    public ExitStatus waitFor() throws IOException, InterruptedException { return waitUntil(NEVER); }

    /** As {@link #waitFor()}, for at most so long. Returns null if it has not ended by then. */
    public ExitStatus waitFor(Duration limit) throws IOException, InterruptedException {
        return waitUntil(System.nanoTime() + Parker.nanosOf(limit));
    }

    private ExitStatus waitUntil(long deadline) throws IOException, InterruptedException {
        return await(ended, deadline, () -> {
            if (child.status() == null) checkOpen();
            return child.status();
        });
    }

    /** Under the colour. */
    private void checkOpen() throws IOException {
        if (closed) throw new IOException(child + " was closed");
    }

    /** Sends it a signal. Cannot reach another process. Returns false if it has ended. */
    public boolean signal(Signal signal) throws IOException { return under(() -> child.signal(signal)); }

    /** Returns the process's number; it may be another's once it has ended. */
    public int pid() { return child.pid(); }

    /** Returns how it ended, or null as long as it has not. */
    public ExitStatus status() { return child.status(); }

    /** Returns the colour: threads that have it use this directly. */
    public Color color() { return color; }

    /** Closes the pipes; the process goes on, and leaves no zombie. {@link #signal} ends it. Any thread, callbacks included. */
    @Override public void close() {
        Runnable end = () -> {
            closed = true;
            child.close();
            if (output != null) output.setOver();
            if (error != null) error.setOver();
            writers.wakeAll();
            ended.wakeAll();
        };
        if (Vcore.currentColor() == color) {
            end.run();
            return;
        }
        new org.libtorque.vcore.Task(color) {
            @Override protected void run() { end.run(); }
        }.postSurely();
    }

    @Override public String toString() { return "TorqueProcess[" + child + "]"; }
}
