package org.libtorque.apps.topology;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;
import java.io.ByteArrayInputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class TopologyCommandTest {
    private final StringWriter out = new StringWriter(), err = new StringWriter();

    private int run(String... arguments) {
        return new CommandLine(new TopologyCommand()).setOut(new PrintWriter(out)).setErr(new PrintWriter(err)).execute(arguments);
    }

    @Test void thisMachineIsShownAsText() {
        assertEquals(0, run(), err::toString);
        assertTrue(out.toString().contains("Package 0: ("), out::toString);
        assertTrue(out.toString().contains("Scheduling levels:"));
    }

    @Test void jsonHasTheKeysOfTheSchemaAndOurOwn() {
        assertEquals(0, run("--format", "json", "--spec", "node:2 core:2 hart:2 l2:core distance:10,20"));
        var json = JsonParser.parseString(out.toString()).getAsJsonObject();
        for (String key : new String[] {"schema", "pus", "packages", "caches", "numa_nodes", "distances", "tlbs", "features", "levels",
                "limits"}) {
            assertTrue(json.has(key), key);
        }
        assertEquals("topology-expected/1", json.get("schema").getAsString());
        assertTrue(out.toString().contains("\"pus\": [0, 1, 2, 3, 4, 5, 6, 7]"), "numbers stand on one line");
    }

    @ParameterizedTest
    @ValueSource(strings = {"core:1", "package:2 core:64 hart:2 l2:core l3:core*8 memory:256G offline:3 allowed:0-9",
        "core:2 name:\"<script>&amp;'\" gpu:\"<b>\"/8.6/128/1G", "node:3 core:2,4 kinds:2*1,8*0 distance:10,20"})
    void svgIsWellFormedWhateverNamesSay(String spec) throws Exception {
        assertEquals(0, run("-f", "svg", "--spec", spec), err::toString);
        // The module under test has no use for XML parsers itself.
        TopologyCommandTest.class.getModule().addReads(ModuleLayer.boot().findModule("java.xml").orElseThrow());
        var factory = DocumentBuilderFactory.newInstance();
        var document = factory.newDocumentBuilder().parse(new ByteArrayInputStream(out.toString().getBytes(StandardCharsets.UTF_8)));
        assertEquals("svg", document.getDocumentElement().getTagName());
        assertEquals(0, document.getElementsByTagName("script").getLength());
    }

    @Test void everyCpuHasItsSquareAndOursAreMarked() {
        assertEquals(0, run("-f", "svg", "--spec", "package:2 core:8 hart:2 allowed:0-3"));
        assertEquals(4 + 1, out.toString().split("class=\"cpu\"", -1).length - 1, "four and the legend's");
        assertEquals(28 + 1, out.toString().split("class=\"kept\"", -1).length - 1);
    }

    @Test void mistakesAreOneLineOnStandardErrorAndExitCode1(@TempDir Path folder) throws Exception {
        assertEquals(1, run("--cpuid-dump", folder.toString()));
        Files.writeString(folder.resolve("pu0"), "1 0\n");
        assertEquals(1, run("--cpuid-dump", folder.toString()));
        assertTrue(err.toString().contains("pu0:1: "), err::toString);
        assertEquals("", out.toString());
    }

    @Test void sourcesExcludeEachOtherAndFormatsAreChecked() {
        assertEquals(2, run("--spec", "core:1", "--sysfs-root", "/"));
        assertEquals(2, run("--format", "pdf"));
        assertEquals(2, run("--watch", "--spec", "core:1"));
        assertEquals(2, run("--watch", "--format", "json"));
        assertEquals(2, run("--version"), "every command has that of torque");
    }

    @Test void aWrongSpecIsAWrongArgument() {
        assertEquals(2, run("--spec", "core:none"));
        assertTrue(err.toString().startsWith("invalid value for option '--spec': spec, column 6: core: 'none' is not a number"), err::toString);
        assertEquals(2, run("--spec", ""));
    }

    @Test void aFolderWithoutANameIsNotTheCurrentOne() {
        assertEquals(2, run("--sysfs-root", ""));
        assertTrue(err.toString().startsWith("invalid value for option '--sysfs-root': the name is empty"), err::toString);
        assertEquals(2, run("--cpuid-dump", ""));
    }
}
