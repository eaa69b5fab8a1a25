package org.libtorque.apps;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.libtorque.testkit.TestProcess;

class StandardOutputProcessTest {
    /** Starts a command whose standard output is where the shell's {@code redirection} says. */
    private static TestProcess start(String redirection, String... arguments) throws IOException {
        var command = new ArrayList<>(List.of("sh", "-c", "\"$@\" " + redirection, "sh", TestProcess.java(), "-XX:+UseSerialGC",
                "--enable-native-access=ALL-UNNAMED", "--add-exports", "java.base/jdk.internal.vm=ALL-UNNAMED", "-cp",
                System.getProperty("jdk.module.path", "") + File.pathSeparator + System.getProperty("java.class.path", ""), Main.class.getName()));
        command.addAll(List.of(arguments));
        return TestProcess.start(command.toArray(String[]::new));
    }

    @ParameterizedTest
    @ValueSource(strings = {"simulate --harts 2 --seconds 0.001", "simulate --check 1", "topology --spec core:2", "topology --spec core:2 --format json", "--version", "help", "help load", "serve --help",
            "watch --timer 5ms --quiet"})
    void aFullDiskIsAFailureOfEveryCommandThatPrints(String arguments) throws IOException {
        try (var process = start("> /dev/full", arguments.split(" "))) {
            assertEquals(1, process.awaitExit(), process::toString);
            assertEquals("torque: cannot write to standard output: No space left on device", process.stderr().getLast());
        }
    }

    @Test void whatCanBeWrittenIsNoFailure() throws IOException {
        try (var process = start("", "topology", "--spec", "core:2")) {
            assertEquals(0, process.awaitExit(), process::toString);
            assertEquals(List.of(), process.stderr());
        }
    }

    @Test void aReaderThatHasHadEnoughIsNotComplainedOf() throws IOException {
        try (var process = start("| true; echo over", "topology", "--spec", "core:2")) {
            process.awaitLine("over");
            assertEquals(0, process.awaitExit(), process::toString);
            assertEquals(List.of(), process.stderr());
        }
    }

    @Test void wrongArgumentsStayWrongArguments() throws IOException {
        try (var process = start("> /dev/full", "topology", "--nonsense")) {
            assertEquals(2, process.awaitExit(), process::toString);
        }
    }

    @Test void theFirstFaultIsRemembered() throws IOException {
        var first = new IOException("first");
        var faults = new ArrayList<>(List.of(first, new IOException("second")));
        var output = new StandardOutput(new OutputStream() {
            @Override public void write(int b) throws IOException { throw faults.removeFirst(); }
        });
        assertNull(output.finish());
        assertThrows(IOException.class, () -> output.write('x'));
        try (var print = new PrintStream(output, true)) {
            print.print("y");
        }
        assertSame(first, output.finish());
        var bytes = new ByteArrayOutputStream();
        var whole = new StandardOutput(bytes);
        whole.write('a');
        whole.write(new byte[] {'b', 'c'});
        assertNull(whole.finish());
        assertEquals("abc", bytes.toString());
    }
}
