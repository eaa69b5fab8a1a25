package org.libtorque.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.libtorque.bench.loops.TightLoop;

final class WeaveTest {
    /** Seconds and checkpoints of a process. */
    private static String[] run(Path agent, String workload) throws Exception {
        List<Integer> cpu = BenchProgram.allowedCpus().subList(0, 1);
        Process process = new ProcessBuilder(WeaveProcess.command(agent, workload, cpu, 0, 1)).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        try {
            String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            assertEquals(0, process.waitFor());
            return text.split(" ");
        } finally {
            process.destroyForcibly();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"calls", "IS.S"})
    void theAgentWeavesWhatIsMeasuredAndNothingIsWovenWithoutIt(String workload, @TempDir Path folder) throws Exception {
        String[] plain = run(null, workload);
        String[] woven = run(WeaveProcess.agent(folder), workload);
        assertEquals("0", plain[1]);
        assertTrue(Integer.parseInt(woven[1]) > 0, woven[1]);
        assertTrue(Double.parseDouble(plain[0]) > 0 && Double.parseDouble(woven[0]) > 0);
    }

    @Test
    void loopsComputeSomething() {
        for (TightLoop loop : List.of(TightLoop.SUM, TightLoop.AXPY, TightLoop.CHAIN, TightLoop.SEARCH)) {
            long result = loop.run();
            assertTrue(result != 0, loop.id());
            assertEquals(result, loop.run(), loop.id());
        }
        assertEquals(14_930_352, TightLoop.CALLS.run());
    }
}
