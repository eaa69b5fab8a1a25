package org.libtorque.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.libtorque.bench.Peer.UnavailableException;

/** The servers in C, compiled on first use and again when their source has changed. */
final class CLoops {
    private static final List<String> FLAGS = List.of("-std=gnu11", "-O2", "-Wall", "-Wextra", "-pthread");

    private final Path sources;

    /** @param sources the folder bench/c; binaries go to its folder {@code build} */
    CLoops(Path sources) { this.sources = sources; }

    /** Names the compiler, its flags and its version, or says that there is none. */
    String describe() {
        Path compiler = Commands.find("cc");
        if (compiler == null) return "no C compiler";
        String version = Commands.output(sources, compiler.toString(), "--version");
        return "cc " + String.join(" ", FLAGS) + (version == null ? "" : ", " + version.lines().findFirst().orElse(""));
    }

    /**
     * Returns the program's binary, up to date.
     *
     * @throws UnavailableException if there is no compiler, or with its complaint
     */
    Path binary(String program) throws UnavailableException, IOException {
        Path source = sources.resolve(program + ".c");
        Path binary = sources.resolve("build").resolve(program);
        if (isFresh(binary, source)) return binary;
        Path compiler = Commands.find("cc");
        if (compiler == null) throw new UnavailableException("no C compiler (apt-get install gcc libc6-dev)");
        Files.createDirectories(binary.getParent());
        var command = new ArrayList<>(List.of(compiler.toString()));
        command.addAll(FLAGS);
        command.addAll(List.of("-o", binary.toString(), source.toString()));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try {
            if (process.waitFor() != 0) {
                throw new UnavailableException("cc failed: " + output.lines().findFirst().orElse("no message"));
            }
        } catch (InterruptedException e) {
            process.destroy();
            Thread.currentThread().interrupt();
            throw new UnavailableException("interrupted while compiling");
        }
        return binary;
    }

    /** Whether it is younger than its source and every header there is. */
    private boolean isFresh(Path binary, Path source) throws IOException {
        if (!Files.exists(binary)) return false;
        var inputs = new ArrayList<>(List.of(source));
        try (var headers = Files.newDirectoryStream(sources, "*.h")) {
            headers.forEach(inputs::add);
        }
        for (Path input : inputs) {
            if (Files.getLastModifiedTime(binary).compareTo(Files.getLastModifiedTime(input)) < 0) return false;
        }
        return true;
    }
}
