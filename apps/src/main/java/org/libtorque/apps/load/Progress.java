package org.libtorque.apps.load;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * The live progress line, on standard error: on a terminal it is written over itself, elsewhere a line is added each second.
 */
final class Progress {
    private final PrintStream out;
    private final boolean terminal;
    private final List<Worker> workers;
    private long lastAnswers;
    private long lastNanos;
    private int width;

    /** @param terminal whether {@code out} can go back to the beginning of a line */
    Progress(PrintStream out, boolean terminal, List<Worker> workers, long nanoTime) {
        this.out = out;
        this.terminal = terminal;
        this.workers = workers;
        this.lastNanos = nanoTime;
    }

    /** Whether standard error is a terminal. {@link System#console} asks about the other two. */
    static boolean standardErrorIsTerminal() {
        try {
            var target = Files.readSymbolicLink(Path.of("/proc/self/fd/2")).toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty") || target.equals("/dev/console");
        } catch (IOException e) {
            return false; // no /proc, or closed
        }
    }

    /** Shows where the load is. */
    void show(long nanoTime, String phase) {
        long answers = 0, errors = 0, open = 0;
        for (var worker : workers) {
            answers += worker.answersSoFar();
            errors += worker.errorsSoFar();
            open += worker.openConnections();
        }
        double seconds = Math.max(1, nanoTime - lastNanos) / 1e9;
        var line = String.format(Locale.ROOT, "%s  %,.0f requests/s  %,d connections  %,d errors", phase, (answers - lastAnswers) / seconds, open, errors);
        lastAnswers = answers;
        lastNanos = nanoTime;
        if (!terminal) {
            out.println(line);
            return;
        }
        out.print('\r' + line + " ".repeat(Math.max(0, width - line.length())));
        out.flush();
        width = line.length();
    }

    /** Leaves the line clean for what follows. */
    void end() {
        if (!terminal || width == 0) return;
        out.print('\r' + " ".repeat(width) + '\r');
        out.flush();
    }
}
