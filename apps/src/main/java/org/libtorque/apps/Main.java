package org.libtorque.apps;

import org.libtorque.apps.cli.TorqueCommand;

/** Entry point of {@code torque.jar}: runs one command and exits with its code. */
public final class Main {
    private Main() {}

    /**
     * Runs the command that {@code args} name and ends the JVM: 0 done, 1 failed, 2 wrong arguments. Exits even when a
     * library left threads running, so a drained server never lingers.
     *
     * @param args command, then its options, as {@code torque help} lists them
     */
    public static void main(String[] args) {
        System.exit(TorqueCommand.run(args));
    }
}
