package org.libtorque.apps.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;

import org.libtorque.apps.Main;
import org.libtorque.testkit.TestProcess;

/** The command as a process of its own. */
class LoadSystemTest {
    private static TestProcess start(String... arguments) throws Exception {
        var command = new ArrayList<>(List.of(TestProcess.java(), "--enable-native-access=ALL-UNNAMED,org.libtorque.sys",
                "-cp", System.getProperty("java.class.path") + ":" + System.getProperty("jdk.module.path", ""), Main.class.getName(), "load"));
        command.addAll(List.of(arguments));
        return TestProcess.start(command.toArray(String[]::new));
    }

    @Test
    void aSignalPrintsTheResultSoFar() throws Exception {
        var reply = CannedServer.ok("fine");
        for (var signal : List.of("INT", "TERM")) {
            try (var server = new CannedServer((n, all) -> reply);
                    var load = start(server.url(), "-c", "2", "--warmup", "0", "-d", "1h", "--json")) {
                load.awaitLine("measuring ([2-9]|\\d\\d+) s  [0-9,]+ requests/s  2 connections  0 errors");
                load.signal(signal);
                assertEquals(0, load.awaitExit(), load::toString);
                assertEquals(1, load.stdout().size(), load::toString);
                var json = new LoadResultTest.JsonReader(load.stdout().getFirst()).read();
                assertTrue((Double) json.get("requests") > 0, load::toString);
                assertTrue((Double) json.get("seconds") > 1.5 && (Double) json.get("seconds") < 100, load::toString);
                assertTrue((Double) json.get("cpu_seconds") > 0, load::toString);
                assertEquals(0.0, json.get("errors"), load::toString);
            }
        }
    }

    @Test
    void quietMeansOnlyTheResult() throws Exception {
        var reply = CannedServer.ok("fine");
        try (var server = new CannedServer((n, all) -> reply);
                var load = start(server.url(), "-c", "1", "--warmup", "0", "-d", "1s", "--quiet")) {
            assertEquals(0, load.awaitExit(), load::toString);
            assertTrue(load.stderr().stream().noneMatch(line -> line.contains("requests/s")), load::toString);
            assertEquals("first answer: status 200, body of 4 bytes", load.stdout().get(1));
            assertTrue(load.stdout().getLast().matches("  errors +none"), load::toString);
        }
    }

    @Test
    void aRefusedConnectionIsOneLineAndExitCodeOne() throws Exception {
        String url;
        try (var server = new CannedServer((n, all) -> null)) {
            url = server.url();
        }
        try (var load = start(url)) {
            assertEquals(1, load.awaitExit(), load::toString);
            assertEquals(List.of(), load.stdout());
            assertTrue(load.stderr().getLast().matches("torque load: cannot connect to 127\\.0\\.0\\.1:\\d+: ECONNREFUSED \\(Connection refused\\)"), load::toString);
        }
    }
}
