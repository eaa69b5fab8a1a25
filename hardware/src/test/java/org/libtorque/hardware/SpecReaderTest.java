package org.libtorque.hardware;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SpecReaderTest {
    @Test void theExampleOfTheManualIsUnderstood() {
        Topology t = Topology.of("node:2 package:1 core:8 hart:2 l3:core*4");
        assertEquals(32, t.hartCount());
        assertEquals(2, t.packages().size());
        assertEquals(16, t.cores().size());
        assertEquals(List.of(CpuSet.parseList("0-7"), CpuSet.parseList("8-15"), CpuSet.parseList("16-23"), CpuSet.parseList("24-31")),
                t.caches().stream().map(Cache::cpus).toList());
        assertEquals(2, t.smt());
        assertEquals(1, t.nodeOf(31).osIndex());
    }

    @Test void sharingDoesNotCrossTheLevelAbove() {
        Topology t = Topology.of("package:2 core:3 l2:core*2");
        assertEquals(List.of("0-1", "2", "3-4", "5"), t.caches().stream().map(c -> c.cpus().toString()).toList());
    }

    @Test void countsTakeTurns() {
        Topology t = Topology.of("package:2 core:1,3 hart:2");
        assertEquals(List.of(1, 3), t.packages().stream().map(p -> p.cores().size()).toList());
    }

    @Test void numbersCanBeTheKernelsUsualOrTold() {
        assertEquals(CpuSet.of(0, 4), Topology.of("core:4 hart:2 numbering:linux").coreOf(0).cpus());
        Topology t = Topology.of("package:2 core:2 cpus:0,8,4,12 packages:0,2");
        assertEquals(CpuSet.of(4, 12), t.packages().get(1).cpus());
        assertEquals(2, t.packages().get(1).osIndex());
    }

    @Test void offlineAndForbiddenCpusAreTold() {
        Topology t = Topology.of("package:2 core:4 offline:1 allowed:2-5 quota:1.5");
        assertEquals(CpuSet.of(1), t.offline());
        assertEquals(CpuSet.parseList("2-5"), t.usable());
        assertEquals(CpuSet.parseList("0,6-7"), t.disallowed());
        assertEquals(1.5, t.limits().quotaCpus());
        Topology usable = t.usableOnly();
        assertEquals(List.of(CpuSet.of(2, 3), CpuSet.of(4, 5)), usable.packages().stream().map(CpuPackage::cpus).toList());
    }

    @Test void cachesBuffersKindsAndGpusAreTold() {
        Topology t = Topology.of("core:3 hart:1 l1d:core=48K/64/12 dtlb1:core=4K+2M/96/full kinds:1*1,2*0 "
                + "gpu:\"GeForce GTS 360M\"/1.2/96/1G name:\"A  CPU\" family:6");
        assertEquals(64, t.caches().getFirst().sets());
        assertEquals(List.of(4096L, 2L << 20), t.tlbs().getFirst().pageBytes());
        assertEquals(List.of(CpuSet.of(1, 2), CpuSet.of(0)), t.kinds().stream().map(CpuKind::cpus).toList());
        assertEquals(12, t.gpus().getFirst().multiprocessors());
        assertEquals(6, t.processors().getFirst().family());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "core|5", "core:|6", "core:x|6", "core:0|6", "core:2 core:2|13", "rubbish:1|9", "core:2 l2:die|11", "core:2 l2:core=1Q|11",
        "core:99999|6", "core:2 name:\"open|13", "core:2 cpus:0|13", "core:2 offline:0-1|16", "core:2 dtlb1:core=4K|14",
        "core:2 kinds:1*0|14", "core:2 distances:1,2|18", "core:2 quota:-1|14", "core:2 gpu:a/b|12", "core:2 cpus:1,1|13",
        "node:128 core:128 hart:128|1",
    })
    void mistakesAreNamedWithTheirColumn(String spec, int column) {
        var e = assertThrows(TopologyFormatException.class, () -> Topology.of(spec));
        assertTrue(e.getMessage().startsWith("spec, column " + column + ":"), e.getMessage());
    }

    @Test void aSpecOfNothingIsAnError() {
        assertThrows(TopologyFormatException.class, () -> Topology.of(""));
        assertThrows(TopologyFormatException.class, () -> Topology.of("name:x"));
    }
}
