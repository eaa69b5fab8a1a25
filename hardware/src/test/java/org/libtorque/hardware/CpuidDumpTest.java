package org.libtorque.hardware;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CpuidDumpTest {
    @TempDir Path folder;

    private static CpuFacts facts(String lines) { return new CpuFacts(0, CpuidDump.parse("pu0", lines), new CpuTables()); }

    @ParameterizedTest
    @ValueSource(strings = {"1 2 3", "5 4 0 2 0 = 1 2 3 4", "5 4 0 2 0 => 1 2 3 xyz", "1f 0 0 0 0 => 0 0 0 0",
        "1 0 0 0 0 => 123456789 0 0 0", "1 0 0 0 0 => -1 0 0 0", "1 0 0 0 0 => 0 0 0 0 0", "\u0661 0 0 0 0 => 0 0 0 0"})
    void badLinesAreNamedWithFileAndLine(String line) throws Exception {
        Files.writeString(folder.resolve("pu0"), "# comment\n1 0 0 0 0 => 1 0 0 0\n" + line + "\n");
        var e = assertThrows(TopologyFormatException.class, () -> Topology.ofCpuidDump(folder));
        assertTrue(e.getMessage().contains("pu0:3: "), e.getMessage());
    }

    @Test void aFolderWithoutDumpsAnEmptyDumpAndAbsurdNumbersAreErrors() throws Exception {
        assertThrows(TopologyFormatException.class, () -> Topology.ofCpuidDump(folder));
        assertThrows(TopologyFormatException.class, () -> Topology.ofCpuidDump(folder.resolve("none")));
        Files.writeString(folder.resolve("pu0"), "# nothing\n");
        assertThrows(TopologyFormatException.class, () -> Topology.ofCpuidDump(folder));
        Files.writeString(folder.resolve("pu0"), "1 0 0 0 0 => 1 0 0 0\n");
        Files.writeString(folder.resolve("pu99999999999"), "1 0 0 0 0 => 1 0 0 0\n");
        assertThrows(TopologyFormatException.class, () -> Topology.ofCpuidDump(folder));
    }

    @Test void theFirstLineThatMatchesAnswersAndWhatIsNotThereIsZero() {
        CpuidRecord r = CpuidDump.parse("pu0", "5 4 0 1 0 => 1 2 3 4\n1 4 0 0 0 => 5 6 7 8\n5 4 0 2 0 => 9 9 9 9\n");
        assertEquals(1, r.query(4, 1, CpuidRecord.EAX));
        assertEquals(8, r.query(4, 2, CpuidRecord.EDX));
        assertEquals(0, r.query(5, 0, CpuidRecord.EAX));
    }

    @Test void whatIsWrittenIsReadAgain() {
        CpuidRecord r = CpuidDump.parse("pu0", "5 4 0 1 0 => ffffffff 2 3 4\n1 80000000 0 0 0 => 5 6 7 8\n");
        assertEquals(r.dumpText(), CpuidDump.parse("pu0", r.dumpText()).dumpText());
    }

    private static final String INTEL = "1 0 0 0 0 => %x 756e6547 6c65746e 49656e69\n";
    private static final String AMD = "1 0 0 0 0 => %x 68747541 444d4163 69746e65\n";

    @Test void leaf2TellsCachesWhereLeaf4DoesNotAndTheLowByteIsACount() {
        // Pentium 4: 66h L1d 8K, 40h no L2 or, if valid, no L3; 7Bh L2 512K; 50h ITLB, 5Bh DTLB.
        CpuFacts f = facts(INTEL.formatted(2) + "1 1 0 0 0 => f24 10800 0 10000000\n1 2 0 0 0 => 665b5001 0 0 7b7040\n");
        assertEquals(15, f.family);
        assertEquals(List.of("1 DATA 8192", "2 UNIFIED 524288"),
                f.caches.stream().map(c -> c.level() + " " + c.type() + " " + c.sizeBytes()).sorted().toList());
        assertEquals(List.of(64, 64), f.tlbs.stream().map(CpuFacts.TlbFact::entries).toList());
    }

    @Test void descriptor49IsAThirdLevelOnOneXeonAndASecondElsewhere() {
        assertEquals(3, new IntelDescriptors().caches(0x49, 15, 6).getFirst().level());
        assertEquals(2, new IntelDescriptors().caches(0x49, 6, 15).getFirst().level());
        assertEquals(64, IntelDescriptors.prefetchBytes(0xF0));
    }

    @Test void fullyAssociativeCachesSayMinusOne() {
        CpuFacts f = facts(INTEL.formatted(4) + "5 4 0 0 0 => 221 fc0003f 0 2\n");
        assertEquals(Cache.FULLY_ASSOCIATIVE, f.caches.getFirst().ways());
        assertEquals(Cache.Inclusion.INCLUSIVE, f.caches.getFirst().inclusion());
    }

    @Test void absurdCachesAreLeftOutAndReported() {
        CpuFacts f = facts(INTEL.formatted(4) + "1 4 0 0 0 => 21 ffffffff ffffffff 0\n");
        assertEquals(List.of(), f.caches);
        assertTrue(f.complaints.getFirst().contains("absurd"), f.complaints.getFirst());
    }

    @Test void shiftsThatFallBackAreNotBelieved() {
        CpuFacts f = facts(INTEL.formatted(11) + "1 1 0 0 0 => 0 1000000 0 0\n5 b 0 0 0 => 5 2 100 7\n5 b 0 1 0 => 1 8 201 7\n");
        assertEquals(1, f.apicId);
        assertTrue(f.complaints.getFirst().contains("leaf bh, subleaf 1"), f.complaints.getFirst());
    }

    @Test void amdsGigabyteBuffersAreRead() {
        CpuFacts f = facts(AMD.formatted(1) + "1 80000000 0 0 0 => 80000019 0 0 0\n1 80000019 0 0 0 => f040f020 60100000 0 0\n");
        assertEquals(List.of("1 DATA 64 -1", "1 INSTRUCTION 32 -1", "2 DATA 16 8"),
                f.tlbs.stream().map(t -> t.level() + " " + t.type() + " " + t.entries() + " " + t.ways()).toList());
        assertEquals(List.of(1L << 30), f.tlbs.getFirst().pageBytes());
    }

    @Test void namesLoseControlCharactersAndRunsOfBlanks() {
        String brand = "1 80000000 0 0 0 => 80000004 0 0 0\n1 80000002 0 0 0 => 20204120 07422020 43 0\n";
        assertEquals("A B C", facts(INTEL.formatted(1) + brand + "1 80000003 0 0 0 => 44 0 0 0\n").name);
    }

    @Test void oneApicIdForTwoCpusIsReported() throws Exception {
        for (int cpu = 0; cpu < 2; cpu++) Files.writeString(folder.resolve("pu" + cpu), INTEL.formatted(1) + "1 1 0 0 0 => 6f7 0 0 0\n");
        Topology t = Topology.ofCpuidDump(folder);
        assertEquals(1, t.cores().size());
        assertTrue(t.remarks().getFirst().text().contains("same APIC id"), "" + t.remarks());
    }
}
