package org.libtorque.event;

import org.libtorque.memory.ByteView;

/** Called with what a child has written. */
@FunctionalInterface
public interface OutputHandler {
    /**
     * @param child which
     * @param data  what it has written, at least one byte, valid until this returns; what is not consumed is gone
     * @throws Exception anything; goes to the failure handler, and the next bytes come
     */
    void onOutput(ChildProcess child, ByteView data) throws Exception;

    /**
     * There will be no more: everybody who had the other end has closed it.
     *
     * @throws Exception anything; goes to the failure handler
     */
    default void onEnd(ChildProcess child) throws Exception { }
}
