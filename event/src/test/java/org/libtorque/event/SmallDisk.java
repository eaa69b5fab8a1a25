package org.libtorque.event;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;

/** A file system of a test's own with room for little. */
record SmallDisk(Path path) implements AutoCloseable {
    /** Mounts one, or skips the test where that is forbidden. */
    static SmallDisk mount(Path where, int bytes) throws IOException {
        Files.createDirectory(where);
        int status = run(List.of("mount", "-t", "tmpfs", "-o", "size=" + bytes, "torque-test", where.toString()));
        Assumptions.assumeTrue(status == 0, "a file system cannot be mounted here");
        return new SmallDisk(where);
    }

    private static int run(List<String> command) throws IOException {
        try {
            return new ProcessBuilder(command).redirectOutput(ProcessBuilder.Redirect.DISCARD).redirectError(ProcessBuilder.Redirect.DISCARD).start().waitFor();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Override public void close() throws IOException {
        // Lazily: what a vcore still closes must not keep it mounted.
        int status = run(List.of("umount", "-l", path.toString()));
        if (status != 0) throw new AssertionError("umount: exit " + status);
    }
}
