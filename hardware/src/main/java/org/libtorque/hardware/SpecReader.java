package org.libtorque.hardware;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * Makes up a machine from a text: items of the form {@code key:value}, blanks between them, values with blanks in double
 * quotes. Levels nest in the order in which they are written. {@code doc/topology.md} describes the language.
 */
final class SpecReader {
    private static final List<String> LEVELS =
            List.of("drawer", "book", "node", "package", "die", "tile", "complex", "module", "cluster", "core", "hart");
    private static final int MAX_CPUS = 1 << 14;

    /** One item and the column of its value. */
    private record Item(String key, String value, int column) {}

    private record Level(String name, int[] counts) {}

    private final Facts facts = new Facts();
    private final List<Level> levels = new ArrayList<>();
    /** For each level by name the harts, by position, of each of its objects. */
    private final Map<String, List<BitSet>> objects = new LinkedHashMap<>();
    private final Map<String, Item> settings = new LinkedHashMap<>();
    private final List<Item> caches = new ArrayList<>(), tlbs = new ArrayList<>(), gpus = new ArrayList<>();
    private int harts;
    private int[] cpuOf;

    private SpecReader() {}

    static Facts read(String spec) {
        var reader = new SpecReader();
        reader.items(spec);
        reader.build();
        return reader.facts;
    }

    private static TopologyFormatException bad(int column, String what) {
        return new TopologyFormatException("spec, column " + column + ": " + what);
    }

    // ---- text ----

    private void items(String spec) {
        if (spec.length() > 1 << 16) throw bad(1 << 16, "longer than " + (1 << 16) + " characters");
        int i = 0;
        while (i < spec.length()) {
            if (Character.isWhitespace(spec.charAt(i))) {
                i++;
                continue;
            }
            int start = i;
            while (i < spec.length() && Character.isLetterOrDigit(spec.charAt(i))) i++;
            if (i == start || i == spec.length() || spec.charAt(i) != ':') throw bad(i + 1, "expected key:value");
            String key = spec.substring(start, i++);
            var value = new StringBuilder();
            int column = i + 1;
            boolean quoted = false;
            for (; i < spec.length() && (quoted || !Character.isWhitespace(spec.charAt(i))); i++) {
                if (spec.charAt(i) == '"') quoted = !quoted;
                else value.append(spec.charAt(i));
            }
            if (quoted) throw bad(column, "the quote does not end");
            if (value.isEmpty()) throw bad(column, "'" + key + "' has no value");
            sort(new Item(key, value.toString(), column));
        }
    }

    private void sort(Item item) {
        if (LEVELS.contains(item.key)) {
            if (levels.stream().anyMatch(l -> l.name.equals(item.key))) throw bad(item.column, item.key + " is there twice");
            levels.add(new Level(item.key, Arrays.stream(item.value.split(",", -1))
                    .mapToInt(n -> integer(item, n, 1, MAX_CPUS)).toArray()));
        } else if (item.key.matches("l[1-9][id]?")) {
            caches.add(item);
        } else if (item.key.matches("[id]?tlb[1-9]")) {
            tlbs.add(item);
        } else if (item.key.equals("gpu")) {
            gpus.add(item);
        } else if (List.of("memory", "distance", "distances", "page", "hugepages", "vendor", "family", "model", "stepping", "type", "name",
                "features", "cpus", "packages", "numbering", "offline", "allowed", "quota", "kinds").contains(item.key)) {
            if (settings.put(item.key, item) != null) throw bad(item.column, item.key + " is there twice");
        } else {
            throw bad(item.column, "'" + item.key + "' is no key");
        }
    }

    private static int integer(Item item, String text, int low, int high) {
        try {
            int value = Integer.parseInt(text);
            if (value >= low && value <= high) return value;
        } catch (NumberFormatException e) {
            // reported below
        }
        throw bad(item.column, item.key + ": '" + text + "' is not a number from " + low + " to " + high);
    }

    private static long size(Item item, String text) {
        try {
            return Sizes.parse(text);
        } catch (NumberFormatException e) {
            throw bad(item.column, item.key + ": " + e.getMessage());
        }
    }

    private static CpuSet list(Item item) {
        try {
            return CpuSet.parseList(item.value);
        } catch (IllegalArgumentException e) {
            throw bad(item.column, item.key + ": " + e.getMessage());
        }
    }

    // ---- structure ----

    private void build() {
        facts.input = Topology.Input.SPEC;
        if (levels.isEmpty()) throw bad(1, "tells no level, such as core:4");
        harts = leaves(0, new int[levels.size()]);
        if (harts > MAX_CPUS) throw bad(1, "makes " + harts + " harts, at most " + MAX_CPUS + " are taken");
        lay(0, new int[levels.size()], new int[1]);
        numbers();
        Function<BitSet, CpuSet> cpus = bits -> CpuSet.of(bits.stream().map(p -> cpuOf[p]).toArray());
        facts.online = CpuSet.of(cpuOf);
        objects.getOrDefault("core", List.of()).forEach(c -> facts.cores.add(new Core(facts.cores.size(), cpus.apply(c))));
        packages(cpus);
        for (var kind : CpuGroup.Kind.values()) {
            var list = objects.getOrDefault(kind.label().toLowerCase(java.util.Locale.ROOT), List.of());
            for (int i = 0; i < list.size(); i++) facts.groups.add(new CpuGroup(kind, i, cpus.apply(list.get(i))));
        }
        nodes(cpus);
        for (Item item : caches) cache(item, cpus);
        for (Item item : tlbs) tlb(item, cpus);
        kinds();
        for (Item item : gpus) gpu(item);
        processor();
        presence();
    }

    /** Counts harts, without laying them out: a spec can name more than fit in memory. */
    private int leaves(int level, int[] seen) {
        if (level == levels.size()) return 1;
        int[] counts = levels.get(level).counts;
        int count = counts[seen[level]++ % counts.length];
        long sum = 0;
        for (int i = 0; i < count; i++) {
            sum += leaves(level + 1, seen);
            if (sum > MAX_CPUS) throw bad(1, "makes more than " + MAX_CPUS + " harts");
        }
        return (int) sum;
    }

    /** Lays out the objects of a level within one object of the level above; several counts take turns over the parents. */
    private void lay(int level, int[] seen, int[] next) {
        if (level == levels.size()) {
            next[0]++;
            return;
        }
        Level l = levels.get(level);
        int count = l.counts[seen[level]++ % l.counts.length];
        for (int i = 0; i < count; i++) {
            int first = next[0];
            lay(level + 1, seen, next);
            var bits = new BitSet();
            bits.set(first, next[0]);
            objects.computeIfAbsent(l.name, n -> new ArrayList<>()).add(bits);
        }
    }

    /** CPU numbers in the order of the structure, unless told otherwise: a list, or "linux", the first harts of all cores first. */
    private void numbers() {
        cpuOf = new int[harts];
        for (int i = 0; i < harts; i++) cpuOf[i] = i;
        Item numbering = settings.get("numbering");
        if (numbering != null && numbering.value.equals("linux")) {
            int next = 0;
            List<BitSet> cores = objects.getOrDefault("core", List.of());
            for (int turn = 0; next < harts && !cores.isEmpty(); turn++) {
                for (BitSet core : cores) {
                    int p = core.nextSetBit(0) + turn;
                    if (core.get(p)) cpuOf[p] = next++;
                }
            }
        } else if (numbering != null && !numbering.value.equals("nested")) {
            throw bad(numbering.column, "numbering is nested or linux, not '" + numbering.value + "'");
        }
        Item item = settings.get("cpus");
        if (item == null) return;
        var numbers = new ArrayList<Integer>();
        for (String part : item.value.split(",", -1)) { // not a set: the order counts
            String[] ends = part.split("-", -1);
            int first = integer(item, ends[0], 0, CpuSet.LIMIT - 1);
            int last = ends.length == 2 ? integer(item, ends[1], first, CpuSet.LIMIT - 1) : first;
            for (int cpu = first; cpu <= last; cpu++) numbers.add(cpu);
        }
        if (numbers.size() != harts || numbers.stream().distinct().count() != harts) {
            throw bad(item.column, "cpus: " + numbers.size() + " numbers (or one of them twice) for " + harts + " harts");
        }
        cpuOf = numbers.stream().mapToInt(Integer::intValue).toArray();
    }

    private void packages(Function<BitSet, CpuSet> cpus) {
        List<BitSet> list = objects.get("package");
        if (list == null) list = List.of(all());
        Item item = settings.get("packages");
        String[] numbers = item == null ? null : item.value.split(",", -1);
        if (numbers != null && numbers.length != list.size()) {
            throw bad(item.column, "packages: " + numbers.length + " numbers for " + list.size() + " packages");
        }
        for (int i = 0; i < list.size(); i++) {
            facts.packages.add(new CpuPackage(numbers == null ? i : integer(item, numbers[i], 0, Integer.MAX_VALUE),
                    cpus.apply(list.get(i)), List.of()));
        }
    }

    private BitSet all() {
        var bits = new BitSet();
        bits.set(0, harts);
        return bits;
    }

    private void nodes(Function<BitSet, CpuSet> cpus) {
        List<BitSet> list = objects.getOrDefault("node", List.of(all()));
        Item memory = settings.get("memory");
        String[] sizes = memory == null ? null : memory.value.split(",", -1);
        Item pools = settings.get("hugepages"); // 2M*512
        if (pools != null) {
            for (String pool : pools.value.split(",", -1)) {
                String[] parts = pool.split("\\*", -1);
                int count = parts.length == 2 ? integer(pools, parts[1], 0, Integer.MAX_VALUE) : 0;
                facts.hugePages.add(new NumaNode.HugePages(size(pools, parts[0]), count, count));
            }
        }
        for (int i = 0; i < list.size(); i++) {
            CpuSet set = cpus.apply(list.get(i));
            facts.nodes.add(new NumaNode(i, set, false, set, sizes == null ? -1 : size(memory, sizes[i % sizes.length]),
                    List.of(), Optional.empty()));
        }
        Item page = settings.get("page");
        facts.pageBytes = page == null ? 4096 : size(page, page.value);
        distances(list.size());
    }

    /** {@code distance:10,20} is local and remote; {@code distances:10,20;20,10} the whole matrix. */
    private void distances(int count) {
        Item item = settings.get("distances");
        Item simple = settings.get("distance");
        if (item != null) {
            String[] rows = item.value.split(";", -1);
            var matrix = new int[rows.length][];
            for (int i = 0; i < rows.length; i++) {
                matrix[i] = Arrays.stream(rows[i].split(",", -1)).mapToInt(d -> integer(item, d, 0, 1 << 20)).toArray();
                if (rows.length != count || matrix[i].length != count) {
                    throw bad(item.column, "distances: not " + count + " rows of " + count);
                }
            }
            facts.distances = matrix;
        } else if (simple != null) {
            String[] two = simple.value.split(",", -1);
            if (two.length != 2) throw bad(simple.column, "distance: not local,remote");
            var matrix = new int[count][count];
            for (int[] row : matrix) Arrays.fill(row, integer(simple, two[1], 0, 1 << 20));
            for (int i = 0; i < count; i++) matrix[i][i] = integer(simple, two[0], 0, 1 << 20);
            facts.distances = matrix;
        }
    }

    // ---- caches and the like ----

    /** {@code core*4} or {@code core}: sets of as many neighbouring objects, never across an object of the level above. */
    private List<BitSet> extents(Item item, String extent) {
        String[] parts = extent.split("\\*", -1);
        int width = parts.length == 2 ? integer(item, parts[1], 1, MAX_CPUS) : 1;
        List<BitSet> list = parts[0].equals("machine") ? List.of(all()) : objects.get(parts[0]);
        if (list == null && parts[0].equals("hart")) {
            list = objects.get(levels.getLast().name);
        }
        if (list == null || parts.length > 2) throw bad(item.column, item.key + ": '" + extent + "' is no level of this spec");
        int level = 0;
        while (level < levels.size() && !levels.get(level).name.equals(parts[0])) level++;
        List<BitSet> parents = level == 0 || level == levels.size() ? List.of(all()) : objects.get(levels.get(level - 1).name);
        var merged = new ArrayList<BitSet>();
        for (BitSet parent : parents) {
            BitSet open = null;
            int taken = 0;
            for (BitSet object : list.stream().filter(o -> parent.get(o.nextSetBit(0))).toList()) {
                if (taken % width == 0) merged.add(open = new BitSet());
                open.or(object);
                taken++;
            }
        }
        return merged;
    }

    private static CacheType type(char letter) {
        return letter == 'i' ? CacheType.INSTRUCTION : letter == 'd' ? CacheType.DATA : CacheType.UNIFIED;
    }

    /** {@code l2:core*2=4M/64/16}: extent, size, line, ways. What is left out is usual for the level. */
    private void cache(Item item, Function<BitSet, CpuSet> cpus) {
        String[] sides = item.value.split("=", -1);
        int level = item.key.charAt(1) - '0';
        CacheType type = type(item.key.length() > 2 ? item.key.charAt(2) : 'u');
        String[] numbers = sides.length == 2 ? sides[1].split("/", -1) : new String[0];
        if (sides.length > 2 || numbers.length > 3) throw bad(item.column, item.key + ": not extent=size/line/ways");
        long bytes = numbers.length > 0 ? size(item, numbers[0]) : level == 1 ? 32 << 10 : level == 2 ? 1 << 20 : 32 << 20;
        int line = numbers.length > 1 ? integer(item, numbers[1], 1, 1 << 16) : 64;
        int ways = numbers.length > 2 ? ways(item, numbers[2]) : level == 1 ? 8 : 16;
        for (BitSet extent : extents(item, sides[0])) {
            facts.caches.add(new Cache(level, type, bytes, line, ways, ways > 0 ? bytes / line / ways : 1,
                    Cache.Inclusion.UNKNOWN, cpus.apply(extent)));
        }
    }

    private static int ways(Item item, String text) {
        return text.equals("full") ? Cache.FULLY_ASSOCIATIVE : integer(item, text, 1, 1 << 20);
    }

    /** {@code dtlb1:core=4K+2M/64/4}: extent, page sizes, entries, ways. */
    private void tlb(Item item, Function<BitSet, CpuSet> cpus) {
        String[] sides = item.value.split("=", -1);
        String[] numbers = sides.length == 2 ? sides[1].split("/", -1) : new String[0];
        if (numbers.length != 3) throw bad(item.column, item.key + ": not extent=pages/entries/ways");
        List<Long> pages = Arrays.stream(numbers[0].split("\\+", -1)).map(p -> size(item, p)).toList();
        if (pages.contains(0L)) throw bad(item.column, item.key + ": a page of no bytes");
        int level = item.key.charAt(item.key.length() - 1) - '0';
        for (BitSet extent : extents(item, sides[0])) {
            facts.tlbs.add(new Tlb(level, type(item.key.charAt(0)), pages, integer(item, numbers[1], 1, 1 << 24),
                    ways(item, numbers[2]), cpus.apply(extent)));
        }
    }

    /** {@code kinds:6*1,8*0}: the first six cores are of rank 1, the next eight of rank 0. */
    private void kinds() {
        Item item = settings.get("kinds");
        if (item == null) return;
        var byRank = new java.util.TreeMap<Integer, CpuSet>();
        int core = 0;
        for (String part : item.value.split(",", -1)) {
            String[] two = part.split("\\*", -1);
            if (two.length != 2) throw bad(item.column, "kinds: '" + part + "' is not count*rank");
            int count = integer(item, two[0], 1, MAX_CPUS), rank = integer(item, two[1], 0, 15);
            for (int i = 0; i < count && core < facts.cores.size(); i++) {
                byRank.merge(rank, facts.cores.get(core++).cpus(), CpuSet::or);
            }
        }
        if (core < facts.cores.size()) throw bad(item.column, "kinds: tells " + core + " of " + facts.cores.size() + " cores");
        byRank.forEach((rank, set) -> facts.kinds.add(new CpuKind(facts.kinds.size(), set, "", 0, 0, 0)));
        if (facts.kinds.size() < 2) facts.kinds.clear();
    }

    /** {@code gpu:"NAME"/compute/cores/memory}; all but the name may be left out. */
    private void gpu(Item item) {
        String[] f = item.value.split("/", -1);
        String[] compute = f.length > 1 ? f[1].split("\\.", -1) : new String[] {"0", "0"};
        if (compute.length != 2) throw bad(item.column, "gpu: '" + f[1] + "' is not like 8.6");
        int major = integer(item, compute[0], 0, 99), minor = integer(item, compute[1], 0, 99);
        int cores = f.length > 2 ? integer(item, f[2], 0, 1 << 24) : 0;
        facts.gpus.add(new Gpu(f[0], major, minor, GpuReader.multiprocessors(major, minor, cores), cores,
                f.length > 3 ? size(item, f[3]) : 0, -1, ""));
    }

    private String text(String key) { return settings.containsKey(key) ? settings.get(key).value : ""; }

    private int number(String key) {
        Item item = settings.get(key);
        return item == null ? -1 : integer(item, item.value, 0, 1 << 20);
    }

    private void processor() {
        List<String> features = Arrays.stream(text("features").split("[ ,]+")).filter(f -> !f.isEmpty()).sorted().toList();
        if (settings.keySet().stream().noneMatch(List.of("vendor", "family", "model", "stepping", "type", "name", "features")::contains)) {
            return;
        }
        facts.processors.add(new Processor(text("vendor"), number("family"), number("model"), number("stepping"), text("type"), text("name"),
                features, "", features.contains("nonstop_tsc"), 0, "", facts.online));
    }

    private void presence() {
        Item offline = settings.get("offline"), allowed = settings.get("allowed"), quota = settings.get("quota");
        if (offline != null) {
            CpuSet gone = list(offline).and(facts.online);
            CpuSet rest = facts.online.minus(gone);
            if (rest.isEmpty()) throw bad(offline.column, "offline: no CPU is left");
            restrict(rest);
            facts.offline = gone;
        }
        if (allowed != null) {
            facts.allowed = list(allowed);
            if (facts.allowed.and(facts.online).isEmpty()) throw bad(allowed.column, "allowed: no CPU is left");
        }
        if (quota == null) return;
        double cpus;
        try {
            cpus = Double.parseDouble(quota.value);
        } catch (NumberFormatException e) {
            cpus = Double.NaN;
        }
        if (!(cpus > 0)) throw bad(quota.column, "quota: '" + quota.value + "' is not a number of CPUs above 0");
        facts.limits = new Limits(null, null, null, List.of(new Limits.Group(2, "/", cpus, 0, Long.MAX_VALUE)));
    }

    private void restrict(CpuSet rest) {
        facts.online = rest;
        facts.packages = kept(facts.packages, CpuPackage::cpus, rest, (p, s) -> new CpuPackage(p.osIndex(), s, List.of()));
        facts.cores = kept(facts.cores, Core::cpus, rest, (c, s) -> new Core(c.osIndex(), s));
        facts.groups = kept(facts.groups, CpuGroup::cpus, rest, (g, s) -> new CpuGroup(g.kind(), g.osIndex(), s));
        facts.caches = kept(facts.caches, Cache::cpus, rest, Cache::withCpus);
        facts.tlbs = kept(facts.tlbs, Tlb::cpus, rest, Tlb::withCpus);
        facts.processors = kept(facts.processors, Processor::cpus, rest, Processor::withCpus);
        facts.kinds = kept(facts.kinds, CpuKind::cpus, rest, (k, s) -> new CpuKind(k.rank(), s, k.coreType(), 0, 0, 0));
        facts.nodes.replaceAll(n -> new NumaNode(n.osIndex(), n.cpus().and(rest), false, n.cpus().and(rest), n.memoryBytes(),
                n.hugePages(), n.memorySideCache()));
    }

    private static <T> List<T> kept(List<T> list, Function<T, CpuSet> cpus, CpuSet rest,
            java.util.function.BiFunction<T, CpuSet, T> with) {
        var all = new ArrayList<T>();
        for (T t : list) {
            CpuSet set = cpus.apply(t).and(rest);
            if (!set.isEmpty()) all.add(with.apply(t, set));
        }
        return all;
    }
}
