package org.libtorque.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** A load generator: how to call it and how to read what it prints. */
interface LoadRunner {
    /** Name as it stands in the results. */
    String name();

    /** Returns why it cannot run this case, or null if it can. */
    String obstacle(HttpCase load);

    /**
     * Whether a run has its own warm-up, which its report leaves out. If not, a run of its own warms the server up, and
     * the whole of the measured run is the window.
     */
    boolean warmsUp();

    /**
     * Returns the command that puts the load on 127.0.0.1:{@code port}.
     *
     * @param warmup  seconds before the window; ignored unless {@link #warmsUp()}
     * @param seconds length of the window
     * @param scratch a folder for files that the command needs
     */
    List<String> command(HttpCase load, int port, double warmup, double seconds, Path scratch) throws IOException;

    /**
     * Reads the report.
     *
     * @throws IllegalArgumentException if {@code output} holds none
     */
    LoadResult parse(HttpCase load, String output);
}
