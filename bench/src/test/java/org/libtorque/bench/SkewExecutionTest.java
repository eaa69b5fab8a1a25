package org.libtorque.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.libtorque.apps.cli.LoadGroup;
import org.libtorque.apps.cli.LoadOptions;

final class SkewExecutionTest {
    /** What {@code torque load} makes of the command, from its URL on. */
    private static LoadOptions options(SkewCase load, boolean together) {
        var execution = new SkewExecution(List.of("torque", "load"), List.of(0, 1), List.of(1), 10_000, together, Path.of("/tmp"), null);
        List<String> command = execution.command(load, 8080, 1.5, 6);
        assertEquals(List.of("taskset", "-c", "1", "torque", "load"), command.subList(0, 5));
        return LoadOptions.parse(command.subList(5, command.size()).toArray(String[]::new));
    }

    @Test
    void heavyAndLightConnectionsShareAVcoreUnlessToldOtherwise() {
        assertEquals(List.of(
                new LoadGroup("heavy", 8, "/work?us=200", 0, 1, List.of(0), Duration.ZERO),
                new LoadGroup("light", 56, "/work?us=5", 10_000, 1, List.of(0), Duration.ZERO)), options(SkewCase.SKEW8, true).groups());
        assertEquals(List.of(), options(SkewCase.SKEW8, false).groups().get(1).vcores());
        assertEquals(1, options(SkewCase.SKEW1, true).groups().getFirst().connections());
    }

    @Test
    void nothingIsHeavyInTheFloorAndTheGeneratorHasAsMuchToDo() {
        assertEquals(List.of(
                new LoadGroup("heavy", 8, "/work?us=5", 6_000, 1, List.of(0), Duration.ZERO),
                new LoadGroup("light", 56, "/work?us=5", 10_000, 1, List.of(0), Duration.ZERO)), options(SkewCase.FLOOR, true).groups());
    }

    @Test
    void theHeavySetMovesEverySecond() {
        assertEquals(List.of(
                new LoadGroup("heavy", 8, "/work?us=200", 0, 1, List.of(0, 1), Duration.ofSeconds(1)),
                new LoadGroup("light", 28, "/work?us=5", 10_000, 1, List.of(0, 1), Duration.ZERO)), options(SkewCase.MOVING, true).groups());
        assertEquals(56, options(SkewCase.MOVING, false).groups().get(1).totalConnections());
    }

    @ParameterizedTest
    @EnumSource(SkewCase.class)
    void everyCaseSaysHowLongAndIsReportedInJson(SkewCase load) {
        LoadOptions options = options(load, true);
        assertEquals(Duration.ofMillis(1_500), options.warmup());
        assertEquals(Duration.ofSeconds(6), options.duration());
        assertTrue(options.json() && options.quiet());
        assertEquals(load.skewed ? 2 : 1, options.groups().size());
        assertEquals(load.skewed || load == SkewCase.PACED, options.groups().getLast().isPaced());
        assertEquals(load, SkewCase.byId(load.id));
    }

    @Test
    void readsTheReportOfAGroup() throws IOException {
        var report = SkewExecution.report("""
                a line of text
                {"requests": 3, "groups": {"heavy": {"requests": 100, "requests_per_second": 20.0, "errors": 1, "unserved_connections": 2,
                """.replace("\n", " ").replace("a line of text ", "a line of text\n") + """
                "latency_us": {"p50": 1.5, "p99": 2.5, "p999": 3.5}}, "light": {"requests": 1, "requests_per_second": 1, "errors": 0, \
                "unserved_connections": 0, "latency_us": {}, "open_loop": {"rate": 10, "due": 9, "unanswered": 7}}}}
                """);
        assertEquals(new SkewMeasurement.Group(100, 20, 1, 2, 0, 1.5, 2.5, 3.5), SkewExecution.group(report, "heavy"));
        assertEquals(7, SkewExecution.group(report, "light").unanswered());
        assertThrows(IOException.class, () -> SkewExecution.group(report, "none"));
        assertThrows(IOException.class, () -> SkewExecution.report("connection refused"));
    }
}
