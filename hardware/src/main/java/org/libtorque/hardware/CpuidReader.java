package org.libtorque.hardware;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;

/** Makes a machine of what CPUID says on each of its CPUs. */
final class CpuidReader {
    private CpuidReader() {}

    static Facts read(SortedMap<Integer, CpuidRecord> records) {
        var tables = new CpuTables();
        var cpus = new ArrayList<CpuFacts>();
        var online = new BitSet();
        for (var entry : records.entrySet()) {
            cpus.add(new CpuFacts(entry.getKey(), entry.getValue(), tables));
            online.set(entry.getKey());
        }
        var facts = new Facts();
        facts.input = Topology.Input.CPUID;
        facts.architecture = "x86_64";
        facts.pageBytes = 4096;
        facts.online = Facts.setOf(online);
        structure(cpus, facts);
        caches(cpus, facts);
        kinds(cpus, facts);
        processors(cpus, facts);
        complaints(cpus, facts);
        return facts;
    }

    private static void structure(List<CpuFacts> cpus, Facts facts) {
        var packages = new Facts.Partition<Long>();
        var cores = new Facts.Partition<List<Long>>();
        var groups = new LinkedHashMap<CpuGroup.Kind, Facts.Partition<Long>>();
        for (CpuFacts cpu : cpus) {
            packages.add(cpu.packageId, cpu.cpu);
            // CPUs of hybrid processors have shifts of their own, so that equal numbers in one place need not be one core.
            cores.add(List.of(cpu.packageId, (long) cpu.coreShift, cpu.coreId), cpu.cpu);
            for (var group : cpu.groups) {
                var partition = groups.get(group.kind());
                if (partition == null) groups.put(group.kind(), partition = new Facts.Partition<>());
                partition.add(group.id(), cpu.cpu);
            }
        }
        for (var p : packages.groups()) facts.packages.add(new CpuPackage((int) (long) p.getKey(), p.getValue(), List.of()));
        for (var c : cores.groups()) {
            CpuFacts first = find(cpus, c.getValue().nextSetBit(0));
            int inPackage = (int) (c.getKey().get(2) & (1L << first.packageShift - first.coreShift) - 1);
            facts.cores.add(new Core(inPackage, c.getValue()));
        }
        for (var entry : groups.entrySet()) {
            for (var g : entry.getValue().groups()) {
                facts.groups.add(new CpuGroup(entry.getKey(), (int) (long) g.getKey(), g.getValue()));
            }
        }
    }

    private static CpuFacts find(List<CpuFacts> cpus, int number) {
        int low = 0, high = cpus.size() - 1;
        while (low < high) {
            int mid = low + high >>> 1;
            if (cpus.get(mid).cpu < number) low = mid + 1;
            else high = mid;
        }
        return cpus.get(low);
    }

    /** Caches of one level and type are one if their ids are equal, and if they look alike: on hybrid processors ids can meet. */
    private static void caches(List<CpuFacts> cpus, Facts facts) {
        var caches = new Facts.Partition<CpuFacts.CacheFact>();
        var tlbs = new Facts.Partition<List<Object>>();
        for (CpuFacts cpu : cpus) {
            for (var cache : cpu.caches) caches.add(cache, cpu.cpu);
            var repeats = new HashMap<CpuFacts.TlbFact, Integer>();
            for (var tlb : cpu.tlbs) { // a processor can have two that look alike
                int repeat = repeats.getOrDefault(tlb, 0);
                repeats.put(tlb, repeat + 1);
                tlbs.add(List.of(tlb, repeat), cpu.cpu);
            }
        }
        for (var entry : caches.groups()) {
            var c = entry.getKey();
            facts.caches.add(new Cache(c.level(), c.type(), c.sizeBytes(), c.lineBytes(), c.ways(), c.sets(), c.inclusion(),
                    entry.getValue()));
        }
        for (var entry : tlbs.groups()) {
            var t = (CpuFacts.TlbFact) entry.getKey().getFirst();
            facts.tlbs.add(new Tlb(t.level(), t.type(), t.pageBytes(), t.entries(), t.ways(), entry.getValue()));
        }
    }

    /** Kinds of cores, where there are several; a CPU that tells none is of the least powerful kind that is told. */
    private static void kinds(List<CpuFacts> cpus, Facts facts) {
        var kinds = new Facts.Partition<String>();
        var ranks = new HashMap<String, Integer>();
        for (CpuFacts cpu : cpus) {
            kinds.add(cpu.coreTypeName, cpu.cpu);
            ranks.put(cpu.coreTypeName, cpu.coreRank);
        }
        var ordered = new ArrayList<>(kinds.groups());
        if (ordered.size() < 2) return;
        ordered.sort(Comparator.comparing(k -> ranks.get(k.getKey())));
        for (var kind : ordered) {
            facts.kinds.add(new CpuKind(facts.kinds.size(), kind.getValue(), kind.getKey(), 0, 0, 0));
        }
    }

    private static void processors(List<CpuFacts> cpus, Facts facts) {
        var types = new Facts.Partition<List<Object>>();
        var first = new HashMap<List<Object>, CpuFacts>();
        for (CpuFacts c : cpus) {
            List<Object> key = List.of(c.vendor, c.family, c.model, c.stepping, c.name, c.features, c.hypervisor, c.coreTypeName);
            types.add(key, c.cpu);
            first.putIfAbsent(key, c);
        }
        for (var type : types.groups()) {
            CpuFacts c = first.get(type.getKey());
            facts.processors.add(new Processor(c.vendor, c.family, c.model, c.stepping, c.type, c.name, c.features, c.hypervisor,
                    c.invariantTsc, c.prefetchBytes, c.coreTypeName, type.getValue()));
        }
    }

    private static void complaints(List<CpuFacts> cpus, Facts facts) {
        var texts = new LinkedHashMap<String, BitSet>();
        var ids = new HashMap<Integer, Integer>();
        for (CpuFacts cpu : cpus) {
            for (String text : cpu.complaints) note(texts, text, cpu.cpu);
            if (ids.putIfAbsent(cpu.apicId, cpu.cpu) != null) {
                note(texts, "the same APIC id as another CPU's, so they look like one hart", cpu.cpu);
            }
        }
        for (var entry : texts.entrySet()) {
            facts.remark(Remark.Kind.FALLBACK, "CPUID on CPUs " + Facts.setOf(entry.getValue()) + ": " + entry.getKey());
        }
    }

    private static void note(Map<String, BitSet> texts, String text, int cpu) {
        BitSet where = texts.get(text);
        if (where == null) texts.put(text, where = new BitSet());
        where.set(cpu);
    }
}
