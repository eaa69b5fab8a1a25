package org.libtorque.hardware;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.libtorque.testkit.HeapHistogram;

/** Discovery as the first thing that a program does, in a process of its own. */
class DiscoveryProcessTest {
    /** What a topology consists of, besides arrays and classes of the JDK. */
    private static final List<Class<?>> MODEL = List.of(Topology.class, Topology.Input.class, CpuSet.class, CpuPackage.class, Core.class, CpuGroup.class,
            CpuGroup.Kind.class, Cache.class, CacheType.class, Cache.Inclusion.class, Tlb.class, NumaNode.class, NumaNode.HugePages.class,
            NumaNode.MemorySideCache.class, CpuKind.class, Processor.class, Limits.class, Limits.Group.class, MemoryDevice.class, Remark.class,
            Remark.Kind.class, Universe.class);

    private record Growth(long heldCount, long heldBytes, long leftCount, long leftBytes) {}

    private static TreeMap<String, Growth> discover() throws Exception {
        String path = System.getProperty("jdk.module.path", "") + File.pathSeparator + System.getProperty("java.class.path", "") + File.pathSeparator
                + Path.of("target", "classes").toAbsolutePath() + File.pathSeparator + Path.of("target", "test-classes").toAbsolutePath();
        var command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:+UseSerialGC",
                "--enable-native-access=ALL-UNNAMED", "-cp", path, RetainedAfterDiscovery.class.getName()));
        Process child = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(child.getInputStream().readAllBytes());
        assertEquals(0, child.waitFor(), output);
        var growth = new TreeMap<String, Growth>();
        for (String line : output.split("\n")) {
            String[] f = line.split(" ");
            growth.put(f[0], new Growth(Long.parseLong(f[1]), Long.parseLong(f[2]), Long.parseLong(f[3]), Long.parseLong(f[4])));
        }
        return growth;
    }

    /**
     * Constants live as long as their classes do: enums, lambdas that capture nothing (what one that is left captures would be seen), and one object each of
     * what stands for nothing (the empty set, no limits). None is discovery's.
     */
    private static boolean isConstant(String name, long instances) throws ClassNotFoundException {
        if (name.contains("$$Lambda/")) return instances == 1; // has no name to be found by
        Class<?> c = Class.forName(name);
        return c.isEnum() || c.isArray() && c.getComponentType().isEnum() || instances == 1 && (c == CpuSet.class || c == Limits.class);
    }

    private static boolean isOurs(String name) {
        return (name.startsWith("org.libtorque.") || name.startsWith("[Lorg.libtorque.")) && !name.equals(HeapHistogram.Count.class.getName());
    }

    @Test void whatStaysReachableIsTheModelAlone() throws Exception {
        var growth = discover();
        var model = new TreeSet<String>();
        for (Class<?> c : MODEL) model.add(c.getName());
        assertEquals(1, growth.get(Topology.class.getName()).heldCount, "the topology was held");
        assertEquals(1, growth.get(Universe.class.getName()).heldCount, "and all that belongs to it");
        for (var entry : growth.entrySet()) {
            Growth g = entry.getValue();
            String name = entry.getKey();
            if (!isOurs(name) || g.heldCount <= 0) continue;
            String element = name.startsWith("[L") ? name.substring(2, name.length() - 1) : name;
            assertTrue(model.contains(element) || isConstant(name, g.heldCount), () -> name + " is held besides the model: " + g);
            assertTrue(g.leftCount == 0 || isConstant(name, g.leftCount), () -> name + " is left when the model is dropped: " + g);
        }
        // The model's numbers are arrays; what is left of those are the tables that switches on enums compile to.
        for (String array : List.of("[J", "[I", "[[I")) {
            Growth g = growth.get(array);
            assertTrue(g.heldBytes > g.leftBytes && g.leftBytes < 1024, () -> array + ": " + g);
        }
        for (String reader : List.of("java.io.FileInputStream", "java.io.RandomAccessFile", "java.lang.Thread", "java.util.BitSet", "java.util.regex.Pattern")) {
            assertTrue(growth.getOrDefault(reader, new Growth(0, 0, 0, 0)).heldCount <= 0, () -> reader + ": " + growth.get(reader));
        }
    }
}
