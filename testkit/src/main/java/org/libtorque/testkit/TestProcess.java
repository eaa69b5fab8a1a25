package org.libtorque.testkit;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A child process under test. Its output is read as it comes, line by line, so it never blocks on a full pipe.
 * Belongs to one thread. Closing kills it and its descendants, whatever state they are in; leave none without
 * try-with-resources.
 */
public final class TestProcess implements AutoCloseable {
    private final String command;
    private final Process process;
    private final List<String> stdout = new ArrayList<>();
    private final List<String> stderr = new ArrayList<>();
    private final Thread[] readers;

    private TestProcess(ProcessBuilder builder) throws IOException {
        command = String.join(" ", builder.command());
        process = builder.start();
        readers = new Thread[] {
            reader("stdout", process.getInputStream(), stdout), reader("stderr", process.getErrorStream(), stderr)
        };
    }

    /** Starts a program with this process's environment and directory. Its standard input is empty. */
    public static TestProcess start(String... command) throws IOException { return start(new ProcessBuilder(command)); }

    /** Starts what {@code builder} describes. Its output must not be redirected. */
    public static TestProcess start(ProcessBuilder builder) throws IOException {
        var child = new TestProcess(builder);
        child.process.getOutputStream().close();
        return child;
    }

    /** Returns the path of this JVM's own {@code java} command. */
    public static String java() { return Path.of(System.getProperty("java.home"), "bin", "java").toString(); }

    /** Returns the process's number. */
    public long pid() { return process.pid(); }

    /** Tells whether it still runs. */
    public boolean isAlive() { return process.isAlive(); }

    /** Returns the lines it has written to its standard output so far. */
    public List<String> stdout() { return copyOf(stdout); }

    /** Returns the lines it has written to its standard error so far. */
    public List<String> stderr() { return copyOf(stderr); }

    /**
     * Waits until it has written a line, to its output or its error output, in which {@code regex} is found.
     *
     * @return the match in the first such line: {@code group()} is what was found
     * @throws AssertionError if that does not happen within {@link Eventually#DEFAULT_LIMIT}; shows what it wrote
     */
    public Matcher awaitLine(String regex) { return awaitLine(regex, Eventually.DEFAULT_LIMIT); }

    /** As {@link #awaitLine(String)}, but with a limit of its own, which is scaled. */
    public Matcher awaitLine(String regex, Duration limit) {
        var pattern = Pattern.compile(regex);
        var found = new Matcher[1];
        Eventually.await(() -> "a line matches '" + regex + "': " + this, limit,
                () -> (found[0] = find(pattern)) != null || readersEnded());
        if (found[0] == null) found[0] = find(pattern); // the last line may have come with the end
        if (found[0] == null) throw new AssertionError("ended without a line that matches '" + regex + "': " + this);
        return found[0];
    }

    /** Sends a signal: a name without SIG, such as {@code TERM}, or a number. */
    public void signal(String signal) {
        // The shell's own kill: the external one is missing in small images.
        try (TestProcess kill = start("sh", "-c", "kill -s " + signal + " " + pid())) {
            int status = kill.awaitExit();
            if (status != 0) throw new AssertionError("kill -s " + signal + " " + pid() + ": " + kill);
        } catch (IOException e) {
            throw new UncheckedIOException("kill", e);
        }
    }

    /** Waits for its end and all its output; returns its exit status, or 128 + the signal that killed it. */
    public int awaitExit() { return awaitExit(Eventually.DEFAULT_LIMIT); }

    /**
     * Waits for its end and all its output.
     *
     * @param limit how long, before scaling
     * @return its exit status, or 128 + the number of the signal that killed it
     * @throws AssertionError if it does not end in time
     */
    public int awaitExit(Duration limit) {
        try {
            if (!process.waitFor(Eventually.scaled(limit).toNanos(), TimeUnit.NANOSECONDS)) {
                throw new AssertionError("did not end within " + Eventually.scaled(limit) + ": " + this);
            }
            for (Thread reader : readers) Eventually.awaitEnd(reader);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted while waiting for " + this, e);
        }
        return process.exitValue();
    }

    /** Kills it and its descendants, and waits until it is gone. */
    @Override public void close() {
        List<ProcessHandle> all = new ArrayList<>(process.descendants().toList());
        all.add(process.toHandle());
        for (ProcessHandle handle : all) handle.destroyForcibly();
        Eventually.await(() -> "processes are gone: " + all, Eventually.DEFAULT_LIMIT,
                () -> all.stream().noneMatch(ProcessHandle::isAlive));
        for (Thread reader : readers) Eventually.awaitEnd(reader);
    }

    private Matcher find(Pattern pattern) {
        for (List<String> lines : List.of(stdout(), stderr())) {
            for (String line : lines) {
                Matcher matcher = pattern.matcher(line);
                if (matcher.find()) return matcher;
            }
        }
        return null;
    }

    private boolean readersEnded() { return !readers[0].isAlive() && !readers[1].isAlive(); }

    private Thread reader(String name, InputStream stream, List<String> lines) {
        return Thread.ofPlatform().daemon().name(name + " of " + process.pid()).start(() -> {
            try (var reader = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
                for (String line; (line = reader.readLine()) != null; ) {
                    synchronized (lines) { lines.add(line); }
                }
            } catch (IOException e) {
                synchronized (lines) { lines.add("(" + name + " broke: " + e + ")"); }
            }
        });
    }

    private static List<String> copyOf(List<String> lines) {
        synchronized (lines) { return List.copyOf(lines); }
    }

    /** Shows the command, its state, and all it wrote. */
    @Override public String toString() {
        var text = new StringBuilder(command).append(" (pid ").append(pid()).append(", ")
                .append(isAlive() ? "running" : "exit " + process.exitValue()).append(')');
        for (String line : stdout()) text.append("\n  out: ").append(line);
        for (String line : stderr()) text.append("\n  err: ").append(line);
        return text.toString();
    }
}
