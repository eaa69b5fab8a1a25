package org.libtorque.hardware;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Machines made up after the makers' manuals, of kinds that no captured one is. */
class OtherMachinesTest {
    private static final String CPU = "sys/devices/system/cpu/";
    private static final String NODE = "sys/devices/system/node/";

    @TempDir(factory = SysfsTree.InMemory.class) Path root;

    // ---- CPUID

    private static String line(int leaf, int sub, int... out) {
        return String.format("5 %x 0 %x 0 => %x %x %x %x%n", leaf, sub, out[0], out[1], out[2], out[3]);
    }

    private static String vendor(int highest, String name) {
        byte[] b = name.getBytes(StandardCharsets.US_ASCII);
        int[] words = new int[3];
        for (int i = 0; i < 12; i++) words[i / 4] |= b[i] << 8 * (i % 4);
        return line(0, 0, highest, words[0], words[2], words[1]);
    }

    private static int cacheEax(int type, int level, int sharing) { return type | level << 5 | sharing - 1 << 14; }

    private void dump(int cpu, String text) throws IOException { Files.writeString(root.resolve("pu" + cpu), text); }

    /** Leaf 80000026h with performance and efficiency cores in complexes of their own, as AMD's APM volume 3 has it. */
    private String zen(int apic, boolean efficient, int heterogeneousLevel, boolean socketLevel) {
        var text = new StringBuilder(vendor(0x10, "AuthenticAMD"));
        text.append(line(1, 0, 0x00B20F40, apic << 24 | 24 << 16, 0, 1 << 28)); // family 1Ah; HTT
        text.append(line(0xB, 0, 1, 2, 0x100, apic)).append(line(0xB, 1, 5, 24, 0x201, apic));
        text.append(line(0x80000000, 0, 0x80000026, 0, 0, 0)).append(line(0x80000001, 0, 0, 0, 1 << 22, 0)); // topology extensions
        text.append(line(0x80000008, 0, 0, 0, 5 << 12 | 23, 0));
        for (int[] c : new int[][] {{1, 1, 2, 48}, {2, 1, 2, 32}, {3, 2, 2, 1024}}) {
            int ways = 8;
            text.append(line(0x8000001D, c[0] - 1, cacheEax(c[0], c[1], c[2]), ways - 1 << 22 | 63, c[3] * 1024 / ways / 64 - 1, 0));
        }
        text.append(line(0x8000001D, 3, cacheEax(3, 3, 16), 15 << 22 | 63, (efficient ? 8 : 16) * (1 << 20) / 16 / 64 - 1, 0));
        int[][] levels = {{1, 1}, {2, 4}, {3, 5}, {4, 6}};
        for (int sub = 0; sub < (socketLevel ? 4 : 3); sub++) {
            int eax = levels[sub][1] | (sub == heterogeneousLevel ? 1 << 30 : 0);
            text.append(line(0x80000026, sub, eax, 2 | (efficient ? 1 << 28 : 0), levels[sub][0] << 8 | sub, apic));
        }
        return text.toString();
    }

    @Test void amdsPerformanceAndEfficiencyCoresAreToldApartAtWhicheverLevelTheyDiffer() throws Exception {
        for (int level : new int[] {0, 1, 3}) {
            for (int cpu = 0; cpu < 24; cpu++) { // four performance cores, then eight efficient ones in the next complex
                dump(cpu, zen(cpu < 8 ? cpu : 8 + cpu, cpu >= 8, level, true));
            }
            Topology t = Topology.ofCpuidDump(root);
            assertEquals(1, t.packages().size());
            assertEquals(12, t.cores().size());
            assertEquals(List.of("AMDEfficiency", "AMDPerformance"), t.kinds().stream().map(CpuKind::coreType).toList(), "level " + level);
            assertEquals(List.of(CpuSet.parseList("8-23"), CpuSet.parseList("0-7")), t.kinds().stream().map(CpuKind::cpus).toList());
            assertEquals(List.of(16L << 20, 8L << 20), t.caches().stream().filter(c -> c.level() == 3).map(Cache::sizeBytes).toList());
            assertEquals(26, t.processors().getFirst().family());
        }
    }

    @Test void aPackageOfSeveralDiesIsOneAlsoIfItsLevelIsNotTold() throws Exception {
        // Two dies of 32 APIC ids in one package of 64: leaf 80000026h ends at the die, 80000008h tells 6 bits.
        for (int cpu = 0; cpu < 4; cpu++) {
            int apic = cpu % 2 | cpu / 2 << 5;
            dump(cpu, zen(apic, false, -1, false).replace(line(0x80000008, 0, 0, 0, 5 << 12 | 23, 0), line(0x80000008, 0, 0, 0, 6 << 12 | 3, 0)));
        }
        Topology t = Topology.ofCpuidDump(root);
        assertEquals(1, t.packages().size());
        assertEquals(List.of(CpuSet.of(0, 1), CpuSet.of(2, 3)), t.groups(CpuGroup.Kind.DIE).stream().map(CpuGroup::cpus).toList());
    }

    private static final int CORE = 0x40, ATOM = 0x20;

    /** Leaves 4, 1Ah, 1Fh as on hybrid processors with low-power cores: SDM volume 2A. */
    private static String hybrid(int apic, int type, boolean hasL3) {
        var text = new StringBuilder(vendor(0x1F, "GenuineIntel"));
        text.append(line(1, 0, 0x000A06A4, apic << 24 | 128 << 16, 0, 1 << 28));
        text.append(line(4, 0, cacheEax(1, 1, type == CORE ? 2 : 1), 11 << 22 | 63, 63, 0));
        text.append(line(4, 1, cacheEax(2, 1, type == CORE ? 2 : 1), 15 << 22 | 63, 63, 0));
        text.append(line(4, 2, cacheEax(3, 2, 8), 15 << 22 | 63, 2047, 0));
        if (hasL3) text.append(line(4, 3, cacheEax(3, 3, 128), 11 << 22 | 63, 32767, 4));
        text.append(line(7, 0, 0, 0, 0, 1 << 15));
        text.append(line(0x1A, 0, type << 24 | (hasL3 ? 1 : 2), 0, 0, 0));
        text.append(line(0x1F, 0, type == CORE ? 1 : 0, 1, 0x100, apic)).append(line(0x1F, 1, 7, 8, 0x201, apic));
        return text.toString();
    }

    @Test void lowPowerCoresWithoutAThirdLevelCacheAreAtomsThatDoNotShareIt() throws Exception {
        int[] apics = {0, 1, 8, 9, 16, 18, 20, 22, 64, 66};
        for (int cpu = 0; cpu < apics.length; cpu++) dump(cpu, hybrid(apics[cpu], cpu < 4 ? CORE : ATOM, cpu < 8));
        Topology t = Topology.ofCpuidDump(root);
        assertEquals(8, t.cores().size());
        assertEquals(List.of(CpuSet.parseList("0-7")), t.caches().stream().filter(c -> c.level() == 3).map(Cache::cpus).toList());
        assertEquals(List.of(CpuSet.of(0, 1), CpuSet.of(2, 3), CpuSet.parseList("4-7"), CpuSet.of(8, 9)),
                t.caches().stream().filter(c -> c.level() == 2).map(Cache::cpus).toList());
        assertEquals(List.of("IntelAtom", "IntelCore"), t.kinds().stream().map(CpuKind::coreType).toList());
        assertEquals(t.universe().depth() - 1, t.universe().distance(0, 9), "they meet in the package alone");
    }

    @Test void kindsOfFrequencyWithinAKindOfCoreAreNoDisagreementAndHaveItsName(@TempDir(factory = SysfsTree.InMemory.class) Path tree) throws Exception {
        int[] apics = {0, 8, 16, 18, 64, 66};
        for (int cpu = 0; cpu < apics.length; cpu++) dump(cpu, hybrid(apics[cpu], cpu < 2 ? CORE : ATOM, cpu < 4).replace(line(7, 0, 0, 0, 0, 1 << 15), ""));
        SysfsTree.write(tree, Topology.ofCpuidDump(root));
        String[] frequencies = {"5100000", "5100000", "3800000", "3800000", "2500000", "2500000"};
        for (int cpu = 0; cpu < apics.length; cpu++) SysfsTree.put(tree, CPU + "cpu" + cpu + "/cpufreq/cpuinfo_max_freq", frequencies[cpu]);
        Topology t = Topology.ofSysfsAndCpuid(tree, root);
        assertEquals(List.of("IntelAtom", "IntelAtom", "IntelCore"), t.kinds().stream().map(CpuKind::coreType).toList());
        assertFalse(t.remarks().stream().anyMatch(r -> r.text().contains("kinds")), () -> "" + t.remarks());
    }

    @Test void aVirtualMachineThatTellsNextToNothingHasOneCoreForEachCpu() throws Exception {
        for (int cpu = 0; cpu < 2; cpu++) {
            dump(cpu, vendor(1, "GenuineIntel") + line(1, 0, 0x663, cpu << 24, 1 << 31, 0) + line(0x40000000, 0, 0x40000000, 0x4B4D564B, 0x564B4D56, 0x4D));
        }
        Topology t = Topology.ofCpuidDump(root);
        assertEquals(2, t.cores().size());
        assertEquals(2, t.packages().size(), "without leaf 4 and the HTT bit a package is one APIC id");
        assertEquals("KVMKVMKVM", t.processors().getFirst().hypervisor());
        assertEquals(List.of(), t.caches());
    }

    @Test void cpuidThatAnswersZerosIsAMachineOfWhichNothingIsKnown() throws Exception {
        dump(0, line(0, 0, 0, 0, 0, 0));
        Topology t = Topology.ofCpuidDump(root);
        assertEquals(1, t.hartCount());
        assertEquals("", t.processors().getFirst().vendor());
        assertEquals(1, t.universe().depth());
    }

    @Test void hygonsThreadsAndComplexesAreReadAsAmds() throws Exception {
        for (int cpu = 0; cpu < 16; cpu++) { // 8 cores of two threads, an L3 for every four
            dump(cpu, vendor(0xD, "HygonGenuine") + line(1, 0, 0x00900F01, cpu << 24 | 16 << 16, 0, 1 << 28) + line(0x80000000, 0, 0x8000001F, 0, 0, 0)
                    + line(0x80000001, 0, 0, 0, 1 << 22, 0) + line(0x80000008, 0, 0, 0, 4 << 12 | 15, 0)
                    + line(0x8000001D, 0, cacheEax(1, 1, 2), 7 << 22 | 63, 63, 0) + line(0x8000001D, 1, cacheEax(3, 3, 8), 15 << 22 | 63, 8191, 0)
                    + line(0x8000001E, 0, cpu, 1 << 8 | cpu / 2, 0, 0));
        }
        Topology t = Topology.ofCpuidDump(root);
        assertEquals(8, t.cores().size());
        assertEquals(1, t.packages().size());
        assertEquals(0x18, t.processors().getFirst().family());
        assertEquals(List.of(CpuSet.parseList("0-7"), CpuSet.parseList("8-15")), t.caches().stream().filter(c -> c.level() == 3).map(Cache::cpus).toList());
    }

    @Test void zhaoxinsPaddedNameIsKnownAndItsLeaf4IsIntels() throws Exception {
        for (int cpu = 0; cpu < 4; cpu++) {
            dump(cpu, vendor(0xD, "  Shanghai  ") + line(1, 0, 0x000307B0, cpu << 24 | 4 << 16, 0, 1 << 28)
                    + line(4, 0, 3 << 26 | cacheEax(1, 1, 1), 7 << 22 | 63, 63, 0) + line(4, 1, 3 << 26 | cacheEax(3, 2, 4), 15 << 22 | 63, 4095, 0)
                    + line(0x80000000, 0, 0x80000008, 0, 0, 0) + line(0x80000005, 0, 0, 0x08600860, 0x20080140, 0x20080140));
        }
        Topology t = Topology.ofCpuidDump(root);
        assertEquals("Shanghai", t.processors().getFirst().vendor());
        assertEquals(7, t.processors().getFirst().family());
        assertEquals(0x3B, t.processors().getFirst().model());
        assertEquals(1, t.packages().size());
        assertEquals(4, t.cores().size());
        assertEquals(List.of(4L << 20), t.caches().stream().filter(c -> c.level() == 2).map(Cache::sizeBytes).toList());
    }

    // ---- sysfs

    @Test void memoryOnlyNodesOfAnExpanderAreNearTheSocketThatInitiatesThem() throws Exception {
        SysfsTree.write(root, Topology.of("node:4 package:1 core:2 distances:10,21,21,21;21,10,21,21;21,21,10,21;21,21,21,10 memory:64G"));
        for (int node = 4; node < 8; node++) {
            SysfsTree.put(root, NODE + "node" + node + "/cpumap", "0");
            SysfsTree.put(root, NODE + "node" + node + "/meminfo", "Node " + node + " MemTotal:       134217728 kB");
            if (node < 6) Files.createDirectories(root.resolve(NODE + "node" + node + "/access1/initiators/node" + (node - 4)));
        }
        for (int from = 0; from < 8; from++) {
            var row = new StringBuilder();
            for (int to = 0; to < 8; to++) row.append(from == to ? "10 " : from % 4 == to % 4 ? "14 " : "24 ");
            SysfsTree.put(root, NODE + "node" + from + "/distance", row.toString());
        }
        Topology t = Topology.ofSysfs(root);
        assertEquals(8, t.nodes().size());
        for (int node = 4; node < 8; node++) { // by initiator, or, for 6 and 7, by distance
            assertTrue(t.nodes().get(node).memoryOnly());
            assertEquals(t.nodes().get(node - 4).cpus(), t.nodes().get(node).locality(), "node " + node);
            assertEquals(128L << 30, t.nodes().get(node).memoryBytes());
        }
        assertEquals(14, t.nodeDistance(1, 5));
        assertEquals(List.of(), t.remarks());
    }

    @Test void booksAndDrawersOfAMainframeNestAndPolarizationDoesNotMatter() throws Exception {
        SysfsTree.write(root, Topology.of("drawer:2 book:2 package:2 core:3 hart:2 memory:32G"));
        SysfsTree.put(root, CPU + "cpu3/polarization", "vertical:medium");
        SysfsTree.put(root, "proc/cpuinfo", "vendor_id       : IBM/S390\n# processors    : 48\nbogomips per cpu: 24038.00\nfeatures\t: esan3 zarch stfle msa\n"
                + "cache0          : level=1 type=Data scope=Private size=128K line_size=256 associativity=8\n"
                + "processor 0: version = FF,  identification = 02C4E8,  machine = 8561\nprocessor 1: version = FF,  identification = 02C4E8,  machine = 8561\n\n"
                + "cpu number      : 0\nphysical id     : 0\ncore id         : 0\nversion         : FF\n");
        Topology t = Topology.ofSysfs(root);
        assertEquals(2, t.groups(CpuGroup.Kind.DRAWER).size());
        assertEquals(4, t.groups(CpuGroup.Kind.BOOK).size());
        assertEquals("IBM/S390", t.processors().getFirst().vendor());
        assertTrue(t.processors().getFirst().features().contains("zarch"));
        assertEquals(List.of("hart", "core", "package", "book", "drawer"), t.universe().levels().stream().limit(5).map(l -> l.names().getFirst()).toList());
        assertEquals(5, t.universe().distance(0, 47));
    }

    @Test void bigAndLittleCoresAreKindsByCapacityAndAPackageOfMinusOneIsNone() throws Exception {
        SysfsTree.write(root, Topology.of("package:1 cluster:2 core:4"));
        for (int cpu = 0; cpu < 8; cpu++) {
            SysfsTree.put(root, CPU + "cpu" + cpu + "/cpu_capacity", cpu < 4 ? "446" : "1024");
            SysfsTree.put(root, CPU + "cpu" + cpu + "/topology/physical_package_id", "-1");
            SysfsTree.put(root, CPU + "cpu" + cpu + "/topology/package_cpus", "00");
        }
        SysfsTree.put(root, "proc/cpuinfo", "processor\t: 0\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\nCPU part\t: 0xd03\n\nprocessor\t: 4\n"
                + "Features\t: fp asimd\nCPU implementer\t: 0x41\nCPU part\t: 0xd09\n\nHardware : A board\n");
        Topology t = Topology.ofSysfs(root);
        assertEquals(List.of(446, 1024), t.kinds().stream().map(CpuKind::capacity).toList());
        assertEquals(List.of(CpuSet.parseList("0-3"), CpuSet.parseList("4-7")), t.groups(CpuGroup.Kind.CLUSTER).stream().map(CpuGroup::cpus).toList());
        assertEquals(1, t.packages().size());
        assertEquals(-1, t.packages().getFirst().osIndex());
        assertEquals(8, t.packages().getFirst().cores().size());
    }

    @Test void nestedQuotasOfVersion1AreTheLeastOfAllAndOfflineCpusInTheMiddleAreLeftOut() throws Exception {
        SysfsTree.write(root, Topology.of("package:2 core:4 hart:2 offline:3,6-7,9"));
        SysfsTree.put(root, "proc/self/cgroup", "5:cpuset:/a/b\n4:cpu,cpuacct:/a/b/c\n2:memory:/a");
        SysfsTree.put(root, "proc/mounts", "cgroup /sys/fs/cgroup/cpuset cgroup rw,cpuset 0 0\ncgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\n"
                + "cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0");
        String cpu = "sys/fs/cgroup/cpu,cpuacct/";
        String[][] quotas = {{"", "-1"}, {"a/", "300000"}, {"a/b/", "250000"}, {"a/b/c/", "900000"}};
        for (String[] q : quotas) {
            SysfsTree.put(root, cpu + q[0] + "cpu.cfs_quota_us", q[1]);
            SysfsTree.put(root, cpu + q[0] + "cpu.cfs_period_us", "100000");
        }
        SysfsTree.put(root, "sys/fs/cgroup/cpuset/cpuset.cpus", "0-15");
        SysfsTree.put(root, "sys/fs/cgroup/cpuset/a/cpuset.cpus", "0-9");
        SysfsTree.put(root, "sys/fs/cgroup/cpuset/a/b/cpuset.cpus", "2-10");
        SysfsTree.put(root, "proc/self/status", "Cpus_allowed_list:\t0-8");
        Topology t = Topology.ofSysfs(root);
        assertEquals(2.5, t.limits().quotaCpus());
        assertEquals(CpuSet.of(3, 6, 7, 9), t.offline());
        assertEquals(CpuSet.of(2, 4, 5, 8), t.usable());
        assertEquals(3, t.usableOnly().cores().size());
    }

    /** Every file of a rich tree, cut, and some changed: something is always told, and nothing is thrown but for CPUs that are gone. */
    @Test void truncatedFilesAreReadAsFarAsTheyMakeSense() throws Exception {
        SysfsTree.write(root, Topology.of("node:2 package:1 core:3 hart:2 l2:core l3:package distance:10,20 memory:1G"));
        List<Path> files;
        try (var all = Files.walk(root)) {
            files = all.filter(Files::isRegularFile).filter(f -> !f.toString().matches(".*/cpu([1-9]|10)/.*")).sorted().toList(); // CPUs are alike
        }
        assertTrue(files.size() > 40, "the tree is rich: " + files.size());
        var random = new SplittableRandom(7);
        for (Path file : files) {
            byte[] whole = Files.readAllBytes(file);
            for (int length : new int[] {0, 1, whole.length / 2, Math.max(0, whole.length - 2)}) {
                byte[] cut = java.util.Arrays.copyOf(whole, length);
                if (length > 0 && random.nextInt(4) == 0) cut[random.nextInt(length)] = (byte) random.nextInt(256);
                Files.write(file, cut);
                Topology t = Topology.ofSysfs(root);
                assertTrue(t.hartCount() >= 1 && t.cores().stream().allMatch(c -> c.cpus().isSubsetOf(t.online())), () -> file + " of " + cut.length);
                assertTrue(t.universe().levels().size() >= 2, file::toString);
            }
            Files.write(file, whole);
        }
        assertEquals(List.of(), Topology.ofSysfs(root).remarks());
    }

    @Test void aDumpCutAnywhereIsUnderstoodOrRefusedWithItsLine() throws Exception {
        String whole = hybrid(8, CORE, true);
        int refused = 0;
        for (int length = 0; length < whole.length(); length++) {
            dump(0, whole.substring(0, length));
            try {
                assertEquals(1, Topology.ofCpuidDump(root).hartCount());
            } catch (TopologyFormatException e) {
                assertTrue(e.getMessage().contains("pu0"), e::getMessage);
                refused++;
            }
        }
        assertTrue(refused > whole.length() / 2, "most cuts are within a line: " + refused);
        dump(0, "x");
        assertThrows(TopologyFormatException.class, () -> Topology.ofCpuidDump(root));
    }
}
