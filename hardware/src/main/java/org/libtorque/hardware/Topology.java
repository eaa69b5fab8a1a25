package org.libtorque.hardware;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * A machine, as far as a scheduler and an allocator want to know it: immutable, and the same whether it was found out on
 * the running machine, in a dump, or made up.
 *
 * <p>Everything here is about CPUs that are online; {@link #usable} tells which of them this process may use, and {@link
 * #restrictTo} makes the topology of some of them. Numbers of CPUs, nodes and packages are the operating system's. Lists are
 * ordered as the CPUs are. What could not be found out, or is contradictory, is in {@link #remarks}.
 *
 * <p>Look-ups by CPU are O(1) and allocate nothing; any thread may make them.
 */
public final class Topology {
    /** Where a topology comes from. */
    public enum Input {
        /** CPUID answers alone. */
        CPUID,
        /** {@code /sys} and {@code /proc}, or a copy. */
        SYSFS,
        /** The running machine: {@code /sys} and {@code /proc}, and CPUID where it can be executed. */
        LIVE,
        /** A text. */
        SPEC
    }

    private final Input input;
    private final String architecture;
    private final CpuSet online;
    private final CpuSet offline;
    private final CpuSet usable;
    private final CpuSet mems;
    private final List<CpuPackage> packages;
    private final List<Core> cores;
    private final List<CpuGroup> groups;
    private final List<Cache> caches;
    private final List<Tlb> tlbs;
    private final List<NumaNode> nodes;
    private final int[][] distances;
    private final List<CpuKind> kinds;
    private final List<Processor> processors;
    private final List<NumaNode.HugePages> hugePages;
    private final long pageBytes;
    private final Limits limits;
    private final List<MemoryDevice> memoryDevices;
    private final List<Gpu> gpus;
    private final List<Remark> remarks;

    /** Position in the list for each CPU number, -1 if none. */
    private final int[] packageOf, coreOf, nodeOf;
    private final Universe universe;

    Topology(Facts facts) {
        input = facts.input;
        architecture = facts.architecture;
        online = facts.online;
        if (online.isEmpty()) throw new TopologyFormatException("there is no CPU that is online");
        offline = facts.offline.minus(online);
        remarks = new ArrayList<>(facts.remarks); // packages() adds to them
        CpuSet allowed = facts.allowed == null ? online : facts.allowed.and(online);
        usable = allowed.isEmpty() ? online : allowed;
        var allCores = new ArrayList<Core>(); // packages() adds those of CPUs that tell no package
        packages = packages(facts, allCores);
        for (CpuPackage p : packages) allCores.addAll(p.cores());
        cores = byFirst(allCores, coreCpus(allCores));
        Collections.sort(facts.caches);
        caches = List.copyOf(facts.caches);
        groups = facts.groups.isEmpty() ? List.of() : groups(facts);
        Collections.sort(facts.tlbs);
        tlbs = List.copyOf(facts.tlbs);
        nodes = List.copyOf(facts.nodes); // readers list them by number, as the rows of the distances are
        mems = facts.mems == null ? numbers(nodes) : facts.mems;
        distances = facts.distances;
        kinds = List.copyOf(facts.kinds);
        processors = List.copyOf(facts.processors);
        hugePages = List.copyOf(facts.hugePages);
        pageBytes = facts.pageBytes;
        limits = facts.limits;
        memoryDevices = List.copyOf(facts.memoryDevices);
        gpus = List.copyOf(facts.gpus);
        packageOf = index(packageCpus(packages));
        coreOf = index(coreCpus(cores));
        nodeOf = index(nodeCpus(nodes));
        universe = new Universe(this);
    }

    // ---- making ----

    /**
     * Finds out the running machine. Reads some files for each CPU and, on x86 where it is not forbidden, executes CPUID
     * on each CPU that this process may use, on a thread of its own. Call it once; a {@link TopologyWatcher} follows changes.
     * Leaves out GPUs, whose driver can take longer than everything else.
     *
     * @throws TopologyFormatException if the kernel tells no CPU at all
     */
    public static Topology discover() { return new Discovery(Path.of("/"), false).read(); }

    /**
     * Like {@link #discover}, and loads the GPU driver's library if there is one.
     *
     * @throws TopologyFormatException if the kernel tells no CPU at all
     */
    public static Topology discoverWithGpus() { return new Discovery(Path.of("/"), true).read(); }

    /**
     * Reads a folder of CPUID answers: files {@code pu0}, {@code pu1}, … as {@code hwloc-gather-cpuid} writes them.
     *
     * @throws TopologyFormatException naming file and line, if something is wrong
     */
    public static Topology ofCpuidDump(Path folder) { return new Topology(CpuidReader.read(CpuidDump.read(folder))); }

    /**
     * Reads a tree that stands for {@code /}: {@code sys} and {@code proc} below {@code root}, and nothing outside it. What
     * is missing or makes no sense is in {@link #remarks}.
     *
     * @throws TopologyFormatException if it tells no CPU
     */
    public static Topology ofSysfs(Path root) { return new Discovery(root, false).read(); }

    /**
     * Reads a tree that stands for {@code /} and CPUID answers of the same machine, as the running machine is read: the tree
     * is believed about the structure, and where CPUID tells another, {@link #remarks} say so.
     *
     * @throws TopologyFormatException if either cannot be understood
     */
    public static Topology ofSysfsAndCpuid(Path root, Path cpuidFolder) { return Discovery.tree(root, cpuidFolder); }

    /**
     * Makes up a machine, such as {@code "node:2 package:1 core:8 hart:2 l3:core*4"}. The language is in {@code
     * doc/topology.md}.
     *
     * @throws TopologyFormatException naming the column, if something is wrong
     */
    public static Topology of(String spec) { return new Topology(SpecReader.read(spec)); }

    // Plain loops instead of streams in what discovery runs: see Facts.Partition.

    static List<CpuSet> packageCpus(List<CpuPackage> packages) {
        var sets = new ArrayList<CpuSet>(packages.size());
        for (CpuPackage p : packages) sets.add(p.cpus());
        return sets;
    }

    static List<CpuSet> coreCpus(List<Core> cores) {
        var sets = new ArrayList<CpuSet>(cores.size());
        for (Core c : cores) sets.add(c.cpus());
        return sets;
    }

    static List<CpuSet> nodeCpus(List<NumaNode> nodes) {
        var sets = new ArrayList<CpuSet>(nodes.size());
        for (NumaNode n : nodes) sets.add(n.cpus());
        return sets;
    }

    private static CpuSet numbers(List<NumaNode> nodes) {
        var numbers = new BitSet();
        for (NumaNode n : nodes) numbers.set(n.osIndex());
        return Facts.setOf(numbers);
    }

    /** Returns items by the first CPU of each. The sets are disjoint, so that first CPUs differ. */
    private static <T> List<T> byFirst(List<T> items, List<CpuSet> cpus) {
        var ordered = new TreeMap<Integer, T>();
        for (int i = 0; i < items.size(); i++) ordered.put(cpus.get(i).nextSetBit(0), items.get(i));
        return List.copyOf(ordered.values());
    }

    /** Gives packages their cores. One package stands for a machine that tells none; cores end where packages do. */
    private List<CpuPackage> packages(Facts facts, List<Core> loose) {
        List<CpuPackage> told = facts.packages.isEmpty() ? List.of(new CpuPackage(-1, online, List.of())) : facts.packages;
        int[] packageOf = index(packageCpus(told));
        var cores = new ArrayList<List<Core>>();
        for (int i = 0; i < told.size(); i++) cores.add(new ArrayList<>());
        for (Core core : facts.cores) {
            int first = core.cpus().nextSetBit(0);
            int home = first < packageOf.length ? packageOf[first] : -1;
            if (home < 0) {
                CpuSet free = core.cpus();
                for (CpuSet set : packageCpus(told)) free = free.minus(set);
                loose.add(new Core(core.osIndex(), free));
                continue;
            }
            CpuSet inside = core.cpus().and(told.get(home).cpus());
            if (inside.size() < core.cpus().size()) {
                remarks.add(new Remark(Remark.Kind.DISAGREEMENT, "CPUs " + core.cpus() + " are told to be one core, but not all are "
                        + "in the package of CPU " + first + "; the core was cut at the package"));
                CpuSet rest = core.cpus().minus(inside);
                for (int cpu = rest.nextSetBit(0); cpu >= 0; cpu = rest.nextSetBit(cpu + 1)) {
                    if (packageOf[cpu] >= 0) cores.get(packageOf[cpu]).add(new Core(core.osIndex(), CpuSet.of(cpu)));
                }
            }
            cores.get(home).add(new Core(core.osIndex(), inside));
        }
        var all = new ArrayList<CpuPackage>();
        for (int i = 0; i < told.size(); i++) {
            List<Core> ordered = byFirst(cores.get(i), coreCpus(cores.get(i)));
            all.add(new CpuPackage(told.get(i).osIndex(), told.get(i).cpus(), ordered));
        }
        return byFirst(all, packageCpus(all));
    }

    /**
     * Leaves out what is named twice: groups that are just a core, a package, the sharers of a cache or a larger kind of
     * group; and dies, unless some package has several.
     */
    private List<CpuGroup> groups(Facts facts) {
        var known = new HashSet<>(packageCpus(packages));
        boolean severalDies = false;
        var dies = new ArrayList<CpuGroup>();
        for (CpuGroup g : facts.groups) {
            if (g.kind() != CpuGroup.Kind.DIE) continue;
            dies.add(g);
            severalDies |= !known.contains(g.cpus());
        }
        if (severalDies) {
            for (CpuGroup die : dies) known.add(die.cpus());
        }
        known.addAll(coreCpus(cores));
        for (Cache c : caches) known.add(c.cpus());
        known.add(online);
        var kept = new ArrayList<CpuGroup>();
        for (CpuGroup.Kind kind : CpuGroup.Kind.values()) { // from large to small
            var ordered = new TreeMap<Integer, CpuGroup>();
            for (CpuGroup g : facts.groups) {
                boolean keep = kind == CpuGroup.Kind.DIE ? severalDies : g.cpus().size() > 1 && !known.contains(g.cpus());
                if (g.kind() == kind && keep) ordered.putIfAbsent(g.cpus().nextSetBit(0), g);
            }
            for (CpuGroup g : ordered.values()) known.add(g.cpus());
            kept.addAll(ordered.values());
        }
        return List.copyOf(kept);
    }

    private int[] index(List<CpuSet> sets) {
        int highest = 0;
        for (int cpu = online.nextSetBit(0); cpu >= 0; cpu = online.nextSetBit(cpu + 1)) highest = cpu;
        int[] positions = new int[highest + 1];
        Arrays.fill(positions, -1);
        for (int i = 0; i < sets.size(); i++) {
            CpuSet cpus = sets.get(i);
            for (int cpu = cpus.nextSetBit(0); cpu >= 0 && cpu <= highest; cpu = cpus.nextSetBit(cpu + 1)) positions[cpu] = i;
        }
        return positions;
    }

    /**
     * Returns the topology of some CPUs and some nodes' memory: objects lose the other CPUs, and those without a CPU are
     * dropped, but for nodes, which go by {@code memory}.
     *
     * @param cpus   CPUs to keep; those that are not online do not count
     * @param memory numbers of NUMA nodes to keep
     * @throws IllegalArgumentException if no CPU is left
     */
    public Topology restrictTo(CpuSet cpus, CpuSet memory) {
        CpuSet kept = cpus.and(online);
        if (kept.isEmpty()) throw new IllegalArgumentException("none of the CPUs " + cpus + " is online: " + online);
        if (kept.equals(online) && nodes.stream().allMatch(n -> memory.contains(n.osIndex()))) return this;
        var facts = new Facts();
        facts.input = input;
        facts.architecture = architecture;
        facts.online = kept;
        facts.offline = offline;
        facts.allowed = usable.and(kept).isEmpty() ? kept : usable.and(kept);
        facts.mems = mems.and(memory);
        each(packages, CpuPackage::cpus, kept, (p, set) -> facts.packages.add(new CpuPackage(p.osIndex(), set, List.of())));
        each(cores, Core::cpus, kept, (c, set) -> facts.cores.add(new Core(c.osIndex(), set)));
        each(groups, CpuGroup::cpus, kept, (g, set) -> facts.groups.add(new CpuGroup(g.kind(), g.osIndex(), set)));
        each(caches, Cache::cpus, kept, (c, set) -> facts.caches.add(c.withCpus(set)));
        each(tlbs, Tlb::cpus, kept, (t, set) -> facts.tlbs.add(t.withCpus(set)));
        each(processors, Processor::cpus, kept, (p, set) -> facts.processors.add(p.withCpus(set)));
        each(kinds, CpuKind::cpus, kept, (k, set) -> facts.kinds.add(new CpuKind(facts.kinds.size(), set, k.coreType(),
                k.capacity(), k.baseKiloHz(), k.maxKiloHz())));
        if (facts.kinds.size() < 2) facts.kinds.clear();
        var positions = new BitSet();
        for (int i = 0; i < nodes.size(); i++) {
            NumaNode n = nodes.get(i);
            if (!memory.contains(n.osIndex())) continue;
            positions.set(i);
            facts.nodes.add(new NumaNode(n.osIndex(), n.cpus().and(kept), n.memoryOnly(), n.locality().and(kept),
                    n.memoryBytes(), n.hugePages(), n.memorySideCache()));
        }
        if (distances != null) facts.distances = Facts.pick(distances, positions.stream().toArray());
        facts.hugePages.addAll(hugePages);
        facts.pageBytes = pageBytes;
        facts.limits = limits;
        facts.memoryDevices.addAll(memoryDevices);
        facts.gpus.addAll(gpus);
        facts.remarks.addAll(remarks);
        return new Topology(facts);
    }

    private static <T> void each(List<T> list, Function<T, CpuSet> cpus, CpuSet kept,
            java.util.function.BiConsumer<T, CpuSet> action) {
        for (T t : list) {
            CpuSet set = cpus.apply(t).and(kept);
            if (!set.isEmpty()) action.accept(t, set);
        }
    }

    /** Returns the topology of what this process may use: {@link #usable} CPUs and {@link #usableNodes}. */
    public Topology usableOnly() { return restrictTo(usable, mems); }

    // ---- what there is ----

    /** Tells where this topology comes from. */
    public Input input() { return input; }

    /** Returns the architecture, such as {@code x86_64}; empty if not known. */
    public String architecture() { return architecture; }

    /** Returns the CPUs that are online: all that this topology is about. */
    public CpuSet online() { return online; }

    /** Returns the CPUs that are there but offline. */
    public CpuSet offline() { return offline; }

    /** Returns the CPUs that this process may use: online, in its affinity mask and in its cpuset. Never empty. */
    public CpuSet usable() { return usable; }

    /** Returns the CPUs that are online but kept from this process. */
    public CpuSet disallowed() { return online.minus(usable); }

    /** Returns the numbers of the NUMA nodes whose memory this process may use. */
    public CpuSet usableNodes() { return mems; }

    /** Returns the number of CPUs that are online. */
    public int hartCount() { return online.size(); }

    /** Returns the packages, each with its cores. */
    public List<CpuPackage> packages() { return packages; }

    /** Returns all cores, also those of CPUs that tell no package; empty if the machine does not tell cores. */
    public List<Core> cores() { return cores; }

    /** Returns drawers, books, dies, tiles, modules and clusters, as far as they are nothing else at the same time. */
    public List<CpuGroup> groups() { return groups; }

    /** Returns all groups of one kind. */
    public List<CpuGroup> groups(CpuGroup.Kind kind) { return groups.stream().filter(g -> g.kind() == kind).toList(); }

    /** Returns all caches by level, type and first CPU. */
    public List<Cache> caches() { return caches; }

    /** Returns the caches of one CPU by level and type. Walks all of them; not for a hot path. */
    public Stream<Cache> cachesOf(int cpu) { return caches.stream().filter(c -> c.cpus().contains(cpu)); }

    /** Returns all translation buffers by level, type, page size and first CPU. */
    public List<Tlb> tlbs() { return tlbs; }

    /** Returns the translation buffers of one CPU. Walks all of them; not for a hot path. */
    public Stream<Tlb> tlbsOf(int cpu) { return tlbs.stream().filter(t -> t.cpus().contains(cpu)); }

    /** Returns the NUMA nodes by number. */
    public List<NumaNode> nodes() { return nodes; }

    /** Tells whether the distances between nodes are known. */
    public boolean hasDistances() { return distances != null; }

    /**
     * Returns the distance between two nodes, by their positions in {@link #nodes}: 10 is local (ACPI SLIT); 10 and 20 if
     * distances are not known.
     */
    public int nodeDistance(int from, int to) { return distances != null ? distances[from][to] : from == to ? 10 : 20; }

    /** Returns the kinds of cores by rank; empty unless there are several. */
    public List<CpuKind> kinds() { return kinds; }

    /** Returns the types of processors; empty if nothing tells them. */
    public List<Processor> processors() { return processors; }

    /** Returns the machine's pools of huge pages, by size. */
    public List<NumaNode.HugePages> hugePages() { return hugePages; }

    /** Returns the size of an ordinary page in bytes; 0 if not known. */
    public long pageBytes() { return pageBytes; }

    /** Returns what limits this process. */
    public Limits limits() { return limits; }

    /** Returns the memory modules that the firmware tells; empty if its tables cannot be read. */
    public List<MemoryDevice> memoryDevices() { return memoryDevices; }

    /** Returns the GPUs; empty if there is none, or no driver. */
    public List<Gpu> gpus() { return gpus; }

    /** Returns what could not be found out, and where sources disagree. */
    public List<Remark> remarks() { return List.copyOf(remarks); }

    /** Returns the scheduling levels, neighbourhoods and distances. */
    public Universe universe() { return universe; }

    /** Returns the package of a CPU; null if not known. */
    public CpuPackage packageOf(int cpu) {
        int i = at(packageOf, cpu);
        return i < 0 ? null : packages.get(i);
    }

    /** Returns the core of a CPU; null if not known. */
    public Core coreOf(int cpu) {
        int i = at(coreOf, cpu);
        return i < 0 ? null : cores.get(i);
    }

    /** Returns the node of a CPU; null if it has none. */
    public NumaNode nodeOf(int cpu) {
        int i = at(nodeOf, cpu);
        return i < 0 ? null : nodes.get(i);
    }

    private static int at(int[] positions, int cpu) { return cpu >= 0 && cpu < positions.length ? positions[cpu] : -1; }

    /** Returns the rank of a CPU's kind: 0 on machines with one kind of core. */
    public int kindOf(int cpu) {
        for (CpuKind kind : kinds) {
            if (kind.cpus().contains(cpu)) return kind.rank();
        }
        return 0;
    }

    /** Returns the largest number of usable CPUs in a core; 0 if the machine does not tell cores. */
    public int smt() { return cores.stream().mapToInt(c -> c.cpus().and(usable).size()).max().orElse(0); }

    /** Returns a line such as {@code 16 CPUs (16 usable), 2 packages, 8 cores, 1 NUMA node}. */
    @Override public String toString() {
        return count(online.size(), "CPU") + " (" + usable.size() + " usable), " + count(packages.size(), "package") + ", "
                + count(cores.size(), "core") + (nodes.isEmpty() ? "" : ", " + count(nodes.size(), "NUMA node"));
    }

    private static String count(int number, String what) { return number + " " + what + (number == 1 ? "" : "s"); }
}
