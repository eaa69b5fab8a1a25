package org.libtorque.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * A server that takes part.
 *
 * @param name        as it stands in the results
 * @param warms       whether it is compiled while it runs, and so needs the long warm-up
 * @param servesFiles whether it serves the root folder's index.html at /
 * @param command     how to start it
 */
record Peer(String name, boolean warms, boolean servesFiles, Command command) {
    /** Makes the command that starts a server in the foreground, before it is pinned. */
    @FunctionalInterface
    interface Command {
        /**
         * @throws UnavailableException if the server cannot run here, with the reason for the reader
         */
        List<String> line(Slot slot) throws UnavailableException, IOException;
    }

    /**
     * Where a server is to run.
     *
     * @param port    TCP port on 127.0.0.1
     * @param cpus    the CPUs that it will be pinned to, as a list of the kernel's
     * @param root    folder of the files to serve
     * @param scratch folder of its own, empty
     */
    record Slot(int port, String cpus, Path root, Path scratch) {}

    /** A server cannot take part; the message says why, and where possible how to change that. */
    static final class UnavailableException extends Exception {
        private static final long serialVersionUID = 1;

        UnavailableException(String reason) { super(reason); }
    }
}
