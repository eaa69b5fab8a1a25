package org.libtorque.apps.simulate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.ByteArrayInputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.libtorque.sim.Policy;
import org.libtorque.sim.Workload;
import picocli.CommandLine;

class SimulateCommandTest {
    private static final String[] BRIEF = {"--harts", "4", "--seconds", "0.005"};

    private final StringWriter out = new StringWriter(), err = new StringWriter();

    private int run(String... arguments) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        return new CommandLine(new SimulateCommand()).setOut(new PrintWriter(out)).setErr(new PrintWriter(err)).execute(arguments);
    }

    private static String[] with(String[] some, String... more) { return Stream.concat(Arrays.stream(some), Arrays.stream(more)).toArray(String[]::new); }

    @ParameterizedTest @ValueSource(strings = {"text", "json", "svg"})
    void equalArgumentsGiveEqualOutputToTheByte(String format) {
        assertEquals(0, run(with(BRIEF, "--format", format)), err::toString);
        String once = out.toString();
        assertEquals(0, run(with(BRIEF, "--format", format, "--timing")), err::toString);
        assertEquals(once, out.toString());
        assertFalse(err.toString().isEmpty(), "real time is told apart from the result");
        assertEquals(0, run(with(BRIEF, "--format", format, "--seed", "2")));
        assertFalse(once.equals(out.toString()), "another seed");
    }

    @Test void theTableHasALineForEachWorkloadAndPolicyAndIsAligned() {
        assertEquals(0, run(BRIEF), err::toString);
        String[] lines = out.toString().split("\n");
        for (Workload workload : Workload.values()) {
            for (Policy policy : Policy.values()) {
                assertTrue(Arrays.stream(lines).anyMatch(l -> l.matches(" *4 +" + workload.label() + " +" + policy.label() + " .*")), workload + " " + policy);
            }
        }
        int column = lines[0].indexOf("policy");
        for (String line : lines) assertEquals(' ', line.charAt(column - 1), line);
    }

    @Test void jsonSaysWhatWasSimulatedAndWhatCameOfIt() {
        assertEquals(0, run("--spec", "core:2 hart:2", "--seconds", "0.005", "-w", "fat", "-p", "netty,static", "--format", "json", "--loop", "closed"), err::toString);
        JsonObject root = JsonParser.parseString(out.toString()).getAsJsonObject();
        assertEquals("torque-simulate/1", root.get("schema").getAsString());
        assertEquals(2, root.getAsJsonArray("results").size());
        JsonObject first = root.getAsJsonArray("results").get(0).getAsJsonObject();
        assertEquals("core:2 hart:2", first.get("machine").getAsString());
        assertEquals(4, first.get("harts").getAsInt());
        assertEquals("netty", first.get("policy").getAsString());
        assertTrue(first.get("closed_loop").getAsBoolean());
        assertEquals(128, first.get("connections").getAsInt());
        assertEquals(2, first.getAsJsonArray("kinds").size());
        assertTrue(first.getAsJsonArray("kinds").get(1).getAsJsonObject().get("wait_p99").getAsLong() > 1_000_000);
    }

    @Test void severalSeedsMakeMedians() {
        double[] throughputs = new double[3];
        for (int seed = 1; seed <= 3; seed++) {
            assertEquals(0, run(with(BRIEF, "-w", "zipf", "-p", "static", "--format", "json", "--seed", "" + seed)), err::toString);
            throughputs[seed - 1] = onlyResult().get("throughput").getAsDouble();
            assertFalse(onlyResult().has("seeds"));
        }
        Arrays.sort(throughputs);
        assertTrue(throughputs[0] < throughputs[1] && throughputs[1] < throughputs[2], "or the median could be any");
        assertEquals(0, run(with(BRIEF, "-w", "zipf", "-p", "static", "--format", "json", "--repeat", "3")), err::toString);
        assertEquals(throughputs[1], onlyResult().get("throughput").getAsDouble());
        assertEquals(3, onlyResult().get("seeds").getAsInt());
    }

    private JsonObject onlyResult() { return JsonParser.parseString(out.toString()).getAsJsonObject().getAsJsonArray("results").get(0).getAsJsonObject(); }

    @Test void aPictureOfEachFigureAndTheTableComeFromOneRun(@TempDir Path folder) throws Exception {
        assertEquals(0, run("--harts", "2,8", "--seconds", "0.002", "--format", "text,svg", "--plot", "p99,throughput,moves,busy", "--out", folder.toString()), err::toString);
        assertTrue(Files.readString(folder.resolve("simulate.txt")).contains("cpu-loss"));
        for (String figure : new String[] {"p99", "throughput", "moves", "busy"}) {
            String svg = Files.readString(folder.resolve("simulate-" + figure + ".svg"));
            DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8)));
            for (Workload workload : Workload.values()) assertTrue(svg.contains(">" + workload.label()), workload::label);
            assertFalse(svg.contains("NaN") || svg.contains("Infinity"), figure);
        }
    }

    @ParameterizedTest @ValueSource(strings = {"4", "2,4,8"})
    void picturesAreWellFormed(String harts) throws Exception {
        assertEquals(0, run("--harts", harts, "--seconds", "0.002", "--format", "svg"), err::toString);
        SimulateCommandTest.class.getModule().addReads(ModuleLayer.boot().findModule("java.xml").orElseThrow());
        var document = DocumentBuilderFactory.newInstance().newDocumentBuilder()
                .parse(new ByteArrayInputStream(out.toString().getBytes(StandardCharsets.UTF_8)));
        assertEquals("svg", document.getDocumentElement().getTagName());
        assertTrue(document.getElementsByTagName("circle").getLength() >= Workload.values().length * Policy.values().length);
        assertFalse(out.toString().contains("NaN") || out.toString().contains("Infinity"));
    }

    @Test void outPutsTheReportIntoAFile(@TempDir Path folder) throws Exception {
        Path made = folder.resolve("a/b");
        assertEquals(0, run(with(BRIEF, "-w", "slow", "--out", made.toString())), err::toString);
        assertEquals("", out.toString());
        assertTrue(Files.readString(made.resolve("simulate.txt")).contains("slow"));
    }

    @Test void aFolderThatCannotBeHadIsSaidBeforeAnythingIsPlayed(@TempDir Path folder) throws Exception {
        Path file = Files.writeString(folder.resolve("file"), "mine");
        for (Path out : new Path[] {file, file.resolve("below")}) {
            assertEquals(1, run(with(BRIEF, "--timing", "--out", out.toString())));
            assertTrue(err.toString().contains("cannot make folder " + out + ": "), err::toString);
            assertFalse(err.toString().contains("s of CPU"), err::toString);
        }
        assertEquals(2, run(with(BRIEF, "--timing", "--out", "")));
        assertTrue(err.toString().contains("invalid value for option '--out': the name is empty"), err::toString);
        assertEquals("mine", Files.readString(file));
    }

    @Test void behindTheGreatestSeedComesTheLeast() {
        assertEquals(0, run("--check", "2", "--seed", Long.toString(Long.MAX_VALUE)), err::toString);
        assertFalse(out.toString().contains(": 0 events"), "nothing was checked: " + out);
        assertEquals(0, run(with(BRIEF, "-w", "slow", "-p", "static", "--repeat", "2", "--seed", Long.toString(Long.MAX_VALUE))), err::toString);
    }

    @Test void checksRunOneSeedAfterTheOther() {
        assertEquals(0, run("--check", "3", "--seed", "5"), err::toString);
        assertTrue(out.toString().matches("3 checks from seed 5 on: [0-9]+ events, nothing found\n"), out::toString);
    }

    @ParameterizedTest @CsvSource(delimiter = '|', textBlock = """
        --harts 0              | Invalid value for option '--harts': 0 is not within 1 to 4096
        --harts 1,5000         | invalid value for option '--harts': 5000 is not within 1 to 4096
        --spec nope:1          | invalid value for option '--spec': spec, column
        --harts 2 --spec core:1 | are mutually exclusive
        -w nope                | 'nope' is not one of balanced, zipf, fat
        -p nope                | 'nope' is not one of ideal, netty, shared, random, static, steal, migrate
        --load 0               | invalid value for option '--load': 0.0 is not above 0 and at most 4
        -c 0                   | invalid value for option '--connections': 0 is not within 1 to 4096
        --seconds 0            | invalid value for option '--seconds': 0.0 is not within
        --format nope          | 'nope' is not one of text, json, svg
        --loop nope            | 'nope' is not one of open, closed
        --check 0              | invalid value for option '--check': 0 is not within""")
    void wrongArgumentsAreNamed(String arguments, String message) {
        assertEquals(2, run(arguments.split(" ")));
        assertTrue(err.toString().toLowerCase().contains(message.toLowerCase()), err::toString);
    }

    @Test void helpNamesEveryWorkloadAndPolicy() {
        assertEquals(0, run("--help"));
        for (Workload w : Workload.values()) assertTrue(out.toString().contains("\n  " + w.label() + " "), w::label);
        for (Policy p : Policy.values()) assertTrue(out.toString().contains("\n  " + p.label() + " "), p::label);
    }
}
