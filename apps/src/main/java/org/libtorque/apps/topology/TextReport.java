package org.libtorque.apps.topology;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.libtorque.hardware.Cache;
import org.libtorque.hardware.Core;
import org.libtorque.hardware.CpuGroup;
import org.libtorque.hardware.CpuPackage;
import org.libtorque.hardware.CpuSet;
import org.libtorque.hardware.Gpu;
import org.libtorque.hardware.InterruptLoad;
import org.libtorque.hardware.Limits;
import org.libtorque.hardware.MemoryDevice;
import org.libtorque.hardware.NumaNode;
import org.libtorque.hardware.Processor;
import org.libtorque.hardware.Remark;
import org.libtorque.hardware.Tlb;
import org.libtorque.hardware.Topology;
import org.libtorque.hardware.Universe;

/**
 * A topology for people to read, in the form of libtorque's archdetect: packages with their cores and CPUs, memory nodes,
 * then each type of processing unit with its caches and translation buffers. Behind that, what archdetect did not know:
 * scheduling levels, limits, memory modules, remarks.
 */
final class TextReport {
    /** Names of abilities that the report shows, by their name in {@code /proc/cpuinfo}. */
    private static final Map<String, String> EXTENSIONS = new LinkedHashMap<>();

    static {
        String table = "mmx MMX sse SSE sse2 SSE2 pni SSE3 ssse3 SSSE3 sse4_1 SSE4.1 sse4_2 SSE4.2 sse4a SSE4a avx AVX avx2 AVX2 "
                + "fma FMA aes AES sha_ni SHA avx512f AVX-512F avx512bw AVX-512BW avx512vl AVX-512VL avx512_vnni AVX-512VNNI "
                + "amx_tile AMX asimd ASIMD sve SVE sve2 SVE2 atomics LSE altivec AltiVec vsx VSX";
        String[] words = table.split(" ");
        for (int i = 0; i < words.length; i += 2) EXTENSIONS.put(words[i], words[i + 1]);
    }

    /** So many CPUs with the most interrupts are shown. */
    private static final int BUSIEST = 8;

    /** A type of processing unit: CPUs that are alike in all that the report says of them. */
    private record UnitType(Processor processor, List<String> caches, List<String> tlbs, int kind) {}

    private final Topology topology;
    private final StringBuilder out = new StringBuilder();
    private final Map<UnitType, List<Integer>> types = new LinkedHashMap<>();
    private final Map<Integer, Integer> typeOf = new LinkedHashMap<>();

    private TextReport(Topology topology) { this.topology = topology; }

    static String text(Topology topology) {
        var report = new TextReport(topology);
        report.sortTypes();
        report.packages();
        report.memory();
        report.units();
        report.gpus();
        report.levels();
        report.rest();
        return report.out.toString();
    }

    private void line(String format, Object... arguments) {
        out.append(String.format(Locale.ROOT, format, arguments)).append('\n');
    }

    // ---- types of processing units ----

    private void sortTypes() {
        for (int cpu = first(topology.online()); cpu >= 0; cpu = topology.online().nextSetBit(cpu + 1)) {
            int number = cpu;
            Processor processor = topology.processors().stream().filter(p -> p.cpus().contains(number)).findFirst().orElse(null);
            var type = new UnitType(processor, topology.cachesOf(cpu).map(TextReport::describe).toList(),
                    topology.tlbsOf(cpu).map(TextReport::describe).toList(), topology.kindOf(cpu));
            types.computeIfAbsent(type, t -> new ArrayList<>()).add(cpu);
        }
        int index = 0;
        for (var cpus : types.values()) {
            index++;
            for (int cpu : cpus) typeOf.put(cpu, index);
        }
    }

    private static int first(CpuSet set) { return set.nextSetBit(0); }

    private static String describe(Cache c) {
        return bytes(c.sizeBytes()) + " total" + (c.lineBytes() > 0 ? ", " + c.lineBytes() + "B line" : "") + ways(c.ways())
                + sharing(c.cpus()) + " (L" + c.level() + " " + c.type().shortLabel() + ")"
                + (c.inclusion() == Cache.Inclusion.INCLUSIVE ? ", inclusive" : "");
    }

    private static String describe(Tlb t) {
        return pages(t.pageBytes()) + " pages" + (t.entries() > 0 ? ", " + t.entries() + "-entry" : "") + ways(t.ways())
                + sharing(t.cpus()) + " (L" + t.level() + " " + t.type().shortLabel() + ")";
    }

    private static String ways(int ways) {
        return ways == Cache.FULLY_ASSOCIATIVE ? ", fully assoc" : ways > 0 ? ", " + ways + "-assoc" : "";
    }

    private static String sharing(CpuSet cpus) { return cpus.size() == 1 ? ", unshared" : ", " + cpus.size() + "-shared"; }

    private static String pages(List<Long> sizes) {
        return sizes.stream().map(TextReport::bytes).collect(Collectors.joining(" and "));
    }

    /** Three decimals, cut off, not rounded: no machine has more than it has. */
    private static String gigabytes(long bytes) {
        return String.format(Locale.ROOT, "%d.%03d", bytes >> 30, (bytes & (1 << 30) - 1) * 1000 >> 30);
    }

    private static String bytes(long bytes) {
        String[] units = {"B", "KB", "MB", "GB", "TB"};
        int unit = 0;
        while (bytes != 0 && bytes % 1024 == 0 && unit < 4) {
            bytes /= 1024;
            unit++;
        }
        return bytes + units[unit];
    }

    // ---- sections ----

    private void packages() {
        for (CpuPackage p : topology.packages()) {
            line("\tPackage %s: (%d threads total)", p.osIndex() < 0 ? "?" : p.osIndex(), p.cpus().size());
            int number = 0;
            // In the order of the package's own numbers, not of CPU numbers, which firmware hands out as it likes.
            for (Core core : p.cores().stream().sorted(Comparator.comparingInt(Core::osIndex)).toList()) core(number++, core);
            if (p.cores().isEmpty()) line("\t\tCPUs %s, cores not told", p.cpus());
        }
        if (!topology.offline().isEmpty()) line("\tOffline: %s", topology.offline());
        for (CpuGroup g : topology.groups()) line("\t%s %s: %s", g.kind().label(), g.osIndex() < 0 ? "?" : g.osIndex(), g.cpus());
    }

    private void core(int number, Core core) {
        var text = new StringBuilder();
        var counts = new LinkedHashMap<Integer, Integer>();
        for (int cpu = first(core.cpus()); cpu >= 0; cpu = core.cpus().nextSetBit(cpu + 1)) {
            text.append(String.format(" %3d", cpu));
            counts.merge(typeOf.get(cpu), 1, Integer::sum);
        }
        CpuSet kept = core.cpus().minus(topology.usable());
        line("\t\tCore %d:%s (%s)%s", number, text, counts.entrySet().stream()
                .map(e -> e.getValue() + "x processor type " + e.getKey()).collect(Collectors.joining(", ")),
                kept.isEmpty() ? "" : " [not ours: " + kept + "]");
    }

    private void memory() {
        if (topology.input() == Topology.Input.CPUID) return; // which tells nothing about memory
        int index = 0;
        var pageSizes = new ArrayList<Long>();
        if (topology.pageBytes() > 0) pageSizes.add(topology.pageBytes());
        topology.hugePages().forEach(h -> pageSizes.add(h.pageBytes()));
        for (NumaNode n : topology.nodes()) {
            line("(%4dx) Memory node %d of %d:%s", 1, ++index, topology.nodes().size(),
                    topology.nodes().size() == 1 ? "" : n.memoryOnly() ? " node " + n.osIndex() + ", no CPUs, near CPUs " + n.locality()
                            : " node " + n.osIndex() + ", CPUs " + n.cpus());
            String in = pageSizes.isEmpty() ? "" : " in " + pages(pageSizes) + " pages";
            if (n.memoryBytes() >= 0) {
                line("\t%,dKB (%s GB) total%s", n.memoryBytes() >> 10, gigabytes(n.memoryBytes()), in);
            } else {
                line("\tsize not told%s", in);
            }
            n.memorySideCache().ifPresent(c -> line("\tMemory-side cache: %s total, %dB line%s", bytes(c.sizeBytes()), c.lineBytes(),
                    ways(c.ways())));
            for (var pool : n.hugePages().isEmpty() && topology.nodes().size() == 1 ? topology.hugePages() : n.hugePages()) {
                if (pool.total() > 0) line("\tHuge pages: %,d of %s, %,d free", pool.total(), bytes(pool.pageBytes()), pool.free());
            }
        }
        if (topology.hasDistances() && topology.nodes().size() > 1) {
            line("Distances between nodes:");
            for (int i = 0; i < topology.nodes().size(); i++) {
                var row = new StringBuilder();
                for (int j = 0; j < topology.nodes().size(); j++) row.append(String.format(" %3d", topology.nodeDistance(i, j)));
                line("\t%4d:%s", topology.nodes().get(i).osIndex(), row);
            }
        }
    }

    private void units() {
        int index = 0, count = types.size() + (int) topology.gpus().stream().distinct().count();
        for (var entry : types.entrySet()) {
            UnitType type = entry.getKey();
            line("(%4dx) Processing unit type %d of %d:%s", entry.getValue().size(), ++index, count, architecture(type));
            if (type.processor != null) processor(type.processor);
            if (!topology.kinds().isEmpty()) {
                var kind = topology.kinds().get(type.kind);
                line("\tKind %d of %d: %s%s", type.kind + 1, topology.kinds().size(), kind.coreType().isEmpty() ? "unnamed" : kind.coreType(),
                        kind.maxKiloHz() > 0 ? String.format(Locale.ROOT, ", up to %.2f GHz", kind.maxKiloHz() / 1e6) : "");
            }
            shape(entry.getValue().getFirst());
            for (int i = 0; i < type.caches.size(); i++) line("\tCache %d of %d: %s", i + 1, type.caches.size(), type.caches.get(i));
            for (int i = 0; i < type.tlbs.size(); i++) line("\tTLB %d of %d: %s", i + 1, type.tlbs.size(), type.tlbs.get(i));
        }
    }

    private String architecture(UnitType type) {
        String name = topology.architecture();
        if (name.isEmpty() && type.processor != null && type.processor.has("mmx")) name = "x86";
        return name.isEmpty() ? "" : " " + (name.matches("x86_64|i[3-6]86") ? "x86" : name);
    }

    private void processor(Processor p) {
        String extensions = EXTENSIONS.entrySet().stream().filter(e -> p.has(e.getKey())).map(Map.Entry::getValue)
                .collect(Collectors.joining(" "));
        if (!extensions.isEmpty()) line("\tExtensions: %s", extensions);
        if (p.family() >= 0) {
            line("\tFamily: 0x%03x (%d)%s%s%s", p.family(), p.family(),
                    p.model() < 0 ? "" : String.format(" Model: 0x%02x (%d)", p.model(), p.model()),
                    p.stepping() < 0 ? "" : " Stepping: " + p.stepping(), p.type().isEmpty() ? "" : " (" + p.type() + ")");
        }
        if (!p.name().isEmpty()) line("\tBrand name: %s", p.name());
        if (!p.vendor().isEmpty()) line("\tVendor: %s", p.vendor());
        if (!p.hypervisor().isEmpty()) line("\tHypervisor: %s", p.hypervisor());
        var more = new ArrayList<String>();
        if (p.invariantTsc()) more.add("invariant time-stamp counter");
        if (p.prefetchBytes() > 0) more.add(p.prefetchBytes() + "-byte prefetch");
        if (!p.prefetch().isEmpty()) more.add("prefetch by " + String.join(" ", p.prefetch()));
        if (!p.nonTemporal().isEmpty()) more.add("non-temporal by " + String.join(" ", p.nonTemporal()));
        if (!more.isEmpty()) line("\tAbilities: %s", String.join(", ", more));
    }

    /** "1 thread per processing core, 2 cores per package"; logical ones too where they differ. */
    private void shape(int cpu) {
        Core core = topology.coreOf(cpu);
        CpuPackage p = topology.packageOf(cpu);
        if (core == null || p == null) return;
        int threads = core.cpus().size(), cores = p.cores().size(), logical = p.cpus().size();
        line("\t%d thread%s per processing core, %d core%s%s per package", threads, threads == 1 ? "" : "s", cores,
                cores == 1 ? "" : "s", logical == cores ? "" : " (" + logical + " logical)");
    }

    private void gpus() {
        var alike = new LinkedHashSet<>(topology.gpus());
        int index = types.size();
        for (Gpu g : alike) {
            line("(%4dx) Processing unit type %d of %d: CUDA", topology.gpus().stream().filter(g::equals).count(), ++index,
                    types.size() + alike.size());
            if (g.computeMajor() > 0) line("\tCUDA compute capabilities: %d.%d", g.computeMajor(), g.computeMinor());
            line("\tBrand name: %s", g.name());
            if (g.cores() > 0) line("\t1 thread per processing core, %d cores per package", g.cores());
            if (g.multiprocessors() > 0) line("\t%d multiprocessors", g.multiprocessors());
            if (g.memoryBytes() > 0) line("\t%,dKB (%s GB) memory", g.memoryBytes() >> 10, gigabytes(g.memoryBytes()));
            if (g.node() >= 0) line("\tNear memory node %d", g.node());
        }
    }

    private void levels() {
        line("Scheduling levels:");
        for (Universe.Level level : topology.universe().levels()) {
            var classes = level.classes().stream().map(c -> c.count() + "x " + c.hartCount() + " CPU" + (c.hartCount() == 1 ? "" : "s"))
                    .collect(Collectors.joining(", "));
            line("\tL%d %s: %s", level.index(), String.join(" = ", level.names()), classes);
        }
    }

    /** Interrupts since boot, of the running machine alone: a dump has none that are still of use. */
    private void interrupts() {
        if (topology.input() != Topology.Input.LIVE) return;
        InterruptLoad load = InterruptLoad.sample();
        line("Interrupts since boot, of %d CPUs at most:", BUSIEST);
        Arrays.stream(topology.online().toArray()).boxed()
                .sorted(Comparator.comparingLong(cpu -> -load.interrupts(cpu) - load.softirqs(cpu))).limit(BUSIEST)
                .forEach(cpu -> line("\tCPU %d: %,d, softirqs %,d (network %,d)", cpu, load.interrupts(cpu), load.softirqs(cpu),
                        load.softirqs(cpu, "NET_RX") + load.softirqs(cpu, "NET_TX")));
    }

    private void rest() {
        Limits limits = topology.limits();
        line("This process: CPUs %s%s", topology.usable(), topology.disallowed().isEmpty() ? "" : ", kept from " + topology.disallowed());
        if (!Double.isInfinite(limits.quotaCpus())) line("\tCPU time: %.2f CPUs at most", limits.quotaCpus());
        if (limits.memoryBytes() != Long.MAX_VALUE) line("\tMemory: %,dKB at most", limits.memoryBytes() >> 10);
        interrupts();
        for (MemoryDevice d : topology.memoryDevices()) {
            if (d.sizeBytes() <= 0) continue;
            line("Memory module %s: %s %s%s%s%s", d.locator(), bytes(d.sizeBytes()), d.kind(),
                    d.configuredMegaTransfers() > 0 ? ", " + d.configuredMegaTransfers() + " MT/s" : d.speedMegaTransfers() > 0
                            ? ", " + d.speedMegaTransfers() + " MT/s" : "",
                    d.partNumber().isEmpty() ? "" : ", " + d.manufacturer() + " " + d.partNumber(),
                    d.node() >= 0 && topology.nodes().size() > 1 ? ", node " + d.node() : "");
        }
        for (Remark r : topology.remarks()) line("%s: %s", switch (r.kind()) {
            case DISAGREEMENT -> "Disagreement";
            case FALLBACK -> "Fallback";
            case UNKNOWN -> "Unknown";
        }, r.text());
    }
}
