package org.libtorque.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class UthreadsAliveTest {
    @ParameterizedTest
    @EnumSource(value = UthreadPeer.class, mode = EnumSource.Mode.EXCLUDE, names = "PLATFORM")
    void threadsAreStartedParkedWokenAndEndedInAProcessOfTheirOwn(UthreadPeer peer) throws Exception {
        int count = 3_000;
        List<Integer> cpus = BenchProgram.allowedCpus().stream().limit(2).toList();
        List<String> command = UthreadProcess.command(UthreadProcess.aliveHeapMebibytes(count) + "m", "alive", peer, cpus, count);
        Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        try {
            String line = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            assertEquals(0, process.waitFor());
            var figures = UthreadProcess.Alive.of(Stream.of(line.split(" ")).mapToDouble(Double::parseDouble).toArray());
            assertEquals(line, figures.line());
            // Not less than the JDK's own objects for a thread; code that is not compiled yet has larger frames.
            assertTrue(figures.heapBytes() > 200 && figures.heapBytes() < 8_000, line);
            assertTrue(figures.startedNanos() > 0 && figures.parkedNanos() >= figures.startedNanos() && figures.endedNanos() > 0, line);
            assertTrue(figures.startedCpuNanos() > 0, line);
            assertTrue(figures.parkedCpuNanos() >= 0 && figures.endedCpuNanos() >= 0, line); // counted in hundredths of a second
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void theHeapHasRoomForAKibibyteEach() {
        assertTrue(UthreadProcess.aliveHeapMebibytes(1_000_000) > 2 * 1_000_000 / 1024);
        assertTrue(ProcFiles.availableMebibytes() > 0);
    }
}
