package org.libtorque.hardware;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SysfsReaderTest {
    private static final String CPU = "sys/devices/system/cpu/";

    @TempDir(factory = SysfsTree.InMemory.class) Path root;

    private Topology machine(String spec) throws Exception { return Topology.ofSysfs(SysfsTree.write(root, Topology.of(spec))); }

    @ParameterizedTest
    @ValueSource(strings = {
        "core:1", "package:2 core:4 hart:2 l1d:core=48K/64/12 l2:core=2M/64/16 l3:package=32M/64/16",
        "package:2 node:2 core:6 hart:2 numbering:linux l3:node=24M/64/12 distance:10,21 memory:16G",
        "package:1 die:2 core:4 l2:core*2=1M/64/16", "drawer:2 book:2 package:2 core:4 memory:1G",
        "node:4 package:1 core:2,3 distances:10,16,20,22;16,10,22,20;20,22,10,16;22,20,16,10",
    })
    void whatASpecSaysIsReadFromItsTree(String spec) throws Exception {
        Topology made = Topology.of(spec), read = machine(spec);
        assertEquals(made.packages(), read.packages());
        assertEquals(made.caches(), read.caches());
        assertEquals(made.groups().stream().map(CpuGroup::cpus).toList(), read.groups().stream().map(CpuGroup::cpus).toList());
        assertEquals(made.nodes().stream().map(NumaNode::cpus).toList(), read.nodes().stream().map(NumaNode::cpus).toList());
        assertEquals(made.universe().levels().stream().map(Universe.Level::groups).toList(),
                read.universe().levels().stream().map(Universe.Level::groups).toList());
        for (int i = 0; i < made.nodes().size(); i++) {
            for (int j = 0; j < made.nodes().size(); j++) assertEquals(made.nodeDistance(i, j), read.nodeDistance(i, j));
        }
        assertEquals(List.of(), read.remarks());
    }

    @Test void nonsenseInAFileIsNotedWithFileAndLineAndCountsAsMissing() throws Exception {
        machine("core:2 l2:core");
        SysfsTree.put(root, CPU + "cpu1/cache/index0/size", "many");
        SysfsTree.put(root, CPU + "cpu1/topology/core_cpus", "zz");
        Topology t = Topology.ofSysfs(root);
        assertEquals(0, t.caches().get(1).sizeBytes());
        assertTrue(t.remarks().stream().anyMatch(r -> r.kind() == Remark.Kind.FALLBACK
                && r.text().startsWith("/" + CPU + "cpu1/cache/index0/size:1: 'many'")), () -> "" + t.remarks());
        assertTrue(t.remarks().stream().anyMatch(r -> r.text().startsWith("/" + CPU + "cpu1/topology/core_cpus:1:")));
    }

    @Test void aTreeWithoutCpusIsAnError() throws Exception {
        SysfsTree.put(root, "proc/meminfo", "MemTotal: 1 kB");
        var e = assertThrows(TopologyFormatException.class, () -> Topology.ofSysfs(root));
        assertTrue(e.getMessage().contains("/sys/devices/system/cpu"), e.getMessage());
        assertThrows(TopologyFormatException.class, () -> Topology.ofSysfs(root.resolve("nowhere")));
    }

    @Test void cpusOfProcCpuinfoServeWhereSysfsTellsNone() throws Exception {
        SysfsTree.put(root, "proc/cpuinfo", "processor : 0\nmodel name : Some  CPU\n\nprocessor : 3\nmodel name : Some CPU\n");
        Topology t = Topology.ofSysfs(root);
        assertEquals(CpuSet.of(0, 3), t.online());
        assertEquals(1, t.processors().size());
        assertEquals("Some CPU", t.processors().getFirst().name());
        assertEquals(CpuSet.of(0, 3), t.processors().getFirst().cpus());
    }

    @Test void linksOutOfTheTreeAreNotFollowed(@TempDir(factory = SysfsTree.InMemory.class) Path outside) throws Exception {
        machine("core:2");
        Files.writeString(outside.resolve("secret"), "0-1\n");
        Path online = root.resolve(CPU + "online");
        Files.delete(online);
        Files.createSymbolicLink(online, outside.resolve("secret"));
        SysfsTree.put(root, CPU + "cpu1/online", "0"); // seen only if the list is not
        assertEquals(CpuSet.of(0), Topology.ofSysfs(root).online());
    }

    @Test void overlappingMasksBecomeAPartitionAndAreReported() throws Exception {
        machine("package:1 core:4");
        SysfsTree.put(root, CPU + "cpu0/topology/core_cpus", "00000003");
        SysfsTree.put(root, CPU + "cpu1/topology/core_cpus", "00000006");
        SysfsTree.put(root, CPU + "cpu1/topology/core_id", "0");
        SysfsTree.put(root, CPU + "cpu2/topology/core_id", "0");
        Topology t = Topology.ofSysfs(root);
        assertEquals(List.of(CpuSet.of(0, 1), CpuSet.of(2), CpuSet.of(3)), t.cores().stream().map(Core::cpus).toList());
    }

    @Test void coresThatDifferOnlyInTurboAreOfOneKind() throws Exception {
        machine("core:3");
        String[] frequencies = {"5000000", "5200000", "3900000"};
        for (int cpu = 0; cpu < 3; cpu++) SysfsTree.put(root, CPU + "cpu" + cpu + "/cpufreq/cpuinfo_max_freq", frequencies[cpu]);
        Topology t = Topology.ofSysfs(root);
        assertEquals(List.of(CpuSet.of(2), CpuSet.of(0, 1)), t.kinds().stream().map(CpuKind::cpus).toList());
        assertEquals(1, t.kindOf(0));
    }

    @Test void quotasOfAllAncestorsCount() throws Exception {
        machine("core:4");
        SysfsTree.put(root, "proc/self/cgroup", "0::/a/b");
        SysfsTree.put(root, "proc/mounts", "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0");
        SysfsTree.put(root, "sys/fs/cgroup/cpuset.cpus.effective", "0-3");
        SysfsTree.put(root, "sys/fs/cgroup/a/cpuset.cpus.effective", "1-2");
        SysfsTree.put(root, "sys/fs/cgroup/a/cpu.max", "150000 100000");
        SysfsTree.put(root, "sys/fs/cgroup/a/b/cpu.max", "max 100000");
        SysfsTree.put(root, "sys/fs/cgroup/a/b/memory.max", "1048576");
        Topology t = Topology.ofSysfs(root);
        assertEquals(1.5, t.limits().quotaCpus());
        assertEquals(1 << 20, t.limits().memoryBytes());
        assertEquals(CpuSet.of(1, 2), t.usable(), "a group without the controller has its parent's CPUs");
        assertEquals(CpuSet.of(0, 3), t.disallowed());
    }

    @Test void quotasOfVersion1Count() throws Exception {
        machine("core:4");
        SysfsTree.put(root, "proc/self/cgroup", "3:cpuset:/job\n2:cpu,cpuacct:/job\n1:memory:/job");
        SysfsTree.put(root, "proc/mounts", "cgroup /cg/cpu cgroup rw,cpu,cpuacct 0 0\ncgroup /cg/mem cgroup rw,memory 0 0\n"
                + "cgroup /cg/set cgroup rw,cpuset 0 0");
        SysfsTree.put(root, "cg/cpu/job/cpu.cfs_quota_us", "50000");
        SysfsTree.put(root, "cg/cpu/job/cpu.cfs_period_us", "100000");
        SysfsTree.put(root, "cg/cpu/cpu.cfs_quota_us", "-1");
        SysfsTree.put(root, "cg/cpu/cpu.cfs_period_us", "100000");
        SysfsTree.put(root, "cg/mem/job/memory.limit_in_bytes", "4096000");
        SysfsTree.put(root, "cg/mem/memory.limit_in_bytes", "9223372036854771712");
        SysfsTree.put(root, "cg/set/job/cpuset.cpus", "2");
        Topology t = Topology.ofSysfs(root);
        assertEquals(0.5, t.limits().quotaCpus());
        assertEquals(4096000, t.limits().memoryBytes());
        assertEquals(CpuSet.of(2), t.usable());
    }

    @Test void aGroupThatIsOnlyVisibleOutsideTheContainerIsTheMountPointInside() throws Exception {
        machine("core:2");
        SysfsTree.put(root, "proc/self/cgroup", "0::/docker/0123");
        SysfsTree.put(root, "sys/fs/cgroup/cpuset.cpus.effective", "1");
        assertEquals(CpuSet.of(1), Topology.ofSysfs(root).usable());
    }

    @Test void memoryOnlyNodesAreNearTheirInitiators() throws Exception {
        machine("node:2 core:2 distance:10,20");
        String node = "sys/devices/system/node/node7/";
        SysfsTree.put(root, node + "cpumap", "00000000");
        SysfsTree.put(root, node + "meminfo", "Node 7 MemTotal: 4 kB");
        SysfsTree.put(root, node + "access0/initiators/node1/x", "");
        Topology t = Topology.ofSysfs(root);
        NumaNode last = t.nodes().getLast();
        assertTrue(last.memoryOnly());
        assertEquals(CpuSet.of(2, 3), last.locality());
        assertEquals(4096, last.memoryBytes());
        assertFalse(t.hasDistances(), "two rows of two are no matrix of three");
    }

    @Test void memoryModulesAreReadFromTheFirmwaresTable() throws Exception {
        machine("node:2 package:1 core:2");
        Path table = root.resolve("sys/firmware/dmi/tables/DMI");
        Files.createDirectories(table.getParent());
        var bytes = new java.io.ByteArrayOutputStream();
        for (int socket = 1; socket <= 2; socket++) {
            byte[] device = new byte[0x28];
            device[0] = 17;
            device[1] = 0x28;
            device[0x0C] = 0x00;
            device[0x0D] = 0x40; // 16,384 MB
            device[0x10] = 1;
            device[0x12] = 26;
            device[0x15] = (byte) (3200 & 0xFF);
            device[0x16] = (byte) (3200 >> 8);
            device[0x20] = (byte) (2933 & 0xFF);
            device[0x21] = (byte) (2933 >> 8);
            bytes.write(device);
            bytes.write(("CPU" + socket + "_DIMM_A1\0\0").getBytes());
        }
        bytes.write(new byte[] {17, 3}); // truncated
        Files.write(table, bytes.toByteArray());
        Topology t = Topology.ofSysfs(root);
        assertEquals(2, t.memoryDevices().size());
        MemoryDevice d = t.memoryDevices().getLast();
        assertEquals(new MemoryDevice("CPU2_DIMM_A1", "", 16L << 30, "DDR4", 3200, 2933, "", "", 1), d);
    }

    @Test void interruptsAreReadByTheHeadingsCpusAndShortRowsAreLeftOut() throws Exception {
        machine("core:3 offline:1");
        SysfsTree.put(root, "proc/interrupts", "           CPU0       CPU2\n 24:   5   7  IO-APIC 5-edge nic\nLOC: 1 2 Local timer\n"
                + "ERR:          9\nrubbish\n 25: x y z");
        SysfsTree.put(root, "proc/irq/24/smp_affinity_list", "0,2");
        SysfsTree.put(root, "proc/softirqs", "      CPU0 CPU1 CPU2\nNET_RX: 3 0 4");
        InterruptLoad load = InterruptLoad.read(root);
        assertEquals(List.of("24", "LOC"), load.irqs().stream().map(InterruptLoad.Irq::name).toList());
        assertEquals(CpuSet.of(0, 2), load.irqs().getFirst().affinity());
        assertEquals("IO-APIC 5-edge nic", load.irqs().getFirst().source());
        assertEquals(9, load.interrupts(2));
        assertEquals(0, load.interrupts(99));
        assertEquals(4, load.softirqs(2, "NET_RX"));
    }

    @Test void idleTimeIsThatOfTheCpusNamedAndThreadsAreThoseAskedFor() throws Exception {
        machine("core:4");
        SysfsTree.put(root, "proc/stat", "cpu  1 2 3 400 50 0 0 0 0 0\ncpu0 1 2 3 100 20 9 9 9 0 0\ncpu3 1 2 3 5 0 0\ncpu2 1 2 3 x 0 0\ncpu1 7\nintr 5 5");
        SysfsTree.put(root, "proc/self/task/17/schedstat", "123456789012 4567 89\n");
        SysfsTree.put(root, "proc/self/task/18/schedstat", "nonsense\n");
        CpuTimes times = CpuTimes.read(root, new int[] {18, 17, 0, 99});
        assertEquals(1_200_000_000L, times.idleNanos(0));
        assertEquals(50_000_000L, times.idleNanos(3));
        for (int cpu : new int[] {-1, 1, 2, 4}) assertEquals(-1, times.idleNanos(cpu));
        assertEquals(123_456_789_012L, times.ranNanos(1));
        assertEquals(4_567, times.delayNanos(1));
        for (int i : new int[] {0, 2, 3}) assertEquals(0, times.ranNanos(i) + times.delayNanos(i));
    }
}
