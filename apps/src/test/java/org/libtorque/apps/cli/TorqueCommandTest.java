package org.libtorque.apps.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.BindException;
import java.util.concurrent.Callable;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import picocli.CommandLine;
import picocli.CommandLine.Command;

class TorqueCommandTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(CommandLine command, String... args) {
        return command.setOut(new PrintWriter(out)).setErr(new PrintWriter(err)).execute(args);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "                                | torque: no command given (see 'torque help')",
        "nope                            | torque: unknown command 'nope' (see 'torque help')",
        "--nope                          | torque: unknown option '--nope' (see 'torque help')",
        "help nope                       | torque: unknown subcommand 'nope' (see 'torque help')",
        "serve --nope                    | torque serve: unknown option '--nope' (see 'torque help serve')",
        "serve extra                     | torque serve: unexpected argument 'extra' (see 'torque help serve')",
        "serve --port                    | torque serve: missing required parameter for option '--port' (N) (see 'torque help serve')",
        "serve --port http               | torque serve: invalid value for option '--port': 'http' is not a number (see 'torque help serve')",
        "serve --port 70000              | torque serve: invalid value for option '--port': 70000 is not within 0 to 65535 (see 'torque help serve')",
        "serve --backlog 0               | torque serve: invalid value for option '--backlog': 0 is less than 1 (see 'torque help serve')",
        "serve --port 1 --port 2         | torque serve: option '--port' (N) should be specified only once (see 'torque help serve')",
        "serve --idle-timeout 10         | torque serve: invalid value for option '--idle-timeout': '10' is not a time such as 500ms, 10s or 2m (see 'torque help serve')",
        "load                            | torque load: missing required parameter: 'URL' (see 'torque help load')",
        "load ftp://x                    | torque load: invalid value for URL: 'ftp://x': only http URLs can be loaded (see 'torque help load')",
        "load x --body a --body-file b   | torque load: --body=TEXT, --body-file=FILE are mutually exclusive (specify only one) (see 'torque help load')",
    })
    void wrongArgumentsGiveOneLineAndExitCode2(String args, String expected) {
        assertEquals(2, run(TorqueCommand.commandLine(), args == null ? new String[0] : args.strip().split(" +")));
        assertEquals(expected + System.lineSeparator(), err.toString());
        assertEquals("", out.toString());
    }

    @ParameterizedTest
    @CsvSource({"help,Usage: torque ", "--help,Usage: torque ", "help serve,Usage: torque serve ", "load --help,Usage: torque load ", "--version,libtorque "})
    void helpGoesToStandardOutputAndSucceeds(String args, String start) {
        assertEquals(0, run(TorqueCommand.commandLine(), args.split(" ")));
        assertTrue(out.toString().startsWith(start), out.toString());
        assertEquals("", err.toString());
    }

    /** Ends as {@code outcome} says. */
    @Command(name = "probe")
    private record Probe(Callable<Integer> outcome) implements Callable<Integer> {
        @Override
        public Integer call() throws Exception {
            return outcome.call();
        }
    }

    private int probe(Callable<Integer> outcome) {
        return run(TorqueCommand.configure(new CommandLine(new Probe(outcome))));
    }

    @Test
    void theCommandsOwnCodeIsTheExitCode() {
        assertEquals(0, probe(() -> 0));
        assertEquals(3, probe(() -> 3));
        assertEquals("", err.toString());
    }

    @Test
    void aFailureThatTheUserCanMendIsOneLine() {
        assertEquals(1, probe(() -> { throw new CommandException("port 80 needs privileges.", null); }));
        assertEquals(1, probe(() -> { throw new BindException("Address\n in use"); }));
        assertEquals(1, probe(() -> { throw new IOException(); }));
        assertEquals("probe: port 80 needs privileges%nprobe: Address in use%nprobe: java.io.IOException%n".formatted(), err.toString());
    }

    @Test
    void aDefectKeepsItsStackTrace() {
        assertEquals(1, probe(() -> { throw new IllegalStateException("broken"); }));
        assertTrue(err.toString().startsWith("probe: internal error%njava.lang.IllegalStateException: broken%n\tat ".formatted()), err.toString());
    }
}
