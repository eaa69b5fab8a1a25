package org.libtorque.sys;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class CpuidKernelTest {
    @Test void leafZeroIsTheVendorThatTheKernelShows() throws IOException {
        assumeTrue(Abi.X86_64, "CPUID is an instruction of x86");
        var out = new int[4];
        try (var cpuid = new Cpuid(ErrnoSlot.current())) {
            cpuid.execute(0, 0, out);
        }
        var vendor = new StringBuilder();
        for (int register : new int[] {1, 3, 2}) {
            for (int shift = 0; shift < 32; shift += 8) vendor.append((char) (out[register] >> shift & 0xFF));
        }
        String shown = Files.readString(Path.of("/proc/cpuinfo")).lines().filter(l -> l.startsWith("vendor_id")).findFirst().orElseThrow();
        assertEquals(shown.substring(shown.indexOf(':') + 1).strip(), vendor.toString().strip());
        assertTrue(out[0] > 0, "highest leaf");
    }

    @Test void subleavesAreAskedForAndTheCodePageIsNotWritable() throws IOException {
        assumeTrue(Abi.X86_64, "CPUID is an instruction of x86");
        try (var cpuid = new Cpuid(ErrnoSlot.current())) {
            var first = new int[4];
            var again = new int[4];
            cpuid.execute(7, 0, first);
            cpuid.execute(7, 0, again);
            assertArrayEquals(first, again);
            List<String> both = Files.readAllLines(Path.of("/proc/self/maps")).stream().filter(l -> l.contains("rwx")).toList();
            // The JIT compiler's own code cache is such a mapping; ours must not be, and is two pages of 4 KB at most.
            assertTrue(both.stream().noneMatch(l -> pages(l) <= 2), () -> "" + both);
        }
    }

    private static long pages(String line) {
        String[] range = line.substring(0, line.indexOf(' ')).split("-");
        return (Long.parseUnsignedLong(range[1], 16) - Long.parseUnsignedLong(range[0], 16)) / Mapping.PAGE_SIZE;
    }

    @Test void onlyX86HasIt() {
        if (Abi.X86_64) new Cpuid(ErrnoSlot.current()).close();
        else assertThrows(UnsupportedOperationException.class, () -> new Cpuid(ErrnoSlot.current()));
    }
}
