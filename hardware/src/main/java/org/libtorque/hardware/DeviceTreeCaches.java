package org.libtorque.hardware;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads caches from the firmware's device tree, {@code /proc/device-tree/cpus}, for kernels of POWER that tell none in
 * {@code /sys}. Devicetree Specification, "/cpus/cpu* Node Properties" and "Multi-level and Shared Cache Nodes"; numbers are
 * big-endian words. Nodes of CPUs have their first level in themselves and name the next by its phandle.
 */
final class DeviceTreeCaches {
    private static final String CPUS = "proc/device-tree/cpus";
    private static final int MAX_LEVEL = 8;
    private static final int MAX_PROPERTY_BYTES = 4096;

    private record Key(String node, int level) {}

    private final FileTree files;
    private final CpuSet online;
    private final Map<Integer, String> byHandle = new HashMap<>();
    private final Map<Key, BitSet> sharers = new LinkedHashMap<>();

    private DeviceTreeCaches(FileTree files, CpuSet online) {
        this.files = files;
        this.online = online;
    }

    static List<Cache> read(FileTree files, CpuSet online) {
        if (!files.exists(CPUS)) return List.of();
        var reader = new DeviceTreeCaches(files, online);
        List<String> nodes = files.names(CPUS);
        for (String node : nodes) {
            // The same number by the names that firmware and kernels gave it over time.
            for (String name : new String[] {"phandle", "ibm,phandle", "linux,phandle"}) {
                int[] handle = reader.words(node, name);
                if (handle.length > 0) reader.byHandle.putIfAbsent(handle[0], node);
            }
        }
        for (String node : nodes) reader.cpu(node);
        var caches = new ArrayList<Cache>();
        reader.sharers.forEach((key, cpus) -> reader.caches(key, Facts.setOf(cpus), caches));
        return caches;
    }

    private int[] words(String node, String property) {
        byte[] bytes = files.bytes(CPUS + "/" + node + "/" + property, MAX_PROPERTY_BYTES);
        if (bytes == null) return new int[0];
        var words = new int[bytes.length / 4];
        for (int i = 0; i < words.length; i++) {
            words[i] = bytes[4 * i] << 24 | (bytes[4 * i + 1] & 0xFF) << 16 | (bytes[4 * i + 2] & 0xFF) << 8 | bytes[4 * i + 3] & 0xFF;
        }
        return words;
    }

    private void cpu(String node) {
        if (!"cpu".equals(files.line(CPUS + "/" + node + "/device_type"))) return;
        int[] threads = words(node, "ibm,ppc-interrupt-server#s");
        if (threads.length == 0) threads = words(node, "reg");
        var cpus = new BitSet();
        for (int thread : threads) {
            if (online.contains(thread)) cpus.set(thread);
        }
        if (cpus.isEmpty()) return;
        for (int level = 1; level <= MAX_LEVEL && node != null; level++) { // the bound also ends a ring
            sharers.computeIfAbsent(new Key(node, level), k -> new BitSet()).or(cpus);
            int[] next = words(node, "next-level-cache");
            if (next.length == 0) next = words(node, "l2-cache");
            node = next.length == 0 ? null : byHandle.get(next[0]);
        }
    }

    private void caches(Key key, CpuSet cpus, List<Cache> caches) {
        if (files.exists(CPUS + "/" + key.node + "/cache-unified")) {
            cache(key, CacheType.UNIFIED, "d", cpus, caches);
        } else {
            cache(key, CacheType.INSTRUCTION, "i", cpus, caches);
            cache(key, CacheType.DATA, "d", cpus, caches);
        }
    }

    private void cache(Key key, CacheType type, String letter, CpuSet cpus, List<Cache> caches) {
        int size = first(key, letter + "-cache-size"), sets = first(key, letter + "-cache-sets");
        int line = first(key, letter + "-cache-line-size");
        if (line == 0) line = first(key, letter + "-cache-block-size");
        if (size == 0) return;
        // One set is what firmware writes that does not know, as in /sys.
        int ways = sets > 1 && line > 0 ? (int) Math.min(1 << 20, size / ((long) sets * line)) : 0;
        caches.add(new Cache(key.level, type, size, line, ways, sets, Cache.Inclusion.UNKNOWN, cpus));
    }

    private int first(Key key, String property) {
        int[] words = words(key.node, property);
        return words.length == 0 ? 0 : Math.max(0, words[0]);
    }
}
