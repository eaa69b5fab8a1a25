package org.libtorque.event;

import java.io.IOException;

/** A connection was closed because it took too long: it was idle, its peer took no data, or a deadline passed. No stack trace. */
public final class ConnectionTimeoutException extends IOException {
    private static final long serialVersionUID = 1L;

    /** Which of a connection's limits was passed. */
    public enum Kind {
        /** No byte came or went. */
        IDLE,
        /** Output was pending and the peer did not take it. */
        WRITE_PROGRESS,
        /** The program's own deadline. */
        DEADLINE,
        /** Connecting took too long. */
        CONNECT
    }

    private final Kind kind;

    ConnectionTimeoutException(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    /** Returns which limit was passed. */
    public Kind kind() { return kind; }

    @Override public synchronized Throwable fillInStackTrace() { return this; }
}
