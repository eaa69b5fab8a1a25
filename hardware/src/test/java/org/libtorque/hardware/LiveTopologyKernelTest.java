package org.libtorque.hardware;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.libtorque.sys.Abi;
import org.libtorque.sys.SyscallException;
import org.libtorque.testkit.LeakCheck;

/** The running machine, as this library and as other programs see it. */
class LiveTopologyKernelTest {
    private static final Topology HERE = Topology.discover();

    private static boolean installed(String program) {
        return Stream.of(System.getenv("PATH").split(":")).anyMatch(p -> Files.isExecutable(Path.of(p, program)));
    }

    private static List<String> run(String... command) throws Exception {
        assumeTrue(installed(command[0]), command[0] + " is not installed");
        Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
        List<String> lines = new String(process.getInputStream().readAllBytes()).lines().toList();
        assertEquals(0, process.waitFor(), () -> String.join(" ", command));
        return lines;
    }

    private static List<CpuSet> sorted(Iterable<CpuSet> sets) {
        var list = new ArrayList<CpuSet>();
        sets.forEach(list::add);
        list.sort((a, b) -> a.nextSetBit(0) - b.nextSetBit(0));
        return list;
    }

    @Test void coresPackagesAndNodesAreThoseOfLscpu() throws Exception {
        var cores = new TreeMap<String, CpuSet>();
        var packages = new TreeMap<String, CpuSet>();
        var nodes = new TreeMap<String, CpuSet>();
        for (String line : run("lscpu", "-p=CPU,CORE,SOCKET,NODE")) {
            if (line.startsWith("#")) continue;
            String[] f = line.split(",", -1);
            CpuSet cpu = CpuSet.of(Integer.parseInt(f[0]));
            cores.merge(f[1], cpu, CpuSet::or);
            packages.merge(f[2], cpu, CpuSet::or);
            nodes.merge(f[3], cpu, CpuSet::or);
        }
        assertEquals(sorted(cores.values()), HERE.cores().stream().map(Core::cpus).toList());
        assertEquals(sorted(packages.values()), HERE.packages().stream().map(CpuPackage::cpus).toList());
        assertEquals(sorted(nodes.values()), HERE.nodes().stream().map(NumaNode::cpus).filter(s -> !s.isEmpty()).toList());
    }

    @Test void cachesAreThoseOfLscpu() throws Exception {
        var told = new TreeMap<String, Long>();
        for (String line : run("lscpu", "-B", "-C=NAME,ONE-SIZE")) {
            String[] f = line.strip().split("\\s+");
            if (!f[0].equals("NAME")) told.put(f[0], Long.valueOf(f[1]));
        }
        var ours = new TreeMap<String, Long>();
        HERE.caches().forEach(c -> ours.put(c.name(), c.sizeBytes()));
        assertEquals(told, ours);
    }

    @Test void objectsAreThoseOfLstopo() throws Exception {
        String program = installed("lstopo-no-graphics") ? "lstopo-no-graphics" : "lstopo";
        Map<String, Integer> told = new TreeMap<>();
        // It minds the CPUs of the control group; those of an affinity that is narrower only if told to.
        String[] command = HERE.usable().equals(HERE.online()) ? new String[] {program, "--of", "xml"} : new String[] {program, "--of", "xml", "--restrict", "binding"};
        for (String line : run(command)) {
            Matcher m = Pattern.compile("<object type=\"(PU|Core|Package|NUMANode|L[1-3]i?Cache)\"").matcher(line);
            while (m.find()) told.merge(m.group(1), 1, Integer::sum);
        }
        Topology t = HERE.usableOnly();
        Map<String, Integer> ours = new TreeMap<>(Map.of("PU", t.hartCount(), "Core", t.cores().size(), "Package",
                t.packages().size(), "NUMANode", t.nodes().size()));
        for (Cache c : t.caches()) ours.merge("L" + c.level() + (c.type() == CacheType.INSTRUCTION ? "i" : "") + "Cache", 1, Integer::sum);
        assertEquals(told, ours);
    }

    @Test void nodesSizesAndDistancesAreThoseOfNumactl() throws Exception {
        for (String line : run("numactl", "-H")) {
            Matcher cpus = Pattern.compile("node (\\d+) cpus:([ \\d]*)").matcher(line);
            if (cpus.matches()) {
                int[] numbers = Stream.of(cpus.group(2).strip().split(" ")).filter(s -> !s.isEmpty()).mapToInt(Integer::parseInt).toArray();
                assertEquals(CpuSet.of(numbers), node(cpus.group(1)).cpus());
            }
            Matcher size = Pattern.compile("node (\\d+) size: (\\d+) MB").matcher(line);
            if (size.matches()) assertEquals(Long.parseLong(size.group(2)), node(size.group(1)).memoryBytes() >> 20);
            Matcher row = Pattern.compile("\\s+(\\d+):((?:\\s+\\d+)+)").matcher(line);
            if (row.matches()) {
                String[] distances = row.group(2).strip().split("\\s+");
                int from = HERE.nodes().indexOf(node(row.group(1)));
                for (int to = 0; to < distances.length; to++) assertEquals(Integer.parseInt(distances[to]), HERE.nodeDistance(from, to));
            }
        }
    }

    private static NumaNode node(String number) {
        return HERE.nodes().stream().filter(n -> n.osIndex() == Integer.parseInt(number)).findFirst().orElseThrow();
    }

    @Test void usableCpusAreThoseThatCpuSetAllows() { assertEquals(CpuSet.allowed(), HERE.usable()); }

    @Test void cpuidAndTheKernelAgreeOnWhatTheProcessorCanDo() {
        assumeTrue(Abi.X86_64, "CPUID is an instruction of x86");
        assertFalse(HERE.remarks().stream().anyMatch(r -> r.text().startsWith("CPUID cannot")), () -> "" + HERE.remarks());
        var told = ProcCpuinfo.read(new FileTree(Path.of("/"))).get(HERE.usable().nextSetBit(0));
        Processor ours = HERE.processors().getFirst();
        assertEquals(told.vendor(), ours.vendor());
        assertEquals(told.family(), ours.family());
        assertEquals(told.model(), ours.model());
        assertEquals(told.stepping(), ours.stepping());
        assertEquals(told.name(), ours.name());
        assertTrue(ours.features().containsAll(List.of("fpu", "sse2", "lm")), () -> "" + ours.features());
        assertFalse(HERE.tlbs().isEmpty() && ours.hypervisor().isEmpty(), "a processor has translation buffers");
    }

    @Test void aCaptureOfThisMachineIsADumpThatGivesTheSameTopology() {
        assumeTrue(Abi.X86_64, "CPUID is an instruction of x86");
        try {
            var records = CpuidCapture.start(HERE.usable()).await();
            var copies = new TreeMap<Integer, CpuidRecord>();
            records.forEach((cpu, r) -> copies.put(cpu, CpuidDump.parse("pu" + cpu, r.dumpText())));
            assertEquals(HERE.usable().toArray().length, copies.size());
            assertEquals(new Topology(CpuidReader.read(records)).caches(), new Topology(CpuidReader.read(copies)).caches());
        } catch (SyscallException e) {
            assumeTrue(false, "executable memory is forbidden: " + e.getMessage());
        }
    }

    @Test void theKernelsDriverAnswersAsTheInstructionDoes() {
        assumeTrue(Abi.X86_64, "CPUID is an instruction of x86");
        var driver = new TreeMap<Integer, CpuidRecord>();
        CpuidDevice.capture(HERE.usable(), driver);
        assumeTrue(!driver.isEmpty(), "/dev/cpu/0/cpuid cannot be read: it needs root, and the kernel's cpuid driver");
        try {
            var executed = CpuidCapture.start(HERE.usable()).await();
            assertEquals(executed.keySet(), driver.keySet());
            Topology ours = new Topology(CpuidReader.read(executed)), theirs = new Topology(CpuidReader.read(driver));
            assertEquals(ours.caches(), theirs.caches());
            assertEquals(ours.tlbs(), theirs.tlbs());
            assertEquals(ours.cores(), theirs.cores());
            assertEquals(ours.processors(), theirs.processors());
            assertEquals(ours.remarks(), theirs.remarks());
        } catch (SyscallException e) {
            assumeTrue(false, "executable memory is forbidden: " + e.getMessage());
        }
    }

    @Test void discoveryLeavesNoDescriptorMappingOrThreadAndNoAffinityBehind() throws Exception {
        Topology.discover();
        if (Abi.X86_64) CpuidCapture.start(HERE.usable()).await(); // discovery may not have needed it
        var descriptors = LeakCheck.openDescriptors();
        long mask = maskWord();
        long mappings = executableMappings();
        for (int i = 0; i < 5; i++) {
            Topology.discover();
            if (Abi.X86_64) CpuidCapture.start(HERE.usable()).await();
        }
        assertEquals(descriptors, LeakCheck.openDescriptors());
        assertEquals(mappings, executableMappings());
        assertEquals(mask, maskWord());
        assertTrue(Thread.getAllStackTraces().keySet().stream().noneMatch(t -> t.getName().equals("torque-cpuid")));
    }

    /** Mappings of one executable page that is not writable and belongs to no file. */
    private static long executableMappings() throws Exception {
        return Files.readAllLines(Path.of("/proc/self/maps")).stream().filter(l -> l.matches("[0-9a-f-]+ r-xp 00000000 00:00 0\\s*")).count();
    }

    private static long maskWord() throws Exception {
        String line = Files.readAllLines(Path.of("/proc/thread-self/status")).stream().filter(l -> l.startsWith("Cpus_allowed_list"))
                .findFirst().orElseThrow();
        return CpuSet.parseList(line.substring(line.indexOf(':') + 1).strip()).words()[0];
    }

    @Test void interruptsAreCountedByCpuAndOnlyGrow() {
        InterruptLoad before = InterruptLoad.sample();
        InterruptLoad after = InterruptLoad.sample();
        InterruptLoad between = after.since(before);
        assertFalse(before.irqs().isEmpty());
        assertTrue(before.softirqNames().contains("NET_RX"));
        for (int cpu : HERE.online().toArray()) {
            assertTrue(after.interrupts(cpu) >= before.interrupts(cpu));
            assertEquals(after.interrupts(cpu) - before.interrupts(cpu), between.interrupts(cpu));
        }
        assertTrue(between.nanoTime() > 0);
    }

    @Test void theKernelTellsForHowLongCpusWereIdleAndAThreadHasRun() {
        int[] self = {org.libtorque.sys.Affinity.gettid()};
        CpuTimes before = CpuTimes.sample(self);
        for (int cpu : HERE.online().toArray()) assertTrue(before.idleNanos(cpu) >= 0);
        assertTrue(before.ranNanos(0) > 0 && before.delayNanos(0) >= 0);
        CpuTimes after;
        long end = System.nanoTime() + 30_000_000_000L;
        do { // brought up to date once in a tick
            after = CpuTimes.sample(self);
        } while (after.ranNanos(0) - before.ranNanos(0) < 10_000_000 && System.nanoTime() - end < 0);
        assertTrue(after.ranNanos(0) - before.ranNanos(0) >= 10_000_000);
        assertTrue(after.nanoTime() > before.nanoTime() && after.delayNanos(0) >= before.delayNanos(0));
    }
}
