package org.libtorque.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.libtorque.bench.nas.Kernel;

/** A {@link NasProcess} that runs, and sleeps between its turns. One thread uses it. */
final class NasPartner implements AutoCloseable {
    private final Children children;
    private final List<String> command;
    private final Path errors;
    private final Process process;
    private final PrintStream turns;
    private final BufferedReader results;

    /** Starts the process, and returns when it has warmed up. */
    NasPartner(Children children, List<String> command) throws IOException {
        this.children = children;
        this.command = command;
        errors = Files.createTempFile("torque-bench-", ".log");
        process = children.start(new ProcessBuilder(command).redirectError(errors.toFile()));
        turns = new PrintStream(process.getOutputStream(), true, StandardCharsets.UTF_8);
        results = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        try {
            String line = line();
            if (!line.equals(NasProcess.READY)) throw new IOException(String.join(" ", command) + " says " + line);
        } catch (IOException e) {
            close();
            throw e;
        }
    }

    /** Has it take a turn, and returns how many seconds each computation took. */
    List<Double> turn(Kernel.Size size) throws IOException {
        turns.println(size);
        return Stream.of(line().split(" ")).map(Double::valueOf).toList();
    }

    private String line() throws IOException {
        String line = results.readLine();
        if (line != null) return line;
        BenchProgram.say(Files.readString(errors).strip());
        throw new IOException(String.join(" ", command) + " failed");
    }

    @Override public void close() throws IOException {
        turns.close();
        children.stop(process);
        results.close();
        Files.deleteIfExists(errors);
    }
}
