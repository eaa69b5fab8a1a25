package org.libtorque.thread;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.libtorque.testkit.TestProcess;

/** Starts a JVM with everything on its class path that this one runs on, and only the options that a test names. */
final class ChildJvm {
    static final String ACCESS = "--add-opens=java.base/java.lang=ALL-UNNAMED";

    private ChildJvm() {}

    /** @param words JVM options, then a main class or source file, then its arguments */
    static TestProcess start(String... words) throws IOException {
        List<String> command = new ArrayList<>(List.of(TestProcess.java(), "--enable-native-access=ALL-UNNAMED", "-ea", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
                "-cp", classPath()));
        command.addAll(List.of(words));
        return TestProcess.start(new ProcessBuilder(command));
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
