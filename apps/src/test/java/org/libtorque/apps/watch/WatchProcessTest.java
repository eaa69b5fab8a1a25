package org.libtorque.apps.watch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.TestProcess;

/** {@code torque watch} in a process of its own. */
class WatchProcessTest {
    private static final Duration START = Duration.ofSeconds(60);

    @TempDir Path folder;

    private static TestProcess start(String... options) throws IOException { return start(List.of(), List.of(), options); }

    private static TestProcess start(List<String> before, List<String> jvm, String... options) throws IOException {
        List<String> command = new ArrayList<>(before);
        command.addAll(List.of(TestProcess.java(), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "--enable-native-access=ALL-UNNAMED"));
        command.addAll(jvm);
        String classPath = System.getProperty("jdk.module.path", "") + File.pathSeparator + System.getProperty("java.class.path", "");
        command.addAll(List.of("-cp", classPath, "org.libtorque.apps.Main", "watch"));
        command.addAll(List.of(options));
        return TestProcess.start(new ProcessBuilder(command));
    }

    private static TestProcess ready(TestProcess process) {
        process.awaitLine("^torque watch: watching \\d+ sources? with (epoll|io_uring); SIGINT or SIGTERM ends it$", START);
        return process;
    }

    private static List<JsonObject> objects(TestProcess process) { return process.stdout().stream().map(line -> JsonParser.parseString(line).getAsJsonObject()).toList(); }

    @ParameterizedTest @ValueSource(strings = {"epoll", "io_uring"})
    void severalKindsOfEventsComeAsOneJsonObjectInEachLine(String backend) throws Exception {
        Process child = new ProcessBuilder("sleep", "60").start();
        try (var watch = ready(start("--json", "--backend", backend, "--path", folder.toString(), "--timer", "20ms", "--pid", Long.toString(child.pid()), "--net"))) {
            Files.writeString(folder.resolve("a"), "x");
            Files.move(folder.resolve("a"), folder.resolve("b"));
            child.destroyForcibly();
            Eventually.await(() -> "all are printed: " + watch, START, () -> {
                List<JsonObject> all = objects(watch);
                return all.stream().anyMatch(o -> o.get("what").getAsString().equals("renamed")) && all.stream().anyMatch(o -> o.get("source").getAsString().equals("pid"))
                        && all.stream().filter(o -> o.get("source").getAsString().equals("timer")).count() >= 3;
            });
            watch.signal("TERM");
            assertEquals(0, watch.awaitExit());
            List<JsonObject> all = objects(watch);
            JsonObject renamed = all.stream().filter(o -> o.get("what").getAsString().equals("renamed")).findFirst().orElseThrow();
            assertEquals(folder.resolve("b").toString(), renamed.get("subject").getAsString());
            assertEquals(folder.resolve("a").toString(), renamed.get("from").getAsString());
            JsonObject exit = all.stream().filter(o -> o.get("source").getAsString().equals("pid")).findFirst().orElseThrow();
            assertEquals("killed KILL " + child.pid(), exit.get("what").getAsString() + " " + exit.get("signal").getAsString() + " " + exit.get("subject").getAsString());
            assertTrue(all.stream().noneMatch(o -> o.get("what").getAsString().equals("found")), "only what is new");
            String last = "";
            for (JsonObject o : all) {
                assertTrue(o.get("time").getAsString().compareTo(last) >= 0 || o.get("time").getAsString().length() != last.length());
                last = o.get("time").getAsString();
            }
        } finally {
            child.destroyForcibly();
        }
    }

    @Test void aSignalThatTheLauncherHasBlockedComesWithItsSender() throws Exception {
        try (var watch = ready(start(List.of("env", "--block-signal=USR1,TERM,INT"), List.of("-Xrs"), "--json", "--signal", "usr1"))) {
            watch.signal("USR1");
            watch.awaitLine("\"source\":\"signal\",\"what\":\"USR1\",\"subject\":\"10\",\"pid\":\\d+,\"uid\":" + Files.getAttribute(Path.of("/proc/self"), "unix:uid"));
            watch.signal("INT");
            assertEquals(0, watch.awaitExit());
        }
    }

    @Test void whenNothingIsLeftToWatchItEnds() throws Exception {
        Process child = new ProcessBuilder("sh", "-c", "read x; exit 3").start();
        Path root = Files.createDirectory(folder.resolve("root"));
        try (var watch = ready(start("--pid", Long.toString(child.pid()), "--path", root.toString()))) {
            child.getOutputStream().close();
            watch.awaitLine("  pid       (exited|ended) .*" + child.pid());
            assertTrue(watch.isAlive());
            Files.delete(root);
            assertEquals(0, watch.awaitExit());
            assertTrue(watch.stdout().getLast().endsWith("  path      deleted     " + root + "  directory"), watch::toString);
        } finally {
            child.destroyForcibly();
        }
    }

    @Test void whatIsThereAtTheBeginningIsPrintedIfAskedFor() throws Exception {
        Path file = Files.writeString(folder.resolve("file"), "x");
        try (var watch = ready(start("--found", "--path", file.toString()))) {
            assertTrue(watch.awaitLine("  path      found       .*").group().endsWith(file.toString()), watch::toString);
            watch.signal("INT");
            assertEquals(0, watch.awaitExit());
        }
    }

    @Test void whenItsOutputIsClosedItEnds() throws Exception {
        try (var shell = TestProcess.start("sh", "-c", "\"$@\" | head -n 1; echo over", "sh", TestProcess.java(), "-XX:+UseSerialGC", "--enable-native-access=ALL-UNNAMED", "-cp",
                System.getProperty("jdk.module.path", "") + File.pathSeparator + System.getProperty("java.class.path", ""), "org.libtorque.apps.Main", "watch", "--timer", "5ms")) {
            shell.awaitLine("^over$", START);
            assertEquals(0, shell.awaitExit(START));
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "2 |                       | torque watch: nothing to watch: name some of --path, --net, --signal, --timer, --pid, --pressure (see 'torque help watch')",
        "2 | --signal NOPE         | torque watch: invalid value for option '--signal': 'NOPE' is no signal; known: HUP,.*",
        "2 | --net=links           | torque watch: invalid value for option '--net': 'links' is none of link, address, route, neighbour .*",
        "2 | --timer 0             | torque watch: invalid value for option '--timer': it must be above 0 .*",
        "2 | --timer soon          | torque watch: invalid value for option '--timer.*'soon' is not a time such as .*",
        "2 | --pid 0               | torque watch: invalid value for option '--pid': '0' is no process: they have numbers from 1 .*",
        "2 | --pid=-1              | torque watch: invalid value for option '--pid': '-1' is no process: they have numbers from 1 .*",
        "2 | --pressure disk       | torque watch: .*'disk' is not of the form cpu, memory:full or io:some:100ms/2s.*",
        "2 | --pressure io:some:3s/2s | torque watch: .*the stall of a pressure trigger must be above 0 and at most its window of 2000 ms.*",
        "2 | --pressure io:full:1s/20s | torque watch: .*must be 500 ms to 10 s long, not 20000 ms.*",
        "1 | --signal KILL         | torque watch: SIGKILL cannot be taken: .*",
        "1 | --signal RTMIN        | torque watch: SIGRTMIN cannot be taken: .*start the program by './torque'.*",
        "1 | --path /no/such/place | torque watch: cannot watch /no/such/place: .*there is no such directory",
        "1 | --pid 2147483647      | torque watch: process 2147483647: there is none.*",
    })
    void whatCannotBeWatchedIsSaidInOneLine(int code, String options, String expected) throws Exception {
        try (var watch = start(options == null ? new String[0] : options.split(" "))) {
            assertEquals(code, watch.awaitExit(START), watch::toString);
            List<String> said = watch.stderr().stream().filter(line -> line.startsWith("torque watch: ")).toList();
            assertEquals(1, said.size(), watch::toString);
            assertTrue(said.getFirst().matches(expected.replace("(", "\\(").replace(")", "\\)")), watch::toString);
        }
    }
}
