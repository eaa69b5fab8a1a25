package org.libtorque.apps.topology;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.AnnotatedElementContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.io.TempDirFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.hardware.CpuKind;
import org.libtorque.hardware.Remark;
import org.libtorque.hardware.Topology;

class ReferenceMachineTest {
    @TempDir(factory = InMemory.class) Path folder;

    /** Ten thousands of small files take a minute on a disk and a second in memory. */
    static final class InMemory implements TempDirFactory {
        @Override public Path createTempDirectory(AnnotatedElementContext element, ExtensionContext context) throws IOException {
            Path memory = Path.of("/dev/shm");
            return Files.isWritable(memory) ? Files.createTempDirectory(memory, "torque-") : Files.createTempDirectory("torque-");
        }
    }

    /** Through the text form, so that what is printed is what is compared. */
    @ParameterizedTest @MethodSource("org.libtorque.apps.topology.ReferenceMachine#all")
    void everyFieldIsAsExpected(ReferenceMachine machine) throws Exception {
        Topology topology = machine.read(machine.unpack(folder));
        JsonObject actual = JsonParser.parseString(TopologyJson.text(topology, machine.name())).getAsJsonObject();
        assertEquals(List.of(), ExpectedTopology.differences(machine.expected(), actual));
        // Every other form must at least be made of it.
        assertTrue(TextReport.text(topology).contains("Processing unit type 1 of"));
        assertTrue(SvgPicture.text(topology, machine.name()).endsWith("</svg>\n"));
        assertTrue(DotGraph.text(topology).endsWith("}\n"));
    }

    @Test void thereAreFortyFourMachines() throws Exception {
        assumeTrue(Files.isDirectory(ReferenceMachine.SHARED), "there is no " + ReferenceMachine.SHARED);
        assertEquals(44, ReferenceMachine.all().size());
    }

    @Test void cachesComeFromTheDeviceTreeWhereSysfsHasNone() throws Exception {
        ReferenceMachine machine = ReferenceMachine.named("linux", "256ppc-8n8s4t");
        Path top = machine.unpack(folder);
        Topology with = machine.read(top);
        for (int cpu : with.online().toArray()) {
            Files.move(top.resolve("sys/devices/system/cpu/cpu" + cpu + "/cache"), folder.resolve("cache" + cpu));
        }
        assertEquals(List.of(), ExpectedTopology.differences(machine.expected(), TopologyJson.tree(machine.read(top), machine.name())));
    }

    @Test void sysfsAndCpuidOfOneMachineAreComparedAndCompleteEachOther() throws Exception {
        ReferenceMachine linux = ReferenceMachine.named("linux", "5intel64-hybrid-lakefield");
        Path tree = linux.unpack(folder.resolve("linux"));
        Path cpuid = ReferenceMachine.named("x86", "5intel64-hybrid-lakefield").unpack(folder.resolve("x86"));
        Topology both = Topology.ofSysfsAndCpuid(tree, cpuid);
        assertEquals(List.of(), ExpectedTopology.differences(linux.expected(), TopologyJson.tree(both, "both")));
        assertEquals(List.of(), both.remarks());
        assertEquals(List.of("IntelAtom", "IntelCore"), both.kinds().stream().map(CpuKind::coreType).toList());
        assertFalse(both.tlbs().isEmpty());
        Path other = ReferenceMachine.named("x86", "Intel-Core-2xXeon-E5345").unpack(folder.resolve("other"));
        assertTrue(Topology.ofSysfsAndCpuid(tree, other).remarks().stream().anyMatch(r -> r.kind() == Remark.Kind.DISAGREEMENT));
    }

    @Test void theComparisonSeesEveryDifference() throws Exception {
        ReferenceMachine machine = ReferenceMachine.named("linux", "memorysidecaches");
        JsonObject actual = TopologyJson.tree(machine.read(machine.unpack(folder)), machine.name());
        for (String key : List.of("pus", "packages", "caches", "numa_nodes", "smt", "cpu", "distances")) {
            JsonObject damaged = actual.deepCopy();
            damaged.remove(key);
            assertFalse(ExpectedTopology.differences(machine.expected(), damaged).isEmpty(), key);
        }
        JsonObject damaged = actual.deepCopy();
        damaged.getAsJsonArray("caches").get(7).getAsJsonObject().addProperty("ways", 99);
        assertEquals(1, ExpectedTopology.differences(machine.expected(), damaged).size());
    }
}
