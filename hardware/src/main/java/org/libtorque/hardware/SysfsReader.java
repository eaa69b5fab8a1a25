package org.libtorque.hardware;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.StringTokenizer;

/**
 * Reads a machine from {@code /sys} and {@code /proc}, or a copy of them, of any architecture. The files are described in
 * the kernel's Documentation/ABI/stable/sysfs-devices-system-cpu, .../sysfs-devices-node, testing/sysfs-devices-system-cpu
 * and admin-guide/cputopology.rst.
 */
final class SysfsReader {
    private static final String CPU = "sys/devices/system/cpu";
    private static final String NODE = "sys/devices/system/node";
    /** CONFIG_NODES_SHIFT is at most 10. */
    private static final int MAX_NODE = 1 << 12;
    private static final int MAX_CACHES = 32;

    private final FileTree files;
    private final Facts facts = new Facts();
    private CpuSet online;

    private SysfsReader(FileTree files) { this.files = files; }

    /**
     * Reads which CPUs there are and which of them may be used: what can change from one moment to the next.
     *
     * @throws TopologyFormatException if there is no CPU
     */
    static SysfsReader begin(FileTree files) {
        var reader = new SysfsReader(files);
        reader.presence();
        reader.facts.limits = CgroupReader.read(files);
        reader.facts.mems = reader.facts.limits.cpusetMems();
        reader.allowed();
        return reader;
    }

    /** Returns the CPUs that are online and may be used. */
    CpuSet usable() { return facts.allowed == null ? online : facts.allowed.and(online); }

    /** Reads everything else but what CPUID and the devices tell, and {@link #processors}. */
    Facts finish() {
        structure();
        caches();
        memory();
        facts.architecture = architecture();
        kinds();
        return facts;
    }

    private void allowed() {
        Limits limits = facts.limits;
        CpuSet allowed = null;
        for (CpuSet set : new CpuSet[] {limits.affinity(), limits.cpusetCpus()}) {
            if (set != null) allowed = allowed == null ? set : allowed.and(set);
        }
        if (allowed != null && allowed.and(online).isEmpty()) {
            files.remark(Remark.Kind.FALLBACK, "affinity " + limits.affinity() + " and cpuset " + limits.cpusetCpus()
                    + " leave no CPU that is online; all count as usable");
            allowed = null;
        }
        facts.allowed = allowed;
    }

    // ---- which CPUs there are ----

    private void presence() {
        var present = new BitSet();
        for (int cpu : files.numbered(CPU, "cpu", CpuSet.LIMIT)) present.set(cpu);
        if (present.isEmpty()) {
            // A kernel without CONFIG_SYSFS details, or a container that hides them: /proc/cpuinfo lists online CPUs.
            for (var cpu : ProcCpuinfo.read(files).keySet()) present.set(cpu);
            if (present.isEmpty()) {
                throw new TopologyFormatException("/" + CPU + ": tells no CPU, nor does /proc/cpuinfo");
            }
            files.fallback(CPU, "tells no CPU; those of /proc/cpuinfo were taken");
        }
        CpuSet all = Facts.setOf(present);
        CpuSet listed = files.list(CPU + "/online");
        if (listed != null && !listed.and(all).isEmpty()) {
            online = listed.and(all);
            if (!listed.equals(online)) {
                files.fallback(CPU + "/online", "CPUs " + listed.minus(all) + " are listed but have no folder; ignored");
            }
        } else {
            online = Facts.setOf(onlineByFile(present));
        }
        facts.online = online;
        facts.offline = all.minus(online);
    }

    /** Old kernels: a file for each CPU that can be taken offline. Missing means that it cannot. */
    private BitSet onlineByFile(BitSet present) {
        var set = new BitSet();
        for (int cpu = present.nextSetBit(0); cpu >= 0; cpu = present.nextSetBit(cpu + 1)) {
            if (files.integer(CPU + "/cpu" + cpu + "/online", 1) != 0) set.set(cpu);
        }
        if (set.isEmpty()) {
            files.fallback(CPU, "every CPU says that it is offline; all count as online");
            return present;
        }
        return set;
    }

    // ---- packages, cores and what is between ----

    private void structure() {
        var seenPackage = new BitSet();
        var seenCore = new BitSet();
        var seenGroup = new HashMap<CpuGroup.Kind, BitSet>();
        for (int cpu = online.nextSetBit(0); cpu >= 0; cpu = online.nextSetBit(cpu + 1)) {
            String folder = CPU + "/cpu" + cpu + "/topology/";
            if (!seenCore.get(cpu)) core(folder, cpu, seenCore);
            if (!seenPackage.get(cpu)) {
                CpuSet mask = siblings(folder, cpu, "package_cpus", "core_siblings");
                if (mask != null) {
                    mask = claim(mask, cpu, seenPackage, folder + "core_siblings");
                    int id = files.integer(folder + "physical_package_id", -1);
                    facts.packages.add(new CpuPackage(Math.max(id, -1), mask, List.of()));
                }
            }
            group(CpuGroup.Kind.DRAWER, folder, cpu, seenGroup, "drawer_cpus", "drawer_siblings", "drawer_id");
            group(CpuGroup.Kind.BOOK, folder, cpu, seenGroup, "book_cpus", "book_siblings", "book_id");
            group(CpuGroup.Kind.DIE, folder, cpu, seenGroup, "die_cpus", null, "die_id");
            group(CpuGroup.Kind.CLUSTER, folder, cpu, seenGroup, "cluster_cpus", null, "cluster_id");
        }
    }

    private void group(CpuGroup.Kind kind, String folder, int cpu, Map<CpuGroup.Kind, BitSet> seenGroup, String name,
            String oldName, String id) {
        BitSet seen = seenGroup.get(kind);
        if (seen == null) seenGroup.put(kind, seen = new BitSet());
        if (seen.get(cpu)) return;
        CpuSet mask = siblings(folder, cpu, name, oldName);
        if (mask == null) return;
        mask = claim(mask, cpu, seen, folder + name);
        facts.groups.add(new CpuGroup(kind, Math.max(-1, files.integer(folder + id, -1)), mask));
    }

    /**
     * A core is the CPUs of {@code thread_siblings} that have its {@code core_id}: kernels of AMD's family 15h list the two
     * cores of a module there together (they share a front end and the second-level cache), but number them apart; threads
     * of one core have one number (cputopology.rst: "the CPU core ID", whatever the hardware calls a core).
     */
    private void core(String folder, int cpu, BitSet seen) {
        CpuSet mask = siblings(folder, cpu, "core_cpus", "thread_siblings");
        if (mask == null) return;
        int id = files.integer(folder + "core_id", -1);
        var same = new BitSet();
        for (int other = mask.nextSetBit(0); other >= 0; other = mask.nextSetBit(other + 1)) {
            if (other == cpu || files.integer(CPU + "/cpu" + other + "/topology/core_id", -1) == id) same.set(other);
        }
        CpuSet cpus = claim(Facts.setOf(same), cpu, seen, folder + "thread_siblings");
        facts.cores.add(new Core(Math.max(-1, id), cpus));
    }

    /** Returns a mask by its new or old name, within the online CPUs; null if there is none. */
    private CpuSet siblings(String folder, int cpu, String name, String oldName) {
        CpuSet mask = files.mask(folder + name);
        if (mask == null) mask = files.list(folder + name + "_list");
        if (mask == null && oldName != null) mask = files.maskOrList(folder + oldName, folder + oldName + "_list");
        if (mask == null) return null;
        // A mask without the CPU itself says nothing of use: the kernel writes one of zeros for what it does not know.
        return mask.contains(cpu) ? mask.and(online) : null;
    }

    /** Takes the CPUs of a mask that no mask read before claimed, so that what is read is a partition. */
    private CpuSet claim(CpuSet mask, int cpu, BitSet seen, String path) {
        var free = Facts.bitsOf(mask);
        free.andNot(seen);
        free.set(cpu);
        if (free.cardinality() < mask.size()) {
            files.remark(Remark.Kind.DISAGREEMENT, "/" + path + ": CPUs " + mask + " overlap what lower CPUs tell; of CPU " + cpu
                    + " " + Facts.setOf(free) + " were taken");
        }
        seen.or(free);
        return Facts.setOf(free);
    }

    // ---- caches ----

    private void caches() {
        var seen = new HashMap<Integer, BitSet>();
        for (int cpu = online.nextSetBit(0); cpu >= 0; cpu = online.nextSetBit(cpu + 1)) {
            String folder = CPU + "/cpu" + cpu + "/cache";
            for (int index : files.numbered(folder, "index", MAX_CACHES)) cache(folder + "/index" + index + "/", cpu, seen);
        }
        if (facts.caches.isEmpty()) facts.caches.addAll(DeviceTreeCaches.read(files, online));
    }

    private void cache(String folder, int cpu, Map<Integer, BitSet> seen) {
        int level = files.integer(folder + "level", 0);
        String typeName = files.line(folder + "type");
        if (level < 1 || level > 9 || typeName == null) return;
        CacheType type = switch (typeName) {
            case "Data" -> CacheType.DATA;
            case "Instruction" -> CacheType.INSTRUCTION;
            case "Unified" -> CacheType.UNIFIED;
            default -> null; // "Unknown" and the like
        };
        if (type == null) return;
        int key = level << 2 | type.ordinal();
        BitSet known = seen.get(key);
        if (known == null) seen.put(key, known = new BitSet());
        if (known.get(cpu)) return;
        CpuSet mask = files.maskOrList(folder + "shared_cpu_map", folder + "shared_cpu_list");
        // Itanium's kernel writes an empty map for caches that it finds in the firmware's tables but cannot attribute; they
        // are the core's. A map without the CPU itself cannot be right either.
        if (mask == null || !mask.contains(cpu)) mask = coreOf(cpu);
        mask = claim(mask.and(online), cpu, known, folder + "shared_cpu_map");
        long sizeBytes = Math.max(0, files.size(folder + "size"));
        int lineBytes = Math.max(0, files.integer(folder + "coherency_line_size", 0));
        int ways = files.integer(folder + "ways_of_associativity", 0);
        long sets = Math.max(0, files.number(folder + "number_of_sets", 0));
        if (ways < 0 || ways > 1 << 20) ways = 0;
        // include/linux/cacheinfo.h and ABI/testing/sysfs-devices-system-cpu: where firmware tells no sets, the kernel takes
        // one set, and ways that say nothing (0 fully associative, on ARM; or 1).
        if (sets == 1 && ways <= 1 && lineBytes > 0 && sizeBytes > lineBytes) ways = 0;
        facts.caches.add(new Cache(level, type, sizeBytes, lineBytes, ways, sets, Cache.Inclusion.UNKNOWN, mask));
    }

    private CpuSet coreOf(int cpu) {
        for (Core core : facts.cores) {
            if (core.cpus().contains(cpu)) return core.cpus();
        }
        return CpuSet.of(cpu);
    }

    // ---- memory ----

    private void memory() {
        List<Integer> numbers = files.numbered(NODE, "node", MAX_NODE);
        facts.pageBytes = pageBytes();
        facts.hugePages = hugePages("sys/kernel/mm/hugepages");
        if (numbers.isEmpty()) {
            facts.nodes.add(new NumaNode(0, online, false, online, memTotal("proc/meminfo", ""), facts.hugePages,
                    Optional.empty()));
            return;
        }
        facts.distances = distances(numbers);
        var cpusOf = new HashMap<Integer, CpuSet>();
        var taken = new BitSet();
        for (int node : numbers) {
            CpuSet cpus = files.maskOrList(NODE + "/node" + node + "/cpumap", NODE + "/node" + node + "/cpulist");
            if (cpus == null) cpus = CpuSet.of();
            var bits = Facts.bitsOf(cpus);
            if (bits.intersects(taken)) {
                bits.and(taken);
                files.fallback(NODE + "/node" + node + "/cpumap", "CPUs " + Facts.setOf(bits) + " are in two nodes; they stay in the"
                        + " lower one");
                cpus = cpus.minus(Facts.setOf(taken));
            }
            taken.or(Facts.bitsOf(cpus));
            cpusOf.put(node, cpus);
        }
        for (int i = 0; i < numbers.size(); i++) {
            int node = numbers.get(i);
            String folder = NODE + "/node" + node;
            CpuSet cpus = cpusOf.get(node);
            boolean memoryOnly = cpus.isEmpty();
            CpuSet locality = memoryOnly ? initiators(folder, i, numbers, cpusOf) : cpus.and(online);
            facts.nodes.add(new NumaNode(node, cpus.and(online), memoryOnly, locality,
                    memTotal(folder + "/meminfo", "Node " + node + " "), hugePages(folder + "/hugepages"),
                    memorySideCache(folder)));
        }
    }

    /**
     * CPUs near a node that has none: those of the initiators that ACPI's HMAT names (numaperf.rst: class 1 are the CPUs
     * with the best performance, class 0 any initiators), else those of the nodes at the least distance.
     */
    private CpuSet initiators(String folder, int position, List<Integer> numbers, Map<Integer, CpuSet> cpusOf) {
        for (String access : new String[] {"/access1/initiators", "/access0/initiators"}) {
            CpuSet near = CpuSet.of();
            for (int node : files.numbered(folder + access, "node", MAX_NODE)) {
                near = near.or(cpusOf.getOrDefault(node, CpuSet.of()));
            }
            if (!near.isEmpty()) return near.and(online);
        }
        if (facts.distances == null) return online;
        CpuSet near = CpuSet.of();
        int least = Integer.MAX_VALUE;
        for (int i = 0; i < numbers.size(); i++) {
            CpuSet cpus = cpusOf.get(numbers.get(i));
            int distance = facts.distances[position][i];
            if (i == position || cpus.isEmpty() || distance > least) continue;
            near = distance < least ? cpus : near.or(cpus);
            least = distance;
        }
        return near.isEmpty() ? online : near.and(online);
    }

    private int[][] distances(List<Integer> numbers) {
        var matrix = new int[numbers.size()][];
        for (int i = 0; i < matrix.length; i++) {
            String path = NODE + "/node" + numbers.get(i) + "/distance";
            String line = files.line(path);
            if (line == null) return null;
            var words = new StringTokenizer(line); // a pattern would take milliseconds to compile in a program that starts
            if (words.countTokens() != matrix.length) {
                files.fallback(path, words.countTokens() + " distances for " + matrix.length + " nodes; distances are not known");
                return null;
            }
            matrix[i] = new int[matrix.length];
            for (int j = 0; j < matrix.length; j++) {
                String word = words.nextToken();
                try {
                    matrix[i][j] = Integer.parseInt(word);
                } catch (NumberFormatException e) {
                    files.fallback(path, "'" + word + "' is no distance; distances are not known");
                    return null;
                }
            }
        }
        return matrix;
    }

    /** numaperf.rst: {@code indexing} 0 is direct mapped, 1 "other", which may be any number of ways. */
    private Optional<NumaNode.MemorySideCache> memorySideCache(String folder) {
        for (int index : files.numbered(folder + "/memory_side_cache", "index", MAX_CACHES)) {
            String path = folder + "/memory_side_cache/index" + index + "/";
            long size = files.number(path + "size", 0);
            if (size > 0) {
                return Optional.of(new NumaNode.MemorySideCache(size, Math.max(0, files.integer(path + "line_size", 0)),
                        files.integer(path + "indexing", 1) == 0 ? 1 : 0));
            }
        }
        return Optional.empty();
    }

    /** Returns bytes; -1 if the text does not tell. */
    private long memTotal(String path, String prefix) {
        for (String line : files.lines(path)) {
            if (!line.startsWith(prefix + "MemTotal:")) continue;
            String value = line.substring(prefix.length() + 9).strip();
            if (value.endsWith("kB")) value = value.substring(0, value.length() - 2).strip();
            try {
                long kilobytes = Long.parseLong(value);
                return kilobytes < 0 || kilobytes > Long.MAX_VALUE >> 10 ? -1 : kilobytes << 10;
            } catch (NumberFormatException e) {
                return -1;
            }
        }
        return -1;
    }

    private List<NumaNode.HugePages> hugePages(String folder) {
        var pools = new ArrayList<NumaNode.HugePages>();
        for (String name : files.names(folder)) {
            if (!name.startsWith("hugepages-") || !name.endsWith("kB")) continue;
            long bytes;
            try {
                bytes = Sizes.parse(name.substring(10, name.length() - 1));
            } catch (NumberFormatException e) {
                continue;
            }
            if (bytes > 0) {
                pools.add(new NumaNode.HugePages(bytes, Math.max(0, files.number(folder + "/" + name + "/nr_hugepages", 0)),
                        Math.max(0, files.number(folder + "/" + name + "/free_hugepages", 0))));
            }
        }
        for (int i = 1; i < pools.size(); i++) { // names sort as text; there are a handful
            for (int j = i; j > 0 && pools.get(j - 1).pageBytes() > pools.get(j).pageBytes(); j--) Collections.swap(pools, j - 1, j);
        }
        return pools;
    }

    /** The auxiliary vector of this process (AT_PAGESZ, 6), or what a snapshot's notes tell; 0 if not known. */
    private long pageBytes() {
        byte[] vector = files.bytes("proc/self/auxv", 4096);
        if (vector != null) {
            var words = java.nio.ByteBuffer.wrap(vector).order(java.nio.ByteOrder.nativeOrder()).asLongBuffer();
            while (words.remaining() >= 2) {
                long key = words.get(), value = words.get();
                if (key == 6 && value > 0) return value;
            }
        }
        return Math.max(0, snapshotNote("PageSize", 0));
    }

    private long snapshotNote(String name, long missing) {
        if (files.isLive()) return missing;
        for (String line : files.lines("proc/hwloc-nofile-info")) {
            if (!line.startsWith(name + ":")) continue;
            try {
                return Long.parseLong(line.substring(name.length() + 1).strip());
            } catch (NumberFormatException e) {
                files.fallback("proc/hwloc-nofile-info", line + " makes no sense");
            }
        }
        return missing;
    }

    // ---- processors and kinds of cores ----

    /**
     * Adds the types of processors.
     *
     * @param known CPUs whose type is known already. {@code /proc/cpuinfo} is left alone if that is all: kernels before 5.18
     *              measure every CPU's frequency when it is read, which takes 10 ms and wakes them all
     */
    void processors(CpuSet known) {
        if (online.isSubsetOf(known)) return;
        Map<Integer, Processor> byCpu = ProcCpuinfo.read(files);
        var types = new Facts.Partition<Processor>();
        byCpu.forEach((cpu, processor) -> {
            if (online.contains(cpu)) types.add(processor, cpu);
        });
        types.groups().forEach(t -> facts.processors.add(t.getKey().withCpus(t.getValue())));
    }

    private String architecture() {
        if (files.isLive()) return System.getProperty("os.arch").equals("amd64") ? "x86_64" : System.getProperty("os.arch");
        for (String line : files.lines("proc/hwloc-nofile-info")) {
            if (line.startsWith("Architecture:")) return line.substring(13).strip();
        }
        return "";
    }

    /** What tells kinds of cores apart. */
    private record Speed(int capacity, long base, long max) {
        @Override public int hashCode() { return (int) (31 * (31 * max + base) + capacity); }

        @Override public boolean equals(Object other) {
            return other instanceof Speed s && capacity == s.capacity && base == s.base && max == s.max;
        }
    }

    /**
     * Kinds of cores, by {@code cpu_capacity}, base frequency and highest frequency. Cores that are alike but for the highest
     * frequency are of one kind if it differs by a tenth at most: makers bin a few cores for a somewhat higher turbo limit,
     * whereas cores of another make differ by a quarter and more.
     */
    private void kinds() {
        var exact = new Facts.Partition<Speed>();
        for (int cpu = online.nextSetBit(0); cpu >= 0; cpu = online.nextSetBit(cpu + 1)) {
            String folder = CPU + "/cpu" + cpu;
            String freq = folder + "/cpufreq/";
            exact.add(new Speed(Math.max(0, files.integer(folder + "/cpu_capacity", 0)),
                    Math.max(0, files.number(freq + "base_frequency", 0)),
                    Math.max(0, files.number(freq + "cpuinfo_max_freq", 0))), cpu);
        }
        var groups = new ArrayList<>(exact.groups());
        if (groups.size() == 1) return;
        groups.sort(Map.Entry.comparingByKey(Comparator.comparingInt(Speed::capacity).thenComparingLong(Speed::base)
                .thenComparingLong(Speed::max)));
        var kinds = new ArrayList<CpuKind>();
        long slowest = 0; // the highest frequency of the slowest cores of the kind that is being gathered
        for (var group : groups) {
            Speed speed = group.getKey();
            CpuKind last = kinds.isEmpty() ? null : kinds.getLast();
            if (last != null && last.capacity() == speed.capacity && last.baseKiloHz() == speed.base
                    && (slowest > 0 || speed.max == 0) && speed.max - slowest <= slowest / 10) {
                kinds.set(kinds.size() - 1, new CpuKind(last.rank(), last.cpus().or(group.getValue()), "", speed.capacity,
                        speed.base, speed.max));
            } else {
                kinds.add(new CpuKind(kinds.size(), group.getValue(), "", speed.capacity, speed.base, speed.max));
                slowest = speed.max;
            }
        }
        // CPUs that tell nothing while others do (a policy that is missing) are no kind of their own.
        boolean partial = kinds.size() > 1 && kinds.getFirst().capacity() == 0 && kinds.getFirst().baseKiloHz() == 0
                && kinds.getFirst().maxKiloHz() == 0;
        if (partial) {
            files.remark(Remark.Kind.UNKNOWN, "CPUs " + kinds.getFirst().cpus()
                    + " tell no frequency while others do; kinds of cores are not known");
        } else if (kinds.size() > 1) {
            facts.kinds = kinds;
        }
    }
}
