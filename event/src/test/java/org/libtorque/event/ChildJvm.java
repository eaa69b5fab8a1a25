package org.libtorque.event;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.libtorque.testkit.TestProcess;

/** Starts a test's own main class in a JVM of its own, with everything that this one runs on. */
final class ChildJvm {
    private ChildJvm() {}

    /**
     * @param before  the words before {@code java}, such as those of env(1)
     * @param options for the JVM
     */
    static TestProcess start(List<String> before, List<String> options, Class<?> main, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(before);
        command.addAll(List.of(TestProcess.java(), "--enable-native-access=ALL-UNNAMED", "-ea", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
        command.addAll(options);
        command.addAll(List.of("-cp", classPath(), main.getName()));
        command.addAll(List.of(arguments));
        return TestProcess.start(new ProcessBuilder(command));
    }

    /** With these signals blocked in all its threads, and the JVM taking none for itself. */
    static TestProcess startBlocking(String signals, Class<?> main, String... arguments) throws IOException {
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
