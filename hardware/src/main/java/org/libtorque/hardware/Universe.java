package org.libtorque.hardware;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

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

    private final Topology topology;
    private final List<List<String>> names;
    private final List<CpuSet[]> groups;
    /** Described when somebody asks: placement needs the masks alone. Racing threads make equal lists. */
    private volatile List<Level> levels;
    private final CpuSet harts;
    /** For each level the group of each CPU number; null where there is no such hart. */
    private final CpuSet[][] groupOf;
    /** For each CPU number its path; harts that are not there have 0. */
    private final long[] paths;
    /** Level at which two paths meet that differ in this bit first, counted from the top; at 64, in none. */
    private final byte[] meeting = new byte[Long.SIZE + 1];
    /** CPUs in the order of the tree, and in the spread order. */
    private final int[] huddled;
    private final int[] spread;

    Universe(Topology topology) {
        this.topology = topology;
        harts = topology.online();
        List<int[]> groupIds = new ArrayList<>(); // per level, group number of each position
        int[] cpus = harts.toArray();
        names = partitions(topology, cpus, groupIds);
        int top = cpus[cpus.length - 1];
        groups = new ArrayList<>();
        for (int[] ids : groupIds) groups.add(sets(ids, cpus));
        groupOf = new CpuSet[groupIds.size()][top + 1];
        for (int level = 0; level < groupIds.size(); level++) {
            for (int p = 0; p < cpus.length; p++) groupOf[level][cpus[p]] = groups.get(level)[groupIds.get(level)[p]];
        }
        int[] tree = treeOrder(groupIds, cpus.length);
        paths = paths(groupIds, tree, cpus);
        huddled = new int[cpus.length];
        for (int i = 0; i < tree.length; i++) huddled[i] = cpus[tree[i]];
        spread = spreadOrder(topology, groupIds, tree, cpus);
    }

    // ---- asking ----

    /** Returns the levels, finest first. */
    public List<Level> levels() {
        List<Level> described = levels;
        if (described == null) levels = described = describe(topology, names, groups);
        return described;
    }

    /** Returns how many levels there are. */
    public int depth() { return groupOf.length; }

    /** Returns the coarsest level whose groups share a cache; 0 if none is known. */
    public int cacheLevel() {
        for (int level = names.size() - 1; level > 0; level--) {
            for (String name : names.get(level)) if (name.length() == 2 && name.charAt(0) == 'L' && Character.isDigit(name.charAt(1))) return level;
        }
        return 0;
    }

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
     * as can be, nodes first, then packages, and the second hart of a core only when every core has one. Numbers that are
     * no harts are left out.
     */
    public int[] spread(CpuSet among) { return pick(spread, among); }

    /**
     * Returns some of the harts in the order in which work that shares memory should take them: neighbours together. Numbers
     * that are no harts are left out.
     */
    public int[] huddle(CpuSet among) { return pick(huddled, among); }

    /**
     * Returns the hart at a position of the {@linkplain #spread spread order} of all harts. O(1), allocates nothing.
     *
     * @throws IndexOutOfBoundsException unless {@code 0 <= position < harts().size()}
     */
    public int spreadHart(int position) { return spread[position]; }

    /**
     * Returns the hart at a position of the {@linkplain #huddle huddle order} of all harts. O(1), allocates nothing.
     *
     * @throws IndexOutOfBoundsException unless {@code 0 <= position < harts().size()}
     */
    public int huddledHart(int position) { return huddled[position]; }

    /**
     * Returns the smallest neighbourhood of a hart that holds {@code count} harts; the machine if none does. One step for each
     * level, whatever the number of harts; allocates nothing.
     */
    public CpuSet huddleAround(int cpu, int count) {
        for (CpuSet[] level : groupOf) {
            if (level[cpu].size() >= count) return level[cpu];
        }
        return harts;
    }

    private int[] pick(int[] order, CpuSet among) {
        if (among.equals(harts)) return order.clone();
        int[] picked = new int[Math.min(order.length, among.size())];
        int count = 0;
        for (int cpu : order) {
            if (among.contains(cpu)) picked[count++] = cpu;
        }
        return count == picked.length ? picked : Arrays.copyOf(picked, count);
    }

    // ---- building ----

    /** Fills in the group number of each position for each level, finest first, and returns the names of the levels. */
    private static List<List<String>> partitions(Topology t, int[] cpus, List<int[]> levels) {
        var candidates = new ArrayList<Map.Entry<String, List<CpuSet>>>();
        candidates.add(Map.entry("core", Topology.coreCpus(t.cores())));
        var byLevel = new TreeMap<Integer, List<CpuSet>>();
        for (Cache c : t.caches()) {
            List<CpuSet> sharers = byLevel.get(c.level());
            if (sharers == null) byLevel.put(c.level(), sharers = new ArrayList<>());
            sharers.add(c.cpus());
        }
        for (var level : byLevel.entrySet()) candidates.add(Map.entry("L" + level.getKey(), level.getValue()));
        for (CpuGroup g : t.groups()) { // by kind
            String name = g.kind().label().toLowerCase(java.util.Locale.ROOT);
            if (!candidates.getLast().getKey().equals(name)) candidates.add(Map.entry(name, new ArrayList<>()));
            candidates.getLast().getValue().add(g.cpus());
        }
        candidates.add(Map.entry("package", Topology.packageCpus(t.packages())));
        candidates.add(Map.entry("node", Topology.nodeCpus(t.nodes())));
        nodeCosts(t, candidates);

        var names = new ArrayList<List<String>>();
        levels.add(identity(cpus.length));
        names.add(new ArrayList<>(List.of("hart")));
        // Each candidate is made a partition of its own first, so that they can be ordered from many groups to few.
        var ready = new ArrayList<Map.Entry<String, int[]>>();
        for (var candidate : candidates) {
            if (allEmpty(candidate.getValue())) continue; // not told
            int[] ids = levels.getFirst().clone();
            for (CpuSet set : candidate.getValue()) unite(ids, positions(set, cpus));
            ready.add(Map.entry(candidate.getKey(), ids));
        }
        while (!ready.isEmpty()) {
            int finest = 0; // the one with the most groups; of equals the first
            for (int i = 1; i < ready.size(); i++) {
                if (groupCount(ready.get(i).getValue()) > groupCount(ready.get(finest).getValue())) finest = i;
            }
            var candidate = ready.remove(finest);
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

    private static int[] identity(int count) {
        int[] ids = new int[count];
        for (int p = 0; p < count; p++) ids[p] = p;
        return ids;
    }

    private static boolean allEmpty(List<CpuSet> sets) {
        for (CpuSet set : sets) {
            if (!set.isEmpty()) return false;
        }
        return true;
    }

    /** A group's number is its least position, so each group has one position that is its number. */
    private static int groupCount(int[] ids) {
        int count = 0;
        for (int p = 0; p < ids.length; p++) count += ids[p] == p ? 1 : 0;
        return count;
    }

    /** Nodes that reach each other at one cost, through others if need be, are one group: a level for each distance that occurs. */
    private static void nodeCosts(Topology t, List<Map.Entry<String, List<CpuSet>>> candidates) {
        if (!t.hasDistances() || t.nodes().size() < 2) return;
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
        int[] found = new int[set.size()];
        int count = 0;
        for (int cpu = set.nextSetBit(0); cpu >= 0; cpu = set.nextSetBit(cpu + 1)) {
            int p = Arrays.binarySearch(cpus, cpu);
            if (p >= 0) found[count++] = p;
        }
        return count == found.length ? found : Arrays.copyOf(found, count);
    }

    /** Puts the positions in one group: all of a group that holds one of them get the least number among them. */
    private static void unite(int[] ids, int[] positions) {
        if (positions.length < 2) return;
        int least = Integer.MAX_VALUE;
        var merged = new BitSet();
        for (int p : positions) {
            merged.set(ids[p]);
            least = Math.min(least, ids[p]);
        }
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
        int[] parent = identity(a.length);
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
        var members = new BitSet[ids.length];
        for (int p = 0; p < ids.length; p++) {
            if (members[ids[p]] == null) members[ids[p]] = new BitSet();
            members[ids[p]].set(cpus[p]);
        }
        var sets = new CpuSet[ids.length];
        for (int id = 0; id < ids.length; id++) {
            if (members[id] != null) sets[id] = Facts.setOf(members[id]);
        }
        return sets;
    }

    /** Returns positions such that the groups of every level are contiguous, the groups by their first CPU. */
    private static int[] treeOrder(List<int[]> levels, int count) {
        // A stable counting sort for each level, the finest first, leaves them ordered by the coarsest, then the next, ...
        int[] order = identity(count);
        for (int[] ids : levels) {
            int[] starts = new int[count + 1];
            for (int id : ids) starts[id + 1]++;
            for (int i = 0; i < count; i++) starts[i + 1] += starts[i];
            int[] next = new int[count];
            for (int p : order) next[starts[ids[p]]++] = p;
            order = next;
        }
        return order;
    }

    /**
     * Gives each hart its path. A level's field is as wide as its largest number of groups within one group of the level
     * above needs: 4,096 harts in eight levels take some 20 bits. Should they not fit in 64, which takes a made-up machine
     * far from any real one, harts that differ only above them count as meeting at the highest level that did fit.
     */
    private long[] paths(List<int[]> levels, int[] tree, int[] cpus) {
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
            if (used + width > Long.SIZE) break;
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
        // A rank is that of a group among its siblings, counted among the harts of the same turn (the first of their cores, the
        // second, ...). Ordered by turn, then by rank at the finest level, then the next: the first of the first of the first
        // come before any second. The sort is a stable counting sort for each key, the least important first.
        int[] turn = new int[count]; // the how-manieth hart of its core
        int most = 0;
        int[] seen = new int[cpus[count - 1] + 1]; // by the first CPU of a core
        for (int p : tree) {
            Core core = t.coreOf(cpus[p]);
            if (core != null) turn[p] = seen[core.cpus().nextSetBit(0)]++;
            most = Math.max(most, turn[p] + 1);
        }
        int depth = levels.size();
        var ranks = new int[depth][count];
        for (int level = 0; level < depth - 1; level++) {
            int[] own = levels.get(level), above = levels.get(level + 1);
            var next = new int[most][count]; // by turn and group above
            var given = new int[most][count]; // by turn and own group; 0 is none yet
            for (int p : tree) {
                int r = given[turn[p]][own[p]];
                if (r == 0) given[turn[p]][own[p]] = r = ++next[turn[p]][above[p]];
                ranks[level][p] = r - 1;
            }
        }
        int[] order = identity(count);
        for (int level = depth - 2; level >= 0; level--) order = sorted(order, ranks[level]);
        order = sorted(order, turn);
        for (int i = 0; i < count; i++) order[i] = cpus[order[i]];
        return order;
    }

    /** Sorts by a key below the number of items, stably. */
    private static int[] sorted(int[] order, int[] key) {
        int[] starts = new int[order.length + 1];
        for (int p : order) starts[key[p] + 1]++;
        for (int i = 0; i < order.length; i++) starts[i + 1] += starts[i];
        int[] next = new int[order.length];
        for (int p : order) next[starts[key[p]]++] = p;
        return next;
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
