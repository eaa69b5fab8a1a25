package org.libtorque.hardware;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
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
        Facts facts = SysfsReader.read(files, CpuSet.of());
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
        Facts cpuid = live ? cpuid(files) : null;
        Facts facts = SysfsReader.read(files, cpuid == null ? CpuSet.of() : cpuid.online);
        facts.memoryDevices = SmbiosReader.read(files, facts.nodes);
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

    private Facts cpuid(FileTree files) {
        if (cpuidFailure != null) return null;
        Facts presence = SysfsReader.readPresence(new FileTree(root));
        CpuSet wanted = presence.allowed == null ? presence.online : presence.online.and(presence.allowed);
        try {
            var missing = new BitSet();
            wanted.forEach(cpu -> {
                if (!known.containsKey(cpu)) missing.set(cpu);
            });
            if (!missing.isEmpty()) known.putAll(CpuidCapture.capture(Facts.setOf(missing)));
        } catch (UnsupportedOperationException | SyscallException e) {
            cpuidFailure = e.getMessage();
            return null;
        }
        var present = new TreeMap<>(known);
        present.keySet().removeIf(cpu -> !wanted.contains(cpu));
        if (!present.isEmpty()) return CpuidReader.read(present);
        cpuidFailure = "no CPU could be pinned to";
        return null;
    }

    // ---- files and CPUID together ----

    private static void merge(Facts facts, Facts cpuid) {
        CpuSet covered = cpuid.online;
        facts.remarks.addAll(cpuid.remarks);
        facts.processors.removeIf(p -> p.cpus().isSubsetOf(covered));
        facts.processors.addAll(cpuid.processors);
        compare(facts, "packages", facts.packages, cpuid.packages, CpuPackage::cpus, covered);
        compare(facts, "cores", facts.cores, cpuid.cores, Core::cpus, covered);
        mergeCaches(facts, cpuid);
        mergeKinds(facts, cpuid);
        facts.tlbs.addAll(cpuid.tlbs);
        var told = facts.groups.stream().map(CpuGroup::kind).distinct().toList();
        cpuid.groups.stream().filter(g -> !told.contains(g.kind())).forEach(facts.groups::add);
        CpuSet rest = facts.online.minus(covered);
        if (!rest.isEmpty()) {
            facts.remark(Remark.Kind.UNKNOWN, "CPUID was not executed on CPUs " + rest
                    + (facts.input == Topology.Input.LIVE ? ", which this process may not use" : "")
                    + ": their translation buffers are not known");
        }
    }

    /** Compares two partitions of the CPUs that CPUID was executed on. */
    private static <T> void compare(Facts facts, String what, List<T> files, List<T> cpuid, Function<T, CpuSet> cpus,
            CpuSet covered) {
        if (files.isEmpty()) return;
        var ours = new ArrayList<CpuSet>();
        for (T t : files) {
            CpuSet set = cpus.apply(t).and(covered);
            if (!set.isEmpty()) ours.add(set);
        }
        var theirs = new ArrayList<>(cpuid.stream().map(cpus).toList());
        if (ours.size() == theirs.size() && ours.containsAll(theirs)) return;
        var only = theirs.stream().filter(s -> !ours.contains(s)).toList();
        ours.removeIf(theirs::contains);
        facts.remark(Remark.Kind.DISAGREEMENT, what + ": /sys tells " + some(ours) + " where CPUID tells " + some(only)
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
            Cache theirs = cpuid.caches.stream().filter(c -> c.level() == ours.level() && c.type() == ours.type()
                    && !c.cpus().and(ours.cpus()).isEmpty()).findFirst().orElse(null);
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
        compare(facts, "kinds of cores", facts.kinds, cpuid.kinds, CpuKind::cpus, cpuid.online);
        for (int i = 0; i < facts.kinds.size(); i++) {
            CpuKind ours = facts.kinds.get(i);
            String name = cpuid.kinds.stream().filter(k -> ours.cpus().and(cpuid.online).equals(k.cpus())).map(CpuKind::coreType)
                    .findFirst().orElse("");
            facts.kinds.set(i, new CpuKind(ours.rank(), ours.cpus(), name, ours.capacity(), ours.baseKiloHz(), ours.maxKiloHz()));
        }
    }
}
