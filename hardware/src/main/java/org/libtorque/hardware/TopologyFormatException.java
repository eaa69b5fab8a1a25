package org.libtorque.hardware;

/** A dump, a sysfs tree or a spec cannot be understood. The message begins with the file and the line, or the column. */
public final class TopologyFormatException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param message begins with the place */
    public TopologyFormatException(String message) { super(message); }

    static TopologyFormatException at(Object file, int line, String what) {
        return new TopologyFormatException(file + ":" + line + ": " + what);
    }
}
