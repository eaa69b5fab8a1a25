package org.libtorque.apps.topology;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.libtorque.hardware.Cache;
import org.libtorque.hardware.CpuGroup;
import org.libtorque.hardware.CpuKind;
import org.libtorque.hardware.CpuPackage;
import org.libtorque.hardware.CpuSet;
import org.libtorque.hardware.Limits;
import org.libtorque.hardware.NumaNode;
import org.libtorque.hardware.Processor;
import org.libtorque.hardware.Tlb;
import org.libtorque.hardware.Topology;
import org.libtorque.hardware.Universe;

/**
 * A topology as JSON, schema {@code topology-expected/1}: of the usable CPUs alone. Keys of our own beside those of the
 * schema: {@code tlbs}, {@code features}, {@code levels}, {@code limits}, {@code memory_devices}, {@code gpus}, {@code
 * remarks}, and in caches {@code sets} and {@code inclusive}.
 */
final class TopologyJson {
    private TopologyJson() {}

    /** Returns the text, indented, arrays of numbers on one line each. */
    static String text(Topology topology, String machine) {
        String json = new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create().toJson(tree(topology, machine));
        return NUMBERS.matcher(json).replaceAll(m -> m.group().replaceAll("\\s+", " ").replace("[ ", "[").replace(" ]", "]"))
                + "\n";
    }

    private static final java.util.regex.Pattern NUMBERS = java.util.regex.Pattern.compile("\\[[-0-9,.\\s]*\\]");

    static JsonObject tree(Topology whole, String machine) {
        Topology t = whole.usableOnly();
        var json = new JsonObject();
        json.addProperty("schema", "topology-expected/1");
        json.addProperty("machine", machine);
        json.addProperty("input", switch (t.input()) {
            case CPUID -> "cpuid";
            case SYSFS -> "sysfs";
            case LIVE -> "live";
            case SPEC -> "spec";
        });
        if (!t.architecture().isEmpty()) json.addProperty("architecture", t.architecture());
        json.add("pus", numbers(t.online()));
        json.add("disallowed_pus", numbers(whole.disallowed()));
        json.add("offline_pus", numbers(whole.offline()));
        json.add("packages", array(t.packages(), p -> cpuPackage(t, p)));
        json.add("dies", array(t.groups(CpuGroup.Kind.DIE), d -> withCpus(new JsonObject(), d.cpus())));
        json.add("numa_nodes", array(t.input() == Topology.Input.CPUID ? List.of() : t.nodes(), TopologyJson::node));
        json.add("caches", array(t.caches(), TopologyJson::cache));
        if (!t.cores().isEmpty()) json.addProperty("smt", t.smt());
        if (!t.kinds().isEmpty()) json.add("kinds", array(t.kinds(), TopologyJson::kind));
        if (t.hasDistances()) json.add("distances", distances(t));
        json.add("groups", array(t.groups().stream().filter(g -> g.kind() != CpuGroup.Kind.DIE).toList(), TopologyJson::group));
        if (!t.processors().isEmpty()) json.add("cpu", cpu(t.processors()));
        json.add("features", array(t.processors(), TopologyJson::features));
        json.add("tlbs", array(t.tlbs(), TopologyJson::tlb));
        json.add("levels", array(t.universe().levels(), TopologyJson::level));
        json.add("limits", limits(t));
        if (t.pageBytes() > 0) json.addProperty("page_bytes", t.pageBytes());
        json.add("huge_pages", array(t.hugePages(), TopologyJson::hugePages));
        json.add("memory_devices", array(t.memoryDevices(), TopologyJson::memoryDevice));
        json.add("gpus", array(t.gpus(), TopologyJson::gpu));
        json.add("remarks", array(t.remarks(), r -> {
            var o = new JsonObject();
            o.addProperty("kind", r.kind().name().toLowerCase(Locale.ROOT));
            o.addProperty("text", r.text());
            return o;
        }));
        return json;
    }

    private static JsonArray numbers(CpuSet set) {
        var array = new JsonArray(set.size());
        for (int cpu = set.nextSetBit(0); cpu >= 0; cpu = set.nextSetBit(cpu + 1)) array.add(cpu);
        return array;
    }

    private static <T> JsonArray array(Collection<T> items, Function<T, ? extends JsonElement> element) {
        var array = new JsonArray(items.size());
        items.forEach(item -> array.add(element.apply(item)));
        return array;
    }

    private static JsonObject withCpus(JsonObject object, CpuSet cpus) {
        object.add("pus", numbers(cpus));
        return object;
    }

    private static JsonObject cpuPackage(Topology t, CpuPackage p) {
        var o = new JsonObject();
        if (p.osIndex() >= 0) o.addProperty("os_index", p.osIndex());
        withCpus(o, p.cpus());
        if (!p.cores().isEmpty()) {
            o.add("cores", array(p.cores(), core -> {
                JsonObject c = withCpus(new JsonObject(), core.cpus());
                if (!t.kinds().isEmpty()) c.addProperty("kind", t.kindOf(core.cpus().nextSetBit(0)));
                return c;
            }));
        }
        return o;
    }

    private static JsonObject node(NumaNode n) {
        var o = new JsonObject();
        o.addProperty("os_index", n.osIndex());
        withCpus(o, n.cpus());
        if (n.memoryOnly()) {
            o.addProperty("memory_only", true);
            o.add("locality", numbers(n.locality()));
        }
        if (n.memoryBytes() >= 0) o.addProperty("memory_bytes", n.memoryBytes());
        n.memorySideCache().ifPresent(c -> {
            var side = new JsonObject();
            side.addProperty("size_bytes", c.sizeBytes());
            side.addProperty("line_bytes", c.lineBytes());
            side.addProperty("ways", c.ways());
            o.add("memory_side_cache", side);
        });
        if (!n.hugePages().isEmpty()) o.add("huge_pages", array(n.hugePages(), TopologyJson::hugePages));
        return o;
    }

    private static JsonObject hugePages(NumaNode.HugePages h) {
        var o = new JsonObject();
        o.addProperty("page_bytes", h.pageBytes());
        o.addProperty("total", h.total());
        o.addProperty("free", h.free());
        return o;
    }

    private static JsonObject cache(Cache c) {
        var o = new JsonObject();
        o.addProperty("level", c.level());
        o.addProperty("type", c.type().label());
        o.addProperty("size_bytes", c.sizeBytes());
        o.addProperty("line_bytes", c.lineBytes());
        o.addProperty("ways", c.ways());
        if (c.sets() > 0) o.addProperty("sets", c.sets());
        if (c.inclusion() != Cache.Inclusion.UNKNOWN) o.addProperty("inclusive", c.inclusion() == Cache.Inclusion.INCLUSIVE);
        return withCpus(o, c.cpus());
    }

    private static JsonObject tlb(Tlb t) {
        var o = new JsonObject();
        o.addProperty("level", t.level());
        o.addProperty("type", t.type().label());
        o.add("page_bytes", array(t.pageBytes(), JsonPrimitive::new));
        o.addProperty("entries", t.entries());
        o.addProperty("ways", t.ways());
        return withCpus(o, t.cpus());
    }

    private static JsonObject kind(CpuKind k) {
        var o = new JsonObject();
        o.addProperty("rank", k.rank());
        withCpus(o, k.cpus());
        if (!k.coreType().isEmpty()) o.addProperty("core_type", k.coreType());
        if (k.capacity() > 0) o.addProperty("capacity", k.capacity());
        if (k.baseKiloHz() > 0) o.addProperty("base_khz", k.baseKiloHz());
        if (k.maxKiloHz() > 0) o.addProperty("max_khz", k.maxKiloHz());
        return o;
    }

    private static JsonObject distances(Topology t) {
        var o = new JsonObject();
        o.add("nodes", array(t.nodes(), n -> new JsonPrimitive(n.osIndex())));
        var matrix = new JsonArray();
        for (int i = 0; i < t.nodes().size(); i++) {
            var row = new JsonArray();
            for (int j = 0; j < t.nodes().size(); j++) row.add(t.nodeDistance(i, j));
            matrix.add(row);
        }
        o.add("matrix", matrix);
        return o;
    }

    private static JsonObject group(CpuGroup g) {
        var o = new JsonObject();
        o.addProperty("kind", g.kind().label());
        if (g.osIndex() >= 0) o.addProperty("os_index", g.osIndex());
        return withCpus(o, g.cpus());
    }

    /** What all processor types agree on; a key on which they differ is left out. */
    private static JsonObject cpu(List<Processor> types) {
        var o = new JsonObject();
        common(types, Processor::vendor).filter(v -> !v.isEmpty()).ifPresent(v -> o.addProperty("vendor", v));
        common(types, Processor::family).filter(v -> v >= 0).ifPresent(v -> o.addProperty("family", v));
        common(types, Processor::model).filter(v -> v >= 0).ifPresent(v -> o.addProperty("model", v));
        common(types, Processor::stepping).filter(v -> v >= 0).ifPresent(v -> o.addProperty("stepping", v));
        common(types, Processor::name).filter(v -> !v.isEmpty()).ifPresent(v -> o.addProperty("name", v));
        common(types, Processor::hypervisor).filter(v -> !v.isEmpty()).ifPresent(v -> o.addProperty("hypervisor", v));
        common(types, Processor::invariantTsc).ifPresent(v -> o.addProperty("invariant_tsc", v));
        common(types, Processor::prefetchBytes).filter(v -> v > 0).ifPresent(v -> o.addProperty("prefetch_bytes", v));
        return o;
    }

    private static <T> java.util.Optional<T> common(List<Processor> types, Function<Processor, T> key) {
        var values = types.stream().map(key).collect(Collectors.toSet());
        return values.size() == 1 ? java.util.Optional.of(values.iterator().next()) : java.util.Optional.empty();
    }

    private static JsonObject features(Processor p) {
        var o = withCpus(new JsonObject(), p.cpus());
        o.add("names", array(p.features(), JsonPrimitive::new));
        o.add("prefetch", array(p.prefetch(), JsonPrimitive::new));
        o.add("non_temporal", array(p.nonTemporal(), JsonPrimitive::new));
        return o;
    }

    private static JsonObject level(Universe.Level l) {
        var o = new JsonObject();
        o.addProperty("index", l.index());
        o.add("names", array(l.names(), JsonPrimitive::new));
        o.add("groups", array(l.groups(), TopologyJson::numbers));
        o.add("classes", array(l.classes(), c -> {
            var g = new JsonObject();
            g.addProperty("count", c.count());
            g.addProperty("harts", c.hartCount());
            g.add("masks", array(c.groups(), m -> new JsonPrimitive(m.toString())));
            g.add("hardware", array(c.hardware(), JsonPrimitive::new));
            return g;
        }));
        return o;
    }

    private static JsonObject limits(Topology t) {
        Limits l = t.limits();
        var o = new JsonObject();
        if (l.affinity() != null) o.add("affinity", numbers(l.affinity()));
        if (l.cpusetCpus() != null) o.add("cpuset_cpus", numbers(l.cpusetCpus()));
        o.add("nodes", numbers(t.usableNodes()));
        if (!Double.isInfinite(l.quotaCpus())) o.addProperty("quota_cpus", l.quotaCpus());
        if (l.memoryBytes() != Long.MAX_VALUE) o.addProperty("memory_bytes", l.memoryBytes());
        o.add("cgroups", array(l.groups(), g -> {
            var c = new JsonObject();
            c.addProperty("version", g.version());
            c.addProperty("path", g.path());
            if (!Double.isInfinite(g.quotaCpus())) c.addProperty("quota_cpus", g.quotaCpus());
            if (g.weight() > 0) c.addProperty("weight", g.weight());
            if (g.memoryBytes() != Long.MAX_VALUE) c.addProperty("memory_bytes", g.memoryBytes());
            return c;
        }));
        return o;
    }

    private static JsonObject memoryDevice(org.libtorque.hardware.MemoryDevice d) {
        var o = new JsonObject();
        o.addProperty("locator", d.locator());
        o.addProperty("bank", d.bank());
        if (d.sizeBytes() >= 0) o.addProperty("size_bytes", d.sizeBytes());
        o.addProperty("kind", d.kind());
        if (d.speedMegaTransfers() > 0) o.addProperty("speed_mts", d.speedMegaTransfers());
        if (d.configuredMegaTransfers() > 0) o.addProperty("configured_mts", d.configuredMegaTransfers());
        o.addProperty("manufacturer", d.manufacturer());
        o.addProperty("part_number", d.partNumber());
        if (d.node() >= 0) o.addProperty("node", d.node());
        return o;
    }

    private static JsonObject gpu(org.libtorque.hardware.Gpu g) {
        var o = new JsonObject();
        o.addProperty("name", g.name());
        if (g.computeMajor() > 0) o.addProperty("compute_capability", g.computeMajor() + "." + g.computeMinor());
        if (g.multiprocessors() > 0) o.addProperty("multiprocessors", g.multiprocessors());
        if (g.cores() > 0) o.addProperty("cores", g.cores());
        if (g.memoryBytes() > 0) o.addProperty("memory_bytes", g.memoryBytes());
        if (g.node() >= 0) o.addProperty("node", g.node());
        if (!g.pciAddress().isEmpty()) o.addProperty("pci_address", g.pciAddress());
        return o;
    }
}
