package org.libtorque.event;

import java.io.IOException;

/** A file could not be opened. Has no stack trace: being asked for a file that is not there is an ordinary outcome. */
public final class FileOpenException extends IOException {
    private static final long serialVersionUID = 1L;

    /** Why it could not. */
    public enum Reason {
        /** There is no such file, or something on the way to it is not a directory. */
        NOT_FOUND,
        /** Permission was denied. */
        FORBIDDEN,
        /** The path leaves the root, by dot segments or by a link. */
        OUTSIDE,
        /** There is a symbolic link in the path, and links were not to be followed. */
        LINK,
        /** The process or system is out of descriptors or memory; trying later may succeed. */
        EXHAUSTED,
        /** Anything else; the message names the errno. */
        OTHER
    }

    private final Reason reason;

    private final int errno;

    FileOpenException(Reason reason, int errno, String message) {
        super(message);
        this.reason = reason;
        this.errno = errno;
    }

    int errno() { return errno; }

    /** Returns why it could not be opened. */
    public Reason reason() { return reason; }

    @Override public synchronized Throwable fillInStackTrace() { return this; }
}
