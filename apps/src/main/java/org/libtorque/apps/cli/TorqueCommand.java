package org.libtorque.apps.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Callable;

import org.libtorque.apps.simulate.SimulateCommand;
import org.libtorque.apps.topology.TopologyCommand;
import org.libtorque.apps.watch.WatchCommand;
import org.libtorque.hardware.CpuSet;

import org.libtorque.vcore.Balance;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The {@code torque} command: its subcommands, and how every one of them reports trouble. Wrong arguments give one line on standard
 * error and exit code 2; a {@link CommandException} or an I/O error gives one line and 1; any other exception is a defect and
 * keeps its stack trace, with code 1.
 */
@Command(name = "torque",
        description = "libtorque for the JVM: gives a program its cores and keeps them busy.",
        subcommands = {ServeCommand.class, LoadCommand.class, TopologyCommand.class, SimulateCommand.class, WatchCommand.class, HelpCommand.class},
        mixinStandardHelpOptions = true,
        versionProvider = TorqueCommand.Version.class,
        synopsisSubcommandLabel = "COMMAND")
public final class TorqueCommand implements Callable<Integer> {
    /** Exit codes: done, failed, wrong arguments. */
    static final int OK = 0, FAILED = 1, USAGE = 2;

    @Spec private CommandSpec spec;

    TorqueCommand() {}

    /**
     * Runs one command on the calling thread and returns when it has ended.
     *
     * @param args command and options
     * @return exit code: 0 done, 1 failed, 2 wrong arguments
     */
    public static int run(String... args) {
        return commandLine().execute(args);
    }

    static CommandLine commandLine() {
        return configure(new CommandLine(new TorqueCommand()));
    }

    /** Gives {@code command} and its subcommands our value syntax and our way of reporting errors. */
    static CommandLine configure(CommandLine command) {
        return command
                .registerConverter(Duration.class, Parse::duration)
                .registerConverter(InetAddress.class, Parse::address)
                .registerConverter(BackendChoice.class, Parse::backend)
                .registerConverter(Balance.class, Parse::balance)
                .registerConverter(ServeMode.class, Parse::mode)
                .registerConverter(CpuSet.class, Parse::cpuList)
                .registerConverter(HttpField.class, Parse::field)
                .registerConverter(URI.class, Parse::url)
                .setOut(new PrintWriter(System.out, true, StandardCharsets.UTF_8))
                .setErr(new PrintWriter(System.err, true, StandardCharsets.UTF_8))
                .setUsageHelpWidth(100)
                .setUsageHelpAutoWidth(true)
                .setAbbreviatedOptionsAllowed(false)
                .setParameterExceptionHandler((e, args) -> {
                    e.getCommandLine().getErr().println(describe(e));
                    return USAGE;
                })
                .setExecutionExceptionHandler((e, failed, parsed) -> {
                    var err = failed.getErr();
                    var name = failed.getCommandSpec().qualifiedName();
                    if (e instanceof CommandException || e instanceof IOException || e instanceof UncheckedIOException) {
                        err.println(name + ": " + oneLine(e.getMessage() == null ? e.toString() : e.getMessage()));
                    } else {
                        err.println(name + ": internal error");
                        e.printStackTrace(err);
                    }
                    return FAILED;
                });
    }

    @Override
    public Integer call() {
        throw new ParameterException(spec.commandLine(), "no command given");
    }

    /** {@code torque serve: <what is wrong> (see 'torque help serve')}, always one line. */
    private static String describe(ParameterException e) {
        var spec = e.getCommandLine().getCommandSpec();
        var root = spec.parent() == null;
        var what = e.getMessage().startsWith("Error: ") ? e.getMessage().substring("Error: ".length()) : e.getMessage();
        if (e instanceof UnmatchedArgumentException unmatched) {
            var arg = unmatched.getUnmatched().getFirst();
            var kind = arg.startsWith("-") ? "unknown option" : root ? "unknown command" : "unexpected argument";
            what = kind + " '" + arg + "'";
        }
        var see = root || spec.name().equals("help") ? "torque help" : "torque help " + spec.name();
        return spec.qualifiedName() + ": " + decapitalised(oneLine(what)) + " (see '" + see + "')";
    }

    private static String oneLine(String message) {
        var line = message.replaceAll("\\s*\\R\\s*", " ").strip()
                .replaceFirst(" is not an? (int|long)$", " is not a number")
                .replaceFirst("positional parameter at index \\d+ \\((.*?)\\)", "$1");
        return line.endsWith(".") ? line.substring(0, line.length() - 1) : line;
    }

    /** picocli's own messages begin with a capital; ours follow a colon. */
    private static String decapitalised(String message) {
        var capitalised = message.length() > 1 && Character.isUpperCase(message.charAt(0)) && Character.isLowerCase(message.charAt(1));
        return capitalised ? message.substring(0, 1).toLowerCase(Locale.ROOT) + message.substring(1) : message;
    }

    /** Version from the jar's manifest; classes run from a build tree have none. */
    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            var version = TorqueCommand.class.getPackage().getImplementationVersion();
            return new String[] {"libtorque %s (Java %s, Linux %s, %s)".formatted(version == null ? "development build" : version,
                    Runtime.version(), System.getProperty("os.version"), System.getProperty("os.arch"))};
        }
    }
}
