package org.libtorque.memory;

/**
 * No buffer block is to be had: the pool has reached its limit. An ordinary state under overload; the connection whose
 * callback sees it out is closed, others are unaffected. Has no stack trace, since it is thrown when there is least to spare.
 */
public final class OutOfBuffersException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param message names the pool and its limit */
    public OutOfBuffersException(String message) { super(message, null, false, false); }
}
