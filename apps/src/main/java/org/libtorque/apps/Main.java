package org.libtorque.apps;

import org.libtorque.apps.cli.TorqueCommand;

/** Entry point of {@code torque.jar}: runs one command and exits with its code. */
public final class Main {
    /** One line for each message of the log: time, level, text, and a stack trace if there is one. */
    private static final String LOG_FORMAT = "%1$tF %1$tT %4$s %5$s%6$s%n";

    private Main() {}

    /**
     * Runs the command that {@code args} name and ends the JVM: 0 done, 1 failed, 2 wrong arguments. Exits even when a
     * library left threads running, so a drained server never lingers.
     *
     * @param args command, then its options, as {@code torque help} lists them
     */
    public static void main(String[] args) {
        if (System.getProperty("java.util.logging.config.file") == null) {
            System.getProperties().putIfAbsent("java.util.logging.SimpleFormatter.format", LOG_FORMAT);
        }
        System.exit(TorqueCommand.run(args));
    }
}
