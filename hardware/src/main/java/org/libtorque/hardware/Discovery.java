package org.libtorque.hardware;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.EnumSet;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.libtorque.sys.Abi;
import org.libtorque.sys.SyscallException;

/**
 * Puts the sources together: files, CPUID, firmware tables, drivers. The kernel is believed where CPUID says otherwise,
 * since it is the kernel's view that scheduling follows; the disagreement is noted. One object remembers what cannot
 * change, for a {@link TopologyWatcher}. One thread at a time.
 */
final class Discovery {
    private final Path root;
    private final boolean gpus;
    /** CPUID answers of CPUs that were there before; null before the first time and where CPUID cannot be executed. */
    private final SortedMap<Integer, CpuidRecord> known = new TreeMap<>();
    private List<Gpu> knownGpus;
    private String cpuidFailure;

    Discovery(Path root, boolean gpus) {
        this.root = root;
        this.gpus = gpus;
    }

    /** A tree and the CPUID answers of the same machine. */
    static Topology tree(Path root, Path cpuidFolder) {
        var files = new FileTree(root);
        var reader = SysfsReader.begin(files);
        Facts facts = reader.finish();
        reader.processors(CpuSet.of());
        facts.memoryDevices = SmbiosReader.read(files, facts.nodes);
        facts.remarks.addAll(files.remarks());
        var records = CpuidDump.read(cpuidFolder);
        if (records.keySet().removeIf(cpu -> !facts.online.contains(cpu))) {
            facts.remark(Remark.Kind.FALLBACK, cpuidFolder + ": CPUs that " + root + " does not tell as online were left out");
        }
        if (!records.isEmpty()) merge(facts, CpuidReader.read(records));
        return new Topology(facts);
    }

    Topology read() {
        var files = new FileTree(root);
        boolean live = files.isLive();
        var reader = SysfsReader.begin(files);
        CpuSet usable = reader.usable();
        CpuidCapture capture = live ? startCpuid(usable) : null; // runs while the files are read
        Facts facts = reader.finish();
        facts.memoryDevices = SmbiosReader.read(files, facts.nodes);
        Facts cpuid = live ? cpuid(capture, usable) : null;
        reader.processors(cpuid == null ? CpuSet.of() : cpuid.online);
        facts.remarks.addAll(files.remarks());
        if (live) {
            facts.input = Topology.Input.LIVE;
            if (cpuid != null) merge(facts, cpuid);
            else {
                facts.remark(Remark.Kind.UNKNOWN, "CPUID cannot be executed here (" + cpuidFailure
                        + "): translation buffers, core types and which caches are inclusive are not known");
            }
            if (gpus) {
                if (knownGpus == null) knownGpus = GpuReader.read(files);
                facts.gpus.addAll(knownGpus);
            }
        }
        return new Topology(facts);
    }

    /** Asks those of the CPUs that were not asked before, or begins to; null if all have answered, or it cannot be. */
    private CpuidCapture startCpuid(CpuSet usable) {
        if (cpuidFailure != null) return null;
        CpuSet missing = unknown(usable);
        if (Abi.X86_64 && !missing.isEmpty()) {
            CpuidDevice.capture(missing, known);
            missing = unknown(usable);
        }
        try {
            return missing.isEmpty() ? null : CpuidCapture.start(missing);
        } catch (UnsupportedOperationException e) {
            cpuidFailure = e.getMessage();
            return null;
        }
    }

    private CpuSet unknown(CpuSet usable) {
        var missing = new BitSet();
        for (int cpu = usable.nextSetBit(0); cpu >= 0; cpu = usable.nextSetBit(cpu + 1)) {
            if (!known.containsKey(cpu)) missing.set(cpu);
        }
        return Facts.setOf(missing);
    }

    /** Waits for the answers, and returns what they and older ones tell of the usable CPUs; null if nothing. */
    private Facts cpuid(CpuidCapture capture, CpuSet usable) {
        if (cpuidFailure != null) return null;
        try {
            if (capture != null) known.putAll(capture.await());
        } catch (SyscallException e) {
            cpuidFailure = e.getMessage();
            return null;
        }
        var present = new TreeMap<Integer, CpuidRecord>();
        for (var entry : known.entrySet()) {
            if (usable.contains(entry.getKey())) present.put(entry.getKey(), entry.getValue());
        }
        if (!present.isEmpty()) return CpuidReader.read(present);
        cpuidFailure = "no CPU could be pinned to";
        return null;
    }

    // ---- files and CPUID together ----

    private static void merge(Facts facts, Facts cpuid) {
        CpuSet covered = cpuid.online;
        facts.remarks.addAll(cpuid.remarks);
        var processors = new ArrayList<Processor>();
        for (Processor p : facts.processors) {
            if (!p.cpus().isSubsetOf(covered)) processors.add(p);
        }
        processors.addAll(cpuid.processors);
        facts.processors = processors;
        compare(facts, "packages", Topology.packageCpus(facts.packages), Topology.packageCpus(cpuid.packages), covered);
        compare(facts, "cores", Topology.coreCpus(facts.cores), Topology.coreCpus(cpuid.cores), covered);
        mergeCaches(facts, cpuid);
        mergeKinds(facts, cpuid);
        facts.tlbs.addAll(cpuid.tlbs);
        var told = EnumSet.noneOf(CpuGroup.Kind.class);
        for (CpuGroup g : facts.groups) told.add(g.kind());
        for (CpuGroup g : cpuid.groups) {
            if (!told.contains(g.kind())) facts.groups.add(g);
        }
        CpuSet rest = facts.online.minus(covered);
        if (!rest.isEmpty()) {
            facts.remark(Remark.Kind.UNKNOWN, "CPUID was not executed on CPUs " + rest
                    + (facts.input == Topology.Input.LIVE ? ", which this process may not use" : "")
                    + ": their translation buffers are not known");
        }
    }

    /** Compares two partitions of the CPUs that CPUID was executed on. */
    private static void compare(Facts facts, String what, List<CpuSet> files, List<CpuSet> cpuid, CpuSet covered) {
        if (files.isEmpty()) return;
        var ours = new ArrayList<CpuSet>();
        for (CpuSet set : files) {
            CpuSet inside = set.and(covered);
            if (!inside.isEmpty()) ours.add(inside);
        }
        if (ours.size() == cpuid.size() && ours.containsAll(cpuid)) return;
        var theirs = new ArrayList<>(cpuid);
        theirs.removeAll(ours);
        ours.removeAll(cpuid);
        facts.remark(Remark.Kind.DISAGREEMENT, what + ": /sys tells " + some(ours) + " where CPUID tells " + some(theirs)
                + "; /sys was believed");
    }

    private static String some(List<CpuSet> sets) {
        var text = new StringBuilder("{");
        for (int i = 0; i < sets.size() && i < 4; i++) text.append(i == 0 ? "" : "} {").append(sets.get(i));
        return text.append(sets.size() > 4 ? "} …" : "}").toString();
    }

    private static void mergeCaches(Facts facts, Facts cpuid) {
        CpuSet covered = cpuid.online;
        if (facts.caches.isEmpty() && !cpuid.caches.isEmpty()) {
            facts.remark(Remark.Kind.FALLBACK, "/sys tells no caches; those of CPUID were taken");
            facts.caches.addAll(cpuid.caches);
            return;
        }
        var differing = new java.util.TreeSet<String>();
        for (int i = 0; i < facts.caches.size(); i++) {
            Cache ours = facts.caches.get(i);
            Cache theirs = null;
            for (Cache c : cpuid.caches) {
                if (c.level() != ours.level() || c.type() != ours.type() || c.cpus().and(ours.cpus()).isEmpty()) continue;
                theirs = c;
                break;
            }
            if (theirs == null) {
                if (!ours.cpus().and(covered).isEmpty()) differing.add(ours.name() + ": told by /sys alone");
                continue;
            }
            if (ours.sizeBytes() != theirs.sizeBytes() || ours.lineBytes() != theirs.lineBytes() || ours.ways() != theirs.ways()) {
                differing.add(ours.name() + ": " + shape(ours) + " by /sys, " + shape(theirs) + " by CPUID");
            }
            if (!ours.cpus().and(covered).equals(theirs.cpus())) {
                differing.add(ours.name() + ": shared by CPUs " + ours.cpus().and(covered) + " by /sys, " + theirs.cpus() + " by CPUID");
            }
            boolean same = ours.sizeBytes() == theirs.sizeBytes();
            facts.caches.set(i, new Cache(ours.level(), ours.type(), ours.sizeBytes() > 0 ? ours.sizeBytes() : theirs.sizeBytes(),
                    ours.lineBytes() > 0 ? ours.lineBytes() : theirs.lineBytes(), ours.ways() != 0 ? ours.ways() : theirs.ways(),
                    ours.sets() > 0 || !same ? ours.sets() : theirs.sets(), theirs.inclusion(), ours.cpus()));
        }
        int told = 0;
        for (String text : differing) {
            if (++told > 8) break;
            facts.remark(Remark.Kind.DISAGREEMENT, "cache " + text + "; /sys was believed");
        }
    }

    private static String shape(Cache c) {
        return Sizes.format(c.sizeBytes()) + "B/" + c.lineBytes() + "/" + c.ways();
    }

    /** CPUID names the kinds that frequencies only tell apart. */
    private static void mergeKinds(Facts facts, Facts cpuid) {
        if (cpuid.kinds.isEmpty()) return;
        if (facts.kinds.isEmpty()) {
            if (cpuid.online.equals(facts.online)) facts.kinds.addAll(cpuid.kinds);
            return;
        }
        // Frequencies can tell more kinds than CPUID does (cores of one make, some of them for low power), each within one of its.
        boolean within = true;
        for (CpuKind ours : facts.kinds) {
            CpuSet set = ours.cpus().and(cpuid.online);
            boolean found = set.isEmpty();
            for (CpuKind theirs : cpuid.kinds) found |= set.isSubsetOf(theirs.cpus());
            within &= found;
        }
        if (!within) compare(facts, "kinds of cores", kindCpus(facts.kinds), kindCpus(cpuid.kinds), cpuid.online);
        for (int i = 0; i < facts.kinds.size(); i++) {
            CpuKind ours = facts.kinds.get(i);
            CpuSet set = ours.cpus().and(cpuid.online);
            String name = "";
            for (CpuKind k : cpuid.kinds) {
                if (!set.isEmpty() && set.isSubsetOf(k.cpus())) name = k.coreType();
            }
            facts.kinds.set(i, new CpuKind(ours.rank(), ours.cpus(), name, ours.capacity(), ours.baseKiloHz(), ours.maxKiloHz()));
        }
    }

    private static List<CpuSet> kindCpus(List<CpuKind> kinds) {
        var sets = new ArrayList<CpuSet>(kinds.size());
        for (CpuKind k : kinds) sets.add(k.cpus());
        return sets;
    }
}
