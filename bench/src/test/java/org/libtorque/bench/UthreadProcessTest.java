package org.libtorque.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class UthreadProcessTest {
    @ParameterizedTest
    @EnumSource(value = UthreadPeer.class, mode = EnumSource.Mode.EXCLUDE, names = "PLATFORM")
    void threadsAreStartedParkedWokenAndEndedInAProcessOfTheirOwn(UthreadPeer peer) throws Exception {
        int count = 3_000;
        double[] line = figures(UthreadProcess.command(UthreadProcess.aliveHeapMebibytes(count) + "m", "alive", peer, cpus(), count));
        var figures = UthreadProcess.Alive.of(line);
        assertEquals(7, line.length);
        // Not less than the JDK's own objects for a thread; code that is not compiled yet has larger frames.
        assertTrue(figures.heapBytes() > 200 && figures.heapBytes() < 8_000, figures.line());
        assertTrue(figures.startedNanos() > 0 && figures.parkedNanos() >= figures.startedNanos() && figures.endedNanos() > 0, figures.line());
        assertTrue(figures.startedCpuNanos() > 0, figures.line());
        assertTrue(figures.parkedCpuNanos() >= 0 && figures.endedCpuNanos() >= 0, figures.line()); // counted in hundredths of a second
    }

    @ParameterizedTest
    @EnumSource(value = UthreadPeer.class, names = {"STEALING", "JDK"})
    void allThreadsOfACurveEndAndTheirCpuTimeIsToldFirst(UthreadPeer peer) throws Exception {
        int count = 200;
        double stepNanos = figures(UthreadProcess.command("64m", "calibrate", peer, cpus()))[0];
        assertTrue(stepNanos > 1 && stepNanos < 100_000, () -> "a step takes " + stepNanos + " ns");
        int steps = (int) Math.ceil(2e6 / stepNanos);
        double[] line = figures(UthreadProcess.command("64m", "curve", peer, cpus(), count, steps, 1_000, Math.max(1, steps / 10)));
        assertEquals(1 + count, line.length);
        for (int i = 2; i < line.length; i++) assertTrue(line[i] >= line[i - 1]);
        assertTrue(line[1] > 0);
        // The steps are really done: a tenth of what they should take would be too little on any machine whose clock rate varies.
        assertTrue(line[0] > count * steps * stepNanos / 1e6 / 10, () -> count + " times " + steps + " steps took " + line[0] + " ms of CPU time, though a step takes " + stepNanos + " ns");
    }

    private static List<Integer> cpus() { return BenchProgram.allowedCpus().stream().limit(2).toList(); }

    private static double[] figures(List<String> command) throws Exception {
        Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        try {
            String line = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            assertEquals(0, process.waitFor());
            return Stream.of(line.split(" ")).mapToDouble(Double::parseDouble).toArray();
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
