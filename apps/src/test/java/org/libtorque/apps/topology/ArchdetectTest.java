package org.libtorque.apps.topology;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.libtorque.hardware.Topology;

/**
 * The printed reports of the three machines in {@code ../shared/archdetect}, line by line, from specs of them. Blanks are
 * folded: those reports lost theirs. Our report has lines that they have not, which is no difference.
 */
class ArchdetectTest {
    private static final String CORE2_TLBS = " itlb1:core=4K/128/4 itlb1:core=2M/8/4 dtlb1:core=4K/16/4 dtlb1:core=4M/16/4 "
            + "dtlb2:core=4K/256/4 dtlb2:core=4M/32/4";
    private static final String CORE2_CACHES = " l1i:core=32K/64/8 l1d:core=32K/64/8 l2:core*2=4M/64/16";

    private static final Map<String, String> SPECS = Map.of(
            "core2-duo-6600", "package:1 core:2 memory:3980532K family:6 model:15 stepping:6 type:OEM "
                    + "name:\"Intel(R) Core(TM)2 CPU 6600 @ 2.40GHz\"" + CORE2_CACHES + CORE2_TLBS,
            "xeon-x7350-wopr", "package:4 core:4 packages:0,2,4,6 cpus:0,8,4,12,1,9,5,13,2,10,6,14,3,11,7,15 memory:66110180K "
                    + "family:6 model:15 stepping:11 type:OEM name:\"Intel(R) Xeon(R) CPU X7350 @ 2.93GHz\"" + CORE2_CACHES
                    + CORE2_TLBS,
            // The report says "16-shared" of a cache of eight threads and "8 cores (4 logical)": see EXCEPTIONS.
            "i7-q720", "package:1 core:4 hart:2 numbering:linux memory:8131244K hugepages:4M*0 family:6 model:30 stepping:5 "
                    + "type:OEM name:\"Intel(R) Core(TM) i7 CPU Q 720 @ 1.60GHz\" features:\"mmx sse sse2 pni ssse3 sse4_1 sse4_2 "
                    + "sse4a\" l1i:core=32K/64/4 l1d:core=32K/64/8 l2:core=256K/64/8 l3:package=6M/64/12 itlb1:core=4K/64/4 "
                    + "dtlb1:core=4M/32/4 itlb2:core=4K/7/7 dtlb2:core=4K/64/4 dtlb2:core=4K/512/4 "
                    + "gpu:\"GeForce GTS 360M\"/1.2/96");

    /** What the old program got wrong, and what is right. */
    private static final Map<String, String> EXCEPTIONS = Map.of(
            "Cache 4 of 4: 6MB total, 64B line, 12-assoc, 16-shared (L3 unified)",
            "Cache 4 of 4: 6MB total, 64B line, 12-assoc, 8-shared (L3 unified)",
            "2 threads per processing core, 8 cores (4 logical) per package",
            "2 threads per processing core, 4 cores (8 logical) per package");

    @ParameterizedTest @ValueSource(strings = {"core2-duo-6600", "xeon-x7350-wopr", "i7-q720"})
    void everyLineOfTheOldReportIsInOurs(String machine) throws Exception {
        Path file = ReferenceMachine.shared("archdetect").resolve(machine + ".txt");
        assumeTrue(Files.exists(file), "there is no " + file);
        var ours = new ArrayList<>(TextReport.text(Topology.of(SPECS.get(machine))).lines().map(ArchdetectTest::folded).toList());
        var missing = new ArrayList<String>();
        for (String line : Files.readAllLines(file)) {
            String wanted = folded(line);
            if (!ours.remove(EXCEPTIONS.getOrDefault(wanted, wanted))) missing.add(wanted);
        }
        assertEquals(List.of(), missing, () -> "ours has besides: " + ours);
    }

    /**
     * Folds blanks, the commas that only the later version had, the place of "(OEM)" and of the word x86, which the versions
     * print differently.
     */
    private static String folded(String line) {
        return line.strip().replaceAll("\\s+", " ").replaceAll("(?<=\\d),(?=\\d{3})", "").replace("( ", "(")
                .replace(" (OEM)", "").replaceAll(" in (\\S+) pages", ", $1 pages").replaceAll(": x86$", ":");
    }
}
