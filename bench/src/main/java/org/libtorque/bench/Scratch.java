package org.libtorque.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

/** A folder for the files of one run. It goes with the run's processes when the run ends, or when this process is ended. */
final class Scratch implements AutoCloseable {
    private final Children children;
    private final Path folder;

    /** Makes the folder. */
    Scratch(Children children) throws IOException {
        this.children = children;
        folder = Files.createTempDirectory("torque-bench-");
        Runtime.getRuntime().addShutdownHook(new Thread(this::close, "clean-up"));
    }

    Path folder() { return folder; }

    /** Ends every process of the run and deletes its files. May run twice, then also on the thread of a shutdown hook. */
    @Override
    public void close() {
        children.close();
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) Files.deleteIfExists(file);
        } catch (IOException | UncheckedIOException alreadyGone) {
            // The other of the two runs has deleted it.
        }
    }

    /** The source tree: the launcher names it; else it is what lies above bench/target/classes or bench/target/*.jar. */
    static Path sourceTree() {
        String named = System.getProperty("torque.home");
        if (named != null) return Path.of(named);
        try {
            Path classes = Path.of(Scratch.class.getProtectionDomain().getCodeSource().getLocation().toURI());
            return classes.getParent().getParent().getParent();
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }
}
