package org.libtorque.thread;

import java.io.IOException;
import java.util.List;
import org.libtorque.testkit.TestProcess;

/** What starts a JVM for a test of this module. */
final class ChildJvm {
    static final String ACCESS = "--add-opens=java.base/java.lang=ALL-UNNAMED";

    private ChildJvm() {}

    /** @param words JVM options, then a main class or source file, then its arguments */
    static TestProcess start(String... words) throws IOException { return org.libtorque.testkit.ChildJvm.start(List.of(), List.of(words)); }
}
