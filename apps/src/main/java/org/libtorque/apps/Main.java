package org.libtorque.apps;

import java.io.IOException;
import java.util.Arrays;
import org.libtorque.apps.cli.TorqueCommand;

/** Entry point of {@code torque.jar}: runs one command and exits with its code. */
public final class Main {
    /** One line for each message of the log: time, level, text, and a stack trace if there is one. */
    private static final String LOG_FORMAT = "%1$tF %1$tT %4$s %5$s%6$s%n";

    /** The C library's text for EPIPE. */
    private static final String BROKEN_PIPE = "Broken pipe";

    private Main() {}

    /**
     * Runs the command that {@code args} name and ends the JVM: 0 done, 1 failed, 2 wrong arguments. A command has failed also if
     * what it prints could not be written; that is said unless the one who reads it has just had enough, as {@code head} has. Not so a server, whose result it is not, and which says
     * itself when its access log cannot be written. Exits even when a library left threads running, so a drained server never lingers.
     *
     * @param args command, then its options, as {@code torque help} lists them
     */
    public static void main(String[] args) {
        if (System.getProperty("java.util.logging.config.file") == null) {
            System.getProperties().putIfAbsent("java.util.logging.SimpleFormatter.format", LOG_FORMAT);
        }
        StandardOutput output = StandardOutput.install();
        int code = TorqueCommand.run(args);
        IOException fault = output.finish();
        if (fault != null && !serves(args)) {
            if (!BROKEN_PIPE.equals(fault.getMessage())) System.err.println("torque: cannot write to standard output: " + fault.getMessage());
            if (code == 0) code = 1;
        }
        System.exit(code);
    }

    private static boolean serves(String... args) { return args.length > 0 && args[0].equals("serve") && !Arrays.asList(args).contains("--help"); }
}
