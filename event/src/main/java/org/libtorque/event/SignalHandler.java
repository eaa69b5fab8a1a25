package org.libtorque.event;

/** Called with each signal. */
@FunctionalInterface
public interface SignalHandler {
    /**
     * @param info what came
     * @throws Exception anything; goes to the failure handler, and the registration lives on
     */
    void onSignal(SignalInfo info) throws Exception;
}
