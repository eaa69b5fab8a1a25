package org.libtorque.hardware;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * The scheduling universe (N. Black, libtorque): levels L0 … Ln, each a partition of the harts into groups, finer below
 * and coarser above. L0 is the single harts, Ln the machine. Between them are cores, the sharers of each cache, modules,
 * dies, packages, NUMA nodes, and sets of nodes that reach each other at the same cost, as far as they differ from each
 * other.
 *
 * <p>Two harts are the nearer the lower the level at which they are in one group: that is their {@linkplain #distance
 * distance}. Harts get numbers (paths) such that the groups of each level differ in a field of bits of their own, the
 * coarsest level's highest; so the distance is the field of the highest bit in which two paths differ: O(1), whatever the
 * number of harts and levels. The obvious alternative, a table of all pairs, takes 16 MB at 4,096 harts.
 *
 * <p>A partition that cuts across finer groups (a NUMA node of half a core, in a contradictory dump) is coarsened until it
 * does not, so that the levels nest. Immutable; any thread may ask.
 */
public final class Universe {
    /**
     * Groups of one level that are built alike: a structural isomorphism.
     *
     * @param count     how many there are
     * @param hartCount harts in each
     * @param groups    their affinity masks, by first CPU
     * @param hardware  what each has for itself and no group below it has: {@code L2 2M}, {@code node 16G}
     */
    public record GroupClass(int count, int hartCount, List<CpuSet> groups, List<String> hardware) {
        /** Copies the lists. */
        public GroupClass {
            groups = List.copyOf(groups);
            hardware = List.copyOf(hardware);
        }
    }

    /**
     * One level.
     *
     * @param index   0 is the finest
     * @param names   what the groups are; several names if several things coincide, such as {@code core} and {@code L2}
     * @param groups  affinity masks of its groups, by first CPU
     * @param classes the groups sorted into those that are built alike
     */
    public record Level(int index, List<String> names, List<CpuSet> groups, List<GroupClass> classes) {
        /** Copies the lists. */
        public Level {
            names = List.copyOf(names);
            groups = List.copyOf(groups);
            classes = List.copyOf(classes);
        }
    }

    private final List<Level> levels;
    private final CpuSet harts;
    /** For each level the group of each CPU number; null where there is no such hart. */
    private final CpuSet[][] groupOf;
    /** For each CPU number its path; harts that are not there have 0. */
    private final long[] paths;
    /** Level at which two paths meet that differ in this bit first, counted from the top; at 64, in none. */
    private final byte[] meeting = new byte[Long.SIZE + 1];
    /** CPUs in the order of the tree, and each CPU's position in that order and in the spread order. */
    private final int[] huddled;
    private final int[] spread;
    private final int[] huddledAt, spreadAt;

    Universe(Topology topology, List<Remark> remarks) {
        harts = topology.online();
        List<int[]> groupIds = new ArrayList<>(); // per level, group number of each position
        int[] cpus = harts.toArray();
        var names = partitions(topology, cpus, groupIds);
        int top = cpus[cpus.length - 1];
        var groups = new ArrayList<CpuSet[]>();
        for (int[] ids : groupIds) groups.add(sets(ids, cpus));
        groupOf = new CpuSet[groupIds.size()][top + 1];
        for (int level = 0; level < groupIds.size(); level++) {
            for (int p = 0; p < cpus.length; p++) groupOf[level][cpus[p]] = groups.get(level)[groupIds.get(level)[p]];
        }
        int[] tree = treeOrder(groupIds, cpus.length);
        paths = paths(groupIds, tree, cpus, remarks);
        huddled = Arrays.stream(tree).map(p -> cpus[p]).toArray();
        spread = spreadOrder(topology, groupIds, tree, cpus);
        huddledAt = positions(huddled, top);
        spreadAt = positions(spread, top);
        levels = describe(topology, names, groups);
    }

    private static int[] positions(int[] order, int top) {
        int[] at = new int[top + 1];
        Arrays.fill(at, -1);
        for (int i = 0; i < order.length; i++) at[order[i]] = i;
        return at;
    }

    // ---- asking ----

    /** Returns the levels, finest first. */
    public List<Level> levels() { return levels; }

    /** Returns the harts that this universe holds. */
    public CpuSet harts() { return harts; }

    /**
     * Returns the group of a hart at a level: its neighbourhood, itself included. O(1), allocates nothing.
     *
     * @throws IndexOutOfBoundsException if there is no such level, or the number is above all harts'
     */
    public CpuSet neighbourhood(int cpu, int level) { return groupOf[level][cpu]; }

    /**
     * Returns the lowest level at which two harts are in one group: 0 for a hart and itself. O(1), allocates nothing.
     *
     * @throws IndexOutOfBoundsException if a number is above all harts'
     */
    public int distance(int a, int b) { return meeting[Long.numberOfLeadingZeros(paths[a] ^ paths[b])]; }

    /**
     * Returns some of the harts in the order in which work that shares nothing should take them: as far from each other
     * as can be, nodes first, then packages, and the second hart of a core only when every core has one.
     */
    public int[] spread(CpuSet among) { return pick(spread, spreadAt, among); }

    /** Returns some of the harts in the order in which work that shares memory should take them: neighbours together. */
    public int[] huddle(CpuSet among) { return pick(huddled, huddledAt, among); }

    /** Returns the smallest neighbourhood of a hart that holds {@code count} harts; the machine if none does. */
    public CpuSet huddleAround(int cpu, int count) {
        for (CpuSet[] level : groupOf) {
            if (level[cpu].size() >= count) return level[cpu];
        }
        return harts;
    }

    private static int[] pick(int[] order, int[] at, CpuSet among) {
        return among.toArray().length == order.length ? order.clone()
                : Arrays.stream(among.toArray()).filter(c -> c < at.length && at[c] >= 0).boxed()
                        .sorted(Comparator.comparingInt(c -> at[c])).mapToInt(Integer::intValue).toArray();
    }

    // ---- building ----

    /** Fills in the group number of each position for each level, finest first, and returns the names of the levels. */
    private static List<List<String>> partitions(Topology t, int[] cpus, List<int[]> levels) {
        var candidates = new ArrayList<Map.Entry<String, List<CpuSet>>>();
        candidates.add(Map.entry("core", map(t.cores(), Core::cpus)));
        var byLevel = new HashMap<Integer, List<CpuSet>>();
        for (Cache c : t.caches()) byLevel.computeIfAbsent(c.level(), l -> new ArrayList<>()).add(c.cpus());
        byLevel.keySet().stream().sorted().forEach(level -> candidates.add(Map.entry("L" + level, byLevel.get(level))));
        for (var kind : CpuGroup.Kind.values()) {
            if (!t.groups(kind).isEmpty()) {
                candidates.add(Map.entry(kind.label().toLowerCase(java.util.Locale.ROOT), map(t.groups(kind), CpuGroup::cpus)));
            }
        }
        candidates.add(Map.entry("package", map(t.packages(), CpuPackage::cpus)));
        candidates.add(Map.entry("node", map(t.nodes(), NumaNode::cpus)));
        nodeCosts(t, candidates);

        var names = new ArrayList<List<String>>();
        levels.add(IntStream.range(0, cpus.length).toArray());
        names.add(new ArrayList<>(List.of("hart")));
        // Each candidate is made a partition of its own first, so that they can be ordered from many groups to few.
        var ready = new ArrayList<Map.Entry<String, int[]>>();
        for (var candidate : candidates) {
            if (candidate.getValue().stream().allMatch(CpuSet::isEmpty)) continue; // not told
            int[] ids = levels.getFirst().clone();
            for (CpuSet set : candidate.getValue()) unite(ids, positions(set, cpus));
            ready.add(Map.entry(candidate.getKey(), ids));
        }
        ready.sort(Comparator.comparingLong(c -> -Arrays.stream(c.getValue()).distinct().count()));
        for (var candidate : ready) {
            int[] ids = joined(candidate.getValue(), levels.getLast());
            if (Arrays.equals(ids, levels.getLast())) {
                names.getLast().add(candidate.getKey());
            } else {
                levels.add(ids);
                names.add(new ArrayList<>(List.of(candidate.getKey())));
            }
        }
        int[] machine = new int[cpus.length];
        if (Arrays.equals(machine, levels.getLast())) {
            names.getLast().add("machine");
        } else {
            levels.add(machine);
            names.add(new ArrayList<>(List.of("machine")));
        }
        return names;
    }

    private static <T> List<CpuSet> map(List<T> list, Function<T, CpuSet> cpus) { return list.stream().map(cpus).toList(); }

    /** Nodes that reach each other at one cost, through others if need be, are one group: a level for each distance that occurs. */
    private static void nodeCosts(Topology t, List<Map.Entry<String, List<CpuSet>>> candidates) {
        if (!t.hasDistances()) return;
        List<NumaNode> nodes = t.nodes();
        var costs = new TreeSet<Integer>();
        for (int i = 0; i < nodes.size(); i++) {
            for (int j = 0; j < nodes.size(); j++) {
                if (i != j && !nodes.get(i).cpus().isEmpty() && !nodes.get(j).cpus().isEmpty()) costs.add(t.nodeDistance(i, j));
            }
        }
        for (int cost : costs.stream().limit(8).toList()) { // more distances than that tell noise, not structure
            var sets = new ArrayList<CpuSet>();
            for (int i = 0; i < nodes.size(); i++) {
                for (int j = 0; j < nodes.size(); j++) {
                    if (i != j && t.nodeDistance(i, j) <= cost && !nodes.get(i).cpus().isEmpty()
                            && !nodes.get(j).cpus().isEmpty()) {
                        sets.add(nodes.get(i).cpus().or(nodes.get(j).cpus()));
                    }
                }
            }
            candidates.add(Map.entry("nodes at " + cost, sets));
        }
    }

    private static int[] positions(CpuSet set, int[] cpus) {
        return Arrays.stream(set.toArray()).map(cpu -> Arrays.binarySearch(cpus, cpu)).filter(p -> p >= 0).toArray();
    }

    /** Puts the positions in one group: all of a group that holds one of them get the least number among them. */
    private static void unite(int[] ids, int[] positions) {
        if (positions.length < 2) return;
        int least = Arrays.stream(positions).map(p -> ids[p]).min().getAsInt();
        var merged = new BitSet();
        for (int p : positions) merged.set(ids[p]);
        if (merged.cardinality() == 1) return;
        if (merged.cardinality() == positions.length) { // each was alone, if ids are least positions; the usual case
            boolean alone = true;
            for (int p : positions) alone &= ids[p] == p;
            if (alone) {
                for (int p : positions) ids[p] = least;
                return;
            }
        }
        for (int p = 0; p < ids.length; p++) {
            if (merged.get(ids[p])) ids[p] = least;
        }
    }

    /** Returns the finest partition that neither of the two cuts across. Group numbers are least positions, in all three. */
    private static int[] joined(int[] a, int[] finer) {
        int[] parent = IntStream.range(0, a.length).toArray();
        for (int p = 0; p < a.length; p++) {
            link(parent, p, a[p]);
            link(parent, p, finer[p]);
        }
        for (int p = 0; p < a.length; p++) parent[p] = root(parent, p);
        return parent;
    }

    private static int root(int[] parent, int p) {
        while (parent[p] != p) {
            parent[p] = parent[parent[p]];
            p = parent[p];
        }
        return p;
    }

    private static void link(int[] parent, int p, int q) {
        int a = root(parent, p), b = root(parent, q);
        parent[Math.max(a, b)] = Math.min(a, b);
    }

    /** Returns the set of each group, at the index of its number. */
    private static CpuSet[] sets(int[] ids, int[] cpus) {
        int top = cpus[cpus.length - 1] + 1;
        var words = new HashMap<Integer, long[]>();
        for (int p = 0; p < ids.length; p++) {
            long[] w = words.computeIfAbsent(ids[p], i -> new long[top + 63 >> 6]);
            w[cpus[p] >> 6] |= 1L << cpus[p];
        }
        var sets = new CpuSet[ids.length];
        words.forEach((id, w) -> sets[id] = CpuSet.ofWords(w));
        return sets;
    }

    /** Returns positions such that the groups of every level are contiguous, the groups by their first CPU. */
    private static int[] treeOrder(List<int[]> levels, int count) {
        Comparator<Integer> order = Comparator.comparingInt(p -> levels.getLast()[p]);
        for (int level = levels.size() - 2; level >= 0; level--) {
            int[] ids = levels.get(level);
            order = order.thenComparingInt(p -> ids[p]);
        }
        return IntStream.range(0, count).boxed().sorted(order).mapToInt(Integer::intValue).toArray();
    }

    /**
     * Gives each hart its path. A level's field is as wide as its largest number of groups within one group of the level
     * above needs. Should all fields not fit in 64 bits, the narrowest levels are told as one with the level above; no
     * machine comes near (4,096 harts in eight levels take some 20 bits).
     */
    private long[] paths(List<int[]> levels, int[] tree, int[] cpus, List<Remark> remarks) {
        int depth = levels.size();
        var rank = new int[depth][cpus.length]; // of the hart's group, within its group of the level above
        var widest = new int[depth];
        for (int level = 0; level < depth - 1; level++) {
            int[] ids = levels.get(level), above = levels.get(level + 1);
            int r = 0;
            for (int i = 0; i < tree.length; i++) {
                int p = tree[i];
                if (i > 0 && above[p] != above[tree[i - 1]]) r = 0;
                else if (i > 0 && ids[p] != ids[tree[i - 1]]) r++;
                rank[level][p] = r;
                widest[level] = Math.max(widest[level], r);
            }
        }
        var result = new long[cpus[cpus.length - 1] + 1];
        Arrays.fill(meeting, (byte) 0);
        int used = 0;
        for (int level = 0; level < depth - 1; level++) {
            int width = Integer.SIZE - Integer.numberOfLeadingZeros(widest[level]);
            if (used + width > Long.SIZE) {
                remarks.add(new Remark(Remark.Kind.FALLBACK, "the tree is too deep and wide for paths of 64 bits; distances above level "
                        + level + " are told as " + level));
                break;
            }
            for (int p = 0; p < cpus.length; p++) result[cpus[p]] |= (long) rank[level][p] << used;
            // Two harts whose groups differ at this level meet at the next one.
            for (int bit = used; bit < used + width; bit++) meeting[Long.SIZE - 1 - bit] = (byte) (level + 1);
            used += width;
        }
        return result;
    }

    /**
     * First one hart of every core, then the second of every core, and so on; among those, the groups of the coarsest level
     * take turns, and within each the groups of the next.
     */
    private static int[] spreadOrder(Topology t, List<int[]> levels, int[] tree, int[] cpus) {
        int count = cpus.length;
        var seen = new HashMap<Core, Integer>();
        int[] turn = new int[count]; // the how-manieth hart of its core
        for (int p : tree) {
            Core core = t.coreOf(cpus[p]);
            turn[p] = core == null ? 0 : seen.merge(core, 1, Integer::sum) - 1;
        }
        // The sort key of a position is its rank among its siblings at each level, finest level first: those that are the first
        // of the first of the first come before any second. Ranks count groups among the harts of the same turn.
        int depth = levels.size();
        var keys = new int[count][depth + 1];
        for (int p = 0; p < count; p++) keys[p][0] = turn[p];
        for (int level = 0; level < depth - 1; level++) {
            var next = new HashMap<Long, Integer>();
            var given = new HashMap<Long, Integer>();
            for (int p : tree) {
                long above = (long) turn[p] << 32 | levels.get(level + 1)[p];
                long own = (long) turn[p] << 32 | levels.get(level)[p];
                Integer rank = given.get(own);
                if (rank == null) {
                    rank = next.merge(above, 1, Integer::sum) - 1;
                    given.put(own, rank);
                }
                keys[p][level + 1] = rank;
            }
        }
        return IntStream.range(0, count).boxed()
                .sorted((a, b) -> Arrays.compare(keys[a], keys[b]) != 0 ? Arrays.compare(keys[a], keys[b]) : a - b)
                .mapToInt(p -> cpus[p]).toArray();
    }

    // ---- describing ----

    private static List<Level> describe(Topology t, List<List<String>> names, List<CpuSet[]> groups) {
        var hardware = new HashMap<CpuSet, List<String>>();
        for (Cache c : t.caches()) note(hardware, c.cpus(), c.name() + " " + Sizes.format(c.sizeBytes()));
        for (Tlb tlb : t.tlbs()) {
            note(hardware, tlb.cpus(), "TLB" + tlb.level() + " " + tlb.type().shortLabel() + " " + tlb.entries() + "×"
                    + Sizes.format(tlb.pageBytes().getFirst()));
        }
        for (NumaNode n : t.nodes()) {
            CpuSet near = n.cpus().isEmpty() ? n.locality() : n.cpus();
            note(hardware, near, n.memoryBytes() < 0 ? "memory" : "memory " + (n.memoryBytes() >> 20) + "M");
        }
        for (CpuKind kind : t.kinds()) {
            for (Core core : t.cores()) {
                if (core.cpus().isSubsetOf(kind.cpus())) note(hardware, core.cpus(), "kind " + kind.rank());
            }
        }
        var shapes = new HashMap<CpuSet, Integer>(); // structural isomorphism: equal number, equal structure
        var numbers = new HashMap<List<Object>, Integer>();
        var levels = new ArrayList<Level>();
        var below = List.<CpuSet>of();
        for (int level = 0; level < names.size(); level++) {
            List<CpuSet> sets = Arrays.stream(groups.get(level)).filter(s -> s != null)
                    .sorted(Comparator.comparingInt(s -> s.nextSetBit(0))).toList();
            var classes = new LinkedHashMap<Integer, List<CpuSet>>();
            var childrenOf = new HashMap<Integer, List<Integer>>();
            var homes = new int[t.online().toArray()[t.hartCount() - 1] + 1];
            for (int i = 0; i < sets.size(); i++) {
                for (int cpu : sets.get(i).toArray()) homes[cpu] = i;
            }
            for (CpuSet child : below) {
                childrenOf.computeIfAbsent(homes[child.nextSetBit(0)], i -> new ArrayList<>()).add(shapes.get(child));
            }
            var own = new HashMap<CpuSet, Integer>();
            for (int i = 0; i < sets.size(); i++) {
                CpuSet set = sets.get(i);
                List<Integer> children = childrenOf.getOrDefault(i, new ArrayList<>());
                children.sort(null);
                var key = List.<Object>of(level, children, unique(hardware, set, below));
                int number = numbers.computeIfAbsent(key, k -> numbers.size());
                own.put(set, number);
                classes.computeIfAbsent(number, n -> new ArrayList<>()).add(set);
            }
            shapes.putAll(own);
            var described = new ArrayList<GroupClass>();
            for (List<CpuSet> members : classes.values()) {
                described.add(new GroupClass(members.size(), members.getFirst().size(), members,
                        unique(hardware, members.getFirst(), below)));
            }
            levels.add(new Level(level, names.get(level), sets, described));
            below = sets;
        }
        return List.copyOf(levels);
    }

    private static void note(Map<CpuSet, List<String>> hardware, CpuSet set, String what) {
        hardware.computeIfAbsent(set, s -> new ArrayList<>()).add(what);
    }

    /** What is shared by exactly these harts; nothing if a group of the level below is these harts already. */
    private static List<String> unique(Map<CpuSet, List<String>> hardware, CpuSet set, List<CpuSet> below) {
        List<String> own = hardware.get(set);
        if (own == null) return List.of();
        if (!below.isEmpty()) {
            int first = set.nextSetBit(0);
            int low = 0, high = below.size() - 1;
            while (low < high) { // groups are ordered by their first CPU
                int mid = low + high + 1 >>> 1;
                if (below.get(mid).nextSetBit(0) <= first) low = mid;
                else high = mid - 1;
            }
            if (below.get(low).equals(set)) return List.of();
        }
        return own.stream().sorted().toList();
    }
}
