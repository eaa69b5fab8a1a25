package org.libtorque.event;

/**
 * Called with what a program has sent to itself.
 *
 * @param <T> of the payload
 */
@FunctionalInterface
public interface PayloadHandler<T> {
    /**
     * Something was sent.
     *
     * @throws Exception anything; goes to the failure handler, and the next one comes
     */
    void onPayload(T payload) throws Exception;
}
