package org.libtorque.event;

/** Told of the end of a {@link FileOperation}. */
@FunctionalInterface
public interface FileHandler {
    /**
     * @param operation which: its outcome stands until it is used again, which may be from in here
     * @throws Exception anything; goes to the runtime's failure handler
     */
    void onDone(FileOperation operation) throws Exception;
}
