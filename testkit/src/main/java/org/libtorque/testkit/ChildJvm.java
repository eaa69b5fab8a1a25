package org.libtorque.testkit;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Starts a JVM of its own with everything on its class path that this one runs on, and only the options that a test names. */
public final class ChildJvm {
    private ChildJvm() {}

    /**
     * Starts a main class.
     *
     * @param before  the words before {@code java}, such as those of env(1)
     * @param options for the JVM
     */
    public static TestProcess start(List<String> before, List<String> options, Class<?> main, String... arguments) throws IOException {
        List<String> words = new ArrayList<>(options);
        words.add(main.getName());
        words.addAll(List.of(arguments));
        return start(before, words);
    }

    /**
     * Starts whatever {@code java} can.
     *
     * @param before the words before {@code java}
     * @param words  JVM options, then a main class or source file, then its arguments
     */
    public static TestProcess start(List<String> before, List<String> words) throws IOException {
        List<String> command = new ArrayList<>(before);
        command.addAll(List.of(TestProcess.java(), "--enable-native-access=ALL-UNNAMED", "-ea", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", classPath()));
        command.addAll(words);
        return TestProcess.start(new ProcessBuilder(command));
    }

    /** Starts a main class with these signals blocked in all its threads, and the JVM taking none for itself. */
    public static TestProcess startBlocking(String signals, Class<?> main, String... arguments) throws IOException {
        return start(List.of("env", "--block-signal=" + signals, "_JAVA_SR_SIGNUM=16"), List.of("-Xrs"), main, arguments);
    }

    private static String classPath() {
        Set<String> entries = new LinkedHashSet<>();
        for (String entry : (System.getProperty("jdk.module.path", "") + File.pathSeparator + System.getProperty("java.class.path")).split(File.pathSeparator)) {
            if (entry.isEmpty()) continue;
            entries.add(entry);
            Path tests = Path.of(entry).resolveSibling("test-classes");
            if (Files.isDirectory(tests)) entries.add(tests.toString());
        }
        return String.join(File.pathSeparator, entries);
    }
}
