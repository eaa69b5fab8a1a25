package org.libtorque.event;

/** Called under pressure. */
@FunctionalInterface
public interface PressureHandler {
    /**
     * A threshold was passed; at most once in each window.
     *
     * @throws Exception anything; goes to the failure handler, and the next one comes
     */
    void onPressure(Pressure pressure) throws Exception;
}
