package org.libtorque.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class ProcFilesTest {
    @Test
    void cpuTicksAreUserPlusSystemTimeWhateverTheCommandIsCalled() {
        String rest = " S 1 42 42 0 -1 4194560 2041 0 3 0 1234 567 0 0 20 0 31 0 8812 4096 512";
        assertEquals(1801, ProcFiles.cpuTicks("42 (java)" + rest));
        assertEquals(1801, ProcFiles.cpuTicks("42 (a) S (b c)" + rest));
    }

    @Test
    void ownCpuTimeGrowsWithWork() {
        long pid = ProcessHandle.current().pid();
        long before = ProcFiles.cpuTicks(pid);
        long until = System.nanoTime() + 30_000_000_000L;
        while (ProcFiles.cpuTicks(pid) < before + 3 && System.nanoTime() < until) Thread.onSpinWait();
        assertTrue(ProcFiles.cpuTicks(pid) >= before + 3);
        assertTrue(ProcFiles.voluntarySwitches(pid) > 0);
        assertTrue(ProcFiles.residentKib(pid) > 1024);
    }

    @Test
    void aProcessThatHasEndedReadsAsZero() throws Exception {
        Process process = new ProcessBuilder("true").start();
        process.waitFor();
        assertEquals(0, ProcFiles.cpuTicks(process.pid()));
        assertEquals(0, ProcFiles.voluntarySwitches(process.pid()));
        assertEquals(0, ProcFiles.residentKib(process.pid()));
    }

    @Test
    void busyTicksSumTheChosenCpusWithoutIdleTimeAndInterrupts() {
        String stat = """
                cpu  1000 1000 1000 1000 1000 1000 1000 1000 0 0
                cpu0 1 2 4 1000 1000 1000 1000 8 0 0
                cpu1 16 32 64 1000 1000 1000 1000 128 0 0
                cpu11 5000 5000 5000 1000 1000 1000 1000 5000 0 0
                intr 12345 0 0
                """;
        assertEquals(15, ProcFiles.busyTicks(stat, Set.of(0)));
        assertEquals(255, ProcFiles.busyTicks(stat, Set.of(0, 1)));
    }

    @Test
    void readsListsOfCpus() {
        assertEquals(List.of(0, 1, 2, 8), CpuList.parse("0-2,8\n"));
        assertEquals(List.of(3), CpuList.parse("3"));
        assertTrue(!CpuList.parse(ProcFiles.allowedCpus()).isEmpty());
    }

    @Test
    void namesTheProcessorOnBothArchitectures() {
        assertEquals("AMD EPYC (family 25, model 17)",
                Machine.cpuModel("processor\t: 0\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\n"));
        assertEquals("implementer 0x41, part 0xd40",
                Machine.cpuModel("processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd40\n"));
    }
}
