package org.libtorque.apps.cli;

/**
 * A failure that the person at the terminal can do something about: an address in use, a file that cannot be read. It is
 * reported as one line, without a stack trace, and the command exits with code 1.
 */
public final class CommandException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * @param message what went wrong and what to change, without a trailing full stop
     * @param cause   what was caught, or null
     */
    public CommandException(String message, Throwable cause) {
        super(message, cause);
    }
}
