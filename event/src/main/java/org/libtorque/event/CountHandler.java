package org.libtorque.event;

/** Called with how much was counted. */
@FunctionalInterface
public interface CountHandler {
    /**
     * Something was added.
     *
     * @param count the sum of what was added since the last call, above 0
     * @throws Exception anything; goes to the failure handler, and the next call comes
     */
    void onCount(long count) throws Exception;
}
