package org.libtorque.bench;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.libtorque.bench.Peer.Slot;

/** Finding and composing command lines. */
final class Commands {
    private Commands() {}

    static String javaBinary() { return Path.of(System.getProperty("java.home"), "bin", "java").toString(); }

    /** Returns where {@code program} is on the PATH or among the system administrator's programs, or null. */
    static Path find(String program) {
        var folders = new ArrayList<>(List.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator)));
        folders.addAll(List.of("/usr/sbin", "/sbin"));
        for (String folder : folders) {
            Path file = Path.of(folder.isEmpty() ? "." : folder, program);
            if (Files.isExecutable(file) && !Files.isDirectory(file)) return file;
        }
        return null;
    }

    /** Splits {@code template} at blanks and replaces what stands in braces; {@code {java}} may become several words. */
    static List<String> fill(String template, Slot slot) {
        var words = new ArrayList<String>();
        for (String word : template.strip().split("\\s+")) {
            if (word.equals("{java}")) {
                words.add(javaBinary());
                words.addAll(Peers.JVM_FLAGS);
            } else {
                words.add(word.replace("{port}", String.valueOf(slot.port()))
                        .replace("{cpu}", slot.cpus())
                        .replace("{root}", slot.root().toString()));
            }
        }
        return words;
    }

    /** Returns {@code command} bound to a list of CPUs. */
    static List<String> pinned(String cpus, List<String> command) {
        var pinned = new ArrayList<>(List.of("taskset", "-c", cpus));
        pinned.addAll(command);
        return pinned;
    }

    /** Returns the output (both streams) of a short command without surrounding blanks, or null if it fails. */
    static String output(Path folder, String... command) {
        try {
            Process process = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
            process.getOutputStream().close();
            String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            return process.waitFor(10, TimeUnit.SECONDS) && process.exitValue() == 0 ? text : null;
        } catch (IOException e) {
            return null;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return null;
        }
    }
}
