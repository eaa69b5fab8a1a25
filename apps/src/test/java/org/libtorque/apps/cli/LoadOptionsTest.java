package org.libtorque.apps.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import org.libtorque.hardware.CpuSet;

import picocli.CommandLine.ParameterException;

class LoadOptionsTest {
    @Test
    void theDefaultsAreAPlainClosedLoop() {
        var options = LoadOptions.parse("http://localhost:8080/plaintext");
        assertEquals("GET", options.method());
        assertEquals(1, options.pipeline());
        assertEquals(0, options.requestsPerConnection());
        assertEquals(0, options.body().length);
        assertEquals(List.of(), options.fields());
        assertEquals(List.of(), options.sources());
        assertTrue(options.cpus().isEmpty());
        assertEquals(BackendChoice.AUTO, options.backend());
        assertFalse(options.json());
        assertEquals(0, options.rate());
        assertEquals(List.of(new LoadGroup("", 64, "/plaintext", 0, 1, List.of(), Duration.ZERO)), options.effectiveGroups());
    }

    @Test
    void aRateMakesItAnOpenLoop() {
        var options = LoadOptions.parse("localhost/p", "--rate", "10000", "-c", "8");
        assertEquals(10_000, options.rate());
        assertEquals(List.of(new LoadGroup("", 8, "/p", 10_000, 1, List.of(), Duration.ZERO)), options.effectiveGroups());
        assertTrue(options.effectiveGroups().getFirst().isPaced());
    }

    @Test
    void groupsHaveTheirOwnConnectionsPathsRatesAndPlaces() {
        var options = LoadOptions.parse("localhost/p?q=1", "--group", "heavy connections=8 path=/work?us=200&a=1,2 vcore=0,1 move=500ms",
                "-g", " light\tconnections=56  rate=10000 path=/work?us=5 vcore=1", "--group", "rest pipeline=3",
                "--group", "all path=/hash/*?rounds=5 numbers=1000000000");
        assertEquals(List.of(
                new LoadGroup("heavy", 8, "/work?us=200&a=1,2", 0, 1, List.of(0, 1), Duration.ofMillis(500)),
                new LoadGroup("light", 56, "/work?us=5", 10_000, 1, List.of(1), Duration.ZERO),
                new LoadGroup("rest", 1, "/p?q=1", 0, 3, List.of(), Duration.ZERO),
                new LoadGroup("all", 1, "/hash/*?rounds=5", 0, 1, List.of(), Duration.ZERO, 1_000_000_000)), options.groups());
        assertEquals(options.groups(), options.effectiveGroups());
        assertEquals(16, options.groups().getFirst().totalConnections());
        assertEquals(56, options.groups().get(1).totalConnections());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "''|begins with a name", "a,b|begins with a name", "a connections=0|no number within 1 to 1000000", "a connections=x|no number",
        "a rate=0|no number within 1 to 1000000000", "a rate=1e3|no number", "a rate=|no number", "a pipeline=100001|no number within 1 to 100000",
        "a path=work|no path such as", "a path=/a#b|no path such as", "a path=/%|no path such as", "a vcore=|no number", "a vcore=0,|no number",
        "a vcore=1,1|names vcore 1 twice", "a move=1s|needs two vcores", "a vcore=0 move=1s|needs two vcores", "a vcore=0,1 move=1|is not a time",
        "a vcore=0,1 move=1s rate=5|so it has no rate", "a rate=1 rate=2|says rate twice", "a colour=red|where there should be",
        "a b|where there should be", "a path=/* numbers=0|no number within 1 to 1000000000", "a path=/b numbers=5|its path needs an asterisk",
    })
    void aWrongGroupSaysWhatIsWrong(String group, String message) {
        var e = assertThrows(ParameterException.class, () -> LoadOptions.parse("localhost", "--group", group));
        assertTrue(e.getMessage().startsWith("invalid value for option '--group': '"), e.getMessage());
        assertTrue(e.getMessage().contains(message), e.getMessage());
    }

    @ParameterizedTest
    @CsvSource({"--connections,5", "--pipeline,5", "--rate,5"})
    void whatGroupsHaveThemselvesIsNotForAll(String option, String value) {
        var e = assertThrows(ParameterException.class, () -> LoadOptions.parse("localhost", "--group", "a", option, value));
        assertEquals("invalid value for option '" + option + "': with --group each group has its own", e.getMessage());
    }

    @Test
    void groupNamesDiffer() {
        var e = assertThrows(ParameterException.class, () -> LoadOptions.parse("localhost", "--group", "a", "--group", "a rate=1"));
        assertTrue(e.getMessage().endsWith("there are two groups named 'a'"), e.getMessage());
    }

    @Test
    void everyOptionReachesTheRecord() {
        var options = LoadOptions.parse("-c", "100", "-p", "8", "-d", "500ms", "--warmup", "0", "--requests-per-connection", "10",
                "-X", "PUT", "-H", "Accept: */*", "--header", "X: y", "--body", "h\u00e9", "--cpus", "1", "--backend", "io_uring",
                "--sources", "127.0.0.1,127.0.0.2", "--json", "--timeout", "3s", "--quiet", "http://localhost/");
        assertEquals(100, options.connections());
        assertEquals(8, options.pipeline());
        assertEquals(Duration.ofMillis(500), options.duration());
        assertEquals(Duration.ZERO, options.warmup());
        assertEquals(10, options.requestsPerConnection());
        assertEquals("PUT", options.method());
        assertEquals(List.of(new HttpField("Accept", "*/*"), new HttpField("X", "y")), options.fields());
        assertArrayEquals("h\u00e9".getBytes(StandardCharsets.UTF_8), options.body());
        assertEquals(CpuSet.of(1), options.cpus());
        assertEquals(BackendChoice.IO_URING, options.backend());
        assertEquals(List.of(Parse.address("127.0.0.1"), Parse.address("127.0.0.2")), options.sources());
        assertTrue(options.json());
        assertEquals(Duration.ofSeconds(3), options.timeout());
        assertTrue(options.quiet());
    }

    @ParameterizedTest
    @CsvSource({
        "http://localhost,               localhost,      80,   localhost,       /",
        "localhost:8080,                 localhost,      8080, localhost:8080,  /",
        "http://127.0.0.1:1/a%20b?c=d%26, 127.0.0.1,     1,    127.0.0.1:1,     /a%20b?c=d%26",
        "http://[::1]:9000?q,            ::1,            9000, [::1]:9000,      /?q",
    })
    void theUrlGivesAddressHostFieldAndRequestTarget(String url, String host, int port, String authority, String target) {
        var options = LoadOptions.parse(url);
        assertEquals(host, options.host());
        assertEquals(port, options.port());
        assertEquals(authority, options.authority());
        assertEquals(target, options.requestTarget());
    }

    @Test
    void aBodyMakesItAPostUnlessAMethodIsNamed(@TempDir Path dir) throws Exception {
        var file = Files.write(dir.resolve("body"), new byte[] {1, 2, 3});
        assertEquals("POST", LoadOptions.parse("x", "--body-file", file.toString()).method());
        assertEquals("GET", LoadOptions.parse("x", "--body", "text", "-X", "GET").method());
        assertArrayEquals(new byte[] {1, 2, 3}, LoadOptions.parse("x", "--body-file", file.toString()).body());
    }

    @Test
    void theRecordKeepsItsOwnCopyOfTheBody() {
        var options = LoadOptions.parse("x", "--body", "text");
        options.body()[0] = 0;
        assertEquals('t', options.body()[0]);
    }

    @ParameterizedTest
    @CsvSource({
        "--connections,0", "--pipeline,0", "--rate,-1", "--rate,1000000001",
        "--requests-per-connection,-1", "--duration,0", "--warmup,1", "--header,x", "--method,G T",
        "--body-file,/no/such/file", "--sources,'127.0.0.1,no-such-host.invalid'", "--cpus,-",
    })
    void aWrongValueNamesItsOption(String option, String value) {
        var e = assertThrows(ParameterException.class, () -> LoadOptions.parse("localhost", option, value));
        assertTrue(e.getMessage().contains("nvalid value for option '" + option + "'"), e.getMessage());
    }

    @Test
    void twoBodiesAreOneTooMany() {
        assertThrows(ParameterException.class, () -> LoadOptions.parse("x", "--body", "a", "--body-file", "b"));
    }
}
