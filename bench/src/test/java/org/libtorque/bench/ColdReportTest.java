package org.libtorque.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ColdReportTest {
    private static ColdMeasurement measured(String peer, int round, boolean files, double p99) {
        return new ColdMeasurement(peer, round, files ? new SkewMeasurement.Group(3000, 500, 1, 0, 0, 900, 4000, 5000) : null,
                new SkewMeasurement.Group(12_000, 2000, 0, 0, 0, 50, p99, 2 * p99), files ? 0.98 : Double.NaN, new CpuUse(6, 3, 100, 0.2, 0.05));
    }

    private final ColdReport report = new ColdReport(List.of("a", "b", "c"), Map.of("c", "not here"), List.of(
            measured("a", 1, false, 100), measured("a", 1, true, 150), measured("b", 1, false, 100), measured("b", 1, true, 1000),
            measured("a", 2, false, 200), measured("a", 2, true, 400), measured("b", 2, false, 100)));

    @Test void ratiosAreWithinRoundsAndWhatWasNotMeasuredIsLeftOut() {
        String table = report.table();
        List<String> rows = table.lines().filter(line -> line.startsWith("| a") || line.startsWith("| b")).toList();
        assertEquals(2, rows.size(), table);
        assertEquals("| a | 50.0 | 50.0 | 150 | 275 | **1.75** (1.50–2.00) | 2,000 | 0 | 500 | 4.00 | 98 % | 0.50 | 2 |", rows.get(0));
        assertTrue(rows.get(1).contains("**10.00** (10.00–10.00)"), rows.get(1));
        assertTrue(table.contains("not here"), table);
    }

    @Test void anEvictedFileIsReadFromDiskAgain(@TempDir Path folder) throws IOException {
        Path file = Files.write(folder.resolve("file"), new byte[1 << 20]);
        try (var channel = java.nio.channels.FileChannel.open(file, java.nio.file.StandardOpenOption.WRITE)) {
            channel.force(true);
        }
        List<Long> self = List.of(ProcessHandle.current().pid());
        Files.readAllBytes(file);
        long before = ProcFiles.bytesFromDisk(self);
        PageCache.evict(List.of(file));
        assertEquals(1 << 20, Files.readAllBytes(file).length);
        org.junit.jupiter.api.Assumptions.assumeFalse(Files.getFileStore(folder).type().equals("tmpfs"), "the temporary folder is in memory");
        assertTrue(ProcFiles.bytesFromDisk(self) - before >= 1 << 19, "read from disk: " + (ProcFiles.bytesFromDisk(self) - before));
    }
}
