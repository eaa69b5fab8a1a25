package org.libtorque.event;

/** A read handler consumed nothing although as much as a connection keeps was there. */
public final class ReadBufferFullException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    ReadBufferFullException(int bytes) {
        super("the read handler left " + bytes + " bytes unconsumed, which is as much as a connection keeps; consume what can be dealt with, "
                + "or configure larger buffer blocks");
    }
}
