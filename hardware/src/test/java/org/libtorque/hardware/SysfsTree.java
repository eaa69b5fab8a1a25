package org.libtorque.hardware;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.AnnotatedElementContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.io.TempDirFactory;

/** Writes a topology as a tree of {@code /sys} and {@code /proc} files, the way a kernel would tell it. */
final class SysfsTree {
    /** Puts trees into memory where that can be: hundreds of small files for each test take a disk long. */
    static final class InMemory implements TempDirFactory {
        @Override public Path createTempDirectory(AnnotatedElementContext element, ExtensionContext context) throws IOException {
            Path memory = Path.of("/dev/shm");
            return Files.isWritable(memory) ? Files.createTempDirectory(memory, "torque-") : Files.createTempDirectory("torque-");
        }
    }

    private SysfsTree() {}

    static Path write(Path root, Topology t) throws IOException {
        for (int cpu : t.online().toArray()) {
            String folder = "sys/devices/system/cpu/cpu" + cpu + "/";
            Core core = t.coreOf(cpu);
            CpuPackage p = t.packageOf(cpu);
            if (p != null) {
                put(root, folder + "topology/physical_package_id", "" + p.osIndex());
                put(root, folder + "topology/package_cpus", mask(p.cpus()));
            }
            if (core != null) {
                put(root, folder + "topology/core_id", "" + core.osIndex());
                put(root, folder + "topology/core_cpus", mask(core.cpus()));
            }
            for (CpuGroup g : t.groups()) {
                if (g.cpus().contains(cpu)) {
                    put(root, folder + "topology/" + g.kind().label().toLowerCase(java.util.Locale.ROOT) + "_cpus", mask(g.cpus()));
                }
            }
            int index = 0;
            for (Cache c : t.cachesOf(cpu).toList()) {
                String cache = folder + "cache/index" + index++ + "/";
                put(root, cache + "level", "" + c.level());
                String type = c.type().label();
                put(root, cache + "type", Character.toUpperCase(type.charAt(0)) + type.substring(1));
                put(root, cache + "size", c.sizeBytes() / 1024 + "K");
                put(root, cache + "coherency_line_size", "" + c.lineBytes());
                put(root, cache + "ways_of_associativity", "" + c.ways());
                put(root, cache + "number_of_sets", "" + c.sets());
                put(root, cache + "shared_cpu_map", mask(c.cpus()));
            }
        }
        for (int cpu : t.offline().toArray()) put(root, "sys/devices/system/cpu/cpu" + cpu + "/online", "0");
        put(root, "sys/devices/system/cpu/online", t.online().toString());
        for (int i = 0; i < t.nodes().size(); i++) {
            NumaNode n = t.nodes().get(i);
            String folder = "sys/devices/system/node/node" + n.osIndex() + "/";
            put(root, folder + "cpumap", mask(n.cpus()));
            put(root, folder + "meminfo", "Node " + n.osIndex() + " MemTotal:  " + Math.max(0, n.memoryBytes()) / 1024 + " kB");
            var distances = new StringBuilder();
            for (int j = 0; j < t.nodes().size(); j++) distances.append(j == 0 ? "" : " ").append(t.nodeDistance(i, j));
            if (t.hasDistances()) put(root, folder + "distance", distances.toString());
        }
        return root;
    }

    static String mask(CpuSet set) {
        long[] words = set.words();
        var text = new StringBuilder();
        for (int i = Math.max(1, words.length) - 1; i >= 0; i--) {
            long word = i < words.length ? words[i] : 0;
            text.append(text.isEmpty() ? "" : ",").append(String.format("%08x,%08x", word >>> 32, word & 0xFFFFFFFFL));
        }
        return text.toString();
    }

    static void put(Path root, String path, String line) throws IOException {
        Path file = root.resolve(path);
        Files.createDirectories(file.getParent());
        Files.writeString(file, line + "\n");
    }
}
