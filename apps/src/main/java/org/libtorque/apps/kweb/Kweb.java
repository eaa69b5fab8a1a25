package org.libtorque.apps.kweb;

import org.libtorque.apps.cli.CommandException;
import org.libtorque.apps.cli.ServeOptions;

/** The web server. */
public final class Kweb {
    private Kweb() {}

    /**
     * Serves until told to stop.
     *
     * @param options what to serve, and where
     * @return exit code
     */
    public static int run(ServeOptions options) {
        throw new CommandException("this build has no web server for " + options.listenAddress(), null);
    }
}
