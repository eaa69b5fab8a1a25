package org.libtorque.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.Resources;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@ResourceLock(Resources.SYSTEM_ERR)
@ResourceLock(Resources.SYSTEM_OUT)
final class BenchProgramTest {
    private static final Machine MACHINE = new Machine("a processor", 2, "Linux", "a JVM", "0123");

    @Command(name = "torque bench some", sortOptions = false)
    private static final class Some extends BenchProgram {
        @Option(names = "--cpus")
        private String cpus;

        @Option(names = "--peers", split = ",")
        private List<String> peers = List.of("a");

        @Option(names = "--fail")
        private boolean fails;

        Some() { super(7); }

        @Override void checkArguments() {
            requireKnown("peer", peers, List.of("a", "b"));
            requireCpus(cpus);
        }

        @Override String measure(Machine machine) throws IOException {
            if (fails) throw new IOException("there is no such machine");
            note("somebody slept");
            StringBuilder text = heading("Some", MACHINE, "-Xany").append(Markdown.item("Rounds", String.valueOf(rounds)));
            notes(text, "in 1 of 7 measurements others were in the way");
            return text.toString();
        }
    }

    private record Outcome(int status, String out, String err) {}

    private static Outcome run(String... args) {
        PrintStream out = System.out;
        PrintStream err = System.err;
        var toOut = new ByteArrayOutputStream();
        var toErr = new ByteArrayOutputStream();
        System.setOut(new PrintStream(toOut, true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(toErr, true, StandardCharsets.UTF_8));
        try {
            int status = BenchProgram.run(new Some(), args);
            return new Outcome(status, toOut.toString(StandardCharsets.UTF_8), toErr.toString(StandardCharsets.UTF_8));
        } finally {
            System.setOut(out);
            System.setErr(err);
        }
    }

    @Test
    void theReportIsShownAndKept(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("deep/report.md");
        Outcome outcome = run("--out", file.toString());
        assertEquals(0, outcome.status, outcome.err);
        assertTrue(outcome.out.matches("""
                # Some, \\d{4}-\\d\\d-\\d\\d

                - Machine: a processor, CPUs allowed: 2; Linux
                - JVM: a JVM; -Xany
                - Commit: 0123
                - Rounds: 7
                - Note: somebody slept
                - Note: in 1 of 7 measurements others were in the way\\.

                """), outcome.out);
        assertEquals(outcome.out, Files.readString(file));
        assertEquals("somebody slept\nin 1 of 7 measurements others were in the way.\nwritten to " + file + "\n", outcome.err);
    }

    @Test
    void wrongArgumentsAreRefusedInOneLine(@TempDir Path folder) {
        String out = folder.resolve("none.md").toString();
        assertEquals(new Outcome(2, "", "torque bench some: --rounds must be at least 1\n"), run("--out", out, "--rounds", "0"));
        assertEquals(new Outcome(2, "", "torque bench some: no peer 'c'; there are [a, b]\n"), run("--out", out, "--peers", "b,c"));
        assertEquals("torque bench some: CPUs 9999 are not all allowed: " + BenchProgram.allowedCpus() + "\n", run("--out", out, "--cpus", "9999").err);
        assertTrue(run("--out", out, "--cpus", "x").err.startsWith("torque bench some: CPUs are a list such as 0,1: "));
        assertEquals(2, run("--out", out, "--nonsense").status);
        assertFalse(Files.exists(Path.of(out)));
    }

    @Test
    void whatTheMachineExplainsIsSaidWithoutAStack(@TempDir Path folder) {
        assertEquals(new Outcome(1, "", "torque bench some: there is no such machine\n"), run("--out", folder.resolve("none.md").toString(), "--fail"));
    }

    @Test
    void helpTellsTheDefault() {
        Outcome outcome = run("--help");
        assertEquals(0, outcome.status);
        assertTrue(outcome.out.replaceAll("\\s+", " ").contains("(default: 7)"), outcome.out);
    }
}
