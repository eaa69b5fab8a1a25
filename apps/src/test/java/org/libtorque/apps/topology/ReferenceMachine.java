package org.libtorque.apps.topology;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorInputStream;
import org.libtorque.hardware.Topology;

/** The dumps of real machines in {@code ../shared/topology}, beside the checkout. */
record ReferenceMachine(Path folder) {
    static final Path SHARED = shared("topology");

    /** Devices, of which some snapshots have ten thousands of files; topologies are not made of them. */
    private static final Pattern UNREAD =
            Pattern.compile("[^/]+/sys/(?:bus|class|block|module|devices/(?!system/).*|devices/system/node/node[0-9]+/memory[0-9]+)(?:/.*)?");

    /** Tests run in the module's folder; the data lies beside the checkout. */
    static Path shared(String name) { return Path.of("..", "..", "shared", name).toAbsolutePath().normalize(); }

    /** Returns all machines; one absent machine stands for an absent folder, so that its test can say why it is skipped. */
    static List<ReferenceMachine> all() throws IOException {
        if (!Files.isDirectory(SHARED)) return List.of(new ReferenceMachine(SHARED));
        try (Stream<Path> kinds = Stream.concat(Files.list(SHARED.resolve("linux")), Files.list(SHARED.resolve("x86")))) {
            return kinds.filter(Files::isDirectory).sorted().map(ReferenceMachine::new).toList();
        }
    }

    static ReferenceMachine named(String kind, String name) { return new ReferenceMachine(SHARED.resolve(kind).resolve(name)); }

    boolean isCpuid() { return folder.getParent().getFileName().toString().equals("x86"); }

    String name() { return folder.getFileName().toString(); }

    JsonObject expected() throws IOException {
        return JsonParser.parseString(Files.readString(folder.resolve("expected.json"))).getAsJsonObject();
    }

    /** Unpacks the dump and returns its top folder; skips the test where there is none. */
    Path unpack(Path target) throws IOException {
        Path archive = folder.resolve("dump.tar.bz2");
        assumeTrue(Files.exists(archive), "there is no " + archive);
        Files.createDirectories(target);
        Path top = null;
        try (var tar = new TarArchiveInputStream(new BZip2CompressorInputStream(
                new BufferedInputStream(Files.newInputStream(archive)), true))) {
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                Path file = target.resolve(entry.getName()).normalize();
                if (!file.startsWith(target)) throw new IOException(archive + ": leaves its folder: " + entry.getName());
                if (top == null) top = target.resolve(target.relativize(file).getName(0));
                if (UNREAD.matcher(entry.getName()).matches()) continue;
                if (entry.isDirectory()) {
                    Files.createDirectories(file);
                } else {
                    Files.createDirectories(file.getParent());
                    if (entry.isSymbolicLink()) Files.createSymbolicLink(file, Path.of(entry.getLinkName()));
                    else if (entry.isFile()) Files.write(file, tar.readAllBytes());
                }
            }
        }
        return top;
    }

    Topology read(Path top) { return isCpuid() ? Topology.ofCpuidDump(top) : Topology.ofSysfs(top); }

    @Override public String toString() { return (isCpuid() ? "x86/" : "linux/") + name(); }
}
