package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.InvocationTargetException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.libtorque.Torque;
import org.libtorque.example.Computation;
import org.libtorque.testkit.TestProcess;

class CheckpointWeaverTest {
    private static byte[] bytes(String name) throws IOException {
        try (InputStream in = CheckpointWeaverTest.class.getClassLoader().getResourceAsStream(name.replace('.', '/') + ".class")) {
            return in.readAllBytes();
        }
    }

    /** Loads one class from bytes, everything else from where the tests are. */
    private static final class Loader extends ClassLoader {
        private final String name;
        private final byte[] code;

        Loader(String name, byte[] code) {
            super(CheckpointWeaverTest.class.getClassLoader());
            this.name = name;
            this.code = code;
        }

        @Override protected Class<?> loadClass(String wanted, boolean resolve) throws ClassNotFoundException {
            if (!wanted.equals(name)) return super.loadClass(wanted, resolve);
            Class<?> known = findLoadedClass(wanted);
            return known != null ? known : defineClass(wanted, code, 0, code.length);
        }
    }

    private static Map<String, Integer> checkpoints(byte[] code) {
        Map<String, Integer> counts = new HashMap<>();
        for (var method : ClassFile.of().parse(code).methods()) {
            int n = 0;
            if (method.code().isPresent()) {
                for (var element : method.code().get()) {
                    if (element instanceof InvokeInstruction call && call.name().equalsString("checkpoint")) n++;
                }
            }
            counts.put(method.methodName().stringValue(), n);
        }
        return counts;
    }

    @Test void loopsAndEntriesGetCheckpointsAndNothingElse() throws Exception {
        CheckpointWeaver weaver = new CheckpointWeaver(getClass().getClassLoader());
        Map<String, Integer> counts = checkpoints(weaver.weave(bytes(Computation.class.getName())));
        assertEquals(0, counts.get("<clinit>"));
        assertEquals(0, counts.get("leaf"));
        assertEquals(1, counts.get("<init>"), "its loop, not its start");
        assertEquals(1, counts.get("recurse"), "its start");
        assertEquals(1, counts.get("spin"), "its loop");
        assertEquals(2, counts.get("mixed"), "its start and its loop");
        assertEquals(1, counts.get("lambda$mixed$0"));
        assertTrue(counts.get("loops") >= 7, counts.toString());
        assertEquals(weaver.woven(), counts.values().stream().mapToInt(n -> n).sum());
    }

    @Test void whatNeedsNoneStaysAsItIs() throws Exception {
        assertNull(new CheckpointWeaver(null).weave(bytes(Interruptible.class.getName())));
    }

    interface Interruptible {
        int value();
    }

    @Test void wovenCodeComputesTheSame() throws Exception {
        byte[] woven = new CheckpointWeaver(getClass().getClassLoader()).weave(bytes(Computation.class.getName()));
        Class<?> type = new Loader(Computation.class.getName(), woven).loadClass(Computation.class.getName());
        assertNotSame(Computation.class, type);
        addReads(type);
        for (int n : new int[] {0, 1, 5, 40}) {
            Object object = type.getConstructor(int.class).newInstance(n);
            assertEquals(new Computation(n).loops(n), type.getMethod("loops", int.class).invoke(object, n));
        }
        assertEquals(Computation.recurse(15), type.getMethod("recurse", int.class).invoke(null, 15));
        assertEquals(Computation.mixed(2, new long[] {1, 2, 3}), type.getMethod("mixed", double.class, long[].class).invoke(null, 2.0, new long[] {1, 2, 3}));
    }

    private static void addReads(Class<?> type) throws IllegalAccessException, InvocationTargetException {
        assertFalse(type.getModule().isNamed()); // a loader's unnamed module reads everybody
    }

    @Test void aLoopThatKnowsNothingOfItIsPreempted() throws Exception {
        byte[] woven = new CheckpointWeaver(getClass().getClassLoader()).weave(bytes(Computation.class.getName()));
        Class<?> type = new Loader(Computation.class.getName(), woven).loadClass(Computation.class.getName());
        var spin = MethodHandles.publicLookup().unreflect(type.getMethod("spin", boolean[].class));
        try (Torque torque = Runtimes.open(1)) {
            Uthreads.of(torque).compensation(Duration.ZERO).schedulingPeriod(Duration.ofMillis(1));
            boolean[] stop = new boolean[1];
            Thread spinning = torque.spawn(() -> {
                try {
                    spin.invokeExact(stop);
                } catch (Throwable e) {
                    throw new IllegalStateException(e);
                }
            });
            Runtimes.join(torque.spawn(() -> { })); // on the same vcore
            Thread stopper = torque.spawn(() -> stop[0] = true);
            Runtimes.join(stopper);
            Runtimes.join(spinning);
        }
    }

    @Test void everyClassOfOursCanBeWoven() throws Exception {
        CheckpointWeaver weaver = new CheckpointWeaver(getClass().getClassLoader());
        int checked = 0;
        for (Class<?> type : List.of(Uthread.class, Torque.class, org.libtorque.vcore.Vcore.class, org.libtorque.event.TorqueRuntime.class, org.libtorque.vcore.TimerWheel.class)) {
            byte[] woven = weaver.weave(bytes(type.getName()));
            assertEquals(List.of(), ClassFile.of().verify(woven), type.getName());
            checked += weaver.woven();
        }
        assertTrue(checked > 100);
    }

    @Test void patternsNameClassesAndPackages() {
        List<String> patterns = CheckpointAgent.patterns("com.example.*, org.other.Sorter");
        assertEquals(List.of("com/example/", "org/other/Sorter"), patterns);
        assertTrue(CheckpointAgent.matches(patterns, "com/example/A"));
        assertTrue(CheckpointAgent.matches(patterns, "com/example/deep/A"));
        assertTrue(CheckpointAgent.matches(patterns, "org/other/Sorter"));
        assertTrue(CheckpointAgent.matches(patterns, "org/other/Sorter$Inner"));
        assertFalse(CheckpointAgent.matches(patterns, "org/other/SorterToo"));
        assertFalse(CheckpointAgent.matches(patterns, "com/exampleToo/A"));
        assertFalse(CheckpointAgent.matches(CheckpointAgent.patterns("org.libtorque.*"), "org/libtorque/thread/Uthread"));
        assertFalse(CheckpointAgent.matches(CheckpointAgent.patterns("java.*"), "java/lang/String"));
        for (String wrong : new String[] {null, "", " , ", "a-b.*", "a..b", "*"}) assertThrows(IllegalArgumentException.class, () -> CheckpointAgent.patterns(wrong), wrong);
    }

    /** Started by a test: a loop in a class that the agent weaves. */
    static final class Main {
        public static void main(String[] arguments) throws Exception {
            boolean[] stop = new boolean[1];
            try (Torque torque = Runtimes.open(1)) {
                Uthreads.of(torque).compensation(Duration.ZERO).schedulingPeriod(Duration.ofMillis(1));
                Thread spinning = torque.spawn(() -> Computation.spin(stop));
                Thread stopper = torque.spawn(() -> stop[0] = true);
                Runtimes.join(stopper);
                Runtimes.join(spinning);
            }
            System.out.println("woven classes: " + CheckpointAgent.wovenClasses() + ", checkpoints: " + CheckpointAgent.wovenCheckpoints());
        }
    }

    @Test void theAgentWeavesWhatItIsTold(@TempDir Path folder) throws Exception {
        Path jar = folder.resolve("agent.jar");
        Manifest manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().putValue("Premain-Class", CheckpointAgent.class.getName());
        manifest.getMainAttributes().putValue("Can-Retransform-Classes", "true");
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar), manifest)) {
            out.putNextEntry(new ZipEntry("empty")); // the agent itself is on the class path
            out.closeEntry();
        }
        List<String> words = new ArrayList<>(List.of(ChildJvm.ACCESS, "-javaagent:" + jar + "=org.libtorque.example.*", Main.class.getName()));
        try (TestProcess child = ChildJvm.start(words.toArray(String[]::new))) {
            assertEquals(0, child.awaitExit(), child::toString);
            child.awaitLine("woven classes: 1, checkpoints: 1[0-9]");
        }
    }
}
