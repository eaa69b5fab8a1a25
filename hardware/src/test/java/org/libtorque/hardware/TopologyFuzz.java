package org.libtorque.hardware;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Damaged dumps, trees and specs: a topology whose parts fit together, or an error that names the place; nothing else. */
class TopologyFuzz {
    private static final String[] SPECS = {
        "package:2 core:4 hart:2 l1d:core l2:core l3:package", "node:2 package:1 core:3 l3:node distance:10,20 memory:1G",
        "package:1 core:2 dtlb1:core=4K/64/4 kinds:1*0,1*1 numbering:nested cpus:3,1 offline:1",
    };
    /** Values that have broken parsers before. */
    private static final String[] NASTY = {
        "", "\n", "\0", "-1", "0", "4294967295", "18446744073709551616", "99999999999999999999999", "0-", "-", "0-65535", "65536",
        "1-0", "ffffffff", "ffffffff,ffffffff,ffffffff", ",", ",,", "0x10", "1e9", "32K", "999999999999T", "Data", "\u00ff\u00fe", "%s%n",
        "10 20 x", "max", "Node 0 MemTotal: 99999999999999999999 kB", "0,0,0,0", "1:2/0", "0-8:0/0", " ",
    };

    private static void assertSound(Topology t) {
        assertTrue(!t.online().isEmpty() && t.usable().isSubsetOf(t.online()));
        CpuSet seen = CpuSet.of();
        for (CpuPackage p : t.packages()) {
            assertTrue(p.cpus().and(seen).isEmpty(), "packages overlap");
            seen = seen.or(p.cpus());
            CpuSet cores = CpuSet.of();
            for (Core c : p.cores()) {
                assertTrue(c.cpus().isSubsetOf(p.cpus()) && c.cpus().and(cores).isEmpty() && !c.cpus().isEmpty());
                cores = cores.or(c.cpus());
            }
        }
        assertTrue(seen.isSubsetOf(t.online()));
        for (Cache c : t.caches()) assertTrue(c.cpus().isSubsetOf(t.online()));
        for (NumaNode n : t.nodes()) assertTrue(n.cpus().isSubsetOf(t.online()) && n.locality().isSubsetOf(t.online()));
        Universe u = t.universe();
        assertEquals(t.online(), u.levels().getLast().groups().getFirst());
        int first = t.online().nextSetBit(0);
        for (int cpu : t.online().toArray()) assertTrue(u.distance(first, cpu) < u.levels().size());
        assertEquals(t.hartCount(), u.spread(t.online()).length);
        t.usableOnly();
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void damagedTreesGiveASoundTopologyOrAnError(long seed, @TempDir(factory = SysfsTree.InMemory.class) Path root) throws Exception {
        var random = new SplittableRandom(seed);
        SysfsTree.write(root, Topology.of(SPECS[random.nextInt(2)]));
        SysfsTree.put(root, "proc/self/cgroup", "0::/a");
        SysfsTree.put(root, "proc/self/status", "Cpus_allowed_list:\t0-7");
        SysfsTree.put(root, "proc/mounts", "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0");
        SysfsTree.put(root, "sys/fs/cgroup/cpuset.cpus.effective", "0-7");
        SysfsTree.put(root, "sys/fs/cgroup/a/cpu.max", "max 100000");
        SysfsTree.put(root, "proc/cpuinfo", "processor : 0\nmodel name : x\ncpu family : 6\n");
        SysfsTree.put(root, "sys/firmware/dmi/tables/DMI", "\u0011\u0028ab");
        SysfsTree.put(root, "sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages", "4");
        List<Path> files;
        try (var walk = Files.walk(root)) {
            files = walk.filter(Files::isRegularFile).sorted().toList();
        }
        for (int round = 0; round < 60; round++) {
            Path file = files.get(random.nextInt(files.size()));
            damage(file, random);
            try {
                assertSound(Topology.ofSysfs(root));
            } catch (TopologyFormatException e) {
                assertTrue(e.getMessage().contains("/"), e.getMessage());
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError("round " + round + ", after " + file + " became '" + text(file) + "'", e);
            }
        }
    }

    private static String text(Path file) throws IOException {
        return Files.exists(file) ? Files.readString(file, StandardCharsets.ISO_8859_1) : "missing";
    }

    private static void damage(Path file, SplittableRandom random) throws IOException {
        switch (random.nextInt(6)) {
            case 0 -> Files.deleteIfExists(file);
            case 1 -> {
                byte[] bytes = new byte[random.nextInt(64)];
                random.nextBytes(bytes);
                Files.write(file, bytes);
            }
            case 2 -> Files.writeString(file, "f".repeat(random.nextInt(300_000)));
            default -> Files.writeString(file, NASTY[random.nextInt(NASTY.length)] + "\n");
        }
    }

    /** A dump of two hybrid CPUs with every leaf that is decoded, so that damage reaches all of the decoder. */
    private static final String DUMP = """
            1 0 0 0 0 => 20 756e6547 6c65746e 49656e69
            1 1 0 0 0 => b06a2 800800 7ffafbff bfebfbff
            1 2 0 0 0 => 665b5001 f0b6ff 0 7b7040
            5 4 0 0 0 => fc004121 2c0003f 3f 0
            5 4 0 1 0 => fc004122 1c0003f 3f 0
            5 4 0 2 0 => fc01c143 240003f 7ff 0
            5 4 0 3 0 => 0 0 0 0
            5 7 0 0 0 => 1 f 0 8000
            5 b 0 0 0 => 1 2 100 0
            5 b 0 1 0 => 7 14 201 0
            5 b 0 2 0 => 0 0 2 0
            5 18 0 0 0 => 2 0 0 0
            5 18 0 1 0 => 0 80001 20 4022
            5 18 0 2 0 => 0 80006 4 4022
            5 1a 0 0 0 => 40000001 0 0 0
            5 1f 0 0 0 => 1 2 100 0
            5 1f 0 1 0 => 4 14 201 0
            5 1f 0 2 0 => 7 14 502 0
            1 80000000 0 0 0 => 80000026 68747541 444d4163 69746e65
            1 80000001 0 0 0 => 100f91 30400410 4837ff efd3fbff
            1 80000005 0 0 0 => ff30ff10 ff30ff20 40020140 40020140
            1 80000006 0 0 0 => 20800000 42004200 2008140 50d140
            1 80000008 0 0 0 => 3030 0 400b 0
            1 80000019 0 0 0 => f0300000 60100000 0 0
            5 8000001d 0 0 0 => 4121 2c0003f 3f 0
            5 8000001d 0 1 0 => 1c163 3c0003f 3fff 1
            1 8000001e 0 0 0 => 0 100 300 0
            5 80000026 0 0 0 => 60000001 2 100 0
            5 80000026 0 1 0 => c0000004 8 201 0
            5 80000026 0 2 0 => 5 18 403 0
            """;
    private static final String[] VENDORS = {"756e6547 6c65746e 49656e69", "68747541 444d4163 69746e65", "746e6543 736c7561 48727561",
        "6f677948 656e6975 6e65476e", "68532020 20206961 68676e61", "0 0 0"};

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void damagedAnswersGiveASoundTopologyOrAnError(long seed) {
        var random = new SplittableRandom(seed);
        for (int round = 0; round < 200; round++) {
            var records = new TreeMap<Integer, CpuidRecord>();
            String vendor = VENDORS[random.nextInt(VENDORS.length)];
            for (int cpu = 0; cpu < 4; cpu++) {
                String[] lines = DUMP.replace("756e6547 6c65746e 49656e69", vendor).split("\n");
                for (int damage = random.nextInt(6); damage > 0; damage--) {
                    int line = random.nextInt(lines.length);
                    String[] words = lines[line].split(" ");
                    int word = 6 + random.nextInt(4);
                    words[word] = random.nextInt(3) == 0 ? "ffffffff" : Integer.toHexString(random.nextInt() >>> random.nextInt(32));
                    lines[line] = String.join(" ", words);
                }
                records.put(cpu, CpuidDump.parse("pu" + cpu, String.join("\n", lines)));
            }
            assertSound(new Topology(CpuidReader.read(records)));
        }
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void damagedDumpTextNamesFileAndLine(long seed) {
        var random = new SplittableRandom(seed);
        for (int round = 0; round < 500; round++) {
            String text = mutate(DUMP, random);
            try {
                CpuidDump.parse("pu0", text);
            } catch (TopologyFormatException e) {
                assertTrue(e.getMessage().matches("(?s)pu0:[0-9]+: .*"), e.getMessage());
            }
        }
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void damagedSpecsGiveASoundTopologyOrNameTheColumn(long seed) {
        var random = new SplittableRandom(seed);
        for (int round = 0; round < 300; round++) {
            String spec = mutate(SPECS[random.nextInt(SPECS.length)], random);
            try {
                assertSound(Topology.of(spec));
            } catch (TopologyFormatException e) {
                assertTrue(e.getMessage().matches("(?s)spec, column [0-9]+: .*|there is no CPU.*"), e.getMessage());
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError("spec '" + spec + "'", e);
            }
        }
    }

    private static String mutate(String text, SplittableRandom random) {
        var mutated = new StringBuilder(text);
        for (int i = random.nextInt(1, 5); i > 0 && !mutated.isEmpty(); i--) {
            int at = random.nextInt(mutated.length());
            switch (random.nextInt(4)) {
                case 0 -> mutated.deleteCharAt(at);
                case 1 -> mutated.setCharAt(at, (char) random.nextInt(1, 128));
                case 2 -> mutated.insert(at, NASTY[random.nextInt(NASTY.length)]);
                default -> mutated.delete(at, Math.min(mutated.length(), at + random.nextInt(20)));
            }
        }
        return mutated.toString();
    }
}
