package org.libtorque.event;

import org.libtorque.vcore.Task;

/** Something that another colour, or a thread of the program, asks of a connection: runs under the connection's colour. */
final class ConnectionRequest extends Task {
    enum Kind { CLOSE, ABORT, RUN }

    private final StreamConnection connection;
    private final Kind kind;
    private final Runnable action;

    /** {@code action}: what to {@link Kind#RUN}, or null. */
    ConnectionRequest(StreamConnection connection, Kind kind, Runnable action) {
        super(connection.color());
        this.connection = connection;
        this.kind = kind;
        this.action = action;
    }

    @Override protected void run() {
        switch (kind) {
            case CLOSE -> connection.close();
            case ABORT -> connection.abort();
            case RUN -> {
                if (!connection.hasEnded()) action.run();
            }
        }
    }

    @Override protected void failed(Throwable cause) { connection.failed(cause); }
}
