package org.libtorque.apps.load;

import org.libtorque.apps.cli.CommandException;
import org.libtorque.apps.cli.LoadOptions;

/** The load generator. */
public final class LoadGenerator {
    private LoadGenerator() {}

    /**
     * Loads a server and prints the result.
     *
     * @param options what to send, and where
     * @return exit code
     */
    public static int run(LoadOptions options) {
        throw new CommandException("this build has no load generator for " + options.url(), null);
    }
}
