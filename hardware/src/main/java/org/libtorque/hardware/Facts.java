package org.libtorque.hardware;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a reader found out, before it is checked and made a {@link Topology}. Sets are of online CPUs. */
final class Facts {
    Topology.Input input = Topology.Input.SYSFS;
    String architecture = "";
    CpuSet online = CpuSet.of();
    CpuSet offline = CpuSet.of();
    /** CPUs that this process may use; null if all. */
    CpuSet allowed;
    /** NUMA nodes whose memory this process may use; null if all. */
    CpuSet mems;
    /** Packages without their cores. */
    List<CpuPackage> packages = new ArrayList<>();
    List<Core> cores = new ArrayList<>();
    List<CpuGroup> groups = new ArrayList<>();
    List<Cache> caches = new ArrayList<>();
    List<Tlb> tlbs = new ArrayList<>();
    List<NumaNode> nodes = new ArrayList<>();
    /** Rows and columns in the order of {@code nodes}; null if not known. */
    int[][] distances;
    List<CpuKind> kinds = new ArrayList<>();
    List<Processor> processors = new ArrayList<>();
    List<NumaNode.HugePages> hugePages = new ArrayList<>();
    long pageBytes;
    Limits limits = Limits.NONE;
    List<MemoryDevice> memoryDevices = new ArrayList<>();
    List<Gpu> gpus = new ArrayList<>();
    List<Remark> remarks = new ArrayList<>();

    /**
     * Groups CPUs by a key; groups are in the order of their first CPU, since CPUs come in rising order. Plain loops, here and
     * in the readers: discovery runs once and cold, when every lambda costs as much as reading a dozen files.
     */
    static final class Partition<K> {
        private final Map<K, BitSet> sets = new LinkedHashMap<>();

        void add(K key, int cpu) {
            BitSet set = sets.get(key);
            if (set == null) sets.put(key, set = new BitSet());
            set.set(cpu);
        }

        /** Returns key and CPUs of each group. */
        List<Map.Entry<K, CpuSet>> groups() {
            var all = new ArrayList<Map.Entry<K, CpuSet>>(sets.size());
            for (var entry : sets.entrySet()) all.add(Map.entry(entry.getKey(), setOf(entry.getValue())));
            return all;
        }
    }

    static CpuSet setOf(BitSet bits) { return CpuSet.ofWords(bits.toLongArray()); }

    static BitSet bitsOf(CpuSet set) { return BitSet.valueOf(set.words()); }

    void remark(Remark.Kind kind, String text) { remarks.add(new Remark(kind, text)); }

    /** Returns the least distance in each row's column, for the nodes given by position; copies. */
    static int[][] pick(int[][] matrix, int[] positions) {
        var picked = new int[positions.length][];
        for (int i = 0; i < positions.length; i++) {
            int[] row = matrix[positions[i]];
            picked[i] = Arrays.stream(positions).map(p -> row[p]).toArray();
        }
        return picked;
    }
}
